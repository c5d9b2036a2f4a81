package block_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// image makes one without bytes.
func (r *rig) image(c block.Caller) *block.Image {
	r.t.Helper()
	i, err := r.service.CreateImage(r.t.Context(), c, block.Image{Visibility: block.ImagePrivate, DiskFormat: block.DiskRaw, Container: block.ContainerBare})
	r.must(err)
	return i
}

// imageIs checks a status; "" means gone.
func (r *rig) imageIs(id string, want block.ImageStatus) {
	r.t.Helper()
	i, err := r.service.Image(r.t.Context(), demo, id)
	got := block.ImageStatus("")
	if err == nil {
		got = i.Status
	}
	if got != want {
		r.t.Errorf("the image is %q (%v), want %q", got, err, want)
	}
}

// content is some bytes that are neither whole sectors nor all zeroes.
func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		if i/(1<<20)%2 == 0 { // every other MiB is nothing but zeroes
			b[i] = byte(i * 7)
		}
	}
	return b
}

func TestAnImageHoldsWhatWasUploaded(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		r.start()
		i, sent := r.image(demo), content(5<<20+77)
		r.must(r.service.UploadImage(t.Context(), demo, i.ID, io.MultiReader(bytes.NewReader(sent[:3]), bytes.NewReader(sent[3:])), -1))
		r.imageIs(i.ID, block.ImageActive)
		data, err := r.service.OpenImage(t.Context(), demo, i.ID)
		r.must(err)
		got := make([]byte, data.Image.Size)
		r.must(data.ReadAt(got, 0))
		r.must(data.Close())
		sum := md5.Sum(sent)
		if !bytes.Equal(got, sent) || data.Image.Checksum != hex.EncodeToString(sum[:]) {
			t.Errorf("the image has %d bytes and checksum %s, want those that were sent", len(got), data.Image.Checksum)
		}
		r.healthy()
		r.must(r.service.DeleteImage(t.Context(), demo, i.ID))
		r.imageIs(i.ID, "")
		r.settle(2 * time.Minute) // also what waited for the upload's death ends
		r.empty()
	})
}

// dying is a body that breaks off.
type dying struct{ left int }

var errBrokeOff = errors.New("broke off")

func (d *dying) Read(p []byte) (int, error) {
	if d.left <= 0 {
		return 0, errBrokeOff
	}
	n := copy(p, content(min(len(p), d.left)))
	d.left -= n
	return n, nil
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	onRig(t, []fake.Fault{{Call: fake.Snapshot, Nth: 1, Err: driver.ErrNoSpace}}, func(r *rig) {
		r.start()
		i := r.image(demo)
		if err := r.service.UploadImage(t.Context(), demo, i.ID, &dying{2 << 20}, -1); !errors.Is(err, errBrokeOff) {
			t.Errorf("got %v, want why the body broke off", err)
		}
		r.imageIs(i.ID, block.ImageQueued)
		if left := r.held(); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
		err := r.service.UploadImage(t.Context(), demo, i.ID, bytes.NewReader(content(100)), 100)
		if block.KindOf(err) != block.Unavailable {
			t.Errorf("a full disk: got %v", err)
		}
		r.imageIs(i.ID, block.ImageQueued)
		r.bytes.SetFull(true)
		if err := r.service.UploadImage(t.Context(), demo, i.ID, bytes.NewReader(content(100)), 100); block.KindOf(err) != block.Unavailable {
			t.Errorf("a full disk: got %v", err)
		}
		r.bytes.SetFull(false)
		if err := r.service.UploadImage(t.Context(), demo, i.ID, nil, block.MaxImageBytes+1); block.KindOf(err) != block.TooLarge {
			t.Errorf("an image that is too large: got %v", err)
		}
		r.must(r.service.UploadImage(t.Context(), demo, i.ID, bytes.NewReader(content(100)), 100))
		r.imageIs(i.ID, block.ImageActive)
		r.healthy()
	})
}

// TestAnUploadWhoseProcessDiedIsClearedUp: a body that never ends stands for the
// process; the runner is another.
func TestAnUploadWhoseProcessDiedIsClearedUp(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		i := r.image(demo)
		stuck, stop := io.Pipe()
		done := make(chan error)
		ctx, cancel := context.WithCancel(r.t.Context())
		go func() { done <- r.service.UploadImage(ctx, demo, i.ID, stuck, -1) }()
		_, err := stop.Write(content(1 << 20))
		r.must(err)
		r.imageIs(i.ID, block.ImageSaving)
		if err := r.service.UploadImage(t.Context(), demo, i.ID, nil, -1); block.KindOf(err) != block.Conflict {
			t.Errorf("a second upload: got %v, want a conflict", err)
		}
		r.start()
		r.settle(3 * time.Minute) // the volume is open: its removal is tried again and again
		cancel()
		r.must(stop.CloseWithError(errBrokeOff))
		if err := <-done; err == nil {
			t.Error("an upload that was silent for minutes ended well")
		}
		r.settle(10 * time.Minute)
		r.imageIs(i.ID, block.ImageQueued)
		if left := r.held(); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
		r.must(r.service.UploadImage(t.Context(), demo, i.ID, bytes.NewReader(content(100)), 100))
		r.imageIs(i.ID, block.ImageActive)
		r.healthy()
	})
}

func TestImagesHaveBounds(t *testing.T) {
	onRig(t, nil, func(r *rig) {
		for range block.MaxImages {
			r.image(demo)
		}
		_, err := r.service.CreateImage(t.Context(), demo, block.Image{Visibility: block.ImagePrivate})
		if block.KindOf(err) != block.OverLimit {
			t.Errorf("one more image: got %v", err)
		}
		r.image(admin)
	})
}
