package image

import (
	"fmt"
	"io"
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// chunk is how much is read at once, in bytes.
const chunk = 512 << 10

// enter takes one of the places for those who send or read bytes.
func (a *API) enter() (leave func(), err error) {
	select {
	case a.transfers <- struct{}{}:
		return func() { <-a.transfers }, nil
	default:
		return nil, block.Errorf(block.Unavailable, "%d transfers of images are under way, which is as many as there may be; try again.", block.MaxImageTransfers)
	}
}

// uploadImage serves PUT /image/v2/images/{image_id}/file: 204 once all bytes are on disk.
func (a *API) uploadImage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if !x.IsBytes() {
		return wire.Refuse(wire.UnknownMediaType, "Unsupported Content-Type: an image's bytes must be application/octet-stream.")
	}
	leave, err := a.enter()
	if err != nil {
		return err
	}
	defer leave()
	if err := a.blocks.UploadImage(x.Context(), caller, x.PathValue("image_id"), x.Incoming(), x.Request.ContentLength); err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// downloadImage serves GET /image/v2/images/{image_id}/file: 204 while there are no
// bytes, 206 for a range. Source: Glance api-ref, download binary image data.
func (a *API) downloadImage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	leave, err := a.enter()
	if err != nil {
		return err
	}
	defer leave()
	data, err := a.blocks.OpenImage(x.Context(), caller, x.PathValue("image_id"))
	if err != nil {
		return err
	}
	if data == nil {
		return x.WriteEmpty(http.StatusNoContent)
	}
	defer func() { _ = data.Close() }() // it was only read
	size := data.Image.Size
	off, n, status := int64(0), size, http.StatusOK
	if len(x.Request.Header["Range"]) > 0 {
		if off, n, err = x.ReadRange(size, size); err != nil {
			return err
		}
		status = http.StatusPartialContent
	}
	buffer := make([]byte, min(chunk, n))
	if err := data.ReadAt(buffer, off); err != nil { // before the answer begins
		return err
	}
	h := x.Header()
	h.Set("Accept-Ranges", "bytes")
	if status == http.StatusPartialContent {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", off, off+n-1, size))
	} else if data.Image.Checksum != "" {
		h.Set("Content-Md5", data.Image.Checksum)
	}
	return x.Stream(status, "application/octet-stream", n, func(w io.Writer) error {
		err := send(w, data, buffer, off, n)
		if err != nil {
			a.log.WarnContext(x.Context(), "a read of an image broke off", "request_id", x.RequestID, "err", err)
		}
		return err
	})
}

// send writes n bytes at off, of which the first are in the buffer.
func send(w io.Writer, data *block.ImageData, buffer []byte, off, n int64) error {
	for part := buffer; n > 0; {
		if _, err := w.Write(part); err != nil {
			return err
		}
		off, n = off+int64(len(part)), n-int64(len(part))
		if part = buffer[:min(int64(len(buffer)), n)]; n == 0 {
			return nil
		}
		if err := data.ReadAt(part, off); err != nil {
			return err
		}
	}
	return nil
}
