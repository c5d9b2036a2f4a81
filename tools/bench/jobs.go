package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
)

// goalJobs is what enqueueing and working reach of the bare store loop.
var goalJobs = goal{Least: 0.25}

// jobsAtOnce is how many jobs wait for each slot of work.
const jobsAtOnce = 4000

// jobRows measures the job table against the store's own loop: durable enqueueing
// by 64 callers, a runner that ends jobs which do nothing, and one job at a time
// from its enqueueing to its first line, against one fdatasync.
func (b *bench) jobRows(ctx context.Context) error {
	if !b.wants("jobs") {
		return nil
	}
	d, err := openDisk(b.dir)
	if err != nil {
		return err
	}
	defer d.close()
	rows, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(b.dir, "jobs.db")})
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what it holds is thrown away
	if err := fillStore(ctx, rows, maker{project: "0123456789abcdef0123456789abcdef", user: "fedcba9876543210fedcba9876543210"}, storeSnapshots); err != nil {
		return err
	}
	loop, q := &renamer{rows: rows}, &queue{rows: rows}
	limit := loop.side(b, 64)
	enqueue := &pair{name: "jobs enqueue", limit: limit, ours: func(ctx context.Context) (figures, error) {
		f, err := timed(ctx, b.slot, 64, func() (int64, error) { return 1, q.add(ctx, 1) })
		return f, q.drained(ctx, err)
	}}
	work := &pair{name: "jobs work", limit: limit, ours: q.work}
	start := &pair{name: "jobs start", ours: q.starts(b), limit: func(ctx context.Context) (figures, error) { return d.serial(ctx, b.slot) }}
	if err := runPairs(ctx, b.rng, b.rounds, []*pair{enqueue, work, start}, b.say); err != nil {
		return err
	}
	const against = "limit: InTx{Snapshot, SaveSnapshot}, 64 callers, the same file"
	b.add(enqueue.rate("jobs, durable enqueue, 64 callers", goalJobs).with(against))
	b.add(work.rate("jobs, claimed, run and ended", goalJobs).with(against))
	b.add(start.rate("jobs, from enqueue to first line, one at a time", goal{}).with("limit: pwrite of 4 KiB + fdatasync, one thread; two commits a job"))
	return nil
}

// queue is a store's job table with jobs that do nothing.
type queue struct {
	rows *store.Store
	n    atomic.Int64
}

func (q *queue) add(ctx context.Context, count int) error {
	return q.rows.InTx(ctx, func(tx block.Tx) error {
		for range count {
			n := q.n.Add(1)
			job := &jobs.Job{ID: fmt.Sprintf("%032x", n), Kind: "nothing.do", ResourceID: fmt.Sprintf("r%d", n), ProjectID: "p"}
			if err := tx.Enqueue(job); err != nil {
				return err
			}
		}
		return nil
	})
}

// run runs jobs until stop is called; each is told to started before it ends.
func (q *queue) run(started func()) (stop func()) {
	ctx, end := context.WithCancel(context.Background())
	do := func(ctx context.Context, job *jobs.Job) error {
		started()
		return q.rows.InTx(ctx, func(tx block.Tx) error { return tx.FinishJob(job) })
	}
	runner := jobs.NewRunner(q.rows, map[string]jobs.Handler{"nothing.do": {Run: do}}, jobs.Config{Workers: 86, Lease: time.Minute})
	var hands sync.WaitGroup
	hands.Go(func() { runner.Run(ctx) })
	hands.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-q.rows.JobsAdded():
				runner.Wake()
			}
		}
	})
	return func() { end(); hands.Wait() }
}

// drained ends what a slot has left, outside of its time.
func (q *queue) drained(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	defer q.run(func() {})()
	for ctx.Err() == nil {
		at, err := q.rows.NextJobAt(ctx, time.Time{})
		if err != nil || at.IsZero() {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return ctx.Err()
}

// work measures from the first claim to the last end of jobs that were waiting.
func (q *queue) work(ctx context.Context) (figures, error) {
	for range jobsAtOnce / 500 {
		if err := q.add(ctx, 500); err != nil {
			return figures{}, err
		}
	}
	before, err := ownCPU()
	if err != nil {
		return figures{}, err
	}
	var left sync.WaitGroup
	left.Add(jobsAtOnce)
	begun := time.Now()
	stop := q.run(left.Done)
	left.Wait()
	took := time.Since(begun)
	stop()
	after, err := ownCPU()
	return figures{rate: jobsAtOnce / took.Seconds(), cpu: float64((after - before).Microseconds()) / jobsAtOnce}, err
}

// starts adds one job after another, each when the one before has begun.
func (q *queue) starts(b *bench) side {
	return func(ctx context.Context) (figures, error) {
		started := make(chan struct{}, 1)
		defer q.run(func() { started <- struct{}{} })()
		return timed(ctx, b.slot, 1, func() (int64, error) {
			if err := q.add(ctx, 1); err != nil {
				return 0, err
			}
			<-started
			return 1, nil
		})
	}
}
