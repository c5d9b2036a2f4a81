package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// testRequests holds the rows of requests with tokens to their promises.
func testRequests(t *testing.T, fresh func(testing.TB) string) {
	s, clock := Open(t, fresh(t))
	add := func(project, token, fingerprint string) (there *block.Request) {
		t.Helper()
		must(t, s, func(tx block.Tx) (err error) {
			there, err = tx.AddRequest(&block.Request{ProjectID: project, Token: token, Fingerprint: fingerprint, CreatedAt: tx.Now()})
			return err
		})
		return there
	}
	made := clock.Now()
	if there := add(project, id(1), "f"); there != nil {
		t.Fatalf("a new token was there: %+v", there)
	}
	must(t, s, func(tx block.Tx) error {
		return tx.AnswerRequest(&block.Request{ProjectID: project, Token: id(1), JobID: "job", VolumeIDs: []string{id(2), id(3)}})
	})
	clock.Add(time.Hour)
	there := add(project, id(1), "another")
	if there == nil || there.Fingerprint != "f" || there.JobID != "job" || !slices.Equal(there.VolumeIDs, []string{id(2), id(3)}) || !there.CreatedAt.Equal(made) {
		t.Fatalf("a token that is there gave %+v", there)
	}
	if there := add(other, id(1), "f"); there != nil {
		t.Errorf("another project's token was there: %+v", there)
	}
	drop := func(limit int) {
		must(t, s, func(tx block.Tx) error { return tx.DropRequests(made.Add(time.Minute), limit) })
	}
	if drop(0); add(project, id(1), "f") == nil {
		t.Error("more than the limit were dropped")
	}
	if drop(1); add(other, id(1), "f") == nil {
		t.Error("a young one was dropped")
	}
	if add(project, id(1), "f") != nil {
		t.Error("an old one was not dropped")
	}
}
