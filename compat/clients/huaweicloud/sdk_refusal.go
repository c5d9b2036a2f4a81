package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

// unknownID is of nothing.
const unknownID = "00000000-0000-0000-0000-000000000000"

// wantRefusal compares a refusal's status and code.
func wantRefusal(err error, status int, code string) error {
	refused, is := err.(*sdkerr.ServiceResponseError)
	if !is || refused.StatusCode != status || refused.ErrorCode != code || refused.ErrorMessage == "" || refused.RequestId == "" {
		return fmt.Errorf("got %v, want %d %s with a text and a request id", err, status, code)
	}
	return nil
}

// refusals are what the SDK's typed error tells of requests that cannot be.
func (v *vendor) refusals() error {
	long := strings.Repeat("n", 256)
	var tags []model.Tag
	for i := range 11 {
		tags = append(tags, model.Tag{Key: fmt.Sprint(i), Value: "v"})
	}
	var all error
	for _, tc := range []struct {
		what   string
		call   func() error
		status int
		code   string
	}{
		{"a type that there is not", func() error { _, err := v.newVolume("none", "FLOPPY"); return err }, http.StatusBadRequest, "EVS.2070"},
		{"a name that is too long", func() error { _, err := v.newVolume(long, "SSD"); return err }, http.StatusBadRequest, "EVS.1003"},
		{"a smaller size", func() error {
			_, err := v.ResizeVolume(&model.ResizeVolumeRequest{VolumeId: v.volume,
				Body: &model.ResizeVolumeRequestBody{OsExtend: &model.OsExtend{NewSize: 9}}})
			return err
		}, http.StatusBadRequest, "EVS.1015"},
		{"a disk that there is not", func() error { _, err := v.ShowVolume(&model.ShowVolumeRequest{VolumeId: unknownID}); return err }, http.StatusNotFound, "EVS.5404"},
		{"a snapshot of a disk that there is not", func() error {
			_, err := v.CreateSnapshot(&model.CreateSnapshotRequest{Body: &model.CreateSnapshotRequestBody{Snapshot: &model.CreateSnapshotOption{VolumeId: unknownID}}})
			return err
		}, http.StatusNotFound, "EVS.5404"},
		{"a snapshot's name that is too long", func() error {
			_, err := v.UpdateSnapshot(&model.UpdateSnapshotRequest{SnapshotId: v.snapshot,
				Body: &model.UpdateSnapshotRequestBody{Snapshot: &model.UpdateSnapshotOption{Name: &long}}})
			return err
		}, http.StatusBadRequest, "EVS.5400"},
		{"a roll-back onto another disk", func() error {
			_, err := v.RollbackSnapshot(&model.RollbackSnapshotRequest{SnapshotId: v.snapshot,
				Body: &model.RollbackSnapshotRequestBody{Rollback: &model.RollbackSnapshotOption{VolumeId: unknownID}}})
			return err
		}, http.StatusBadRequest, "EVS.5400"},
		{"more than ten tags", func() error {
			_, err := v.BatchCreateVolumeTags(&model.BatchCreateVolumeTagsRequest{VolumeId: v.volume,
				Body: &model.BatchCreateVolumeTagsRequestBody{Action: model.GetBatchCreateVolumeTagsRequestBodyActionEnum().CREATE, Tags: tags}})
			return err
		}, http.StatusBadRequest, "EVS.1061"},
		{"a job that there is not", func() error {
			_, err := v.ShowJob(&model.ShowJobRequest{JobId: strings.ReplaceAll(unknownID, "-", "")})
			return err
		}, http.StatusBadRequest, "Common.0011"},
		{"a disk that is not in the recycle bin", func() error {
			_, err := v.ShowVolumeInRecycle(&model.ShowVolumeInRecycleRequest{VolumeId: v.volume})
			return err
		}, http.StatusNotFound, "EVS.5404"},
	} {
		if err := wantRefusal(tc.call(), tc.status, tc.code); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", tc.what, err))
		}
	}
	return all
}
