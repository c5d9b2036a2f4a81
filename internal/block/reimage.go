package block

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

const jobReimageVolume = "volume.reimage" // Args: the image's id, as JSON

// ReimageVolume overwrites a volume with an image; what lies past the image's end
// becomes zeroes. With reserved it may be reserved, too. Its snapshots stay.
// Fails with NotFound, WrongStatus, and Invalid for an image that cannot be used.
// Source: Cinder volume/api.py reimage.
func (s *Service) ReimageVolume(ctx context.Context, c Caller, id, imageID string, reserved bool) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		allowed := []VolumeStatus{VolumeAvailable, VolumeError}
		if reserved {
			allowed = append(allowed, VolumeReserved)
		}
		if !slices.Contains(allowed, v.Status) {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be one of %v, but current status is: %s.", id, allowed, v.Status)
		}
		if err := noConnections(tx, v); err != nil { // reserved, it may have an attachment
			return err
		}
		probe := *v
		probe.ImageID = imageID
		if _, err := fillFromImage(tx, c, &probe); err != nil {
			return err
		}
		if err := v.moveTo(VolumeDownloading); err != nil {
			return err
		}
		args, err := json.Marshal(imageID)
		if err != nil {
			return err
		}
		return tx.Enqueue(&jobs.Job{ID: s.parts.NewHex(), Kind: jobReimageVolume, ResourceID: v.ID, Lane: v.ID, ProjectID: v.ProjectID,
			Args: string(args), State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now()})
	})
	return err
}

// runReimageVolume copies the image's bytes. Doing it again writes the same.
func (s *Service) runReimageVolume(ctx context.Context, job *jobs.Job) error {
	var imageID string
	if err := json.Unmarshal([]byte(job.Args), &imageID); err != nil {
		return fmt.Errorf("job %s: %w", job.ID, err)
	}
	vol, err := s.store.Volume(ctx, job.ResourceID)
	if isGone(err) || (err == nil && vol.Status != VolumeDownloading) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	image, err := s.store.Image(ctx, imageID)
	if err != nil {
		return err
	}
	if err := s.imprint(ctx, vol, image); err != nil {
		return fmt.Errorf("write image %s to volume %s: %w", imageID, vol.ID, err)
	}
	return s.finishVolume(ctx, job, volumeIs(VolumeDownloading), func(v *Volume, tx Tx) error {
		rests, err := restsWith(tx, v)
		if err != nil {
			return err
		}
		if err := v.moveTo(rests); err != nil {
			return err
		}
		v.Bootable, v.ImageMetadata = true, metadataOf(image)
		return tx.SaveVolume(v)
	}, nil)
}

// zeroedAtOnce bounds one call that zeroes, in bytes, so that a cancelled job ends soon.
const zeroedAtOnce = 1 << 30

// imprint writes an image's bytes to a volume, and zeroes behind them.
func (s *Service) imprint(ctx context.Context, vol *Volume, image *Image) (err error) {
	from, err := s.driver.Open(ctx, driver.Ref{Volume: image.ID, Snapshot: image.ID}, driver.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	to, err := s.driver.Open(ctx, driver.Ref{Volume: vol.ID}, driver.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	run, end := jobs.RunOf(ctx), min(from.Size(), to.Size())
	buffer := make([]byte, imageChunk)
	for off := int64(0); off < end; off += int64(len(buffer)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buffer[:min(int64(len(buffer)), end-off)]
		if n, err := from.ReadAt(part, off); n < len(part) {
			return err
		}
		if err := writeOrZero(to, part, off); err != nil {
			return err
		}
		run.Progress(ctx, int(off*100/end))
	}
	for off := end; off < to.Size(); off += zeroedAtOnce {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := zero(to, off, min(zeroedAtOnce, to.Size()-off)); err != nil {
			return err
		}
	}
	return to.Flush(ctx)
}

// writeOrZero writes a piece, or gives its space back when it is nothing but zeroes.
func writeOrZero(to driver.Device, p []byte, off int64) error {
	if !slices.ContainsFunc(p, func(b byte) bool { return b != 0 }) {
		return zero(to, off, int64(len(p)))
	}
	_, err := to.WriteAt(p, off)
	return err
}

// zero makes n bytes at off read as zeroes.
func zero(to driver.Device, off, n int64) error {
	if space, can := to.(driver.Space); can {
		const keepAllocated = false
		return space.WriteZeroes(off, n, keepAllocated)
	}
	zeroes := make([]byte, min(n, imageChunk))
	for end := off + n; off < end; off += int64(len(zeroes)) {
		if _, err := to.WriteAt(zeroes[:min(int64(len(zeroes)), end-off)], off); err != nil {
			return err
		}
	}
	return nil
}
