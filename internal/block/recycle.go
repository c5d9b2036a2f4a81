package block

import (
	"context"
	"errors"
	"time"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// RecyclePolicy says what becomes of a project's volumes when they are deleted.
// Source: EVS 12; EVS User Guide, Recycle Bin Overview.
type RecyclePolicy struct {
	On       bool // deleted volumes go to the recycle bin
	LeastAge int  // in days since its creation: a younger volume is deleted at once
	Keep     int  // in days: after them it is deleted for good
}

// FirstRecyclePolicy is that of a project which never set one.
// Source: EVS User Guide, off by default; 7 days as in the sample of EVS 12.
var FirstRecyclePolicy = RecyclePolicy{LeastAge: 7, Keep: 7}

// RecycleChange is all that a change of the policy can change; nil keeps.
type RecycleChange struct {
	On             *bool
	LeastAge, Keep *int
}

// RecycleStore reads the policies.
type RecycleStore interface {
	// RecyclePolicy is nil for a project that has set none.
	RecyclePolicy(ctx context.Context, projectID string) (*RecyclePolicy, error)
}

// RecycleTx is what a transaction can do with policies.
type RecycleTx interface {
	// RecyclePolicy is nil for a project that has set none.
	RecyclePolicy(projectID string) (*RecyclePolicy, error)
	SetRecyclePolicy(projectID string, p RecyclePolicy) error
}

const day = 24 * time.Hour

// RecyclePolicy is the policy of the caller's project.
func (s *Service) RecyclePolicy(ctx context.Context, c Caller) (RecyclePolicy, error) {
	p, err := s.store.RecyclePolicy(ctx, c.ProjectID)
	return orFirst(p), err
}

func orFirst(p *RecyclePolicy) RecyclePolicy {
	if p == nil {
		return FirstRecyclePolicy
	}
	return *p
}

// SetRecyclePolicy changes the policy of the caller's project. It holds for what is
// deleted from now on. Fails with Invalid.
func (s *Service) SetRecyclePolicy(ctx context.Context, c Caller, change RecycleChange) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.RecyclePolicy(c.ProjectID)
		if err != nil {
			return err
		}
		p := orFirst(stored)
		if change.On != nil {
			p.On = *change.On
		}
		if change.LeastAge != nil {
			p.LeastAge = *change.LeastAge
		}
		if change.Keep != nil {
			p.Keep = *change.Keep
		}
		if p.LeastAge < 1 || p.LeastAge > MaxRecycleAge {
			return On("threshold_time", Errorf(Invalid, "Invalid input for field/attribute threshold_time: it must be from 1 to %d days, not %d.", MaxRecycleAge, p.LeastAge))
		}
		if p.Keep < 1 || p.Keep > MaxRecycleKeep {
			return On("keep_time", Errorf(Invalid, "Invalid input for field/attribute keep_time: it must be from 1 to %d days, not %d.", MaxRecycleKeep, p.Keep))
		}
		return tx.SetRecyclePolicy(c.ProjectID, p)
	})
}

// recycles tells whether a volume that is being deleted is to be kept, and how long.
// Only what can be given back as it was is kept. Assumed: what failed is not.
func recycles(tx Tx, v *Volume) (time.Duration, bool, error) {
	if v.Status != VolumeAvailable {
		return 0, false, nil
	}
	stored, err := tx.RecyclePolicy(v.ProjectID)
	p := orFirst(stored)
	old := tx.Now().Sub(v.CreatedAt) >= time.Duration(p.LeastAge)*day
	return time.Duration(p.Keep) * day, err == nil && p.On && old, err
}

// recycle puts a volume into the recycle bin. It counts against the quota as
// before (Assumed: no page says), so it can always be given back. Its snapshots,
// which are deleting, go now. Source: EVS 12, "snapshots are not kept".
func (s *Service) recycle(tx Tx, v *Volume, keep time.Duration) error {
	snaps, err := tx.SnapshotsOf(v.ID)
	if err != nil {
		return err
	}
	for _, snap := range snaps {
		if err := s.enqueueDeletion(tx, jobDeleteSnapshot, v.ID, snap.ID, snap.ProjectID); err != nil {
			return err
		}
	}
	if err := v.moveTo(VolumeRecycled); err != nil {
		return err
	}
	v.RecycledAt, v.RecycledUntil = tx.Now(), tx.Now().Add(keep)
	return s.enqueueDeletion(tx, jobRecycleVolume, v.ID, v.ID, v.ProjectID)
}

// runRecycleVolume cuts off whoever may still have the volume open.
func (s *Service) runRecycleVolume(ctx context.Context, job *jobs.Job) error {
	if err := s.revokeAll(ctx, job.ResourceID); err != nil {
		return err
	}
	return s.finish(ctx, job)
}

// giveUpRecycleVolume leaves the volume where it is: it can be given back and deleted.
func (s *Service) giveUpRecycleVolume(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(Tx) error { return nil })
}

// isRecycled tells whether a volume is in the recycle bin, where only the calls of
// the bin see it.
func (v *Volume) isRecycled() bool { return v.Status == VolumeRecycled }

// onlyRecycled and notRecycled keep lists within the recycle bin, and out of it.
func onlyRecycled(list List) List { return withFilter(list, Equal) }
func notRecycled(list List) List  { return withFilter(list, NotEqual) }

func withFilter(list List, op Op) List {
	filters := make([]Filter, 0, len(list.Filters)+1)
	filters = append(filters, list.Filters...)
	list.Filters = append(filters, Filter{Field: FieldStatus, Op: op, Value: string(VolumeRecycled)})
	return list
}

// RecycledVolume reads one volume in the recycle bin. Fails with NotFound.
func (s *Service) RecycledVolume(ctx context.Context, c Caller, id string) (*Volume, error) {
	vol, err := s.store.Volume(ctx, id)
	if err != nil {
		return nil, err
	}
	if !vol.isRecycled() {
		return nil, notFound("Volume", id)
	}
	return vol, reach(c, vol.ProjectID, "Volume", id)
}

// RecycledVolumes is one page of the recycle bin. Fails as Volumes does.
func (s *Service) RecycledVolumes(ctx context.Context, c Caller, list List, allProjects bool) ([]*Volume, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Volumes(ctx, onlyRecycled(list))
}

// CountRecycledVolumes counts what the list's filters keep, whatever its page.
func (s *Service) CountRecycledVolumes(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountVolumes(ctx, onlyRecycled(list))
}

// RevertRecycled gives a volume back out of the recycle bin. Fails with NotFound.
func (s *Service) RevertRecycled(ctx context.Context, c Caller, id string) error {
	return s.changeRecycled(ctx, c, id, func(v *Volume, tx Tx) error {
		if err := tx.CancelJobs(v.ID); err != nil {
			return err
		}
		v.RecycledAt, v.RecycledUntil = time.Time{}, time.Time{}
		return v.moveTo(VolumeAvailable)
	})
}

// DestroyRecycled deletes a volume in the recycle bin for good. Fails with NotFound.
func (s *Service) DestroyRecycled(ctx context.Context, c Caller, id string) error {
	return s.changeRecycled(ctx, c, id, s.destroy)
}

// destroy queues the deletion of a volume in the recycle bin.
func (s *Service) destroy(v *Volume, tx Tx) error {
	v.RecycledAt, v.RecycledUntil = time.Time{}, time.Time{}
	if err := v.moveTo(VolumeDeleting); err != nil {
		return err
	}
	return s.enqueueDeletion(tx, jobDeleteVolume, v.ID, v.ID, v.ProjectID)
}

// changeRecycled applies change to a copy of a row in the recycle bin and saves it.
func (s *Service) changeRecycled(ctx context.Context, c Caller, id string, change func(*Volume, Tx) error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(id)
		if err != nil {
			return err
		}
		if !stored.isRecycled() {
			return notFound("Volume", id)
		}
		if err := reach(c, stored.ProjectID, "Volume", id); err != nil {
			return err
		}
		vol := *stored
		if err := change(&vol, tx); err != nil {
			return err
		}
		return tx.SaveVolume(&vol)
	})
}

// sweepAtOnce is how many volumes one look at the recycle bin deletes.
const sweepAtOnce = 100

// SweepRecycled deletes for good what has been in the recycle bin for its time;
// sweepAtOnce volumes at a time, until there are none.
func (s *Service) SweepRecycled(ctx context.Context) error {
	for ctx.Err() == nil {
		due := onlyRecycled(List{
			Filters: []Filter{{Field: FieldRecycledUntil, Op: LessOrEqual, Value: TimeValue(s.parts.Now())}},
			Sort:    []SortKey{{Field: FieldRecycledUntil}}, Limit: sweepAtOnce,
		})
		found, err := s.store.Volumes(ctx, due)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, v := range found {
			overdue := func(stored *Volume, tx Tx) error {
				if stored.RecycledUntil.After(tx.Now()) { // given back and deleted anew
					return notFound("Volume", stored.ID)
				}
				return s.destroy(stored, tx)
			}
			if err := s.changeRecycled(ctx, Caller{Admin: true}, v.ID, overdue); err != nil && KindOf(err) != NotFound {
				return errors.Join(err, ctx.Err())
			}
		}
	}
	return ctx.Err()
}
