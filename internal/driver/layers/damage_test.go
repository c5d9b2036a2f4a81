package layers

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// twoVolumes makes a (two sealed layers and a head) and b (one of each).
func twoVolumes(t *testing.T, dir string) {
	t.Helper()
	p := openPool(t, dir, Options{})
	for _, id := range []string{"a", "b"} {
		must(t, p.Create(t.Context(), driver.VolumeSpec{ID: id, Size: mib}, 0))
		dev := openDevice(t, p, driver.Ref{Volume: id}, driver.ReadWrite)
		write(t, dev, id[0], 0, 4096)
		must(t, p.Snapshot(t.Context(), id, "one", 0))
		if id == "a" {
			write(t, dev, 'c', 4096, 4096)
			must(t, p.Snapshot(t.Context(), id, "two", 0))
		}
		must(t, dev.Close())
	}
	must(t, p.Close())
}

// Each way to damage a volume is refused by the name of the file, and only that
// volume is.
func TestDamageIsNamedAndStaysWithItsVolume(t *testing.T) {
	truncate := func(path string) error { return os.Truncate(path, 100) }
	flip := func(path string) error {
		text, err := os.ReadFile(path)
		if err == nil {
			text[len(text)/2] ^= 4
			err = os.WriteFile(path, text, 0o600)
		}
		return err
	}
	ofB := func(path string) error {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "../b", filepath.Base(path)))
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		return err
	}
	link := func(path string) error {
		if err := os.Rename(path, path+".away"); err != nil {
			return err
		}
		return os.Symlink(path+".away", path)
	}
	for _, tc := range []struct {
		name, file string
		do         func(path string) error
		listed     bool // the manifest is whole, so List has the volume
	}{
		{"no manifest", "manifest", os.Remove, false},
		{"short manifest", "manifest", truncate, false},
		{"empty manifest", "manifest", func(path string) error { return os.Truncate(path, 0) }, false},
		{"flipped bit in the manifest", "manifest", flip, false},
		{"manifest of another volume", "manifest", ofB, false},
		{"manifest by a link", "manifest", link, false},
		{"no bottom layer", "layer-000001.0", os.Remove, true},
		{"short sealed layer", "layer-000001.0", truncate, true},
		{"long sealed layer", "layer-000002.0", func(path string) error { return os.Truncate(path, 2*mib) }, true},
		{"sealed layer by a link", "layer-000002.0", link, true},
		{"no head", "layer-000003.0", os.Remove, true},
		{"short head", "layer-000003.0", truncate, true},
		{"no bitmap", "layer-000001.map", os.Remove, true},
		{"short bitmap", "layer-000001.map", func(path string) error { return os.Truncate(path, 20) }, true},
		{"flipped bit in a bitmap", "layer-000002.map", flip, true},
		{"no log of zeroes", "layer-000003.zero", os.Remove, true},
		{"flipped bit in a log of zeroes", "layer-000003.zero", flip, true},
		{"empty log of zeroes", "layer-000003.zero", func(path string) error { return os.Truncate(path, 0) }, true},
		{"log of zeroes of another volume", "layer-000003.zero", func(path string) error {
			text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "../b/layer-000002.zero"))
			if err == nil {
				err = os.WriteFile(path, text, 0o600)
			}
			return err
		}, true},
		{"bitmap of another volume", "layer-000001.map", flipThen(ofB), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			twoVolumes(t, dir)
			path := filepath.Join(dir, "volumes", "a", tc.file)
			must(t, tc.do(path))
			p := openPool(t, dir, Options{})
			_, err := p.Open(t.Context(), volA, driver.ReadWrite)
			wants(t, "open", err, driver.ErrDamaged, path)
			got := contents(t, p, driver.Ref{Volume: "b", Snapshot: "one"})
			if !bytes.Equal(got[:4096], fill('b', 4096)) {
				t.Error("the other volume does not hold its bytes")
			}
			checkListWithDamage(t, p, tc.listed, path)
			must(t, p.Delete(t.Context(), "a", 5)) // the way out
			for ref, err := range p.List(t.Context()) {
				must(t, err)
				if ref.Volume == "a" {
					t.Error("the damaged volume was deleted but is listed")
				}
			}
		})
	}
}

// flipThen changes the text beside as well: two volumes of the same bytes in the
// same places have the same bitmap, which is no damage.
func flipThen(ofB func(string) error) func(string) error {
	return func(path string) error {
		beside := filepath.Join(filepath.Dir(path), "../b", filepath.Base(path))
		w := newMapWriter(minGrain)
		w.add(8192, 4096)
		other, _ := encodeMap(mib, w, newMapWriter(minGrain))
		was, err := os.ReadFile(beside)
		if err != nil {
			return err
		}
		if err := os.WriteFile(beside, other, 0o600); err != nil {
			return err
		}
		if err := ofB(path); err != nil {
			return err
		}
		return os.WriteFile(beside, was, 0o600)
	}
}

func checkListWithDamage(t *testing.T, p *Pool, listed bool, path string) {
	t.Helper()
	var good, bad []driver.Ref
	for ref, err := range p.List(t.Context()) {
		if err != nil {
			wants(t, "list", err, driver.ErrDamaged, path)
			bad = append(bad, ref)
		} else {
			good = append(good, ref)
		}
	}
	if listed && (len(good) != 5 || len(bad) != 0) {
		t.Errorf("list has %v, errors %v; want both volumes and three snapshots", good, bad)
	}
	if !listed && (len(good) != 2 || len(bad) != 1 || bad[0].Volume != "a") {
		t.Errorf("list has %v, errors %v; want volume b and an error of a", good, bad)
	}
}

func TestDamagedVolumeRefusesEveryChange(t *testing.T) {
	dir := t.TempDir()
	twoVolumes(t, dir)
	path := filepath.Join(dir, "volumes", "a", "manifest")
	must(t, os.Truncate(path, 100))
	p := openPool(t, dir, Options{})
	ctx := t.Context()
	wants(t, "create", p.Create(ctx, driver.VolumeSpec{ID: "a", Size: mib}, 0), driver.ErrDamaged, path)
	wants(t, "extend", p.Extend(ctx, "a", 2*mib, 0), driver.ErrDamaged, path)
	wants(t, "snapshot", p.Snapshot(ctx, "a", "three", 0), driver.ErrDamaged, path)
	wants(t, "delete snapshot", p.DeleteSnapshot(ctx, "a", "one", 0), driver.ErrDamaged, path)
	wants(t, "clone", p.CreateFrom(ctx, driver.VolumeSpec{ID: "c", Size: mib}, driver.Ref{Volume: "a", Snapshot: "one"}, 0), driver.ErrDamaged, path)
	if got := names(t, dir, "staging"); len(got) != 0 {
		t.Errorf("the clone left %v", got)
	}
}

// A layer file that no manifest names is never overwritten if it holds data: the
// manifest may be an old one that somebody put back.
func TestUnnamedLayerWithDataIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	twoVolumes(t, dir)
	p := openPool(t, dir, Options{})
	path := segmentPath(p.volumeDir("a"), 4, 0)
	must(t, os.WriteFile(path, fill(7, 4096), 0o600))
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 1, 0, 512)
	wants(t, "snapshot", p.Snapshot(t.Context(), "a", "three", 0), driver.ErrDamaged, path)
	if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, fill(7, 4096)) {
		t.Errorf("the file was changed: %v", err)
	}
}

func TestPoolFileIsCheckedAtOpen(t *testing.T) {
	for name, do := range map[string]func(path string) error{
		"missing":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 30) },
		"foreign":   func(path string) error { return os.WriteFile(path, []byte("hello\n"), 0o600) },
		"no sense":  func(path string) error { return os.WriteFile(path, sealText(poolMagic, []byte(`{"grain":3}`)), 0o600) },
		"a folder": func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			twoVolumes(t, dir)
			path := filepath.Join(dir, "pool")
			must(t, do(path))
			_, err := Open(dir, Options{})
			wants(t, "open", err, driver.ErrDamaged, path)
			if len(names(t, dir, "volumes")) != 2 {
				t.Error("volumes were touched")
			}
		})
	}
}
