# Disks that are old enough are taken over by Terraform, and their destruction leads
# into the recycle bin.

resource "huaweicloud_evs_recycle_bin_policy" "on" {
  switch         = true
  threshold_time = 1
  keep_time      = 30
}

data "huaweicloud_evs_recycle_bin_policy" "on" {
  depends_on = [huaweicloud_evs_recycle_bin_policy.on]
}

import {
  to = huaweicloud_evs_volume.old[0]
  id = var.old[0]
}

import {
  to = huaweicloud_evs_volume.old[1]
  id = var.old[1]
}

resource "huaweicloud_evs_volume" "old" {
  count             = 2
  name              = "old ${count.index}"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
  depends_on        = [huaweicloud_evs_recycle_bin_policy.on]
}

output "holds" {
  value = {
    "huaweicloud_evs_recycle_bin_policy: on" = (
      data.huaweicloud_evs_recycle_bin_policy.on.switch && data.huaweicloud_evs_recycle_bin_policy.on.threshold_time == 1 && data.huaweicloud_evs_recycle_bin_policy.on.keep_time == 30
    )
    "huaweicloud_evs_volume: imported by id" = tolist(huaweicloud_evs_volume.old[*].id) == var.old
  }
}
