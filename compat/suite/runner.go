package suite

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Result is how one function of the suite came out.
type Result struct {
	Name    string // with number, API version and dialect
	Failed  bool
	Skipped bool
	Notes   []string // failures and remarks, in order
	Took    time.Duration
}

// Counts sums up results.
type Counts struct{ Passed, Failed, Skipped int }

// Run runs the whole suite against a target without the testing package, and
// tells each result as it comes. It fails only when the target cannot be used
// at all: nobody can log in, or no volume can be made.
func Run(ctx context.Context, target *Target, tell func(Result)) (Counts, error) {
	var counts Counts
	e, err := NewEnv(ctx, target)
	if err != nil {
		return counts, fmt.Errorf("make what the suite needs: %w", err)
	}
	for _, c := range All() {
		for _, version := range c.Versions {
			r := play(ctx, c.Name+" /"+version, func(t T) { c.Run(t, e.In(version)) })
			switch {
			case r.Failed:
				counts.Failed++
			case r.Skipped:
				counts.Skipped++
			default:
				counts.Passed++
			}
			tell(r)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return counts, e.Close(context.WithoutCancel(ctx))
}

// Function is any function of the suite, with the API versions it is tried on.
type Function struct {
	Name     string
	Versions []string
	Run      func(t T, e *Env)
}

// All are statements, operations, bad input, faults of the native families and what
// was observed, in this order.
func All() []Function {
	var all []Function
	for _, s := range Statements() {
		all = append(all, Function{s.Name(), s.Versions(), s.Run})
	}
	for _, o := range Operations() {
		all = append(all, Function{o.Name, o.TriedOn(), o.Run})
	}
	for _, c := range BadInput() {
		all = append(all, Function{"bad input: " + c.Name, []string{"v2", "v3"}, c.Run})
	}
	for _, c := range slices.Concat(NativeFaults(), NativeLimits()) {
		all = append(all, Function{c.Name, []string{"v3"}, c.Run})
	}
	for _, c := range Observed() {
		all = append(all, Function{"observed: " + c.Name, []string{"v2", "v3"}, func(t T, e *Env) {
			if e.evs() {
				t.Skipf("holds in dialect cinder")
			}
			c.Run(t, e)
		}})
	}
	return all
}

// play runs one function in a goroutine of its own, which Fatalf and Skipf end.
func play(ctx context.Context, name string, run func(T)) Result {
	p := &player{ctx: ctx, result: Result{Name: name}}
	began := time.Now()
	p.do(func() { run(p) })
	for _, clean := range slices.Backward(p.cleanups) {
		p.do(clean)
	}
	p.result.Took = time.Since(began)
	return p.result
}

// player is T for Run.
type player struct {
	ctx      context.Context
	result   Result
	cleanups []func()
}

func (p *player) do(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if fault := recover(); fault != nil {
				p.Errorf("the suite itself failed: %v", fault)
			}
		}()
		work()
	}()
	<-done
}

func (p *player) Helper()                  {}
func (p *player) Context() context.Context { return p.ctx }
func (p *player) Cleanup(clean func())     { p.cleanups = append(p.cleanups, clean) }

func (p *player) Logf(format string, args ...any) {
	p.result.Notes = append(p.result.Notes, fmt.Sprintf(format, args...))
}

func (p *player) Errorf(format string, args ...any) {
	p.result.Failed = true
	p.Logf(format, args...)
}

func (p *player) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	runtime.Goexit()
}

func (p *player) Skipf(format string, args ...any) {
	p.result.Skipped = true
	p.Logf(format, args...)
	runtime.Goexit()
}
