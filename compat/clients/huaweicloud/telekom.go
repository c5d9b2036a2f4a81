package main

import (
	"errors"

	golangsdk "github.com/opentelekomcloud/gophertelekomcloud"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/blockstorage/v3/volumes"
	"github.com/opentelekomcloud/gophertelekomcloud/openstack/evs/v2/snapshots"
)

// telekom is gophertelekomcloud's clients and what its steps made.
type telekom struct {
	v3, v2           *golangsdk.ServiceClient
	volume, snapshot string
}

// telekomSteps are what the issue asks of gophertelekomcloud, which signs with a
// derived key.
func telekomSteps(r *record, c *cloud) {
	t := &telekom{}
	if !r.step("gophertelekomcloud: log in with an access key", func() error { return t.logIn(c) }) ||
		!r.step("gophertelekomcloud: create a volume", t.createVolume) ||
		!r.step("gophertelekomcloud: create a snapshot", t.createSnapshot) {
		return
	}
	r.step("gophertelekomcloud: rename and describe the snapshot", t.updateSnapshot)
	r.step("gophertelekomcloud: list snapshots", t.listSnapshots)
	r.step("gophertelekomcloud: delete the snapshot", t.deleteSnapshot)
	r.step("gophertelekomcloud: delete the volume", func() error { return volumes.Delete(t.v3, t.volume).ExtractErr() })
}

func (t *telekom) logIn(c *cloud) error {
	provider, err := openstack.AuthenticatedClient(golangsdk.AKSKAuthOptions{
		IdentityEndpoint: c.identity + "/v3", AccessKey: c.access, SecretKey: c.secret,
		ProjectName: c.region, Region: c.region, Domain: "Default",
	})
	if err != nil {
		return err
	}
	if t.v3, err = openstack.NewBlockStorageV3(provider, golangsdk.EndpointOpts{Region: c.region}); err != nil {
		return err
	}
	t.v2, err = openstack.NewBlockStorageV2(provider, golangsdk.EndpointOpts{Region: c.region})
	return err
}

func (t *telekom) createVolume() error {
	made, err := volumes.Create(t.v3, volumes.CreateOpts{Size: 10, Name: "gophertelekomcloud"}).Extract()
	if err != nil {
		return err
	}
	t.volume = made.ID
	return until("volume "+t.volume, func() (bool, string, error) {
		got, err := volumes.Get(t.v3, t.volume).Extract()
		if err != nil {
			return false, "", err
		}
		return got.Status == "available", got.Status, nil
	})
}

func (t *telekom) createSnapshot() error {
	made, err := snapshots.Create(t.v2, snapshots.CreateOpts{VolumeID: t.volume, Name: "first"}).Extract()
	if err != nil {
		return err
	}
	t.snapshot = made.ID
	return snapshots.WaitForStatus(t.v2, t.snapshot, "available", int(patience.Seconds()))
}

func (t *telekom) updateSnapshot() error {
	if _, err := snapshots.Update(t.v2, t.snapshot, snapshots.UpdateOpts{Name: "second ü", Description: "Daily <backup>"}).Extract(); err != nil {
		return err
	}
	got, err := snapshots.Get(t.v2, t.snapshot).Extract()
	if err != nil {
		return err
	}
	return errors.Join(want("name", got.Name, "second ü"), want("description", got.Description, "Daily <backup>"))
}

func (t *telekom) listSnapshots() error {
	pages, err := snapshots.List(t.v2, snapshots.ListOpts{VolumeID: t.volume}).AllPages()
	if err != nil {
		return err
	}
	all, err := snapshots.ExtractSnapshots(pages)
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return errNothing
	}
	return want("id", all[0].ID, t.snapshot)
}

func (t *telekom) deleteSnapshot() error {
	if err := snapshots.Delete(t.v2, t.snapshot).ExtractErr(); err != nil {
		return err
	}
	return until("snapshot "+t.snapshot, func() (bool, string, error) {
		_, err := snapshots.Get(t.v2, t.snapshot).Extract()
		if _, gone := errors.AsType[golangsdk.ErrDefault404](err); gone {
			return true, "", nil
		}
		return false, "there", err
	})
}
