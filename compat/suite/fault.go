package suite

import (
	"context"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// remove deletes the subject, once its function has ended.
func (s *subject) remove(ctx context.Context) error {
	if _, err := s.Demo.Settle(ctx, "snapshots", s.id); err != nil {
		return err
	}
	return s.Demo.Delete(ctx, "snapshots", s.id)
}

// faults are statements 91 to 101: answers to bad updates.
func faults() []Statement {
	return []Statement{
		{91, "U2+U3", "an error is an object with one key, with message and code in it", errorForm},
		{92, "U2+U3", "the key is the kind of error", errorKinds},
		{93, "U2+U3", "message is a string, and code one in dialect evs", codeForm},
		{94, "U2+U3", "code is the status of the answer", codeIsStatus},
		{96, "U2+U3", "not found has its words and key", notFoundForm},
		{97, "U2+U3", "a bad request has its key", badRequestForm},
		{99, "U2+U3", "a refused update changes neither field", allOrNothing},
		{100, "U2+U3", "a method that the path does not have is refused", otherMethods},
		{101, "U2+U3", "a trailing slash and extra segments are unknown", otherPaths},
	}
}

func (s *subject) badAndUnknown(t T) (bad, unknown *client.Answer) {
	t.Helper()
	bad = s.put(t, `{"snapshot":{"name":5}}`)
	unknown = s.do(t, "PUT", s.path("/snapshots/"+unknownID), rename)
	status(t, bad, 400)
	status(t, unknown, 404)
	return bad, unknown
}

func errorForm(t T, e *Env) {
	bad, unknown := e.subject(t).badAndUnknown(t)
	for _, a := range []*client.Answer{bad, unknown} {
		if len(a.Object()) != 1 {
			t.Errorf("got %s, want one key", a)
		}
		for _, v := range a.Object() {
			inner, _ := v.(map[string]any)
			message, ok := inner["message"].(string)
			if !ok || message == "" || inner["code"] == nil {
				t.Errorf("got %s, want message and code", a)
			}
		}
	}
}

func errorKinds(t T, e *Env) {
	bad, unknown := e.subject(t).badAndUnknown(t)
	if bad.Under("badRequest") == nil || unknown.Under("itemNotFound") == nil {
		t.Errorf("got %s and %s, want badRequest and itemNotFound", bad, unknown)
	}
}

func codeForm(t T, e *Env) {
	bad, unknown := e.subject(t).badAndUnknown(t)
	e.code(t, bad.Under("badRequest")["code"], 400)
	e.code(t, unknown.Under("itemNotFound")["code"], 404)
}

func codeIsStatus(t T, e *Env) {
	s := e.subject(t)
	e.fault(t, s.put(t, `[]`), 400, "badRequest")
	e.fault(t, s.put(t, rename, client.Field{"Content-Type", "text/plain"}), 415, "badMediaType")
	e.fault(t, e.do(t, "PUT", e.path("/snapshots/x"), rename), 404, "itemNotFound")
}

func notFoundForm(t T, e *Env) {
	a := e.do(t, "PUT", e.path("/snapshots/"+unknownID), rename)
	message := e.fault(t, a, 404, "itemNotFound")
	if want := "Snapshot " + unknownID + " could not be found."; message != want {
		t.Errorf("message: got %q, want %q", message, want)
	}
	if len(a.Under("itemNotFound")) != 2 {
		t.Errorf("got %s, want message and code alone", a)
	}
}

func badRequestForm(t T, e *Env) {
	a := e.subject(t).put(t, `{"snapshot":{}}`)
	e.fault(t, a, 400, "badRequest")
	if len(a.Under("badRequest")) != 2 {
		t.Errorf("got %s, want message and code alone", a)
	}
}

func allOrNothing(t T, e *Env) {
	s := e.subject(t)
	s.refused(t, `{"snapshot":{"name":"good","description":5}}`)
	s.refused(t, `{"snapshot":{"name":5,"description":"good"}}`)
	s.refused(t, `{"snapshot":{"name":"good","description":"good","size":2}}`)
	s.refused(t, `{"snapshot":{"name":"good"},"x":1}`)
	s.refused(t, one("description", "a\nb"))
}

func otherMethods(t T, e *Env) {
	s := e.subject(t)
	for _, method := range []string{"POST", "PATCH", "FOO", "PROPFIND", "put", "Put"} {
		a := s.raw(t, client.Raw{Method: method, Target: s.url(), Body: []byte(rename), Fields: []client.Field{
			{"X-Auth-Token", e.Demo.Token}, {"Content-Type", "application/json"}}})
		if a.Status != e.noMethod() {
			t.Errorf("%s: got %s, want %d", method, a, e.noMethod())
			continue
		}
		allow := strings.Split(strings.ReplaceAll(a.Header.Get("Allow"), " ", ""), ",")
		if e.evs() && !slices.Contains(allow, "PUT") {
			t.Errorf("%s: Allow is %v, want PUT in it", method, allow)
		}
	}
	s.untouched(t, "another method")
}

func otherPaths(t T, e *Env) {
	s := e.subject(t)
	for _, path := range []string{s.url() + "/", s.url() + "//", s.url() + "/foo", s.url() + "/foo/bar", e.path("/snapshots/"),
		e.path("/snapshot/" + s.id), e.path("/nothing/" + s.id), "/v9/" + e.Demo.ProjectID + "/snapshots/" + s.id} {
		if a := e.do(t, "PUT", path, rename); a.Status != 404 {
			t.Errorf("PUT %s: got %s, want 404", path, a)
		}
	}
	s.untouched(t, "another path")
}
