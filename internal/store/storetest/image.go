package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func testImages(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	image := func(n int, project, visibility string) *block.Image {
		clock.Add(time.Second)
		return &block.Image{ID: id(n), ProjectID: project, UserID: "u", Status: block.ImageQueued, Visibility: visibility,
			Properties: map[string]string{"number": id(n)}, CreatedAt: clock.Now()}
	}
	full := image(1, "p", block.ImagePrivate)
	full.Name, full.Protected, full.Hidden, full.DiskFormat, full.Container = block.SetText("é"), true, true, "raw", "bare"
	full.MinDisk, full.MinRAM, full.Size, full.Checksum, full.Hash, full.Tags = 3, 4, 1<<40, "md5", "sha", []string{"a", "b"}
	full.VolumeID, full.UploadID, full.UploadUntil = id(9), "up", clock.Now().Add(time.Minute)
	must(t, s, func(tx block.Tx) error { return tx.AddImage(full) })
	err := s.InTx(t.Context(), func(tx block.Tx) error { again := *full; return tx.AddImage(&again) })
	wantKind(t, err, block.Conflict, "Image ID "+full.ID+" already exists!")
	same := func(want *block.Image) {
		t.Helper()
		got, err := s.Image(t.Context(), want.ID)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
	}
	same(full)
	stale := *full
	must(t, s, func(tx block.Tx) error {
		got, err := tx.Image(full.ID)
		if err != nil {
			return err
		}
		changed := *got
		changed.Name, changed.Status, changed.Tags, changed.DiskFormat, changed.UploadUntil, changed.Properties = block.Text{}, block.ImageActive, nil, "", time.Time{}, map[string]string{}
		err = tx.SaveImage(&changed)
		full = &changed
		return err
	})
	if full.Version != 2 || full.UpdatedAt.IsZero() {
		t.Errorf("a change left version %d, updated at %v", full.Version, full.UpdatedAt)
	}
	same(full)
	for _, write := range []func(tx block.Tx) error{func(tx block.Tx) error { return tx.SaveImage(&stale) }, func(tx block.Tx) error { return tx.DropImage(&stale) }} {
		wantKind(t, s.InTx(t.Context(), write), block.Conflict, "")
	}
	must(t, s, func(tx block.Tx) error {
		for _, i := range []*block.Image{image(2, "p", block.ImageShared), image(3, "q", block.ImagePublic), image(4, "q", block.ImagePrivate)} {
			if err := tx.AddImage(i); err != nil {
				return err
			}
		}
		count, bytes, err := tx.ImagesOf("p")
		if count != 2 || bytes != 1<<40 {
			t.Errorf("project p has %d images of %d bytes", count, bytes)
		}
		return err
	})
	lists := func(list block.List, want ...string) {
		t.Helper()
		page, err := s.Images(t.Context(), list)
		var got []string
		for _, i := range page {
			got = append(got, i.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%+v: %v: %s", list, err, diff)
		}
	}
	lists(block.List{ProjectID: "p"}, id(3), id(2), id(1)) // a public one of another project, too
	lists(block.List{ProjectID: "p", Marker: id(3), Limit: 1}, id(2))
	lists(block.List{ProjectID: "p", Filters: []block.Filter{{Field: block.FieldVisibility, Value: block.ImagePublic}}}, id(3))
	lists(block.List{Metadata: map[string]string{"number": id(4)}}, id(4))
	lists(block.List{Filters: []block.Filter{{Field: block.FieldHidden, Value: "true"}, {Field: block.FieldSize, Op: block.Greater, Value: "5"}}}, id(1))
	_, err = s.Images(t.Context(), block.List{ProjectID: "p", Marker: id(4)})
	wantKind(t, err, block.NotFound, "")
	must(t, s, func(tx block.Tx) error { return tx.DropImage(full) })
	for _, gone := range []string{id(1), "not \x00 an id"} {
		_, err := s.Image(t.Context(), gone)
		wantKind(t, err, block.NotFound, "")
	}
}

// testImageItems: volumes are found by what they keep of their image, and not by
// their own metadata.
func testImageItems(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	v := NewVolume(1, clock.Now())
	must(t, s, func(tx block.Tx) error { return tx.AddVolume(v) })
	for want, items := range map[int]map[string]string{1: {"image": "kept"}, 0: {"key": "value"}} {
		found, err := s.Volumes(t.Context(), block.List{ImageItems: items})
		if err != nil || len(found) != want {
			t.Errorf("%v: found %d (%v), want %d", items, len(found), err, want)
		}
	}
}
