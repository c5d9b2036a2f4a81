package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func newTransfer(n int, created time.Time) *block.Transfer {
	return &block.Transfer{ID: id(n), VolumeID: id(100 + n), ProjectID: project, Name: block.SetText("gift"),
		NoSnapshots: true, Salt: "salt", KeyHash: "hash", CreatedAt: created}
}

func testTransfers(t *testing.T, fresh func(testing.TB) string) {
	t.Run("what is added comes back whole, and goes", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		full, bare := newTransfer(1, clock.Now()), &block.Transfer{ID: id(2), VolumeID: id(5), ProjectID: other, CreatedAt: clock.Now()}
		for _, want := range []*block.Transfer{full, bare} {
			must(t, s, func(tx block.Tx) error { return tx.AddTransfer(want) })
			got, err := s.Transfer(t.Context(), want.ID)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
			must(t, s, func(tx block.Tx) error {
				got, err := tx.Transfer(want.ID)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("in a transaction: %s", diff)
				}
				return err
			})
		}
		err := s.InTx(t.Context(), func(tx block.Tx) error {
			again := *full
			again.ID = id(3)
			return tx.AddTransfer(&again)
		})
		wantKind(t, err, block.Conflict, "")
		must(t, s, func(tx block.Tx) error { return tx.DropTransfer(full.ID) })
		must(t, s, func(tx block.Tx) error { return tx.DropTransfersOf(bare.VolumeID) })
		for _, gone := range []string{full.ID, bare.ID, "not \x00 an id"} {
			_, err := s.Transfer(t.Context(), gone)
			wantKind(t, err, block.NotFound, "")
			wantKind(t, s.InTx(t.Context(), func(tx block.Tx) error { return tx.DropTransfer(id(1)) }), block.NotFound, "")
		}
	})
	t.Run("they are listed by project", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		var made []*block.Transfer
		must(t, s, func(tx block.Tx) error {
			made = nil
			for n := range 3 {
				one := newTransfer(n, clock.Now().Add(time.Duration(n)*time.Second))
				if n == 2 {
					one.ProjectID = other
				}
				made = append(made, one)
				if err := tx.AddTransfer(one); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := s.Transfers(t.Context(), block.List{ProjectID: project})
		if diff := cmp.Diff([]*block.Transfer{made[1], made[0]}, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		got, err = s.Transfers(t.Context(), block.List{Filters: []block.Filter{{Field: block.FieldVolumeID, Value: id(102)}}})
		if diff := cmp.Diff(made[2:], got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		if n, err := s.CountTransfers(t.Context(), block.List{ProjectID: project}); n != 2 || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
		_, err = s.Transfers(t.Context(), block.List{ProjectID: project, Marker: made[2].ID})
		wantKind(t, err, block.NotFound, "")
	})
	t.Run("a gift writes whose it is, and nothing stale", func(t *testing.T) {
		s, clock := Open(t, fresh(t))
		vol, snap := NewVolume(1, clock.Now()), NewSnapshot(2, clock.Now())
		must(t, s, func(tx block.Tx) error { return tx.AddVolume(vol) })
		add(t, s, snap)
		clock.Add(time.Minute)
		givenVol, givenSnap := *vol, *snap
		must(t, s, func(tx block.Tx) error {
			givenVol, givenSnap = *vol, *snap
			givenVol.ProjectID, givenVol.UserID, givenVol.Status = other, "user-2", block.VolumeAvailable
			givenSnap.ProjectID, givenSnap.UserID = other, "user-2"
			if err := tx.GiveVolume(&givenVol); err != nil {
				return err
			}
			return tx.GiveSnapshot(&givenSnap)
		})
		gotVol, err := s.Volume(t.Context(), vol.ID)
		if diff := cmp.Diff(&givenVol, gotVol); diff != "" || err != nil || gotVol.Version != 2 || gotVol.UpdatedAt != clock.Now() {
			t.Errorf("%v: %s", err, diff)
		}
		listed, err := s.Volumes(t.Context(), block.List{ProjectID: other}) // from the database, whatever memory holds
		if diff := cmp.Diff([]*block.Volume{&givenVol}, listed); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		snaps, err := s.Snapshots(t.Context(), block.List{ProjectID: other})
		if diff := cmp.Diff([]*block.Snapshot{&givenSnap}, snaps); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		staleVol, staleSnap := *vol, *snap
		wantKind(t, s.InTx(t.Context(), func(tx block.Tx) error { return tx.GiveVolume(&staleVol) }), block.Conflict, "")
		wantKind(t, s.InTx(t.Context(), func(tx block.Tx) error { return tx.GiveSnapshot(&staleSnap) }), block.Conflict, "")
	})
}
