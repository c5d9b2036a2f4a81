package block_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// disks makes so many volumes.
func (r *rig) disks(n int) (ids []string) {
	r.t.Helper()
	for range n {
		ids = append(ids, r.volume(block.NewVolume{Size: 1, TypeName: "SSD"}).ID)
	}
	r.settle(time.Second)
	return ids
}

// together queues the making of a snapshot group.
func (r *rig) together(n block.NewSnapshotGroup) *block.GroupSnapshot {
	r.t.Helper()
	made, job, err := r.service.CreateSnapshotGroup(r.t.Context(), demo, n)
	r.must(err)
	if found, err := r.service.JobsUnder(r.t.Context(), demo, job); err != nil || len(found) != 1 || found[0].ResourceID != made.ID {
		r.t.Errorf("the job is %v, %v, want one on the group", found, err)
	}
	return made
}

// membersAre checks how many snapshots a group has, and their status.
func (r *rig) membersAre(group string, n int, want block.SnapshotStatus) (members []*block.Snapshot) {
	r.t.Helper()
	members, err := r.store.SnapshotsOfGroup(r.t.Context(), group)
	r.must(err)
	if len(members) != n {
		r.t.Errorf("the group has %d snapshots, want %d", len(members), n)
	}
	for _, m := range members {
		if m.Status != want {
			r.t.Errorf("a snapshot of the group is %s, want %s", m.Status, want)
		}
	}
	return members
}

// sweep deletes what is left.
func (r *rig) sweep(volumes ...string) {
	r.t.Helper()
	const cascade = true
	for _, id := range volumes {
		r.must(r.service.DeleteVolume(r.t.Context(), demo, id, cascade))
	}
	r.settle(10 * time.Minute)
	r.noGroups()
}

func TestSnapshotGroupIsOfOneMomentAndGoesInOneJob(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		ids := r.disks(3)
		g := r.together(block.NewSnapshotGroup{VolumeIDs: ids, Name: block.SetText("n"), Tags: map[string]string{"k": "v"}, InstantAccess: true, FullCopy: true})
		if g.Status != block.GroupSnapshotCreating {
			t.Errorf("it begins as %s", g.Status)
		}
		r.settle(time.Second)
		r.groupSnapshotIs(g.ID, block.GroupSnapshotAvailable)
		if n := r.bytes.Count(fake.SnapshotGroup); n != 1 || r.bytes.Count(fake.Snapshot) != 0 {
			t.Errorf("the driver was called %d times, want once for all volumes", n)
		}
		for _, m := range r.membersAre(g.ID, 3, block.SnapshotAvailable) {
			if m.Name.Value != "n" || !m.InstantAccess || !m.FullCopy || m.Progress != 100 {
				t.Errorf("a snapshot of the group is %+v", m)
			}
			for name, err := range map[string]error{
				"delete it alone": r.service.DeleteSnapshot(t.Context(), demo, m.ID), "force it": r.service.ForceDeleteSnapshot(t.Context(), admin, m.ID),
			} {
				if block.KindOf(err) != block.WrongStatus {
					t.Errorf("%s: got %v, want WrongStatus", name, err)
				}
			}
		}
		if _, err := r.service.CreateGroupFrom(t.Context(), demo, block.NewGroupFrom{GroupSnapshotID: g.ID}); block.KindOf(err) != block.Invalid {
			t.Errorf("a group from it: got %v, want Invalid", err)
		}
		job, err := r.service.DeleteSnapshotGroup(t.Context(), demo, g.ID)
		r.must(err)
		if found, err := r.service.JobsUnder(t.Context(), demo, job); err != nil || len(found) != 3 {
			t.Errorf("its deletion is %v, %v, want one job for each snapshot", found, err)
		}
		r.settle(time.Second)
		r.groupSnapshotIs(g.ID, "")
		r.sweep(ids...)
	})
}

// What the driver does wrong, and what comes of the group; each step may be done twice.
func TestSnapshotGroupWorkThatFailsLeavesAWayOut(t *testing.T) {
	broken := errors.New("the disk is broken")
	for name, tc := range map[string]struct {
		fault   fake.Fault
		made    block.GroupSnapshotStatus
		members block.SnapshotStatus
	}{
		"hung":                            {fake.Fault{Call: fake.SnapshotGroup, Hang: true}, block.GroupSnapshotError, block.SnapshotError},
		"refused":                         {fake.Fault{Call: fake.SnapshotGroup, Err: driver.ErrInvalid}, block.GroupSnapshotError, block.SnapshotError},
		"an answer that was lost":         {fake.Fault{Call: fake.SnapshotGroup, Nth: 1, After: true, Err: broken}, block.GroupSnapshotAvailable, block.SnapshotAvailable},
		"a fence that was old once":       {fake.Fault{Call: fake.SnapshotGroup, Nth: 1, Err: driver.ErrFenced}, block.GroupSnapshotAvailable, block.SnapshotAvailable},
		"a deletion that fails once":      {fake.Fault{Call: fake.DeleteSnapshot, Nth: 1, Err: broken}, block.GroupSnapshotAvailable, block.SnapshotAvailable},
		"a deletion whose answer is lost": {fake.Fault{Call: fake.DeleteSnapshot, Nth: 2, After: true, Err: broken}, block.GroupSnapshotAvailable, block.SnapshotAvailable},
	} {
		t.Run(name, func(t *testing.T) {
			onRig(t, []fake.Fault{tc.fault}, func(r *rig) {
				r.start()
				ids := r.disks(2)
				g := r.together(block.NewSnapshotGroup{VolumeIDs: ids})
				r.settle(30 * time.Minute)
				r.groupSnapshotIs(g.ID, tc.made)
				r.membersAre(g.ID, 2, tc.members)
				r.healthy()
				r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, g.ID))
				r.settle(10 * time.Minute)
				r.groupSnapshotIs(g.ID, "")
				r.sweep(ids...)
			})
		})
	}
}

// The work is taken up by another worker, at whatever point it was left.
func TestSnapshotGroupIsTakenUpByAnotherWorker(t *testing.T) {
	for name, after := range map[string]bool{"before the driver was called": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			onRig(t, []fake.Fault{{Call: fake.SnapshotGroup, Nth: 1, Hang: true, After: after}, {Call: fake.DeleteSnapshot, Nth: 1, Hang: true, After: after}}, func(r *rig) {
				r.start()
				ids := r.disks(2)
				g := r.together(block.NewSnapshotGroup{VolumeIDs: ids})
				r.settle(time.Second)
				r.stop()
				r.start()
				r.settle(30 * time.Minute)
				r.groupSnapshotIs(g.ID, block.GroupSnapshotAvailable)
				r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, g.ID))
				r.settle(time.Second)
				r.stop()
				r.start()
				r.settle(30 * time.Minute)
				r.groupSnapshotIs(g.ID, "")
				r.sweep(ids...)
			})
		})
	}
}

func TestSnapshotGroupIsMadeWholeOrNotAtAll(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		ids := r.disks(2)
		stranger := block.Caller{UserID: "s", ProjectID: "other"}
		theirs, err := r.service.CreateVolume(t.Context(), stranger, block.NewVolume{Size: 1})
		r.must(err)
		r.settle(time.Second)
		r.stop()
		making := r.volume(block.NewVolume{Size: 1})
		r.start()
		many := make([]string, block.MaxSnapshotGroup+1)
		for i := range many {
			many[i] = fmt.Sprintf("00000000-0000-4000-9000-%012x", i)
		}
		r.stop()
		refused := func(name string, c block.Caller, n block.NewSnapshotGroup, kind block.Kind, about string) {
			t.Helper()
			_, _, err := r.service.CreateSnapshotGroup(t.Context(), c, n)
			if block.KindOf(err) != kind || block.AboutOf(err) != about {
				t.Errorf("%s: got %v about %q, want %v about %q", name, err, block.AboutOf(err), kind, about)
			}
		}
		refused("nothing named", demo, block.NewSnapshotGroup{}, block.Invalid, "volume_ids.none")
		refused("one too many", demo, block.NewSnapshotGroup{VolumeIDs: many}, block.Invalid, "volume_ids.many")
		refused("as many as may be, and none there", demo, block.NewSnapshotGroup{VolumeIDs: many[1:]}, block.NotFound, "")
		refused("one twice", demo, block.NewSnapshotGroup{VolumeIDs: []string{ids[0], ids[1], ids[0]}}, block.Invalid, "volume_ids")
		refused("another's", demo, block.NewSnapshotGroup{VolumeIDs: []string{ids[0], theirs.ID}}, block.NotFound, "")
		refused("of two projects", admin, block.NewSnapshotGroup{VolumeIDs: []string{ids[0], theirs.ID}}, block.NotFound, "")
		refused("not made yet", demo, block.NewSnapshotGroup{VolumeIDs: []string{ids[0], making.ID}}, block.WrongStatus, "")
		refused("an unknown server", demo, block.NewSnapshotGroup{ServerID: many[0]}, block.Invalid, block.AboutServer)
		refused("not of the server", demo, block.NewSnapshotGroup{ServerID: many[0], VolumeIDs: ids}, block.Invalid, "volume_ids")
		refused("a bad tag", demo, block.NewSnapshotGroup{VolumeIDs: ids, Tags: map[string]string{"": ""}}, block.Invalid, block.AboutTag)
		r.must(r.service.SetProjectQuota(t.Context(), "demo", block.Limits{"snapshots": 1}))
		refused("over the quota together", demo, block.NewSnapshotGroup{VolumeIDs: ids}, block.OverLimit, "quota.snapshots")
		r.must(r.service.SetProjectQuota(t.Context(), "demo", block.Limits{"snapshots": 100, "per_volume_snapshots": 1}))
		one := r.snapshot(ids[1])
		refused("while one is made", demo, block.NewSnapshotGroup{VolumeIDs: ids}, block.Conflict, block.AboutSnapshotBusy)
		r.start()
		r.settle(time.Second)
		refused("over the limit of a volume", demo, block.NewSnapshotGroup{VolumeIDs: ids}, block.OverLimit, "")
		used, err := r.store.AllUsages(t.Context())
		if got := used[block.UsageOf{ProjectID: "demo"}]; err != nil || got.Snapshots != 1 {
			t.Errorf("used is %+v, %v, want the one snapshot", got, err)
		}
		r.healthy()
		r.must(r.service.DeleteSnapshot(t.Context(), demo, one.ID))
		const cascade = true
		r.must(r.service.DeleteVolume(t.Context(), stranger, theirs.ID, cascade))
		r.settle(time.Second)
		r.sweep(append(ids, making.ID)...)
	})
}

func TestSnapshotGroupTakesTheVolumesOfAServer(t *testing.T) {
	const server = "00000000-0000-4000-a000-000000000001"
	onRig(t, nil, func(r *rig) {
		r.start()
		ids := r.disks(3)
		for _, id := range ids[:2] {
			r.must(r.service.AttachVolume(t.Context(), demo, id, block.Attached{ServerID: server, Device: "/dev/vdb"}))
		}
		again, err := r.service.CreateAttachment(t.Context(), demo, block.NewAttachment{VolumeID: ids[0], ServerID: server}) // as while it moves
		r.must(err)
		g := r.together(block.NewSnapshotGroup{ServerID: server})
		_, _, err = r.service.CreateSnapshotGroup(t.Context(), demo, block.NewSnapshotGroup{ServerID: server, VolumeIDs: ids})
		if block.KindOf(err) != block.Invalid || block.AboutOf(err) != "volume_ids" {
			t.Errorf("with another: got %v, want a refusal", err)
		}
		r.settle(time.Second)
		for _, m := range r.membersAre(g.ID, 2, block.SnapshotAvailable) {
			if m.VolumeID == ids[2] {
				t.Error("a volume that the server has not is in the group")
			}
		}
		r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, g.ID))
		_, err = r.service.DeleteAttachment(t.Context(), demo, again.ID)
		r.must(err)
		for _, id := range ids[:2] {
			r.must(r.service.DetachVolume(t.Context(), demo, id, ""))
		}
		r.settle(time.Second)
		r.sweep(ids...)
	})
}

// Volumes may be deleted, and their snapshots with them, at any time; the group goes
// with the last.
func TestSnapshotGroupLosesWhatGoesWithItsVolumes(t *testing.T) {
	for name, waits := range map[string]bool{"when it is there": false, "while it is being made": true} {
		t.Run(name, func(t *testing.T) {
			onRig(t, nil, func(r *rig) {
				r.start()
				ids := r.disks(2)
				if waits {
					r.stop()
				}
				g := r.together(block.NewSnapshotGroup{VolumeIDs: ids, Tags: map[string]string{"k": "v"}})
				r.settle(time.Second)
				const cascade = true
				r.must(r.service.DeleteVolume(t.Context(), demo, ids[0], cascade))
				if waits {
					r.start()
				}
				r.settle(10 * time.Minute)
				r.groupSnapshotIs(g.ID, block.GroupSnapshotAvailable)
				r.membersAre(g.ID, 1, block.SnapshotAvailable)
				r.healthy()
				r.must(r.service.DeleteVolume(t.Context(), demo, ids[1], cascade))
				r.settle(10 * time.Minute)
				r.groupSnapshotIs(g.ID, "")
				if left, err := r.store.ProjectTags(t.Context(), block.TagSnapshotGroup, "demo", 10); len(left) != 0 || err != nil {
					t.Errorf("left are the tags %v, %v", left, err)
				}
				r.noGroups()
			})
		})
	}
}

// The snapshots of a group stay, though their volume has left the group.
func TestVolumeThatLeftItsGroupKeepsTheGroupsSnapshots(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		g := r.group()
		v := r.member(g)
		r.settle(time.Second)
		s := r.groupSnapshot(g)
		r.settle(time.Second)
		r.must(r.service.UpdateGroup(t.Context(), demo, g.ID, block.GroupChange{RemoveVolumes: []string{v.ID}}))
		const cascade = true
		if err := r.service.DeleteVolume(t.Context(), demo, v.ID, cascade); block.KindOf(err) != block.WrongStatus {
			t.Errorf("got %v, want WrongStatus", err)
		}
		r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, s.ID))
		r.settle(time.Second)
		r.must(r.service.DeleteGroup(t.Context(), demo, g.ID, false))
		r.sweep(v.ID)
	})
}

// What is deleted with its volume is not waited for.
func TestSnapshotGroupIsMadeOfWhatStays(t *testing.T) {
	broken := errors.New("the disk is broken")
	faults := []fake.Fault{{Call: fake.SnapshotGroup, Nth: 1, Err: broken}}
	for nth := range 4 {
		faults = append(faults, fake.Fault{Call: fake.Delete, Nth: nth + 1, After: true, Err: broken}) // gone, and nobody knows
	}
	onRig(t, faults, func(r *rig) {
		r.start()
		ids := r.disks(2)
		r.stop()
		g := r.together(block.NewSnapshotGroup{VolumeIDs: ids})
		const cascade = true
		r.must(r.service.DeleteVolume(t.Context(), demo, ids[0], cascade))
		r.start()
		r.settle(10 * time.Minute)
		r.groupSnapshotIs(g.ID, block.GroupSnapshotAvailable)
		if n := r.bytes.Count(fake.SnapshotGroup); n != 2 {
			t.Errorf("the driver was called %d times, want twice: the second call is without what goes", n)
		}
		r.sweep(ids[1])
	})
}

// plain is a driver that takes no snapshots of several volumes together.
type plain struct{ driver.Driver }

func TestSnapshotGroupNeedsADriverThatCan(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		ids := r.disks(2)
		n := 5000
		service := block.NewService(r.store, plain{r.bytes}, block.Parts{Now: r.now, Zone: "az1",
			NewUUID: func() string { n++; return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }, NewHex: func() string { n++; return fmt.Sprintf("%032x", n) }})
		if _, _, err := service.CreateSnapshotGroup(t.Context(), demo, block.NewSnapshotGroup{VolumeIDs: ids}); block.KindOf(err) != block.Invalid {
			t.Errorf("two volumes: got %v, want Invalid", err)
		}
		g, _, err := service.CreateSnapshotGroup(t.Context(), demo, block.NewSnapshotGroup{VolumeIDs: ids[:1]})
		r.must(err)
		r.settle(time.Second)
		r.groupSnapshotIs(g.ID, block.GroupSnapshotAvailable)
		explained, err := r.service.ExplainGroupSnapshot(t.Context(), demo, g.ID)
		if err != nil || slices.Contains(explained.YouCan, "make a group from it") || !slices.Contains(explained.YouCan, "delete it") {
			t.Errorf("got %+v, %v, want what can be done with one of no group", explained, err)
		}
		r.sweep(ids...)
	})
}

// A group is not deleted while one of its snapshots is in use: not those of the Cinder
// family either.
func TestSnapshotGroupInUseIsNotDeleted(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		ids := r.disks(2)
		g := r.together(block.NewSnapshotGroup{VolumeIDs: ids})
		r.settle(time.Second)
		members := r.membersAre(g.ID, 2, block.SnapshotAvailable)
		r.stop()
		_, err := r.service.RollBack(t.Context(), demo, block.Rollback{SnapshotID: members[0].ID, VolumeID: members[0].VolumeID})
		r.must(err)
		if _, err := r.service.DeleteSnapshotGroup(t.Context(), demo, g.ID); block.KindOf(err) != block.WrongStatus {
			t.Errorf("got %v, want WrongStatus", err)
		}
		r.groupSnapshotIs(g.ID, block.GroupSnapshotAvailable)
		r.start()
		r.settle(time.Second)
		r.membersAre(g.ID, 2, block.SnapshotAvailable)
		r.must(r.service.DeleteGroupSnapshot(t.Context(), demo, g.ID))
		r.settle(time.Second)
		r.groupSnapshotIs(g.ID, "")
		r.sweep(ids...)
	})
}

// One without snapshots, of an empty group, is deleted by a job, too.
func TestEmptyGroupSnapshotIsDeletedWithANote(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		g := r.group()
		s := r.groupSnapshot(g)
		job, err := r.service.DeleteSnapshotGroup(t.Context(), demo, s.ID)
		r.must(err)
		r.groupSnapshotIs(s.ID, "")
		r.settle(time.Second)
		found, err := r.service.JobsUnder(t.Context(), demo, job)
		if err != nil || len(found) != 1 || found[0].State != block.JobDone {
			t.Errorf("the job is %v, %v, want one that is done", found, err)
		}
		r.clear(nil, g)
	})
}
