package block

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// The kinds of job on images.
const (
	jobDeleteImage   = "image.delete"
	jobAbandonUpload = "image.abandon"
)

// imageHandlers are the kinds of job on images.
func (s *Service) imageHandlers() map[string]jobs.Handler {
	return map[string]jobs.Handler{
		jobDeleteImage:   {Run: untilHopeless(s.runDeleteImage), GiveUp: s.giveUpImage},
		jobReimageVolume: {Run: untilHopeless(s.runReimageVolume), GiveUp: s.giveUpVolume(VolumeError)},
		jobUploadVolume:  {Run: untilHopeless(s.runUploadVolume), GiveUp: s.giveUpUploadVolume},
		jobHashImage:     {Run: untilHopeless(s.runHashImage), GiveUp: s.giveUpImage},
		jobAbandonUpload: {Run: s.runAbandonUpload, GiveUp: s.giveUpImage},
	}
}

// runDeleteImage removes the image's bytes, then its row.
func (s *Service) runDeleteImage(ctx context.Context, job *jobs.Job) error {
	image, err := s.store.Image(ctx, job.ResourceID)
	if isGone(err) || (err == nil && image.Status != ImageDeleting) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	if image.VolumeID != "" { // its making may have been cut off
		if err := s.driver.DeleteSnapshot(ctx, image.VolumeID, image.ID, driver.Fence(job.Fence)); err != nil && !isGone(err) {
			return fmt.Errorf("delete what made image %s: %w", image.ID, err)
		}
	}
	if err := s.driver.Delete(ctx, image.ID, driver.Fence(job.Fence)); err != nil {
		return fmt.Errorf("delete image %s: %w", image.ID, err)
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Image(job.ResourceID)
		if err == nil && stored.Status == ImageDeleting {
			gone := *stored
			if err = gone.moveTo(ImageDeleted); err == nil {
				err = tx.DropImage(&gone)
			}
		}
		if err != nil && !isGone(err) {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// giveUpImage ends a job on an image that failed for good: the image is killed, and
// can be deleted again.
func (s *Service) giveUpImage(ctx context.Context, job *jobs.Job, cause error) error {
	return s.giveUp(ctx, job, cause, func(tx Tx) error { return killImage(tx, job.ResourceID) })
}

// killImage gives an image that waits for a job a status with an exit.
func killImage(tx Tx, id string) error {
	stored, err := tx.Image(id)
	if err != nil {
		return err
	}
	image := *stored
	if image.moveTo(ImageKilled) != nil {
		return nil // it was done, or another job is on its way
	}
	image.UploadID = ""
	return tx.SaveImage(&image)
}

// errFromImage is why a volume could not be made from an image.
var errFromImage = errors.New("copy an image to a volume")
