package block_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// group makes a group for volumes of type SSD.
func (r *rig) group() *block.Group {
	r.t.Helper()
	kind, err := r.service.CreateGroupType(r.t.Context(), block.NewGroupType{Name: "kind-" + time.Now().String() + string(rune(r.ids.Load())), Public: true,
		Specs: map[string]block.Text{"consistent_group_snapshot_enabled": block.SetText("<is> True")}})
	r.must(err)
	g, err := r.service.CreateGroup(r.t.Context(), demo, block.NewGroup{Type: kind.ID, VolumeTypes: []string{"SSD"}})
	r.must(err)
	return g
}

// member queues the making of a volume in a group.
func (r *rig) member(g *block.Group) *block.Volume {
	r.t.Helper()
	return r.volume(block.NewVolume{Size: 1, TypeName: "SSD", GroupID: g.ID})
}

func (r *rig) groupSnapshot(g *block.Group) *block.GroupSnapshot {
	r.t.Helper()
	s, err := r.service.CreateGroupSnapshot(r.t.Context(), demo, block.NewGroupSnapshot{GroupID: g.ID})
	r.must(err)
	return s
}

// groupIs checks a status; "" means gone.
func (r *rig) groupIs(id string, want block.GroupStatus) {
	r.t.Helper()
	g, err := r.service.Group(r.t.Context(), demo, id)
	got := block.GroupStatus("")
	if err == nil {
		got = g.Status
	}
	if got != want {
		r.t.Errorf("the group is %q (%v), want %q", got, err, want)
	}
}

func (r *rig) groupSnapshotIs(id string, want block.GroupSnapshotStatus) {
	r.t.Helper()
	s, err := r.service.GroupSnapshot(r.t.Context(), demo, id)
	got := block.GroupSnapshotStatus("")
	if err == nil {
		got = s.Status
	}
	if got != want {
		r.t.Errorf("the group snapshot is %q (%v), want %q", got, err, want)
	}
}

// noGroups checks that nothing is left, groups included.
func (r *rig) noGroups() {
	r.t.Helper()
	r.empty()
	d, err := r.service.Diagnose(r.t.Context(), false)
	r.must(err)
	if d.Groups != 0 {
		r.t.Errorf("left are %d groups and group snapshots", d.Groups)
	}
}

// clear deletes the group snapshots, then the groups with their volumes.
func (r *rig) clear(snaps []*block.GroupSnapshot, groups ...*block.Group) {
	r.t.Helper()
	for _, s := range snaps {
		r.must(r.service.DeleteGroupSnapshot(r.t.Context(), demo, s.ID))
	}
	r.settle(40 * time.Second)
	for _, g := range groups {
		const withVolumes = true
		r.must(r.service.DeleteGroup(r.t.Context(), demo, g.ID, withVolumes))
	}
	r.settle(40 * time.Second)
	r.noGroups()
}

func (r *rig) copyOf(n block.NewGroupFrom) *block.Group {
	r.t.Helper()
	g, err := r.service.CreateGroupFrom(r.t.Context(), demo, n)
	r.must(err)
	return g
}

func TestGroupIsSnapshottedCopiedAndGoesWithItsVolumes(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		g := r.group()
		a, b := r.member(g), r.member(g)
		r.settle(time.Second)
		s := r.groupSnapshot(g)
		r.settle(time.Second)
		r.groupSnapshotIs(s.ID, block.GroupSnapshotAvailable)
		if n := r.bytes.Count(fake.SnapshotGroup); n != 1 || r.bytes.Count(fake.Snapshot) != 0 {
			t.Errorf("the driver was called %d times, want once for both volumes", n)
		}
		r.stop() // the copies wait
		fromSnapshot, fromGroup := r.copyOf(block.NewGroupFrom{GroupSnapshotID: s.ID}), r.copyOf(block.NewGroupFrom{SourceGroupID: g.ID})
		r.groupIs(fromSnapshot.ID, block.GroupCreating)
		for name, err := range map[string]error{
			"delete the source":          r.service.DeleteGroup(t.Context(), demo, g.ID, true),
			"delete the source snapshot": r.service.DeleteGroupSnapshot(t.Context(), demo, s.ID),
			"delete a volume alone":      r.service.DeleteVolume(t.Context(), demo, a.ID, true),
			"force a volume alone":       r.service.ForceDeleteVolume(t.Context(), admin, b.ID),
		} {
			if kind := block.KindOf(err); kind != block.WrongStatus && kind != block.Invalid {
				t.Errorf("%s: got %v, want a refusal", name, err)
			}
		}
		r.start()
		r.settle(time.Second)
		for _, made := range []*block.Group{fromSnapshot, fromGroup} {
			r.groupIs(made.ID, block.GroupAvailable)
			of, err := r.service.VolumesOfGroups(t.Context(), made)
			if err != nil || len(of[made.ID]) != 2 {
				t.Errorf("the copy has %v, %v, want two volumes", of, err)
			}
		}
		r.healthy()
		r.clear([]*block.GroupSnapshot{s}, g, fromSnapshot, fromGroup)
	})
}

// What the driver does wrong, and what comes of a group, its snapshot and its copy.
func TestGroupWorkThatFailsLeavesAWayOut(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, tc := range map[string]struct {
		faults   []fake.Fault
		snapshot block.GroupSnapshotStatus
		copied   block.GroupStatus
	}{
		"a hung snapshot of all":         {[]fake.Fault{{Call: fake.SnapshotGroup, Hang: true}}, block.GroupSnapshotError, block.GroupError},
		"a refused snapshot of all":      {[]fake.Fault{{Call: fake.SnapshotGroup, Err: driver.ErrInvalid}}, block.GroupSnapshotError, block.GroupError},
		"an answer that was lost":        {[]fake.Fault{{Call: fake.SnapshotGroup, Nth: 1, After: true, Err: broken}}, block.GroupSnapshotAvailable, block.GroupAvailable},
		"a fence that was old once":      {[]fake.Fault{{Call: fake.SnapshotGroup, Nth: 1, Err: driver.ErrFenced}}, block.GroupSnapshotAvailable, block.GroupAvailable},
		"copies that fail":               {[]fake.Fault{{Call: fake.CreateFrom, Err: driver.ErrInvalid}}, block.GroupSnapshotAvailable, block.GroupError},
		"one copy that fails":            {[]fake.Fault{{Call: fake.CreateFrom, Nth: 1, Err: driver.ErrInvalid}}, block.GroupSnapshotAvailable, block.GroupError},
		"one copy that fails at first":   {[]fake.Fault{{Call: fake.CreateFrom, Nth: 2, Err: broken}}, block.GroupSnapshotAvailable, block.GroupAvailable},
		"deletions that fail at first":   {[]fake.Fault{{Call: fake.DeleteSnapshot, Nth: 1, Err: broken}, {Call: fake.Delete, Nth: 1, Err: broken}}, block.GroupSnapshotAvailable, block.GroupAvailable},
		"deletions whose answer is lost": {[]fake.Fault{{Call: fake.DeleteSnapshot, Nth: 2, After: true, Err: broken}, {Call: fake.Delete, Nth: 2, After: true, Err: broken}}, block.GroupSnapshotAvailable, block.GroupAvailable},
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, tc.faults, func(r *rig) {
				r.start()
				g := r.group()
				r.member(g)
				r.member(g)
				r.settle(time.Second)
				s := r.groupSnapshot(g)
				r.settle(10 * time.Minute)
				r.groupSnapshotIs(s.ID, tc.snapshot)
				copied := r.copyOf(block.NewGroupFrom{SourceGroupID: g.ID})
				r.settle(10 * time.Minute)
				r.groupIs(copied.ID, tc.copied)
				r.healthy()
				r.clear([]*block.GroupSnapshot{s}, g, copied)
			})
		})
	}
}

// A volume or snapshot that cannot be deleted keeps its group; the next call goes on.
func TestGroupWhoseDeletionFailsCanBeDeletedAgain(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.DeleteSnapshot, Nth: 1, Err: driver.ErrInvalid}, {Call: fake.Delete, Nth: 1, Err: driver.ErrInvalid}}, func(r *rig) {
		r.start()
		g := r.group()
		r.member(g)
		r.member(g)
		r.settle(time.Second)
		s := r.groupSnapshot(g)
		r.settle(time.Second)
		r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, s.ID))
		r.settle(time.Minute)
		r.groupSnapshotIs(s.ID, block.GroupSnapshotErrorDeleting)
		r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, s.ID))
		r.settle(time.Minute)
		r.must(r.service.DeleteGroup(t.Context(), demo, g.ID, true))
		r.settle(time.Minute)
		r.groupIs(g.ID, block.GroupErrorDeleting)
		r.must(r.service.DeleteGroup(t.Context(), demo, g.ID, true))
		r.settle(time.Minute)
		r.noGroups()
	})
}

// A group may be deleted while it is being made; a copy of a moment that comes too
// late leaves nothing in its source.
func TestGroupThatIsBeingMadeCanBeDeleted(t *testing.T) {
	for name, faults := range map[string][]fake.Fault{
		"while the source is kept":  {{Call: fake.SnapshotGroup, Nth: 1, Hang: true, After: true}},
		"while volumes are made":    {{Call: fake.CreateFrom, Hang: true, After: true}},
		"before anything was begun": nil,
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, faults, func(r *rig) {
				r.start()
				g := r.group()
				r.member(g)
				r.member(g)
				r.settle(time.Second)
				if faults == nil {
					r.stop()
				}
				copied := r.copyOf(block.NewGroupFrom{SourceGroupID: g.ID})
				r.settle(time.Second)
				r.must(r.service.DeleteGroup(t.Context(), demo, copied.ID, true))
				if err := r.service.DeleteGroup(t.Context(), demo, copied.ID, true); block.KindOf(err) != block.NotFound { // as a client that repeats it
					r.must(err)
				}
				if faults == nil {
					r.start()
				}
				r.settle(10 * time.Minute)
				r.groupIs(copied.ID, "")
				r.healthy()
				r.clear(nil, g)
			})
		})
	}
}

func TestGroupsCountAgainstTheQuotaAndSnapshotsAllOrNone(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		r.must(r.service.SetProjectQuota(t.Context(), "demo", block.Limits{"groups": 1, "snapshots": 1}))
		g := r.group()
		if _, err := r.service.CreateGroup(t.Context(), demo, block.NewGroup{Type: g.TypeID, VolumeTypes: []string{"SSD"}}); block.KindOf(err) != block.OverLimit {
			t.Errorf("a second group: got %v, want OverLimit", err)
		}
		r.member(g)
		r.member(g)
		r.settle(time.Second)
		if _, err := r.service.CreateGroupSnapshot(t.Context(), demo, block.NewGroupSnapshot{GroupID: g.ID}); block.KindOf(err) != block.OverLimit {
			t.Errorf("two snapshots of one allowed: got %v, want OverLimit", err)
		}
		q, err := r.service.ProjectQuota(t.Context(), demo, "demo")
		if err != nil || q.Groups != 1 || q.Used[""].Snapshots != 0 {
			t.Errorf("used are %d groups and %v, %v; want one group and no snapshot", q.Groups, q.Used[""], err)
		}
		r.clear(nil, g)
	})
}

// Whose job is lost: the doctor sets the group free, with what is in it.
func TestDoctorFreesGroupsThatWaitForNothing(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		g := r.group()
		r.member(g)
		r.settle(time.Second)
		r.stop()
		s, copied := r.groupSnapshot(g), r.copyOf(block.NewGroupFrom{SourceGroupID: g.ID})
		live, err := r.store.LiveJobs(t.Context(), "", 10)
		r.must(err)
		r.must(r.store.InTx(t.Context(), func(tx block.Tx) error {
			for _, job := range live {
				ended := *job
				if err := tx.EndJob(&ended); err != nil {
					return err
				}
			}
			return nil
		}))
		d, err := r.service.Diagnose(t.Context(), false)
		r.must(err)
		if len(d.Findings) == 0 {
			t.Fatal("the doctor finds nothing")
		}
		r.must(r.service.Repair(t.Context(), d))
		r.groupSnapshotIs(s.ID, block.GroupSnapshotError)
		r.groupIs(copied.ID, block.GroupError)
		r.start()
		r.clear([]*block.GroupSnapshot{s}, g, copied)
	})
}

// A worker of another version's job: its group gets a way out, too.
func TestJobOfUnknownKindFreesItsGroup(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		g := r.group()
		r.member(g)
		r.settle(time.Second)
		r.stop()
		s := r.groupSnapshot(g)
		live, err := r.store.LiveJobs(t.Context(), "", 10)
		r.must(err)
		job := *live[0]
		r.must(r.store.InTx(t.Context(), func(tx block.Tx) error {
			if err := tx.EndJob(&job); err != nil {
				return err
			}
			return tx.Enqueue(&jobs.Job{ID: "ffffffffffffffffffffffffffffffff", Kind: "group.future", ResourceID: s.ID, Lane: g.ID,
				ProjectID: "demo", State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now()})
		}))
		r.start()
		r.settle(10 * time.Minute)
		r.groupSnapshotIs(s.ID, block.GroupSnapshotError)
		r.clear([]*block.GroupSnapshot{s}, g)
	})
}

func TestStrangersDoNotReachGroups(t *testing.T) {
	stranger := block.Caller{UserID: "s", ProjectID: "other"}
	onRig(t, nil, func(r *rig) {
		r.start()
		g := r.group()
		own := r.member(g)
		r.settle(time.Second)
		s := r.groupSnapshot(g)
		r.settle(time.Second)
		theirs, err := r.service.CreateGroup(t.Context(), stranger, block.NewGroup{Type: g.TypeID, VolumeTypes: []string{"SSD"}})
		r.must(err)
		_, show := r.service.Group(t.Context(), stranger, g.ID)
		_, showSnapshot := r.service.GroupSnapshot(t.Context(), stranger, s.ID)
		_, take := r.service.CreateGroupSnapshot(t.Context(), stranger, block.NewGroupSnapshot{GroupID: g.ID})
		_, copied := r.service.CreateGroupFrom(t.Context(), stranger, block.NewGroupFrom{GroupSnapshotID: s.ID})
		_, join := r.service.CreateVolume(t.Context(), stranger, block.NewVolume{Size: 1, TypeName: "SSD", GroupID: g.ID})
		for name, err := range map[string]error{
			"show": show, "show the snapshot": showSnapshot, "take a snapshot": take, "copy": copied, "join": join,
			"update":              r.service.UpdateGroup(t.Context(), stranger, g.ID, block.GroupChange{Name: block.TextChange{Given: true, To: block.SetText("x")}}),
			"delete":              r.service.DeleteGroup(t.Context(), stranger, g.ID, true),
			"delete the snapshot": r.service.DeleteGroupSnapshot(t.Context(), stranger, s.ID),
		} {
			if block.KindOf(err) != block.NotFound {
				t.Errorf("%s: got %v, want NotFound", name, err)
			}
		}
		err = r.service.UpdateGroup(t.Context(), stranger, theirs.ID, block.GroupChange{AddVolumes: []string{own.ID}})
		if block.KindOf(err) != block.Invalid {
			t.Errorf("take another's volume in: got %v, want Invalid", err)
		}
		r.must(r.service.DeleteGroup(t.Context(), stranger, theirs.ID, false))
		r.clear([]*block.GroupSnapshot{s}, g)
	})
}
