package main

import (
	"fmt"
	"net/http"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

// recycle switches the recycle bin on, deletes an old disk into it, reverts it,
// deletes it for good, and switches the bin off.
func (v *vendor) recycle(volume string) error {
	if err := v.setPolicy(true); err != nil {
		return err
	}
	for _, last := range []func(string) error{v.revert, v.destroy} {
		gone, err := ask(v, v.DeleteVolume, &model.DeleteVolumeRequest{VolumeId: volume})
		if err != nil {
			return err
		}
		if err := v.untilSaid(gone.JobId); err != nil {
			return err
		}
		if err := v.wantInBin(volume); err != nil {
			return err
		}
		if err := last(volume); err != nil {
			return err
		}
	}
	return v.setPolicy(false)
}

func (v *vendor) setPolicy(on bool) error {
	threshold, keep := int32(1), int32(7) // in days
	_, err := ask(v, v.UpdateRecyclePolicy, &model.UpdateRecyclePolicyRequest{Body: &model.ModifyRecycleBinPolicyRequestBody{
		Switch: &on, ThresholdTime: &threshold, KeepTime: &keep}})
	if err != nil {
		return err
	}
	got, err := ask(v, v.ShowRecyclePolicy, &model.ShowRecyclePolicyRequest{})
	if err != nil {
		return err
	}
	if got.Switch == nil || *got.Switch != on || got.KeepTime == nil || *got.KeepTime != keep {
		return fmt.Errorf("the policy is %v", got)
	}
	return nil
}

func (v *vendor) wantInBin(volume string) error {
	all, err := ask(v, v.ListVolumesInRecycle, &model.ListVolumesInRecycleRequest{})
	if err != nil {
		return err
	}
	if all.Count == nil || *all.Count != 1 || all.Volumes == nil || len(*all.Volumes) != 1 {
		return errNothing
	}
	one, err := ask(v, v.ShowVolumeInRecycle, &model.ShowVolumeInRecycleRequest{VolumeId: volume})
	if err != nil {
		return err
	}
	if one.Volume == nil || text(one.Volume.PlanDeleteAt) == "" {
		return errNothing
	}
	return want("id", text((*all.Volumes)[0].Id), volume)
}

func (v *vendor) revert(volume string) error {
	if _, err := ask(v, v.RevertVolumeInRecycle, &model.RevertVolumeInRecycleRequest{VolumeId: volume}); err != nil {
		return err
	}
	return v.wantSize(volume, 10)
}

func (v *vendor) destroy(volume string) error {
	if _, err := ask(v, v.DeleteVolumeInRecycle, &model.DeleteVolumeInRecycleRequest{VolumeId: volume}); err != nil {
		return err
	}
	return until("volume "+volume, func() (bool, string, error) {
		_, err := v.ShowVolumeInRecycle(&model.ShowVolumeInRecycleRequest{VolumeId: volume})
		if gone, is := err.(*sdkerr.ServiceResponseError); is && gone.StatusCode == http.StatusNotFound {
			return true, "", nil
		}
		return false, "in the recycle bin", err
	})
}
