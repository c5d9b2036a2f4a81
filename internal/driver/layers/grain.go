package layers

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

const (
	leafBytes  = 4 << 20 // of the volume, that one leaf tells of
	pageLeaves = 1024    // so a page tells of 4 GiB

	// zeroed stands for zeroes that have their space in the head.
	zeroed = 1<<16 - 1
)

// table tells for each grain which layer holds it: 0 is none, so zeroes. What was
// never written costs nothing, a 4 MiB leaf of one layer 32 bytes, any other
// leaf 2 bytes a grain. Reading takes no lock; writers of different grains may run
// at the same time.
type table struct {
	shift uint  // log2 of the grain in bytes
	leaf  int64 // grains of a leaf

	mu    sync.Mutex // of growing
	pages atomic.Pointer[[]*page]
}

// page is a slot for each of its leaves; nil is a leaf without data.
type page [pageLeaves]atomic.Pointer[leaf]

// leaf is of one layer, or, with words, of two grains a word.
type leaf struct {
	uniform uint16
	words   []atomic.Uint32
}

func newTable(grain, size int64) *table {
	t := &table{shift: uint(bits.TrailingZeros64(uint64(grain))), leaf: leafBytes / grain}
	t.pages.Store(&[]*page{})
	t.grow(size)
	return t
}

// grow makes room for a volume of size bytes; pages themselves come with the first write.
func (t *table) grow(size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.pages.Load()
	if n := int((size-1)/(leafBytes*pageLeaves)) + 1; n > len(old) {
		pages := make([]*page, n)
		copy(pages, old)
		t.pages.Store(&pages)
	}
}

// page finds the page of a leaf, or nil.
func (t *table) page(leaf int64) *page { return (*t.pages.Load())[leaf/pageLeaves] }

// makePage finds or makes it. The list is copied: readers hold the old one.
func (t *table) makePage(leaf int64) *page {
	if p := t.page(leaf); p != nil {
		return p
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	old := *t.pages.Load()
	if p := old[leaf/pageLeaves]; p != nil {
		return p
	}
	pages := append([]*page(nil), old...)
	pages[leaf/pageLeaves] = new(page)
	t.pages.Store(&pages)
	return pages[leaf/pageLeaves]
}

// load finds a leaf, or nil.
func (t *table) load(n int64) *leaf {
	if p := t.page(n); p != nil {
		return p[n%pageLeaves].Load()
	}
	return nil
}

// at tells the layer of grain i of the leaf.
func (l *leaf) at(i int64) uint16 {
	if l == nil {
		return 0
	}
	if l.words == nil {
		return l.uniform
	}
	return uint16(l.words[i/2].Load() >> (16 * (i % 2)))
}

// split makes a leaf with words of one that has none, of n grains.
func (l *leaf) split(n int64) *leaf {
	words := make([]atomic.Uint32, (n+1)/2)
	if both := uint32(l.at(0)); both != 0 {
		for w := range words {
			words[w].Store(both<<16 | both)
		}
	}
	return &leaf{words: words}
}

// put changes one grain of a leaf with words.
func (l *leaf) put(i int64, layer uint16) {
	shift := 16 * (i % 2)
	for {
		old := l.words[i/2].Load()
		if l.words[i/2].CompareAndSwap(old, old&^(0xffff<<shift)|uint32(layer)<<shift) {
			return
		}
	}
}

// swap changes one grain of a leaf with words if it is of layer old.
func (l *leaf) swap(i int64, old, layer uint16) {
	shift := 16 * (i % 2)
	for {
		was := l.words[i/2].Load()
		if uint16(was>>shift) != old || l.words[i/2].CompareAndSwap(was, was&^(0xffff<<shift)|uint32(layer)<<shift) {
			return
		}
	}
}

// get tells the layer of a grain.
func (t *table) get(grain int64) uint16 { return t.load(grain / t.leaf).at(grain % t.leaf) }

// run tells the layer of a grain and how many from there on, most at most, have the same.
func (t *table) run(grain, most int64) (layer uint16, n int64) {
	layer = t.get(grain)
	for n < most {
		l, i := t.load((grain+n)/t.leaf), (grain+n)%t.leaf
		if l == nil || l.words == nil {
			if l.at(i) != layer {
				return layer, max(n, 1) // the first may have changed since
			}
			n += t.leaf - i
			continue
		}
		for ; i < t.leaf && n < most; i++ {
			if l.at(i) != layer {
				return layer, max(n, 1)
			}
			n++
		}
	}
	return layer, min(n, most)
}

// each calls do with each run of one layer other than 0, ascending.
func (t *table) each(do func(first, n int64, layer uint16)) {
	pages := *t.pages.Load()
	for p, page := range pages {
		if page == nil {
			continue
		}
		base, end := int64(p)*pageLeaves*t.leaf, int64(p+1)*pageLeaves*t.leaf
		for g := base; g < end; {
			layer, n := t.run(g, end-g)
			if layer != 0 {
				do(g, n, layer)
			}
			g += n
		}
	}
}

// replace makes one layer another in n grains; others may write elsewhere in the
// table, or there, meanwhile.
func (t *table) replace(grain, n int64, old, layer uint16) {
	for n > 0 {
		i := grain % t.leaf
		k := min(n, t.leaf-i)
		if p := t.page(grain / t.leaf); p != nil {
			t.replacePart(&p[grain/t.leaf%pageLeaves], i, k, old, layer)
		}
		grain, n = grain+k, n-k
	}
}

func (t *table) replacePart(slot *atomic.Pointer[leaf], i, k int64, old, layer uint16) {
	for {
		l := slot.Load()
		switch {
		case l == nil || (l.words == nil && l.uniform != old):
			return
		case l.words == nil && k == t.leaf:
			if slot.CompareAndSwap(l, &leaf{uniform: layer}) {
				return
			}
			continue
		case l.words == nil:
			slot.CompareAndSwap(l, l.split(t.leaf)) // or another did
			continue
		}
		for j := i; j < i+k; j++ {
			l.swap(j, old, layer)
		}
		return
	}
}

// set writes the layer of n grains.
func (t *table) set(grain, n int64, layer uint16) {
	for n > 0 {
		i := grain % t.leaf
		k := min(n, t.leaf-i)
		slot := &t.makePage(grain / t.leaf)[grain/t.leaf%pageLeaves]
		if k == t.leaf {
			slot.Store(&leaf{uniform: layer})
		} else {
			t.setPart(slot, i, k, layer)
		}
		grain, n = grain+k, n-k
	}
}

// setPart writes k grains from i on. When another has replaced the leaf meanwhile it does so again.
func (t *table) setPart(slot *atomic.Pointer[leaf], i, k int64, layer uint16) {
	for {
		old := slot.Load()
		if old != nil && old.words == nil && old.uniform == layer {
			return
		}
		l := old
		if l == nil || l.words == nil {
			l = old.split(t.leaf)
		}
		for j := i; j < i+k; j++ {
			l.put(j, layer)
		}
		// A leaf that was replaced as a whole took these grains with it, to the
		// same layer: all who write at one time write to the head.
		if l == old || slot.CompareAndSwap(old, l) {
			return
		}
	}
}
