package layers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

const tib = 1 << 40

// benchVolume makes a volume of size bytes with some data here and there.
func benchVolume(b *testing.B, p *Pool, size int64) {
	b.Helper()
	must(b, p.Create(b.Context(), driver.VolumeSpec{ID: "a", Size: size}, 0))
	dev := openDevice(b, p, volA, driver.ReadWrite)
	for i := range int64(64) {
		write(b, dev, 1, i*(size/64)/4096*4096, 8192)
	}
	must(b, dev.Flush(b.Context()))
	must(b, dev.Close())
}

// Calls on a sparse volume, whose time must not grow with its size: less than 50 ms
// at 1 TiB. Source: design.md section 6.
func BenchmarkCalls(b *testing.B) {
	for _, size := range []int64{1 << 30, tib, 32 * tib} {
		run := func(name string, call func(b *testing.B, p *Pool, i int)) {
			b.Run(fmt.Sprintf("%s/%dGiB", name, size>>30), func(b *testing.B) {
				p := openPool(b, b.TempDir(), Options{})
				benchVolume(b, p, size)
				must(b, p.Snapshot(b.Context(), "a", "base", 0))
				b.ResetTimer()
				for i := range b.N {
					call(b, p, i)
				}
			})
		}
		run("create", func(b *testing.B, p *Pool, i int) {
			must(b, p.Create(b.Context(), driver.VolumeSpec{ID: fmt.Sprint(i), Size: size}, 0))
		})
		run("clone", func(b *testing.B, p *Pool, i int) {
			must(b, p.CreateFrom(b.Context(), driver.VolumeSpec{ID: fmt.Sprint(i), Size: size}, driver.Ref{Volume: "a", Snapshot: "base"}, 0))
		})
		run("extend", func(b *testing.B, p *Pool, i int) {
			if err := p.Extend(b.Context(), "a", min(size+int64(i)*4096, driver.MaxSize), 0); err != nil {
				b.Fatal(err)
			}
		})
		run("snapshot", func(b *testing.B, p *Pool, i int) { benchSnapshot(b, p, size, i) })
		run("open", func(b *testing.B, p *Pool, _ int) {
			dev, err := p.Open(b.Context(), volA, driver.ReadWrite)
			must(b, err)
			must(b, dev.Close())
		})
	}
}

// benchSnapshot writes a grain, then makes a snapshot of what is then no empty head;
// the snapshots before it are on a volume of their own, so that chains stay short.
func benchSnapshot(b *testing.B, p *Pool, size int64, i int) {
	b.StopTimer()
	id := fmt.Sprint(i)
	must(b, p.CreateFrom(b.Context(), driver.VolumeSpec{ID: id, Size: size}, driver.Ref{Volume: "a", Snapshot: "base"}, 0))
	dev, err := p.Open(b.Context(), driver.Ref{Volume: id}, driver.ReadWrite)
	must(b, err)
	write(b, dev, 2, size/2, 4096)
	b.StartTimer()
	must(b, p.Snapshot(b.Context(), id, "s", 0))
	b.StopTimer()
	must(b, dev.Close())
	must(b, p.Delete(b.Context(), id, 0))
	b.StartTimer()
}

// Random 4 KiB blocks through a chain of 50 layers, beside a plain file.
func BenchmarkIO(b *testing.B) {
	const size, depth, block = 256 * mib, 50, 4096
	p := openPool(b, b.TempDir(), Options{})
	must(b, p.Create(b.Context(), driver.VolumeSpec{ID: "a", Size: size}, 0))
	dev := openDevice(b, p, volA, driver.ReadWrite)
	for off := int64(0); off < size; off += mib {
		write(b, dev, 1, off, mib)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range depth {
		must(b, p.Snapshot(b.Context(), "a", fmt.Sprintf("s%d", i), 0))
		for range 256 {
			write(b, dev, byte(i), random.Int64N(size/block)*block, block)
		}
	}
	raw, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	must(b, err)
	b.Cleanup(func() { _ = raw.Close() })
	_, err = raw.Write(make([]byte, size))
	must(b, err)
	buf := make([]byte, block)
	for _, tc := range []struct {
		name string
		do   func(p []byte, off int64) (int, error)
	}{{"read/raw", raw.ReadAt}, {"read/layers", dev.ReadAt}, {"write/raw", raw.WriteAt}, {"write/layers", dev.WriteAt}} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(block)
			for range b.N {
				if _, err := tc.do(buf, random.Int64N(size/block)*block); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
