package main

import (
	"fmt"
	"slices"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

func (v *vendor) tag() error {
	_, err := ask(v, v.BatchCreateVolumeTags, &model.BatchCreateVolumeTagsRequest{VolumeId: v.volume, Body: &model.BatchCreateVolumeTagsRequestBody{
		Action: model.GetBatchCreateVolumeTagsRequestBodyActionEnum().CREATE, Tags: []model.Tag{{Key: "owner", Value: "sdk"}}}})
	if err != nil {
		return err
	}
	got, err := ask(v, v.ShowVolumeTags, &model.ShowVolumeTagsRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	if got.Tags == nil || len(*got.Tags) != 1 {
		return errNothing
	}
	return want("tag", (*got.Tags)[0].Key+"="+(*got.Tags)[0].Value, "owner=sdk")
}

func (v *vendor) findByTags() error {
	got, err := ask(v, v.ListVolumesByTags, &model.ListVolumesByTagsRequest{Body: &model.ListVolumesByTagsRequestBody{
		Action: model.GetListVolumesByTagsRequestBodyActionEnum().FILTER, Tags: []model.TagsForListVolumes{{Key: "owner", Values: []string{"sdk", "other"}}}}})
	if err != nil {
		return err
	}
	if got.Resources == nil || len(*got.Resources) != 1 {
		return errNothing
	}
	if err := want("id", (*got.Resources)[0].ResourceId, v.volume); err != nil {
		return err
	}
	all, err := ask(v, v.ListVolumeTags, &model.ListVolumeTagsRequest{})
	if err != nil {
		return err
	}
	if !slices.Equal(all.Tags["owner"], []string{"sdk"}) {
		return fmt.Errorf("tags are %v", all.Tags)
	}
	return nil
}

func (v *vendor) untag() error {
	_, err := ask(v, v.BatchDeleteVolumeTags, &model.BatchDeleteVolumeTagsRequest{VolumeId: v.volume, Body: &model.BatchDeleteVolumeTagsRequestBody{
		Action: model.GetBatchDeleteVolumeTagsRequestBodyActionEnum().DELETE, Tags: []model.DeleteTagsOption{{Key: "owner"}}}})
	if err != nil {
		return err
	}
	got, err := ask(v, v.ShowVolumeTags, &model.ShowVolumeTagsRequest{VolumeId: v.volume})
	if err != nil {
		return err
	}
	if got.Tags == nil || len(*got.Tags) != 0 {
		return fmt.Errorf("tags are %v", got.Tags)
	}
	return nil
}
