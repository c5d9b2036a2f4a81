package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// mayLack is how many calls of EVS the OpenAPI file may still lack. It only falls.
const mayLack = 0

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

// described are the calls of the file, as the list of calls writes them.
func described(doc *openapi3.T) map[string]*openapi3.Operation {
	calls := map[string]*openapi3.Operation{}
	for path, item := range doc.Paths.Map() {
		name := strings.Replace(path, "/{project_id}", "", 1)
		for method, op := range item.Operations() {
			actions, _ := op.Extensions["x-actions"].(map[string]any)
			if actions == nil {
				calls[placeholder.ReplaceAllString(method+" "+name, "{}")] = op
			}
			for action := range actions {
				calls[placeholder.ReplaceAllString(method+" "+name+" "+action, "{}")] = op
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

// Every call of the list is in the file, and no other.
func TestTheOpenAPIFileHasEveryCallOfEVS(t *testing.T) {
	calls, err := readEVSCalls("../../" + evsCallsFile)
	if err != nil {
		t.Fatal(err)
	}
	found, lacks := described(loadOpenAPI(t)), []string{}
	for _, c := range calls {
		name := placeholder.ReplaceAllString(c.String(), "{}")
		if found[name] == nil {
			lacks = append(lacks, c.String())
		} else if _, refused := found[name].Extensions["x-refused"]; refused != strings.HasPrefix(c.note, refusal) {
			t.Errorf("%s: the file says refused %v, the list says %q", c, refused, c.note)
		}
		delete(found, name)
	}
	for name := range found {
		t.Errorf("%s is no call of EVS", name)
	}
	if len(lacks) > mayLack {
		t.Errorf("%d calls are not in the file, more than %d:\n%s", len(lacks), mayLack, strings.Join(lacks, "\n"))
	}
	t.Logf("%d calls are not in the file", len(lacks))
}
