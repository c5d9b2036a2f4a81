package store

import (
	"errors"
	"reflect"
	"runtime"
)

// errNested is a mistake in the code of the caller, who would wait for itself.
var errNested = errors.New("InTx was called inside the work of another InTx")

// runWork is where every transaction's work is called from; nesting looks for it
// on the stack.
//
//go:noinline
func runWork(t *Tx, work func(*Tx) error) error { return t.run(work) }

// nesting is where runWork lies in the program.
type nesting struct{ from, to uintptr }

func findNesting() nesting {
	from := reflect.ValueOf(runWork).Pointer()
	n := nesting{from, from + 1}
	for f := runtime.FuncForPC(from); f != nil && runtime.FuncForPC(n.to) == f; {
		n.to++
	}
	return n
}

// work tells whether this goroutine is inside the work of a transaction. It
// costs up to a microsecond: ask only while some work is running.
func (n nesting) work() bool {
	var pcs [128]uintptr
	for _, pc := range pcs[:runtime.Callers(3, pcs[:])] {
		if pc > n.from && pc <= n.to {
			return true
		}
	}
	return false
}
