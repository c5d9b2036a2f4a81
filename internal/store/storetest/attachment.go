package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func newAttachment(n int, created time.Time) *block.Attachment {
	return &block.Attachment{
		ID: id(n), VolumeID: id(100), ProjectID: project, UserID: "u", Status: block.AttachmentAttaching, ServerID: id(200 + n),
		HostName: "h", Device: "/dev/vdb", Mode: block.ModeReadOnly, Connector: `{"host":"h"}`, ConnectionID: "c",
		AttachedAt: created, CreatedAt: created,
	}
}

func testAttachments(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added comes back whole, changes, and goes", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		full := newAttachment(1, clock.Now())
		bare := &block.Attachment{ID: id(2), VolumeID: id(100), ProjectID: other, Status: block.AttachmentReserved, CreatedAt: clock.Now().Add(time.Second)}
		for _, want := range []*block.Attachment{full, bare} {
			must(t, s, func(tx block.Tx) error { return tx.AddAttachment(want) })
			got, err := s.Attachment(t.Context(), want.ID)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
		clock.Add(time.Minute)
		changed, stale := *bare, *bare
		changed.Status, changed.HostName, changed.Device, changed.Mode = block.AttachmentAttached, "k", "d", "rw"
		changed.Connector, changed.ConnectionID, changed.AttachedAt = "{}", "e", clock.Now()
		must(t, s, func(tx block.Tx) error { return tx.SaveAttachment(&changed) })
		if changed.Version != 2 || !changed.UpdatedAt.Equal(clock.Now()) {
			t.Errorf("the saved row was not brought up to date: %+v", changed)
		}
		must(t, s, func(tx block.Tx) error {
			got, err := tx.Attachment(bare.ID)
			if diff := cmp.Diff(&changed, got); diff != "" {
				t.Error(diff)
			}
			of, _ := tx.AttachmentsOf(id(100))
			if diff := cmp.Diff([]*block.Attachment{full, &changed}, of); diff != "" {
				t.Errorf("those of a volume: %s", diff)
			}
			return err
		})
		wantKind(t, s.InTx(t.Context(), func(tx block.Tx) error { return tx.SaveAttachment(&stale) }), block.Conflict, "")
		wantKind(t, s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropAttachment(&stale) }), block.Conflict, "")
		must(t, s, func(tx block.Tx) error { return tx.DropAttachment(&changed) })
		_, err := s.Attachment(t.Context(), bare.ID)
		wantKind(t, err, block.NotFound, "")
	})
	t.Run("lists keep to project and filters, page by page", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		var all []*block.Attachment
		for n := range 3 {
			a := newAttachment(n, clock.Now().Add(time.Duration(n)*time.Second))
			a.VolumeID = id(100 + n%2)
			all = append(all, a)
			must(t, s, func(tx block.Tx) error { return tx.AddAttachment(a) })
		}
		for name, tc := range map[string]struct {
			list block.List
			want []*block.Attachment
		}{
			"newest first":  {block.List{ProjectID: project}, []*block.Attachment{all[2], all[1], all[0]}},
			"of a volume":   {block.List{Filters: []block.Filter{{Field: block.FieldVolumeID, Value: id(100)}}}, []*block.Attachment{all[2], all[0]}},
			"of a server":   {block.List{Filters: []block.Filter{{Field: block.FieldServerID, Value: id(201)}}}, []*block.Attachment{all[1]}},
			"after another": {block.List{Marker: all[1].ID, Limit: 1}, []*block.Attachment{all[0]}},
			"not theirs":    {block.List{ProjectID: other}, []*block.Attachment{}},
		} {
			got, err := s.Attachments(t.Context(), tc.list)
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%s: %v: %s", name, err, diff)
			}
		}
		_, err := s.Attachments(t.Context(), block.List{ProjectID: other, Marker: all[1].ID})
		wantKind(t, err, block.NotFound, "")
		if n, err := s.CountAttachments(t.Context(), block.List{ProjectID: project, Limit: 1}); n != 3 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
	})
}

func testConnections(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	bound := &block.Connection{ID: "00", VolumeID: id(1), AttachmentID: id(2), ProjectID: project, Host: "h", ReadOnly: true, CreatedAt: clock.Now()}
	bare := &block.Connection{ID: "01", VolumeID: id(1), ProjectID: project, Host: "h", CreatedAt: clock.Now().Add(time.Second)}
	must(t, s, func(tx block.Tx) error {
		if err := tx.AddConnection(bare); err != nil {
			return err
		}
		return tx.AddConnection(bound)
	})
	check := func(what string, want []*block.Connection, got []*block.Connection, err error) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v: %s", what, err, diff)
		}
	}
	of, err := s.ConnectionsOf(t.Context(), id(1))
	check("those of a volume", []*block.Connection{bound, bare}, of, err)
	of, err = s.ConnectionsAt(t.Context(), "h", 1)
	check("those of a host", []*block.Connection{bound}, of, err)
	must(t, s, func(tx block.Tx) error {
		got, err := tx.Connection("01")
		check("one", []*block.Connection{bare}, []*block.Connection{got}, err)
		bare.AttachmentID = id(3)
		return tx.EndConnection(bare)
	})
	one, err := s.Connection(t.Context(), "01")
	check("one that ended", []*block.Connection{bare}, []*block.Connection{one}, err)
	if !one.Ended || one.AttachmentID != id(3) {
		t.Errorf("got %+v, want it ended", one)
	}
	of, err = s.ConnectionsAt(t.Context(), "h", 9)
	check("an ended one is no host's", []*block.Connection{bound}, of, err)
	must(t, s, func(tx block.Tx) error {
		of, err := tx.ConnectionsOf(id(1))
		check("those of a volume, in a transaction", []*block.Connection{bound, bare}, of, err)
		return tx.DropConnection("00")
	})
	_, err = s.Connection(t.Context(), "00")
	wantKind(t, err, block.NotFound, "")
}
