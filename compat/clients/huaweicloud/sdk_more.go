package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	evs "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/evs/v2/model"
)

func (v *vendor) versions() error {
	all, err := ask(v, v.ListVersions, &model.ListVersionsRequest{})
	if err != nil {
		return err
	}
	one, err := ask(v, v.ShowVersion, &model.ShowVersionRequest{Version: model.GetShowVersionRequestVersionEnum().V3})
	if err != nil {
		return err
	}
	if all.Versions == nil {
		return errNothing
	}
	if one.HttpStatusCode == http.StatusFound { // Cinder, which the SDK does not follow to /v3/
		return nil
	}
	if one.Versions == nil || len(*one.Versions) != 1 {
		return errNothing
	}
	if !slices.ContainsFunc(*all.Versions, func(version model.Versions) bool { return version.Id == (*one.Versions)[0].Id }) {
		return fmt.Errorf("%v is not among %v", *one.Versions, *all.Versions)
	}
	return nil
}

func (v *vendor) lookAround() error {
	zones, err := ask(v, v.CinderListAvailabilityZones, &model.CinderListAvailabilityZonesRequest{})
	if err != nil {
		return err
	}
	types, err := ask(v, v.CinderListVolumeTypes, &model.CinderListVolumeTypesRequest{})
	if err != nil {
		return err
	}
	quotas, err := ask(v, v.CinderListQuotas, &model.CinderListQuotasRequest{TargetProjectId: v.project, Usage: model.GetCinderListQuotasRequestUsageEnum().TRUE})
	if err != nil {
		return err
	}
	if zones.AvailabilityZoneInfo == nil || types.VolumeTypes == nil || quotas.QuotaSet == nil || quotas.QuotaSet.Volumes == nil {
		return errNothing
	}
	if !slices.ContainsFunc(*types.VolumeTypes, func(t model.VolumeType) bool { return t.Name == "SSD" }) {
		return fmt.Errorf("no SSD among %v", *types.VolumeTypes)
	}
	return errors.Join(want("zone", (*zones.AvailabilityZoneInfo)[0].ZoneName, "az1"), want("quota of volumes", fmt.Sprint(quotas.QuotaSet.Volumes.Limit), "10"))
}

// offer makes a transfer of the volume.
func (v *vendor) offer(name string) (*model.CreateVolumeTransferDetail, error) {
	made, err := ask(v, v.CinderCreateVolumeTransfer, &model.CinderCreateVolumeTransferRequest{Body: &model.CinderCreateVolumeTransferRequestBody{
		Transfer: &model.CreateVolumeTransferOption{Name: name, VolumeId: v.volume}}})
	if err == nil && (made.Transfer == nil || made.Transfer.AuthKey == "") {
		err = errNothing
	}
	if err != nil {
		return nil, err
	}
	return made.Transfer, nil
}

func (v *vendor) withdrawTransfer() error {
	made, err := v.offer("sdk")
	if err != nil {
		return err
	}
	all, err := ask(v, v.CinderListVolumeTransfers, &model.CinderListVolumeTransfersRequest{})
	if err != nil {
		return err
	}
	one, err := ask(v, v.CinderShowVolumeTransfer, &model.CinderShowVolumeTransferRequest{TransferId: made.Id})
	if err != nil {
		return err
	}
	if all.Transfers == nil || len(*all.Transfers) != 1 || one.Transfer == nil {
		return errNothing
	}
	if _, err = ask(v, v.CinderDeleteVolumeTransfer, &model.CinderDeleteVolumeTransferRequest{TransferId: made.Id}); err != nil {
		return err
	}
	return errors.Join(want("name", one.Transfer.Name, "sdk"), want("volume", one.Transfer.VolumeId, v.volume), v.untilVolume("available"))
}

// accept takes an offered volume into the client's project.
func (v *vendor) accept(client *evs.EvsClient, offered *model.CreateVolumeTransferDetail) error {
	got, err := ask(v, client.CinderAcceptVolumeTransfer, &model.CinderAcceptVolumeTransferRequest{TransferId: offered.Id,
		Body: &model.CinderAcceptVolumeTransferRequestBody{Accept: &model.CinderAcceptVolumeTransferOption{AuthKey: offered.AuthKey}}})
	if err == nil && got.Transfer == nil {
		err = errNothing
	}
	if err != nil {
		return err
	}
	return want("volume", got.Transfer.VolumeId, v.volume)
}

// transfer gives the volume, whose snapshot stays behind in no project but its own,
// to the user's other project and back.
func (v *vendor) transfer(c *cloud) error {
	credential, err := basic.NewCredentialsBuilder().WithAk(c.access).WithSk(c.secret).WithProjectId(c.project).SafeBuild()
	if err != nil {
		return err
	}
	theirs, err := build(c, credential)
	if err != nil {
		return err
	}
	mine := v.EvsClient
	given, err := v.newVolume("sdk, given away", "SSD")
	if err != nil {
		return err
	}
	kept := v.volume
	v.volume = given
	defer func() { v.volume, v.EvsClient = kept, mine }()
	offered, err := v.offer("there")
	if err != nil {
		return err
	}
	if err := v.accept(theirs, offered); err != nil {
		return err
	}
	v.EvsClient = theirs
	if err := v.untilVolume("available"); err != nil {
		return err
	}
	if offered, err = v.offer("and back"); err != nil {
		return err
	}
	if err := v.accept(mine, offered); err != nil {
		return err
	}
	v.EvsClient = mine
	gone, err := ask(v, v.DeleteVolume, &model.DeleteVolumeRequest{VolumeId: given})
	if err != nil {
		return err
	}
	return v.untilSaid(gone.JobId)
}
