package suite

import (
	"context"
	"fmt"
	"slices"

	"github.com/breezeblock/breezeblock/compat/client"
)

func rollbackOperations() []Operation {
	return []Operation{
		{"cloudsnapshot.rollback", []string{"v2"}, cloudRollback},
		{"vendor_snapshot.rollback", nil, vendorRollback},
		{"volume.revert", []string{"v3"}, volumeRevert},
	}
}

// safetyKey asks for a snapshot before the rollback: an extension of Breezeblock.
const safetyKey = "breezeblock:safety_snapshot"

// cloudRollback is the native call, with native faults. Source: EVS API 4.3.
func cloudRollback(t T, e *Env) {
	e.rollback(t, "cloudsnapshots", func(a *client.Answer, status int) {
		code, _ := a.Under("error")["code"].(string)
		want := map[int][]string{400: {"EVS.5400", "EVS.1002", "EVS.1018"}, 404: {"EVS.5404"}}[status] // anything, an id, a type
		if a.Status != status || !slices.Contains(want, code) {
			t.Errorf("got %s, want %d and one of %s", a, status, want)
		}
	})
}

func vendorRollback(t T, e *Env) {
	e.rollback(t, "os-vendor-snapshots", func(a *client.Answer, status int) {
		e.fault(t, a, status, map[int]string{400: "badRequest", 404: "itemNotFound"}[status])
	})
}

// rollback tries one family's call: to the older of two snapshots, which both stay.
func (e *Env) rollback(t T, family string, refused func(a *client.Answer, status int)) {
	volume := e.ownVolume(t)
	older, newer := e.subjectOf(t, volume), e.subjectOf(t, volume)
	url := func(id string) string { return e.path("/" + family + "/" + id + "/rollback") }
	body := func(more string) string { return `{"rollback":{"volume_id":"` + volume + `"` + more + `}}` }
	for _, bad := range []string{`{}`, `{"rollback":null}`, `{"rollback":{}}`, `{"rollback":{"volume_id":5}}`, `{"rollback":{"volume_id":"x"}}`,
		body(`,"name":5`), body(`,"size":9`), body(`,"` + safetyKey + `":"maybe"`), `{"rollback":{"volume_id":"` + e.volume + `"}}`,
		`{"rollback":{"volume_id":"` + volume + `"},"x":1}`} {
		refused(e.do(t, "POST", url(older.id), bad), 400)
	}
	refused(e.do(t, "POST", url(unknownID), body("")), 404)
	older.untouched(t, "a refused rollback")

	a := e.do(t, "POST", url(older.id), body(`,"name":"a name of the volume"`))
	status(t, a, 202)
	if got := a.Under("rollback"); fmt.Sprint(got) != "map[volume_id:"+volume+"]" {
		t.Errorf("got %s, want the volume's id alone", a)
	}
	e.rolledBack(t, volume, older)
	newer.untouched(t, "a rollback to another snapshot")

	a = e.do(t, "POST", url(older.id), body(`,"`+safetyKey+`":true`))
	status(t, a, 202)
	id, _ := a.Under("rollback")[safetyKey+"_id"].(string)
	safety := &subject{Env: e, id: id}
	afterwards(t, safety.remove)
	e.rolledBack(t, volume, older)
	if settled, err := e.Demo.Settle(t.Context(), "snapshots", id); err != nil || settled != "available" {
		t.Fatalf("the safety snapshot became %q (%v), want available", settled, err)
	}
	if got := safety.show(t); got["volume_id"] != volume || got["name"] != "before rollback to "+older.id || a.Header.Get("Breezeblock-Safety-Snapshot") != id {
		t.Errorf("the safety snapshot is %v, told as %q", got, a.Header.Get("Breezeblock-Safety-Snapshot"))
	}
	status(t, e.do(t, "POST", url(id), body("")), 202) // undone
	e.rolledBack(t, volume, safety)
	e.rollbackHasItsStatuses(t, volume, older, func() { refused(e.do(t, "POST", url(older.id), body("")), 400) })
}

// rolledBack waits until volume and snapshot rest again.
func (e *Env) rolledBack(t T, volume string, to *subject) {
	t.Helper()
	for noun, id := range map[string]string{"volumes": volume, "snapshots": to.id} {
		if settled, err := e.Demo.Settle(t.Context(), noun, id); err != nil || settled != "available" {
			t.Fatalf("%s %s became %q (%v), want available", noun, id, settled, err)
		}
	}
}

// rollbackHasItsStatuses checks what is refused. Source: evs-status.md 1.1, 2.1, 4.1.
func (e *Env) rollbackHasItsStatuses(t T, volume string, s *subject, isRefused func()) {
	t.Helper()
	for _, name := range []string{"autobk_snapshot_vbs_1", "manualbk_snapshot_vbs_1"} { // as a backup names its own
		s.set(t, map[string]any{"name": name})
		isRefused()
	}
	s.set(t, map[string]any{"name": "plain again"})
	if e.Admin == nil {
		return
	}
	both := map[string]string{"volumes": volume, "snapshots": s.id}
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "snapshots", s.id, "available") })
	afterwards(t, func(ctx context.Context) error { return e.Admin.ResetStatus(ctx, "volumes", volume, "available") })
	for noun, id := range both {
		for _, state := range []string{"error", "creating", "deleting"} {
			if err := e.Admin.ResetStatus(t.Context(), noun, id, state); err != nil {
				t.Fatalf("%v", err)
			}
			isRefused()
		}
		if err := e.Admin.ResetStatus(t.Context(), noun, id, "available"); err != nil {
			t.Fatalf("%v", err)
		}
	}
}

// volumeRevert is Cinder's call: of 3.40, to the newest snapshot, of the same size,
// both available. Source: Cinder api/v3/volumes.py revert.
func volumeRevert(t T, e *Env) {
	volume := e.ownVolume(t)
	action := e.path("/volumes/" + volume + "/action")
	since := client.Field{"OpenStack-API-Version", "volume 3.40"}
	revert := func(snapshot string) *client.Answer {
		return e.do(t, "POST", action, `{"revert":{"snapshot_id":`+snapshot+`}}`, since)
	}
	if message := e.fault(t, revert("null"), 400, "badRequest"); message != "Volume "+volume+" doesn't have any snapshots." {
		t.Errorf("without snapshots: %q", message)
	}
	older, newest := e.subjectOf(t, volume), e.subjectOf(t, volume)
	before := e.do(t, "POST", action, `{"revert":{"snapshot_id":"`+newest.id+`"}}`, client.Field{"OpenStack-API-Version", "volume 3.39"})
	if before.Status != 404 {
		t.Errorf("at 3.39: got %s, want 404", before)
	}
	for given, told := range map[string]string{`"` + older.id + `"`: older.id, "null": "None", `"x"`: "x"} {
		want := "Specified snapshot " + told + " is None or not the latest one of volume " + volume + "."
		if message := e.fault(t, revert(given), 400, "badRequest"); message != want {
			t.Errorf("to %s: got %q, want %q", given, message, want)
		}
	}
	e.fault(t, revert("5"), 400, "badRequest")
	e.fault(t, e.do(t, "POST", e.path("/volumes/"+unknownID+"/action"), `{"revert":{"snapshot_id":"`+newest.id+`"}}`, since), 404, "itemNotFound")

	status(t, revert(`"`+newest.id+`"`), 202)
	e.rolledBack(t, volume, newest)
	a := e.do(t, "POST", action, `{"revert":{"snapshot_id":"`+newest.id+`","`+safetyKey+`":true}}`, since)
	status(t, a, 202)
	safety := &subject{Env: e, id: a.Header.Get("Breezeblock-Safety-Snapshot")}
	afterwards(t, safety.remove)
	e.rolledBack(t, volume, newest)
	if settled, err := e.Demo.Settle(t.Context(), "snapshots", safety.id); err != nil || settled != "available" {
		t.Fatalf("the safety snapshot became %q (%v), want available", settled, err)
	}
	e.fault(t, revert(`"`+newest.id+`"`), 400, "badRequest") // the safety snapshot is newer
	e.revertHasItsStatuses(t, volume, safety, func() *client.Answer { return revert(`"` + safety.id + `"`) })
	status(t, e.do(t, "POST", action, `{"os-extend":{"new_size":2}}`), 202)
	if settled, err := e.Demo.Settle(t.Context(), "volumes", volume); err != nil || settled != "available" {
		t.Fatalf("extended it became %q (%v), want available", settled, err)
	}
	want := "Can't revert volume " + volume + " to its latest snapshot " + safety.id + ". The volume size must be equal to the snapshot size."
	if message := e.fault(t, revert(`"`+safety.id+`"`), 400, "badRequest"); message != want {
		t.Errorf("extended since: got %q, want %q", message, want)
	}
	e.revertBesideBackup(t)
}

// revertBesideBackup reverts to the newest snapshot although a backup has taken its own
// since, and not to that.
func (e *Env) revertBesideBackup(t T) {
	t.Helper()
	volume := e.ownVolume(t)
	own := e.subjectOf(t, volume)
	e.backedUp(t, volume, nil)
	e.comesTo(t, "volumes", volume, "available")
	for _, row := range rowsOf(e.do(t, "GET", e.path("/snapshots?volume_id="+volume), nil), "snapshots") {
		id := fmt.Sprint(row["id"])
		a := e.do(t, "POST", e.path("/volumes/"+volume+"/action"), `{"revert":{"snapshot_id":"`+id+`"}}`, client.Field{"OpenStack-API-Version", "volume 3.40"})
		if id != own.id {
			e.fault(t, a, 400, "badRequest")
			continue
		}
		status(t, a, 202)
		e.rolledBack(t, volume, own)
	}
}

// revertHasItsStatuses checks the conflicts of statuses.
func (e *Env) revertHasItsStatuses(t T, volume string, s *subject, revert func() *client.Answer) {
	t.Helper()
	if e.Admin == nil {
		return
	}
	begin := "Can't revert volume " + volume + " to its latest snapshot " + s.id + "."
	for _, tc := range []struct{ noun, id, want string }{
		{"volumes", volume, "Invalid volume: " + begin + " Volume's status must be 'available'."},
		{"snapshots", s.id, "Invalid snapshot: " + begin + " Snapshot's status must be 'available'."},
	} {
		if err := e.Admin.ResetStatus(t.Context(), tc.noun, tc.id, "error"); err != nil {
			t.Fatalf("%v", err)
		}
		if message := e.fault(t, revert(), 409, "conflictingRequest"); message != tc.want {
			t.Errorf("got %q, want %q", message, tc.want)
		}
		if err := e.Admin.ResetStatus(t.Context(), tc.noun, tc.id, "available"); err != nil {
			t.Fatalf("%v", err)
		}
	}
}
