package replay

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// Difference is one thing that is not as recorded.
type Difference struct {
	Where string // status, body, headers, stored
	At    string // path in the body or the stored object, or a header's name
	Want  string
	Got   string
}

func (d Difference) String() string {
	at := d.Where
	if d.At != "" {
		at += " " + d.At
	}
	return fmt.Sprintf("%s: recorded %s, got %s", at, shorten(d.Want), shorten(d.Got))
}

// compared are the headers of interest. Source: recordings/README.md.
var compared = []string{"content-type", "openstack-api-version", "vary", "www-authenticate", "retry-after"}

var (
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?(Z|[+-]\d\d:\d\d)?$`)
	idForm   = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	// madeUp are ids that the recorder wrote into requests; they mean themselves.
	madeUp = regexp.MustCompile(`^0{8}-`)
)

// comparison collects the differences of one row.
type comparison struct {
	names *names
	found []Difference
	// wordsFree: messages of this answer may be worded differently (4xx).
	wordsFree bool
	// orderFree: the order of lists varies by itself.
	orderFree bool
}

// compare holds a's answer against the recorded one.
func (n *names) compare(row *Row, a *client.Answer) []Difference {
	c := &comparison{names: n, orderFree: variesInOrder[row.ID]}
	want := row.Response
	if want.Status == 0 || want.Status >= 500 {
		return c.fault(row, a)
	}
	if a.Status != want.Status {
		c.add("status", "", want.Status, a)
		if a.Status/100 != want.Status/100 {
			return c.found // another kind of answer: its body and headers say no more
		}
	}
	c.headers(want, a)
	c.wordsFree = want.Status >= 400 && want.Status < 500
	c.body(want, a)
	return c.found
}

func (c *comparison) headers(want *Response, a *client.Answer) {
	for _, name := range compared {
		recorded, got := want.Headers[name], strings.Join(a.Header.Values(name), ", ")
		if name == "www-authenticate" {
			recorded = keystoneURI.ReplaceAllString(recorded, `uri="`+c.names.target.IdentityURL+`"`)
		}
		if recorded != got {
			c.add("headers", name, recorded, got)
		}
	}
}

// keystoneURI is the address of the recorded run's identity service.
var keystoneURI = regexp.MustCompile(`uri="[^"]*"`)

func (c *comparison) body(want *Response, a *client.Answer) {
	if want.Body == nil {
		if len(a.Body) > 0 && want.Status != 302 { // the words beside a redirect are free
			c.add("body", "", "none", string(a.Body))
		}
		return
	}
	got := a.JSON()
	if got == nil {
		c.add("body", "", want.Body, string(a.Body))
		return
	}
	if cut, ok := want.Body.(map[string]any); ok && cut["truncated"] != nil {
		c.cut(cut["truncated"].(string), got)
		return
	}
	c.value("", c.names.expandAny(want.Body), got)
}

// cut compares what the recording kept of a very long answer: the one key at the top.
func (c *comparison) cut(text string, got any) {
	var first string
	if _, err := fmt.Sscanf(text, "{%q:", &first); err != nil {
		c.add("body", "", "a row that can be read", err.Error())
		return
	}
	if object, ok := got.(map[string]any); !ok || len(object) != 1 || object[first] == nil {
		c.add("body", first, "one key "+first, got)
	}
}

func (c *comparison) value(at string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			c.add("body", at, want, got)
			return
		}
		c.object(at, want, object)
	case []any:
		list, ok := got.([]any)
		if !ok {
			c.add("body", at, want, got)
			return
		}
		c.list(at, want, list)
	case string:
		c.text(at, want, got)
	default:
		if fmt.Sprint(want) != fmt.Sprint(got) || fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			c.add("body", at, want, got)
		}
	}
}

func (c *comparison) object(at string, want, got map[string]any) {
	keys := map[string]bool{}
	for key := range want {
		keys[key] = true
	}
	for key := range got {
		keys[key] = true
	}
	for _, key := range sorted(keys) {
		path := strings.TrimPrefix(at+"."+key, ".")
		recorded, there := want[key]
		value, here := got[key]
		switch {
		case !here:
			c.add("body", path, recorded, "no such key")
		case !there:
			c.add("body", path, "no such key", value)
		default:
			c.value(path, recorded, value)
		}
	}
}

func (c *comparison) list(at string, want, got []any) {
	if len(want) != len(got) {
		c.add("body", at, fmt.Sprintf("%d entries %s", len(want), brief(want)), fmt.Sprintf("%d entries %s", len(got), brief(got)))
		return
	}
	if c.orderFree {
		want, got = byID(want), byID(got)
	}
	for i := range want {
		c.value(fmt.Sprintf("%s[%d]", at, i), want[i], got[i])
	}
}

func (c *comparison) text(at, want string, got any) {
	text, ok := got.(string)
	switch {
	case !ok:
		c.add("body", at, want, got)
	case timeForm.MatchString(want):
		if !timeForm.MatchString(text) || strings.HasSuffix(want, "Z") != strings.HasSuffix(text, "Z") || len(want) != len(text) {
			c.add("body", at, "a time like "+want, text)
		}
	case c.wordsFree && (at == "message" || strings.HasSuffix(at, ".message")):
		if text == "" {
			c.add("body", at, "some words", `""`)
		}
	case idForm.MatchString(want) && idForm.MatchString(text) && !madeUp.MatchString(want) && !c.ours(want):
		if known, seen := c.names.learned[want]; seen && known != text {
			c.add("body", at, known+" (as before)", text)
		}
		c.names.learned[want] = text
	case want != text:
		c.add("body", at, want, text)
	}
}

// ours tells whether an id came from a placeholder of this run.
func (c *comparison) ours(id string) bool {
	for _, value := range c.names.values {
		if value == id {
			return true
		}
	}
	return false
}

func (c *comparison) add(where, at string, want, got any) {
	c.found = append(c.found, Difference{Where: where, At: at, Want: show(want), Got: show(got)})
}

// stored compares which fields of the object differ afterwards; updated_at apart.
func (n *names) stored(want, before, after map[string]any) []Difference {
	c := &comparison{names: n}
	changed := map[string]any{}
	for key := range union(before, after) {
		if key != "updated_at" && show(before[key]) != show(after[key]) {
			changed[key] = after[key]
		}
	}
	c.value("", n.expandAny(want), changed)
	for i := range c.found {
		c.found[i].Where = "stored"
	}
	return c.found
}

func union(a, b map[string]any) map[string]bool {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return keys
}

func sorted(keys map[string]bool) []string {
	list := make([]string, 0, len(keys))
	for key := range keys {
		list = append(list, key)
	}
	sort.Strings(list)
	return list
}

// byID orders rows of a list by their id, to compare them as a set.
func byID(list []any) []any {
	out := append([]any(nil), list...)
	id := func(v any) string {
		o, _ := v.(map[string]any)
		s, _ := o["id"].(string)
		return s
	}
	sort.SliceStable(out, func(i, j int) bool { return id(out[i]) < id(out[j]) })
	return out
}

// brief is a list's names and ids, for a message that people read.
func brief(list []any) string {
	var words []string
	for _, v := range list {
		if o, ok := v.(map[string]any); ok {
			words = append(words, fmt.Sprint(o["name"], " ", o["id"]))
		}
	}
	return fmt.Sprint(words)
}

func show(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case *client.Answer:
		return v.String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func shorten(s string) string {
	const limit = 400
	if len(s) <= limit {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:limit], len(s))
}
