package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	diskPage  = 4096
	diskPages = 4096 // of the file, written over again and again
	diskGroup = 512  // pages that share one fdatasync at most, as the store's groups
)

// disk is the limit of the store's rows: 4 KiB pages written over a file that is
// there already, one fdatasync for each page or each group of pages.
type disk struct{ file *os.File }

func openDisk(dir string) (*disk, error) {
	f, err := os.Create(filepath.Join(dir, "bare-disk"))
	if err != nil {
		return nil, err
	}
	d := &disk{f}
	chunk := make([]byte, 1<<20) // written, not truncated: no block is to be allocated in the loop
	for at := int64(0); at < diskPages*diskPage; at += int64(len(chunk)) {
		if _, err := f.WriteAt(chunk, at); err != nil {
			return nil, err
		}
	}
	return d, fdatasync(f)
}

func (d *disk) close() { _ = d.file.Close() } // its content is nothing

// serial is one caller: pwrite, fdatasync, again.
func (d *disk) serial(ctx context.Context, slot time.Duration) (figures, error) {
	page := make([]byte, diskPage)
	var n int64
	return timed(ctx, slot, 1, func() (int64, error) {
		at := n % diskPages * diskPage
		n++
		if _, err := d.file.WriteAt(page, at); err != nil {
			return 0, err
		}
		return 1, fdatasync(d.file)
	})
}

// batched is many callers, each wants one page durable; those that wait together
// share one fdatasync, as the store's writer does it.
func (d *disk) batched(ctx context.Context, slot time.Duration, callers int) (figures, error) {
	queue := make(chan chan error, callers)
	var writer sync.WaitGroup
	writer.Go(func() { d.writeGroups(queue) })
	answers := sync.Pool{New: func() any { return make(chan error, 1) }}
	f, err := timed(ctx, slot, callers, func() (int64, error) {
		done := answers.Get().(chan error)
		queue <- done
		err := <-done
		answers.Put(done)
		return 1, err
	})
	close(queue)
	writer.Wait()
	return f, err
}

func (d *disk) writeGroups(queue chan chan error) {
	page, at := make([]byte, diskPage), int64(0)
	group := make([]chan error, 0, diskGroup)
	for first := range queue {
		group = append(group[:0], first)
		runtime.Gosched()
	drain:
		for len(group) < diskGroup {
			select {
			case done, open := <-queue:
				if !open {
					break drain
				}
				group = append(group, done)
			default:
				break drain
			}
		}
		var err error
		for range group {
			if _, e := d.file.WriteAt(page, at%diskPages*diskPage); e != nil {
				err = e
			}
			at++
		}
		if err == nil {
			err = fdatasync(d.file)
		}
		for _, done := range group {
			done <- err
		}
	}
}

// timed lets callers repeat do for a slot, in this process, and gives the rate and
// the CPU for each operation; do tells how many operations it was.
func timed(ctx context.Context, slot time.Duration, callers int, do func() (int64, error)) (figures, error) {
	runtime.GC()
	before, err := ownCPU()
	if err != nil {
		return figures{}, err
	}
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	start := time.Now()
	end := start.Add(slot)
	for range callers {
		wait.Go(func() {
			for time.Now().Before(end) && failed.Load() == nil && ctx.Err() == nil {
				n, err := do()
				if err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				count.Add(n)
			}
		})
	}
	wait.Wait()
	took := time.Since(start)
	after, err := ownCPU()
	if failure := failed.Load(); failure != nil {
		err = *failure
	}
	if err == nil {
		err = ctx.Err()
	}
	n := max(count.Load(), 1)
	return figures{rate: float64(n) / took.Seconds(), cpu: float64((after - before).Nanoseconds()) / 1000 / float64(n)}, err
}
