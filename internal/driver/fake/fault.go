package fake

import (
	"context"
	"sync"
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
	Open           Call = "open"
	List           Call = "list"
	ReadAt         Call = "read"
	WriteAt        Call = "write"
	Flush          Call = "flush"
)

// Fault is one thing that goes wrong.
type Fault struct {
	Call Call
	Nth  int   // which call of that kind, from 1; 0 is each of them
	Err  error // what the call answers; nil with Hang answers the context's error

	// After does the work first, then fails: an answer that was lost. Without it
	// nothing is changed. Of Info, Open and List it makes no difference.
	After bool
	// Hang waits until the caller's context ends. ReadAt and WriteAt have no
	// context: there it is taken as Err alone.
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
