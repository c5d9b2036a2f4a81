package suite

import (
	"fmt"
	"strconv"
	"strings"
)

// vendorTagOperations are the older calls on tags. Source: EVS API 11, os-vendor-tags.
func vendorTagOperations() []Operation {
	v2 := []string{"v2"}
	return []Operation{
		{"vendor_tag.project", v2, tagProject},
		{"vendor_tag.query", v2, vendorTagQuery},
		{"vendor_tag.list", v2, vendorTagSets},
		{"vendor_tag.add", v2, vendorTagSets},
		{"vendor_tag.reset", v2, vendorTagSets},
		{"vendor_tag.delete", v2, vendorTagSets},
		{"vendor_tag.show", v2, vendorTagOne},
		{"vendor_tag.set", v2, vendorTagOne},
		{"vendor_tag.drop", v2, vendorTagOne},
	}
}

// taggable is a fresh object without tags.
func (e *Env) taggable(t T, plural string) string {
	t.Helper()
	if plural == "backups" {
		id, _ := e.backedUp(t, e.volume, map[string]any{"name": "suite"})["id"].(string)
		return id
	}
	return e.holder(t, plural)
}

// vendorTagSets goes through all that is done to all tags of one object.
func vendorTagSets(t T, e *Env) {
	for _, plural := range []string{"volumes", "snapshots", "backups"} {
		path := e.native("/v2", "/os-vendor-tags/"+plural+"/"+e.taggable(t, plural))
		holds := func(want string) {
			t.Helper()
			a := e.do(t, "GET", path, nil)
			status(t, a, 200)
			if got := fmt.Sprint(a.Under("tags")); got != want {
				t.Errorf("%s: the tags are %s, want %s", plural, got, want)
			}
		}
		holds("map[]")
		a := e.do(t, "POST", path, `{"tags":{"a":"1","b":"2"}}`)
		status(t, a, 200)
		a = e.do(t, "POST", path, `{"tags":{"b":"3","c":""}}`)
		status(t, a, 200)
		if got := fmt.Sprint(a.Under("tags")); got != "map[a:1 b:3 c:]" {
			t.Errorf("%s: POST answers %s", plural, got)
		}
		holds("map[a:1 b:3 c:]")
		for i := range 2 { // again, to no effect
			a = e.do(t, "POST", path+"/action", `{"os-delete_tags":{"a":"1","nobody":"x"}}`)
			status(t, a, 200)
			if len(a.Body) != 0 {
				t.Errorf("%s: deletion %d answers %s, want nothing", plural, i, a)
			}
		}
		holds("map[b:3 c:]")
		status(t, e.do(t, "PUT", path, `{"tags":{"z":"9"}}`), 200)
		holds("map[z:9]")
		for _, body := range []string{
			`{}`, `{"tags":null}`, `{"tags":[]}`, `{"tags":{"a":1}}`, `{"tags":{"":"v"}}`, `{"tags":{"a b":"v"}}`, `{"tags":{"k":"a=b"}}`,
			`{"tags":{"` + strings.Repeat("k", 37) + `":"v"}}`, `{"tags":{"k":"` + strings.Repeat("v", 44) + `"}}`,
			`{"tags":{"0":"","1":"","2":"","3":"","4":"","5":"","6":"","7":"","8":"","9":"","10":""}}`,
		} {
			for _, method := range []string{"POST", "PUT"} {
				e.fault(t, e.do(t, method, path, body), 400, "badRequest")
			}
		}
		for _, body := range []string{`{}`, `{"os-delete_tags":5}`, `{"os-delete_tags":{"a b":""}}`, `{"os-forget":{}}`} {
			e.fault(t, e.do(t, "POST", path+"/action", body), 400, "badRequest")
		}
		holds("map[z:9]")
		status(t, e.do(t, "PUT", path, `{"tags":{}}`), 200)
		holds("map[]")
		if e.Other != nil {
			theirs := strings.Replace(path, e.Demo.ProjectID, e.Other.ProjectID, 1)
			e.fault(t, e.as(t, e.Other, "GET", theirs, nil), 404, "itemNotFound")
			e.fault(t, e.as(t, e.Other, "PUT", theirs, `{"tags":{"a":"b"}}`), 404, "itemNotFound")
			holds("map[]")
		}
		e.fault(t, e.do(t, "GET", e.native("/v2", "/os-vendor-tags/"+plural+"/"+unknownID), nil), 404, "itemNotFound")
	}
	e.fault(t, e.do(t, "GET", e.native("/v2", "/os-vendor-tags/servers/"+unknownID), nil), 400, "badRequest")
}

// vendorTagOne goes through all that is done to one tag.
func vendorTagOne(t T, e *Env) {
	path := e.native("/v2", "/os-vendor-tags/volumes/"+e.tagged(t, map[string]string{"k": "v"}))
	wants := func(key, want string) {
		t.Helper()
		a := e.do(t, "GET", path+"/"+key, nil)
		status(t, a, 200)
		if got := fmt.Sprint(a.Under("tag")); got != want {
			t.Errorf("the tag is %s, want %s", got, want)
		}
	}
	wants("k", "map[k:v]")
	for key, value := range map[string]string{"k": "w", "new": ""} {
		a := e.do(t, "PUT", path+"/"+key, `{"tag":{"`+key+`":"`+value+`"}}`)
		status(t, a, 200)
		if got, want := fmt.Sprint(a.Under("tag")), "map["+key+":"+value+"]"; got != want {
			t.Errorf("PUT answers %s, want %s", got, want)
		}
		wants(key, "map["+key+":"+value+"]")
	}
	for _, body := range []string{`{"tag":{"other":"v"}}`, `{"tag":{}}`, `{"tag":{"k":"v","l":"w"}}`, `{"tag":{"k":5}}`, `{"tags":{"k":"v"}}`, `{}`} {
		e.fault(t, e.do(t, "PUT", path+"/k", body), 400, "badRequest")
	}
	wants("k", "map[k:w]")
	a := e.do(t, "DELETE", path+"/k", nil)
	status(t, a, 200)
	if len(a.Body) != 0 {
		t.Errorf("DELETE answers %s, want nothing", a)
	}
	for _, method := range []string{"GET", "DELETE"} {
		e.fault(t, e.do(t, method, path+"/k", nil), 404, "itemNotFound")
	}
	for n := range 9 {
		status(t, e.do(t, "PUT", path+"/n"+strconv.Itoa(n), `{"tag":{"n`+strconv.Itoa(n)+`":""}}`), 200)
	}
	e.fault(t, e.do(t, "PUT", path+"/eleventh", `{"tag":{"eleventh":""}}`), 400, "badRequest")
}

func vendorTagQuery(t T, e *Env) {
	for _, plural := range []string{"volumes", "snapshots", "backups"} {
		all := e.native("/v2", "/os-vendor-tags/"+plural)
		mark := e.word(e.ownVolume(t))
		add := func(tags string) string {
			id := e.taggable(t, plural)
			status(t, e.do(t, "POST", all+"/"+id, `{"tags":`+tags+`}`), 200)
			return id
		}
		first, second := add(`{"`+mark+`":"1","d":"e"}`), add(`{"`+mark+`":"2"}`)
		ask := func(queries ...string) string { return all + "/resource_instances?" + strings.Join(queries, "&") }
		of := func(name, value string) string { return strings.TrimPrefix(tagFilter(name, value), "?") }
		mine := of("tags", "{'"+mark+"':[]}")
		a := e.do(t, "GET", ask(mine), nil)
		e.holdsFound(t, a, 2, second, first)
		if got := fmt.Sprint(rowsOf(a, "resources")[1]["tags"]); got != "map[d:e "+mark+":1]" {
			t.Errorf("%s: the tags are %s", plural, got)
		}
		e.holdsFound(t, e.do(t, "GET", ask(of("tags", `{"`+mark+`":["1","3"],"d":["e"]}`)), nil), 1, first)
		e.holdsFound(t, e.do(t, "GET", ask(mine, of("tags_any", "{'d':['e'],'x':[]}")), nil), 1, first)
		e.holdsFound(t, e.do(t, "GET", ask(mine, of("not_tags", "{'"+mark+"':['1'],'d':['e']}")), nil), 1, second)
		e.holdsFound(t, e.do(t, "GET", ask(mine, of("not_tags_any", "{'"+mark+"':['2'],'d':['e']}")), nil), 0)
		e.holdsFound(t, e.do(t, "GET", ask(mine, "limit=1", "offset=1"), nil), 2, first)
		for _, bad := range []string{of("tags", "x"), of("tags", "{'a':'b'}"), of("not_tags", "{'a b':[]}"), of("tags_any", "{'':[]}"), "limit=0", "limit=1001"} {
			e.fault(t, e.do(t, "GET", ask(bad), nil), 400, "badRequest")
		}
		e.fault(t, e.do(t, "GET", ask(of("tags", "{"+strings.Repeat("'k':[],", 10)+"'k':[]}")), nil), 400, "badRequest")
	}
	e.fault(t, e.do(t, "GET", e.native("/v2", "/os-vendor-tags/servers/resource_instances"), nil), 400, "badRequest")
}
