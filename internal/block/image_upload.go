package block

import (
	"context"
	"crypto/md5"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

const (
	// uploadLease is after which time an upload that says nothing counts as dead. It
	// is what a job may wait at most.
	uploadLease = 50 * time.Second
	// uploadRenewal is how often an upload says that it lives.
	uploadRenewal = 15 * time.Second
	// imageChunk is how much of an image is read or written at once, in bytes.
	imageChunk = 512 << 10
)

// UploadImage reads the bytes of an image to their end and makes it active: all of
// them, on disk, or none. length is what the caller says of them, -1: nothing.
// Fails with NotFound, Conflict unless the image is queued, Invalid (formats not
// said), TooLarge and OverLimit (bytes), Unavailable; an error of body passes as it is.
func (s *Service) UploadImage(ctx context.Context, c Caller, id string, body io.Reader, length int64) error {
	up := &upload{service: s, image: id, id: s.parts.NewHex()}
	if err := up.begin(ctx, c, length); err != nil {
		return err
	}
	err := up.receive(ctx, body)
	if err == nil {
		err = up.end(ctx)
	}
	if err != nil {
		return errors.Join(err, up.abandon(ctx))
	}
	return nil
}

// upload brings the bytes of one image. Its bytes are nobody's before end.
type upload struct {
	service *Service
	image   string
	id      string
	room    int64 // bytes that the project may still have
	known   bool  // the caller said how many come
	renewed time.Time

	device driver.Device
	size   int64 // of the driver's volume
	got    int64
	sums   sums
}

// begin moves the image to saving and queues what clears up if this process dies.
func (u *upload) begin(ctx context.Context, c Caller, length int64) error {
	s := u.service
	return s.store.InTx(ctx, func(tx Tx) error {
		image, err := imageFor(tx, c, u.image)
		if err != nil {
			return err
		}
		if image.DiskFormat == "" || image.Container == "" {
			return Errorf(Invalid, "Properties disk_format, container_format must be set prior to saving data.")
		}
		if image.Status != ImageQueued {
			return Errorf(Conflict, "Image status transition from %s to %s is not allowed", image.Status, ImageSaving)
		}
		_, used, err := tx.ImagesOf(image.ProjectID)
		if err != nil {
			return err
		}
		if u.room = MaxImageBytesOfProject - used; length > min(u.room, MaxImageBytes) {
			return u.tooMuch()
		}
		if err := image.moveTo(ImageSaving); err != nil {
			return err
		}
		u.renewed = tx.Now()
		image.UploadID, image.UploadUntil, image.VolumeID = u.id, tx.Now().Add(uploadLease), ""
		if err := tx.SaveImage(image); err != nil {
			return err
		}
		return s.enqueueAbandon(tx, image, image.UploadUntil)
	})
}

// enqueueAbandon queues the job that looks whether an upload still lives.
func (s *Service) enqueueAbandon(tx Tx, i *Image, at time.Time) error {
	return tx.Enqueue(&jobs.Job{
		ID: s.parts.NewHex(), Kind: jobAbandonUpload, ResourceID: i.ID, Lane: i.ID, ProjectID: i.ProjectID, Args: i.UploadID,
		State: jobs.Ready, RunAt: at, CreatedAt: tx.Now(),
	})
}

func (u *upload) tooMuch() error {
	if u.room < MaxImageBytes {
		return Errorf(OverLimit, "ImageSizeLimitExceeded: the images of a project hold at most %d bytes, of which %d are free.", int64(MaxImageBytesOfProject), max(u.room, 0))
	}
	return Errorf(TooLarge, "An image holds at most %d bytes.", int64(MaxImageBytes))
}

// receive writes the bytes into a fresh volume of the driver. Pieces of nothing but
// zeroes are not written: the volume is thin.
func (u *upload) receive(ctx context.Context, body io.Reader) (err error) {
	s := u.service
	u.size = 1 << 30
	if err := s.driver.Create(ctx, driver.VolumeSpec{ID: u.image, Size: u.size}, 0); err != nil {
		return u.fault(err)
	}
	if u.device, err = s.driver.Open(ctx, driver.Ref{Volume: u.image}, driver.ReadWrite); err != nil {
		return u.fault(err)
	}
	defer func() {
		if closed := u.device.Close(); err == nil && closed != nil {
			err = u.fault(closed)
		}
	}()
	u.sums.begin()
	buffer := make([]byte, imageChunk)
	for {
		n, end := fillUp(body, buffer)
		if err := u.take(ctx, buffer[:n]); err != nil {
			return err
		}
		if end == io.EOF {
			break
		}
		if end != nil {
			return end
		}
	}
	if err := u.device.Flush(ctx); err != nil {
		return u.fault(err)
	}
	return nil
}

// fillUp reads until the buffer is full or the body ends, with io.EOF, or fails.
func fillUp(body io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = body.Read(buffer[n:])
		n += more
	}
	return n, err
}

// take writes what came and counts it.
func (u *upload) take(ctx context.Context, piece []byte) error {
	s, end := u.service, u.got+int64(len(piece))
	if end > min(u.room, MaxImageBytes) {
		return u.tooMuch()
	}
	if end > u.size {
		u.size = roundedGiB(end).Bytes()
		if err := s.driver.Extend(ctx, u.image, u.size, 0); err != nil {
			return u.fault(err)
		}
	}
	if !isZero(piece) {
		// Devices write whole sectors: the last one is filled up with zeroes.
		if rest := len(piece) % driver.SizeUnit; rest != 0 {
			piece = append(piece[:len(piece):len(piece)], make([]byte, driver.SizeUnit-rest)...)
		}
		if _, err := u.device.WriteAt(piece, u.got); err != nil {
			return u.fault(err)
		}
	}
	u.sums.add(piece[:end-u.got])
	u.got = end
	if s.parts.Now().Sub(u.renewed) < uploadRenewal {
		return nil
	}
	return u.renew(ctx)
}

func isZero(piece []byte) bool {
	for _, b := range piece {
		if b != 0 {
			return false
		}
	}
	return true
}

// mine gives a copy of the image's row, or Conflict when the upload is no longer awaited.
func (u *upload) mine(tx Tx) (*Image, error) {
	stored, err := tx.Image(u.image)
	if err != nil {
		return nil, err
	}
	if stored.Status != ImageSaving || stored.UploadID != u.id {
		return nil, Errorf(Conflict, "The upload of image %s has ended meanwhile: the image was deleted, or the upload was silent for too long.", u.image)
	}
	image := *stored
	return &image, nil
}

// renew says that the upload lives.
func (u *upload) renew(ctx context.Context) error {
	return u.service.store.InTx(ctx, func(tx Tx) error {
		image, err := u.mine(tx)
		if err != nil {
			return err
		}
		u.renewed, image.UploadUntil = tx.Now(), tx.Now().Add(uploadLease)
		return tx.SaveImage(image)
	})
}

// end makes the image active.
func (u *upload) end(ctx context.Context) error {
	s := u.service
	if err := s.driver.Snapshot(ctx, u.image, u.image, 0); err != nil {
		return u.fault(err)
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		image, err := u.mine(tx)
		if err != nil {
			return err
		}
		_, used, err := tx.ImagesOf(image.ProjectID)
		if err != nil {
			return err
		}
		if u.room = MaxImageBytesOfProject - used; u.got > u.room { // others came meanwhile
			return u.tooMuch()
		}
		image.Size, image.UploadID, image.UploadUntil = u.got, "", time.Time{}
		image.Checksum, image.Hash = u.sums.end()
		if err := image.moveTo(ImageActive); err != nil {
			return err
		}
		return tx.SaveImage(image)
	})
}

// abandon removes what came and queues the image again, unless the upload is not
// awaited any more: then another is at it. What it cannot remove is left to the job.
func (u *upload) abandon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	s := u.service
	image, err := s.store.Image(ctx, u.image)
	if err != nil || image.Status != ImageSaving || image.UploadID != u.id {
		return nil
	}
	if err := s.driver.Delete(ctx, u.image, 0); err != nil {
		return nil
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		image, err := u.mine(tx)
		if err != nil {
			return err
		}
		image.UploadID, image.UploadUntil = "", time.Time{}
		if err := image.moveTo(ImageQueued); err != nil {
			return err
		}
		return tx.SaveImage(image)
	})
	if KindOf(err) == Conflict || isGone(err) {
		return nil
	}
	return err
}

// fault words an error of the driver.
func (u *upload) fault(err error) error {
	if errors.Is(err, driver.ErrNoSpace) {
		return Because(err, Unavailable, "There is not enough disk space on the image storage media.")
	}
	return fmt.Errorf("upload image %s: %w", u.image, err)
}

// sums count MD5 and SHA-512 side by side, each on a goroutine of its own.
type sums struct{ md5, sha hash.Hash }

func (h *sums) begin() { h.md5, h.sha = md5.New(), sha512.New() }

func (h *sums) add(piece []byte) {
	var both sync.WaitGroup
	both.Go(func() { _, _ = h.md5.Write(piece) })
	_, _ = h.sha.Write(piece)
	both.Wait()
}

// end gives both in hexadecimal digits.
func (h *sums) end() (md5sum, sha512sum string) {
	return hex.EncodeToString(h.md5.Sum(nil)), hex.EncodeToString(h.sha.Sum(nil))
}

// runAbandonUpload clears up after an upload whose process died: what came is
// removed, and the image waits for another. While the upload lives it looks again later.
func (s *Service) runAbandonUpload(ctx context.Context, job *jobs.Job) error {
	image, err := s.store.Image(ctx, job.ResourceID)
	if err != nil && !isGone(err) {
		return err
	}
	awaited := func(i *Image) bool { return i.Status == ImageSaving && i.UploadID == job.Args }
	if err != nil || !awaited(image) {
		return s.finish(ctx, job)
	}
	if image.UploadUntil.After(s.parts.Now()) {
		return s.lookAgain(ctx, job, awaited, image.UploadUntil)
	}
	err = s.driver.Delete(ctx, image.ID, driver.Fence(job.Fence))
	if errors.Is(err, driver.ErrBusy) { // it is silent and has not ended
		return s.lookAgain(ctx, job, awaited, s.parts.Now().Add(uploadLease))
	}
	if err != nil {
		return fmt.Errorf("remove the bytes of image %s: %w", image.ID, err)
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Image(job.ResourceID)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil && awaited(stored) {
			queued := *stored
			queued.UploadID, queued.UploadUntil = "", time.Time{}
			if err := queued.moveTo(ImageQueued); err != nil {
				return err
			}
			if err := tx.SaveImage(&queued); err != nil {
				return err
			}
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}

// lookAgain ends the job and queues another like it.
func (s *Service) lookAgain(ctx context.Context, job *jobs.Job, awaited func(*Image) bool, at time.Time) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		image, err := tx.Image(job.ResourceID)
		if err == nil && awaited(image) {
			err = s.enqueueAbandon(tx, image, at)
		}
		if err != nil && !isGone(err) {
			return err
		}
		job.State = jobs.Done
		return tx.FinishJob(job)
	})
}
