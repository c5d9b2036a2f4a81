# What deleted/ left in the recycle bin: looked at, then one is taken back and one is
# deleted for good.

data "huaweicloud_evs_recycle_bin_volumes_detail" "all" {
  availability_zone = "az1"
  service_type      = "EVS"
}

data "huaweicloud_evs_recycle_bin_volume_detail" "first" {
  volume_id = var.old[0]
}

resource "huaweicloud_evs_recycle_bin_volume_revert" "first" {
  volume_id  = var.old[0]
  depends_on = [data.huaweicloud_evs_recycle_bin_volumes_detail.all, data.huaweicloud_evs_recycle_bin_volume_detail.first]
}

resource "huaweicloud_evs_recycle_bin_volume_delete" "second" {
  volume_id  = var.old[1]
  depends_on = [data.huaweicloud_evs_recycle_bin_volumes_detail.all]
}

data "huaweicloud_evs_volumes" "first" {
  volume_id  = huaweicloud_evs_recycle_bin_volume_revert.first.volume_id
  depends_on = [huaweicloud_evs_recycle_bin_volume_revert.first]
}

output "holds" {
  value = {
    "huaweicloud_evs_recycle_bin_volumes_detail: both" = toset(data.huaweicloud_evs_recycle_bin_volumes_detail.all.volumes[*].id) == toset(var.old)
    "huaweicloud_evs_recycle_bin_volume_detail: one, and until when" = (
      data.huaweicloud_evs_recycle_bin_volume_detail.first.volume[0].id == var.old[0] && data.huaweicloud_evs_recycle_bin_volume_detail.first.volume[0].plan_delete_at != ""
    )
    "huaweicloud_evs_recycle_bin_volume_revert: available again" = one(data.huaweicloud_evs_volumes.first.volumes[*].status) == "available"
  }
}
