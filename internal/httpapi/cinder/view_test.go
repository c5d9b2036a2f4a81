package cinder

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

const volumeID = "8dd7c486-8e9f-49fe-bceb-26aa7e312b66"

func aVolume() *block.Volume {
	return &block.Volume{
		ID: volumeID, ProjectID: testProject, UserID: "39f6696ae23740708d0f358a253c2637", Status: block.VolumeAvailable,
		Size: 1, TypeID: "t1", AvailabilityZone: "az1", CreatedAt: time.Date(2026, 11, 21, 20, 47, 34, 5000, time.UTC),
	}
}

func aView(mv wire.Microversion, admin bool) *volumeView {
	x, _ := exchange(wire.Cinder(), wire.V3, mv, "/v3/volumes")
	return &volumeView{x: x, types: []*block.VolumeType{{ID: "t1", Name: "__DEFAULT__"}}, admin: admin, host: "h@layers#layers", service: "svc"}
}

func parsed(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(b, &object); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return object
}

func TestVolumeIsShownFieldByFieldAsRecorded(t *testing.T) {
	const want = `{"id":"` + volumeID + `","status":"available","size":1,"availability_zone":"az1","created_at":"2026-11-21T20:47:34.000005","updated_at":null,` +
		`"name":null,"description":null,"volume_type":"__DEFAULT__","snapshot_id":null,"source_volid":null,"metadata":{},` +
		`"links":[{"rel":"self","href":"http://host/v3/` + testProject + `/volumes/` + volumeID + `"},{"rel":"bookmark","href":"http://host/` + testProject + `/volumes/` + volumeID + `"}],` +
		`"user_id":"39f6696ae23740708d0f358a253c2637","bootable":"false","encrypted":false,"replication_status":null,"consistencygroup_id":null,"multiattach":false,"attachments":[],` +
		`"group_id":null,"shared_targets":false,"service_uuid":"svc","volume_type_id":"t1","consumes_quota":true,"os-vol-tenant-attr:tenant_id":"` + testProject + `"}`
	const whole = true
	if got := string(aView(70, false).appendItem(nil, aVolume(), whole)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestVolumeFieldsByMicroversionAndRole(t *testing.T) {
	for _, tc := range []struct {
		key   string
		since wire.Microversion
		admin bool // only administrators see it
		whole bool // only show and detail have it
	}{
		{"group_id", 13, false, false}, {"provider_id", 21, true, false}, {"shared_targets", 48, false, false},
		{"service_uuid", 48, false, false}, {"cluster_name", 61, true, false}, {"volume_type_id", 63, false, false},
		{"consumes_quota", 65, false, false}, {"migration_status", 0, true, false}, {"os-vol-tenant-attr:tenant_id", 0, false, true},
		{"os-vol-mig-status-attr:migstat", 0, true, true}, {"os-vol-mig-status-attr:name_id", 0, true, true}, {"os-vol-host-attr:host", 0, true, true},
	} {
		for _, admin := range []bool{false, true} {
			for _, whole := range []bool{false, true} {
				for _, mv := range []wire.Microversion{0, tc.since - 1, tc.since, 70} {
					want := mv >= tc.since && (admin || !tc.admin) && (whole || !tc.whole)
					_, got := parsed(t, aView(max(mv, 0), admin).appendItem(nil, aVolume(), whole))[tc.key]
					if mv >= 0 && got != want {
						t.Errorf("%s at 3.%d, admin %v, whole %v: got %v, want %v", tc.key, mv, admin, whole, got, want)
					}
				}
			}
		}
	}
}

func TestVolumeThatIsBeingMadeHasNoBackendYet(t *testing.T) {
	v := aVolume()
	v.Status = block.VolumeCreating
	got := parsed(t, aView(48, false).appendItem(nil, v, false))
	if got["shared_targets"] != true || got["service_uuid"] != nil {
		t.Errorf("got shared_targets %v, service_uuid %v", got["shared_targets"], got["service_uuid"])
	}
}

func TestAttachedVolumeShowsItsAttachments(t *testing.T) {
	v := aVolume()
	v.Metadata = map[string]string{"a": "b"}
	v.Attachments = []block.Attached{{ID: "at", ServerID: "srv", Device: "/dev/vdz", Mode: "rw", AttachedAt: v.CreatedAt}}
	got := parsed(t, aView(0, false).appendItem(nil, v, true))
	want := parsed(t, []byte(`{"attachments":[{"id":"`+volumeID+`","attachment_id":"at","volume_id":"`+volumeID+`","server_id":"srv","host_name":null,
		"device":"/dev/vdz","attached_at":"2026-11-21T20:47:34.000005"}],"metadata":{"a":"b","readonly":"False","attached_mode":"rw"}}`))
	for key := range want {
		if a, b := asJSON(t, got[key]), asJSON(t, want[key]); a != b {
			t.Errorf("%s: got %s, want %s", key, a, b)
		}
	}
	if len(v.Metadata) != 1 {
		t.Errorf("the stored metadata was changed: %v", v.Metadata)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestViewsOfAPageDoNotAllocatePerRow(t *testing.T) {
	x, _ := exchange(wire.EVS(), wire.V3, 50, "/v3/snapshots")
	snap := &block.Snapshot{
		ID: volumeID, ProjectID: testProject, UserID: "u", VolumeID: volumeID, Name: block.SetText("snap-001"),
		Description: block.SetText("Daily backup"), Status: block.SnapshotAvailable, Progress: 100, Size: 1,
		CreatedAt: time.Unix(1, 0), UpdatedAt: time.Unix(2, 0),
	}
	view, vol := aView(70, true), aVolume()
	buffer := make([]byte, 0, 4096)
	for name, fill := range map[string]func(){
		"snapshot":         func() { wire.AppendSnapshot(buffer, x, snap, true) },
		"item of a list":   func() { wire.AppendSnapshotCore(buffer, snap) },
		"volume":           func() { view.appendItem(buffer, vol, true) },
		"volume's summary": func() { view.appendSummary(buffer, vol) },
	} {
		if n := testing.AllocsPerRun(100, fill); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func TestVersionDocumentNamesWhatIsServed(t *testing.T) {
	a := door()
	for dialect, want := range map[string]string{"evs": "3.50", "cinder": "3.70"} {
		d, _ := wire.DialectNamed(dialect)
		x, w := exchange(d, wire.NoVersion, 0, "/")
		if err := a.showVersions(x); err != nil {
			t.Fatal(err)
		}
		var body struct {
			Versions []struct {
				ID, Status, Updated string
				Version             *string
				MinVersion          *string `json:"min_version"`
				Links               []struct{ Rel, Href string }
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 300 {
			t.Fatalf("%s: %d %s: %v", dialect, w.Code, w.Body, err)
		}
		last := body.Versions[len(body.Versions)-1]
		if last.ID != "v3.0" || last.Status != "CURRENT" || *last.Version != want || *last.MinVersion != "3.0" {
			t.Errorf("%s: got %s", dialect, w.Body)
		}
		for _, v := range body.Versions { // clients look for both keys in each: client-wire section 3
			if v.Version == nil || v.MinVersion == nil || v.Links[1].Rel != "self" {
				t.Errorf("%s: %s lacks a key: %s", dialect, v.ID, w.Body)
			}
		}
		if listed := len(body.Versions) == 3; listed != d.OlderListed {
			t.Errorf("%s: %d versions", dialect, len(body.Versions))
		}
	}
}

func TestQuotaLinesFollowTheTypes(t *testing.T) {
	types := []*block.VolumeType{{ID: "1", Name: "__DEFAULT__"}, {ID: "2", Name: "SSD"}}
	q := &block.Quota{
		Limits: block.Limits{"volumes": 7, "volumes_SSD": 2},
		Used:   map[string]block.Usage{"": {Volumes: 3, Gigabytes: 9, Snapshots: 1}, "2": {Volumes: 1, Gigabytes: 4}},
	}
	got := parsed(t, appendQuotaSet(nil, quotaSet, quotaLines(q, types), true, "p"))["quota_set"].(map[string]any)
	for key, want := range map[string]string{
		"volumes": `{"in_use":3,"limit":7,"reserved":0}`, "gigabytes": `{"in_use":9,"limit":-1,"reserved":0}`,
		"volumes_SSD": `{"in_use":1,"limit":2,"reserved":0}`, "gigabytes_SSD": `{"in_use":4,"limit":-1,"reserved":0}`,
		"snapshots___DEFAULT__": `{"in_use":0,"limit":-1,"reserved":0}`, "id": `"p"`,
	} {
		if asJSON(t, got[key]) != want {
			t.Errorf("%s: got %s, want %s", key, asJSON(t, got[key]), want)
		}
	}
}

func TestExtensionsAreJSON(t *testing.T) {
	if list := parsed(t, appendExtensions(nil))["extensions"].([]any); len(list) != len(extensions) {
		t.Errorf("got %d, want %d", len(list), len(extensions))
	}
}
