package evs

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// task is what EVS calls a job that one call queued.
type task struct {
	name    string // job_type
	batch   string // job_type of several under one id
	failure string // error_code. Source: evs-errors 3, EVS.2019 to 2026
}

// tasks are the jobs that the native family tells of, by their kind. Source: EVS 8;
// the names of jobs on snapshots are Assumed: no page has them.
var tasks = map[string]task{
	block.JobCreateVolume:   {"createVolume", "batchCreateVolume", "EVS.2024"},
	block.JobRestoreBackup:  {"createVolume", "batchCreateVolume", "EVS.2025"}, // the disk is made from a backup
	block.JobExtendVolume:   {"extendVolume", "batchExtendVolume", "EVS.2026"},
	block.JobRetypeVolume:   {"retypeVolume", "batchRetypeVolume", "EVS.2002"},
	block.JobTuneVolume:     {"modifyVolumeQos", "batchModifyVolumeQos", "EVS.2050"},
	block.JobRecycleVolume:  {"deleteVolume", "bulkDeleteVolume", "EVS.2020"}, // the disk is kept in the recycle bin
	block.JobDeleteVolume:   {"deleteVolume", "bulkDeleteVolume", "EVS.2020"},
	block.JobCreateSnapshot: {"createSnapshot", "batchCreateSnapshot", "EVS.2002"},
	block.JobRollback:       {"rollbackSnapshot", "batchRollbackSnapshot", "EVS.2025"},
	block.JobDeleteSnapshot: {"deleteSnapshot", "deleteSnapshotGroup", "EVS.2019"}, // several go with their group only

	block.JobCreateGroupSnapshot: {"createSnapshotGroup", "createSnapshotGroup", "EVS.2002"},
	block.JobDeleteGroupSnapshot: {"deleteSnapshotGroup", "deleteSnapshotGroup", "EVS.2019"},
}

// unknownTask is a kind of job that no page of EVS names.
var unknownTask = task{"other", "other", "EVS.2002"}

// taskOf is how the native family tells of a kind of job.
func taskOf(kind string) task {
	if t, known := tasks[kind]; known {
		return t
	}
	return unknownTask
}

// Statuses of a job. Source: EVS 8.
const (
	jobInit    = "INIT"
	jobRunning = "RUNNING"
	jobSuccess = "SUCCESS"
	jobFail    = "FAIL"
)

// jobView is a job as the native family shows it. Source: EVS 8.
type jobView struct {
	JobID      string      `json:"job_id"`
	JobType    string      `json:"job_type"`
	Status     string      `json:"status"`
	BeginTime  string      `json:"begin_time"`
	EndTime    string      `json:"end_time"`
	ErrorCode  *string     `json:"error_code"`
	FailReason *string     `json:"fail_reason"`
	Entities   jobEntities `json:"entities"`
}

// jobEntities are what a job works on, or the jobs of a batch.
type jobEntities struct {
	VolumeID   string    `json:"volume_id,omitempty"`
	SnapshotID string    `json:"snapshot_id,omitempty"`
	GroupID    string    `json:"snapshot_group_id,omitempty"`
	Name       string    `json:"name,omitempty"`
	Size       int64     `json:"size,omitzero"`
	VolumeType string    `json:"volume_type,omitempty"`
	SubJobs    []jobView `json:"sub_jobs,omitempty"`
}

// showJob serves GET /v1|v2/{project_id}/jobs/{job_id}.
func (a *API) showJob(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("job_id")
	found, err := a.blocks.JobsUnder(x.Context(), caller, id)
	if err != nil {
		return err
	}
	view := viewJob(found[0])
	if found[0].ID != id {
		view = viewBatch(id, found)
	}
	types, err := a.diskTypes(x)
	if err != nil {
		return err
	}
	a.nameEntities(x, caller, types, &view)
	slices.SortStableFunc(view.Entities.SubJobs, func(a, b jobView) int { // made in one moment; a batch counts in its names
		return strings.Compare(a.Entities.Name, b.Entities.Name)
	})
	return reply(x, http.StatusOK, view)
}

// viewJob shows one job; what it says of a failure is for its owner and names no
// part of this machine.
func viewJob(job *block.Job) jobView {
	t := taskOf(job.Kind)
	v := jobView{JobID: job.ID, JobType: t.name, Status: statusOf(job), BeginTime: milliseconds(job.CreatedAt), EndTime: milliseconds(job.FinishedAt)}
	if v.Status == jobFail {
		reason := "The storage could not do it; the explain call of the object says more."
		v.ErrorCode, v.FailReason = &t.failure, &reason
	}
	switch job.Kind {
	case block.JobCreateSnapshot, block.JobDeleteSnapshot:
		v.Entities.SnapshotID = job.ResourceID
	case block.JobCreateGroupSnapshot, block.JobDeleteGroupSnapshot:
		v.Entities.GroupID = job.ResourceID
	default:
		v.Entities.VolumeID = job.ResourceID
	}
	return v
}

func statusOf(job *block.Job) string {
	switch {
	case job.State == block.JobDone:
		return jobSuccess
	case job.State == block.JobFailed:
		return jobFail
	case job.State == block.JobReady && job.Attempt == 0:
		return jobInit
	}
	return jobRunning
}

// viewBatch shows several jobs under one id: it has failed as soon as one has, and
// is done when all are.
func viewBatch(id string, found []*block.Job) jobView {
	all := jobView{JobID: id, JobType: taskOf(found[0].Kind).batch, Status: jobSuccess, BeginTime: milliseconds(found[0].CreatedAt)}
	worst := map[string]int{jobSuccess: 0, jobInit: 1, jobRunning: 2, jobFail: 3}
	ended, last := true, time.Time{}
	started := false
	for _, job := range found {
		sub := viewJob(job)
		if worst[sub.Status] > worst[all.Status] {
			all.Status, all.ErrorCode, all.FailReason = sub.Status, sub.ErrorCode, sub.FailReason
		}
		started = started || sub.Status != jobInit
		ended = ended && !job.FinishedAt.IsZero()
		if job.FinishedAt.After(last) {
			last = job.FinishedAt
		}
		all.Entities.SubJobs = append(all.Entities.SubJobs, sub)
	}
	if ended {
		all.EndTime = milliseconds(last)
	}
	if started && !ended { // some are done, some wait; a failure is told when all have ended
		all.Status, all.ErrorCode, all.FailReason = jobRunning, nil, nil
	}
	return all
}

// nameEntities adds what is known of the volumes; one that is gone keeps its id.
func (a *API) nameEntities(x *wire.Exchange, caller block.Caller, types diskTypes, v *jobView) {
	for i := range v.Entities.SubJobs {
		a.nameEntities(x, caller, types, &v.Entities.SubJobs[i])
	}
	if v.Entities.VolumeID == "" {
		return
	}
	vol, err := a.blocks.Volume(x.Context(), caller, v.Entities.VolumeID)
	if err != nil {
		return
	}
	v.Entities.Name, v.Entities.Size, v.Entities.VolumeType = vol.Name.Value, int64(vol.Size), types.name(vol.TypeID)
}

// milliseconds is a time as jobs tell it; empty for none. Source: EVS 2.2.
func milliseconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// diskTypes are the volume types by their ids.
type diskTypes map[string]*block.VolumeType

func (a *API) diskTypes(x *wire.Exchange) (diskTypes, error) {
	all, err := a.blocks.VolumeTypes(x.Context())
	types := make(diskTypes, len(all))
	for _, t := range all {
		types[t.ID] = t
	}
	return types, err
}

// name is that of a type; of one that is gone nothing.
func (d diskTypes) name(id string) string {
	if t := d[id]; t != nil {
		return t.Name
	}
	return ""
}
