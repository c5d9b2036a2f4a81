package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Check reads the volume's small files, compares what is in its folder with what
// its manifest names, and all bytes of sealed layers that anything sees with their
// checksums. Calls and I/O go on beside it, merges wait. With repair it removes
// what a cut left over and lets sums that are lost be counted anew.
func (p *Pool) Check(ctx context.Context, id string, repair bool) (driver.Report, error) {
	r := &driver.Report{}
	v, err := p.acquire(ctx, id)
	if err != nil {
		return *r, fmt.Errorf("check volume: %w", err)
	}
	err = v.load()
	if errors.Is(err, driver.ErrDamaged) {
		p.release(v)
		r.Add(driver.Finding{Place: filepath.Join(v.dir(), "manifest"), Offset: -1, Damage: true,
			What: err.Error() + "; put back a copy of this file, or delete the volume"})
		return *r, nil
	}
	if err == nil {
		err = v.checkFiles(r, repair)
	}
	v.pins++ // so that chores wait
	<-v.lock
	if err == nil {
		err = v.checkBytes(ctx, r)
	}
	v.lock <- struct{}{}
	v.pins--
	p.tidier.add(id)
	p.release(v)
	if err != nil {
		return *r, fmt.Errorf("check volume %s: %w", id, err)
	}
	return *r, nil
}

// checkFiles opens each layer, and looks for files that no manifest names.
func (v *volume) checkFiles(r *driver.Report, repair bool) error {
	for _, rec := range v.m.Layers {
		err := v.checkLayer(r, rec, repair)
		if errors.Is(err, driver.ErrDamaged) {
			r.Add(driver.Finding{Place: v.dir(), Offset: -1, Damage: true, What: err.Error() + "; put back a copy of this file"})
		} else if err != nil {
			return err
		}
	}
	keep := v.m.needed()
	for _, name := range v.m.Trash {
		keep[name] = true
	}
	if v.chore != nil {
		for _, l := range v.m.Layers { // in the making
			next := l
			next.Revision++
			keep[sumsName(l)], keep[mapName(next)], keep[sumsName(next)] = true, true, true
		}
	}
	entries, err := os.ReadDir(v.dir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != "manifest" && !keep[name] {
			v.checkStray(r, name, repair)
		}
	}
	return nil
}

// checkLayer looks at a layer's files and, of a sealed one, its bitmap and sums.
func (v *volume) checkLayer(r *driver.Report, rec layer, repair bool) error {
	if v.core != nil && !rec.sealed() {
		return nil // it is open
	}
	if rec.Sums != "" {
		err := v.checkSums(r, rec, repair)
		if err != nil {
			return err
		}
		rec.Sums = ""
	}
	l, err := openLayer(&v.pool.disk, v.dir(), v.m, rec)
	if errors.Is(err, errFilled) && repair {
		return v.takeFilled(r, rec, err)
	}
	if err != nil {
		return err
	}
	if rec.sealed() {
		err = v.checkHoles(r, rec, l, repair)
	}
	return errors.Join(err, l.close())
}

// takeFilled takes an open layer's files as they are.
func (v *volume) takeFilled(r *driver.Report, rec layer, why error) error {
	l := &layerFile{number: rec.Number, dir: v.dir(), segment: v.m.Segment, grain: v.m.Grain, mark: rec.Mark}
	l.files.Store(&[]*os.File{})
	err := l.openSegments(rec, false, true)
	if err == nil {
		l.adopt()
		r.Add(driver.Finding{Place: segmentPath(v.dir(), rec.Number, 0), Offset: -1, Damage: true, Repaired: true, What: why.Error()})
	}
	return errors.Join(err, l.close())
}

// checkHoles compares what a sealed layer takes with its bitmap, which wins: a copy
// that fills holes costs space and nothing else. A repair gives it back. What is not
// a copy may have more than its bitmap tells of, by a merge that was given up.
func (v *volume) checkHoles(r *driver.Report, rec layer, l *layerFile, repair bool) error {
	held, err := v.holds(nil, rec)
	if err != nil {
		return err
	}
	if copied, err := l.copied(); err != nil || !copied || v.m.growing(rec) {
		return err
	}
	n, err := l.excess(held, func(int64, int64) error { return nil })
	if err != nil || n == 0 {
		return err
	}
	f := driver.Finding{Place: segmentPath(v.dir(), rec.Number, 0), Offset: -1,
		What: fmt.Sprintf("a copy has filled its holes: %d bytes of zeroes, which do no harm; a repair gives them back", n)}
	if repair {
		w, err := openWritable(&v.pool.disk, v.dir(), v.m, rec)
		if err != nil {
			return err
		}
		_, err = w.excess(held, w.punch)
		if err == nil {
			w.adopt()
			f.Repaired = true
		}
		if err := errors.Join(err, w.close()); err != nil {
			return err
		}
	}
	r.Add(f)
	return nil
}

// checkSums looks at the directory and all records of a layer's sums. A repair lets
// sums that are damaged go, to be counted anew.
func (v *volume) checkSums(r *driver.Report, rec layer, repair bool) error {
	s, err := openSums(&v.pool.disk, v.dir(), rec)
	if err == nil {
		for _, e := range s.dir {
			if _, err = s.record(int64(e.block)); err != nil {
				break
			}
		}
		err = errors.Join(err, s.f.Close())
	}
	if !errors.Is(err, driver.ErrDamaged) {
		return err
	}
	f := driver.Finding{Place: filepath.Join(v.dir(), sumsName(rec)), Offset: -1, Damage: true,
		What: err.Error() + "; a repair takes the bytes as they are now"}
	if repair {
		m := v.m.clone()
		m.layer(rec.Number).Sums = ""
		m.throw([]string{sumsName(rec)})
		if err := v.save(m); err != nil {
			return err
		}
		for c := range v.cores {
			c.forgetSums(rec.Number)
		}
		f.Repaired = true
	}
	r.Add(f)
	return nil
}

// checkStray tells of a file that no manifest names. One that a cut call left is
// removed; a layer with a number that was never given out is not: the manifest may
// be an old one that was put back.
func (v *volume) checkStray(r *driver.Report, name string, repair bool) {
	path := filepath.Join(v.dir(), name)
	f := driver.Finding{Place: path, Offset: -1, What: "no manifest names it; a repair removes it"}
	var number int
	ours := name == "manifest.new"
	if _, err := fmt.Sscanf(name, "layer-%d.", &number); err == nil && isLayerFile(name) {
		info, err := os.Lstat(path)
		ours = err == nil && (number < v.m.Next || empty(info, strings.HasSuffix(name, ".zero")))
		if !ours {
			f.What = "no manifest has given out its number: was an old manifest put back? Put the newer one back, or move this file away"
		}
	} else if !ours {
		f.What = "it is not a volume's; move it away"
	}
	if ours && repair {
		if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
			f.Repaired = true
		} else {
			f.What = err.Error()
		}
	}
	r.Add(f)
}

// empty tells whether a file of a layer that was made and never named holds nothing.
func empty(info fs.FileInfo, log bool) bool {
	if log {
		return info.Size() <= zeroRecord
	}
	_, bytes := blocks(info)
	return bytes == 0
}

// checkBytes reads layer after layer; the volume is locked only to open them.
func (v *volume) checkBytes(ctx context.Context, r *driver.Report) error {
	for last, done := 0, 0; ; done++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.lock <- struct{}{}
		c, left, err := v.nextToCheck(r, last)
		<-v.lock
		if err != nil {
			return err
		}
		if left == 0 {
			return nil
		}
		driver.Progress(ctx, 100*done/(done+left))
		if c != nil {
			err = errors.Join(c.compare(ctx, r), c.file.close())
			last = c.rec.Number
		}
		if err != nil {
			return err
		}
	}
}

// reading is a sealed layer whose bytes are checked.
type reading struct {
	rec   layer
	grain int64
	file  *layerFile
	held  *table
	hides *table // what the layer above hides for all; nil: nothing
}

// nextToCheck opens the sealed layer with the lowest number above last, and tells
// how many there are from it on.
func (v *volume) nextToCheck(r *driver.Report, last int) (_ *reading, left int, err error) {
	if err := v.load(); err != nil {
		return nil, 0, err
	}
	var next []layer
	for _, l := range v.m.Layers {
		if l.sealed() && l.Number > last {
			next = append(next, l)
		}
	}
	slices.SortFunc(next, func(a, b layer) int { return a.Number - b.Number })
	for i, rec := range next {
		c := &reading{rec: rec, grain: v.m.Grain}
		c.held, err = v.holds(nil, rec)
		if err == nil {
			c.file, err = openLayer(&v.pool.disk, v.dir(), v.m, rec)
		}
		if errors.Is(err, driver.ErrDamaged) {
			continue // checkFiles has told
		} else if err != nil {
			return nil, 0, err
		}
		if child := v.m.onlyChild(rec.Number); child != nil && child.sealed() {
			if c.hides, err = v.holds(nil, *child); err != nil && !errors.Is(err, driver.ErrDamaged) {
				return nil, 0, errors.Join(err, c.file.close())
			}
		}
		return c, len(next) - i, nil
	}
	return nil, 0, nil
}

// compare reads what the layer holds and nothing hides.
func (c *reading) compare(ctx context.Context, r *driver.Report) (err error) {
	buf := make([]byte, sumBlock)
	c.held.each(func(first, n int64, state uint16) {
		for end := first + n; first < end && err == nil; {
			hidden, k := uint16(0), end-first
			if c.hides != nil {
				hidden, k = c.hides.run(first, end-first)
			}
			if state == isData && hidden == 0 {
				err = c.compareRun(ctx, r, first, k, buf)
			}
			first += k
		}
	})
	return err
}

func (c *reading) compareRun(ctx context.Context, r *driver.Report, first, n int64, buf []byte) error {
	s := c.file.sums.Load()
	if s == nil {
		r.Unverified += n * c.grain
		return nil
	}
	return c.file.eachPiece(ctx, c.grain, first, n, buf, func(p []byte, off int64) error {
		if err := c.file.readAt(p, off); err != nil {
			c.add(r, off, int64(len(p)), err.Error())
			return nil
		}
		for at := 0; at < len(p); at += sumPage {
			page := p[at:min(at+sumPage, len(p))]
			sum, err := s.sum((off + int64(at)) / sumPage)
			switch {
			case errors.Is(err, driver.ErrDamaged):
				r.Unverified += int64(len(page)) // checkFiles has told
			case err != nil:
				return err
			case sum != sumOf(page):
				c.add(r, off+int64(at), int64(len(page)), "the bytes fail their checksum; restore them from a backup, or write them anew")
			default:
				r.Verified += int64(len(page))
			}
		}
		return nil
	})
}

// add notes damage of the layer's bytes, in one finding with what lies right before.
func (c *reading) add(r *driver.Report, off, n int64, what string) {
	if i := len(r.Findings) - 1; i >= 0 && r.More == 0 {
		if f := &r.Findings[i]; f.Offset >= 0 && f.Offset+f.Length == off && strings.HasSuffix(f.What, what) {
			f.Length += n
			return
		}
	}
	r.Add(driver.Finding{Place: c.file.at(off), Offset: off, Length: n, What: what, Damage: true})
}
