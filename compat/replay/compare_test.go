package replay

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/compat/client"
)

// staged is names as a stage would have bound them.
func staged(rows []*Row) *names {
	n := newNames(&client.Target{VolumeURL: "http://127.0.0.1:1", IdentityURL: "http://127.0.0.1:1/identity/v3"})
	for i, name := range []string{"volume", "volume_a", "volume_b", "s1", "s2", "s3", "s4", "s5", "s6", "s7",
		"other_snapshot", "deleted_snapshot", "fresh_snapshot"} {
		n.values[name] = strings.Replace("12345678-1234-4234-8234-1234567890ab", "ab", string(rune('a'+i%6))+string(rune('a'+i/6)), 1)
	}
	for _, row := range rows {
		n.values["new_"+row.ID] = "87654321-1234-4234-8234-1234567890ab"
	}
	n.setSnapshot("22345678-1234-4234-8234-1234567890ab")
	return n
}

// recordedAnswer is the answer that a perfect server would give.
func recordedAnswer(t *testing.T, n *names, row *Row) *client.Answer {
	t.Helper()
	a := &client.Answer{Status: row.Response.Status, Header: http.Header{}}
	for name, value := range row.Response.Headers {
		if name == "www-authenticate" {
			value = keystoneURI.ReplaceAllString(value, `uri="`+n.target.IdentityURL+`"`)
		}
		a.Header.Set(name, value)
	}
	if row.Response.Body != nil {
		body, err := json.Marshal(n.expandAny(row.Response.Body))
		if err != nil {
			t.Fatal(err)
		}
		a.Body = body
	}
	return a
}

// comparable are the rows of a file whose answer is recorded in full.
func comparable(t *testing.T, file string) []*Row {
	t.Helper()
	all, err := Load(filepath.Join("../recordings", file))
	if err != nil {
		t.Fatal(err)
	}
	var rows []*Row
	for _, row := range all {
		if row.Response == nil || row.Response.Status == 0 || row.Response.Status >= 500 {
			continue
		}
		if body, ok := row.Response.Body.(map[string]any); ok && body["truncated"] != nil {
			continue
		}
		rows = append(rows, row)
	}
	return rows
}

func TestARecordingIsTheSameAsItself(t *testing.T) {
	for _, file := range []string{UpdateFile, OtherFile} {
		rows := comparable(t, file)
		n := staged(rows)
		for _, row := range rows {
			for _, d := range n.compare(row, recordedAnswer(t, n, row)) {
				t.Errorf("%s: %s", row.ID, d)
			}
		}
	}
}

func TestDifferencesAreFound(t *testing.T) {
	rows := comparable(t, UpdateFile)
	n := staged(rows)
	find := func(id string) *Row {
		for _, row := range rows {
			if row.ID == id {
				return row
			}
		}
		t.Fatalf("no row %s", id)
		return nil
	}
	replace := func(from, to string) func(*client.Answer) {
		return func(a *client.Answer) { a.Body = []byte(strings.Replace(string(a.Body), from, to, 1)) }
	}
	for _, tc := range []struct {
		name, row string
		change    func(*client.Answer)
		where, at string // empty: no difference
	}{
		{"another status", "body-both", func(a *client.Answer) { a.Status = 202 }, "status", ""},
		{"another name", "body-both", replace(`"n1"`, `"n2"`), "body", "snapshot.name"},
		{"a size in quotes", "body-both", replace(`"size":1`, `"size":"1"`), "body", "snapshot.size"},
		{"a key too many", "body-both", replace(`"size":1`, `"size":1,"x":1`), "body", "snapshot.x"},
		{"a key too few", "body-both", replace(`"size":1,`, ``), "body", "snapshot.size"},
		{"a zone letter", "body-both", replace(`.000000"`, `.000000Z"`), "body", "snapshot.created_at"},
		{"no fraction", "body-both", replace(`.000000"`, `"`), "body", "snapshot.created_at"},
		{"another time", "body-both", replace(`2026-`, `2027-`), "", ""},
		{"other words", "body-neither", replace(`not valid under`, `no good by`), "", ""},
		{"no words", "body-empty-object", replace(`'snapshot' is a required property`, ``), "body", "badRequest.message"},
		{"a code in quotes", "body-neither", replace(`:400`, `:"400"`), "body", "badRequest.code"},
		{"another kind of fault", "body-neither", replace(`badRequest`, `error`), "body", "badRequest"},
		{"no version header", "body-both", func(a *client.Answer) { a.Header.Del("OpenStack-API-Version") }, "headers", "openstack-api-version"},
		{"a header we do not compare", "body-both", func(a *client.Answer) { a.Header.Set("X-Request-Id", "1") }, "", ""},
		{"another identity service", "mv-garbage-and-no-token", func(a *client.Answer) { a.Header.Del("WWW-Authenticate") }, "headers", "www-authenticate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			row := find(tc.row)
			a := recordedAnswer(t, n, row)
			tc.change(a)
			found := n.compare(row, a)
			if tc.where == "" {
				if len(found) > 0 {
					t.Errorf("got %v, want none", found)
				}
				return
			}
			if len(found) == 0 || found[0].Where != tc.where || found[0].At != tc.at {
				t.Errorf("got %v, want %s %s", found, tc.where, tc.at)
			}
		})
	}
}

func TestARecordedFaultIsRightAsTheAnswerAPersonExpects(t *testing.T) {
	n := staged(nil)
	for _, tc := range []struct {
		row    string
		status int
		body   string
		right  bool
	}{
		{"body-empty", 400, `{"badRequest": {"code": 400, "message": "no body"}}`, true},
		{"body-empty", 404, `{"itemNotFound": {"code": 404, "message": "no body"}}`, false},
		{"body-empty", 500, `{"computeFault": {"code": 500, "message": "sorry"}}`, false},
		{"body-empty", 400, `{"badRequest": {"code": 500, "message": "no body"}}`, false},
		{"body-empty", 400, `no body`, false},
		{"body-cl-negative", 400, `400 Bad Request`, true},
		{"name-emoji", 200, `{"snapshot": {}}`, true},
		{"name-lone-surrogate", 200, `{"snapshot": {}}`, false},
	} {
		row := &Row{ID: tc.row, Response: &Response{Status: 500}}
		found := n.compare(row, &client.Answer{Status: tc.status, Header: http.Header{}, Body: []byte(tc.body)})
		if (len(found) == 0) != tc.right {
			t.Errorf("%s with %d %s: got %v", tc.row, tc.status, tc.body, found)
		}
	}
}

func TestStoredChangesLeaveUpdatedAtOut(t *testing.T) {
	n := staged(nil)
	before := map[string]any{"name": "a", "size": json.Number("1"), "updated_at": "x"}
	after := map[string]any{"name": "b", "size": json.Number("1"), "updated_at": "y"}
	if found := n.stored(map[string]any{"name": "b"}, before, after); len(found) > 0 {
		t.Errorf("got %v, want none", found)
	}
	if found := n.stored(map[string]any{}, before, after); len(found) != 1 || found[0].Where != "stored" || found[0].At != "name" {
		t.Errorf("got %v, want the name", found)
	}
}

func TestAnEntryExcusesOnlyItsRowsAndPlaces(t *testing.T) {
	entry := &Accepted{Row: "url-upper-* *-trailing-space", Where: "status|stored", At: ""}
	zone := &Accepted{Row: "*", Where: "body", At: "*.availability_zone"}
	entries := []*Accepted{entry, zone}
	for _, tc := range []struct {
		row  string
		d    Difference
		want *Accepted
	}{
		{"url-upper-uuid", Difference{Where: "status"}, entry},
		{"url-upper-uuid", Difference{Where: "body", At: "x"}, nil},
		{"list-filter-name-trailing-space", Difference{Where: "stored", At: "name"}, entry},
		{"volume-show", Difference{Where: "body", At: "volumes[3].availability_zone"}, zone},
		{"volume-show", Difference{Where: "body", At: "volume.status"}, nil},
	} {
		if got := excuse(entries, tc.row, tc.d); got != tc.want {
			t.Errorf("%s %v: got %v, want %v", tc.row, tc.d, got, tc.want)
		}
	}
	if idle := Idle(append(entries, &Accepted{Row: "nothing"})); len(idle) != 1 {
		t.Errorf("idle entries: got %v, want one", idle)
	}
}
