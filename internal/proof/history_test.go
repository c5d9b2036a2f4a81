package proof

import (
	"flag"
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
	histories := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Op { return drawOp(rt, fair) }), 10, 40)
	rapid.Check(t, func(rt *rapid.T) {
		h := History(histories.Draw(rt, "history"))
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
	set(t, "rapid.checks", strconv.Itoa(checks))
	histories := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Op { return drawOp(rt, w) }), length/4, length)
	ran := 0
	rapid.Check(t, func(rt *rapid.T) {
		h := History(histories.Draw(rt, "history"))
		ran++
		if err := play(t, h); err != nil {
			rt.Fatalf("%v\nafter:\n%s", err, h)
		}
	})
	t.Logf("%d histories of at most %d operations", ran, length)
}

// drawOp draws one operation.
func drawOp(rt *rapid.T, w weather) Op {
	verbs := []Verb{
		CreateVolume, CreateVolume, CreateVolume, CloneVolume, RestoreVolume, CreateSnapshot, CreateSnapshot,
		Show, Update, Update, Delete, Delete, Extend, Attach, Detach, MergeItems, ReplaceItems, DropItem, SetQuota, Write, Write,
	}
	if w >= calm {
		verbs = append(verbs, Restart, Kill, Wait)
	}
	if w == foul {
		verbs = append(verbs, Fault, Fault, Fault, Hold, Hold, Release, Release, Jump, Reset, Reset, ForceDelete, Wait)
	}
	op := Op{Verb: rapid.SampledFrom(verbs).Draw(rt, "verb")}
	switch op.Verb {
	case Hold, Release, Restart, Kill:
		return op
	case Write:
		op.Target = rapid.IntRange(0, 12).Draw(rt, "target")
		return op
	case Fault:
		op.Word = rapid.SampledFrom(calls).Draw(rt, "call")
		op.Mode = rapid.SampledFrom([]FaultMode{Fails, Loses, Hangs, Late, Twice}).Draw(rt, "mode")
		op.Count = rapid.SampledFrom([]int{1, 1, 2, 3, 10}).Draw(rt, "count") // 10 is more than a job's attempts
		return op
	case Wait:
		op.Delay = time.Duration(rapid.IntRange(1, 400).Draw(rt, "seconds")) * time.Second
		return op
	case Jump:
		op.Delay = rapid.SampledFrom([]time.Duration{-time.Hour, time.Hour}).Draw(rt, "jump")
		return op
	}
	drawCall(rt, &op)
	op.Rush = rapid.Bool().Draw(rt, "rush")
	return op
}

// drawCall draws what a call says.
func drawCall(rt *rapid.T, op *Op) {
	op.Who = rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(rt, "who")
	op.Target = rapid.IntRange(-1, 12).Draw(rt, "target")
	op.Noun = rapid.SampledFrom([]Noun{AVolume, ASnapshot}).Draw(rt, "noun")
	names := rapid.SampledFrom([]string{"", "a", "b", "c"})
	switch op.Verb {
	case CreateVolume:
		op.Size, op.Name = int64(rapid.IntRange(1, 8).Draw(rt, "size")), names.Draw(rt, "name")
		op.Word = rapid.SampledFrom(typeNames).Draw(rt, "type")
	case CloneVolume, RestoreVolume:
		op.Size, op.Name = int64(rapid.IntRange(0, 8).Draw(rt, "size")), names.Draw(rt, "name")
	case CreateSnapshot:
		op.Name, op.Flag = names.Draw(rt, "name"), rapid.Bool().Draw(rt, "force")
		op.Noun = AVolume
	case Update:
		op.Name = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "name")
	case MergeItems, ReplaceItems, DropItem:
		op.Key = rapid.SampledFrom([]string{"k", "l"}).Draw(rt, "key")
		op.Name = rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "value")
	case Extend, Attach, Detach:
		op.Noun, op.Size = AVolume, int64(rapid.IntRange(1, 12).Draw(rt, "size"))
	case Delete:
		op.Flag = rapid.Bool().Draw(rt, "cascade")
	case ForceDelete:
		op.Who = rapid.SampledFrom([]int{0, 2, 2, 2}).Draw(rt, "who")
	case Reset:
		op.Who = rapid.SampledFrom([]int{0, 2, 2, 2}).Draw(rt, "who")
		statuses := []string{"available", "error", "creating", "deleting", "error_deleting"}
		if op.Noun == AVolume {
			statuses = append(statuses, "in-use", "extending", "error_extending", "attaching", "detaching", "maintenance", "reserved")
		}
		op.Word = rapid.SampledFrom(statuses).Draw(rt, "status")
	case SetQuota:
		op.Who = rapid.SampledFrom([]int{0, 2, 2, 2}).Draw(rt, "who")
		op.Word = rapid.SampledFrom([]string{"volumes", "snapshots", "gigabytes", "volumes_SSD", "gigabytes_SSD", "snapshots_SSD"}).Draw(rt, "resource")
		op.Count = rapid.SampledFrom([]int{-1, 0, 1, 2, 5, 20, 100}).Draw(rt, "limit")
	}
}
