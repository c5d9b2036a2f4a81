package layers

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// What a power cut leaves where space was ready for bytes that never came: the layer
// beneath shows through, whatever the kernel's cache has made of the space.
func TestSpaceWithoutBytesHidesNothing(t *testing.T) {
	for _, kind := range []string{"ext4", "xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			dir := filepath.Join(mount(t, kind, 512*mib).root, "pool")
			p := openPool(t, dir, Options{})
			must(t, p.Create(t.Context(), driver.VolumeSpec{ID: "a", Size: 4 * mib}, 0))
			dev := openDevice(t, p, volA, driver.ReadWrite).(*device)
			want := fill(1, 4*mib)
			write(t, dev, 1, 0, 4*mib)
			must(t, p.Snapshot(t.Context(), "a", "s", 0))
			write(t, dev, 2, mib, 4096)
			copy(want[mib:], fill(2, 4096))
			must(t, dev.WriteZeroes(2*mib, mib, true)) // has its space on purpose
			clear(want[2*mib : 3*mib])
			must(t, dev.Flush(t.Context()))
			must(t, dev.Close())
			must(t, p.Close())

			f, err := os.OpenFile(segmentPath(filepath.Join(dir, "volumes", "a"), 2, 0), os.O_RDWR, 0)
			must(t, err)
			must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, mib+8192, 65536))
			_, err = f.ReadAt(make([]byte, 4*mib), 0) // now it looks like data
			must(t, err)
			if at, err := seek(f, mib+8192, seekData); kind != "btrfs" && (err != nil || at != mib+8192) {
				t.Errorf("this does not test what it ought to: the next data is at %d, %v", at, err)
			}
			must(t, f.Close())

			p = openPool(t, dir, Options{})
			checkBytes(t, p, volA, want)
			if u, err := p.Usage(t.Context(), "a"); err != nil || u.Exclusive < 5*mib {
				t.Errorf("what was kept allocated has lost its space: %+v, %v", u, err)
			}
			must(t, p.Snapshot(t.Context(), "a", "t", 0))
			checkBytes(t, p, driver.Ref{Volume: "a", Snapshot: "t"}, want)
		})
	}
}
