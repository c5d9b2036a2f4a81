package compat_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/breezeblock/breezeblock/compat/client"
)

// openAPIFile is what users get; tools/gendocs makes it of compat/openapi.
const openAPIFile = "../docs/evs-openapi.yaml"

// maxBreaches is how many breaches of one run are told; the rest is counted.
const maxBreaches = 20

// unseen are calls that the suite sees no success of, and why.
var unseen = map[string]string{
	"GET /v3/{project_id}/recycle-bin-volumes/{volume_id}":         tooYoung,
	"DELETE /v3/{project_id}/recycle-bin-volumes/{volume_id}":      tooYoung,
	"POST /v3/{project_id}/recycle-bin-volumes/{volume_id}/revert": tooYoung,
}

const tooYoung = "only disks that are a day old are kept: TestTheRecycleBinGivesBackWhatItKeeps"

// contract is the published OpenAPI file, and what exchanges were held against it.
type contract struct {
	router routers.Router
	// actions are routes of one action each, by method, path and action.
	actions map[string]*routers.Route
	calls   []string // all, by method, path and action
	must    []string // those of them that the test must see
	excused map[string]string

	mutex    sync.Mutex
	seen     map[string]bool // calls that succeeded, and of those that are always refused that were
	breaches []string
	checked  int
}

// holdAnswers puts a tap before the target: every answer of one of the 180 calls of EVS
// is held against the OpenAPI file, and the test fails where one differs.
func holdAnswers(t *testing.T, to *client.Target) *contract {
	t.Helper()
	c, err := newContract()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.report(t) }) // after the tap has ended
	to.VolumeURL = tap(t, to.VolumeURL, func(x *exchange) { c.check(context.Background(), x) })
	return c
}

// newContract reads the file. Its servers are left out, so that any address matches.
func newContract() (*contract, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile(openAPIFile)
	if err != nil {
		return nil, err
	}
	doc.Servers = nil
	c := &contract{actions: map[string]*routers.Route{}, seen: map[string]bool{}}
	if c.router, err = gorillamux.NewRouter(doc); err != nil {
		return nil, err
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Extensions["x-actions"] == nil {
				c.calls = append(c.calls, method+" "+path)
			} else if err := c.addActions(doc, method, path, op); err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
		}
	}
	slices.Sort(c.calls)
	return c, nil
}

// addActions makes a route for each action of a call, with that action's answers only.
func (c *contract) addActions(doc *openapi3.T, method, path string, op *openapi3.Operation) error {
	text, err := json.Marshal(op.Extensions["x-actions"])
	if err != nil {
		return err
	}
	var actions map[string]struct {
		Answers map[string]string `json:"answers"` // name of a response, by status
	}
	if err := json.Unmarshal(text, &actions); err != nil {
		return err
	}
	own := map[string]bool{}
	for _, action := range actions {
		for status := range action.Answers {
			own[status] = true
		}
	}
	for name, action := range actions {
		narrow := *op
		narrow.Responses = &openapi3.Responses{}
		for status, response := range op.Responses.Map() {
			if !own[status] {
				narrow.Responses.Set(status, response)
			}
		}
		for status, answer := range action.Answers {
			narrow.Responses.Set(status, doc.Components.Responses[answer])
		}
		c.calls = append(c.calls, method+" "+path+" "+name)
		c.actions[method+" "+path+" "+name] = &routers.Route{Spec: doc, Path: path, Method: method, Operation: &narrow}
	}
	return nil
}

// check holds one exchange against the file. What the file does not describe passes.
func (c *contract) check(ctx context.Context, x *exchange) {
	request := &http.Request{Method: x.method, URL: x.url, Header: http.Header{}}
	route, _, err := c.router.FindRoute(request)
	if err != nil || route.Path == "/{api_version}" && !slices.Contains([]string{"/v1", "/v2", "/v3"}, x.url.Path) {
		return
	}
	call := x.method + " " + route.Path
	if route.Operation.Extensions["x-actions"] != nil {
		name := x.action(c, call)
		if name == "" && x.status < http.StatusBadRequest {
			return // an action that only the Cinder API has
		}
		if name != "" {
			call += " " + name
			route = c.actions[call]
		}
	}
	err = validate(ctx, request, route, x)
	if err == nil && x.status < http.StatusBadRequest {
		err = validateRequest(route.Operation, x.body)
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.checked++
	if err != nil {
		c.breaches = append(c.breaches, fmt.Sprintf("%s (%s)\nanswered %d %.1000s\n%v", call, x.url, x.status, x.answer, err))
	} else if refused := route.Operation.Extensions["x-refused"] != nil; refused == (x.status >= http.StatusBadRequest) {
		c.seen[call] = true
	}
}

func validate(ctx context.Context, request *http.Request, route *routers.Route, x *exchange) error {
	described := route.Operation.Responses.Status(x.status)
	if described == nil {
		return errors.New("the file has no answer of this status")
	}
	if len(described.Value.Content) == 0 && len(x.answer) > 0 {
		return errors.New("the file says that there is no body")
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, Route: route},
		Status:                 x.status, Header: x.header, Body: io.NopCloser(bytes.NewReader(x.answer)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
}

// validateRequest holds the body of a request that was carried out against the file.
func validateRequest(op *openapi3.Operation, body []byte) error {
	if op.RequestBody == nil {
		return nil
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	if err := op.RequestBody.Value.Content.Get("application/json").Schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("the request %.1000s was carried out; if it may be, mend its schema in compat/openapi: %w", body, err)
	}
	return nil
}

// report fails the test with what was found, and tells how much was looked at.
func (c *contract) report(t *testing.T) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for i, breach := range c.breaches {
		if i == maxBreaches {
			t.Errorf("and %d more", len(c.breaches)-maxBreaches)
			break
		}
		t.Errorf("not as %s says: %s", openAPIFile, breach)
	}
	if c.checked == 0 {
		t.Error("no answer was held against the OpenAPI file")
	}
	t.Logf("%d answers held against the OpenAPI file", c.checked)
	for _, call := range c.must {
		if !c.seen[call] {
			t.Errorf("%s: no success was seen, or of a call that is always refused no refusal", call)
		}
	}
	for call, why := range c.excused {
		if c.seen[call] {
			t.Errorf("%s stands in the table of what is not seen (%s), and was seen", call, why)
		}
	}
}

// wantEvery has the test see every call but those that are excused.
func (c *contract) wantEvery() {
	c.excused = unseen
	for _, call := range c.calls {
		if _, is := unseen[call]; !is {
			c.must = append(c.must, call)
		}
	}
}

// exchange is a request and its answer, as they went over the wire.
type exchange struct {
	method string
	url    *url.URL
	body   []byte
	status int
	header http.Header
	answer []byte
}

// action is the action that the body names: by its one key, or by the word under
// "action", as the calls on tags do. Empty when it names none of the call's.
func (x *exchange) action(c *contract, call string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(x.body, &members) != nil {
		return ""
	}
	var word string
	if json.Unmarshal(members["action"], &word) == nil && c.actions[call+" "+word] != nil {
		return word
	}
	for key := range members {
		if c.actions[call+" "+key] != nil {
			return key
		}
	}
	return ""
}

// The test of the test: answers that are not as the file says.
func TestAnswersThatBreakTheOpenAPIFileAreFound(t *testing.T) {
	const (
		project  = "/v2/0123456789abcdef0123456789abcdef"
		path     = project + "/snapshots/2bb856e1-b3d8-4432-a858-09e4ce939389"
		complete = `{"snapshot":{"id":"2bb856e1-b3d8-4432-a858-09e4ce939389","status":"available","name":"a","description":null,` +
			`"created_at":"2013-02-25T04:13:17.000000","updated_at":null,"metadata":{},"volume_id":"5aa119a8-d25b-45a7-8d1b-88e127885635","size":1,` +
			`"os-extended-snapshot-attributes:progress":"100%","os-extended-snapshot-attributes:project_id":"0123456789abcdef0123456789abcdef"}}`
	)
	change := func(old, to string) string {
		if !strings.Contains(complete, old) {
			t.Fatalf("%q is not in the answer", old)
		}
		return strings.Replace(complete, old, to, 1)
	}
	c, err := newContract()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, method, request, answer string
		status                        int
		without                       string // header left out
		right                         bool
	}{
		{name: "as it is", answer: complete, right: true},
		{name: "a size as text", answer: change(`"size":1`, `"size":"1"`)},
		{name: "a size of a part", answer: change(`"size":1`, `"size":1.5`)},
		{name: "no metadata", answer: change(`"metadata":{},`, ``)},
		{name: "metadata null", answer: change(`"metadata":{}`, `"metadata":null`)},
		{name: "metadata of numbers", answer: change(`"metadata":{}`, `"metadata":{"k":1}`)},
		{name: "a member more", answer: change(`"size":1`, `"size":1,"user_id":"u"`)},
		{name: "a time with a zone", answer: change(`17.000000"`, `17.000000Z"`)},
		{name: "a time in milliseconds", answer: change(`17.000000"`, `17.000"`)},
		{name: "an unknown status", answer: change(`"available"`, `"ready"`)},
		{name: "a null that must be text", answer: change(`"status":"available"`, `"status":null`)},
		{name: "no wrapper", answer: complete[len(`{"snapshot":`) : len(complete)-1]},
		{name: "a body where none belongs", method: "DELETE", answer: complete, status: 202},
		{name: "no body where one belongs", answer: ""},
		{name: "a status that is not described", answer: complete, status: 201},
		{name: "a code as a number", answer: `{"itemNotFound":{"message":"no","code":404}}`, status: 404},
		{name: "a fault of another family", answer: `{"error":{"message":"no","code":"EVS.5404"}}`, status: 404},
		{name: "the fault of its status", answer: `{"itemNotFound":{"message":"no","code":"404"}}`, status: 404, right: true},
		{name: "the fault of another status", answer: `{"badRequest":{"message":"no","code":"400"}}`, status: 404},
		{name: "a request with both texts", method: "PUT", request: `{"snapshot":{"name":"a","description":null}}`, answer: complete, right: true},
		{name: "a request with a number for a name", method: "PUT", request: `{"snapshot":{"name":5}}`, answer: complete},
		{name: "a request with an unknown member", method: "PUT", request: `{"snapshot":{"name":"a","size":9}}`, answer: complete},
		{name: "a request with a long name", method: "PUT", request: `{"snapshot":{"name":"` + strings.Repeat("n", 256) + `"}}`, answer: complete},
		{name: "a request without a wrapper", method: "PUT", request: `{"name":"a"}`, answer: complete},
		{name: "a request without a body", method: "PUT", answer: complete},
		{name: "no request id", answer: complete, without: "X-Openstack-Request-Id"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.checked, c.breaches = 0, nil
			x := &exchange{body: []byte(tc.request), method: cmp.Or(tc.method, "GET"), url: &url.URL{Path: path}, status: cmp.Or(tc.status, 200), answer: []byte(tc.answer), header: http.Header{}}
			x.header.Set("Content-Type", "application/json")
			for _, name := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id", "X-Request-Id"} {
				if name != tc.without {
					x.header.Set(name, "req-2bb856e1-b3d8-4432-a858-09e4ce939389")
				}
			}
			c.check(t.Context(), x)
			if found := len(c.breaches) > 0; c.checked != 1 || found == tc.right {
				t.Errorf("looked at %d, found %q", c.checked, c.breaches)
			}
		})
	}
}
