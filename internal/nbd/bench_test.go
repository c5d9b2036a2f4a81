package nbd_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

// null is a device that does nothing: what remains is the protocol's cost.
type null struct{ size int64 }

func (n null) Size() int64                                 { return n.size }
func (n null) ReadAt(p []byte, _ int64) (int, error)       { return len(p), nil }
func (n null) WriteAt(p []byte, _ int64) (int, error)      { return len(p), nil }
func (n null) Flush(context.Context) error                 { return nil }
func (n null) Close() error                                { return nil }
func (n null) open(context.Context) (driver.Device, error) { return n, nil }

// batch is depth requests of n bytes that are sent in one write.
type batch struct {
	*client
	in      *bufio.Reader
	send    []byte
	replies int64 // bytes
}

func newBatch(t testing.TB, r *rig, kind, flags uint16, n uint32, depth int, size int64) *batch {
	c := attachSimple(t, r, "vol")
	_ = c.SetDeadline(time.Time{})
	b := &batch{client: c, in: bufio.NewReaderSize(c, 1<<20), replies: 16}
	var payload []byte
	if kind == write {
		payload = make([]byte, n)
	} else if kind == read {
		b.replies += int64(n)
	}
	for i := range depth {
		off := rand.Int64N(size/int64(max(n, 1))) * int64(n)
		b.send = append(b.send, command(kind, flags, uint64(i), uint64(off), n, payload)...)
	}
	b.replies *= int64(depth)
	return b
}

func (b *batch) run() error {
	if _, err := b.Write(b.send); err != nil {
		return err
	}
	for left := b.replies; left > 0; {
		n, err := b.in.Discard(int(min(left, 64<<10)))
		if err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

func benchmark(b *testing.B, kind uint16, n uint32) {
	const size = 1 << 30
	for _, depth := range []int{1, 32} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			r := serve(b, map[string]nbd.Export{"vol": {Open: null{size}.open}})
			batch := newBatch(b, r, kind, 0, n, depth, size)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; done += depth {
				if err := batch.run(); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
		})
	}
}

func BenchmarkRead4K(b *testing.B)  { benchmark(b, read, 4096) }
func BenchmarkWrite4K(b *testing.B) { benchmark(b, write, 4096) }
func BenchmarkRead1M(b *testing.B)  { benchmark(b, read, 1<<20) }
func BenchmarkWrite1M(b *testing.B) { benchmark(b, write, 1<<20) }

func TestServingARequestAllocatesNothing(t *testing.T) {
	for _, tc := range []struct {
		name        string
		kind, flags uint16
		n           uint32
		depth       int
		qos         nbd.QoS
	}{
		{"4 KiB reads", read, 0, 4096, 32, nbd.QoS{}},
		{"4 KiB writes", write, 0, 4096, 32, nbd.QoS{}},
		{"4 KiB reads of a limited device", read, 0, 4096, 32, nbd.QoS{IOPS: 1e9, BytesPerSecond: 1 << 50}},
		{"writes by workers", write, fua, 4096, 32, nbd.QoS{}},
		{"256 KiB reads by workers", read, 0, 256 << 10, 1, nbd.QoS{}},
		{"256 KiB writes by workers", write, 0, 256 << 10, 1, nbd.QoS{}},
		{"flushes", flush, 0, 0, 32, nbd.QoS{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := serve(t, map[string]nbd.Export{"vol": {Open: null{1 << 30}.open, QoS: tc.qos}})
			batch := newBatch(t, r, tc.kind, tc.flags, tc.n, tc.depth, 1<<30)
			allocs := testing.AllocsPerRun(50, func() {
				if err := batch.run(); err != nil {
					t.Error(err)
				}
			}) / float64(tc.depth)
			// A collection in between empties the pools: that is less than one in ten.
			if allocs > 0.1 && !raceDetector {
				t.Errorf("%.2f allocations for a request", allocs)
			}
		})
	}
}
