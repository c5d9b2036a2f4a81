output "holds" {
  value = {
    "huaweicloud_evs_volume_transfers: both"          = toset(data.huaweicloud_evs_volume_transfers.all.transfers[*].name) == toset(["by v2", "by v3"])
    "huaweicloud_evsv3_volume_transfers: both"        = toset(data.huaweicloud_evsv3_volume_transfers.all.transfers[*].name) == toset(["by v2", "by v3"])
    "huaweicloud_evsv3_volume_transfer_details: both" = toset(data.huaweicloud_evsv3_volume_transfer_details.all.transfers[*].volume_id) == toset([huaweicloud_evs_volume.v2.id, huaweicloud_evsv3_volume.v3.id])
    "huaweicloud_evs_volume_transfer_accepter: both disks are the other project's" = (
      length(setsubtract([huaweicloud_evs_volume.v2.id, huaweicloud_evsv3_volume.v3.id], data.huaweicloud_evs_volumes.taken.volumes[*].id)) == 0
    )
  }
}
