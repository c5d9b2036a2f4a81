package fake

import (
	"context"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Call is a kind of call, of the driver or of its devices.
type Call string

const (
	Any            Call = "any" // every call but Close
	Info           Call = "info"
	Create         Call = "create"
	CreateFrom     Call = "create from"
	Delete         Call = "delete"
	Extend         Call = "extend"
	Snapshot       Call = "snapshot"
	DeleteSnapshot Call = "delete snapshot"
	Rollback       Call = "rollback"
	Usage          Call = "usage"
	Changed        Call = "changed"
	Check          Call = "check"
	Open           Call = "open"
	List           Call = "list"
	ReadAt         Call = "read"
	WriteAt        Call = "write"
	WriteZeroes    Call = "write zeroes"
	Discard        Call = "discard"
	Extents        Call = "extents"
	Flush          Call = "flush"
)

// Fault is one thing that goes wrong.
type Fault struct {
	Call Call
	Nth  int   // which call of that kind, from 1; 0 is each of them
	Err  error // what the call answers; nil with Hang answers the context's error

	// After does the work first, then fails: an answer that was lost. Without it
	// nothing is changed. Of calls that change nothing it makes no difference.
	After bool
	// Progress is what the call tells of itself first, in percent, a second apart as
	// whoever listens does not listen more often. For tests with a clock of their own.
	Progress []int
	// Hang waits until the caller's context ends. Of a device only Flush has one:
	// in its other calls it is taken as Err alone.
	Hang bool
}

// faults counts calls and picks the fault of each. Reopened drivers share it.
type faults struct {
	mu     sync.Mutex
	list   []Fault
	counts map[Call]int
}

// meet counts a call and tells its fault, if it has one.
func (f *faults) meet(call Call) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[call]++
	f.counts[Any]++
	for _, fault := range f.list {
		if (fault.Call == call || fault.Call == Any) && (fault.Nth == 0 || fault.Nth == f.counts[fault.Call]) {
			return fault, true
		}
	}
	return Fault{}, false
}

func (f *faults) count(call Call) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[call]
}

// run does work, with the call's fault before or after it.
func (f *faults) run(ctx context.Context, call Call, work func() error) error {
	fault, found := f.meet(call)
	for i, percent := range fault.Progress {
		if i > 0 {
			wait(ctx)
		}
		driver.Progress(ctx, percent)
	}
	if found && fault.Hang {
		<-ctx.Done()
		if fault.Err == nil {
			fault.Err = ctx.Err()
		}
	}
	if found && !fault.After {
		return fault.Err
	}
	if err := work(); err != nil || !found {
		return err
	}
	return fault.Err
}

// wait lets a second pass, or the context end.
func wait(ctx context.Context) {
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
