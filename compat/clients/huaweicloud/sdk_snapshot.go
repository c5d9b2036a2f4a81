package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

func (v *vendor) createSnapshot() error {
	name := "first"
	made, err := ask(v, v.CreateSnapshot, &model.CreateSnapshotRequest{Body: &model.CreateSnapshotRequestBody{
		Snapshot: &model.CreateSnapshotOption{VolumeId: v.volume, Name: &name, Metadata: map[string]string{"k": "v"}}}})
	if err != nil {
		return err
	}
	if made.Snapshot == nil {
		return errNothing
	}
	v.snapshot = text(made.Snapshot.Id)
	return v.untilSnapshot("available")
}

func (v *vendor) untilSnapshot(status string) error {
	return until("snapshot "+v.snapshot, func() (bool, string, error) {
		got, err := ask(v, v.ShowSnapshot, &model.ShowSnapshotRequest{SnapshotId: v.snapshot})
		if err != nil {
			return false, "", err
		}
		return text(got.Snapshot.Status) == status, text(got.Snapshot.Status), nil
	})
}

func (v *vendor) updateSnapshot() error {
	name, description := "second ü", "Daily <backup> & more"
	_, err := ask(v, v.UpdateSnapshot, &model.UpdateSnapshotRequest{SnapshotId: v.snapshot,
		Body: &model.UpdateSnapshotRequestBody{Snapshot: &model.UpdateSnapshotOption{Name: &name, Description: &description}}})
	if err != nil {
		return err
	}
	got, err := ask(v, v.ShowSnapshot, &model.ShowSnapshotRequest{SnapshotId: v.snapshot})
	if err != nil {
		return err
	}
	return errors.Join(want("name", text(got.Snapshot.Name), name), want("description", text(got.Snapshot.Description), description))
}

func (v *vendor) listSnapshots() error {
	name, limit := "second ü", int32(10)
	got, err := ask(v, v.ListSnapshots, &model.ListSnapshotsRequest{Name: &name, Limit: &limit, VolumeId: &v.volume})
	if err != nil {
		return err
	}
	if got.Count == nil || *got.Count != 1 || got.Snapshots == nil || len(*got.Snapshots) != 1 {
		return errNothing
	}
	return want("id", (*got.Snapshots)[0].Id, v.snapshot)
}

func (v *vendor) rollBack() error {
	got, err := ask(v, v.RollbackSnapshot, &model.RollbackSnapshotRequest{SnapshotId: v.snapshot,
		Body: &model.RollbackSnapshotRequestBody{Rollback: &model.RollbackSnapshotOption{VolumeId: v.volume}}})
	if err != nil {
		return err
	}
	if got.Rollback == nil {
		return errNothing
	}
	if err := want("volume", got.Rollback.VolumeId, v.volume); err != nil {
		return err
	}
	return errors.Join(v.untilSnapshot("available"), v.untilVolume("available"))
}

func (v *vendor) unknownSnapshot() error {
	_, err := ask(v, v.ShowSnapshot, &model.ShowSnapshotRequest{SnapshotId: "00000000-0000-0000-0000-000000000000"})
	refused, is := err.(*sdkerr.ServiceResponseError)
	if !is || refused.StatusCode != http.StatusNotFound || refused.ErrorCode != "EVS.5404" || refused.RequestId == "" {
		return fmt.Errorf("got %v, want 404 EVS.5404 with a request id", err)
	}
	return nil
}

func (v *vendor) deleteSnapshot() error {
	if _, err := ask(v, v.DeleteSnapshot, &model.DeleteSnapshotRequest{SnapshotId: v.snapshot}); err != nil {
		return err
	}
	return until("snapshot "+v.snapshot, func() (bool, string, error) {
		_, err := ask(v, v.ShowSnapshot, &model.ShowSnapshotRequest{SnapshotId: v.snapshot})
		if gone, is := err.(*sdkerr.ServiceResponseError); is && gone.StatusCode == http.StatusNotFound {
			return true, "", nil
		}
		return false, "there", err
	})
}
