package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// Sizes of disks where EVS's count, in GB. Source: EVS 6.1, size.
const (
	leastData  = 10
	mostData   = 32768
	leastImage = 1
	mostSystem = 1024
)

// StrictSizes are what a server with --strict-sizes promises. A server without it takes
// disks of 1 GB, as the rest of the suite does.
func StrictSizes() []Case {
	return []Case{
		{"a creation is held to the sizes of EVS", strictCreations},
		{"a disk of a source is held to the sizes of EVS", strictSources},
		{"an extension is held to the sizes of EVS", strictExtensions},
	}
}

// creation makes a disk in one family: the path, the members beside the size, and how
// a size that is not taken is refused.
type creation struct {
	path string
	body func(members string) string
	deny func(t T, a *client.Answer)
}

func (e *Env) creations() map[string]creation {
	native := func(version string) creation {
		return creation{e.native(version, "/cloudvolumes"), disk, func(t T, a *client.Answer) { e.refusal(t, a, 400, "EVS.1010") }}
	}
	return map[string]creation{
		"native v2": native("/v2"), "native v2.1": native("/v2.1"), "native v3": native("/v3"),
		"cinder": {e.path("/volumes"), func(members string) string { return `{"volume":{` + members + `}}` },
			func(t T, a *client.Answer) { e.fault(t, a, 400, "badRequest") }},
	}
}

// disk is that of an answer, when it is there.
func (e *Env) disk(t T, a *client.Answer) string {
	t.Helper()
	id, cinder := a.Under("volume")["id"].(string)
	if !cinder {
		if a.Status >= 300 {
			t.Fatalf("got %s, want a disk", a)
		}
		id = madeIDs(e.finished(t, a, "/v2"))[0]
	}
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", id) })
	e.comesTo(t, "volumes", id, "available")
	return id
}

// roomForLargest lets demo have some disks of the largest size.
func (e *Env) roomForLargest(t T) {
	t.Helper()
	e.needAdmin(t)
	if err := e.Admin.SetQuota(t.Context(), e.Demo.ProjectID, map[string]int{"gigabytes": 100 * mostData}); err != nil {
		t.Fatalf("%v", err)
	}
}

// refusedSizes tries sizes that a call does not take; what names sizes is told them.
func refusedSizes(t T, least, most int, try func(size string) *client.Answer, deny func(T, *client.Answer)) {
	t.Helper()
	for _, size := range []string{fmt.Sprint(least - 1), fmt.Sprint(most + 1), "2147483647", "2147483648", "99999999999999999999", "1e30", "-1", `"x"`} {
		deny(t, try(size))
	}
	for _, size := range []int{least - 1, most + 1} {
		if text := string(try(fmt.Sprint(size)).Body); size > 0 && (!strings.Contains(text, "size") || !strings.Contains(text, fmt.Sprintf("from %d to %d", least, most))) {
			t.Errorf("%d GB: got %s, want the field and its limits named", size, text)
		}
	}
}

func strictCreations(t T, e *Env) {
	e.roomForLargest(t)
	image := `,"imageRef":"` + e.imageOf(t, "system", "") + `"`
	for name, family := range e.creations() {
		for source, sizes := range map[string][2]int{"": {leastData, mostData}, image: {leastImage, mostSystem}} {
			create := func(size string) *client.Answer {
				return e.do(t, "POST", family.path, family.body(`"size":`+size+source))
			}
			e.nothingMade(t, "volumes", func() { refusedSizes(t, sizes[0], sizes[1], create, family.deny) })
			for _, size := range sizes {
				if v := e.volumeOf(t, e.disk(t, create(fmt.Sprint(size)))); fmt.Sprint(v["size"]) != fmt.Sprint(size) {
					t.Errorf("%s%s: the size is %v, want %d", name, source, v["size"], size)
				}
			}
		}
	}
}

func strictSources(t T, e *Env) {
	e.roomForLargest(t)
	data := e.disk(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":11,"volume_type":"SSD"}}`))
	image := e.imageOf(t, "system", "")
	system := e.disk(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":2,"volume_type":"SSD","imageRef":"`+image+`"}}`))
	ofData, ofSystem := e.subjectOf(t, data).id, e.subjectOf(t, system).id
	backup := fmt.Sprint(e.backedUp(t, data, nil)["id"])
	for name, family := range e.creations() {
		for _, tc := range []struct {
			source    string
			bad, good []int
		}{
			{`"snapshot_id":"` + ofData + `"`, []int{10, 32769}, []int{11}},
			{`"snapshot_id":"` + ofSystem + `"`, []int{1, 1025}, []int{2, 1024}},
		} {
			for _, size := range tc.bad {
				family.deny(t, e.do(t, "POST", family.path, family.body(fmt.Sprintf(`%s,"size":%d`, tc.source, size))))
			}
			for _, size := range tc.good {
				id := e.disk(t, e.do(t, "POST", family.path, family.body(fmt.Sprintf(`%s,"size":%d`, tc.source, size))))
				if v := e.volumeOf(t, id); fmt.Sprint(v["size"]) != fmt.Sprint(size) {
					t.Errorf("%s: the size is %v, want %d", name, v["size"], size)
				}
			}
		}
		if name == "cinder" {
			continue // a volume of a backup by it needs 3.47
		}
		from := `"backup_id":"` + backup + `","size":`
		e.refusal(t, e.do(t, "POST", family.path, family.body(from+"10")), 400, "EVS.1022")
		family.deny(t, e.do(t, "POST", family.path, family.body(from+"32769")))
		if v := e.volumeOf(t, e.disk(t, e.do(t, "POST", family.path, family.body(from+"null")))); fmt.Sprint(v["size"]) != "11" {
			t.Errorf("%s: of a backup of 11 GB: the size is %v", name, v["size"])
		}
	}
}

func strictExtensions(t T, e *Env) {
	e.roomForLargest(t)
	native := func(t T, a *client.Answer) {
		t.Helper()
		code := a.Under("error")["code"]
		if a.Status != 400 || (code != "EVS.1010" && code != "EVS.1015") {
			t.Errorf("got %s, want 400 with EVS.1010 or EVS.1015", a)
		}
	}
	extend := func(version, id, size string) *client.Answer {
		return e.do(t, "POST", version+"/"+id+"/action", `{"os-extend":{"new_size":`+size+`}}`)
	}
	for name, family := range map[string]struct {
		deny func(T, *client.Answer)
		call func(id, size string) *client.Answer
	}{
		"cinder":      {func(t T, a *client.Answer) { e.fault(t, a, 400, "badRequest") }, func(id, size string) *client.Answer { return extend(e.path("/volumes"), id, size) }},
		"native v2":   {native, func(id, size string) *client.Answer { return extend(e.native("/v2", "/cloudvolumes"), id, size) }},
		"native v2.1": {native, func(id, size string) *client.Answer { return extend(e.native("/v2.1", "/cloudvolumes"), id, size) }},
		"v5 batch": {native, func(id, size string) *client.Answer {
			return e.do(t, "POST", e.native("/v5", "/volumes/batch-extend"), `{"volumes":[{"id":"`+id+`","new_size":`+size+`}]}`)
		}},
	} {
		data := e.disk(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":10}}`))
		system := e.disk(t, e.do(t, "POST", e.path("/volumes"), `{"volume":{"size":1,"imageRef":"`+e.imageOf(t, "system", "")+`"}}`))
		for id, sizes := range map[string][2]int{data: {11, mostData}, system: {2, mostSystem}} {
			try := func(size string) *client.Answer { return family.call(id, size) }
			for _, size := range []string{fmt.Sprint(sizes[0] - 1), fmt.Sprint(sizes[1] + 1), "2147483647", "2147483648", "1e30", "-1", `"x"`} {
				family.deny(t, try(size))
			}
			if text := string(try(fmt.Sprint(sizes[1] + 1)).Body); !strings.Contains(text, "new_size") || !strings.Contains(text, fmt.Sprint(sizes[1])) {
				t.Errorf("%s: got %s, want the field and its limit named", name, text)
			}
			if a := try(fmt.Sprint(sizes[1])); a.Status >= 300 {
				t.Errorf("%s: to %d GB: got %s", name, sizes[1], a)
			}
			e.comesTo(t, "volumes", id, "available")
			if v := e.volumeOf(t, id); fmt.Sprint(v["size"]) != fmt.Sprint(sizes[1]) {
				t.Errorf("%s: the size is %v, want %d", name, v["size"], sizes[1])
			}
		}
	}
}
