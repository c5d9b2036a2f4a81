package block

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// ImageData is an open image. While it is open its bytes stay.
type ImageData struct {
	Image  *Image
	device driver.Device
}

// OpenImage opens an active image for reading; the caller closes it. Without bytes
// there is nothing to read: nil. Fails with NotFound, Unavailable (damaged), and
// Forbidden for a deactivated one, but to administrators.
func (s *Service) OpenImage(ctx context.Context, c Caller, id string) (*ImageData, error) {
	image, err := s.Image(ctx, c, id)
	if err != nil || !image.HoldsBytes() {
		return nil, err
	}
	if image.Status == ImageDeactivated && !c.Admin {
		return nil, Errorf(Forbidden, "The requested image has been deactivated. Image data download is forbidden.")
	}
	device, err := s.driver.Open(ctx, driver.Ref{Volume: image.ID, Snapshot: image.ID}, driver.ReadOnly)
	if errors.Is(err, driver.ErrNotFound) {
		return nil, noImage(id)
	}
	if err != nil {
		return nil, fmt.Errorf("open image %s: %w", id, err)
	}
	return &ImageData{image, device}, nil
}

// ReadAt fills p with what the image holds at off, which must lie within it.
func (d *ImageData) ReadAt(p []byte, off int64) error {
	n, err := d.device.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read image %s: %w", d.Image.ID, err)
}

// Close gives the image back.
func (d *ImageData) Close() error { return d.device.Close() }
