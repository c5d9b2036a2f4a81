package compat_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/compat/client"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

// TestTheRecycleBinGivesBackWhatItKeeps is the part of the recycle bin that needs a
// disk of some age, which the suite cannot wait for: here two days go by at once.
func TestTheRecycleBinGivesBackWhatItKeeps(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	to := target(t, "evs", testserver.Now(func() time.Time { return time.Now().Add(time.Duration(later.Load())) }))
	c := holdAnswers(t, to)
	for call, why := range unseen {
		if why == tooYoung {
			c.must = append(c.must, call)
		}
	}
	logIn := func() *client.Session {
		t.Helper()
		demo, err := to.LogIn(t.Context(), to.Demo)
		if err != nil {
			t.Fatal(err)
		}
		return demo
	}
	demo := logIn()
	call := func(method, path string, body any, want int) map[string]any {
		t.Helper()
		a, err := demo.Do(t.Context(), client.Request{Method: method, Path: "/v3/" + demo.ProjectID + path, Body: body})
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != want {
			t.Fatalf("%s %s: got %s, want %d", method, path, a, want)
		}
		return a.Object()
	}
	call("PUT", "/recycle-bin-volumes/policy", `{"switch":true,"threshold_time":1,"keep_time":3}`, 200)
	const enterprise = "6b9f0c1e-3a5d-4c4e-8f5a-2d1f7c0a9e11"
	made := call("POST", "/cloudvolumes", `{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1,"name":"back","metadata":{"create_for_volume_id":"true"},"enterprise_project_id":"`+enterprise+`"}}`, 200)
	back := fmt.Sprint(made["volume_ids"].([]any)[0])
	if status, err := demo.Settle(t.Context(), "volumes", back); err != nil || status != "available" {
		t.Fatalf("the disk became %q (%v)", status, err)
	}
	id, err := demo.CreateVolume(t.Context(), map[string]any{"size": 1, "name": "gone", "metadata": map[string]string{"k": "v"}})
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{back, id}
	later.Store(int64(48 * time.Hour))
	demo = logIn() // the token is over
	for _, id := range ids {
		call("DELETE", "/volumes/"+id, nil, 202)
		if status, err := demo.Settle(t.Context(), "volumes", id); err != nil || status != "" {
			t.Fatalf("the disk is %q (%v), want it out of sight", status, err)
		}
	}
	all := call("GET", "/recycle-bin-volumes/detail", nil, 200)
	if rows, _ := all["volumes"].([]any); len(rows) != 2 || fmt.Sprint(all["count"]) != "2" {
		t.Errorf("the bin has %v", all)
	}
	if shown, _ := call("GET", "/recycle-bin-volumes/"+ids[0], nil, 200)["volume"].(map[string]any); shown["id"] != ids[0] || shown["name"] != "back" || shown["enterprise_project_id"] != enterprise {
		t.Errorf("it shows %v", shown)
	}
	call("POST", "/recycle-bin-volumes/"+ids[0]+"/revert", nil, 204)
	if status, err := demo.Settle(t.Context(), "volumes", ids[0]); err != nil || status != "available" {
		t.Errorf("what was given back is %q (%v)", status, err)
	}
	call("DELETE", "/recycle-bin-volumes/"+ids[1], nil, 200)
	call("GET", "/recycle-bin-volumes/"+ids[0], nil, 404)
}
