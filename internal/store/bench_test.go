package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

// benchRows is how many snapshots the store under measurement holds. Each update
// of a group hits a page of its own, which is the hard case: of a few hundred rows
// that are changed again and again, several share a page and are twice as fast.
const benchRows = 20000

func benchStore(b *testing.B, rows int, cacheBytes int64) (*store.Store, []string) {
	b.Helper()
	s, err := store.Open(b.Context(), store.Config{URL: freshSQLite(b), CacheBytes: cacheBytes})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	ids := make([]string, rows)
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for from := 0; from < rows; from += 1000 {
		err := s.InTx(b.Context(), func(tx block.Tx) error {
			for i := from; i < min(from+1000, rows); i++ {
				ids[i] = fmt.Sprintf("%08x-0000-4000-8000-%012x", i*2654435761%(1<<32), i)
				err := tx.AddSnapshot(&block.Snapshot{
					ID: ids[i], ProjectID: "0123456789abcdef0123456789abcdef", UserID: "fedcba9876543210fedcba9876543210",
					VolumeID: "11111111-2222-4333-8444-555555555555", TypeID: "66666666-7777-4888-8999-aaaaaaaaaaaa",
					Name: block.SetText("snap-" + ids[i][:8]), Description: block.SetText("Daily backup"),
					Status: block.SnapshotAvailable, Progress: 100, Size: 10,
					CreatedAt: start.Add(time.Duration(i) * time.Second),
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s, ids
}

// rename is what a PUT of a snapshot does to the store.
func rename(s *store.Store, id string, n int64) error {
	name := block.SetText(fmt.Sprintf("renamed-%d", n))
	return s.InTx(context.Background(), func(tx block.Tx) error {
		snap, err := tx.Snapshot(id)
		if err != nil {
			return err
		}
		changed := *snap
		changed.Name = name
		return tx.SaveSnapshot(&changed)
	})
}

// cpu is the process's time so far, user and system.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// storm calls do b.N times from so many goroutines and reports the CPU of each call.
func storm(b *testing.B, callers int, do func(n int64) error) {
	var next atomic.Int64
	var wait sync.WaitGroup
	runtime.GC()
	before := cpu(b)
	b.ResetTimer()
	for range callers {
		wait.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := do(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

func benchmarkUpdate(b *testing.B, callers int) {
	s, ids := benchStore(b, benchRows, 0)
	before := s.Stats()
	storm(b, callers, func(n int64) error { return rename(s, ids[n*7919%benchRows], n) })
	after := s.Stats()
	b.ReportMetric(float64(after.Commits-before.Commits)/float64(b.N), "commits/op")
}

func BenchmarkUpdate64(b *testing.B) { benchmarkUpdate(b, 64) }
func BenchmarkUpdate1(b *testing.B)  { benchmarkUpdate(b, 1) }

// bareDisk is the limit that updates are measured against: 4 KiB pages written to
// a file of this folder, one fdatasync for each group.
func bareDisk(b *testing.B, callers int) {
	f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	const pages = 4096
	if err := f.Truncate(pages * 4096); err != nil {
		b.Fatal(err)
	}
	warm := make([]byte, 1<<20)
	for at := int64(0); at < pages*4096; at += int64(len(warm)) {
		if _, err := f.WriteAt(warm, at); err != nil {
			b.Fatal(err)
		}
	}
	queue := make(chan chan error, callers)
	var stopped sync.WaitGroup
	stopped.Go(func() {
		page, at := make([]byte, 4096), int64(0)
		for first := range queue {
			group := []chan error{first}
			runtime.Gosched()
			for more := true; more && len(group) < 512; {
				select {
				case done, open := <-queue:
					if more = open; open {
						group = append(group, done)
					}
				default:
					more = false
				}
			}
			var err error
			for range group {
				_, err = f.WriteAt(page, at%pages*4096)
				at++
			}
			if err == nil {
				err = unix.Fdatasync(int(f.Fd()))
			}
			for _, done := range group {
				done <- err
			}
		}
	})
	storm(b, callers, func(int64) error {
		done := make(chan error, 1)
		queue <- done
		return <-done
	})
	close(queue)
	stopped.Wait()
}

func BenchmarkBareDisk64(b *testing.B) { bareDisk(b, 64) }
func BenchmarkBareDisk1(b *testing.B)  { bareDisk(b, 1) }

func BenchmarkGetCached(b *testing.B) {
	s, ids := benchStore(b, 1000, 0)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if _, err := s.Snapshot(context.Background(), ids[i%len(ids)]); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkGetUncached reads each row once, so that none is in memory.
func BenchmarkGetUncached(b *testing.B) {
	s, ids := benchStore(b, benchRows, -1)
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		if _, err := s.Snapshot(context.Background(), ids[n*7919%benchRows]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a database that is there.
func BenchmarkOpen(b *testing.B) {
	url := freshSQLite(b)
	for b.Loop() {
		s, err := store.Open(b.Context(), store.Config{URL: url})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Ping(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func BenchmarkPage1000(b *testing.B) {
	s, ids := benchStore(b, benchRows, 0)
	for _, at := range []struct{ name, marker string }{{"first", ""}, {"deep", ids[benchRows/10]}} {
		b.Run(at.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rows, err := s.Snapshots(b.Context(), block.List{
					ProjectID: "0123456789abcdef0123456789abcdef", Marker: at.marker, Limit: 1000,
				})
				if err != nil || len(rows) != 1000 {
					b.Fatal(len(rows), err)
				}
			}
		})
	}
}
