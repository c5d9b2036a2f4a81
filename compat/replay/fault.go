package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// expectation says what is right where the recording shows a 500, or a
// connection that ended without an answer. After a success the snapshot holds
// what the request asked for; after a refusal nothing has changed.
type expectation struct {
	rows     string // patterns, separated by blanks
	statuses []int
	plain    bool // refused before HTTP is understood: the body is no JSON
}

// expectations: the 4xx a person would expect, or the success that the fault
// denied. The first that matches counts.
// Source: cinder-behaviours.md marks [bug] and [db]; section 9.
var expectations = []expectation{
	{rows: "size-*", statuses: []int{413}},
	{rows: "create-name-emoji", statuses: []int{202}},
	{rows: "name-*emoji* display-name-*emoji*", statuses: []int{200}}, // [db] utf8mb3
	{rows: "*chunked*", statuses: []int{200}},                         // section 3: the packaged web server reads no chunks
	{rows: "ct-none ct-*no-body create-no-content-type", statuses: []int{400, 415}},
	{rows: "*-cl-*", statuses: []int{400}, plain: true},
	{rows: "header-very-long", statuses: []int{400, 431}, plain: true},
	{rows: "url-bad-utf8*", statuses: []int{400, 404}, plain: true},
	{rows: "*", statuses: []int{400}},
}

// fault compares with a row whose recorded answer is Cinder's own fault.
func (c *comparison) fault(row *Row, a *client.Answer) []Difference {
	want := expected(row.ID)
	right := false
	for _, status := range want.statuses {
		right = right || a.Status == status
	}
	if !right {
		c.add("status", "", fmt.Sprintf("a fault, so one of %v", want.statuses), a)
		return c.found
	}
	if a.Status < 300 || (want.plain && a.JSON() == nil) {
		return c.found
	}
	c.faultBody(a)
	return c.found
}

func expected(row string) expectation {
	for _, e := range expectations {
		if anyMatch(e.rows, " ", row) {
			return e
		}
	}
	return expectation{}
}

// faultBody holds an answer against the two shapes that Cinder's errors have.
func (c *comparison) faultBody(a *client.Answer) {
	object := a.Object()
	if object["title"] != nil && object["message"] != nil && object["code"] != nil {
		return
	}
	if len(object) == 1 {
		for _, v := range object {
			inner, _ := v.(map[string]any)
			message, _ := inner["message"].(string)
			if message != "" && fmt.Sprint(inner["code"]) == strconv.Itoa(a.Status) {
				return
			}
		}
	}
	c.add("body", "", "an error with message and code "+strconv.Itoa(a.Status), a)
}

// asked is what a body asks to be stored, for a success that Cinder denied.
func (r *Request) asked() map[string]any {
	var body struct {
		Snapshot map[string]any `json:"snapshot"`
	}
	if r.Body.Text == nil || decode([]byte(*r.Body.Text), &body) != nil {
		return nil
	}
	stored := map[string]any{}
	for key, value := range body.Snapshot {
		stored[strings.TrimPrefix(key, "display_")] = value
	}
	return stored
}
