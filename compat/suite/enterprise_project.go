package suite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// enterpriseProject is a member of a body.
func enterpriseProject(value string) string { return `,"enterprise_project_id":` + value }

// badEnterpriseProjects tries what is neither 0 nor a UUID, whose 36 characters id has;
// nothing is made. Source: evs-errors 3, EVS.2059.
func (e *Env) badEnterpriseProjects(t T, id, plural string, create func(member string) *client.Answer) {
	t.Helper()
	e.nothingMade(t, plural, func() {
		for _, value := range []string{
			`""`, `0`, `true`, `[]`, `{}`, `["` + id + `"]`, `"1"`, `"00"`, `"-0"`, `" 0"`, `"default"`, `"all_granted_eps"`, `"` + id[:35] + `"`, `"` + id + `0"`,
			`"` + strings.ReplaceAll(id, "-", "") + `"`, `"` + id[:35] + `g"`, `"` + id[:35] + `ü"`, `" ` + id[1:] + `"`, `"` + strings.Repeat("0", 10000) + `"`,
		} {
			a := create(enterpriseProject(value))
			e.refusal(t, a, 400, "EVS.2059")
			if text, _ := a.Under("error")["message"].(string); !strings.Contains(text, "enterprise_project_id") || len(text) > 400 {
				t.Errorf("the message %q does not name the field in brief", text)
			}
		}
	})
}

// ofEnterprise checks the enterprise project of what one call shows.
func (e *Env) ofEnterprise(t T, path, key, want string) {
	t.Helper()
	a := e.do(t, "GET", path, nil)
	status(t, a, 200)
	if got := a.Under(key)["enterprise_project_id"]; got != want {
		t.Errorf("%s shows the enterprise project %v, want %s", path, got, want)
	}
}

// listsByEnterprise tries the filter of a list that, with other filters, has the rows
// of enterprise project id and those of the default one. Source: EVS 4.2, 5.3, 5.5, 7.3.
func (e *Env) listsByEnterprise(t T, list, plural, id string, of, others []string) {
	t.Helper()
	holds := func(query string, ids ...string) {
		t.Helper()
		a := e.do(t, "GET", list+query, nil)
		got := idsIn(a, plural)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(ids))
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(a.Object()["count"]) != fmt.Sprint(len(want)) {
			t.Errorf("%s%s: got %v of %v, want %v", list, query, got, a.Object()["count"], want)
		}
	}
	const filter = "&enterprise_project_id="
	holds(filter+id, of...)
	holds(filter+"0", others...)
	holds(filter+"all_granted_eps", slices.Concat(of, others)...)
	holds("", slices.Concat(of, others)...)
	for _, nobody := range []string{"", "1", "00", unknownID, id[:35], id + "&enterprise_project_id=0", "%27%20OR%201=1%20--", strings.Repeat("0", 1000)} {
		holds(filter + nobody)
	}
}

// enterpriseDisks makes disks of an enterprise project and of none, and has them shown
// and listed by every call that shows it. Source: EVS 6.1, 7.3.
func (e *Env) enterpriseDisks(t T, all string) {
	id, word := e.freshID(t), e.word(e.freshID(t))
	tagged := `"tags":{"suite":"` + word + `"}`
	e.badEnterpriseProjects(t, id, "volumes", func(member string) *client.Answer { return e.do(t, "POST", all, disk(tagged+member)) })
	two := madeIDs(e.finished(t, e.do(t, "POST", all, disk(tagged+`,"count":2`+enterpriseProject(`"`+id+`"`))), "/v2"))
	e.forget(t, two...)
	upper := e.disk(t, e.do(t, "POST", all, disk(enterpriseProject(`"` + strings.ToUpper(id) + `"`)[1:])))
	e.ofEnterprise(t, e.native("/v2", "/cloudvolumes/"+upper), "volume", strings.ToUpper(id))
	var none []string
	for _, member := range []string{"", enterpriseProject(`"0"`), enterpriseProject(`null`)} {
		none = append(none, e.disk(t, e.do(t, "POST", all, disk(tagged+member))))
	}
	member := ""
	if !e.evs() { // the OpenAPI file of dialect evs has no such field
		member = enterpriseProject(`"` + id + `"`)
	}
	cinder, _ := e.made(t, `{"volume":{"size":1`+member+`}}`)["id"].(string)
	none = append(none, cinder)
	for _, path := range []string{e.native("/v2", "/cloudvolumes/"), e.native("/v2", "/os-vendor-volumes/"), e.native("/v3", "/os-vendor-volumes/")} {
		e.ofEnterprise(t, path+two[0], "volume", id)
		e.ofEnterprise(t, path+two[1], "volume", id)
		e.ofEnterprise(t, path+none[0], "volume", "0")
	}
	changed := e.do(t, "PUT", e.native("/v2", "/cloudvolumes/"+two[0]), `{"volume":{"name":"n"}}`)
	if status(t, changed, 200); changed.Object()["enterprise_project_id"] != id {
		t.Errorf("an update answers %s, want the enterprise project %s as before", changed, id)
	}
	ids := "?ids=" + strings.Join(slices.Concat(two, none), ",")
	for _, list := range []string{e.native("/v2", "/cloudvolumes"), e.native("/v2", "/cloudvolumes/detail"), e.native("/v2", "/os-vendor-volumes/detail"), e.native("/v3", "/os-vendor-volumes/detail")} {
		e.listsByEnterprise(t, list+ids, "volumes", id, two, none)
	}
	found := e.do(t, "POST", e.native("/v2", "/cloudvolumes/resource_instances/action"), `{"action":"filter","tags":[{"key":"suite","values":["`+word+`"]}]}`)
	for _, row := range append(rowsOf(found, "resources"), rowsOf(e.do(t, "GET", e.native("/v2", "/os-vendor-tags/volumes/resource_instances"+tagFilter("tags", `{"suite":["`+word+`"]}`)), nil), "resources")...) {
		want := "0"
		if slices.Contains(two, fmt.Sprint(row["resource_id"])) {
			want = id
		}
		if detail, _ := row["resource_detail"].(map[string]any); detail["enterprise_project_id"] != want {
			t.Errorf("a query by tags shows %v, want %s", row, want)
		}
	}
	for _, shown := range []map[string]any{e.volumeOf(t, two[0]), e.volumeOf(t, cinder)} {
		if value, there := shown["enterprise_project_id"]; there {
			t.Errorf("the Cinder family shows the enterprise project %v", value)
		}
	}
}

// enterpriseSnapshots: a snapshot is of the enterprise project that v5 was told, or of
// its disk's. Source: EVS 5.1; Assumed: of its disk's.
func (e *Env) enterpriseSnapshots(t T) {
	id, other := e.freshID(t), e.freshID(t)
	volume := e.disk(t, e.do(t, "POST", e.native("/v2", "/cloudvolumes"), disk(enterpriseProject(`"` + id + `"`)[1:])))
	e.badEnterpriseProjects(t, id, "snapshots", func(member string) *client.Answer {
		return e.do(t, "POST", e.native("/v5", "/snapshots"), `{"snapshot":{"volume_id":"`+volume+`"`+member+`}}`)
	})
	told, zero := e.standard(t, volume, enterpriseProject(`"`+other+`"`)), e.standard(t, volume, enterpriseProject(`"0"`))
	of := []string{e.standard(t, volume, ""), e.standard(t, volume, enterpriseProject(`null`)), e.subjectOf(t, volume).id}
	for snapshot, want := range map[string]string{told: other, zero: "0", of[0]: id, of[1]: id, of[2]: id} {
		e.ofEnterprise(t, e.native("/v5", "/snapshots/"+snapshot), "snapshot", want)
		shown := e.do(t, "GET", e.path("/snapshots/"+snapshot), nil).Under("snapshot")
		if value, there := shown["enterprise_project_id"]; there || shown["id"] != snapshot {
			t.Errorf("the Cinder family shows %v of the enterprise project %v", shown, value)
		}
	}
	changed := e.do(t, "PUT", e.native("/v5", "/snapshots/"+told), `{"snapshot":{"name":"n"}}`)
	if status(t, changed, 200); changed.Under("snapshot")["enterprise_project_id"] != other {
		t.Errorf("an update answers %s, want the enterprise project %s", changed, other)
	}
	query := "?volume_id=" + volume
	for _, list := range []string{e.native("/v5", "/snapshots/detail"), e.native("/v2", "/cloudsnapshots/detail")} {
		var ids string
		for _, snapshot := range append(of, zero) {
			ids += "&id=" + snapshot
		}
		e.listsByEnterprise(t, list+query+ids, "snapshots", id, of, []string{zero})
		e.holdsRows(t, e.do(t, "GET", list+query+"&enterprise_project_id="+other, nil), "snapshots", 1, told)
	}
}

// enterpriseGroups: a snapshot group is of the enterprise project that it was told, or
// of the default one, and its snapshots are of their disks'. Source: EVS 5.5.
func (e *Env) enterpriseGroups(t T) {
	id, other := e.freshID(t), e.freshID(t)
	volume := e.disk(t, e.do(t, "POST", e.native("/v2", "/cloudvolumes"), disk(enterpriseProject(`"` + other + `"`)[1:])))
	of, named := ofVolumes(volume), `,"name":"`+volume+`"`
	e.badEnterpriseProjects(t, id, "snapshots", func(member string) *client.Answer {
		return e.do(t, "POST", e.groupPath(""), groupBody(of+named+member))
	})
	told := e.snapshotGroup5(t, of+named+enterpriseProject(`"`+id+`"`))
	none := []string{e.snapshotGroup5(t, of+named), e.snapshotGroup5(t, of+named+enterpriseProject(`"0"`))}
	e.listsByEnterprise(t, e.groupPath("/detail?name="+volume), "snapshot_groups", id, []string{told}, none)
	for group, want := range map[string]string{told: id, none[0]: "0", none[1]: "0"} {
		e.ofEnterprise(t, e.groupPath("/"+group), "snapshot_group", want)
		for _, member := range e.groupMembers(t, group) {
			if member["enterprise_project_id"] != other {
				t.Errorf("a snapshot of the group is %v, want the enterprise project of its disk, %s", member, other)
			}
		}
	}
	changed := e.do(t, "PUT", e.groupPath("/"+told), groupBody(`"name":"n"`))
	if status(t, changed, 200); changed.Under("snapshot_group")["enterprise_project_id"] != id {
		t.Errorf("an update answers %s, want the enterprise project %s", changed, id)
	}
}
