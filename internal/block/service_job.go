package block

import (
	"context"
	"slices"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// JobsUnder are the job of that id, or the jobs of that batch, oldest first. They
// are known for a day after they are done, for a month after they failed.
// Fails with NotFound.
func (s *Service) JobsUnder(ctx context.Context, c Caller, id string) ([]*Job, error) {
	found, err := s.store.JobsUnder(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, notFound("Job", id)
	}
	return found, reach(c, found[0].ProjectID, "Job", id)
}

// jobsLookedAt is how many of an object's jobs JobOn looks at; no more than a few
// are ever made between a call and its answer.
const jobsLookedAt = 20

// JobOn is the id of the newest job of a kind, or of one of others, on an object: that of the call which
// has just queued it, because an object never waits for two of a kind. Fails with NotFound.
func (s *Service) JobOn(ctx context.Context, kind, resourceID string, others ...string) (string, error) {
	found, err := s.store.JobsOf(ctx, resourceID, jobsLookedAt)
	if err != nil {
		return "", err
	}
	for _, job := range found {
		if job.Kind == kind || slices.Contains(others, job.Kind) {
			return job.ID, nil
		}
	}
	return "", notFound("Job", kind+" of "+resourceID)
}

// Job is a job, for doors that tell of it.
type Job = jobs.Job

// What a job's State can be.
const (
	JobReady  = jobs.Ready
	JobDone   = jobs.Done
	JobFailed = jobs.Failed
)

// Kinds of jobs, for doors that tell of them.
const (
	JobCreateVolume   = jobCreateVolume
	JobExtendVolume   = jobExtendVolume
	JobDeleteVolume   = jobDeleteVolume
	JobRecycleVolume  = jobRecycleVolume
	JobRetypeVolume   = jobRetypeVolume
	JobTuneVolume     = jobTuneVolume
	JobCreateSnapshot = jobCreateSnapshot
	JobDeleteSnapshot = jobDeleteSnapshot
	JobRestoreBackup  = jobRestoreBackup
	JobRollback       = jobRollback

	JobCreateGroupSnapshot = jobSnapshotGroup
	JobDeleteGroupSnapshot = jobDeleteGroupSnapshot
)

// VolumeLoaded is how much of a volume's first data has come, in percent: 100 unless
// it is being made. Fails with NotFound.
func (s *Service) VolumeLoaded(ctx context.Context, c Caller, id string) (int, error) {
	vol, err := s.Volume(ctx, c, id)
	if err != nil || !slices.Contains([]VolumeStatus{VolumeCreating, VolumeDownloading, VolumeRestoringBackup}, vol.Status) {
		return 100, err
	}
	found, err := s.store.JobsOf(ctx, id, jobsLookedAt)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return min(found[0].Progress, 99), nil
}
