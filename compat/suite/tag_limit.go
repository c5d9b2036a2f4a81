package suite

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// Limits of tags. Source: EVS 11; EVS.1061, EVS.1062.
const (
	mostTags     = 10
	mostTagKey   = 36
	mostTagValue = 43
)

// tagsPast are tags that break a rule of keys or values, by one or by far.
func tagsPast() []map[string]string {
	return []map[string]string{
		{strings.Repeat("k", mostTagKey+1): "v"}, {"k": strings.Repeat("v", mostTagValue+1)}, {strings.Repeat("k", far): "v"}, {"k": strings.Repeat("v", far)},
		{"": "v"}, {"a b": "v"}, {"k": "a=b"}, {"k": "a b"}, {"a.b": "v"}, {"k\u0000": "v"}, {"k": "v\u0000"},
	}
}

// numbered are so many tags.
func numbered(n int) map[string]string {
	tags := map[string]string{}
	for i := range n {
		tags[fmt.Sprintf("k%d", i)] = ""
	}
	return tags
}

// longest is a tag whose key and value are as long as they may be.
func longest() map[string]string {
	return map[string]string{strings.Repeat("k", mostTagKey): strings.Repeat("v", mostTagValue)}
}

// tagMember writes tags as the member of a body: an object.
func tagMember(tags map[string]string) string {
	var items []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		items = append(items, jsonText(key)+":"+jsonText(tags[key]))
	}
	return `"tags":{` + strings.Join(items, ",") + "}"
}

// nativeTagLimits tries the tags of disks, snapshots and groups of them: of those that
// are there, then of those that are being made.
func nativeTagLimits(t T, e *Env) {
	volume := e.ownVolume(t)
	snapshot, group := e.subjectOf(t, volume).id, e.snapshotGroup5(t, ofVolumes(volume))
	e.tagsOfWhatIsThere(t, "/cloudvolumes/"+volume+"/tags/action", "/cloudvolumes/"+volume+"/tags/action", "/v2", "create", "delete")
	for _, path := range []string{"/snapshots/" + snapshot + "/tags/", "/snapshot-groups/" + group + "/tags/"} {
		e.tagsOfWhatIsThere(t, path+"create", path+"delete", "/v5", "", "")
	}
	for _, version := range []string{"/v2", "/v2.1", "/v3"} {
		e.tagsOfWhatIsMade(t, e.native(version, "/cloudvolumes"), "volumes", disk)
	}
	e.tagsOfWhatIsMade(t, e.native("/v5", "/snapshots"), "snapshots", func(tags string) string { return `{"snapshot":{"volume_id":"` + volume + `",` + tags + `}}` })
	e.tagsOfWhatIsMade(t, e.groupPath(""), "groups", func(tags string) string { return groupBody(ofVolumes(volume) + "," + tags) })
}

func (e *Env) tagsOfWhatIsThere(t T, add, remove, version, create, drop string) {
	send := func(path, body string) *client.Answer { return e.do(t, "POST", e.native(version, path), body) }
	for _, tags := range tagsPast() {
		e.refusal(t, send(add, tagBody(create, tags)), 400, "EVS.1062")
	}
	twice := strings.Replace(tagBody(create, map[string]string{"k": "v"}), "[", `[{"key":"k","value":"w"},`, 1)
	e.refusal(t, send(add, twice), 400, "EVS.1062")
	e.refusal(t, send(add, tagBody(create, numbered(mostTags+1))), 400, "EVS.1061")
	e.refusal(t, send(add, tagBody(create, numbered(1000))), 400, "EVS.1061")
	status(t, send(add, tagBody(create, longest())), 204)
	e.refusal(t, send(add, tagBody(create, numbered(mostTags))), 400, "EVS.1061") // eleven with the one that is there
	status(t, send(remove, tagBody(drop, longest())), 204)
	status(t, send(add, tagBody(create, numbered(mostTags))), 204)
}

func (e *Env) tagsOfWhatIsMade(t T, path, made string, body func(members string) string) {
	before := e.nativeObjects(t)
	for _, tags := range tagsPast() {
		e.refusal(t, e.do(t, "POST", path, body(tagMember(tags))), 400, "EVS.1062")
	}
	for _, n := range []int{mostTags + 1, 1000} {
		e.refusal(t, e.do(t, "POST", path, body(tagMember(numbered(n)))), 400, "EVS.1061")
	}
	if after := e.nativeObjects(t); after != before {
		t.Errorf("%s: there is %s after refusals, %s before", path, after, before)
	}
	for _, tags := range []map[string]string{longest(), numbered(mostTags), {}} {
		a := e.do(t, "POST", path, body(tagMember(tags)))
		if a.Status >= 300 {
			t.Errorf("%s with %d tags: got %s", path, len(tags), a)
			continue
		}
		e.dropMade(t, made, a)
	}
}
