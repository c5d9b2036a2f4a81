package block

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ImageStatus is an image's place in imageMoves. Source: Glance image statuses.
type ImageStatus string

const (
	ImageQueued ImageStatus = "queued" // has no bytes yet
	ImageSaving ImageStatus = "saving" // bytes are coming
	ImageActive ImageStatus = "active" // holds its bytes for good
	// ImageDeactivated holds its bytes, which nobody but an administrator may read.
	ImageDeactivated ImageStatus = "deactivated"
	ImageDeleting    ImageStatus = "pending_delete" // no longer shown
	ImageKilled      ImageStatus = "killed"         // its bytes are lost, or could not be removed
	ImageDeleted     ImageStatus = "deleted"        // the row is gone
)

// imageMoves holds every status change there is of images; docs/states.md is made from it.
var imageMoves = map[ImageStatus][]ImageStatus{
	ImageQueued:      {ImageSaving, ImageDeleting},
	ImageSaving:      {ImageActive, ImageQueued, ImageDeleting, ImageKilled},
	ImageActive:      {ImageDeactivated, ImageDeleting, ImageKilled},
	ImageDeactivated: {ImageActive, ImageDeleting, ImageKilled},
	ImageKilled:      {ImageDeleting},
	ImageDeleting:    {ImageDeleted, ImageKilled},
}

// HoldsBytes tells whether all the image's bytes are there.
func (i *Image) HoldsBytes() bool { return i.Status == ImageActive || i.Status == ImageDeactivated }

// ImageMoves is a copy of the table of status changes of images.
func ImageMoves() map[ImageStatus][]ImageStatus { return maps.Clone(imageMoves) }

// What an image's visibility can be: public to all, private and shared to its
// project, community to all who know its id. Source: Glance api-ref, visibility.
// Assumed: nobody can be named to whom a shared image is shown.
const (
	ImagePublic    = "public"
	ImagePrivate   = "private"
	ImageShared    = "shared"
	ImageCommunity = "community"
)

// The one kind of bytes that images hold.
const (
	DiskRaw       = "raw"
	ContainerBare = "bare"
)

// Image is raw bytes that volumes can be made from. Rows are values: change a
// copy, save it.
type Image struct {
	ID          string
	ProjectID   string // its owner
	UserID      string
	Name        Text
	Status      ImageStatus
	Visibility  string
	Protected   bool
	Hidden      bool
	DiskFormat  string // raw, or empty while nobody said it
	Container   string // bare, or empty
	MinDisk     int64  // GiB
	MinRAM      int64  // MiB
	Size        int64  // bytes; 0 before it is active
	Checksum    string // MD5, hexadecimal; empty before it is active
	Hash        string // SHA-512, hexadecimal
	Tags        []string
	Properties  map[string]string // never changed in place
	VolumeID    string            // the volume it is made of; empty: it is uploaded
	UploadID    string            // of the upload that brings its bytes
	UploadUntil time.Time         // when that upload counts as dead
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// ImageStore reads images.
type ImageStore interface {
	// Image fails with NotFound.
	Image(ctx context.Context, id string) (*Image, error)
	// Images fails with NotFound when the marker is no row the list could hold. A
	// list of one project has the public images of others, too.
	Images(ctx context.Context, list List) ([]*Image, error)
}

// ImageTx changes images.
type ImageTx interface {
	// Image reads for writing (FOR UPDATE); fails with NotFound.
	Image(id string) (*Image, error)
	// AddImage fails with Conflict when the id is taken.
	AddImage(i *Image) error
	// SaveImage writes i, sets UpdatedAt to Now and raises Version; fails with
	// Conflict if the row changed since it was read.
	SaveImage(i *Image) error
	DropImage(i *Image) error
	// ImagesOf counts a project's images and their bytes.
	ImagesOf(projectID string) (count int, bytes int64, err error)
}

// moveTo changes the status in memory, or fails with Conflict. Source: Glance's 409.
func (i *Image) moveTo(next ImageStatus) error {
	if !slices.Contains(imageMoves[i.Status], next) {
		return Errorf(Conflict, "Image status transition from %s to %s is not allowed", i.Status, next)
	}
	i.Status = next
	return nil
}

// gone tells whether callers see it no more.
func (i *Image) gone() bool { return i.Status == ImageDeleting || i.Status == ImageDeleted }

// shownTo tells whether a caller may read it.
func (i *Image) shownTo(c Caller) bool {
	return c.owns(i.ProjectID) || i.Visibility == ImagePublic || i.Visibility == ImageCommunity
}

func noImage(id string) error {
	return Errorf(NotFound, "No image found with ID %.64s", id)
}

// sizeNeeded is how large a volume must be to hold it.
func (i *Image) sizeNeeded() Size { return max(1, roundedGiB(i.Size), Size(i.MinDisk)) }

// roundedGiB is how many GiB hold so many bytes.
func roundedGiB(bytes int64) Size { return Size((bytes + 1<<30 - 1) >> 30) }

// check holds what a caller said of an image to the rules. Source: Glance image schema.
func (i *Image) check() error {
	switch {
	case i.DiskFormat != "" && i.DiskFormat != DiskRaw:
		return On("disk_format", Errorf(Invalid, "Invalid disk format '%.32s': images hold raw bytes only; convert it first, as with qemu-img convert -O raw.", i.DiskFormat))
	case i.Container != "" && i.Container != ContainerBare:
		return On("container_format", Errorf(Invalid, "Invalid container format '%.32s': images hold raw bytes only, whose container_format is bare.", i.Container))
	case !slices.Contains([]string{ImagePublic, ImagePrivate, ImageShared, ImageCommunity}, i.Visibility):
		return On("visibility", Errorf(Invalid, "Invalid visibility value '%.32s': it is public, private, shared or community.", i.Visibility))
	case i.MinDisk < 0 || i.MinDisk > int64(MaxSize):
		return On("min_disk", Errorf(Invalid, "Invalid min_disk: it is in GB, from 0 to %d.", MaxSize))
	case i.MinRAM < 0 || i.MinRAM > maxImageRAM:
		return On("min_ram", Errorf(Invalid, "Invalid min_ram: it is in MB, from 0 to %d.", maxImageRAM))
	case len(i.Tags) > MaxImageTags:
		return On("tags", Errorf(TooLarge, "An image has at most %d tags, not %d.", MaxImageTags, len(i.Tags)))
	case len(i.Properties) > MaxImageProperties:
		return Errorf(TooLarge, "An image has at most %d properties, not %d.", MaxImageProperties, len(i.Properties))
	}
	if err := fitsName("name", i.Name.Value); err != nil {
		return err
	}
	for _, tag := range i.Tags {
		if tag == "" {
			return On("tags", Errorf(Invalid, "Invalid tag: it is empty."))
		}
		if err := fitsName("tags", tag); err != nil {
			return err
		}
	}
	if err := CheckMetadata(i.Properties); err != nil {
		return err
	}
	return nil
}

// maxImageRAM is the largest min_ram, in MiB. Source: Glance image schema, 32 bits.
const maxImageRAM = 2147483647

func fitsName(field, text string) error {
	if utf8.RuneCountInString(text) > MaxText {
		return On(field, Errorf(Invalid, "Invalid %s: it has more than %d characters.", field, MaxText))
	}
	if strings.ContainsRune(text, 0) {
		return On(field, Errorf(Invalid, "Invalid %s: the character U+0000 is not allowed.", field))
	}
	return nil
}
