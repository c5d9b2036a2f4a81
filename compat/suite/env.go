package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// Target is a service to run the suite against.
type Target = client.Target

// cleanupTimeout bounds what a function does after its end.
const cleanupTimeout = 30 * time.Second

// password is that of the users which the suite makes.
const password = "suite-Passw0rd"

// Env is what functions of the suite run in: a target, people, and one volume.
// What needs an administrator is skipped where there is none.
type Env struct {
	Target  *Target
	Version string // v2 or v3
	// ReadTimeout is after how long the server gives up on a slow sender;
	// 0 is unknown, and slow senders are not tried.
	ReadTimeout time.Duration

	Demo   *client.Session
	Admin  *client.Session // nil: none
	Reader *client.Session // role reader on demo's project; nil without an administrator
	Other  *client.Session // member of another project; nil without an administrator

	volume string
}

// NewEnv logs in, makes the other people where it may, and makes the volume.
func NewEnv(ctx context.Context, target *Target) (*Env, error) {
	e := &Env{Target: target, Version: "v3"}
	var err error
	if e.Demo, err = target.LogIn(ctx, target.Demo); err != nil {
		return nil, err
	}
	if target.Admin.User != "" {
		if err := e.people(ctx); err != nil {
			return nil, fmt.Errorf("make people: %w", err)
		}
	}
	e.volume, err = e.Demo.CreateVolume(ctx, map[string]any{"size": max(1, target.LeastSize), "name": "suite"})
	return e, err
}

// Close removes the volume.
func (e *Env) Close(ctx context.Context) error {
	if e.volume == "" {
		return nil
	}
	return e.Demo.Delete(ctx, "volumes", e.volume)
}

// In is the same environment, for another API version.
func (e *Env) In(version string) *Env {
	other := *e
	other.Version = version
	return &other
}

func (e *Env) people(ctx context.Context) error {
	var err error
	if e.Admin, err = e.Target.LogIn(ctx, e.Target.Admin); err != nil {
		return err
	}
	project, err := e.Admin.Project(ctx, "suite-other")
	if err != nil {
		return err
	}
	limits := map[string]int{"volumes": 2000, "snapshots": 2000, "gigabytes": 20000}
	if err := errors.Join(e.Admin.SetQuota(ctx, e.Demo.ProjectID, limits), e.Admin.SetQuota(ctx, project, limits)); err != nil {
		return err
	}
	if e.Reader, err = e.person(ctx, "suite-reader", e.Target.Demo.Project, e.Demo.ProjectID, "reader"); err != nil {
		return err
	}
	e.Other, err = e.person(ctx, "suite-other", "suite-other", project, "member")
	return err
}

func (e *Env) person(ctx context.Context, name, project, projectID, role string) (*client.Session, error) {
	id, err := e.Admin.User(ctx, name, password)
	if err != nil {
		return nil, err
	}
	if err := e.Admin.Grant(ctx, projectID, id, role); err != nil {
		return nil, err
	}
	return e.Target.LogIn(ctx, client.Login{User: name, Password: password, Project: project})
}

// evs tells whether the target follows the seeds rather than recorded Cinder.
func (e *Env) evs() bool { return e.Target.Dialect != "cinder" }

// needAdmin skips the function where there is no administrator.
func (e *Env) needAdmin(t T) {
	t.Helper()
	if e.Admin == nil {
		t.Skipf("needs an administrator, and the target names none")
	}
}

// path is a path of the environment's version below demo's project.
func (e *Env) path(rest string) string {
	return "/" + e.Version + "/" + e.Demo.ProjectID + rest
}

// do sends a call as demo; it ends the function when there is no answer.
func (e *Env) do(t T, method, path string, body any, fields ...client.Field) *client.Answer {
	t.Helper()
	return e.as(t, e.Demo, method, path, body, fields...)
}

func (e *Env) as(t T, who *client.Session, method, path string, body any, fields ...client.Field) *client.Answer {
	t.Helper()
	a, err := who.Do(t.Context(), client.Request{Method: method, Path: path, Body: body, Fields: fields})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return a
}

// nobody has no token.
func (e *Env) nobody() *client.Session { return &client.Session{Target: e.Target} }

// raw sends exact bytes; it ends the function when there is no answer.
func (e *Env) raw(t T, r client.Raw) *client.Answer {
	t.Helper()
	a, err := client.Send(t.Context(), e.Target.VolumeURL, r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Target, err)
	}
	return a
}

// status checks an answer's status, and ends the function when it differs.
func status(t T, a *client.Answer, want int) {
	t.Helper()
	if a.Status != want {
		t.Fatalf("got %s, want %d", a, want)
	}
}

// fault checks the whole form of an error: status, its one key, the words and
// the code, which is a string in dialect evs and a number in cinder.
func (e *Env) fault(t T, a *client.Answer, wantStatus int, key string) string {
	t.Helper()
	if a.Status != wantStatus {
		t.Errorf("got %s, want %d %s", a, wantStatus, key)
		return ""
	}
	inner := a.Under(key)
	if len(a.Object()) != 1 || inner == nil {
		t.Errorf("got %s, want one key %s", a, key)
		return ""
	}
	e.code(t, inner["code"], wantStatus)
	message, _ := inner["message"].(string)
	if message == "" {
		t.Errorf("got %s, want a message", a)
	}
	return message
}

func (e *Env) code(t T, code any, want int) {
	t.Helper()
	var right any = json.Number(fmt.Sprint(want))
	if e.evs() {
		right = fmt.Sprint(want)
	}
	if !reflect.DeepEqual(code, right) {
		t.Errorf("code: got %T %v, want %T %v", code, code, right, right)
	}
}

// afterwards runs once the function has ended, when its own context is over.
func afterwards(t T, work func(context.Context) error) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := work(ctx); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
}
