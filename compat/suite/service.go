package suite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// serviceOperations are calls about the service and the project as a whole.
func serviceOperations() []Operation {
	v3 := []string{"v3"}
	return []Operation{
		{"version.list", v3, versionList},
		{"version.v1", v3, versionOne},
		{"version.v1_slash", v3, versionOne},
		{"version.v2", v3, versionTwo},
		{"version.v2_slash", v3, versionTwo},
		{"version.v3", v3, versionRedirect},
		{"version.v3_slash", v3, versionShow},
		{"health", v3, health},
		{"zone.list", nil, zoneList},
		{"quota.show", nil, quotaShow},
		{"quota.defaults", nil, quotaDefaults},
		{"quota.update", nil, quotaUpdate},
		{"limits.show", nil, limitsShow},
		{"extension.list", nil, extensionList},
	}
}

func versionList(t T, e *Env) {
	a := e.as(t, e.nobody(), "GET", "/", nil)
	status(t, a, 300)
	e.versions(t, a)
	want := "v3.0"
	if e.evs() {
		want = "v1.0 v2.0 v3.0" // Source: EVS 9
	}
	var ids []string
	for _, version := range rowsOf(a, "versions") {
		ids = append(ids, fmt.Sprint(version["id"]))
	}
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("the versions are %s, want %s", got, want)
	}
}

// versions checks a version document as cinderclient and keystoneauth read it.
// Source: client-wire.md section 3.
func (e *Env) versions(t T, a *client.Answer) {
	t.Helper()
	highest, _ := e.highest()
	list, _ := a.Object()["versions"].([]any)
	found := false
	for _, v := range list {
		version, _ := v.(map[string]any)
		for _, key := range []string{"id", "status", "version", "min_version", "updated", "links", "media-types"} {
			if _, there := version[key]; !there {
				t.Errorf("an entry lacks %s: %v", key, version)
			}
		}
		if version["id"] == "v3.0" {
			found = version["version"] == highest && version["min_version"] == "3.0" && version["status"] == "CURRENT"
			if href := selfLink(version); href != e.Target.VolumeURL+"/v3/" {
				t.Errorf("the self link is %q, want the address that was called", href)
			}
		}
	}
	if !found {
		t.Errorf("got %s, want v3.0, CURRENT, 3.0 to %s", a, highest)
	}
}

func selfLink(o map[string]any) string {
	links, _ := o["links"].([]any)
	for _, l := range links {
		if link, _ := l.(map[string]any); link["rel"] == "self" {
			href, _ := link["href"].(string)
			return href
		}
	}
	return ""
}

func versionShow(t T, e *Env) {
	a := e.as(t, e.nobody(), "GET", "/v3/", nil)
	if e.evs() {
		status(t, a, 200)
	} else {
		status(t, a, 401) // Source: recordings service-v3-slash-no-token
	}
	a = e.do(t, "GET", "/v3/", nil)
	status(t, a, 200)
	e.versions(t, a)
}

// versionRedirect is GET /v3: the document, or the way to it. Source: recordings service-v3.
func versionRedirect(t T, e *Env) {
	a := e.do(t, "GET", "/v3", nil)
	if e.evs() {
		status(t, a, 200)
		e.versions(t, a)
		return
	}
	status(t, a, 302)
	if to := a.Header.Get("Location"); to != e.Target.VolumeURL+"/v3/" {
		t.Errorf("Location: got %q, want %q", to, e.Target.VolumeURL+"/v3/")
	}
}

// versionOne is the document of v1, of which recorded Cinder has none. Source: EVS 1.1.
func versionOne(t T, e *Env) {
	if e.evs() {
		e.olderVersion(t, "v1")
		return
	}
	for _, path := range []string{"/v1", "/v1/"} {
		status(t, e.as(t, e.nobody(), "GET", path, nil), 404) // Source: recordings service-v1-no-token
	}
}

func versionTwo(t T, e *Env) { e.olderVersion(t, "v2") }

// olderVersion checks the document of a version without microversions.
func (e *Env) olderVersion(t T, which string) {
	t.Helper()
	for _, path := range []string{"/" + which, "/" + which + "/"} {
		a := e.as(t, e.nobody(), "GET", path, nil)
		status(t, a, 200)
		list := rowsOf(a, "versions")
		if len(list) != 1 {
			t.Fatalf("GET %s: got %s, want one version", path, a)
		}
		version := list[0]
		if version["id"] != which+".0" || version["version"] != "" || version["min_version"] != "" || selfLink(version) != e.Target.VolumeURL+"/"+which+"/" {
			t.Errorf("GET %s: got %v", path, version)
		}
	}
}

func health(t T, e *Env) {
	status(t, e.as(t, e.nobody(), "GET", "/healthcheck", nil), 200)
}

func zoneList(t T, e *Env) {
	a := e.do(t, "GET", e.path("/os-availability-zone"), nil)
	status(t, a, 200)
	zones, _ := a.Object()["availabilityZoneInfo"].([]any)
	if len(zones) == 0 {
		t.Fatalf("got %s, want a zone", a)
	}
	for _, z := range zones {
		zone, _ := z.(map[string]any)
		state, _ := zone["zoneState"].(map[string]any)
		if name, _ := zone["zoneName"].(string); name == "" || state["available"] != true {
			t.Errorf("zone: got %v, want a name and available", zone)
		}
	}
}

// quotas are the limits that every project has. Source: recordings service-member-os-quota-sets.
var quotas = []string{"volumes", "snapshots", "gigabytes", "backups", "backup_gigabytes", "per_volume_gigabytes", "groups"}

func quotaShow(t T, e *Env) {
	path := e.path("/os-quota-sets/" + e.Demo.ProjectID)
	a := e.do(t, "GET", path, nil)
	status(t, a, 200)
	set := a.Under("quota_set")
	if set["id"] != e.Demo.ProjectID {
		t.Errorf("id: got %v, want the project", set["id"])
	}
	for _, name := range quotas {
		if _, ok := set[name].(json.Number); !ok {
			t.Errorf("%s: got %#v, want a number", name, set[name])
		}
	}
	perType := slices.ContainsFunc(e.types(t), func(o map[string]any) bool {
		_, there := set["volumes_"+fmt.Sprint(o["name"])]
		return there
	})
	if !perType {
		t.Errorf("got %v, want limits per type", set)
	}
	for _, usage := range []string{"True", "true", "1"} {
		e.usage(t, path+"?usage="+usage)
	}
}

// usage reads in_use of each resource of a project.
func (e *Env) usage(t T, path string) map[string]int64 {
	t.Helper()
	a := e.do(t, "GET", path, nil)
	status(t, a, 200)
	figures := map[string]int64{}
	for _, name := range quotas {
		row, _ := a.Under("quota_set")[name].(map[string]any)
		for _, key := range []string{"in_use", "limit", "reserved"} {
			if _, ok := row[key].(json.Number); !ok {
				t.Errorf("%s: %s is %#v, want a number", name, key, row[key])
				return figures
			}
		}
		figures[name], _ = row["in_use"].(json.Number).Int64()
	}
	return figures
}

func quotaDefaults(t T, e *Env) {
	a := e.do(t, "GET", e.path("/os-quota-sets/"+e.Demo.ProjectID+"/defaults"), nil)
	status(t, a, 200)
	for _, name := range quotas {
		if _, ok := a.Under("quota_set")[name].(json.Number); !ok {
			t.Errorf("%s: got %#v, want a number", name, a.Under("quota_set")[name])
		}
	}
}

func quotaUpdate(t T, e *Env) {
	e.needAdmin(t)
	path := "/" + e.Version + "/" + e.Admin.ProjectID + "/os-quota-sets/" + e.Other.ProjectID
	a := e.as(t, e.Admin, "PUT", path, `{"quota_set":{"volumes":1}}`)
	status(t, a, 200)
	if got := fmt.Sprint(a.Under("quota_set")["volumes"]); got != "1" {
		t.Errorf("volumes: got %s, want 1", got)
	}
	mine := "/" + e.Version + "/" + e.Other.ProjectID + "/volumes"
	a = e.as(t, e.Other, "POST", mine, volumeBody(`"name":"first"`))
	status(t, a, 202)
	id, _ := a.Under("volume")["id"].(string)
	a = e.as(t, e.Other, "POST", mine, volumeBody(`"name":"second"`))
	e.fault(t, a, 413, "overLimit")
	if a.Header.Get("Retry-After") != "0" {
		t.Errorf("Retry-After: got %q, want 0", a.Header.Get("Retry-After"))
	}
	if _, err := e.Other.Settle(t.Context(), "volumes", id); err != nil {
		t.Errorf("%v", err)
	}
	if err := e.Other.Delete(t.Context(), "volumes", id); err != nil {
		t.Errorf("%v", err)
	}
	status(t, e.as(t, e.Admin, "PUT", path, `{"quota_set":{"volumes":2000}}`), 200)
	a = e.do(t, "PUT", e.path("/os-quota-sets/"+e.Demo.ProjectID), `{"quota_set":{"volumes":1}}`)
	e.fault(t, a, 403, "forbidden")
	for _, bad := range []string{`{"quota_set":{"bogus":1}}`, `{"quota_set":{"volumes":-2}}`, `{"quota_set":{"volumes":"x"}}`, `{}`} {
		if a := e.as(t, e.Admin, "PUT", path, bad); a.Status != 400 {
			t.Errorf("%s: got %s, want 400", bad, a)
		}
	}
}

func limitsShow(t T, e *Env) {
	before := e.usage(t, e.path("/os-quota-sets/"+e.Demo.ProjectID+"?usage=True"))
	a := e.do(t, "GET", e.path("/limits"), nil)
	status(t, a, 200)
	limits := a.Under("limits")
	if _, ok := limits["rate"].([]any); !ok {
		t.Errorf("rate: got %#v, want a list", limits["rate"])
	}
	absolute, _ := limits["absolute"].(map[string]any)
	for _, name := range []string{"maxTotalVolumes", "maxTotalSnapshots", "maxTotalVolumeGigabytes", "maxTotalBackups", "maxTotalBackupGigabytes",
		"totalVolumesUsed", "totalSnapshotsUsed", "totalGigabytesUsed", "totalBackupsUsed", "totalBackupGigabytesUsed"} {
		if _, ok := absolute[name].(json.Number); !ok {
			t.Errorf("%s: got %#v, want a number", name, absolute[name])
		}
	}
	for name, used := range map[string]int64{"totalVolumesUsed": before["volumes"], "totalSnapshotsUsed": before["snapshots"], "totalGigabytesUsed": before["gigabytes"]} {
		if fmt.Sprint(absolute[name]) != fmt.Sprint(used) {
			t.Errorf("%s: got %v, want %d as the quotas say", name, absolute[name], used)
		}
	}
}

func extensionList(t T, e *Env) {
	a := e.do(t, "GET", e.path("/extensions"), nil)
	status(t, a, 200)
	list, ok := a.Object()["extensions"].([]any)
	if !ok {
		t.Fatalf("got %s, want a list", a)
	}
	aliases := map[string]bool{}
	for _, v := range list {
		o, _ := v.(map[string]any)
		alias, _ := o["alias"].(string)
		if alias == "" || strings.Contains(alias, " ") {
			t.Errorf("an extension lacks its alias: %v", o)
		}
		aliases[alias] = true
	}
	for alias := range strings.FieldsSeq(evsExtensions) {
		if e.evs() && !aliases[alias] {
			t.Errorf("there is no extension %s", alias)
		}
	}
}

// evsExtensions are the aliases that EVS tells of. Source: EVS 9.
const evsExtensions = `OS-SCH-HNT os-hosts os-vol-tenant-attr os-quota-sets os-types-manage os-volume-encryption-metadata
	backups os-snapshot-actions os-volume-actions os-used-limits os-volume-unmanage os-vol-host-attr encryption
	os-availability-zone qos-specs os-types-extra-specs os-vol-mig-status-attr os-image-create os-extended-services
	os-extended-snapshot-attributes os-vol-image-meta os-quota-class-sets os-volume-transfer os-volume-manage
	os-admin-actions os-services`
