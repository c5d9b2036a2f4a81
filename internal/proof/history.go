package proof

import (
	"fmt"
	"strings"
	"time"
)

// Verb is what one operation of a history does.
type Verb string

// Calls of the API.
const (
	CreateVolume   Verb = "create volume"
	CloneVolume    Verb = "clone volume"    // from another volume
	RestoreVolume  Verb = "restore volume"  // from a snapshot
	CreateSnapshot Verb = "create snapshot" // of a volume
	Show           Verb = "show"
	Update         Verb = "update"
	Delete         Verb = "delete"
	ForceDelete    Verb = "force delete"
	Reset          Verb = "reset status"
	Extend         Verb = "extend"
	Attach         Verb = "attach"
	Detach         Verb = "detach"
	RollBack       Verb = "roll back to" // by the EVS call
	Revert         Verb = "revert to"    // by Cinder's, to the newest snapshot only
	MergeItems     Verb = "merge metadata"
	ReplaceItems   Verb = "replace metadata"
	DropItem       Verb = "drop metadata"
	SetQuota       Verb = "set quota"
)

// What happens to the server and beneath it.
const (
	Write   Verb = "write"   // into a volume, as whoever has it attached does
	Fault   Verb = "fault"   // the driver's next calls of a kind go wrong
	Hold    Verb = "hold"    // driver calls wait
	Release Verb = "release" // they go on
	Restart Verb = "restart" // in order
	Kill    Verb = "kill"    // as kill -9 would
	Wait    Verb = "wait"
	Jump    Verb = "clock jumps"
)

// Noun is what a call works on.
type Noun string

const (
	AVolume   Noun = "volume"
	ASnapshot Noun = "snapshot"
)

// Op is one operation. Objects are named by numbers that Model.pick turns into
// ids, so that a history is a value: it prints, shrinks and runs again.
type Op struct {
	Verb   Verb
	Who    int // index into Model.Callers
	Noun   Noun
	Target int
	ID     string // in place of Target
	Size   int64  // GiB
	Name   string // name, and description with it
	Key    string // of metadata
	Word   string // status, type, resource of a quota, kind of driver call
	Mode   FaultMode
	Count  int  // of faulty calls; the limit of a quota
	Flag   bool // cascade, force, or a safety snapshot
	Delay  time.Duration
	Rush   bool // the next operation comes before the work of this one has begun
}

// FaultMode is how a driver call goes wrong.
type FaultMode string

const (
	Fails FaultMode = "fails"             // without doing anything
	Loses FaultMode = "loses its answer"  // does the work, then fails
	Hangs FaultMode = "hangs"             // until its context ends, without doing anything
	Late  FaultMode = "hangs, then works" // until its context ends, and then does it all the same
	Twice FaultMode = "works twice"
)

func (o Op) String() string {
	var b strings.Builder
	b.WriteString(string(o.Verb))
	switch o.Verb {
	case Hold, Release, Restart, Kill:
		return b.String()
	case Write:
		fmt.Fprintf(&b, " into volume #%d", o.Target)
		return b.String()
	case Wait, Jump:
		fmt.Fprintf(&b, " %s", o.Delay)
		return b.String()
	case Fault:
		fmt.Fprintf(&b, ": the next %d calls of %s: %s", o.Count, o.Word, o.Mode)
		return b.String()
	}
	fmt.Fprintf(&b, " by %d", o.Who)
	if o.Verb != CreateVolume {
		fmt.Fprintf(&b, " %s #%d", o.Noun, o.Target)
	}
	for _, part := range []struct {
		name  string
		value any
		given bool
	}{
		{"size", o.Size, o.Size != 0}, {"name", o.Name, o.Name != ""}, {"key", o.Key, o.Key != ""},
		{"word", o.Word, o.Word != ""}, {"count", o.Count, o.Count != 0}, {"flag", o.Flag, o.Flag},
		{"rush", o.Rush, o.Rush},
	} {
		if part.given {
			fmt.Fprintf(&b, " %s=%v", part.name, part.value)
		}
	}
	return b.String()
}

// History is what happens, in order.
type History []Op

func (h History) String() string {
	var b strings.Builder
	for i, op := range h {
		fmt.Fprintf(&b, "%3d  %s\n", i, op)
	}
	return b.String()
}
