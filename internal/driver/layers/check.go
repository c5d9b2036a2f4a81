package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Check reads the volume's small files, compares what is in its folder with what
// its manifest names, and all sealed bytes with their checksums. With repair it
// removes what is left over.
func (p *Pool) Check(ctx context.Context, id string, repair bool) (driver.Report, error) {
	v, err := p.acquire(ctx, id)
	if err != nil {
		return driver.Report{}, fmt.Errorf("check volume: %w", err)
	}
	defer p.release(v)
	r := &driver.Report{}
	err = v.load()
	if errors.Is(err, driver.ErrDamaged) {
		r.Add(driver.Finding{Place: filepath.Join(v.dir(), "manifest"), Offset: -1, What: err.Error(), Damage: true})
		return *r, nil
	}
	if err == nil {
		err = v.checkFiles(r, repair)
	}
	if err != nil {
		return *r, fmt.Errorf("check volume %s: %w", id, err)
	}
	return *r, nil
}

// checkFiles opens each layer, and looks for files that no manifest names.
func (v *volume) checkFiles(r *driver.Report, repair bool) error {
	for _, rec := range v.m.Layers {
		err := v.checkLayer(rec)
		if errors.Is(err, driver.ErrDamaged) {
			r.Add(driver.Finding{Place: v.dir(), Offset: -1, What: err.Error(), Damage: true})
		} else if err != nil {
			return err
		}
		if rec.sealed() {
			r.Unverified += rec.Grains * v.m.Grain
		}
	}
	needed := v.m.needed()
	entries, err := os.ReadDir(v.dir())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); name != "manifest" && !needed[name] && !slices.Contains(v.m.Trash, name) {
			v.checkStray(r, name, repair)
		}
	}
	return nil
}

func (v *volume) checkLayer(rec layer) error {
	if v.core != nil && !rec.sealed() {
		return nil // it is open
	}
	l, err := openLayer(&v.pool.disk, v.dir(), v.m, rec)
	if err != nil {
		return err
	}
	if rec.sealed() {
		nothing := func(int64, int64) {}
		err = readMap(v.dir(), rec, v.m.Grain, nothing, nothing)
	}
	return errors.Join(err, l.close())
}

// checkStray tells of a file that no manifest names. One that a cut call left is
// removed; a layer with a number that was never given out is not: the manifest may
// be an old one that was put back.
func (v *volume) checkStray(r *driver.Report, name string, repair bool) {
	path := filepath.Join(v.dir(), name)
	f := driver.Finding{Place: path, Offset: -1, What: "no manifest names it; a repair removes it"}
	var number int
	if _, err := fmt.Sscanf(name, "layer-%d.", &number); err == nil && number >= v.m.Next {
		if info, err := os.Lstat(path); err == nil {
			if _, bytes := blocks(info); bytes > 0 && (name != zeroName(number) || info.Size() > zeroRecord) {
				f.What = "no manifest names it yet: was an old manifest put back? Put the newer one back, or move this file away"
				repair = false
			}
		}
	}
	if repair {
		if err := os.Remove(path); err == nil || errors.Is(err, fs.ErrNotExist) {
			f.Repaired = true
		} else {
			f.What = err.Error()
		}
	}
	r.Add(f)
}
