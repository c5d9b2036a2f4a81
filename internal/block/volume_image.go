package block

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// Kinds of job that bring a volume's bytes into an image.
const (
	jobUploadVolume = "volume.upload" // Args: the image's id
	jobHashImage    = "image.hash"
)

// fillFromImage takes size, type and metadata from the image that v is made from, and
// gives the least size. Source: Cinder check_image_metadata.
func fillFromImage(tx Tx, c Caller, v *Volume) (least Size, err error) {
	image, err := tx.Image(v.ImageID)
	if isGone(err) || (err == nil && (image.gone() || !image.shownTo(c))) {
		return 0, On("imageRef", Errorf(Invalid, "Invalid image identifier or unable to access requested image."))
	}
	switch {
	case err != nil:
		return 0, err
	case image.Status != ImageActive:
		return 0, On("imageRef", Errorf(Invalid, "Invalid input received: Image %s is not active.", image.ID))
	case v.Size != 0 && roundedGiB(image.Size) > v.Size:
		return 0, On("size", Errorf(Invalid, "Invalid input received: Size of specified image %dGB is larger than volume size %dGB.", roundedGiB(image.Size), v.Size))
	case v.Size != 0 && Size(image.MinDisk) > v.Size:
		return 0, On("size", Errorf(Invalid, "Invalid input received: Volume size %dGB cannot be smaller than the image minDisk size %dGB.", v.Size, image.MinDisk))
	}
	v.Bootable, v.ImageMetadata = true, metadataOf(image)
	return image.sizeNeeded(), nil
}

// metadataOf is what a volume keeps of the image it is made from. Source: Cinder
// volume_glance_metadata.
func metadataOf(i *Image) map[string]string {
	items := maps.Clone(i.Properties)
	if items == nil {
		items = map[string]string{}
	}
	maps.Copy(items, map[string]string{
		"image_id": i.ID, "image_name": i.Name.Value, "checksum": i.Checksum, "container_format": i.Container, "disk_format": i.DiskFormat,
		"min_disk": strconv.FormatInt(i.MinDisk, 10), "min_ram": strconv.FormatInt(i.MinRAM, 10), "size": strconv.FormatInt(i.Size, 10),
	})
	return items
}

// download says that a volume is being made from its image, before that begins.
func (s *Service) download(ctx context.Context, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Volume(id)
		if isGone(err) || (err == nil && stored.Status != VolumeCreating) {
			return nil
		}
		if err != nil {
			return err
		}
		vol := *stored
		if err := vol.moveTo(VolumeDownloading); err != nil {
			return err
		}
		return tx.SaveVolume(&vol)
	})
}

// VolumeUpload is what a request to make an image of a volume says.
type VolumeUpload struct {
	Name       string
	DiskFormat string
	Container  string
	Visibility string
	Protected  bool
	Force      bool // of an attached volume, too
	Properties map[string]string
}

// UploadVolume makes an image of a volume as it is when the work begins. What the
// volume keeps of the image it was made from goes along. Fails with NotFound,
// WrongStatus, Invalid (formats), Forbidden (public), OverLimit.
// Source: Cinder copy_volume_to_image; EVS 6.6.
func (s *Service) UploadVolume(ctx context.Context, c Caller, id string, n VolumeUpload) (*Volume, *Image, error) {
	wanted := Image{
		ID: s.parts.NewUUID(), UserID: c.UserID, Name: SetText(n.Name), Status: ImageSaving, Visibility: n.Visibility, Protected: n.Protected,
		DiskFormat: n.DiskFormat, Container: n.Container, VolumeID: id,
	}
	if err := mayPublish(c, n.Visibility, ""); err != nil {
		return nil, nil, err
	}
	var made *Image
	vol, err := s.changeVolume(ctx, c, id, func(v *Volume, tx Tx) error {
		if v.Status != VolumeAvailable && (!n.Force || v.Status != VolumeInUse) {
			statuses := "available"
			if n.Force {
				statuses = "available or in-use"
			}
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be %s", v.ID, statuses)
		}
		fresh := wanted
		fresh.ProjectID, fresh.Properties = v.ProjectID, propertiesFor(v, n.Properties)
		if err := fresh.check(); err != nil {
			return err
		}
		if v.Size.Bytes() > MaxImageBytes {
			return Errorf(Invalid, "An image holds at most %d bytes.", int64(MaxImageBytes))
		}
		_, used, err := tx.ImagesOf(v.ProjectID)
		if err != nil {
			return err
		}
		if used+v.Size.Bytes() > MaxImageBytesOfProject {
			return Errorf(OverLimit, "ImageSizeLimitExceeded: the images of a project hold at most %d bytes.", int64(MaxImageBytesOfProject))
		}
		fresh.Size = v.Size.Bytes()
		if err := v.moveTo(VolumeUploading); err != nil {
			return err
		}
		if err := addImage(tx, &fresh); err != nil {
			return err
		}
		made = &fresh
		return tx.Enqueue(&jobs.Job{ID: s.parts.NewHex(), Kind: jobUploadVolume, ResourceID: v.ID, Lane: v.ID, ProjectID: v.ProjectID,
			Args: fresh.ID, State: jobs.Ready, RunAt: tx.Now(), CreatedAt: tx.Now()})
	})
	if err != nil {
		return nil, nil, err
	}
	return vol, made, nil
}

// ownItems are of one image and not of those made of its volumes.
var ownItems = []string{"image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size"}

// propertiesFor are those of an image made of a volume.
func propertiesFor(v *Volume, given map[string]string) map[string]string {
	items := map[string]string{}
	maps.Copy(items, v.ImageMetadata)
	for _, key := range ownItems {
		delete(items, key)
	}
	maps.Copy(items, given)
	return items
}

// saving gives the image that an upload of a volume makes; nil when nobody waits for it.
func (s *Service) saving(ctx context.Context, job *jobs.Job) (*Image, error) {
	image, err := s.store.Image(ctx, job.Args)
	if isGone(err) || (err == nil && (image.Status != ImageSaving || image.VolumeID != job.ResourceID)) {
		return nil, nil
	}
	return image, err
}

// runUploadVolume makes the image's bytes out of a passing snapshot of the volume,
// in constant time, and lets go of the volume. Its sums are counted by another job.
func (s *Service) runUploadVolume(ctx context.Context, job *jobs.Job) error {
	image, err := s.saving(ctx, job)
	if err != nil {
		return err
	}
	if image != nil {
		if err := s.copyToImage(ctx, image, driver.Fence(job.Fence)); err != nil {
			if isGone(err) {
				return jobs.GiveUpNow(err)
			}
			return fmt.Errorf("copy volume %s to image %s: %w", job.ResourceID, image.ID, err)
		}
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		if err := restVolume(tx, job.ResourceID, VolumeUploading); err != nil {
			return err
		}
		if image != nil {
			if err := s.queueSums(tx, image.ID); err != nil {
				return err
			}
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

func (s *Service) copyToImage(ctx context.Context, image *Image, fence driver.Fence) error {
	from := driver.Ref{Volume: image.VolumeID, Snapshot: image.ID}
	if err := s.driver.Snapshot(ctx, from.Volume, from.Snapshot, fence); err != nil {
		return err
	}
	if err := s.driver.CreateFrom(ctx, driver.VolumeSpec{ID: image.ID, Size: image.Size}, from, fence); err != nil {
		return err
	}
	if err := s.driver.Snapshot(ctx, image.ID, image.ID, fence); err != nil {
		return err
	}
	return s.driver.DeleteSnapshot(ctx, from.Volume, from.Snapshot, fence)
}

func (s *Service) queueSums(tx Tx, id string) error {
	stored, err := tx.Image(id)
	if isGone(err) || (err == nil && stored.Status != ImageSaving) {
		return nil // it was deleted meanwhile: its deletion waits for this job
	}
	if err != nil {
		return err
	}
	image := *stored
	image.VolumeID = ""
	if err := tx.SaveImage(&image); err != nil {
		return err
	}
	return s.enqueue(tx, jobHashImage, id, id, image.ProjectID)
}

// giveUpUploadVolume lets go of the volume, and removes the image. Source: Cinder
// copy_volume_to_image, which deletes it.
func (s *Service) giveUpUploadVolume(ctx context.Context, job *jobs.Job, cause error) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Image(job.Args)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && stored.Status == ImageSaving && stored.VolumeID == job.ResourceID {
			image := *stored
			if err := image.moveTo(ImageDeleting); err != nil {
				return err
			}
			if err := tx.SaveImage(&image); err != nil {
				return err
			}
			if err := s.enqueue(tx, jobDeleteImage, laneOfImage(&image), image.ID, image.ProjectID); err != nil {
				return err
			}
		}
		if !errors.Is(cause, jobs.ErrCancelled) {
			if err := restVolume(tx, job.ResourceID, VolumeUploading); err != nil {
				return err
			}
			if err := s.tellUsers(tx, job, cause); err != nil {
				return err
			}
		}
		job.State, job.Error = jobs.Failed, cause.Error()
		return tx.FinishJob(job)
	})
}

// laneOfImage is the volume whose copy it waits for, or its own.
func laneOfImage(i *Image) string {
	if i.VolumeID != "" {
		return i.VolumeID
	}
	return i.ID
}

// runHashImage counts the sums of an image that was made of a volume, and makes it active.
func (s *Service) runHashImage(ctx context.Context, job *jobs.Job) error {
	image, err := s.store.Image(ctx, job.ResourceID)
	if isGone(err) || (err == nil && image.Status != ImageSaving) {
		return s.finish(ctx, job)
	}
	if err != nil {
		return err
	}
	var counted sums
	if err := s.readImage(ctx, image, &counted); err != nil {
		if isGone(err) {
			return jobs.GiveUpNow(err)
		}
		return fmt.Errorf("read image %s: %w", image.ID, err)
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Image(job.ResourceID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && stored.Status == ImageSaving {
			done := *stored
			done.Checksum, done.Hash = counted.end()
			if err := done.moveTo(ImageActive); err != nil {
				return err
			}
			if err := tx.SaveImage(&done); err != nil {
				return err
			}
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// readImage reads all of an image into the sums.
func (s *Service) readImage(ctx context.Context, image *Image, into *sums) error {
	device, err := s.driver.Open(ctx, driver.Ref{Volume: image.ID, Snapshot: image.ID}, driver.ReadOnly)
	if err != nil {
		return err
	}
	defer func() { _ = device.Close() }() // it was only read
	into.begin()
	run, data := jobs.RunOf(ctx), &ImageData{image, device}
	buffer := make([]byte, imageChunk)
	for off := int64(0); off < image.Size; off += int64(len(buffer)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buffer[:min(int64(len(buffer)), image.Size-off)]
		if err := data.ReadAt(part, off); err != nil {
			return err
		}
		into.add(part)
		run.Progress(ctx, int(off*100/image.Size))
	}
	return nil
}

// SetImageMetadata writes items over what a volume keeps of its image.
// Fails with NotFound, and as CheckMetadata does.
func (s *Service) SetImageMetadata(ctx context.Context, c Caller, id string, items map[string]string) (map[string]string, error) {
	vol, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		merged, err := mergeMetadata(v.ImageMetadata, items, false)
		v.ImageMetadata = merged
		return err
	})
	if err != nil {
		return nil, err
	}
	return vol.ImageMetadata, nil
}

// UnsetImageMetadata removes one item. Fails with NotFound, also for the key.
func (s *Service) UnsetImageMetadata(ctx context.Context, c Caller, id, key string) error {
	_, err := s.changeVolume(ctx, c, id, func(v *Volume, _ Tx) error {
		if _, there := v.ImageMetadata[key]; !there {
			return Errorf(NotFound, "Glance metadata for volume/snapshot %s cannot be found.", id)
		}
		v.ImageMetadata = maps.Clone(v.ImageMetadata)
		delete(v.ImageMetadata, key)
		return nil
	})
	return err
}
