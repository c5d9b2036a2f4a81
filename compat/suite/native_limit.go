package suite

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// NativeLimits try each limit of the native families at its value, one past it and far
// past it. Sizes, performance and the number of snapshots have functions of their own.
// Source: EVS 2.3, 4, 5, 6, 7, 11; evs-errors 3.
func NativeLimits() []Case {
	return []Case{
		{"native: lengths of names and descriptions", nativeTexts},
		{"native: length of a rollback's name", nativeRollbackName},
		{"native: lengths of metadata", nativeMetadata},
		{"native: pages and filters of lists", nativeLists},
		{"native: tags of every kind of object", nativeTagLimits},
		{"native: a hundred disks in one call", nativeHundred},
		{"native: forms of X-Client-Token and of a job's id", nativeForms},
	}
}

// far is far past any length, and within that of a body.
const far = 70000

// A native text is a field of a call that takes one.
type nativeText struct {
	method, path, field, code string
	body                      func(member string) string
	most                      int
	characters                bool   // in which it is measured; otherwise bytes, in dialect cinder characters
	made                      string // the plural of what a success makes; empty: nothing
}

// nativeTextFields are all of them, on a disk and a snapshot of it.
func (e *Env) nativeTextFields(t T, volume string) []nativeText {
	snapshot, group := e.subjectOf(t, volume).id, e.snapshotGroup5(t, ofVolumes(volume))
	within := func(key, more string) func(string) string {
		if more != "" {
			more += ","
		}
		return func(member string) string { return `{"` + key + `":{` + more + member + `}}` }
	}
	of := `"volume_id":"` + volume + `"`
	var all []nativeText
	add := func(version, path, method string, body func(string) string, most int, characters bool, made string, codes ...string) {
		all = append(all, nativeText{method, e.native(version, path), "name", codes[0], body, most, characters, made})
		if characters {
			most = 85
		}
		all = append(all, nativeText{method, e.native(version, path), "description", codes[len(codes)-1], body, most, characters, made})
	}
	add("/v2", "/cloudsnapshots", "POST", within("snapshot", of), 255, false, "snapshots", "EVS.5400")
	add("/v2", "/cloudsnapshots/"+snapshot, "PUT", within("snapshot", ""), 255, false, "", "EVS.5400")
	for _, version := range []string{"/v2", "/v2.1", "/v3"} {
		add(version, "/cloudvolumes", "POST", disk, 255, false, "volumes", "EVS.1003", "EVS.1004")
	}
	add("/v2", "/cloudvolumes/"+volume, "PUT", within("volume", ""), 255, false, "", "EVS.1003", "EVS.1004")
	add("/v5", "/snapshots", "POST", within("snapshot", of), 64, true, "snapshots", "EVS.5400")
	add("/v5", "/snapshots/"+snapshot, "PUT", within("snapshot", ""), 64, true, "", "EVS.5400")
	add("/v5", "/snapshot-groups", "POST", within("snapshot_group", ofVolumes(volume)), 255, false, "groups", "EVS.5400")
	add("/v5", "/snapshot-groups/"+group, "PUT", within("snapshot_group", ""), 255, false, "", "EVS.5400")
	for _, version := range []string{"/v2", "/v3"} { // the Cinder families
		add(version, "/snapshots", "POST", within("snapshot", of), 255, false, "snapshots", "badRequest")
		add(version, "/snapshots/"+snapshot, "PUT", within("snapshot", ""), 255, false, "", "badRequest")
		add(version, "/volumes", "POST", within("volume", `"size":1`), 255, false, "cinder volumes", "badRequest")
		add(version, "/volumes/"+volume, "PUT", within("volume", ""), 255, false, "", "badRequest")
	}
	return all
}

// refuses checks a refusal by a code of EVS, or by a fault's name.
func (e *Env) refuses(t T, a *client.Answer, code string) {
	t.Helper()
	if code == "badRequest" {
		e.fault(t, a, 400, code)
	} else {
		e.refusal(t, a, 400, code)
	}
}

// nativeTexts tries texts of one byte and of three for each character.
func nativeTexts(t T, e *Env) {
	volume := e.ownVolume(t)
	for _, f := range e.nativeTextFields(t, volume) {
		send := func(text string) *client.Answer {
			return e.do(t, f.method, f.path, f.body(`"`+f.field+`":`+jsonText(text)))
		}
		wide := f.most
		if !f.characters && e.evs() {
			wide /= len(threeBytes)
		}
		before := e.nativeObjects(t)
		for _, text := range []string{strings.Repeat("n", f.most+1), strings.Repeat("n", far), strings.Repeat(threeBytes, wide+1), "a\u0000b"} {
			e.refuses(t, send(text), f.code)
		}
		if after := e.nativeObjects(t); after != before {
			t.Errorf("%s %s, %s: there is %s after refusals, %s before", f.method, f.path, f.field, after, before)
		}
		for _, text := range []string{strings.Repeat("n", f.most), strings.Repeat(threeBytes, wide)} {
			a := send(text)
			if a.Status >= 300 {
				t.Errorf("%s %s, %s of %d bytes: got %s", f.method, f.path, f.field, len(text), a)
				continue
			}
			e.dropMade(t, f.made, a)
		}
	}
}

// jsonText is a text as JSON.
func jsonText(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}

// nativeRollbackName tries the one text of a rollback, by both calls.
func nativeRollbackName(t T, e *Env) {
	volume := e.ownVolume(t)
	snapshot := e.subjectOf(t, volume)
	for _, path := range []string{"/v2/cloudsnapshots/", "/v5/snapshots/"} {
		url := e.native(path[:3], path[3:]+snapshot.id+"/rollback")
		send := func(name string) *client.Answer {
			return e.do(t, "POST", url, `{"rollback":{"volume_id":"`+volume+`","name":`+jsonText(name)+`}}`)
		}
		for _, n := range []int{256, far} {
			e.refusal(t, send(strings.Repeat("n", n)), 400, "EVS.5400")
		}
		status(t, send(strings.Repeat("n", 255)), 202)
		e.comesTo(t, "volumes", volume, "available")
		e.comesTo(t, "snapshots", snapshot.id, "available")
	}
}

// nativeObjects are the ids of all that the native families make, as one text.
func (e *Env) nativeObjects(t T) string {
	t.Helper()
	groups := rowsOf(e.do(t, "GET", e.groupPath("/detail"), nil), "snapshot_groups")
	return fmt.Sprint(e.ids(t, "volumes"), e.ids(t, "snapshots"), len(groups))
}

// dropMade waits for what a creation made, and deletes it.
func (e *Env) dropMade(t T, plural string, a *client.Answer) {
	t.Helper()
	switch plural {
	case "":
	case "volumes":
		for _, id := range madeIDs(e.finished(t, a, "/v2")) {
			if err := e.Demo.Delete(t.Context(), plural, id); err != nil {
				t.Errorf("%v", err)
			}
		}
	case "cinder volumes":
		id := fmt.Sprint(a.Under("volume")["id"])
		e.comesTo(t, "volumes", id, "available")
		if err := e.Demo.Delete(t.Context(), "volumes", id); err != nil {
			t.Errorf("%v", err)
		}
	case "groups":
		e.finished(t, a, "/v2")
		gone := e.do(t, "DELETE", e.groupPath("/"+fmt.Sprint(a.Object()["snapshot_group_id"])), nil)
		status(t, gone, 202)
		e.finished(t, gone, "/v2")
	case "snapshots":
		id, cinder := a.Under("snapshot")["id"].(string)
		if !cinder {
			id = fmt.Sprint(a.Object()["snapshot_id"])
		}
		if _, err := e.Demo.Settle(t.Context(), plural, id); err != nil {
			t.Errorf("%v", err)
		}
		if err := e.Demo.Delete(t.Context(), plural, id); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// nativeMetadata tries keys and values of disks, which EVS measures in bytes.
func nativeMetadata(t T, e *Env) {
	item := func(key, value string) string { return fmt.Sprintf(`"metadata":{%q:%q}`, key, value) }
	wide := 255 / len(threeBytes)
	good := []string{
		item(strings.Repeat("k", 255), strings.Repeat("v", 255)), item(strings.Repeat(threeBytes, wide), strings.Repeat(threeBytes, wide)), item("k", ""),
	}
	bad := []string{
		item(strings.Repeat("k", 256), "v"), item("k", strings.Repeat("v", 256)), item(strings.Repeat("k", far), "v"), item("k", strings.Repeat("v", far)),
		item(strings.Repeat(threeBytes, wide+1), "v"), item("k", strings.Repeat(threeBytes, wide+1)), item("", "v"),
	}
	for _, version := range []string{"/v2", "/v2.1", "/v3"} {
		path := e.native(version, "/cloudvolumes")
		e.nothingMade(t, "volumes", func() {
			for _, members := range bad {
				e.refusal(t, e.do(t, "POST", path, disk(members)), 400, "EVS.5400")
			}
		})
		for _, members := range good {
			e.dropMade(t, "volumes", e.do(t, "POST", path, disk(members)))
		}
	}
	e.snapshotMetadata(t)
	if !e.evs() {
		return // recorded Cinder measures characters
	}
	one := e.path("/volumes/" + e.ownVolume(t) + "/metadata")
	before := string(e.do(t, "GET", one, nil).Body)
	for _, members := range bad[:6] {
		for _, method := range []string{"POST", "PUT"} {
			e.fault(t, e.do(t, method, one, "{"+members+"}"), 413, "overLimit")
		}
	}
	if after := string(e.do(t, "GET", one, nil).Body); after != before {
		t.Errorf("the metadata is %s after refusals, %s before", after, before)
	}
	for _, members := range good {
		status(t, e.do(t, "POST", one, "{"+members+"}"), 200)
	}
}

// snapshotMetadata tries keys and values of snapshots, which are measured in characters.
func (e *Env) snapshotMetadata(t T) {
	path, of := e.native("/v2", "/cloudsnapshots"), `{"snapshot":{"volume_id":"`+e.ownVolume(t)+`","metadata":{`
	send := func(key, value string) *client.Answer {
		return e.do(t, "POST", path, of+jsonText(key)+":"+jsonText(value)+"}}}")
	}
	e.nothingMade(t, "snapshots", func() {
		for _, n := range []int{256, far} {
			e.refusal(t, send(strings.Repeat("k", n), "v"), 400, "EVS.5400")
			e.refusal(t, send("k", strings.Repeat("v", n)), 400, "EVS.5400")
		}
		e.refusal(t, send("k", strings.Repeat(threeBytes, 256)), 400, "EVS.5400")
		e.refusal(t, send("", "v"), 400, "EVS.5400")
	})
	for _, character := range []string{"x", threeBytes} {
		e.dropMade(t, "snapshots", send(strings.Repeat(character, 255), strings.Repeat(character, 255)))
	}
}

// nativeHundred makes as many disks as one call may.
func nativeHundred(t T, e *Env) {
	e.needAdmin(t) // for the quota
	e.nothingMade(t, "volumes", func() {
		for _, count := range []string{"0", "101", "2147483648", "99999999999999999999", "1e30", "-1", `"x"`} {
			e.refusal(t, e.do(t, "POST", e.native("/v3", "/cloudvolumes"), disk(`"count":`+count)), 400, "EVS.1021")
		}
	})
	a := e.do(t, "POST", e.native("/v3", "/cloudvolumes"), disk(`"count":"100","name":"hundred"`))
	status(t, a, 200)
	ids := madeIDs(e.finished(t, a, "/v2"))
	if len(ids) != 100 {
		t.Errorf("there are %d disks, want 100", len(ids))
	}
	var items []string
	names := map[any]bool{}
	for _, id := range ids {
		items = append(items, `{"id":"`+id+`","new_size":2}`)
		names[e.volumeOf(t, id)["name"]] = true
	}
	if len(names) != 100 || !names["hundred-0001"] || !names["hundred-0100"] {
		t.Errorf("they are called %v", names)
	}
	path := e.native("/v5", "/volumes/batch-extend")
	e.refusal(t, e.do(t, "POST", path, `{"volumes":[`+strings.Join(items, ",")+`,{"id":"`+e.volume+`","new_size":2}]}`), 400, "EVS.5400")
	a = e.do(t, "POST", path, `{"volumes":[`+strings.Join(items, ",")+`]}`)
	status(t, a, 202)
	e.finished(t, a, "/v2")
	for _, id := range ids {
		if err := e.Demo.Delete(t.Context(), "volumes", id); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// nativeForms tries what an idempotency token and a job's id can look like.
func nativeForms(t T, e *Env) {
	for _, version := range []string{"/v2.1", "/v3"} {
		path := e.native(version, "/cloudvolumes")
		e.nothingMade(t, "volumes", func() {
			for _, token := range []string{"", "x", unknownID[1:], unknownID + "0", strings.ReplaceAll(unknownID, "-", ""), "g" + unknownID[1:], strings.Repeat("a", 4000)} {
				e.refusal(t, e.do(t, "POST", path, disk(""), client.Field{"X-Client-Token", token}), 400, "EVS.2218")
			}
			e.refusal(t, e.do(t, "POST", path, disk(""), client.Field{"X-Client-Token", unknownID}, client.Field{"X-Client-Token", unknownID}), 400, "EVS.2218")
		})
		a := e.do(t, "POST", path, disk(""), client.Field{"X-Client-Token", strings.ToUpper(e.freshID(t))})
		e.dropMade(t, "volumes", a)
	}
	for _, version := range []string{"/v1", "/v2"} {
		for _, id := range []string{strings.Repeat("0", 32), strings.Repeat("0", 31), strings.Repeat("0", 33), unknownID, "x", "%00", "%27%20OR%201=1", strings.Repeat("a", 4000)} {
			e.refusal(t, e.do(t, "GET", e.native(version, "/jobs/"+id), nil), 400, "Common.0011")
		}
	}
}
