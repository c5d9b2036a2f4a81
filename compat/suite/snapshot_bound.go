package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/breezeblock/breezeblock/compat/client"
)

// SnapshotBounds is how many snapshots a server's settings let one volume have. Standard
// is above Legacy, and Instant is not.
type SnapshotBounds struct {
	Legacy   int // made by the Cinder family and cloudsnapshots
	Standard int // made by v5
	Instant  int // with instant access
}

// Run holds a server to its bounds, and to a quota that stands above them.
// Source: evs-status 2.3; EVS 5.1.
func (b SnapshotBounds) Run(t T, e *Env) {
	e.needAdmin(t)
	volume := e.ownVolume(t)
	make1 := func(path, members string) *client.Answer {
		return e.do(t, "POST", path, `{"snapshot":{"volume_id":"`+volume+`"`+members+`}}`)
	}
	legacy, native, standard := e.path("/snapshots"), e.native("/v2", "/cloudsnapshots"), e.native("/v5", "/snapshots")
	full := func(most int, answers ...*client.Answer) {
		t.Helper()
		for _, a := range answers {
			if a.Status != 413 || !strings.Contains(string(a.Body), fmt.Sprintf("(%d)", most)) {
				t.Errorf("got %s, want 413 and the limit %d named", a, most)
			}
		}
	}
	for i := range b.Legacy {
		e.snapshotMade(t, make1([]string{legacy, native}[i%2], ""))
	}
	full(b.Legacy, make1(legacy, ""), make1(native, ""))
	for i := b.Legacy; i < b.Standard; i++ {
		e.snapshotMade(t, make1(standard, ""))
	}
	full(b.Standard, make1(standard, ""))
	full(b.Legacy, make1(legacy, ""))
	e.boundSnapshots(t, b.Standard+1)
	e.snapshotMade(t, make1(legacy, ""))
	full(b.Standard+1, make1(legacy, ""), make1(native, ""), make1(standard, ""))
	e.boundSnapshots(t, -1) // as many as there can be
	e.snapshotMade(t, make1(native, ""))
	a := e.do(t, "GET", e.path("/snapshots?volume_id="+volume), nil)
	if n := len(rowsOf(a, "snapshots")); n != b.Standard+2 {
		t.Errorf("there are %d snapshots, want %d", n, b.Standard+2)
	}
	status(t, e.as(t, e.Admin, "DELETE", "/v3/"+e.Admin.ProjectID+"/os-quota-sets/"+e.Demo.ProjectID, nil), 200)
	if err := e.Admin.SetQuota(t.Context(), e.Demo.ProjectID, map[string]int{"snapshots": 2000, "volumes": 2000, "gigabytes": 20000}); err != nil {
		t.Fatalf("%v", err)
	}
	volume = e.ownVolume(t)
	for range b.Instant {
		e.snapshotMade(t, make1(standard, `,"instant_access":true`))
	}
	full(b.Instant, make1(standard, `,"instant_access":true`))
}

// snapshotMade waits for the snapshot of an answer, which goes with the function.
func (e *Env) snapshotMade(t T, a *client.Answer) {
	t.Helper()
	id, family := a.Under("snapshot")["id"].(string)
	if !family {
		id, _ = a.Object()["snapshot_id"].(string)
	}
	if a.Status != 202 || id == "" {
		t.Fatalf("got %s, want a snapshot", a)
	}
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "snapshots", id) })
	e.comesTo(t, "snapshots", id, "available")
}

// boundSnapshots sets how many snapshots each of demo's volumes may have.
func (e *Env) boundSnapshots(t T, most int) {
	t.Helper()
	if err := e.Admin.SetQuota(t.Context(), e.Demo.ProjectID, map[string]int{"per_volume_snapshots": most}); err != nil {
		t.Fatalf("%v", err)
	}
}
