package suite

import (
	"fmt"
	"strings"
)

// usageOperations are extensions of Breezeblock: what a volume takes.
func usageOperations() []Operation {
	return []Operation{{"volume.usage", nil, volumeUsage}}
}

func volumeUsage(t T, e *Env) {
	id := e.ownVolume(t)
	s := e.subjectOf(t, id)
	url := e.path("/volumes/" + id + "/usage")
	a := e.do(t, "GET", url, nil)
	status(t, a, 200)
	got := a.Under("usage")
	if got["volume_id"] != id || fmt.Sprintf("%v %v", got["logical"], got["mapped"]) != "1073741824 0" {
		t.Errorf("got %s, want 1 GiB that holds no data", a)
	}
	snaps, _ := got["snapshots"].([]any)
	if len(snaps) != 1 {
		t.Fatalf("got %s, want one snapshot", a)
	}
	if one, _ := snaps[0].(map[string]any); one["snapshot_id"] != s.id {
		t.Errorf("got %v, want snapshot %s", one, s.id)
	}
	e.fault(t, e.do(t, "GET", e.path("/volumes/"+unknownID+"/usage"), nil), 404, "itemNotFound")
	if e.Reader != nil {
		status(t, e.as(t, e.Reader, "GET", url, nil), 200)
	}
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "GET", strings.Replace(url, e.Demo.ProjectID, e.Other.ProjectID, 1), nil), 404, "itemNotFound")
	}
}
