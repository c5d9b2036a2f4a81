package suite

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// bodies are statements 16 to 42: what a request body may be.
func bodies() []Statement {
	return []Statement{
		{16, "U2+U3", "the body is an object with the one key snapshot", envelope},
		{17, "U2+U3", "name is the new name", nameField},
		{18, "U2+U3", "description is the new description", descriptionField},
		{19, "U3", "display_name is another spelling of name", displayName},
		{20, "U3", "display_description is another spelling of description", displayDescription},
		{22, "U3", "name wins over display_name", nameWins},
		{23, "U3", "description wins over display_description", descriptionWins},
		{24, "U3", "display_name alone sets the name", displayName},
		{25, "U3", "display_description alone sets the description", displayDescription},
		{26, "U3", "mixed pairs of spellings work", mixedPairs},
		{27, "U2", "the display spellings are taken on v2 too", displayOnV2},
		{28, "U2+U3", "an absent field keeps its value", absentKeeps},
		{29, "U2+U3", "name alone leaves the description, and the other way round", absentKeeps},
		{30, "U2+U3", "an empty snapshot object is refused", neither},
		{31, "U2+U3", "one of the two fields is enough", oneIsEnough},
		{32, "U2+U3", "a body without snapshot is refused", noEnvelope},
		{33, "U2+U3", "no body at all is refused", noBody},
		{34, "U2+U3", "a body that is no JSON is malformed", noJSON},
		{35, "U2+U3", "a top level that is no object is refused", topLevel},
		{36, "U2+U3", "a snapshot that is no object is refused", snapshotNoObject},
		{37, "U2+U3", "an unknown key inside snapshot is refused", unknownInside},
		{38, "U2+U3", "an unknown key beside snapshot is refused", unknownBeside},
		{39, "U2+U3", "fields that only read are unknown keys", readOnlyFields},
		{40, "U2+U3", "metadata is not changed by an update", metadataInBody},
		{41, "U2+U3", "of duplicate keys the last one wins", duplicateKeys},
		{42, "U2+U3", "keys are case-sensitive", caseOfKeys},
	}
}

// brief is a body for a message that people read.
func brief(body any) string {
	text, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			return fmt.Sprint(body)
		}
		text = string(b)
	}
	if len(text) > 120 {
		return fmt.Sprintf("%.120q… (%d bytes)", text, len(text))
	}
	return fmt.Sprintf("%q", text)
}

func envelope(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"name":"n","description":"d"}}`, "n", "d")
	s.refused(t, `{"name":"x","description":"y"}`)
	s.refused(t, `{"volume":{"name":"x"}}`)
}

func nameField(t T, e *Env) {
	e.subject(t).stored(t, `{"snapshot":{"name":"snap-001"}}`, "snap-001", oldDescription)
}

func descriptionField(t T, e *Env) {
	e.subject(t).stored(t, `{"snapshot":{"description":"Daily backup"}}`, oldName, "Daily backup")
}

func displayName(t T, e *Env) {
	e.subject(t).stored(t, `{"snapshot":{"display_name":"B"}}`, "B", oldDescription)
}

func displayDescription(t T, e *Env) {
	e.subject(t).stored(t, `{"snapshot":{"display_description":"E"}}`, oldName, "E")
}

func nameWins(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"name":"A","display_name":"B"}}`, "A", oldDescription)
	s.stored(t, `{"snapshot":{"display_name":"B","name":"A2"}}`, "A2", oldDescription)
}

func descriptionWins(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"description":"D","display_description":"E"}}`, oldName, "D")
	s.stored(t, `{"snapshot":{"display_description":"E","description":"D2"}}`, oldName, "D2")
	s.stored(t, `{"snapshot":{"name":"A","display_name":"B","description":"D","display_description":"E"}}`, "A", "D")
}

func mixedPairs(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"name":"A","display_description":"E"}}`, "A", "E")
	s.stored(t, `{"snapshot":{"display_name":"B","description":"D"}}`, "B", "D")
}

func displayOnV2(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"display_name":"B"}}`, "B", oldDescription)
	s.stored(t, `{"snapshot":{"display_description":"E"}}`, "B", "E")
	s.stored(t, `{"snapshot":{"name":"A","display_name":"B","description":"D","display_description":"E"}}`, "A", "D")
}

func absentKeeps(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"name":"n1"}}`, "n1", oldDescription)
	s.stored(t, `{"snapshot":{"description":"d1"}}`, "n1", "d1")
	s.stored(t, `{"snapshot":{"name":"n2"}}`, "n2", "d1")
}

func neither(t T, e *Env) {
	e.subject(t).refused(t, `{"snapshot":{}}`)
}

func oneIsEnough(t T, e *Env) {
	s := e.subject(t)
	status(t, s.put(t, `{"snapshot":{"name":"n"}}`), 200)
	status(t, s.put(t, `{"snapshot":{"description":"d"}}`), 200)
}

func noEnvelope(t T, e *Env) {
	e.subject(t).refused(t, `{}`)
}

func noBody(t T, e *Env) {
	s := e.subject(t)
	s.refused(t, "")
	s.refused(t, " \r\n\t ")
	a := s.raw(t, client.Raw{Method: "PUT", Target: s.url(), Fields: []client.Field{
		{"X-Auth-Token", e.Demo.Token}, {"Content-Type", "application/json"}}})
	e.fault(t, a, 400, "badRequest")
	s.untouched(t, "no body")
}

func noJSON(t T, e *Env) {
	s := e.subject(t)
	for _, body := range []string{
		`not json`, `{`, `{"snapshot":`, `{"snapshot":{"name":"n1"}`, `{"snapshot":{"name":"n1"}}}`,
		`{"snapshot":{"name":"n1"}} {"snapshot":{"name":"n2"}}`, `{"snapshot":{"name":"n1"}} x`,
		`{'snapshot': {'name': 'n1'}}`, `{"snapshot":{"name":"n1",}}`, `{"snapshot":{name:"n1"}}`,
		`// n` + "\n" + `{"snapshot":{"name":"n1"}}`, "\ufeff" + `{"snapshot":{"name":"n1"}}`,
		"{\"snapshot\":{\"name\":\"a\nb\"}}", `{"snapshot":{"name":"\x41"}}`, `snapshot[name]=n1`,
	} {
		if message := s.refused(t, body); message != "Malformed request body" {
			t.Errorf("%s: message is %q, want %q", brief(body), message, "Malformed request body")
		}
	}
}

func topLevel(t T, e *Env) {
	s := e.subject(t)
	for _, body := range []string{`[]`, `[{"snapshot":{"name":"n"}}]`, `"snapshot"`, `""`, `1`, `1.5`, `true`, `false`, `null`} {
		s.refused(t, body)
	}
}

func snapshotNoObject(t T, e *Env) {
	s := e.subject(t)
	for _, value := range []string{`null`, `[]`, `[{"name":"n"}]`, `"x"`, `""`, `1`, `0`, `true`} {
		s.refused(t, `{"snapshot":`+value+`}`)
	}
}

func unknownInside(t T, e *Env) {
	s := e.subject(t)
	message := s.refused(t, `{"snapshot":{"name":"n","foo":"bar"}}`)
	if !strings.Contains(message, "foo") {
		t.Errorf("the message %q does not name the key", message)
	}
	s.refused(t, `{"snapshot":{"foo":"bar"}}`)
	s.refused(t, `{"snapshot":{"name":"n","":""}}`)
}

func unknownBeside(t T, e *Env) {
	s := e.subject(t)
	for _, key := range []string{"extra", "type", "id", "Snapshot", ""} {
		s.refused(t, `{"snapshot":{"name":"n"},"`+key+`":1}`)
	}
}

func readOnlyFields(t T, e *Env) {
	s := e.subject(t)
	for _, field := range []string{
		`"id":"` + unknownID + `"`, `"status":"error"`, `"size":9`, `"volume_id":"` + unknownID + `"`,
		`"created_at":"2013-02-25T03:56:53.081642"`, `"updated_at":"2013-02-25T03:56:53.081642"`,
		`"user_id":"x"`, `"project_id":"x"`, `"group_snapshot_id":null`, `"consumes_quota":true`,
		`"os-extended-snapshot-attributes:progress":"1%"`, `"os-extended-snapshot-attributes:project_id":"x"`,
	} {
		s.refused(t, `{"snapshot":{"name":"n",`+field+`}}`)
		s.refused(t, `{"snapshot":{`+field+`}}`)
	}
}

func metadataInBody(t T, e *Env) {
	s := e.subject(t)
	s.refused(t, `{"snapshot":{"name":"n","metadata":{"k":"changed"}}}`)
	s.refused(t, `{"snapshot":{"metadata":{"k":"changed"}}}`)
	s.refused(t, `{"snapshot":{"name":"n"},"metadata":{"k":"changed"}}`)
}

func duplicateKeys(t T, e *Env) {
	s := e.subject(t)
	s.stored(t, `{"snapshot":{"name":"first","name":"last"}}`, "last", oldDescription)
	s.stored(t, `{"snapshot":{"name":5,"name":"good"}}`, "good", oldDescription)
	s.stored(t, `{"snapshot":{"name":"first"},"snapshot":{"description":"d"}}`, "good", "d")
	s.refused(t, `{"snapshot":{"name":"good","name":5}}`)
}

func caseOfKeys(t T, e *Env) {
	s := e.subject(t)
	for _, body := range []string{`{"Snapshot":{"name":"n"}}`, `{"SNAPSHOT":{"name":"n"}}`, `{"snapshot":{"Name":"n"}}`,
		`{"snapshot":{"name":"n","Name":"m"}}`, `{"snapshot":{"Display_Name":"n"}}`, `{"snapshot":{"DESCRIPTION":"d"}}`} {
		s.refused(t, body)
	}
}
