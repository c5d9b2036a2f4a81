package suite

import (
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// blockOperations are extensions of Breezeblock: what a snapshot holds. The suite
// writes no bytes; that the lists are right is tested beside the driver.
func blockOperations() []Operation {
	return []Operation{
		{"snapshot.blocks", nil, snapshotBlocks},
		{"snapshot.changed_blocks", nil, snapshotChangedBlocks},
		{"snapshot.data", nil, snapshotData},
	}
}

// emptyList checks a list of blocks of a snapshot that nobody wrote to.
func emptyList(t T, a *client.Answer, s *subject, since any) {
	t.Helper()
	status(t, a, 200)
	got := a.Object()
	for key, want := range map[string]any{"snapshot_id": s.id, "since": since, "next_token": nil, "expires_at": nil} {
		if got[key] != want {
			t.Errorf("%s: got %#v, want %#v", key, got[key], want)
		}
	}
	if fmt.Sprint(got["blocks"]) != "[]" || fmt.Sprint(got["block_size"]) != "524288" || fmt.Sprint(got["volume_size"]) != "1073741824" {
		t.Errorf("got %s, want no blocks of 512 KiB in 1 GiB", a)
	}
}

func snapshotBlocks(t T, e *Env) {
	s := e.subjectOf(t, e.ownVolume(t))
	emptyList(t, e.do(t, "GET", s.url()+"/blocks", nil), s, nil)
	if e.Reader != nil {
		emptyList(t, e.as(t, e.Reader, "GET", s.url()+"/blocks?max_results=10000&starting_offset=524288", nil), s, nil)
	}
	for _, query := range []string{"max_results=0", "max_results=10001", "max_results=x", "max_results=", "starting_offset=1", "starting_offset=-524288",
		"next_token=x", "limit=5", "since=" + s.id, "max_results=1&max_results=2"} {
		e.fault(t, e.do(t, "GET", s.url()+"/blocks?"+query, nil), 400, "badRequest")
	}
	e.blocksRefused(t, s, "/blocks")
}

func snapshotChangedBlocks(t T, e *Env) {
	volume := e.ownVolume(t)
	s, older := e.subjectOf(t, volume), e.subjectOf(t, volume)
	since := "/changed-blocks?since=" + older.id
	emptyList(t, e.do(t, "GET", s.url()+since, nil), s, older.id)
	e.fault(t, e.do(t, "GET", s.url()+"/changed-blocks", nil), 400, "badRequest")
	e.fault(t, e.do(t, "GET", s.url()+"/changed-blocks?since="+unknownID, nil), 404, "itemNotFound")
	foreign := e.subject(t)
	e.fault(t, e.do(t, "GET", s.url()+"/changed-blocks?since="+foreign.id, nil), 400, "badRequest") // of another volume
	e.blocksRefused(t, s, since)
}

// blocksRefused checks who may not read, and when.
func (e *Env) blocksRefused(t T, s *subject, rest string, fields ...client.Field) {
	t.Helper()
	e.fault(t, e.do(t, "GET", e.path("/snapshots/"+unknownID)+rest, nil, fields...), 404, "itemNotFound")
	if e.Other != nil {
		own := strings.Replace(s.url(), e.Demo.ProjectID, e.Other.ProjectID, 1)
		e.fault(t, e.as(t, e.Other, "GET", own+rest, nil, fields...), 404, "itemNotFound")
	}
	if e.Admin == nil {
		return
	}
	for _, state := range []string{"error", "creating", "deleting"} {
		if err := e.Admin.ResetStatus(t.Context(), "snapshots", s.id, state); err != nil {
			t.Fatalf("%v", err)
		}
		e.fault(t, e.do(t, "GET", s.url()+rest, nil, fields...), 400, "badRequest")
	}
	if err := e.Admin.ResetStatus(t.Context(), "snapshots", s.id, "available"); err != nil {
		t.Fatalf("%v", err)
	}
}

func snapshotData(t T, e *Env) {
	s := e.subjectOf(t, e.ownVolume(t))
	within := client.Field{"Range", "bytes=4096-8191"}
	a := e.do(t, "GET", s.url()+"/data", nil, within, client.Field{"Want-Content-Digest", "sha-256=1"})
	status(t, a, 206)
	if string(a.Body) != strings.Repeat("\x00", 4096) || a.Header.Get("Content-Range") != "bytes 4096-8191/1073741824" || a.Header.Get("Etag") != `"`+s.id+`"` {
		t.Errorf("got %d bytes, %v, want 4096 zeroes", len(a.Body), a.Header)
	}
	if got := a.Header.Get("Content-Digest"); got != "sha-256=:rX+sslhvxulmwATX0dFrAk9YBf98tHx6hdq9i0iJLKc=:" {
		t.Errorf("Content-Digest: got %q, want that of 4096 zeroes", got)
	}
	for _, bad := range []string{"bytes=0-67108864", "bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "x"} {
		e.fault(t, e.do(t, "GET", s.url()+"/data", nil, client.Field{"Range", bad}), 400, "badRequest")
	}
	e.fault(t, e.do(t, "GET", s.url()+"/data", nil), 400, "badRequest")
	outside := e.do(t, "GET", s.url()+"/data", nil, client.Field{"Range", "bytes=1073741824-"})
	e.fault(t, outside, 416, "computeFault")
	if got := outside.Header.Get("Content-Range"); got != "bytes */1073741824" {
		t.Errorf("Content-Range: got %q", got)
	}
	if e.Reader != nil && e.evs() { // recorded Cinder lets readers do what members may
		e.fault(t, e.as(t, e.Reader, "GET", s.url()+"/data", nil, within), 403, "forbidden")
	}
	e.blocksRefused(t, s, "/data", within)
}
