package layers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// marked makes volumes a and b alike: a MiB of bytes in a snapshot, and a head that
// hides a part of it. It tells what a holds.
func marked(t *testing.T, dir string) []byte {
	t.Helper()
	p := openPool(t, dir, Options{})
	for _, id := range []string{"a", "b"} {
		must(t, p.Create(t.Context(), driver.VolumeSpec{ID: id, Size: mib}, 0))
		dev := openDevice(t, p, driver.Ref{Volume: id}, driver.ReadWrite)
		write(t, dev, id[0], 0, mib)
		must(t, p.Snapshot(t.Context(), id, "s", 0))
		write(t, dev, id[0]+10, 8192, 8192)
		must(t, p.Snapshot(t.Context(), id, "t", 0))
		write(t, dev, id[0]+20, 65536, 8192)
		must(t, dev.Close())
	}
	must(t, p.Close())
	want := fill('a', mib)
	copy(want[8192:], fill('a'+10, 8192))
	copy(want[65536:], fill('a'+20, 8192))
	return want
}

// fillHoles puts a copy without holes in the place of a file.
func fillHoles(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path+".copy", text, 0o600))
	must(t, os.Rename(path+".copy", path))
}

func TestFileOfAnotherLayerIsRefused(t *testing.T) {
	for _, name := range []string{"layer-000001.0", "layer-000002.0", "layer-000003.0"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			marked(t, dir)
			path := filepath.Join(dir, "volumes", "a", name)
			must(t, os.Rename(filepath.Join(dir, "volumes", "b", name), path))
			p := openPool(t, dir, Options{})
			_, err := p.Open(t.Context(), volA, driver.ReadOnly)
			wants(t, "open", err, driver.ErrDamaged, path)
			r, err := p.Check(t.Context(), "a", true)
			must(t, err)
			if !r.Damaged() {
				t.Errorf("the check found %+v", r)
			}
		})
	}
}

// A head whose holes are zeroes would hide what lies beneath: it is refused, and
// there are three ways out.
func TestHeadWithoutItsHolesIsRefused(t *testing.T) {
	for name, out := range map[string]func(t *testing.T, p *Pool, path string, want []byte) []byte{
		"copied again": func(t *testing.T, p *Pool, path string, want []byte) []byte {
			must(t, os.Rename(path+".good", path))
			return want
		},
		"rolled back": func(t *testing.T, p *Pool, path string, want []byte) []byte {
			must(t, p.Rollback(t.Context(), "a", "s", 0))
			must(t, os.Remove(path+".good"))
			return fill('a', mib)
		},
		"taken as it is": func(t *testing.T, p *Pool, path string, want []byte) []byte {
			must(t, os.Remove(path+".good"))
			r, err := p.Check(t.Context(), "a", true)
			must(t, err)
			if len(r.Findings) != 1 || !r.Findings[0].Repaired {
				t.Errorf("the repair told %+v", r)
			}
			taken := make([]byte, mib)
			copy(taken[65536:], fill('a'+20, 8192))
			return taken
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			want := marked(t, dir)
			path := filepath.Join(dir, "volumes", "a", "layer-000003.0")
			must(t, exec.Command("cp", "-a", path, path+".good").Run())
			fillHoles(t, path)
			p := openPool(t, dir, Options{})
			_, err := p.Open(t.Context(), volA, driver.ReadOnly)
			wants(t, "open", err, driver.ErrDamaged, path, "cp -a", "roll", "repair")
			wants(t, "snapshot", p.Snapshot(t.Context(), "a", "u", 0), driver.ErrDamaged, path)
			r, err := p.Check(t.Context(), "a", false)
			must(t, err)
			if !r.Damaged() {
				t.Errorf("the check found %+v", r)
			}
			want = out(t, p, path, want)
			checkBytes(t, p, volA, want)
			checkFiles(t, p)
		})
	}
}

// A copy that kept its holes is as good as what it was made from.
func TestPoolCopiedWithItsHolesIsTheSame(t *testing.T) {
	dir := t.TempDir()
	want := marked(t, dir)
	there := filepath.Join(t.TempDir(), "copy")
	must(t, exec.Command("cp", "-a", dir, there).Run())
	p := openPool(t, there, Options{})
	checkBytes(t, p, volA, want)
	dev := openDevice(t, p, volA, driver.ReadWrite)
	write(t, dev, 0, 0, mib) // from now on it is the pool's own, zeroes or not
	must(t, dev.Close())
	checkBytes(t, p, volA, make([]byte, mib))
	tidyUp(t, p)
	soundly(t, p)
}

// A sealed layer without its holes costs space and nothing else; a repair gives it back.
func TestSealedLayerWithoutItsHolesIsRepaired(t *testing.T) {
	dir := t.TempDir()
	want := marked(t, dir)
	path := filepath.Join(dir, "volumes", "a", "layer-000002.0")
	fillHoles(t, path)
	p := openPool(t, dir, Options{})
	checkBytes(t, p, volA, want)
	r, err := p.Check(t.Context(), "a", true)
	must(t, err)
	if len(r.Findings) != 1 || !r.Findings[0].Repaired || r.Damaged() || r.Findings[0].Place != path {
		t.Errorf("the repair told %+v", r)
	}
	info, err := os.Stat(path)
	must(t, err)
	if _, n := blocks(info); n > 64<<10 {
		t.Errorf("8 KiB take %d bytes", n)
	}
	checkBytes(t, p, volA, want)
	tidyUp(t, p)
	soundly(t, p)
	if got := contents(t, p, driver.Ref{Volume: "a", Snapshot: "t"}); !bytes.Equal(got[8192:16384], fill('a'+10, 8192)) {
		t.Error("the snapshot changed")
	}
}
