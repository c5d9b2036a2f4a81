package layers

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
)

// A merge makes one of two neighbours, lower and upper, when nothing sees the lower
// one but through the upper. Only the bytes that count are copied, into the file
// that needs fewer; the volume may be open and written meanwhile. The order, each
// step durable before the next:
//
//	merge begin   the manifest tells which two, and into which file
//	merge copy    bytes go where the other layer does not hold any: what they
//	              overwrite or sit beneath is hidden by the upper layer
//	merge sync    fdatasync of that file
//	merge map     bitmap and sums of both together, beside the old ones
//	merge record  the manifest has one layer instead of two
//
// A cut before "merge record" leaves two layers that read as before; the merge
// begins anew. After it the other layer's files are removed.
type merge struct {
	v            *volume
	pair         merging
	lower, upper layer
	lt, ut       *table // what they hold
	lf, uf       *layerFile

	made layer // lower or upper, as it will be; without Map nothing is left of both
	link bool  // files may share bytes
}

// nextMerge finds two layers to merge, the one that was begun first. A head that
// hides enough of an unnamed layer is sealed for it.
func (v *volume) nextMerge() (chore, error) {
	if v.m.Merge != nil {
		return v.newMerge(*v.m.Merge, true)
	}
	if v.m.sealing() != nil { // a snapshot or a merge was cut
		return v.sealHead()
	}
	for _, l := range v.m.Layers {
		child := v.m.onlyChild(l.Number)
		if !l.sealed() || child == nil {
			continue
		}
		if shared, err := v.shared(l, *child); err != nil || shared {
			if err != nil {
				return nil, err
			}
			continue
		}
		if child.sealed() {
			return v.newMerge(merging{Lower: l.Number, Upper: child.Number}, false)
		}
		if worth, err := v.worthSealing(l); err != nil {
			return nil, err
		} else if worth {
			return v.sealHead()
		}
	}
	return nil, nil
}

// shared tells whether another volume has one of the layers, too.
func (v *volume) shared(all ...layer) (bool, error) {
	for _, l := range all {
		if shared, err := isShared(segmentPath(v.dir(), l.Number, 0)); err != nil || shared {
			return shared, err
		}
	}
	return false, nil
}

// worthSealing tells whether the head is to be sealed and merged with the unnamed
// layer beneath it: at once when that has just lost its snapshot, later when the
// head has grown to a good part of it. So a volume without snapshots never takes
// much more than it maps.
func (v *volume) worthSealing(l layer) (bool, error) {
	const least, part = 64 << 20, 4
	empty, err := v.headEmpty()
	if err != nil || empty || len(v.m.Layers) >= maxLayers {
		return false, err
	}
	if l.Loose {
		return true, nil
	}
	bytes, err := v.blocksOf(*v.m.layer(v.m.Head))
	return bytes >= max(least, l.Grains*v.m.Grain/part), err
}

// sealHead puts an empty head above; the merge is what is found next.
func (v *volume) sealHead() (chore, error) {
	err := v.pool.disk.reserve.essential(func() error {
		if v.m.sealing() == nil {
			if err := v.pushHead(); err != nil {
				return err
			}
		}
		return v.seal("")
	})
	return nothing{}, err
}

// nothing is a chore that is done.
type nothing struct{}

func (nothing) run(context.Context) error { return nil }
func (nothing) commit(*volume) error      { return nil }
func (nothing) close() error              { return nil }

// newMerge plans a merge and, unless it was begun before, notes it in the manifest.
func (v *volume) newMerge(pair merging, begun bool) (_ chore, err error) {
	g := &merge{v: v, pair: pair, lower: *v.m.layer(pair.Lower), upper: *v.m.layer(pair.Upper), link: v.pool.shares}
	if g.lt, err = v.holds(nil, g.lower); err != nil {
		return nil, err
	}
	if g.ut, err = v.holds(nil, g.upper); err != nil {
		return nil, err
	}
	if !begun {
		up, down := g.work()
		g.pair.Down = down < up
		v.pool.disk.step(StepMergeBegin)
		err := v.pool.disk.reserve.essential(func() error {
			m := v.m.clone()
			m.Merge = &g.pair
			return v.save(m)
		})
		if err != nil {
			return nil, err
		}
	}
	if err := g.open(); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

// work tells how many grains each direction copies.
func (g *merge) work() (up, down int64) {
	g.each(func(_, n int64, lower, upper uint16) {
		if upper == isData {
			down += n
		} else if upper == 0 && lower == isData {
			up += n
		}
	})
	return up, down
}

// each calls do with each run of grains of which the layers hold something.
func (g *merge) each(do func(first, n int64, lower, upper uint16)) {
	end := (g.upper.Size-1)/g.v.pool.grain + 1
	for at := int64(0); at < end; {
		lower, n := g.lt.run(at, end-at)
		upper, n := g.ut.run(at, n)
		if lower != 0 || upper != 0 {
			do(at, n, lower, upper)
		}
		at += n
	}
}

// open opens both layers, to be read and written.
func (g *merge) open() (err error) {
	d := &g.v.pool.disk
	if g.lf, err = openWritable(d, g.v.dir(), g.v.m, g.lower); err != nil {
		return err
	}
	g.uf, err = openWritable(d, g.v.dir(), g.v.m, g.upper)
	return err
}

func (g *merge) close() error {
	var errs []error
	for _, l := range []*layerFile{g.lf, g.uf} {
		if l != nil {
			errs = append(errs, l.close())
		}
	}
	return errors.Join(errs...)
}

func (g *merge) run(ctx context.Context) error {
	d, from, to := &g.v.pool.disk, g.lf, g.uf
	d.step(StepMergeCopy)
	if g.pair.Down {
		from, to = g.uf, g.lf
		if err := to.resize(g.upper.Size); err != nil {
			return spaceError(err)
		}
	}
	if err := g.makeRoom(); err != nil {
		return err
	}
	if err := g.copy(ctx, from, to); err != nil {
		return err
	}
	d.step(StepMergeSync)
	if err := errors.Join(to.datasync(), syncDir(g.v.dir())); err != nil {
		return spaceError(err)
	}
	d.step(StepMergeMap)
	return g.v.pool.disk.reserve.essential(g.describe)
}

// copy copies what the other layer is to have besides its own.
func (g *merge) copy(ctx context.Context, from, to *layerFile) (err error) {
	buf := make([]byte, sumBlock)
	g.each(func(first, n int64, lower, upper uint16) {
		takes := lower == isData && upper == 0
		if g.pair.Down {
			takes = upper == isData
			if upper == isZero && lower == isData && err == nil {
				// Space comes back; where the file system cannot, the bitmap hides it.
				_ = to.punch(first*g.v.pool.grain, n*g.v.pool.grain)
			}
		}
		if takes && err == nil {
			err = from.eachPiece(ctx, g.v.pool.grain, first, n, buf, func(p []byte, off int64) error {
				return g.copyPiece(ctx, p, off, from, to)
			})
		}
	})
	return err
}

// copyPiece copies len(p) bytes at off, or lets both files share them.
func (g *merge) copyPiece(ctx context.Context, p []byte, off int64, from, to *layerFile) error {
	const long = 64 << 10 // below it copying is quicker
	if g.link && len(p) >= long && len(p)%sumPage == 0 {
		err := from.shareWith(to, off, int64(len(p)))
		if err == nil {
			return g.v.pool.pace.wait(ctx, len(p)/16)
		}
		g.link = false
	}
	if err := from.readChecked(p, off); err != nil {
		return err
	}
	if _, err := to.writeAt(p, off); err != nil {
		return err
	}
	return g.v.pool.pace.wait(ctx, len(p))
}

// makeRoom frees what the upper layer hides of the lower one when there is not
// enough room to copy the rest.
func (g *merge) makeRoom() error {
	const margin = 64 << 20
	need, down := g.work()
	if g.pair.Down {
		need = down
	}
	if _, free, err := space(g.v.pool.root); err != nil || free >= need*g.v.pool.grain+margin {
		return err
	}
	g.each(func(first, n int64, lower, upper uint16) {
		if lower == isData && upper != 0 {
			off := first * g.v.pool.grain
			_ = g.lf.punch(off, min(n*g.v.pool.grain, g.lower.Size-off)) // as much as can be
		}
	})
	return g.lf.datasync()
}

// describe writes bitmap and sums of what the two are together.
func (g *merge) describe() error {
	grain, dir := g.v.pool.grain, g.v.dir()
	g.made = g.upper
	if g.pair.Down {
		g.made.Number, g.made.Parent, g.made.Revision = g.lower.Number, g.lower.Parent, g.lower.Revision
		g.made.Mark = g.lower.Mark
	} else {
		g.made.Parent = g.lower.Parent
	}
	g.made.Revision++
	data, zeroes := newMapWriter(grain), newMapWriter(grain)
	g.each(func(first, n int64, lower, upper uint16) {
		switch state := over(lower, upper); {
		case state == isData:
			data.addGrains(first, n)
		case state == isZero && g.made.Parent != 0: // over nothing a hole does
			zeroes.addGrains(first, n)
		}
	})
	text, sum := encodeMap(g.made.Size, data, zeroes)
	g.made.Map, g.made.Grains, g.made.Zeros = sum, data.total, zeroes.total
	if data.total+zeroes.total == 0 {
		g.made.Map = ""
		return nil
	}
	if err := writeDurable(filepath.Join(dir, mapName(g.made)), text); err != nil {
		return spaceError(err)
	}
	if err := g.writeSums(filepath.Join(dir, sumsName(g.made))); err != nil {
		return err
	}
	return syncDir(dir)
}

// over tells what a grain is of which two layers tell.
func over(lower, upper uint16) uint16 {
	if upper != 0 {
		return upper
	}
	return lower
}

// writeSums puts the sums of both together; no byte is read for it, so one that
// flipped before the copy is found after it, too.
func (g *merge) writeSums(path string) error {
	w, err := createSums(path, g.made.Size)
	if err != nil {
		return err
	}
	grain, empty := g.v.pool.grain, sumOf(nil)
	g.each(func(first, n int64, lower, upper uint16) {
		if err != nil || over(lower, upper) != isData {
			return
		}
		of := g.lf
		if upper == isData {
			of = g.uf
		}
		end := min((first+n)*grain, g.made.Size)
		for off := first * grain; off < end && err == nil; off += sumPage {
			sum := empty
			if off < g.recOf(of).Size {
				sum, err = of.sums.Load().sum(off / sumPage)
			}
			w.put(off/sumPage, sum)
		}
	})
	if err != nil {
		w.abandon()
		return err
	}
	g.made.Sums, err = w.finish()
	return err
}

func (g *merge) recOf(l *layerFile) layer {
	if l == g.lf {
		return g.lower
	}
	return g.upper
}

// commit makes one layer of two in the manifest and wherever the volume is open.
func (g *merge) commit(v *volume) error {
	if err := v.load(); err != nil {
		return err
	}
	lower, upper := v.m.layer(g.lower.Number), v.m.layer(g.upper.Number)
	if v.m.Merge == nil || *v.m.Merge != g.pair || lower == nil || upper == nil || lower.Map != g.lower.Map || upper.Map != g.upper.Map {
		return g.leave(v) // the last snapshot that saw them is gone, and they with it
	}
	v.pool.disk.step(StepMergeRecord)
	err := v.pool.disk.reserve.essential(func() error { return v.save(g.merged(v.m.clone())) })
	if err != nil {
		return err
	}
	gone := g.lower.Number
	if g.pair.Down {
		gone = g.upper.Number
	}
	for c := range v.cores {
		c.merged(&v.pool.disk, v.dir(), v.m, g.made, gone, g)
	}
	v.pool.disk.reserve.refill()
	return nil
}

// leave removes what was written for the one layer when there are not two any more.
func (g *merge) leave(v *volume) error {
	needed := v.m.needed()
	names := slices.DeleteFunc([]string{mapName(g.made), sumsName(g.made)}, func(name string) bool { return needed[name] })
	return removeFiles(v.dir(), names)
}

// merged puts the one layer in the place of the two.
func (g *merge) merged(m *manifest) *manifest {
	made, loose := g.made, m.layer(g.upper.Number).Loose
	made.Loose = loose
	gone, kept := g.lower, g.upper
	if g.pair.Down {
		gone, kept = g.upper, g.lower
	}
	m.throw(m.files(gone))
	m.throw([]string{mapName(kept), sumsName(kept)})
	top := made.Number
	if made.Map == "" {
		m.Merge.Down = g.pair.Down
		m.throw(m.files(kept))
		top = g.lower.Parent
	}
	m.Merge = nil
	for i := range m.Snapshots {
		if m.Snapshots[i].Layer == g.upper.Number {
			m.Snapshots[i].Layer = top
		}
	}
	for i := range m.Layers {
		if m.Layers[i].Parent == g.upper.Number {
			m.Layers[i].Parent = top
		}
	}
	if made.Map != "" {
		*m.layer(made.Number) = made
	} else {
		m.Layers = slices.DeleteFunc(m.Layers, func(l layer) bool { return l.Number == kept.Number })
	}
	m.Layers = slices.DeleteFunc(m.Layers, func(l layer) bool { return l.Number == gone.Number })
	m.Trash = slices.Compact(slices.Sorted(slices.Values(m.Trash)))
	return m
}

// abandonMerge ends a merge and takes back that it was begun. The caller has the
// lock and saves m, which is to become the manifest, before it counts on it.
func (v *volume) abandonMerge(m *manifest) error {
	v.stopChore()
	if m.Merge == nil {
		return nil
	}
	rec := *m.layer(m.Merge.Upper)
	if m.Merge.Down {
		rec = *m.layer(m.Merge.Lower)
		l, err := openWritable(&v.pool.disk, v.dir(), v.m, rec)
		if err != nil {
			return err
		}
		if err := errors.Join(l.trim(rec.Size), l.datasync(), l.close()); err != nil {
			return err
		}
	}
	m.Merge = nil
	rec.Revision++ // what was written for the one layer
	m.throw([]string{mapName(rec), sumsName(rec)})
	return nil
}
