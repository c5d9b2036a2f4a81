package block

import (
	"context"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// BuyType is RetypeVolume with what the buyer says of the performance, and tells the
// id of a job. Fails as RetypeVolume does. Source: EVS 7.3, os-retype.
func (s *Service) BuyType(ctx context.Context, c Caller, id, named string, bought Performance) (string, error) {
	job := s.parts.NewHex()
	err := s.retype(ctx, c, id, named, bought, func(v *Volume, tx Tx) error {
		return s.noteChange(tx, v, job, jobRetypeVolume)
	})
	return job, err
}

// BuyPerformance sets what a volume does in a second, where its type lets the buyer
// say, and tells the id of a job; when that is done, it counts for the clients, too.
// Fails with NotFound, Invalid, WrongStatus. Source: EVS 7.3, qos.
func (s *Service) BuyPerformance(ctx context.Context, c Caller, id string, bought Performance) (string, error) {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return "", err
	}
	job := s.parts.NewHex()
	_, err = s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if v.Status != VolumeAvailable && v.Status != VolumeInUse {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be available or in-use to change its performance, but current status is: %s.", id, v.Status)
		}
		v.Performance = bought
		if err := v.fillPerformance(types); err != nil {
			return err
		}
		return s.noteChange(tx, v, job, jobTuneVolume)
	})
	return job, err
}

// noteChange adds the job by which the caller of a change learns that it is done.
func (s *Service) noteChange(tx Tx, v *Volume, id, kind string) error {
	return tx.Enqueue(&jobs.Job{ID: id, Kind: kind, ResourceID: v.ID, Lane: v.ID, ProjectID: v.ProjectID, RunAt: tx.Now()})
}

// runAdjust lets the clients of a volume have what it may do by now.
func (s *Service) runAdjust(ctx context.Context, job *jobs.Job) error {
	if err := s.adjust(ctx, job.ResourceID); err != nil {
		return err
	}
	return s.finish(ctx, job)
}

func (s *Service) adjust(ctx context.Context, volumeID string) error {
	limits, err := s.IOLimits(ctx, volumeID)
	if isGone(err) {
		return nil
	}
	if err == nil {
		s.parts.DataPath.Adjust(volumeID, limits)
	}
	return err
}

// giveUpNote ends a job that leaves nothing undone: clients learn of what changed when
// they connect.
func (s *Service) giveUpNote(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(Tx) error { return nil })
}

// mib is a MiB in bytes.
const mib = 1 << 20

// throughputOfIOPS is what disks do whose buyers say of the IOPS alone: 16 KiB with
// each. Source: EVS, Extreme SSD V2 Disks.
const throughputOfIOPS = 64 // IOPS for each MiB

// limitsOfClass are the limits that follow from the type's row of diskClasses, the
// size, and what was bought.
func (v *Volume) limitsOfClass(class diskClass) IOLimits {
	l := IOLimits{TotalIOPS: class.iops.at(v.Size), TotalBytes: class.throughput.at(v.Size) * mib}
	if class.bought && v.IOPS > 0 {
		l.TotalIOPS = v.IOPS
	}
	switch {
	case class.throughputBought && v.Throughput > 0:
		l.TotalBytes = v.Throughput * mib
	case class.bought && !class.throughputBought:
		l.TotalBytes = min(class.throughput.most*mib, l.TotalIOPS*mib/throughputOfIOPS)
	}
	return l
}
