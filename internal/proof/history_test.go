package proof

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Faults, holds and killings are the weather of a history.
type weather int

const (
	fair weather = iota // calls only: all work must end well
	calm                // and restarts, kills and pauses: all work must end well
	foul                // and faults, hangs, clocks that jump, administrators who reset
)

func (w weather) String() string { return [...]string{"fair", "calm", "foul"}[w] }

// Every history of calls is answered as the model says, and leaves what it says:
// the same rows, usage that is the count, a driver that agrees, nothing that waits
// for ever, and nothing that cannot be deleted.
func TestHistories(t *testing.T) {
	for w, checks := range []int{fair: 15, calm: 20, foul: 40} {
		t.Run(weather(w).String(), func(t *testing.T) { checkHistories(t, weather(w), checks, 40) })
	}
}

// The same histories, without what needs virtual time, on PostgreSQL.
func TestHistoriesOnPostgreSQL(t *testing.T) {
	if testing.Short() {
		t.Skip("a PostgreSQL of its own takes seconds to start; left out with -short")
	}
	set(t, "rapid.nofailfile", "true")
	set(t, "rapid.shrinktime", "10s")
	set(t, "rapid.checks", "3")
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt, fair, 40)
		if err := playOnPostgres(t, h); err != nil {
			rt.Fatalf("%v\nafter:\n%s", err, h)
		}
	})
}

// TestSoak runs long histories for BREEZEBLOCK_SOAK (a duration), from seed
// BREEZEBLOCK_SEED on; make soak.
func TestSoak(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("BREEZEBLOCK_SOAK"))
	if err != nil {
		t.Skip("no soak: BREEZEBLOCK_SOAK is no duration")
	}
	seed, err := strconv.ParseUint(os.Getenv("BREEZEBLOCK_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	}
	for end := time.Now().Add(length); time.Now().Before(end) && !t.Failed(); seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			set(t, "rapid.seed", strconv.FormatUint(seed, 10))
			checkHistories(t, weather(seed%3), 20, 120)
		})
	}
}

// set gives a flag of rapid a value, unless the command line did.
func set(t *testing.T, name, value string) {
	t.Helper()
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(strings.TrimLeft(arg, "-"), name) {
			return
		}
	}
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

func checkHistories(t *testing.T, w weather, checks, length int) {
	set(t, "rapid.nofailfile", "true") // the seed is enough
	set(t, "rapid.shrinktime", "10s")
	if racing {
		checks = max(checks/5, 3)
	}
	if testing.Short() {
		checks *= 5 // of which rapid makes a fifth
	}
	set(t, "rapid.checks", strconv.Itoa(checks))
	ran := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := drawHistory(rt, w, length)
		ran++
		if err := play(t, h); err != nil {
			rt.Fatalf("%v\nafter:\n%s", err, h)
		}
	})
	t.Logf("%d histories of at most %d operations", ran, length)
}

// drawHistory draws a history: two projects with a volume and a snapshot each, and
// what comes then.
func drawHistory(rt *rapid.T, w weather, length int) History {
	begin := History{
		{Verb: CreateVolume, Who: 0, Size: 2, Name: "a"}, {Verb: CreateSnapshot, Who: 0, Noun: AVolume},
		{Verb: CreateVolume, Who: 1, Size: 1, Name: "b"}, {Verb: CreateSnapshot, Who: 1, Noun: AVolume},
	}
	// What rapid draws tends to what is small; operations should not.
	seeds := rapid.SliceOfN(rapid.Uint64(), length/4, length).Draw(rt, "seeds of operations")
	for _, seed := range seeds {
		begin = append(begin, drawOp(rand.New(rand.NewPCG(seed, 0)), w))
	}
	return begin
}

// of is any of these.
func of[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// drawOp draws one operation.
func drawOp(r *rand.Rand, w weather) Op {
	verbs := []Verb{
		CreateVolume, CreateVolume, CloneVolume, RestoreVolume, CreateSnapshot, CreateSnapshot, CreateSnapshot,
		Show, Update, Update, Delete, Delete, Extend, Extend, Attach, Detach, MergeItems, ReplaceItems, DropItem, SetQuota, Write, Write,
		RollBack, RollBack, RollBack, Revert,
	}
	if w >= calm {
		verbs = append(verbs, Restart, Kill, Wait)
	}
	if w == foul {
		verbs = append(verbs, Fault, Fault, Fault, Hold, Hold, Release, Release, Release, Jump, Reset, Reset, ForceDelete, Wait)
	}
	op := Op{Verb: of(r, verbs...)}
	switch op.Verb {
	case Hold, Release, Restart, Kill:
	case Write:
		op.Target = r.IntN(40)
	case Fault:
		op.Word = of(r, calls...)
		op.Mode = of(r, Fails, Loses, Hangs, Late, Twice)
		op.Count = of(r, 1, 1, 2, 3, 10) // 10 is more than a job's attempts
	case Wait:
		op.Delay = time.Duration(1+r.IntN(400)) * time.Second
	case Jump:
		op.Delay = of(r, -time.Hour, time.Hour)
	default:
		drawCall(r, &op)
		op.Rush = r.IntN(2) == 0
	}
	return op
}

// drawCall draws what a call says.
func drawCall(r *rand.Rand, op *Op) {
	op.Who = of(r, 0, 0, 0, 1, 1, 2)
	op.Target = r.IntN(40) - 2
	op.Noun = of(r, AVolume, ASnapshot)
	op.Name = of(r, "", "a", "b", "c")
	switch op.Verb {
	case CreateVolume:
		op.Noun, op.Target, op.Size = AVolume, 0, int64(1+r.IntN(8))
		op.Word = of(r, typeNames...)
	case CloneVolume:
		op.Noun, op.Size = AVolume, int64(r.IntN(9))
	case RestoreVolume:
		op.Noun, op.Size = ASnapshot, int64(r.IntN(9))
	case CreateSnapshot:
		op.Noun, op.Flag = AVolume, r.IntN(2) == 0
	case Update:
		op.Name = of(r, "a", "b", "c")
	case MergeItems, ReplaceItems, DropItem:
		op.Key, op.Name = of(r, "k", "l"), of(r, "x", "y")
	case RollBack, Revert:
		op.Noun, op.Flag = ASnapshot, op.Verb == RollBack && r.IntN(2) == 0
	case Extend, Attach, Detach:
		op.Noun, op.Size = AVolume, int64(1+r.IntN(12))
	case Delete:
		op.Flag = r.IntN(2) == 0
	case ForceDelete:
		op.Who = of(r, 0, 2, 2, 2)
	case Reset:
		op.Who = of(r, 0, 2, 2, 2)
		statuses := []string{"available", "error", "creating", "deleting", "error_deleting"}
		if op.Noun == AVolume {
			statuses = append(statuses, "in-use", "extending", "error_extending", "attaching", "detaching", "maintenance", "reserved")
		} else {
			statuses = append(statuses, "restoring")
		}
		op.Word = of(r, statuses...)
	case SetQuota:
		op.Who = of(r, 0, 2, 2, 2)
		op.Word = of(r, "volumes", "snapshots", "gigabytes", "volumes_SSD", "gigabytes_SSD", "snapshots_SSD")
		op.Count = of(r, -1, 0, 2, 5, 20, 100)
	}
}
