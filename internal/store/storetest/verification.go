package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/internal/block"
)

func testVerifications(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	begun := &block.Verification{VolumeID: id(1), ID: id(2), Status: block.Verifying, RequestedAt: clock.Now()}
	done := &block.Verification{
		VolumeID: id(1), ID: id(3), Status: block.Verified, Repair: true, RequestedAt: clock.Now(), FinishedAt: clock.Now().Add(time.Second),
		Verified: 1 << 45, Unverified: 5, More: 7, Error: "why\nnot",
		Findings: []block.Located{{Offset: 1 << 44, Length: 4096, Damage: true, Volume: true, Snapshots: []string{id(5)}, MoreSnapshots: 2, Place: "/a file at 5", What: `"lost"`}, {Offset: -1, Repaired: true}},
	}
	for _, want := range []*block.Verification{begun, done} { // the second in the place of the first
		must(t, s, func(tx block.Tx) error { return tx.SaveVerification(want) })
		got, err := s.Verification(t.Context(), id(1))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %s", err, diff)
		}
		must(t, s, func(tx block.Tx) error {
			got, err := tx.Verification(id(1))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("in a transaction: %s", diff)
			}
			return err
		})
	}
	must(t, s, func(tx block.Tx) error { return tx.DropVerification(id(1)) })
	must(t, s, func(tx block.Tx) error { return tx.DropVerification(id(1)) })
	for _, gone := range []string{id(1), "not \x00 an id"} {
		_, err := s.Verification(t.Context(), gone)
		wantKind(t, err, block.NotFound, "")
		err = s.InTx(t.Context(), func(tx block.Tx) error { _, err := tx.Verification(gone); return err })
		wantKind(t, err, block.NotFound, "")
	}
}
