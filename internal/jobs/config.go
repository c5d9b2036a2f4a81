package jobs

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// DefaultPatience is how long the attempts at one job may take together.
const DefaultPatience = 5 * time.Minute

// Config is how a Runner works. Zero values mean the defaults.
type Config struct {
	Workers     int           // jobs at a time; 16
	Lease       time.Duration // how long a silent worker keeps a job; 30 s
	Patience    time.Duration // what the attempts at one job may take together; DefaultPatience
	MaxAttempts int           // claims before giving up; 8
	Poll        time.Duration // longest sleep without a wake-up; 10 s
	LeaveBehind time.Duration // how long a handler has to notice that its context ended; 5 s
	Keep        time.Duration // how long a job that is done stays; 24 h
	KeepFailed  time.Duration // how long one that failed stays, for explain; 30 days
	// KindLimits bounds how many jobs of a kind run at a time. Other kinds, and each
	// project, get three quarters of Workers, so that nothing that hangs takes all.
	KindLimits map[string]int
	// Alone says that no other process works on this job table: at its start, Run
	// takes the jobs that an earlier process left without waiting for their lease.
	Alone bool
	// Tidy is called from time to time, to do what no job is queued for; nil: nothing.
	Tidy func(ctx context.Context) error
	// Unknown gives up a job of a kind that has no handler, written by a server of
	// another version. Nil: it is tried for ever, every half MaxDelay.
	Unknown func(ctx context.Context, job *Job, cause error) error
	Now     func() time.Time
	Jitter  func(most time.Duration) time.Duration // from 0 to most; random
	Log     *slog.Logger
	Done    func(kind string, took time.Duration, failed bool) // for metrics; may be nil
}

func (c Config) withDefaults() Config {
	orInt := func(v *int, standard int) {
		if *v == 0 {
			*v = standard
		}
	}
	orTime := func(v *time.Duration, standard time.Duration) {
		if *v == 0 {
			*v = standard
		}
	}
	orInt(&c.Workers, 16)
	orInt(&c.MaxAttempts, 8)
	orTime(&c.Lease, 30*time.Second)
	orTime(&c.Patience, DefaultPatience)
	orTime(&c.Poll, 10*time.Second)
	orTime(&c.LeaveBehind, 5*time.Second)
	orTime(&c.Keep, 24*time.Hour)
	orTime(&c.KeepFailed, 30*24*time.Hour)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Done == nil {
		c.Done = func(string, time.Duration, bool) {}
	}
	return c
}

// share is what one kind or project may have of the workers.
func (c Config) share() int { return max(1, c.Workers*3/4) }

func (c Config) kindLimit(kind string) int {
	if n, set := c.KindLimits[kind]; set {
		return n
	}
	return c.share()
}
