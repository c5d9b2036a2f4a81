package suite

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/breezeblock/breezeblock/compat/client"
)

func transferOperations() []Operation {
	v3 := []string{"v3"}
	old, whole := offersAt{path: "/os-volume-transfer"}, offersAt{path: "/volume-transfers", version: "3.57"}
	return []Operation{
		{"transfer.create", nil, old.create},
		{"transfer.list", nil, old.list},
		{"transfer.list_details", nil, old.list},
		{"transfer.show", nil, old.show},
		{"transfer.delete", nil, old.withdraw},
		{"transfer.accept", nil, old.accept},
		{"volume_transfer.create", v3, whole.create},
		{"volume_transfer.list", v3, whole.list},
		{"volume_transfer.list_details", v3, whole.list},
		{"volume_transfer.show", v3, whole.show},
		{"volume_transfer.delete", v3, whole.withdraw},
		{"volume_transfer.accept", v3, whole.accept},
	}
}

// offersAt is one of the two names of transfers. The older takes no choice of snapshots.
type offersAt struct {
	path    string
	version string // asked for on v3
}

func (o offersAt) fields() []client.Field {
	if o.version == "" {
		return nil
	}
	return []client.Field{{"OpenStack-API-Version", "volume " + o.version}}
}

// above tells whether the target serves the version of the longer answers.
func (o offersAt) above(e *Env) bool { return o.version != "" && !e.evs() }

// offer makes a transfer of a volume of its own.
func (o offersAt) offer(t T, e *Env) (volume string, transfer map[string]any) {
	t.Helper()
	if e.evs() {
		o.version = ""
	}
	volume = e.ownVolume(t)
	a := e.do(t, "POST", e.path(o.path), map[string]any{"transfer": map[string]any{"volume_id": volume, "name": " gift "}}, o.fields()...)
	status(t, a, 202)
	afterwards(t, func(ctx context.Context) error { // so that the volume can be deleted
		_, err := e.Demo.Do(ctx, client.Request{Method: "DELETE", Path: e.path(o.path + "/" + fmt.Sprint(a.Under("transfer")["id"]))})
		return err
	})
	return volume, a.Under("transfer")
}

func (o offersAt) create(t T, e *Env) {
	volume, made := o.offer(t, e)
	if key, _ := made["auth_key"].(string); len(key) != 16 || made["volume_id"] != volume || made["name"] != "gift" {
		t.Errorf("got %v, want a key of 16 digits, the volume and the trimmed name", made)
	}
	if o.above(e) && (made["no_snapshots"] != false || made["source_project_id"] != e.Demo.ProjectID || made["destination_project_id"] != nil || made["accepted"] != false) {
		t.Errorf("got %v, want the fields of 3.57", made)
	}
	if got := e.volumeOf(t, volume); got["status"] != "awaiting-transfer" {
		t.Errorf("the volume is %v, want awaiting-transfer", got["status"])
	}
	again := map[string]any{"transfer": map[string]any{"volume_id": volume}}
	e.fault(t, e.do(t, "POST", e.path(o.path), again), 400, "badRequest")
	e.fault(t, e.do(t, "DELETE", e.path("/volumes/"+volume), nil), 400, "badRequest")
	e.fault(t, e.do(t, "POST", e.path(o.path), `{"transfer":{"volume_id":"`+unknownID+`"}}`), 404, "itemNotFound")
	for _, bad := range []string{`{}`, `{"transfer":{}}`, `{"transfer":[]}`, `{"transfer":{"volume_id":5}}`, `{"transfer":{"volume_id":"x"}}`,
		`{"transfer":{"volume_id":"` + unknownID + `","no_snapshots":true}}`, `{"transfer":{"volume_id":"` + unknownID + `","name":5}}`, `{"transfer":{"volume_id":"` + unknownID + `"},"more":1}`} {
		e.fault(t, e.do(t, "POST", e.path(o.path), bad), 400, "badRequest")
	}
	o.kept(t, e)
}

// kept tries to give away what EVS lets nobody give away: a disk with a snapshot and an
// encrypted one. Source: EVS 10.
func (o offersAt) kept(t T, e *Env) {
	t.Helper()
	if !e.evs() {
		return
	}
	snapped := e.ownVolume(t)
	a := e.do(t, "POST", e.path("/snapshots"), `{"snapshot":{"volume_id":"`+snapped+`"}}`)
	status(t, a, 202)
	snapshot := fmt.Sprint(a.Under("snapshot")["id"])
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "snapshots", snapshot) })
	if settled, err := e.Demo.Settle(t.Context(), "snapshots", snapshot); err != nil || settled != "available" {
		t.Fatalf("the snapshot became %q (%v), want available", settled, err)
	}
	encrypted, err := e.Demo.CreateVolume(t.Context(), map[string]any{"size": 1, "metadata": map[string]string{"__system__encrypted": "1", "__system__cmkid": unknownID}})
	if err != nil {
		t.Fatalf("make an encrypted disk: %v", err)
	}
	afterwards(t, func(ctx context.Context) error { return e.Demo.Delete(ctx, "volumes", encrypted) })
	for _, id := range []string{snapped, encrypted} {
		e.fault(t, e.do(t, "POST", e.path(o.path), `{"transfer":{"volume_id":"`+id+`"}}`), 400, "badRequest")
		if got := e.volumeOf(t, id); got["status"] != "available" {
			t.Errorf("the disk is %v, want available as before", got["status"])
		}
	}
}

func (o offersAt) list(t T, e *Env) {
	volume, made := o.offer(t, e)
	for _, path := range []string{o.path, o.path + "/detail", o.path + "?volume_id=" + volume, o.path + "/detail?name=gift"} {
		a := e.do(t, "GET", e.path(path), nil)
		status(t, a, 200)
		list, _ := a.Object()["transfers"].([]any)
		found := false
		for _, row := range list {
			one, _ := row.(map[string]any)
			if _, told := one["auth_key"]; told {
				t.Errorf("%s tells the key: %v", path, one)
			}
			found = found || (one["id"] == made["id"] && one["volume_id"] == volume)
		}
		if !found {
			t.Errorf("%s: got %s, want the transfer %v", path, a, made["id"])
		}
	}
	a := e.do(t, "GET", e.path(o.path+"?name=nobody-has-this"), nil)
	if list, _ := a.Object()["transfers"].([]any); a.Status != 200 || len(list) != 0 {
		t.Errorf("by another name: got %s, want none", a)
	}
}

func (o offersAt) show(t T, e *Env) {
	volume, made := o.offer(t, e)
	path := o.path + "/" + fmt.Sprint(made["id"])
	a := e.do(t, "GET", e.path(path), nil)
	status(t, a, 200)
	got := a.Under("transfer")
	if _, told := got["auth_key"]; told || got["volume_id"] != volume || got["name"] != "gift" {
		t.Errorf("got %v, want the transfer without its key", got)
	}
	if at, _ := got["created_at"].(string); !timeForm.MatchString(at) {
		t.Errorf("created_at: got %q", at)
	}
	e.fault(t, e.do(t, "GET", e.path(o.path+"/"+unknownID), nil), 404, "itemNotFound")
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "GET", "/"+e.Version+"/"+e.Other.ProjectID+path, nil), 404, "itemNotFound")
	}
}

func (o offersAt) withdraw(t T, e *Env) {
	volume, made := o.offer(t, e)
	path := o.path + "/" + fmt.Sprint(made["id"])
	if e.Other != nil {
		e.fault(t, e.as(t, e.Other, "DELETE", "/"+e.Version+"/"+e.Other.ProjectID+path, nil), 404, "itemNotFound")
	}
	status(t, e.do(t, "DELETE", e.path(path), nil), 202)
	if got := e.volumeOf(t, volume); got["status"] != "available" {
		t.Errorf("the volume is %v, want available", got["status"])
	}
	e.fault(t, e.do(t, "DELETE", e.path(path), nil), 404, "itemNotFound")
}

func (o offersAt) accept(t T, e *Env) {
	e.needAdmin(t)
	volume, made := o.offer(t, e)
	mine := "/" + e.Version + "/" + e.Other.ProjectID
	path := mine + o.path + "/" + fmt.Sprint(made["id"]) + "/accept"
	key := fmt.Sprint(made["auth_key"])
	for _, bad := range []string{`{}`, `{"accept":{}}`, `{"accept":{"auth_key":null}}`, `{"accept":{"auth_key":"0123456789abcdeg"}}`, `{"accept":{"auth_key":5}}`, `{"accept":{"auth_key":"` + key + `","x":1}}`} {
		e.fault(t, e.as(t, e.Other, "POST", path, bad), 400, "badRequest")
	}
	e.fault(t, e.as(t, e.Other, "POST", mine+o.path+"/"+unknownID+"/accept", `{"accept":{"auth_key":"`+key+`"}}`), 404, "itemNotFound")
	giver, taker := e.usage(t, e.path("/os-quota-sets/"+e.Demo.ProjectID+"?usage=1")), e.usageOf(t, e.Other)
	a := e.as(t, e.Other, "POST", path, `{"accept":{"auth_key":"`+key+`"}}`)
	status(t, a, 202)
	if a.Under("transfer")["volume_id"] != volume {
		t.Errorf("got %s, want the volume", a)
	}
	if after := e.usage(t, e.path("/os-quota-sets/"+e.Demo.ProjectID+"?usage=1")); after["volumes"] != giver["volumes"]-1 || after["gigabytes"] != giver["gigabytes"]-1 {
		t.Errorf("the giver used %v and uses %v", giver, after)
	}
	if after := e.usageOf(t, e.Other); after["volumes"] != taker["volumes"]+1 || after["gigabytes"] != taker["gigabytes"]+1 {
		t.Errorf("the taker used %v and uses %v", taker, after)
	}
	e.fault(t, e.do(t, "GET", e.path("/volumes/"+volume), nil), 404, "itemNotFound")
	got := e.as(t, e.Other, "GET", mine+"/volumes/"+volume, nil)
	if got.Status != 200 || got.Under("volume")["status"] != "available" {
		t.Errorf("the taker reads %s, want it available", got)
	}
	if err := e.Other.Delete(t.Context(), "volumes", volume); err != nil {
		t.Errorf("%v", err)
	}
}

// usageOf is what somebody's own project uses.
func (e *Env) usageOf(t T, who *client.Session) map[string]int64 {
	t.Helper()
	a := e.as(t, who, "GET", "/"+e.Version+"/"+who.ProjectID+"/os-quota-sets/"+who.ProjectID+"?usage=1", nil)
	status(t, a, 200)
	figures := map[string]int64{}
	for _, name := range quotas {
		row, _ := a.Under("quota_set")[name].(map[string]any)
		figures[name] = -1
		if n, ok := row["in_use"].(json.Number); ok {
			figures[name], _ = n.Int64()
		}
	}
	return figures
}
