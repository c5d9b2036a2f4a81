package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	evs "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

// vendor is the SDK's client and what its steps made.
type vendor struct {
	*evs.EvsClient
	volume, snapshot string
}

// client makes a client whose project the SDK looks up by the region's name.
func (c *cloud) client(access, secret, token string) (*evs.EvsClient, error) {
	credential, err := basic.NewCredentialsBuilder().WithAk(access).WithSk(secret).WithSecurityToken(token).
		WithIamEndpointOverride(c.iam).SafeBuild()
	if err != nil {
		return nil, err
	}
	return build(c, credential)
}

func build(c *cloud, credential auth.ICredential) (*evs.EvsClient, error) {
	hc, err := evs.EvsClientBuilder().WithRegion(region.NewRegion(c.region, c.service)).WithCredential(credential).SafeBuild()
	if err != nil {
		return nil, err
	}
	return evs.NewEvsClient(hc), nil
}

// vendorSteps are what the issue asks of huaweicloud-sdk-go-v3.
func vendorSteps(r *record, c *cloud) {
	v := &vendor{}
	if !r.step("sdk: build a client, look up the project", func() (err error) {
		v.EvsClient, err = c.client(c.access, c.secret, "")
		return err
	}) {
		return
	}
	r.step("sdk: a wrong secret is refused as the gateway does", func() error { return wrongSecret(c) })
	r.step("sdk: a temporary key", func() error { return temporaryKey(c) })
	if !r.step("sdk: create a volume, wait for its job", func() error { return v.createVolume(c) }) || !r.step("sdk: create a snapshot", v.createSnapshot) {
		return
	}
	r.step("sdk: rename the volume", v.updateVolume)
	r.step("sdk: rename and describe the snapshot", v.updateSnapshot)
	r.step("sdk: list snapshots by name", v.listSnapshots)
	r.step("sdk: roll back", v.rollBack)
	r.step("sdk: tag the volume", v.tag)
	r.step("sdk: an unknown snapshot has a code", v.unknownSnapshot)
	r.step("sdk: delete the snapshot", v.deleteSnapshot)
	r.step("sdk: delete the volume", v.deleteVolume)
}

func wrongSecret(c *cloud) error {
	credential, err := basic.NewCredentialsBuilder().WithAk(c.access).WithSk(c.secret + "x").WithProjectId("0").SafeBuild()
	if err != nil {
		return err
	}
	client, err := build(c, credential)
	if err != nil {
		return err
	}
	_, err = client.ListSnapshots(&model.ListSnapshotsRequest{})
	refused, is := err.(*sdkerr.ServiceResponseError)
	if !is || refused.StatusCode != http.StatusUnauthorized || refused.ErrorCode != "APIGW.0301" || refused.RequestId == "" {
		return fmt.Errorf("got %v, want 401 APIGW.0301 with a request id", err)
	}
	return nil
}

func temporaryKey(c *cloud) error {
	var made struct {
		Credential struct{ Access, Secret, Securitytoken string }
	}
	_, err := c.post("/v3.0/OS-CREDENTIAL/securitytokens", map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"token"}, "token": map[string]any{"id": c.token, "duration_seconds": 900}}}}, &made)
	if err != nil {
		return err
	}
	client, err := c.client(made.Credential.Access, made.Credential.Secret, made.Credential.Securitytoken)
	if err != nil {
		return err
	}
	_, err = client.ListVolumes(&model.ListVolumesRequest{})
	return err
}

func (v *vendor) createVolume(c *cloud) error {
	name := "sdk volume"
	made, err := v.CreateVolume(&model.CreateVolumeRequest{Body: &model.CreateVolumeRequestBody{Volume: &model.CreateVolumeOption{
		AvailabilityZone: "az1", Name: &name, Size: 10, VolumeType: model.GetCreateVolumeOptionVolumeTypeEnum().SSD}}})
	if refused, is := err.(*sdkerr.ServiceResponseError); is && refused.StatusCode == http.StatusNotFound {
		v.volume, err = c.cinderVolume() // until the v2.1 family is served
		if err == nil {
			err = errLeftOut
		}
		return err
	}
	if err != nil {
		return err
	}
	if made.JobId == nil || made.VolumeIds == nil || len(*made.VolumeIds) != 1 {
		return errNothing
	}
	v.volume = (*made.VolumeIds)[0]
	return v.untilDone(*made.JobId)
}

// untilDone waits for a job.
func (v *vendor) untilDone(job string) error {
	return until("job "+job, func() (bool, string, error) {
		got, err := v.ShowJob(&model.ShowJobRequest{JobId: job})
		if err != nil || got.Status == nil {
			return false, "", errors.Join(err, fmt.Errorf("job %s", job))
		}
		switch status := got.Status.Value(); status {
		case "SUCCESS":
			return true, status, nil
		case "FAIL":
			return false, status, fmt.Errorf("job %s failed", job)
		default:
			return false, status, nil
		}
	})
}

func (v *vendor) updateVolume() error {
	name := "sdk volume, renamed"
	_, err := v.UpdateVolume(&model.UpdateVolumeRequest{VolumeId: v.volume,
		Body: &model.UpdateVolumeRequestBody{Volume: &model.UpdateVolumeOption{Name: &name}}})
	if err != nil {
		return err
	}
	got, err := v.ShowVolume(&model.ShowVolumeRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	return want("name", got.Volume.Name, name)
}

func (v *vendor) createSnapshot() error {
	name := "first"
	made, err := v.CreateSnapshot(&model.CreateSnapshotRequest{Body: &model.CreateSnapshotRequestBody{
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
		got, err := v.ShowSnapshot(&model.ShowSnapshotRequest{SnapshotId: v.snapshot})
		if err != nil {
			return false, "", err
		}
		return text(got.Snapshot.Status) == status, text(got.Snapshot.Status), nil
	})
}

func (v *vendor) updateSnapshot() error {
	name, description := "second ü", "Daily <backup> & more"
	_, err := v.UpdateSnapshot(&model.UpdateSnapshotRequest{SnapshotId: v.snapshot,
		Body: &model.UpdateSnapshotRequestBody{Snapshot: &model.UpdateSnapshotOption{Name: &name, Description: &description}}})
	if err != nil {
		return err
	}
	got, err := v.ShowSnapshot(&model.ShowSnapshotRequest{SnapshotId: v.snapshot})
	if err != nil {
		return err
	}
	return errors.Join(want("name", text(got.Snapshot.Name), name), want("description", text(got.Snapshot.Description), description))
}

func (v *vendor) listSnapshots() error {
	name, limit := "second ü", int32(10)
	got, err := v.ListSnapshots(&model.ListSnapshotsRequest{Name: &name, Limit: &limit, VolumeId: &v.volume})
	if err != nil {
		return err
	}
	if got.Count == nil || *got.Count != 1 || got.Snapshots == nil || len(*got.Snapshots) != 1 {
		return errNothing
	}
	return want("id", (*got.Snapshots)[0].Id, v.snapshot)
}

func (v *vendor) rollBack() error {
	got, err := v.RollbackSnapshot(&model.RollbackSnapshotRequest{SnapshotId: v.snapshot,
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

func (v *vendor) untilVolume(status string) error {
	return until("volume "+v.volume, func() (bool, string, error) {
		got, err := v.ShowVolume(&model.ShowVolumeRequest{VolumeId: v.volume})
		if err != nil {
			return false, "", err
		}
		return got.Volume.Status == status, got.Volume.Status, nil
	})
}

func (v *vendor) tag() error {
	_, err := v.BatchCreateVolumeTags(&model.BatchCreateVolumeTagsRequest{VolumeId: v.volume, Body: &model.BatchCreateVolumeTagsRequestBody{
		Action: model.GetBatchCreateVolumeTagsRequestBodyActionEnum().CREATE, Tags: []model.Tag{{Key: "owner", Value: "sdk"}}}})
	if err != nil {
		return err
	}
	got, err := v.ShowVolumeTags(&model.ShowVolumeTagsRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	if got.Tags == nil || len(*got.Tags) != 1 {
		return errNothing
	}
	return want("tag", (*got.Tags)[0].Key+"="+(*got.Tags)[0].Value, "owner=sdk")
}

func (v *vendor) unknownSnapshot() error {
	_, err := v.ShowSnapshot(&model.ShowSnapshotRequest{SnapshotId: "00000000-0000-0000-0000-000000000000"})
	refused, is := err.(*sdkerr.ServiceResponseError)
	if !is || refused.StatusCode != http.StatusNotFound || refused.ErrorCode != "EVS.5404" || refused.RequestId == "" {
		return fmt.Errorf("got %v, want 404 EVS.5404 with a request id", err)
	}
	return nil
}

func (v *vendor) deleteSnapshot() error {
	if _, err := v.DeleteSnapshot(&model.DeleteSnapshotRequest{SnapshotId: v.snapshot}); err != nil {
		return err
	}
	return until("snapshot "+v.snapshot, func() (bool, string, error) {
		_, err := v.ShowSnapshot(&model.ShowSnapshotRequest{SnapshotId: v.snapshot})
		if gone, is := err.(*sdkerr.ServiceResponseError); is && gone.StatusCode == http.StatusNotFound {
			return true, "", nil
		}
		return false, "there", err
	})
}

func (v *vendor) deleteVolume() error {
	got, err := v.DeleteVolume(&model.DeleteVolumeRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	if got.JobId == nil {
		return errNothing
	}
	return v.untilDone(*got.JobId)
}
