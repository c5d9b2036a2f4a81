package block

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// VerifyVolume queues a look through all bytes of a volume and its snapshots; one
// that is under way is told instead of another. Repair is for administrators. It
// changes no status and holds up nothing. Fails with NotFound, WrongStatus, Forbidden.
func (s *Service) VerifyVolume(ctx context.Context, c Caller, id string, repair bool) (*Verification, error) {
	if repair && !c.Admin {
		return nil, Errorf(Forbidden, "Only an administrator may have what is left over removed: repair must be false or absent.")
	}
	fresh := &Verification{VolumeID: id, ID: s.parts.NewUUID(), Status: Verifying, Repair: repair}
	var answer *Verification
	err := s.store.InTx(ctx, func(tx Tx) error {
		vol, err := volumeFor(tx, c, id)
		if err != nil {
			return err
		}
		if !vol.hasBytes() {
			return Errorf(WrongStatus, "Invalid volume: Volume %s is %s: it may hold nothing that could be verified.", id, vol.Status)
		}
		was, err := tx.Verification(id)
		if err == nil && was.Status == Verifying {
			live, err := tx.LiveJobsOf(was.ID)
			if answer = was; err != nil || len(live) > 0 {
				return err
			}
		}
		if err != nil && !isGone(err) {
			return err
		}
		answer, fresh.RequestedAt = fresh, tx.Now()
		if err := tx.SaveVerification(fresh); err != nil {
			return err
		}
		return tx.Enqueue(&jobs.Job{ // in a lane of its own: the volume's work goes on
			ID: s.parts.NewHex(), Kind: jobVerify, ResourceID: fresh.ID, Lane: "verify " + id, ProjectID: vol.ProjectID,
			Args: strconv.Quote(id), State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now(),
		})
	})
	return answer, err
}

// dropVerification removes the report of a volume that goes, and ends the work on it.
func dropVerification(tx Tx, volumeID string) error {
	v, err := tx.Verification(volumeID)
	if isGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := tx.CancelJobs(v.ID); err != nil {
		return err
	}
	return tx.DropVerification(volumeID)
}

// verifiedBy is the volume that a job looks through.
func verifiedBy(job *jobs.Job) string { return strings.Trim(job.Args, `"`) }

// VolumeVerification is the last verification of a volume, under way or over.
// Fails with NotFound, also when there was none.
func (s *Service) VolumeVerification(ctx context.Context, c Caller, id string) (*Verification, error) {
	if _, err := s.Volume(ctx, c, id); err != nil {
		return nil, err
	}
	return s.store.Verification(ctx, id)
}

// runVerify looks and keeps the report, unless the volume has gone or another
// verification has taken this one's place.
func (s *Service) runVerify(ctx context.Context, job *jobs.Job) error {
	v, err := s.store.Verification(ctx, verifiedBy(job))
	if isGone(err) || (err == nil && v.ID != job.ResourceID) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	found, err := s.Look(withProgress(ctx), v.VolumeID, v.Repair)
	if isGone(err) {
		return jobs.GiveUpNow(err)
	}
	if err != nil {
		return fmt.Errorf("verify volume %s: %w", v.VolumeID, err)
	}
	return s.endVerify(ctx, job, func(v *Verification) {
		v.Status, v.Verified, v.Unverified = Verified, found.Verified, found.Unverified
		v.Findings, v.More = found.Findings, found.More
		job.State = jobs.Done
	})
}

func (s *Service) giveUpVerify(ctx context.Context, job *jobs.Job, cause error) error {
	return s.endVerify(ctx, job, func(v *Verification) {
		v.Status, v.Error = VerificationErr, cause.Error()
		job.State, job.Error = jobs.Failed, cause.Error()
	})
}

// endVerify saves change, if the verification is still this job's, and ends the job.
func (s *Service) endVerify(ctx context.Context, job *jobs.Job, change func(*Verification)) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Verification(verifiedBy(job))
		if err != nil && !isGone(err) {
			return err
		}
		ended := Verification{}
		if err == nil && stored.ID == job.ResourceID {
			ended = *stored
		}
		change(&ended)
		if ended.ID != "" {
			ended.FinishedAt = tx.Now()
			if err := tx.SaveVerification(&ended); err != nil {
				return err
			}
		}
		return tx.FinishJob(job)
	})
}

// Look lets the driver look through a volume and its snapshots now, and finds out
// who sees what is damaged. Only the report's figures and findings are filled in.
func (s *Service) Look(ctx context.Context, volumeID string, repair bool) (*Verification, error) {
	report, err := s.driver.Check(ctx, volumeID, repair)
	if err != nil {
		return nil, err
	}
	v := &Verification{VolumeID: volumeID, Repair: repair, Status: Verified, Verified: report.Verified, Unverified: report.Unverified, More: report.More}
	for _, f := range report.Findings {
		if len(v.Findings) == MaxFindings {
			v.More++
			continue
		}
		v.Findings = append(v.Findings, Located{Offset: f.Offset, Length: f.Length, Damage: f.Damage, Repaired: f.Repaired, Place: f.Place, What: f.What})
	}
	return v, s.locate(ctx, v)
}

// mostSeen is how many snapshots a finding names.
const mostSeen = 16

// locate reads where something is damaged, in the volume and in each snapshot.
func (s *Service) locate(ctx context.Context, v *Verification) error {
	if !v.Damaged() {
		return nil
	}
	var refs []driver.Ref
	for ref, err := range s.driver.List(ctx) {
		if ref == (driver.Ref{}) {
			return fmt.Errorf("the driver's list broke off: %w", err)
		}
		if ref.Volume == v.VolumeID {
			refs = append(refs, ref)
		}
	}
	for _, ref := range refs {
		if err := s.locateIn(ctx, v, ref); err != nil {
			return err
		}
	}
	return nil
}

// locateIn notes which findings whoever reads ref meets. What cannot be opened is
// damaged as a whole; what has gone since, or is busy, is left out.
func (s *Service) locateIn(ctx context.Context, v *Verification, ref driver.Ref) error {
	device, err := s.driver.Open(ctx, ref, driver.ReadOnly)
	if err != nil && !errors.Is(err, driver.ErrDamaged) {
		return ctx.Err()
	}
	if err == nil {
		defer func() { _ = device.Close() }() // it was only read
	}
	buffer := make([]byte, 1<<20)
	for i := range v.Findings {
		f := &v.Findings[i]
		if !f.Damage || (err == nil && !meets(device, f, buffer)) {
			continue
		}
		switch {
		case ref.Snapshot == "":
			f.Volume = true
		case len(f.Snapshots) < mostSeen:
			f.Snapshots = append(f.Snapshots, ref.Snapshot)
		default:
			f.MoreSnapshots++
		}
	}
	return ctx.Err()
}

// meets tells whether reading a device at a finding's place fails its checks.
func meets(device driver.Device, f *Located, buffer []byte) bool {
	for off, end := f.Offset, min(f.Offset+f.Length, device.Size()); off >= 0 && off < end; off += int64(len(buffer)) {
		if _, err := device.ReadAt(buffer[:min(int64(len(buffer)), end-off)], off); errors.Is(err, driver.ErrDamaged) {
			return true
		}
	}
	return false
}
