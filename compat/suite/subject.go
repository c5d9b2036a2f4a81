package suite

import (
	"context"
	"reflect"

	"github.com/breezeblock/breezeblock/compat/client"
)

// Values of a fresh subject.
const (
	oldName        = "before"
	oldDescription = "old description"
)

// subject is a snapshot that a function changes as it likes.
type subject struct {
	*Env
	id string
	// seen is the snapshot as last read.
	seen map[string]any
}

// subject makes a snapshot of the environment's volume; it goes with the function.
func (e *Env) subject(t T) *subject {
	t.Helper()
	return e.subjectOf(t, e.volume)
}

func (e *Env) subjectOf(t T, volume string) *subject {
	t.Helper()
	id, err := e.Demo.CreateSnapshot(t.Context(), map[string]any{"volume_id": volume, "name": oldName,
		"description": oldDescription, "metadata": map[string]string{"k": "v"}})
	if err != nil {
		t.Fatalf("make a snapshot: %v", err)
	}
	s := &subject{Env: e, id: id}
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "snapshots", id) })
	s.show(t)
	return s
}

// url is the subject's path in the environment's version.
func (s *subject) url() string { return s.path("/snapshots/" + s.id) }

// put updates the subject with a body: text as it stands, all else as JSON.
func (s *subject) put(t T, body any, fields ...client.Field) *client.Answer {
	t.Helper()
	return s.do(t, "PUT", s.url(), body, fields...)
}

// set updates fields of the subject and gives the snapshot in the answer.
func (s *subject) set(t T, fields map[string]any) map[string]any {
	t.Helper()
	a := s.put(t, map[string]any{"snapshot": fields})
	status(t, a, 200)
	return a.Under("snapshot")
}

// show reads the subject in the environment's version.
func (s *subject) show(t T) map[string]any {
	t.Helper()
	a := s.do(t, "GET", s.url(), nil)
	status(t, a, 200)
	s.seen = a.Under("snapshot")
	return s.seen
}

// untouched checks that nothing of the subject has changed since it was last
// read, not even its time.
func (s *subject) untouched(t T, after string) {
	t.Helper()
	before := s.seen
	if now := s.show(t); !reflect.DeepEqual(before, now) {
		t.Errorf("%s changed the snapshot: got %v, want %v", after, now, before)
	}
}

// refused checks that a body is answered with 400 badRequest and changes nothing.
func (s *subject) refused(t T, body any, fields ...client.Field) string {
	t.Helper()
	a := s.put(t, body, fields...)
	message := s.fault(t, a, 400, "badRequest")
	s.untouched(t, brief(body))
	return message
}

// stored checks name and description, in the answer and as read afterwards.
func (s *subject) stored(t T, body, name, description any) {
	t.Helper()
	a := s.put(t, body)
	if a.Status != 200 {
		t.Errorf("%s: got %s, want 200", brief(body), a)
		return
	}
	for where, got := range map[string]map[string]any{"the answer": a.Under("snapshot"), "the stored snapshot": s.show(t)} {
		if got["name"] != name || got["description"] != description {
			t.Errorf("%s: %s has %#v and %#v, want %#v and %#v", brief(body), where, got["name"], got["description"], name, description)
		}
	}
}
