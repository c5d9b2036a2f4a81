package layers

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// goodManifest has all that a manifest can have: a clone with a branch, a snapshot
// of nothing, and a snapshot that is being made.
func goodManifest() *manifest {
	sum := strings.Repeat("5a", 32)
	return &manifest{
		Volume: "a", Size: 3 * mib, Grain: 4096, Segment: 8 << 40, Fence: 7,
		From: &origin{Volume: "b", Snapshot: "c"}, Next: 6, Head: 5,
		Layers: []layer{
			{Number: 1, Size: mib, Grains: 3, Map: sum, Loose: true},
			{Number: 2, Parent: 1, Size: 2 * mib, Grains: 1, Zeros: 2, Map: sum, Sums: sum, Revision: 4},
			{Number: 3, Parent: 1, Size: mib, Grains: 256, Map: sum},
			{Number: 4, Parent: 2, Size: 2 * mib},
			{Number: 5, Parent: 4, Size: 3 * mib},
		},
		Snapshots: []snapshot{{ID: "d", Size: mib}, {ID: "e", Layer: 3, Size: mib}, {ID: "f", Layer: 2, Size: 3 * mib}},
		Trash:     []string{"layer-000006.0", "layer-000002.map.3"},
	}
}

func TestManifestIsReadAsItWasWritten(t *testing.T) {
	want := goodManifest()
	text, err := want.encode()
	must(t, err)
	got, err := parseManifest(text)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if chain := got.chain(5); len(chain) != 4 || chain[0].Number != 1 || chain[3].Number != 5 {
		t.Errorf("the chain of the head is %v", chain)
	}
}

func TestManifestThatMakesNoSenseIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(m *manifest){
		"unsafe volume id":          func(m *manifest) { m.Volume = "../a" },
		"no size":                   func(m *manifest) { m.Size = 0 },
		"huge size":                 func(m *manifest) { m.Size = 1 << 62 },
		"grain of 3":                func(m *manifest) { m.Grain = 3 },
		"grain of 0":                func(m *manifest) { m.Grain = 0 },
		"segment of 0":              func(m *manifest) { m.Segment = 0 },
		"too many segments":         func(m *manifest) { m.Segment = 4096 },
		"negative fence":            func(m *manifest) { m.Fence = -1 },
		"no layers":                 func(m *manifest) { m.Layers = nil },
		"too many layers":           func(m *manifest) { m.Layers = make([]layer, maxLayers+1) },
		"layer number of next":      func(m *manifest) { m.Next = 5 },
		"layer twice":               func(m *manifest) { m.Layers[1].Number = 1 },
		"layer larger than volume":  func(m *manifest) { m.Layers[1].Size = 4 * mib },
		"parent after child":        func(m *manifest) { m.Layers[0].Parent = 2 },
		"parent of itself":          func(m *manifest) { m.Layers[1].Parent = 2 },
		"parent is larger":          func(m *manifest) { m.Layers[0].Size, m.Snapshots = 3*mib, nil },
		"sealed above open":         func(m *manifest) { m.Layers[4].Parent, m.Layers[2].Number = 3, 3; m.Layers[3].Map = "" },
		"two open beside the head":  func(m *manifest) { m.Layers[2].Map, m.Layers[2].Grains = "", 0; m.Snapshots = nil },
		"short checksum":            func(m *manifest) { m.Layers[0].Map = "5a" },
		"sealed without anything":   func(m *manifest) { m.Layers[0].Grains = 0 },
		"more zeroes than fit":      func(m *manifest) { m.Layers[0].Zeros = 254 },
		"negative grains":           func(m *manifest) { m.Layers[0].Grains, m.Layers[0].Zeros = -1, 3 },
		"short sums":                func(m *manifest) { m.Layers[0].Sums = "5a" },
		"open layer with sums":      func(m *manifest) { m.Layers[4].Sums = m.Layers[0].Map },
		"merge of no layers":        func(m *manifest) { m.Merge = &merging{Lower: 8, Upper: 9} },
		"merge with two children":   func(m *manifest) { m.Merge = &merging{Lower: 1, Upper: 2} },
		"merge with a named layer":  func(m *manifest) { m.Merge = &merging{Lower: 2, Upper: 4} },
		"path in the trash":         func(m *manifest) { m.Trash = []string{"layer-000009/../x"} },
		"manifest in the trash":     func(m *manifest) { m.Trash = []string{"manifest"} },
		"layer in the trash":        func(m *manifest) { m.Trash = []string{"layer-000003.map"} },
		"too much trash":            func(m *manifest) { m.Trash = make([]string, maxTrash+1) },
		"more grains than fit":      func(m *manifest) { m.Layers[0].Grains = 257 },
		"open layer with grains":    func(m *manifest) { m.Layers[4].Grains = 1 },
		"no head":                   func(m *manifest) { m.Head = 0 },
		"sealed head":               func(m *manifest) { m.Head = 1 },
		"head of another size":      func(m *manifest) { m.Layers[4].Size = 2 * mib },
		"snapshot twice":            func(m *manifest) { m.Snapshots[1].ID = "d" },
		"unsafe snapshot id":        func(m *manifest) { m.Snapshots[1].ID = "a/b" },
		"snapshot of no layer":      func(m *manifest) { m.Snapshots[1].Layer = 9 },
		"snapshot of an open layer": func(m *manifest) { m.Snapshots[1].Layer = 5 },
		"snapshot beneath its size": func(m *manifest) { m.Snapshots[2].Size = mib },
		"snapshot above the volume": func(m *manifest) { m.Snapshots[2].Size = 4 * mib },
		"unsafe origin":             func(m *manifest) { m.From.Volume = "" },
	} {
		m := goodManifest()
		spoil(m)
		text, err := m.encode()
		must(t, err)
		if _, err := parseManifest(text); !errors.Is(err, errFormat) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	m := goodManifest()
	must(t, m.check())
	for name, body := range map[string]string{
		"unknown key": `{"volume":"a","colour":"red"}`, "two values": `{} {}`, "no object": `[]`, "nothing": ``,
	} {
		if _, err := parseManifest(sealText(manifestMagic, []byte(body))); !errors.Is(err, errFormat) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLargestManifestFits(t *testing.T) {
	long := strings.Repeat("f", 64)
	m := goodManifest()
	m.Volume, m.From = long, &origin{Volume: long, Snapshot: long}
	m.Size, m.Layers, m.Snapshots, m.Trash = 32<<40, nil, nil, nil
	for i := 1; i <= maxLayers; i++ {
		m.Layers = append(m.Layers, layer{Number: 1<<40 + i, Parent: 1<<40 + i - 1, Size: 32 << 40, Grains: 4 << 30, Zeros: 4 << 30, Map: long, Sums: long, Revision: 1 << 30})
	}
	m.Layers[0].Parent = 0
	m.Layers[maxLayers-1] = layer{Number: 1<<40 + maxLayers, Parent: 1<<40 + maxLayers - 1, Size: 32 << 40}
	m.Head, m.Next = 1<<40+maxLayers, 1<<40+maxLayers+1
	for i := range maxSnapshots {
		m.Snapshots = append(m.Snapshots, snapshot{ID: fmt.Sprintf("%s%04d", long[:60], i), Layer: 1<<40 + 1, Size: 32 << 40})
	}
	for i := range maxTrash {
		m.Trash = append(m.Trash, revised(layer{Number: 1<<39 + i, Revision: 1 << 30}, "sums"))
	}
	text, err := m.encode()
	must(t, err)
	_, err = parseManifest(text)
	must(t, err)
}

// FuzzManifest: whatever the bytes are, the parser refuses them or gives a manifest
// that makes sense and is written as it was read.
func FuzzManifest(f *testing.F) {
	text, err := goodManifest().encode()
	if err != nil {
		f.Fatal(err)
	}
	body, err := unsealText(manifestMagic, text)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{
		body, []byte(`{}`), []byte(`{"volume":"a"`), []byte(`null`), []byte(`{"layers":[{"number":1,"parent":1}]}`),
		[]byte(`{"size":9223372036854775807,"grain":-4096,"segment":1}`), []byte(strings.Repeat("[", 2000)),
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Add(text, false)
	f.Add(text[:len(text)/2], false)
	f.Fuzz(func(t *testing.T, text []byte, seal bool) {
		if seal { // past the checksum, which random bytes never fit
			text = sealText(manifestMagic, text)
		}
		m, err := parseManifest(text)
		if err != nil {
			if !errors.Is(err, errFormat) {
				t.Fatalf("refused by an error of another kind: %v", err)
			}
			return
		}
		for _, s := range m.Snapshots {
			m.chain(s.Layer)
		}
		m.sealing()
		again, err := m.encode()
		must(t, err)
		got, err := parseManifest(again)
		must(t, err)
		if got.Head != m.Head || !slices.Equal(got.Layers, m.Layers) || !slices.Equal(got.Snapshots, m.Snapshots) {
			t.Fatalf("%+v was written as %+v", m, got)
		}
	})
}

// FuzzMap: a bitmap's records never lead outside their layer.
func FuzzMap(f *testing.F) {
	w := newMapWriter(4096)
	w.add(0, 8*mib)
	w.add(9*mib, 5000)
	w.flush()
	f.Add(w.text, w.total)
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255}, int64(1))
	f.Add([]byte{0, 0, 0, 0, 16, 0, 0, 0}, int64(16384))
	f.Fuzz(func(t *testing.T, records []byte, grains int64) {
		next, total := int64(0), int64(0)
		const end = 64 * mib / 4096
		err := parseRecords(records, 1024, end, grains, func(first, n int64) {
			if first < next || n <= 0 || first+n > end {
				t.Fatalf("a run of %d at %d, after %d", n, first, next)
			}
			next, total = first+n, total+n
		})
		if err == nil && total != grains {
			t.Fatalf("%d grains, not %d", total, grains)
		}
	})
}

func TestBitmapGivesBackTheRunsThatWerePut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grain := rapid.SampledFrom([]int64{4096, 65536, 1 << 20}).Draw(t, "grain")
		size := rapid.Int64Range(1, 40*mib/512).Draw(t, "sectors") * 512
		held := make([]byte, (size-1)/grain+1) // 0, 1 is data, 2 is zeroes
		writers := []*mapWriter{nil, newMapWriter(grain), newMapWriter(grain)}
		for off := int64(0); ; {
			off += rapid.Int64Range(0, 12*mib).Draw(t, "gap")
			if off >= size {
				break
			}
			n := min(size-off, rapid.Int64Range(1, 12*mib).Draw(t, "length"))
			kind := rapid.ByteRange(1, 2).Draw(t, "kind")
			writers[kind].add(off, n)
			for g := off / grain; g <= (off+n-1)/grain; g++ {
				held[g] = kind
			}
			off = (off+n-1)/grain*grain + grain
		}
		text, sum := encodeMap(size, writers[1], writers[2])
		rec := layer{Size: size, Grains: writers[1].total, Zeros: writers[2].total, Map: sum}
		got := make([]byte, len(held))
		note := func(kind byte) func(first, n int64) {
			return func(first, n int64) { copy(got[first:first+n], fill(kind, int(n))) }
		}
		if err := parseMap(text, rec, grain, note(1), note(2)); err != nil || !slices.Equal(got, held) {
			t.Fatalf("%v; the grains differ or not", err)
		}
	})
}

func TestTableMatchesAPlainList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grain := rapid.SampledFrom([]int64{4096, 65536, 1 << 20}).Draw(t, "grain")
		const size = 6 << 30 // two pages
		n := int64(size) / grain
		table, plain := newTable(grain, size/2), make([]uint16, n)
		table.grow(size)
		for i := range rapid.IntRange(1, 12).Draw(t, "writes") {
			first := rapid.Int64Range(0, n-1).Draw(t, "first")
			k := min(n-first, rapid.Int64Range(1, 3*leafBytes/grain).Draw(t, "count"))
			table.set(first, k, uint16(i+1))
			for g := first; g < first+k; g++ {
				plain[g] = uint16(i + 1)
			}
		}
		for g := int64(0); g < n; {
			layer, k := table.run(g, n-g)
			if k < 1 || k > n-g {
				t.Fatalf("a run of %d at %d", k, g)
			}
			for _, want := range plain[g : g+k] {
				if want != layer {
					t.Fatalf("a run of layer %d at %d holds one of layer %d", layer, g, want)
				}
			}
			if g+k < n && plain[g+k] == layer {
				t.Fatalf("a run at %d ends too early", g)
			}
			g += k
		}
	})
}
