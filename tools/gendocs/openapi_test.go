package main

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func loadOpenAPI(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../../docs/evs-openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheOpenAPIFileIsValid(t *testing.T) {
	doc := loadOpenAPI(t)
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	used := map[string]bool{}
	for _, op := range operationsOf(doc) {
		if used[op.OperationID] {
			t.Errorf("two calls have the id %s", op.OperationID)
		}
		used[op.OperationID] = true
	}
}

// describedCall is a call of the file: its operation, and which answers are no failures.
type describedCall struct {
	operation *openapi3.Operation
	statuses  []string
}

// described are the calls of the file, as the list of calls writes them.
func described(t *testing.T, doc *openapi3.T) map[string]describedCall {
	t.Helper()
	calls := map[string]describedCall{}
	for path, item := range doc.Paths.Map() {
		name := strings.Replace(path, "/{project_id}", "", 1)
		for method, op := range item.Operations() {
			add := func(action string, statuses iter.Seq[string]) {
				call := strings.TrimSpace(method + " " + name + " " + action)
				calls[placeholder.ReplaceAllString(call, "{}")] = describedCall{op, slices.Sorted(statuses)}
			}
			text, err := json.Marshal(op.Extensions["x-actions"])
			if err != nil {
				t.Fatal(err)
			}
			var actions map[string]struct{ Answers map[string]string }
			if err := json.Unmarshal(text, &actions); err != nil {
				t.Fatal(err)
			}
			for action, of := range actions {
				add(action, maps.Keys(of.Answers))
			}
			if actions == nil {
				answers := maps.Clone(op.Responses.Map())
				maps.DeleteFunc(answers, func(status string, _ *openapi3.ResponseRef) bool { return status >= "400" })
				add("", maps.Keys(answers))
			}
		}
	}
	return calls
}

func operationsOf(doc *openapi3.T) []*openapi3.Operation {
	var all []*openapi3.Operation
	for _, item := range doc.Paths.Map() {
		all = append(all, slices.Collect(maps.Values(item.Operations()))...)
	}
	return all
}

// Every call of the list is in the file, and no other; it is refused where the list
// says so, and answers with the status of its route otherwise.
func TestTheOpenAPIFileHasEveryCallOfEVS(t *testing.T) {
	calls, err := readEVSCalls("../../" + evsCallsFile)
	if err != nil {
		t.Fatal(err)
	}
	found, rows := described(t, loadOpenAPI(t)), evsRows()
	for _, c := range calls {
		name := placeholder.ReplaceAllString(c.String(), "{}")
		call, there := found[name]
		delete(found, name)
		if !there {
			t.Errorf("%s is not in the file", c)
			continue
		}
		_, refused := call.operation.Extensions["x-refused"]
		if refused != strings.HasPrefix(c.note, refusal) {
			t.Errorf("%s: refused is %v in the file; the list says %q", c, refused, c.note)
		}
		row, is := rowOf(c, rows)
		if want := []string{strconv.Itoa(row.OK)}; is && !refused && !slices.Equal(call.statuses, want) {
			t.Errorf("%s: the file says %v, the route %v", c, call.statuses, want)
		}
	}
	for name := range found {
		t.Errorf("%s is no call of EVS", name)
	}
}
