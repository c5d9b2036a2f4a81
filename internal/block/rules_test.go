package block

import (
	"fmt"
	"strings"
	"testing"
)

func TestSnapshotChangeKeepsWhatItDoesNotName(t *testing.T) {
	stored := Snapshot{Name: SetText("n"), Description: SetText("d"), Status: SnapshotDeleting, Size: 3}
	for name, tc := range map[string]struct {
		change      SnapshotChange
		name, descr Text
	}{
		"nothing":     {SnapshotChange{}, SetText("n"), SetText("d")},
		"name":        {SnapshotChange{Name: TextChange{true, SetText("x")}}, SetText("x"), SetText("d")},
		"null name":   {SnapshotChange{Name: TextChange{true, Text{}}}, Text{}, SetText("d")},
		"description": {SnapshotChange{Description: TextChange{true, SetText("")}}, SetText("n"), SetText("")},
	} {
		got := stored
		tc.change.applyTo(&got)
		want := stored
		want.Name, want.Description = tc.name, tc.descr
		if got.Name != want.Name || got.Description != want.Description || got.Status != want.Status || got.Size != want.Size {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestMetadataIsHeldToItsLengths(t *testing.T) {
	long := strings.Repeat("é", 255) // characters count, not bytes
	for name, tc := range map[string]struct {
		items map[string]string
		kind  Kind
	}{
		"at the limits": {map[string]string{long: long}, -1},
		"empty key":     {map[string]string{"": "v"}, Invalid},
		"long key":      {map[string]string{long + "x": "v"}, TooLarge},
		"long value":    {map[string]string{"k": long + "x"}, TooLarge},
	} {
		err := CheckMetadata(tc.items)
		if (tc.kind == -1) != (err == nil) || (err != nil && KindOf(err) != tc.kind) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// However often a member merges, an object's metadata stays within what one body
// could bring: every change writes it, every list shows it.
func TestMetadataOfAnObjectIsBoundedInAll(t *testing.T) {
	items := func(from, n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprintf("%0255d", from+i)] = strings.Repeat("v", 255)
		}
		return m
	}
	full, err := mergeMetadata(nil, items(0, 128), false)
	if err != nil || len(full) != 128 {
		t.Fatalf("128 items of full length: %v", err)
	}
	if _, err := mergeMetadata(full, items(64, 64), false); err != nil {
		t.Errorf("the same once more: %v", err)
	}
	for name, err := range map[string]error{
		"at once":     CheckMetadata(items(0, 129)),
		"one by one":  second(mergeMetadata(full, items(128, 1), false)),
		"small items": second(mergeMetadata(full, map[string]string{"k": strings.Repeat("é", 128)}, false)),
	} {
		if KindOf(err) != TooLarge || !strings.Contains(MessageOf(err), "65536") {
			t.Errorf("%s: got %v, want TooLarge and the limit", name, err)
		}
	}
}

func second(_ map[string]string, err error) error { return err }

func TestMergeMetadataLeavesItsInputsAlone(t *testing.T) {
	stored, given := map[string]string{"a": "1", "b": "2"}, map[string]string{"b": "3"}
	merged, err := mergeMetadata(stored, given, false)
	if err != nil || merged["a"] != "1" || merged["b"] != "3" || stored["b"] != "2" {
		t.Errorf("merge: got %v, stored %v, %v", merged, stored, err)
	}
	replaced, err := mergeMetadata(stored, given, true)
	if err != nil || len(replaced) != 1 || len(stored) != 2 {
		t.Errorf("replace: got %v, stored %v, %v", replaced, stored, err)
	}
}

func TestOwnersAndAdministratorsReachAnObject(t *testing.T) {
	for name, tc := range map[string]struct {
		caller Caller
		reach  bool
	}{
		"owner":         {Caller{ProjectID: "p"}, true},
		"stranger":      {Caller{ProjectID: "q"}, false},
		"administrator": {Caller{ProjectID: "q", Admin: true}, true},
		"nobody":        {Caller{}, false},
	} {
		if got := reach(tc.caller, "p", "Snapshot", "s") == nil; got != tc.reach {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if KindOf(reach(Caller{}, "", "Snapshot", "s")) != NotFound {
		t.Error("the zero caller reached an object without a project")
	}
}

func TestMessagesNeverShowACause(t *testing.T) {
	err := Because(Errorf(Internal, "secret"), Unavailable, "try again")
	if MessageOf(err) != "try again" || KindOf(err) != Unavailable {
		t.Errorf("got %q, %v", MessageOf(err), KindOf(err))
	}
}

func TestListsStayWithinAProject(t *testing.T) {
	for name, tc := range map[string]struct {
		caller  Caller
		all     bool
		project string
		refused bool
	}{
		"a member's own":                 {Caller{ProjectID: "p"}, false, "p", false},
		"a member asks for all":          {Caller{ProjectID: "p"}, true, "p", false},
		"an administrator asks for all":  {Caller{ProjectID: "p", Admin: true}, true, "", false},
		"an administrator's own":         {Caller{ProjectID: "p", Admin: true}, false, "p", false},
		"nobody":                         {Caller{}, true, "", true},
		"an administrator of no project": {Caller{Admin: true}, false, "", true},
	} {
		list, err := listFor(tc.caller, List{}, tc.all)
		if (err != nil) != tc.refused || (err == nil && list.ProjectID != tc.project) {
			t.Errorf("%s: got %+v, %v", name, list, err)
		}
	}
}
