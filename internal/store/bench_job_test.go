package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/jobs"
	"github.com/breezeblock/breezeblock/internal/store"
)

// What jobs cost is measured against BenchmarkBareDisk64 of the same run:
//
//	go test ./internal/store -run '^$' -bench 'Jobs|BareDisk'

// benchJob is a job like those of the service: each on an object of its own.
func benchJob(n int64) *jobs.Job {
	return &jobs.Job{
		ID: fmt.Sprintf("%016x%016x", uint64(n)*0x9e3779b97f4a7c15, n), Kind: "nothing.do",
		ResourceID: fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(n)*2654435761, n),
		ProjectID:  fmt.Sprintf("%032x", n%4),
	}
}

func enqueueBench(s *store.Store, n int64) error {
	return s.InTx(context.Background(), func(tx block.Tx) error { return tx.Enqueue(benchJob(n)) })
}

// BenchmarkJobsEnqueue64 adds jobs, each in a transaction of its own.
func BenchmarkJobsEnqueue64(b *testing.B) {
	s, _ := benchStore(b, 0, 0)
	storm(b, 64, func(n int64) error { return enqueueBench(s, n) })
}

// BenchmarkJobsEnqueue1 is the same for one caller.
func BenchmarkJobsEnqueue1(b *testing.B) {
	s, _ := benchStore(b, 0, 0)
	storm(b, 1, func(n int64) error { return enqueueBench(s, n) })
}

// BenchmarkJobsWork lets a Runner of 64 workers claim jobs and end them, which do
// nothing else; they wait before it begins.
func BenchmarkJobsWork(b *testing.B) {
	s, _ := benchStore(b, 0, 0)
	const atOnce = 500
	for from := 0; from < b.N; from += atOnce {
		err := s.InTx(b.Context(), func(tx block.Tx) error {
			for n := from; n < min(from+atOnce, b.N); n++ {
				if err := tx.Enqueue(benchJob(int64(n))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	var left sync.WaitGroup
	left.Add(b.N)
	before, commits := cpu(b), s.Stats().Commits
	b.ResetTimer()
	stop := runBench(s, func(ctx context.Context, job *jobs.Job) error {
		err := s.InTx(ctx, func(tx block.Tx) error { return tx.FinishJob(job) })
		if err == nil {
			left.Done()
		}
		return err
	})
	left.Wait()
	b.StopTimer()
	stop()
	b.ReportMetric(float64(s.Stats().Commits-commits)/float64(b.N), "commits/op")
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "op/s")
}

// BenchmarkJobsStart is how long it takes from the call that adds a job to its
// first line, while nothing else is to be done: one commit for the job, one for
// its lease.
func BenchmarkJobsStart(b *testing.B) {
	s, _ := benchStore(b, 0, 0)
	started := make(chan struct{})
	stop := runBench(s, func(ctx context.Context, job *jobs.Job) error {
		started <- struct{}{}
		return s.InTx(ctx, func(tx block.Tx) error { return tx.FinishJob(job) })
	})
	defer stop()
	var n int64
	for b.Loop() {
		n++
		if err := enqueueBench(s, n); err != nil {
			b.Fatal(err)
		}
		<-started
	}
}

// runBench runs jobs until stop is called.
func runBench(s *store.Store, do func(context.Context, *jobs.Job) error) (stop func()) {
	ctx, end := context.WithCancel(context.Background())
	runner := jobs.NewRunner(s, map[string]jobs.Handler{"nothing.do": {Run: do}},
		jobs.Config{Workers: 86, Lease: time.Minute}) // three quarters are for one kind
	var work sync.WaitGroup
	work.Go(func() { runner.Run(ctx) })
	work.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.JobsAdded():
				runner.Wake()
			}
		}
	})
	return func() { end(); work.Wait() }
}
