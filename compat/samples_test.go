package compat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breezeblock/breezeblock/compat/client"
)

var update = flag.Bool("update", false, "write the answers of this run into samples that name their source")

// sample is one golden file: where its shape comes from, a request, the answer.
type sample struct {
	comments []string // the first begins "# Source: "
	request  string   // method and path
	fields   []client.Field
	body     string
	answer   string // status, blank line, body
}

var statusLine = regexp.MustCompile(`(?m)^\d{3}$`)

// parseSample fails on a file that does not say where its shape comes from.
func parseSample(text string) (*sample, error) {
	s := &sample{}
	lines := strings.Split(text, "\n")
	for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
		s.comments, lines = append(s.comments, lines[0]), lines[1:]
	}
	if len(s.comments) == 0 || len(strings.TrimSpace(strings.TrimPrefix(s.comments[0], "# Source:"))) < 5 || !strings.HasPrefix(s.comments[0], "# Source:") {
		return nil, fmt.Errorf("the first line names no source; it must read # Source: document and section")
	}
	if len(lines) == 0 || strings.Count(lines[0], " ") != 1 {
		return nil, fmt.Errorf("no request line after the comments")
	}
	s.request, lines = lines[0], lines[1:]
	for len(lines) > 0 && lines[0] != "" {
		name, value, found := strings.Cut(lines[0], ": ")
		if !found {
			return nil, fmt.Errorf("no header: %q", lines[0])
		}
		s.fields, lines = append(s.fields, client.Field{name, value}), lines[1:]
	}
	rest := strings.Join(lines, "\n")
	if at := statusLine.FindStringIndex(rest); at != nil {
		s.body, s.answer = rest[:at[0]], rest[at[0]:]
	} else {
		s.body = rest
	}
	s.body = strings.TrimSpace(s.body)
	return s, nil
}

func (s *sample) String() string {
	var b strings.Builder
	b.WriteString(strings.Join(append(s.comments, s.request), "\n") + "\n")
	for _, f := range s.fields {
		b.WriteString(f[0] + ": " + f[1] + "\n")
	}
	if s.body != "" {
		b.WriteString("\n" + s.body + "\n")
	}
	return b.String() + "\n" + s.answer
}

// TestSamplesAreAnsweredAsShown sends each sample's request to a fresh snapshot
// and compares the answer, with ids and times put as names.
func TestSamplesAreAnsweredAsShown(t *testing.T) {
	t.Parallel()
	for _, dialect := range dialects {
		t.Run(dialect, func(t *testing.T) {
			e := env(t, dialect)
			files, err := filepath.Glob(filepath.Join("samples", dialect, "v*", "*.sample"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no samples (%v)", err)
			}
			volume, err := e.Demo.CreateVolume(t.Context(), map[string]any{"size": 1, "name": "samples"})
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				t.Run(filepath.ToSlash(file[len("samples/"):]), func(t *testing.T) { playSample(t, e.Demo, volume, file) })
			}
		})
	}
}

func playSample(t *testing.T, demo *client.Session, volume, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseSample(string(text))
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := demo.CreateSnapshot(t.Context(), map[string]any{"volume_id": volume, "name": "snapshot", "description": "first", "metadata": map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	group := ""
	if strings.Contains(string(text), "{snapshot_group_id}") {
		group = groupOf(t, demo, volume)
	}
	names := strings.NewReplacer("{project_id}", demo.ProjectID, "{snapshot_id}", snapshot, "{volume_id}", volume, "{snapshot_group_id}", group)
	method, path, _ := strings.Cut(s.request, " ")
	call := client.Request{Method: method, Path: names.Replace(path), Fields: s.fields}
	if s.body != "" {
		call.Body = names.Replace(s.body)
	}
	a, err := demo.Do(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	got := shape(t, demo, a, snapshot, volume, group)
	if *update {
		s.answer = got
		if err := os.WriteFile(file, []byte(s.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.TrimSpace(s.answer), strings.TrimSpace(got)); diff != "" {
		t.Errorf("the answer differs (-sample +got):\n%s", diff)
	}
	remove(t, demo, a, snapshot, group)
}

// groupOf makes a snapshot group of one volume and waits for it.
func groupOf(t *testing.T, demo *client.Session, volume string) string {
	t.Helper()
	path := "/v5/" + demo.ProjectID + "/snapshot-groups"
	a, err := demo.Do(t.Context(), client.Request{Method: "POST", Path: path, Body: `{"snapshot_group":{"volume_ids":["` + volume + `"],"name":"group","tags":{"k":"v"}}}`})
	if err != nil || a.Status != 202 {
		t.Fatalf("got %s, %v", a, err)
	}
	id, _ := a.Object()["snapshot_group_id"].(string)
	restGroup(t, demo, id, "available")
	return id
}

// restGroup waits until a snapshot group is in a status; "" means gone.
func restGroup(t *testing.T, demo *client.Session, id, want string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		a, err := demo.Do(context.Background(), client.Request{Method: "GET", Path: "/v5/" + demo.ProjectID + "/snapshot-groups/" + id})
		if status, _ := a.Under("snapshot_group")["status"].(string); err == nil && status == want {
			return
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("the snapshot group is %s, %v, want it %q", a, err, want)
		}
	}
}

// remove takes away the snapshot and the group of a sample, and what its request made.
func remove(t *testing.T, demo *client.Session, a *client.Answer, snapshot, group string) {
	t.Helper()
	if made, _ := a.Object()["snapshot_group_id"].(string); made != "" {
		group = made
		restGroup(t, demo, group, "available")
	}
	if group != "" {
		if _, err := demo.Do(context.Background(), client.Request{Method: "DELETE", Path: "/v5/" + demo.ProjectID + "/snapshot-groups/" + group}); err != nil {
			t.Error(err)
		}
		restGroup(t, demo, group, "")
	}
	ids := []string{snapshot}
	if made, _ := a.Under("snapshot")["id"].(string); made != "" && made != snapshot {
		ids = append(ids, made)
	}
	if made, _ := a.Object()["snapshot_id"].(string); made != "" {
		ids = append(ids, made)
	}
	for _, id := range ids {
		if _, err := demo.Settle(context.Background(), "snapshots", id); err != nil {
			t.Error(err)
		}
		if err := demo.Delete(context.Background(), "snapshots", id); err != nil {
			t.Error(err)
		}
	}
}

var (
	sampleTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}`)
	sampleJob  = regexp.MustCompile(`"job_id": "[0-9a-f]{32}"`)
	sampleID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// shape is an answer with this run's values put as names.
func shape(t *testing.T, demo *client.Session, a *client.Answer, snapshot, volume, group string) string {
	t.Helper()
	var body bytes.Buffer
	if len(a.Body) > 0 {
		if err := json.Indent(&body, a.Body, "", "    "); err != nil {
			t.Fatalf("%v: %s", err, a)
		}
	}
	text := strings.NewReplacer(snapshot, "{snapshot_id}", volume, "{volume_id}", demo.ProjectID, "{project_id}",
		demo.UserID, "{user_id}", demo.Target.VolumeURL, "{volume_url}").Replace(body.String())
	if group != "" {
		text = strings.ReplaceAll(text, group, "{snapshot_group_id}")
	}
	text = sampleJob.ReplaceAllString(text, `"job_id": "{job_id}"`)
	text = sampleTime.ReplaceAllString(text, "{time}")
	text = sampleID.ReplaceAllStringFunc(text, func(id string) string {
		if strings.HasPrefix(id, "00000000-") {
			return id // written in the request
		}
		return "{id}"
	})
	return strings.TrimRight(fmt.Sprintf("%d\n\n%s", a.Status, text), "\n") + "\n"
}

func TestASampleWithoutSourceIsRefused(t *testing.T) {
	const request = "GET /v3/{project_id}/snapshots/{snapshot_id}\n\n200\n\n{}\n"
	for name, text := range map[string]string{
		"no comment":      request,
		"another comment": "# from memory\n" + request,
		"an empty source": "# Source:\n" + request,
		"no request line": "# Source: seed v3, Response\n\n200\n",
	} {
		if s, err := parseSample(text); err == nil {
			t.Errorf("%s: got %v, want an error", name, s)
		}
	}
	if _, err := parseSample("# Source: seed v3, Response\n" + request); err != nil {
		t.Errorf("with a source: %v", err)
	}
}
