package suite

import (
	"encoding/json"
	"regexp"
	"slices"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
)

// nine are the keys that every snapshot has. Source: both seeds, response.
var nine = []string{"id", "status", "name", "description", "created_at", "metadata", "volume_id", "size", "updated_at"}

// extended are the two reserved keys. Source: seed v2, response.
var extended = []string{"os-extended-snapshot-attributes:progress", "os-extended-snapshot-attributes:project_id"}

// knownStatuses are all that a snapshot may show. Source: EVS snapshot status page.
var knownStatuses = []string{"creating", "available", "error", "deleting", "error_deleting", "rollbacking", "backing-up"}

// answers are statements 68 to 81: the answer to a good update.
func answers() []Statement {
	return []Statement{
		{68, "U2+U3", "the answer is an object with the one key snapshot", wrapped},
		{69, "U2+U3", "the snapshot has all nine keys, also when they are empty", nineKeys},
		{70, "U2+U3", "the keys have their types", keyTypes},
		{71, "U2+U3", "metadata without entries is an empty object", emptyMetadata},
		{72, "U2+U3", "name and description are those after the update", afterValues},
		{73, "U2+U3", "name and description may be null", nullValues},
		{74, "U2+U3", "the answer has no display spellings", noDisplayKeys},
		{75, "U2", "the reserved keys are strings", reservedKeys},
		{76, "U3", "the v3 answer has no reserved keys", noReservedKeys},
		{78, "U2+U3", "v2 answers with the reserved keys as its dialect does, v3 without", reservedByDialect},
		{79, "U2+U3", "a snapshot has no links", noLinks},
		{80, "U3", "higher microversions add keys", addedKeys},
		{81, "U2+U3", "the status is a known one", knownStatus},
	}
}

func wrapped(t T, e *Env) {
	s := e.subject(t)
	a := s.put(t, rename)
	status(t, a, 200)
	if len(a.Object()) != 1 || a.Under("snapshot") == nil {
		t.Errorf("got %s, want one key snapshot", a)
	}
}

func nineKeys(t T, e *Env) {
	s := e.subject(t)
	for _, fields := range []map[string]any{{"name": "n"}, {"name": "", "description": ""}, {"name": nil, "description": nil}} {
		got := s.set(t, fields)
		for _, key := range nine {
			if _, there := got[key]; !there {
				t.Errorf("after %v: no key %s in %v", fields, key, got)
			}
		}
	}
}

func keyTypes(t T, e *Env) {
	got := e.subject(t).set(t, map[string]any{"name": "n", "description": "d"})
	for _, key := range []string{"id", "status", "name", "description", "created_at", "volume_id", "updated_at"} {
		if _, ok := got[key].(string); !ok {
			t.Errorf("%s: got %T, want a string", key, got[key])
		}
	}
	if size, ok := got["size"].(json.Number); !ok || !regexp.MustCompile(`^[0-9]+$`).MatchString(size.String()) {
		t.Errorf("size: got %T %v, want an integer", got["size"], got["size"])
	}
	if _, ok := got["metadata"].(map[string]any); !ok {
		t.Errorf("metadata: got %T, want an object", got["metadata"])
	}
}

func emptyMetadata(t T, e *Env) {
	s := e.subject(t)
	status(t, s.do(t, "PUT", s.url()+"/metadata", `{"metadata":{}}`), 200)
	got := s.set(t, map[string]any{"name": "n"})
	if m, ok := got["metadata"].(map[string]any); !ok || len(m) != 0 {
		t.Errorf("metadata: got %#v, want {}", got["metadata"])
	}
}

func afterValues(t T, e *Env) {
	got := e.subject(t).set(t, map[string]any{"name": "  snap-001 ", "description": "Daily backup"})
	if got["name"] != "snap-001" || got["description"] != "Daily backup" {
		t.Errorf("got %v, want the values as stored", got)
	}
}

func nullValues(t T, e *Env) {
	id, err := e.Demo.CreateSnapshot(t.Context(), map[string]any{"volume_id": e.volume})
	if err != nil {
		t.Fatalf("%v", err)
	}
	s := &subject{Env: e, id: id}
	afterwards(t, s.remove)
	got := s.set(t, map[string]any{"name": "n"})
	if description, there := got["description"]; !there || description != nil {
		t.Errorf("description never set: got %#v, want null", got["description"])
	}
	got = s.set(t, map[string]any{"name": nil})
	if name, there := got["name"]; !there || name != nil {
		t.Errorf("name cleared: got %#v, want null", got["name"])
	}
}

func noDisplayKeys(t T, e *Env) {
	got := e.subject(t).set(t, map[string]any{"display_name": "n", "display_description": "d"})
	for _, key := range []string{"display_name", "display_description"} {
		if value, there := got[key]; there {
			t.Errorf("the answer has %s: %v", key, value)
		}
	}
}

func reservedKeys(t T, e *Env) {
	s := e.subject(t)
	got := s.show(t)
	if e.evs() {
		got = s.set(t, map[string]any{"name": "n"})
	}
	for _, key := range extended {
		if _, ok := got[key].(string); !ok {
			t.Errorf("%s: got %#v, want a string", key, got[key])
		}
	}
}

func noReservedKeys(t T, e *Env) {
	got := e.subject(t).set(t, map[string]any{"name": "n"})
	for _, key := range extended {
		if value, there := got[key]; there {
			t.Errorf("the v3 answer has %s: %v", key, value)
		}
	}
}

func reservedByDialect(t T, e *Env) {
	s := e.subject(t)
	right := map[string]any{extended[0]: "100%", extended[1]: e.Demo.ProjectID}
	got := s.set(t, map[string]any{"name": "n"})
	for _, key := range extended {
		value, there := got[key]
		wanted := e.Version == "v2" && e.evs()
		if there != wanted || (wanted && value != right[key]) {
			t.Errorf("PUT: %s is %#v, want it there: %v", key, value, wanted)
		}
		if value := s.show(t)[key]; value != right[key] {
			t.Errorf("GET: %s is %#v, want %#v", key, value, right[key])
		}
	}
}

func noLinks(t T, e *Env) {
	s := e.subject(t)
	for where, got := range map[string]map[string]any{"PUT": s.set(t, map[string]any{"name": "n"}), "GET": s.show(t)} {
		if _, there := got["links"]; there {
			t.Errorf("%s: the snapshot has links", where)
		}
	}
}

func addedKeys(t T, e *Env) {
	s := e.subject(t)
	highest, _ := e.highest()
	for _, tc := range []struct {
		version        string
		group, user, q bool
	}{
		{"", false, false, false},
		{"volume 3.13", false, false, false},
		{"volume 3.14", true, false, false},
		{"volume 3.40", true, false, false},
		{"volume 3.41", true, true, false},
		{"volume " + highest, true, true, !e.evs()}, // consumes_quota is of 3.65
	} {
		var fields []client.Field
		if tc.version != "" {
			fields = append(fields, client.Field{"OpenStack-API-Version", tc.version})
		}
		a := s.put(t, rename, fields...)
		status(t, a, 200)
		got := a.Under("snapshot")
		group, hasGroup := got["group_snapshot_id"]
		user, hasUser := got["user_id"]
		_, hasQuota := got["consumes_quota"]
		if hasGroup != tc.group || group != nil || hasUser != tc.user || (tc.user && user != e.Demo.UserID) || hasQuota != tc.q {
			t.Errorf("%q: got %v", tc.version, got)
		}
	}
}

func knownStatus(t T, e *Env) {
	got, _ := e.subject(t).set(t, map[string]any{"name": "n"})["status"].(string)
	if !slices.Contains(knownStatuses, got) {
		t.Errorf("status: got %q, want one of %v", got, knownStatuses)
	}
}

// timeForm is a time of the API: UTC, six digits, no zone. Source: both seeds.
var timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$`)

// times are statements 83 to 90.
func times() []Statement {
	return []Statement{
		{83, "U2+U3", "times are UTC with six digits and no zone", timesHaveTheForm},
		{84, "U2+U3", "six digits are printed whatever the fraction", sixDigits},
		{85, "U2+U3", "times have no zone letter", goClientsCanParse},
		{86, "U2+U3", "an update leaves created_at", createdStays},
		{87, "U2+U3", "updated_at is the time of this update", updatedIsNow},
		{88, "U2+U3", "updated_at is null before any change", nullBeforeChange},
		{90, "U2+U3", "an update to the same values still counts", sameValuesCount},
	}
}

func (s *subject) times(t T, got map[string]any) (created, updated string) {
	t.Helper()
	created, _ = got["created_at"].(string)
	updated, _ = got["updated_at"].(string)
	for key, value := range map[string]string{"created_at": created, "updated_at": updated} {
		if !timeForm.MatchString(value) {
			t.Errorf("%s: got %#v, want YYYY-MM-DDTHH:MM:SS.XXXXXX", key, got[key])
		}
	}
	return created, updated
}

func timesHaveTheForm(t T, e *Env) {
	s := e.subject(t)
	s.times(t, s.set(t, map[string]any{"name": "n"}))
	s.times(t, s.show(t))
}

func sixDigits(t T, e *Env) {
	s := e.subject(t)
	for range 20 { // fractions that end in zeros are among them
		s.times(t, s.set(t, map[string]any{"name": "n"}))
	}
}

// goLayout is how gophercloud and its kin read a time. Source: their source.
const goLayout = "2006-01-02T15:04:05.999999"

func goClientsCanParse(t T, e *Env) {
	s := e.subject(t)
	for _, got := range []map[string]any{s.set(t, map[string]any{"name": "n"}), s.show(t)} {
		for _, key := range []string{"created_at", "updated_at"} {
			text, _ := got[key].(string)
			if _, err := time.Parse(goLayout, text); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

func createdStays(t T, e *Env) {
	s := e.subject(t)
	before, _ := s.times(t, s.seen)
	after, _ := s.times(t, s.set(t, map[string]any{"name": "n"}))
	if before != after {
		t.Errorf("created_at: got %s, want %s as before", after, before)
	}
}

func updatedIsNow(t T, e *Env) {
	s := e.subject(t)
	_, before := s.times(t, s.seen)
	_, answered := s.times(t, s.set(t, map[string]any{"name": "n"}))
	_, stored := s.times(t, s.show(t))
	if answered != stored || stored <= before {
		t.Errorf("updated_at: answered %s, stored %s, before %s; want the new time in both", answered, stored, before)
	}
}

func nullBeforeChange(t T, e *Env) {
	a := e.do(t, "POST", e.path("/snapshots"), map[string]any{"snapshot": map[string]any{"volume_id": e.volume}})
	status(t, a, 202)
	made := a.Under("snapshot")
	id, _ := made["id"].(string)
	s := &subject{Env: e, id: id}
	afterwards(t, s.remove)
	if updated, there := made["updated_at"]; !there || updated != nil {
		t.Errorf("updated_at of a fresh snapshot: got %#v, want null", made["updated_at"])
	}
	if _, err := e.Demo.Settle(t.Context(), "snapshots", id); err != nil {
		t.Fatalf("%v", err)
	}
	if updated, _ := s.show(t)["updated_at"].(string); !timeForm.MatchString(updated) {
		t.Errorf("updated_at once available: got %#v, want a time", s.seen["updated_at"])
	}
}

func sameValuesCount(t T, e *Env) {
	s := e.subject(t)
	_, first := s.times(t, s.set(t, map[string]any{"name": "same", "description": "same"}))
	_, second := s.times(t, s.set(t, map[string]any{"name": "same", "description": "same"}))
	if second <= first {
		t.Errorf("updated_at: got %s after %s, want a later time", second, first)
	}
}
