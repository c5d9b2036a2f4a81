//go:build crashpoints && unix

package crash

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// passed counts how often the armed point was passed. It is state of the process,
// as what it ends is the process.
var passed atomic.Int64

// At ends the process if name is armed and this is the passing that was asked for.
func At(name string) {
	armed, which, counted := strings.Cut(os.Getenv("BREEZEBLOCK_CRASH"), ":")
	if armed == "" || armed != name {
		return
	}
	n := int64(1)
	if counted {
		n, _ = strconv.ParseInt(which, 10, 64) // 0 when it is none: never
	}
	if passed.Add(1) != n {
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // cannot fail on oneself
	select {}                                      // until the signal has come
}
