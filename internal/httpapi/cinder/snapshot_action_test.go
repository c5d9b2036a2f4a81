package cinder_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

func TestSnapshotActions(t *testing.T) {
	s := newSite(t, "cinder")
	id := s.snapshot(s.volume(`{"size":1}`), "")
	const unknown = "00000000-0000-0000-0000-000000000001"
	for _, tc := range []struct {
		name, who, body string
		status          int
		has             string
	}{
		{"reset by a member", "demo", `{"os-reset_status":{"status":"error"}}`, 403, "forbidden"},
		{"reset", "admin", `{"os-reset_status":{"status":"error"}}`, 202, ""},
		{"reset in capitals", "admin", `{"os-reset_status":{"status":"AVAILABLE"}}`, 202, ""},
		{"reset to bogus", "admin", `{"os-reset_status":{"status":"bogus"}}`, 400, "backing-up"},
		{"reset to null", "admin", `{"os-reset_status":{"status":null}}`, 400, "status"},
		{"reset to nothing", "admin", `{"os-reset_status":{"status":""}}`, 400, "status"},
		{"reset to a number", "admin", `{"os-reset_status":{"status":1}}`, 400, "status"},
		{"reset without status", "admin", `{"os-reset_status":{}}`, 400, "status"},
		{"reset with more", "admin", `{"os-reset_status":{"status":"error","x":1}}`, 400, "x"},
		{"reset to a volume's status", "admin", `{"os-reset_status":{"status":"in-use"}}`, 400, "in-use"},
		{"unknown action", "demo", `{"os-bogus":{}}`, 400, "os-bogus"},
		{"no action", "demo", `{}`, 400, "Malformed"},
		{"two actions", "admin", `{"os-reset_status":{"status":"error"},"os-force_delete":{}}`, 400, "Malformed"},
		{"no body", "demo", ``, 400, "action"},
		{"progress of what is not being made", "demo", `{"os-update_snapshot_status":{"status":"available","progress":"50%"}}`, 400, "not allowed"},
		{"reset to creating", "admin", `{"os-reset_status":{"status":"creating"}}`, 202, ""},
		{"progress over 100", "demo", `{"os-update_snapshot_status":{"status":"available","progress":"101%"}}`, 400, "progress"},
		{"progress", "demo", `{"os-update_snapshot_status":{"status":"available","progress":"80%"}}`, 202, ""},
		{"unmanage by a member", "demo", `{"os-unmanage":{}}`, 403, "forbidden"},
		{"force delete by a member", "demo", `{"os-force_delete":{}}`, 403, "forbidden"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u := s.demo
			if tc.who == "admin" {
				u = s.admin
			}
			a := s.do(u, "POST", "/snapshots/"+id+"/action", tc.body)
			if a.status != tc.status || !strings.Contains(a.body, tc.has) || (tc.status == 202 && a.body != "") {
				t.Errorf("got %d %s, want %d with %s", a.status, a.body, tc.status, tc.has)
			}
		})
	}
	s.want(s.do(s.admin, "POST", "/snapshots/"+unknown+"/action", `{"os-reset_status":{"status":"error"}}`), 404, "itemNotFound")
	s.want(s.do(s.demo, "GET", "/snapshots/"+id, ""), 200, `"os-extended-snapshot-attributes:progress":"80%"`)
	s.want(s.do(s.demo, "GET", "/snapshots/"+id+"/action", ""), 404, "")

	s.want(s.do(s.admin, "POST", "/snapshots/"+id+"/action", `{"os-reset_status":{"status":"error_deleting"}}`), 202, "")
	s.want(s.do(s.demo, "DELETE", "/snapshots/"+id, ""), 400, "available or error")
	s.want(s.do(s.admin, "POST", "/snapshots/"+id+"/action", `{"os-force_delete":null}`), 202, "")
	s.until(s.demo, "/snapshots/"+id, "gone")
}

func TestSnapshotIsNotAvailableBeforeItHoldsItsBytes(t *testing.T) {
	bytes := fake.New(fake.Fault{Call: fake.Snapshot, Nth: 1, Err: errors.New("busy")})
	s := newSiteOn(t, "cinder", bytes)
	made := s.do(s.demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+s.volume(`{"size":1}`)+`"}}`)
	path := "/snapshots/" + made.text("snapshot", "id")
	s.want(s.do(s.demo, "POST", path+"/action", `{"os-update_snapshot_status":{"status":"available","progress":"100%"}}`), 400, "still being made")
	s.until(s.demo, path, "available", "snapshot", "status")
	if n := bytes.Count(fake.Snapshot); n != 2 {
		t.Errorf("the driver was asked %d times, want 2: the failure and the second try", n)
	}
}
