package block

import (
	"context"
	"slices"
)

// Image reads one image that the caller may see. Fails with NotFound.
func (s *Service) Image(ctx context.Context, c Caller, id string) (*Image, error) {
	i, err := s.store.Image(ctx, id)
	if err != nil {
		return nil, err
	}
	if i.gone() || !i.shownTo(c) {
		return nil, noImage(id)
	}
	return i, nil
}

// ImageQuery is a list of images.
type ImageQuery struct {
	List
	Visibility string // empty: of the caller's project, and public ones
}

// Images is one page of the images that the caller may see: those of its project
// and public ones; administrators see all. Community images of others come only
// when they are asked for. Fails with NotFound when the marker is unknown.
func (s *Service) Images(ctx context.Context, c Caller, q ImageQuery) ([]*Image, error) {
	list := q.List
	list.Filters = append(slices.Clone(list.Filters), Filter{Field: FieldStatus, Op: NotEqual, Value: string(ImageDeleting)})
	if list.ProjectID = c.ProjectID; c.Admin || q.Visibility == ImageCommunity {
		list.ProjectID = ""
	} else if c.ProjectID == "" {
		return nil, Errorf(Forbidden, "A token of a project is needed to list its objects.")
	}
	if q.Visibility != "" {
		list.Filters = append(list.Filters, Filter{Field: FieldVisibility, Value: q.Visibility})
	}
	return s.store.Images(ctx, list)
}

// CreateImage makes the row of an image that has no bytes yet. The id may be the
// caller's wish. Fails with Invalid, Forbidden (public, of others), Conflict (the id),
// OverLimit (MaxImages).
func (s *Service) CreateImage(ctx context.Context, c Caller, wanted Image) (*Image, error) {
	if wanted.ID == "" {
		wanted.ID = s.parts.NewUUID()
	}
	if wanted.ProjectID == "" {
		wanted.ProjectID = c.ProjectID
	}
	switch {
	case c.ProjectID == "" && !c.Admin:
		return nil, Errorf(Forbidden, "A token of a project is needed to make an image.")
	case !c.owns(wanted.ProjectID):
		return nil, Errorf(Forbidden, "You are not permitted to create images owned by '%.64s'.", wanted.ProjectID)
	}
	if err := mayPublish(c, wanted.Visibility, ""); err != nil {
		return nil, err
	}
	if err := wanted.check(); err != nil {
		return nil, err
	}
	wanted.UserID, wanted.Status = c.UserID, ImageQueued
	made := &wanted
	err := s.store.InTx(ctx, func(tx Tx) error {
		fresh := wanted
		if err := addImage(tx, &fresh); err != nil {
			return err
		}
		made = &fresh
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// addImage adds the row if the project may have one more, and no volume has its id:
// both would be the same for the driver.
func addImage(tx Tx, i *Image) error {
	count, _, err := tx.ImagesOf(i.ProjectID)
	if err != nil {
		return err
	}
	if count >= MaxImages {
		return Errorf(OverLimit, "ImageLimitExceeded: a project has at most %d images.", MaxImages)
	}
	if _, err := tx.Volume(i.ID); !isGone(err) {
		return cmpErr(err, Errorf(Conflict, "Image ID %s already exists!", i.ID))
	}
	i.CreatedAt = tx.Now()
	return tx.AddImage(i)
}

// mayPublish keeps the making of public images to administrators. Source: Glance
// policy publicize_image.
func mayPublish(c Caller, visibility, before string) error {
	if visibility == ImagePublic && before != ImagePublic && !c.Admin {
		return On("visibility", Errorf(Forbidden, "You are not authorized to complete publicize_image action."))
	}
	return nil
}

// imageFor is a copy of a row that the caller may change. Fails with NotFound, and
// with Forbidden for one that it may only read.
func imageFor(tx Tx, c Caller, id string) (*Image, error) {
	stored, err := tx.Image(id)
	if err != nil {
		return nil, err
	}
	if stored.gone() || !stored.shownTo(c) {
		return nil, noImage(id)
	}
	if !c.owns(stored.ProjectID) {
		return nil, Errorf(Forbidden, "You are not permitted to modify this image: it is of another project.")
	}
	image := *stored
	return &image, nil
}

// UpdateImage lets change work on a copy of the row and saves it; only what a caller
// may say can change. Fails with NotFound, Forbidden, Invalid, and whatever change does.
func (s *Service) UpdateImage(ctx context.Context, c Caller, id string, change func(*Image) error) (*Image, error) {
	var saved *Image
	err := s.store.InTx(ctx, func(tx Tx) error {
		image, err := imageFor(tx, c, id)
		if err != nil {
			return err
		}
		before := *image
		if err := change(image); err != nil {
			return err
		}
		if before.Status != ImageQueued && (image.DiskFormat != before.DiskFormat || image.Container != before.Container) {
			return Errorf(Forbidden, "Attribute disk_format or container_format can be only replaced for a queued image.")
		}
		if err := mayPublish(c, image.Visibility, before.Visibility); err != nil {
			return err
		}
		if err := image.check(); err != nil {
			return err
		}
		saved = image
		return tx.SaveImage(image)
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// SetImageActive lets an image's bytes be used or, with false, by nobody but an
// administrator; doing it again does nothing. Fails with NotFound, and Forbidden
// for an image without bytes. Source: Glance, actions deactivate and reactivate.
func (s *Service) SetImageActive(ctx context.Context, c Caller, id string, active bool) error {
	next := ImageDeactivated
	if active {
		next = ImageActive
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		image, err := imageFor(tx, c, id)
		switch {
		case err != nil || image.Status == next:
			return err
		case !image.HoldsBytes():
			return Errorf(Forbidden, "Not allowed to change an image in status '%s': it must be active or deactivated.", image.Status)
		}
		if err := image.moveTo(next); err != nil {
			return err
		}
		return tx.SaveImage(image)
	})
}

// DeleteImage lets nobody see the image any more and queues the removal of its
// bytes; volumes made from it live on. Fails with NotFound, Forbidden while it is protected.
func (s *Service) DeleteImage(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		image, err := imageFor(tx, c, id)
		if err != nil {
			return err
		}
		if image.Protected {
			return Errorf(Forbidden, "Image %s is protected and cannot be deleted.", id)
		}
		if err := image.moveTo(ImageDeleting); err != nil {
			return err
		}
		image.UploadID = ""
		if err := tx.SaveImage(image); err != nil {
			return err
		}
		return s.enqueueDeletion(tx, jobDeleteImage, laneOfImage(image), image.ID, image.ProjectID)
	})
}
