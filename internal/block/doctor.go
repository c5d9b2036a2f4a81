package block

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Problem is what is wrong, in a word that scripts can rely on.
type Problem string

const (
	// LeaseProblem is a job whose worker has been dead for long.
	LeaseProblem Problem = "lease"
	// JobProblem is a job whose object is gone.
	JobProblem Problem = "job"
	// StatusProblem is an object that waits for a job which is not there.
	StatusProblem Problem = "status"
	// MissingProblem is a row whose object the driver does not hold.
	MissingProblem Problem = "missing"
	// ReservationProblem is an extension that is over and still holds its share.
	ReservationProblem Problem = "reservation"
	// OrphanProblem is an object of the driver without a row.
	OrphanProblem Problem = "orphan"
	// DamagedProblem is an object that the driver holds and cannot read.
	DamagedProblem Problem = "damaged"
	// LeftoverProblem is what the driver keeps in a volume and needs no more.
	LeftoverProblem Problem = "leftover"
	// UsageProblem is a figure of usage that is not the count of the rows.
	UsageProblem Problem = "usage"
)

// Finding is one thing that is wrong.
type Finding struct {
	Problem Problem
	Object  string // volume, snapshot, job, project
	ID      string
	Says    string // what is wrong
	Plan    string // what Repair does about it; empty: it cannot
	Err     error  // why Repair failed

	mend func(ctx context.Context) error
}

// Diagnosis is what a look at database and driver found. It holds all ids in
// memory: some 200 bytes for each object.
type Diagnosis struct {
	Volumes, Snapshots, Backups, Jobs, Objects int // looked at; Objects are the driver's
	Groups                                     int // and group snapshots
	Images                                     int
	Findings                                   []Finding
}

// longDead is after which time a lease that ended is worth a word.
const longDead = time.Hour

// ward is what the doctor knows of all objects.
type ward struct {
	volumes   map[string]*Volume
	snapshots map[string]*Snapshot
	backups   map[string]*Backup
	jobs      map[string][]*jobs.Job // that wait or run, by object
	held      map[driver.Ref]bool    // by the driver
	damaged   map[string]error       // volumes

	groups         map[string]*Group
	groupSnapshots map[string]*GroupSnapshot
	images         map[string]*Image
}

// has tells whether there is an object of this id that jobs can be about.
func (w *ward) has(id string) bool {
	return w.volumes[id] != nil || w.snapshots[id] != nil || w.groups[id] != nil || w.groupSnapshots[id] != nil || w.images[id] != nil
}

// Diagnose compares database and driver; with verify the driver also looks through
// each volume for damage, which may read every byte. It changes nothing; nobody else
// may be at work on either.
func (s *Service) Diagnose(ctx context.Context, verify bool) (*Diagnosis, error) {
	w := &ward{map[string]*Volume{}, map[string]*Snapshot{}, map[string]*Backup{}, map[string][]*jobs.Job{}, map[driver.Ref]bool{}, map[string]error{}, map[string]*Group{}, map[string]*GroupSnapshot{}, map[string]*Image{}}
	d := &Diagnosis{}
	for _, look := range []func(context.Context, *ward, *Diagnosis) error{
		s.lookAtVolumes, s.lookAtSnapshots, s.lookAtBackups, s.lookAtGroups, s.lookAtImages, s.lookAtJobs, s.lookAtDriver,
	} {
		if err := look(ctx, w, d); err != nil {
			return nil, err
		}
	}
	for _, id := range sorted(w.jobs) {
		for _, job := range w.jobs[id] {
			d.add(s.judgeJob(w, job))
		}
	}
	for _, id := range sorted(w.volumes) {
		d.add(s.judgeVolume(w, w.volumes[id]))
	}
	for _, id := range sorted(w.snapshots) {
		d.add(s.judgeSnapshot(w, w.snapshots[id]))
	}
	s.judgeGroups(w, d)
	s.judgeImages(w, d)
	for _, id := range sorted(w.damaged) {
		d.add(&Finding{Problem: DamagedProblem, Object: "volume", ID: id,
			Says: fmt.Sprintf("the driver cannot read it: %v", w.damaged[id])})
	}
	if err := s.judgeConnections(ctx, w, d); err != nil {
		return nil, err
	}
	for _, id := range sorted(w.backups) {
		d.add(s.judgeBackup(w, w.backups[id]))
	}
	s.judgeDriver(w, d)
	if err := s.judgeManifests(ctx, w, d, verify); err != nil {
		return nil, err
	}
	if verify {
		if err := s.verify(ctx, w, d); err != nil {
			return nil, err
		}
	}
	return d, s.judgeUsage(ctx, d)
}

func (d *Diagnosis) add(f *Finding) {
	if f != nil {
		d.Findings = append(d.Findings, *f)
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (s *Service) lookAtVolumes(ctx context.Context, w *ward, d *Diagnosis) error {
	list := List{Sort: []SortKey{{Field: FieldID}}, Limit: MaxPage}
	for {
		page, err := s.store.Volumes(ctx, list)
		if err != nil {
			return err
		}
		for _, v := range page {
			w.volumes[v.ID] = v
			list.Marker = v.ID
		}
		if d.Volumes += len(page); len(page) < MaxPage {
			return nil
		}
	}
}

func (s *Service) lookAtSnapshots(ctx context.Context, w *ward, d *Diagnosis) error {
	list := List{Sort: []SortKey{{Field: FieldID}}, Limit: MaxPage}
	for {
		page, err := s.store.Snapshots(ctx, list)
		if err != nil {
			return err
		}
		for _, snap := range page {
			w.snapshots[snap.ID] = snap
			list.Marker = snap.ID
		}
		if d.Snapshots += len(page); len(page) < MaxPage {
			return nil
		}
	}
}

func (s *Service) lookAtJobs(ctx context.Context, w *ward, d *Diagnosis) error {
	last := ""
	for {
		page, err := s.store.LiveJobs(ctx, last, MaxPage)
		if err != nil {
			return err
		}
		for _, job := range page {
			last = job.ID
			if job.Kind == jobVerify || (job.Kind == jobAbandonUpload && w.images[job.ResourceID] == nil) { // it changes nothing, and ends by itself when its object is gone
				continue
			}
			w.jobs[job.ResourceID] = append(w.jobs[job.ResourceID], job)
		}
		if d.Jobs += len(page); len(page) < MaxPage {
			return nil
		}
	}
}

// awaits tells whether a job is on its way for an object.
func (w *ward) awaits(id string, kinds ...string) bool {
	return slices.ContainsFunc(w.jobs[id], func(j *jobs.Job) bool {
		return !j.Cancelled && (len(kinds) == 0 || slices.Contains(kinds, j.Kind))
	})
}

func (s *Service) judgeJob(w *ward, job *jobs.Job) *Finding {
	_, known := s.Handlers()[job.Kind]
	if known && job.Kind != jobEndConnection && !w.has(job.ResourceID) && w.backups[job.ResourceID] == nil { // a connection may have ended at once
		return &Finding{Problem: JobProblem, Object: "job", ID: job.ID,
			Says: fmt.Sprintf("it is to do %s with %s, which is gone", job.Kind, job.ResourceID),
			Plan: "end it",
			mend: func(ctx context.Context) error {
				ended := *job
				ended.Error = "ended by the doctor: its object is gone"
				return s.store.InTx(ctx, func(tx Tx) error { return tx.EndJob(&ended) })
			}}
	}
	if dead := s.parts.Now().Sub(job.LeaseUntil); job.State != jobs.Running || (dead < longDead && dead > -longDead) {
		return nil
	}
	return &Finding{Problem: LeaseProblem, Object: "job", ID: job.ID,
		Says: fmt.Sprintf("its lease for %s of %s ends at %s, and nobody works at it", job.Kind, job.ResourceID, job.LeaseUntil.UTC().Format(time.RFC3339)),
		Plan: "give it back, so that it runs when the server starts",
		mend: func(ctx context.Context) error {
			return s.store.InTx(ctx, func(tx Tx) error { return tx.FreeJob(job) })
		}}
}

func (s *Service) judgeVolume(w *ward, v *Volume) *Finding {
	inTx := func(work func(Tx) error) func(context.Context) error {
		return func(ctx context.Context) error { return s.store.InTx(ctx, work) }
	}
	exit := exitOfVolume(v.Status)
	switch {
	case v.hasBytes() && !w.held[driver.Ref{Volume: v.ID}]:
		return &Finding{Problem: MissingProblem, Object: "volume", ID: v.ID,
			Says: fmt.Sprintf("it is %s, and the driver does not hold it", v.Status),
			Plan: "set its status to error, from which it can be deleted",
			mend: inTx(func(tx Tx) error { return failVolume(tx, v.ID, VolumeError) })}
	case exit != "" && !w.awaits(v.ID) && !w.awaits(v.GroupID) && (v.Status != VolumeBackingUp || !w.backsUp(v.ID)):
		return &Finding{Problem: StatusProblem, Object: "volume", ID: v.ID,
			Says: fmt.Sprintf("it is %s, and no job is queued for it", v.Status),
			Plan: fmt.Sprintf("set its status to %s, from which it can be deleted", exit),
			mend: inTx(func(tx Tx) error { return freeStuck(tx, v.ID) })}
	case v.ExtendTo != 0 && v.Status != VolumeExtending && v.hasBytes() && !w.awaits(v.ID, jobExtendVolume):
		return &Finding{Problem: ReservationProblem, Object: "volume", ID: v.ID,
			Says: fmt.Sprintf("it is %s and still reserves %d GB for an extension that is over", v.Status, v.ExtendTo),
			Plan: "free what it reserves",
			mend: inTx(func(tx Tx) error {
				stored, err := tx.Volume(v.ID)
				if err != nil {
					return err
				}
				vol := *stored
				if err := vol.release(tx); err != nil {
					return err
				}
				return tx.SaveVolume(&vol)
			})}
	}
	return nil
}

// hasBytes tells whether the driver must hold a volume of this status.
func (v *Volume) hasBytes() bool {
	switch v.Status {
	case VolumeCreating, VolumeDownloading, VolumeDeleting, VolumeDeleted, VolumeError, VolumeErrorDeleting,
		VolumeRestoringBackup, VolumeErrorRestoring: // one that is made for a backup has none at first
		return false
	}
	return true
}

func (s *Service) judgeSnapshot(w *ward, snap *Snapshot) *Finding {
	exit := exitOfSnapshot(snap.Status)
	withVolume := (snap.Status == SnapshotDeleting && w.awaits(snap.VolumeID, jobDeleteVolume)) ||
		slices.ContainsFunc(w.jobs[snap.VolumeID], func(j *jobs.Job) bool { return ofRollback(j, snap.ID) })
	switch {
	case exit != "" && !w.awaits(snap.ID) && !w.awaits(snap.GroupSnapshotID) && !withVolume && !w.backsUp(snap.ID):
		return &Finding{Problem: StatusProblem, Object: "snapshot", ID: snap.ID,
			Says: fmt.Sprintf("it is %s, and no job is queued for it", snap.Status),
			Plan: fmt.Sprintf("set its status to %s, from which it can be deleted", exit),
			mend: func(ctx context.Context) error {
				return s.store.InTx(ctx, func(tx Tx) error { return freeStuck(tx, snap.ID) })
			}}
	case snap.Status == SnapshotAvailable && w.damaged[snap.VolumeID] == nil &&
		!w.held[driver.Ref{Volume: snap.VolumeID, Snapshot: snap.ID}]:
		return &Finding{Problem: MissingProblem, Object: "snapshot", ID: snap.ID,
			Says: fmt.Sprintf("it is available, and the driver does not hold it in volume %s", snap.VolumeID),
			Plan: "set its status to error, from which it can be deleted",
			mend: func(ctx context.Context) error {
				return s.store.InTx(ctx, func(tx Tx) error { return failSnapshot(tx, snap.ID, SnapshotError) })
			}}
	}
	return nil
}

func (s *Service) judgeUsage(ctx context.Context, d *Diagnosis) error {
	kept, err := s.store.AllUsages(ctx)
	if err != nil {
		return err
	}
	counted, err := s.store.CountUsages(ctx)
	if err != nil {
		return err
	}
	all := maps.Clone(counted)
	maps.Copy(all, kept)
	keys := slices.SortedFunc(maps.Keys(all), func(a, b UsageOf) int {
		return slices.Compare([]string{a.ProjectID, a.TypeID}, []string{b.ProjectID, b.TypeID})
	})
	recounted := false
	recount := func(ctx context.Context) error {
		if recounted {
			return nil // the first counts for all
		}
		err := s.store.InTx(ctx, Tx.RecountUsages)
		recounted = err == nil
		return err
	}
	for _, of := range keys {
		if kept[of] == counted[of] {
			continue
		}
		what := "all types"
		if of.TypeID != "" {
			what = "type " + of.TypeID
		}
		d.add(&Finding{Problem: UsageProblem, Object: "project", ID: of.ProjectID,
			Says: fmt.Sprintf("its usage of %s is kept as %v and counted as %v", what, kept[of], counted[of]),
			Plan: "count anew", mend: recount})
	}
	return nil
}

// Repair carries out the plans of a diagnosis, in its order: jobs and statuses
// first, then the driver, usage last. What fails is noted in its finding; the
// others go on. Nobody else may be at work.
func (s *Service) Repair(ctx context.Context, d *Diagnosis) error {
	var failed []error
	for i := range d.Findings {
		f := &d.Findings[i]
		if f.mend == nil {
			continue
		}
		if f.Err = f.mend(ctx); f.Err != nil {
			failed = append(failed, fmt.Errorf("%s %s: %w", f.Object, f.ID, f.Err))
		}
	}
	return errors.Join(failed...)
}
