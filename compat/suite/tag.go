package suite

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// tagOperations are the calls on tags of the native family. Source: EVS API 11.
func tagOperations() []Operation {
	v2 := []string{"v2"}
	return []Operation{
		{"tag.project", v2, tagProject},
		{"tag.list", v2, func(t T, e *Env) { e.tagChange(t, "/v2", "/cloudvolumes/") }},
		{"tag.change", v2, func(t T, e *Env) { e.tagLimits(t, "/v2", "/cloudvolumes/") }},
		{"tag.query", v2, func(t T, e *Env) { e.tagQuery(t, "/v2", "/cloudvolumes") }},
		{"tag.vendor_list", nil, func(t T, e *Env) { e.tagChange(t, "/"+e.Version, "/os-vendor-volumes/") }},
		{"tag.vendor_change", nil, func(t T, e *Env) { e.tagLimits(t, "/"+e.Version, "/os-vendor-volumes/") }},
		{"tag.vendor_query", nil, func(t T, e *Env) { e.tagQuery(t, "/"+e.Version, "/os-vendor-volumes") }},
	}
}

// tagBody is the body of a batch; values may be none.
func tagBody(action string, tags map[string]string) string {
	var items []string
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		items = append(items, `{"key":`+jsonText(key)+`,"value":`+jsonText(tags[key])+`}`)
	}
	list := `"tags":[` + strings.Join(items, ",") + `]}`
	if action == "" {
		return "{" + list
	}
	return `{"action":"` + action + `",` + list
}

// tagsOf are the items of {"tags": [{"key", "value"}]}.
func tagsOf(a *client.Answer) map[string]any {
	tags := map[string]any{}
	list, _ := a.Object()["tags"].([]any)
	for _, item := range list {
		tag, _ := item.(map[string]any)
		tags[fmt.Sprint(tag["key"])] = tag["value"]
	}
	return tags
}

// wantTags checks the tags of an object at path.
func (e *Env) wantTags(t T, path string, want map[string]any) {
	t.Helper()
	a := e.do(t, "GET", path, nil)
	status(t, a, 200)
	if _, is := a.Object()["tags"].([]any); !is || fmt.Sprint(tagsOf(a)) != fmt.Sprint(want) {
		t.Errorf("got %s, want the tags %v", a, want)
	}
}

// tagged is a fresh volume with tags.
func (e *Env) tagged(t T, tags map[string]string) string {
	t.Helper()
	id := e.ownVolume(t)
	status(t, e.do(t, "POST", e.native("/v2", "/cloudvolumes/"+id+"/tags/action"), tagBody("create", tags)), 204)
	return id
}

// word is a value of a tag that nobody else has.
func (e *Env) word(id string) string { return "w" + id[:8] }

func (e *Env) tagChange(t T, version, path string) {
	id := e.ownVolume(t)
	tags := e.native(version, path+id+"/tags")
	e.wantTags(t, tags, map[string]any{})
	for _, step := range []struct {
		action string
		tags   map[string]string
		want   map[string]any
	}{
		{"create", map[string]string{"env": "prod", "empty": ""}, map[string]any{"env": "prod", "empty": ""}},
		{"create", map[string]string{"env": "test", "more": "x"}, map[string]any{"env": "test", "empty": "", "more": "x"}},
		{"create", map[string]string{"env": "test"}, map[string]any{"env": "test", "empty": "", "more": "x"}},
		{"delete", map[string]string{"empty": "", "nobody": ""}, map[string]any{"env": "test", "more": "x"}},
		{"delete", map[string]string{"empty": ""}, map[string]any{"env": "test", "more": "x"}},
	} {
		a := e.do(t, "POST", tags+"/action", tagBody(step.action, step.tags))
		status(t, a, 204)
		if len(a.Body) != 0 {
			t.Errorf("%s answers %s, want nothing", step.action, a)
		}
		e.wantTags(t, tags, step.want)
	}
	status(t, e.do(t, "POST", tags+"/action", `{"action":"delete","tags":[{"key":"more"}]}`), 204)
	e.wantTags(t, tags, map[string]any{"env": "test"})
	shown := e.do(t, "GET", e.native(version, "/os-vendor-volumes/"+id), nil).Under("volume")
	if fmt.Sprint(shown["tags"]) != "map[env:test]" {
		t.Errorf("the disk shows the tags %v", shown["tags"])
	}
	listed := e.do(t, "GET", e.native(version, "/os-vendor-volumes/detail?id="+id), nil)
	if rows := rowsOf(listed, "volumes"); len(rows) != 1 || fmt.Sprint(rows[0]["tags"]) != "map[env:test]" {
		t.Errorf("the list shows %v", rows)
	}
	e.refusal(t, e.do(t, "GET", e.native(version, path+unknownID+"/tags"), nil), 404, "EVS.5404")
	if e.Other != nil {
		theirs := version + "/" + e.Other.ProjectID + path + id + "/tags"
		e.refusal(t, e.as(t, e.Other, "GET", theirs, nil), 404, "EVS.5404")
		e.refusal(t, e.as(t, e.Other, "POST", theirs+"/action", tagBody("delete", map[string]string{"env": ""})), 404, "EVS.5404")
		e.wantTags(t, tags, map[string]any{"env": "test"})
	}
}

// tagLimits tries every limit at its value, one past and far past. Source: EVS API 11.
func (e *Env) tagLimits(t T, version, path string) {
	id := e.ownVolume(t)
	tags := e.native(version, path+id+"/tags")
	change := func(body string) *client.Answer { return e.do(t, "POST", tags+"/action", body) }
	one := func(key, value string) string { return tagBody("create", map[string]string{key: value}) }
	for _, n := range []int{37, 5000} {
		e.refusal(t, change(one(strings.Repeat("k", n), "v")), 400, "EVS.1062")
	}
	for _, n := range []int{44, 5000} {
		e.refusal(t, change(one("k", strings.Repeat("v", n))), 400, "EVS.1062")
	}
	for _, body := range []string{
		one("", "v"), one("a b", "v"), one("k", "a=b"), `{"action":"create","tags":[{"key":"k","value":"a\u0000b"}]}`, `{"action":"create","tags":[{"key":"k"}]}`,
		`{"action":"create","tags":[{"value":"v"}]}`, `{"action":"create","tags":[{"key":5,"value":"v"}]}`,
		`{"action":"create","tags":[{"key":"k","value":null}]}`, `{"action":"create","tags":[{"key":"k","value":"a"},{"key":"k","value":"b"}]}`,
	} {
		e.refusal(t, change(body), 400, "EVS.1062")
	}
	for _, body := range []string{
		`{}`, `[]`, `{"action":"create"}`, `{"action":"create","tags":[]}`, `{"action":"create","tags":{"k":"v"}}`,
		`{"action":"create","tags":["k"]}`, `{"action":"forget","tags":[{"key":"k","value":"v"}]}`, `{"action":5}`, `{"tags":[{"key":"k","value":"v"}]}`,
	} {
		e.refusal(t, change(body), 400, "EVS.5400")
	}
	e.wantTags(t, tags, map[string]any{})
	ten, want := map[string]string{}, map[string]any{}
	for n := range 10 {
		ten["k"+strconv.Itoa(n)], want["k"+strconv.Itoa(n)] = "v", "v"
	}
	ten[strings.Repeat("k", 36)], want[strings.Repeat("k", 36)] = strings.Repeat("v", 43), strings.Repeat("v", 43)
	e.refusal(t, change(tagBody("create", ten)), 400, "EVS.1061")
	delete(ten, "k9")
	delete(want, "k9")
	status(t, change(tagBody("create", ten)), 204)
	e.refusal(t, change(one("eleventh", "v")), 400, "EVS.1061")
	status(t, change(one("k0", "v")), 204) // one that is there counts once
	e.wantTags(t, tags, want)
	if e.Reader != nil && e.evs() {
		e.refusal(t, e.as(t, e.Reader, "POST", tags+"/action", one("k", "v")), 403, "EVS.5403")
	}
}

func tagProject(t T, e *Env) {
	id := e.ownVolume(t)
	word := e.word(id)
	e.tagged(t, map[string]string{"suite": word})
	e.tagged(t, map[string]string{"suite": word})
	e.tagged(t, map[string]string{"suite": word + "x"})
	for _, path := range []string{"/cloudvolumes/tags", "/os-vendor-tags/volumes"} {
		a := e.do(t, "GET", e.native("/v2", path), nil)
		status(t, a, 200)
		values, _ := a.Under("tags")["suite"].([]any)
		if !slices.Contains(values, any(word)) || !slices.Contains(values, any(word+"x")) {
			t.Errorf("%s: got %v, want both values", path, values)
		}
		if n := strings.Count(string(a.Body), `"`+word+`"`); n != 1 {
			t.Errorf("%s tells a value %d times", path, n)
		}
		if e.Other != nil {
			theirs := e.as(t, e.Other, "GET", "/v2/"+e.Other.ProjectID+path, nil)
			status(t, theirs, 200)
			if strings.Contains(string(theirs.Body), word) {
				t.Errorf("%s tells a stranger %s", path, theirs)
			}
		}
	}
}

// holdsFound checks the ids that a query by tags found, in order, and their number.
func (e *Env) holdsFound(t T, a *client.Answer, total int, ids ...string) {
	t.Helper()
	status(t, a, 200)
	var got []string
	for _, row := range rowsOf(a, "resources") {
		got = append(got, fmt.Sprint(row["resource_id"]))
		if detail, _ := row["resource_detail"].(map[string]any); detail["id"] != row["resource_id"] || detail["name"] != row["resource_name"] {
			t.Errorf("the detail of %v is %v", row["resource_id"], detail)
		}
	}
	if _, is := a.Object()["resources"].([]any); !is || fmt.Sprint(got) != fmt.Sprint(ids) || fmt.Sprint(a.Object()["total_count"]) != fmt.Sprint(total) {
		t.Errorf("got %v of %v, want %v of %d", got, a.Object()["total_count"], ids, total)
	}
}

func (e *Env) tagQuery(t T, version, path string) {
	word := e.word(e.ownVolume(t))
	first := e.tagged(t, map[string]string{"suite": word, "size": "small"})
	second := e.tagged(t, map[string]string{"suite": word, "size": "large"})
	third := e.tagged(t, map[string]string{"suite": word + "x"})
	query := e.native(version, path+"/resource_instances/action")
	ask := func(rest string) *client.Answer { return e.do(t, "POST", query, `{"action":"filter",`+rest+`}`) }
	mine := `"tags":[{"key":"suite","values":["` + word + `"]}`
	either := `"tags":[{"key":"suite","values":["` + word + `","` + word + `x"]}]`
	a := ask(mine + `]`)
	e.holdsFound(t, a, 2, second, first)
	if tags, _ := rowsOf(a, "resources")[0]["tags"].([]any); fmt.Sprint(tags) != "[map[key:size value:large] map[key:suite value:"+word+"]]" {
		t.Errorf("the tags are %v", tags)
	}
	if detail, _ := rowsOf(a, "resources")[0]["resource_detail"].(map[string]any); detail["shareable"] != false {
		t.Errorf("shareable is %#v, want a boolean: the vendor's SDK takes no string here", detail["shareable"])
	}
	e.holdsFound(t, ask(either), 3, third, second, first)
	e.holdsFound(t, ask(mine+`,{"key":"size","values":["small","tiny"]}]`), 1, first)
	e.holdsFound(t, ask(mine+`,{"key":"size","values":[]}]`), 2, second, first)
	e.holdsFound(t, ask(mine+`,{"key":"nobody","values":[]}]`), 0)
	e.holdsFound(t, ask(either+`,"limit":"1","offset":"1"`), 3, second)
	e.holdsFound(t, ask(either+`,"limit":1,"offset":2`), 3, first)
	renamed := e.native("/v2", "/cloudvolumes/"+first)
	status(t, e.do(t, "PUT", renamed, `{"volume":{"name":"Named-`+word+`"}}`), 200)
	e.holdsFound(t, ask(mine+`],"matches":[{"key":"resource_name","value":"named-`+word[:4]+`"},{"key":"service_type","value":"evs"}]`), 1, first)
	e.holdsFound(t, ask(mine+`],"matches":[{"key":"service_type","value":"DSS"}]`), 0)
	counted := e.do(t, "POST", query, `{"action":"count","limit":"1","offset":"5",`+either+`}`)
	status(t, counted, 200)
	if fmt.Sprint(counted.Object()) != "map[total_count:3]" {
		t.Errorf("got %s, want 3 and nothing else", counted)
	}
	for rest, code := range map[string]string{
		`"tags":[],"limit":1001`: "EVS.2142", `"tags":[],"limit":0`: "EVS.1023", `"tags":[],"limit":"x"`: "EVS.1023", `"tags":[],"offset":-1`: "EVS.5400",
		`"tags":[{"key":"","values":[]}]`: "EVS.1062", `"tags":[{"key":"k","values":["a","a"]}]`: "EVS.1062", `"tags":[{"values":[]}]`: "EVS.1062",
		`"tags":[{"key":"k","values":[]},{"key":"k","values":[]}]`: "EVS.1062", `"tags":5`: "EVS.5400", `"tags":[{"key":"k","values":"v"}]`: "EVS.1062",
		`"tags":[{"key":"k","values":["0","1","2","3","4","5","6","7","8","9","10"]}]`:           "EVS.1062",
		`"tags":[` + strings.Repeat(`{"key":"k","values":[]},`, 10) + `{"key":"l","values":[]}]`: "EVS.5400",
		`"tags":[],"matches":[{"key":"colour","value":"x"}]`:                                     "EVS.5400", `"tags":[],"matches":[{"key":"resource_name","value":"` + strings.Repeat("n", 256) + `"}]`: "EVS.5400",
	} {
		e.refusal(t, ask(rest), 400, code)
	}
	if e.Other != nil {
		theirs := e.as(t, e.Other, "POST", version+"/"+e.Other.ProjectID+path+"/resource_instances/action", `{"action":"filter",`+either+`}`)
		e.holdsFound(t, theirs, 0)
	}
}

// tagFilter is the query of the older call.
func tagFilter(name, value string) string { return "?" + name + "=" + url.QueryEscape(value) }
