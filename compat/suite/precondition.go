package suite

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/breezeblock/breezeblock/compat/client"
)

// preconditions are statements 61 to 67: what must hold before an update.
func preconditions() []Statement {
	return []Statement{
		{61, "U2+U3", "the snapshot may be in any status", anyStatus},
		{62, "U2+U3", "the status of the disk does not matter", anyDiskStatus},
		{63, "U2+U3", "an update changes only name, description and its time", onlyTwoFields},
		{64, "U2+U3", "an unknown id is not found, also when it is no UUID", unknownSnapshot},
		{65, "U2+U3", "faults are told in their order", orderOfChecks},
		{66, "U2+U3", "a deleted snapshot is not found", deletedSnapshot},
		{67, "U2+U3", "of updates at once the later wins, field by field", atOnce},
	}
}

// snapshotStatuses are those that an administrator may set. Source: recordings action-reset-bogus.
var snapshotStatuses = []string{"creating", "available", "error", "deleting", "error_deleting", "backing-up"}

func anyStatus(t T, e *Env) {
	e.needAdmin(t)
	s := e.subject(t)
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "snapshots", s.id, "available") })
	for _, before := range snapshotStatuses {
		if err := e.Admin.ResetStatus(t.Context(), "snapshots", s.id, before); err != nil {
			t.Errorf("%v", err)
			continue
		}
		s.stored(t, map[string]any{"snapshot": map[string]any{"name": "in-" + before, "description": before}}, "in-"+before, before)
		if now := s.show(t)["status"]; now != before {
			t.Errorf("the update in %s left status %v", before, now)
		}
	}
}

func anyDiskStatus(t T, e *Env) {
	e.needAdmin(t)
	volume := e.ownVolume(t)
	s := e.subjectOf(t, volume)
	// Runs before the snapshot and the volume are deleted, which need this status.
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "volumes", volume, "available") })
	for _, disk := range []string{"error", "maintenance", "error_deleting", "creating"} {
		if err := e.Admin.ResetStatus(t.Context(), "volumes", volume, disk); err != nil {
			t.Errorf("%v", err)
			continue
		}
		s.stored(t, one("name", "disk-"+disk), "disk-"+disk, oldDescription)
	}
}

// ownVolume makes a volume that a function may put into any state.
func (e *Env) ownVolume(t T) string {
	t.Helper()
	id, err := e.Demo.CreateVolume(t.Context(), map[string]any{"size": 1, "name": "suite-own", "metadata": map[string]string{"k": "v"}})
	if err != nil {
		t.Fatalf("make a volume: %v", err)
	}
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	return id
}

func onlyTwoFields(t T, e *Env) {
	s := e.subject(t)
	before := s.seen
	s.set(t, map[string]any{"name": "n", "description": "d"})
	now := s.show(t)
	for key := range before {
		switch key {
		case "name", "description", "updated_at":
			continue
		}
		if !reflect.DeepEqual(before[key], now[key]) {
			t.Errorf("%s: got %v, want %v as before", key, now[key], before[key])
		}
	}
	if len(now) != len(before) {
		t.Errorf("the snapshot has other keys: got %v, want those of %v", now, before)
	}
}

func unknownSnapshot(t T, e *Env) {
	for _, id := range []string{unknownID, "abc", e.volume, "detail-", "0", "snap%20shot"} {
		a := e.do(t, "PUT", e.path("/snapshots/"+id), rename)
		message := e.fault(t, a, 404, "itemNotFound")
		if want := "Snapshot " + id + " could not be found."; message != want && id != "snap%20shot" {
			t.Errorf("message: got %q, want %q", message, want)
		}
	}
}

func orderOfChecks(t T, e *Env) {
	s := e.subject(t)
	foreign := "/" + e.Version + "/ffffffffffffffffffffffffffffffff/snapshots/" + s.id
	unknown := e.path("/snapshots/" + unknownID)
	for _, tc := range []struct {
		name, path, body string
		who              *client.Session
		status           int
		message          string // exact; empty is any
	}{
		{"no token before a bad body", s.url(), "not json", e.nobody(), 401, ""},
		{"a bad body before another project", foreign, "not json", e.Demo, 400, "Malformed request body"},
		{"another project before a bad schema", foreign, `{"snapshot":{}}`, e.Demo, 400, "Malformed request url"},
		{"another project before an unknown id", "/" + e.Version + "/ffffffffffffffffffffffffffffffff/snapshots/" + unknownID, rename, e.Demo, 400, "Malformed request url"},
		{"a bad body before an unknown id", unknown, "not json", e.Demo, 400, "Malformed request body"},
		{"a bad schema before an unknown id", unknown, `{"snapshot":{"name":5}}`, e.Demo, 400, ""},
		{"an unknown id at last", unknown, rename, e.Demo, 404, "Snapshot " + unknownID + " could not be found."},
	} {
		a := e.as(t, tc.who, "PUT", tc.path, tc.body)
		if a.Status != tc.status {
			t.Errorf("%s: got %s, want %d", tc.name, a, tc.status)
			continue
		}
		if message := words(a); tc.message != "" && message != tc.message {
			t.Errorf("%s: message is %q, want %q", tc.name, message, tc.message)
		}
	}
	if e.Reader != nil && e.evs() {
		e.fault(t, e.as(t, e.Reader, "PUT", unknown, `{"snapshot":{}}`), 400, "badRequest")
		e.fault(t, e.as(t, e.Reader, "PUT", unknown, rename), 403, "forbidden")
	}
	a := e.do(t, "PUT", s.url(), "x", client.Field{"Content-Type", "text/plain"})
	e.fault(t, a, 415, "badMediaType")
	s.untouched(t, "a refused call")
}

// words is an error's message, whatever its key.
func words(a *client.Answer) string {
	for _, v := range a.Object() {
		if inner, ok := v.(map[string]any); ok {
			message, _ := inner["message"].(string)
			return message
		}
	}
	return ""
}

func deletedSnapshot(t T, e *Env) {
	s := e.subject(t)
	if err := e.Demo.Delete(t.Context(), "snapshots", s.id); err != nil {
		t.Fatalf("%v", err)
	}
	e.fault(t, s.put(t, rename), 404, "itemNotFound")
	e.fault(t, s.do(t, "GET", s.url(), nil), 404, "itemNotFound")
}

func atOnce(t T, e *Env) {
	s := e.subject(t)
	const writers = 8
	var together sync.WaitGroup
	failures := make(chan string, 2*writers)
	for i := range writers {
		for _, field := range []string{"name", "description"} {
			together.Go(func() {
				a, err := e.Demo.Do(t.Context(), client.Request{Method: "PUT", Path: s.url(), Body: one(field, fmt.Sprintf("%s-%d", field, i))})
				if err != nil {
					failures <- err.Error()
				} else if a.Status != 200 {
					failures <- a.String()
				}
			})
		}
	}
	together.Wait()
	close(failures)
	for failure := range failures {
		t.Errorf("a writer got %s, want 200", failure)
	}
	now := s.show(t)
	for _, field := range []string{"name", "description"} {
		found := false
		for i := range writers {
			found = found || now[field] == fmt.Sprintf("%s-%d", field, i)
		}
		if !found {
			t.Errorf("%s: got %v, want what one of the writers sent", field, now[field])
		}
	}
}
