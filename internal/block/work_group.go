package block

import (
	"context"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/crash"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// The kinds of job on whole groups.
const (
	jobSnapshotGroup = "group_snapshot.create"
	// jobDeleteGroupSnapshot notes that one without snapshots is gone.
	jobDeleteGroupSnapshot = "group_snapshot.delete"
	jobCloneGroup          = "group.create"
)

// snapshotTogether keeps volumes as they are under the names that refs give them: at
// one moment where the driver can, else one after the other, unless that moment is
// what was asked for. Done again, it finds or finishes what was done.
//
// The fence counts for each of the volumes, whose own work may have newer ones: then
// the call fails, and the next attempt comes with a fence that is newer still.
func (s *Service) snapshotTogether(ctx context.Context, refs []driver.Ref, oneMoment bool, fence driver.Fence) error {
	if len(refs) == 0 {
		return nil
	}
	if group, can := s.driver.(driver.GroupSnapshotter); can {
		return group.SnapshotGroup(ctx, refs, fence)
	}
	if oneMoment && len(refs) > 1 {
		return fmt.Errorf("%w: it takes no snapshots of several volumes at one moment", driver.ErrInvalid)
	}
	for _, ref := range refs {
		if err := s.driver.Snapshot(ctx, ref.Volume, ref.Snapshot, fence); err != nil {
			return err
		}
	}
	return nil
}

func groupSnapshotStays(s *GroupSnapshot) bool {
	return s.Status != GroupSnapshotDeleting && s.Status != GroupSnapshotDeleted
}

func (s *Service) runSnapshotGroup(ctx context.Context, job *jobs.Job) error {
	snap, err := s.store.GroupSnapshot(ctx, job.ResourceID)
	if isGone(err) || (err == nil && !groupSnapshotStays(snap)) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	members, err := s.store.SnapshotsOfGroup(ctx, snap.ID)
	if err != nil {
		return err
	}
	oneMoment, err := s.atOneMoment(ctx, snap)
	if err != nil {
		return err
	}
	var refs []driver.Ref
	for _, member := range members {
		if snapshotStays(member) { // or it goes with its volume
			refs = append(refs, driver.Ref{Volume: member.VolumeID, Snapshot: member.ID})
		}
	}
	fence := driver.Fence(job.Fence)
	if err := s.snapshotTogether(withProgress(ctx), refs, oneMoment, fence); err != nil {
		return fmt.Errorf("create group snapshot %s: %w", snap.ID, err)
	}
	crash.At(crash.DriverCalled)
	overtaken := false
	err = s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.GroupSnapshot(snap.ID)
		if overtaken = isGone(err) || (err == nil && !groupSnapshotStays(stored)); overtaken {
			return nil
		}
		if err != nil {
			return err
		}
		if err := madeSnapshots(tx, snap.ID); err != nil {
			return err
		}
		if err := settleGroupSnapshot(tx, snap.ID); err != nil {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
	if err != nil || !overtaken {
		return err
	}
	for _, ref := range refs { // its deletion may have been here before
		if err := unlessFenced(s.driver.DeleteSnapshot(ctx, ref.Volume, ref.Snapshot, fence)); err != nil && !isGone(err) {
			return err
		}
	}
	return s.finish(ctx, job)
}

// atOneMoment tells whether the snapshots must be of one moment: as the type of their
// group has it, and always where there is no group.
func (s *Service) atOneMoment(ctx context.Context, snap *GroupSnapshot) (bool, error) {
	if snap.ofNoGroup() {
		return true, nil
	}
	t, err := s.store.GroupType(ctx, snap.TypeID)
	if err != nil {
		return false, err
	}
	return t.has(specOneMoment), nil
}

// madeSnapshots moves the snapshots of a group snapshot that wait for it to available.
func madeSnapshots(tx Tx, groupSnapshotID string) error {
	members, err := tx.SnapshotsOfGroup(groupSnapshotID)
	if err != nil {
		return err
	}
	for _, member := range members {
		if member.Status == SnapshotCreating {
			if err := member.moveTo(SnapshotAvailable); err != nil {
				return err
			}
		}
		member.Progress = 100
		if err := tx.SaveSnapshot(member); err != nil {
			return err
		}
	}
	return nil
}

// giveUpSnapshotGroup leaves group snapshot and snapshots in error. What the driver
// made of them goes with their deletion.
func (s *Service) giveUpSnapshotGroup(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(tx Tx) error { return failGroupSnapshot(tx, job.ResourceID) })
}

// failGroupSnapshot is failSnapshot for all snapshots of one that has no job any more.
func failGroupSnapshot(tx Tx, id string) error {
	members, err := tx.SnapshotsOfGroup(id)
	if err != nil {
		return err
	}
	for _, member := range members {
		exit := exitOfSnapshot(member.Status)
		own, err := isQueued(tx, jobDeleteSnapshot, member.ID)
		if err != nil {
			return err
		}
		if exit == "" || own {
			continue
		}
		if err := failSnapshot(tx, member.ID, exit); err != nil {
			return err
		}
	}
	return settleGroupSnapshot(tx, id)
}

// runCloneGroup keeps the volumes of the source group as they are at one moment,
// under the ids of the volumes that are to be made from them, and queues those.
func (s *Service) runCloneGroup(ctx context.Context, job *jobs.Job) error {
	g, err := s.store.Group(ctx, job.ResourceID)
	if isGone(err) || (err == nil && g.Status == GroupDeleting) {
		return s.finish(ctx, job) // what was kept goes with the volumes
	}
	if err != nil {
		return err
	}
	members, err := s.membersOf(ctx, g)
	if err != nil {
		return err
	}
	var refs []driver.Ref
	for _, v := range members {
		if v.Status == VolumeCreating {
			refs = append(refs, driver.Ref{Volume: v.SourceVolumeID, Snapshot: v.ID})
		}
	}
	const oneMoment = false // better so, but Cinder copies one volume after the other
	if err := s.snapshotTogether(withProgress(ctx), refs, oneMoment, driver.Fence(job.Fence)); err != nil {
		if isGone(err) {
			return jobs.GiveUpNow(err) // a source was deleted meanwhile
		}
		return fmt.Errorf("copy group %s: %w", g.ID, err)
	}
	crash.At(crash.DriverCalled)
	return s.store.InTx(ctx, func(tx Tx) error {
		members, err := tx.VolumesOfGroup(g.ID)
		if err != nil {
			return err
		}
		var waiting []*Volume
		for _, v := range members {
			if v.Status == VolumeCreating {
				waiting = append(waiting, v)
			}
		}
		if err := s.fillVolumes(tx, waiting); err != nil {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// membersOf are a group's volumes, oldest first.
func (s *Service) membersOf(ctx context.Context, g *Group) ([]*Volume, error) {
	return s.store.Volumes(ctx, List{Filters: []Filter{{Field: FieldGroupID, Value: g.ID}}, Sort: []SortKey{{Field: FieldCreatedAt}}})
}

// giveUpCloneGroup leaves group and volumes in error.
func (s *Service) giveUpCloneGroup(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(tx Tx) error { return failGroup(tx, job.ResourceID) })
}

// failGroup is failVolume for all volumes of a group that has no job any more.
func failGroup(tx Tx, id string) error {
	members, err := tx.VolumesOfGroup(id)
	if err != nil {
		return err
	}
	for _, v := range members {
		live, err := tx.LiveJobsOf(v.ID)
		if err != nil {
			return err
		}
		if exit := exitOfVolume(v.Status); exit != "" && len(live) == 0 {
			if err := failVolume(tx, v.ID, exit); err != nil {
				return err
			}
		}
	}
	return settleGroup(tx, id)
}
