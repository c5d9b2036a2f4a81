package main

import (
	"errors"
	"fmt"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

func (v *vendor) createVolume() (err error) {
	v.volume, err = v.newVolume("sdk volume", "SSD")
	if err != nil {
		return err
	}
	got, err := ask(v, v.ShowVolume, &model.ShowVolumeRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	v.project = got.Volume.OsVolTenantAttrtenantId
	return errors.Join(want("type", got.Volume.VolumeType, "SSD"), want("size", fmt.Sprint(got.Volume.Size), "10"), want("status", got.Volume.Status, "available"))
}

// newVolume creates a disk of 10 GB and waits for its job.
func (v *vendor) newVolume(name, volumeType string) (string, error) {
	var kind model.CreateVolumeOptionVolumeType
	if err := kind.UnmarshalJSON([]byte(`"` + volumeType + `"`)); err != nil {
		return "", err
	}
	made, err := ask(v, v.CreateVolume, &model.CreateVolumeRequest{Body: &model.CreateVolumeRequestBody{Volume: &model.CreateVolumeOption{
		AvailabilityZone: "az1", Name: &name, Size: 10, VolumeType: kind, Metadata: map[string]string{"create_for_volume_id": "true"}}}})
	if err != nil {
		return "", err
	}
	if made.JobId == nil || made.VolumeIds == nil || len(*made.VolumeIds) != 1 {
		return "", errNothing
	}
	return (*made.VolumeIds)[0], v.untilDone(*made.JobId)
}

// untilDone waits for a job.
func (v *vendor) untilDone(job string) error {
	return until("job "+job, func() (bool, string, error) {
		got, err := ask(v, v.ShowJob, &model.ShowJobRequest{JobId: job})
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
	_, err := ask(v, v.UpdateVolume, &model.UpdateVolumeRequest{VolumeId: v.volume,
		Body: &model.UpdateVolumeRequestBody{Volume: &model.UpdateVolumeOption{Name: &name}}})
	if err != nil {
		return err
	}
	got, err := ask(v, v.ShowVolume, &model.ShowVolumeRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	return want("name", got.Volume.Name, name)
}

func (v *vendor) untilVolume(status string) error {
	return until("volume "+v.volume, func() (bool, string, error) {
		got, err := ask(v, v.ShowVolume, &model.ShowVolumeRequest{VolumeId: v.volume})
		if err != nil {
			return false, "", err
		}
		return got.Volume.Status == status, got.Volume.Status, nil
	})
}

func (v *vendor) deleteVolume() error {
	got, err := ask(v, v.DeleteVolume, &model.DeleteVolumeRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	if got.JobId == nil {
		return errNothing
	}
	return v.untilDone(*got.JobId)
}

func (v *vendor) listVolumes() error {
	status, limit := "available", int32(1)
	got, err := ask(v, v.ListVolumes, &model.ListVolumesRequest{Id: &v.volume, Status: &status, Limit: &limit})
	if err != nil {
		return err
	}
	if got.Count == nil || *got.Count != 1 || got.Volumes == nil || len(*got.Volumes) != 1 {
		return errNothing
	}
	return want("id", (*got.Volumes)[0].Id, v.volume)
}

// untilSaid waits for the job that a change of the disk answered with.
func (v *vendor) untilSaid(job *string) error {
	if job == nil {
		return errNothing
	}
	return v.untilDone(*job)
}

// wantSize asks for the disk and compares.
func (v *vendor) wantSize(volume string, size int32) error {
	got, err := ask(v, v.ShowVolume, &model.ShowVolumeRequest{VolumeId: volume})
	if err != nil {
		return err
	}
	return want("size", fmt.Sprint(got.Volume.Size), fmt.Sprint(size))
}

func (v *vendor) extend() error {
	got, err := ask(v, v.ResizeVolume, &model.ResizeVolumeRequest{VolumeId: v.volume,
		Body: &model.ResizeVolumeRequestBody{OsExtend: &model.OsExtend{NewSize: 11}}})
	if err != nil {
		return err
	}
	return errors.Join(v.untilSaid(got.JobId), v.wantSize(v.volume, 11))
}

func (v *vendor) extendMany() error {
	other, err := v.newVolume("sdk, the other", "SSD")
	if err != nil {
		return err
	}
	got, err := ask(v, v.BatchResizeVolumes, &model.BatchResizeVolumesRequest{Body: &model.BatchResizeVolumeRequestBody{
		Volumes: []model.VolumesForBatchResizeVolume{{Id: v.volume, NewSize: 12}, {Id: other, NewSize: 13}}}})
	if err != nil {
		return err
	}
	if err := errors.Join(v.untilSaid(got.JobId), v.wantSize(v.volume, 12), v.wantSize(other, 13)); err != nil {
		return err
	}
	gone, err := ask(v, v.DeleteVolume, &model.DeleteVolumeRequest{VolumeId: other})
	if err != nil {
		return err
	}
	return v.untilSaid(gone.JobId)
}

func (v *vendor) retype() error {
	got, err := ask(v, v.RetypeVolume, &model.RetypeVolumeRequest{VolumeId: v.volume,
		Body: &model.RetypeVolumeRequestBody{OsRetype: &model.RetypeVolume{NewType: "ESSD"}}})
	if err != nil {
		return err
	}
	if err := v.untilSaid(got.JobId); err != nil {
		return err
	}
	shown, err := ask(v, v.ShowVolume, &model.ShowVolumeRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	return want("type", shown.Volume.VolumeType, "ESSD")
}

// changeQoS needs a disk whose type lets its buyer say.
func (v *vendor) changeQoS(c *cloud) error {
	if err := c.needType("GPSSD2"); err != nil {
		return err
	}
	fast, err := v.newVolume("sdk, fast", "GPSSD2")
	if err != nil {
		return err
	}
	throughput := int32(200)
	got, err := ask(v, v.ModifyVolumeQoS, &model.ModifyVolumeQoSRequest{VolumeId: fast,
		Body: &model.ModifyVolumeQoSRequestBody{QosModify: &model.ModifyVolumeQoSOption{Iops: 5000, Throughput: &throughput}}})
	if err != nil {
		return err
	}
	if err := v.untilSaid(got.JobId); err != nil {
		return err
	}
	shown, err := ask(v, v.ShowVolume, &model.ShowVolumeRequest{VolumeId: fast})
	if err != nil {
		return err
	}
	if shown.Volume.Iops == nil || shown.Volume.Throughput == nil {
		return errNothing
	}
	gone, err := ask(v, v.DeleteVolume, &model.DeleteVolumeRequest{VolumeId: fast})
	if err != nil {
		return err
	}
	return errors.Join(want("IOPS", fmt.Sprint(shown.Volume.Iops.TotalVal), "5000"), want("throughput", fmt.Sprint(shown.Volume.Throughput.TotalVal), "200"),
		v.untilSaid(gone.JobId))
}

// unsubscribe is answered per disk: none was bought for a period.
func (v *vendor) unsubscribe() error {
	got, err := ask(v, v.UnsubscribePostpaidVolume, &model.UnsubscribePostpaidVolumeRequest{
		Body: &model.UnsubscribeVolumeRequestBody{VolumeIds: []string{v.volume}}})
	if err != nil {
		return err
	}
	if got.Body == nil || len(*got.Body) != 1 || len((*got.Body)[0].Results) != 1 {
		return errNothing
	}
	return want("result", (*got.Body)[0].Results[0].Result, "FAIL")
}
