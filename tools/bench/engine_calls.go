package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// callRows times the calls on a sparse volume of 1 TiB whose bytes are all on the
// disk, and how long a writer beside a snapshot waits at most.
func (e *engine) callRows(ctx context.Context, b *bench) error {
	const note = "1 TiB, sparse, nothing dirty, without the page cache's help for what it writes"
	times := map[string][]float64{}
	for range b.rounds {
		if err := e.oneOfEach(ctx, func(name string, took time.Duration) {
			times[name] = append(times[name], milliseconds(took))
			b.say("%-44s %.1f ms\n", "engine "+name, milliseconds(took))
		}); err != nil {
			return err
		}
	}
	for _, name := range []string{"snapshot", "clone", "extend", "rollback"} {
		b.add(engineRow(name+" at 1 TiB", "ms", times[name], goalCall, note))
	}
	b.add(engineRow("a writer's longest wait beside a snapshot", "ms", times["pause"], goalPause,
		"4 KiB writes, one after the other, into grains that are the head's; of it, what a longest wait is without a snapshot: "+spreadOf(times["no pause"]).text()+" ms"))
	return nil
}

// oneOfEach makes each call once, on a volume of its own.
func (e *engine) oneOfEach(ctx context.Context, tell func(name string, took time.Duration)) error {
	id, dev, err := e.volume(ctx, engineLarge)
	if err != nil {
		return err
	}
	scattered := func() error {
		page := make([]byte, engineBlock)
		for i := range int64(64) {
			if _, err := dev.WriteAt(page, i*(engineLarge/64)); err != nil {
				return err
			}
		}
		return dev.Flush(ctx)
	}
	timed := func(name string, call func() error) error {
		start := time.Now()
		err := call()
		tell(name, time.Since(start))
		return err
	}
	clone := id + "-clone"
	for _, step := range []func() error{
		scattered,
		func() error { return timed("snapshot", func() error { return e.pool.Snapshot(ctx, id, "s", 0) }) },
		func() error {
			spec := driver.VolumeSpec{ID: clone, Size: engineLarge}
			return timed("clone", func() error { return e.pool.CreateFrom(ctx, spec, driver.Ref{Volume: id, Snapshot: "s"}, 0) })
		},
		func() error {
			return timed("extend", func() error { return e.pool.Extend(ctx, id, engineLarge+1<<30, 0) })
		},
		scattered,
		func() error { return e.pause(ctx, id, dev, tell) },
		func() error { return dev.Close() },
		func() error { return timed("rollback", func() error { return e.pool.Rollback(ctx, id, "s", 0) }) },
		func() error { return errors.Join(e.pool.Delete(ctx, clone, 0), e.pool.Delete(ctx, id, 0)) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("calls at 1 TiB: %w", err)
		}
	}
	return nil
}

// pause tells the longest write beside a snapshot, and the longest without one in as
// much time.
func (e *engine) pause(ctx context.Context, id string, dev driver.Device, tell func(string, time.Duration)) error {
	longest := func(during func() error) (time.Duration, error) {
		var stop atomic.Bool
		var worst time.Duration
		var failed error
		var writer sync.WaitGroup
		writer.Go(func() {
			page := make([]byte, engineBlock)
			for i := int64(0); !stop.Load() && failed == nil; i++ {
				start := time.Now()
				_, failed = dev.WriteAt(page, i%64*engineBlock)
				worst = max(worst, time.Since(start))
			}
		})
		err := during()
		stop.Store(true)
		writer.Wait()
		return worst, errors.Join(err, failed)
	}
	start := time.Now()
	with, err := longest(func() error { return e.pool.Snapshot(ctx, id, "p", 0) })
	if err != nil {
		return err
	}
	took := time.Since(start)
	without, err := longest(func() error {
		time.Sleep(took) // as long as the snapshot took
		return nil
	})
	tell("pause", with)
	tell("no pause", without)
	return err
}
