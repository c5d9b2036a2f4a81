package proof

import (
	"testing"
	"time"
)

// Histories that once went wrong, as the random ones found them and cut down, and
// those that chance seldom brings.
var directed = []struct {
	name    string
	history History
}{
	{"a volume that is being made cannot be detached", History{
		{Verb: Fault, Word: "any", Mode: Fails, Count: 9},
		{Verb: CreateVolume, Size: 1},
		{Verb: Detach, Noun: AVolume},
	}},
	{"a volume that is being extended cannot be attached", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Hold},
		{Verb: Extend, Noun: AVolume, Size: 3},
		{Verb: Attach, Noun: AVolume},
	}},
	{"a clone that is given up leaves nothing on its source", History{
		{Verb: CreateVolume, Size: 2},
		{Verb: Fault, Word: "create from", Mode: Fails, Count: 10},
		{Verb: CloneVolume, Noun: AVolume},
		{Verb: Wait, Delay: 5 * time.Minute},
	}},
	{"a snapshot has the size of the volume when it was asked for", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Fault, Word: "snapshot", Mode: Fails, Count: 1},
		{Verb: CreateSnapshot, Noun: AVolume}, // fails, and waits for its second attempt
		{Verb: Extend, Noun: AVolume, Size: 5},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"it has that size though the clock goes back", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Fault, Word: "snapshot", Mode: Fails, Count: 1},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Jump, Delay: -30 * time.Second},
		{Verb: Extend, Noun: AVolume, Size: 5},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"a clone whose worker died is not overtaken by an extension of its source", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: CloneVolume, Noun: AVolume, Size: 3, Rush: true},
		{Verb: Kill},
		{Verb: Extend, Noun: AVolume, Size: 9},
		{Verb: Wait, Delay: 2 * time.Minute},
	}},
	{"a clone that failed once is not overtaken by an extension of its source", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Fault, Word: "snapshot", Mode: Fails, Count: 1},
		{Verb: CloneVolume, Noun: AVolume, Size: 3}, // fails, and waits for its second attempt
		{Verb: Extend, Noun: AVolume, Size: 9},
		{Verb: Wait, Delay: 5 * time.Minute},
	}},
	{"a snapshot whose deletion failed is an administrator's to delete", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Fault, Word: "delete snapshot", Mode: Fails, Count: 10},
		{Verb: Delete, Noun: ASnapshot},
		{Verb: Wait, Delay: 5 * time.Minute},
		{Verb: Delete, Noun: ASnapshot},
		{Verb: ForceDelete, Noun: ASnapshot, Who: 2},
	}},
	{"a volume that hangs in the driver is usable again", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Fault, Word: "extend", Mode: Late, Count: 1},
		{Verb: Extend, Noun: AVolume, Size: 2},
		{Verb: Wait, Delay: 10 * time.Minute},
		{Verb: Reset, Noun: AVolume, Who: 2, Word: "available"},
		{Verb: Extend, Noun: AVolume, Size: 3},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
	}},
	{"a volume that was reset while its deletion waits stays", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Fault, Word: "delete", Mode: Fails, Count: 1},
		{Verb: Delete, Noun: AVolume},
		{Verb: Reset, Noun: AVolume, Who: 2, Word: "available"},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"a volume that was reset while the driver deletes it keeps its row", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Hold},
		{Verb: Delete, Noun: AVolume},
		{Verb: Reset, Noun: AVolume, Who: 2, Word: "error"},
		{Verb: Release},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"a volume is rolled back to any of its snapshots, and forth again", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Write},
		{Verb: RollBack, Noun: ASnapshot, Flag: true}, // to the oldest; what was there is snapshot 3
		{Verb: Write},
		{Verb: RollBack, Noun: ASnapshot, Target: 8},
		{Verb: RollBack, Noun: ASnapshot, Target: 4},
		{Verb: Revert, Noun: ASnapshot, Target: 8},
		{Verb: Revert, Noun: ASnapshot, Target: 4}, // not the newest
	}},
	{"the newest snapshot is the one made last, though the clock went back", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: CreateSnapshot, Noun: AVolume}, // at the same moment
		{Verb: Revert, Noun: ASnapshot},
		{Verb: Jump, Delay: -time.Hour},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Write},
		{Verb: Revert, Noun: ASnapshot, Target: 4},
		{Verb: Revert, Noun: ASnapshot, Target: 8},
	}},
	{"a snapshot has the size of the volume when it was asked for, though the clock went back", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Fault, Word: "snapshot", Mode: Fails, Count: 1},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Jump, Delay: -time.Hour},
		{Verb: Extend, Noun: AVolume, Size: 5},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"an extended volume keeps its size when it is rolled back", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Extend, Noun: AVolume, Size: 4},
		{Verb: Write},
		{Verb: RollBack, Noun: ASnapshot},
		{Verb: Revert, Noun: ASnapshot}, // of another size
	}},
	{"a rollback whose answer is lost takes its safety snapshot once", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Write},
		{Verb: Fault, Word: "rollback", Mode: Loses, Count: 2},
		{Verb: RollBack, Noun: ASnapshot, Flag: true},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"a rollback that fails can be done again", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: Write},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Write},
		{Verb: Fault, Word: "rollback", Mode: Fails, Count: 10},
		{Verb: RollBack, Noun: ASnapshot, Flag: true},
		{Verb: Wait, Delay: 5 * time.Minute},
		{Verb: RollBack, Noun: ASnapshot},
	}},
	{"a rollback that an administrator overrules touches nothing", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Hold},
		{Verb: RollBack, Noun: ASnapshot, Flag: true},
		{Verb: Reset, Noun: AVolume, Who: 2, Word: "available"},
		{Verb: Extend, Noun: AVolume, Size: 3},
		{Verb: Release},
		{Verb: Wait, Delay: time.Minute},
	}},
	{"a cascade that fails leaves no snapshot waiting", History{
		{Verb: CreateVolume, Size: 1},
		{Verb: CreateSnapshot, Noun: AVolume},
		{Verb: Fault, Word: "delete", Mode: Fails, Count: 10},
		{Verb: Delete, Noun: AVolume, Flag: true},
		{Verb: Wait, Delay: 5 * time.Minute},
	}},
}

func TestDirectedHistories(t *testing.T) {
	for _, tc := range directed {
		t.Run(tc.name, func(t *testing.T) {
			if err := play(t, tc.history); err != nil {
				t.Error(err)
			}
		})
	}
}
