data "huaweicloud_evs_volumes" "one" {
  volume_id  = huaweicloud_evs_volume.one.id
  depends_on = [terraform_data.retyped]
}

data "huaweicloud_evs_volumes" "two" {
  volume_id  = huaweicloud_evs_volume.two.id
  depends_on = [huaweicloud_evs_volumes_batch_expand.both]
}

# Nor does it wait for the type to be changed.
resource "terraform_data" "retyped" {
  depends_on = [huaweicloud_evs_volume_retype.one]
  provisioner "local-exec" {
    command = "sleep 2"
  }
}

output "holds" {
  value = {
    "huaweicloud_evs_volumes_batch_expand: both"                          = [data.huaweicloud_evs_volumes.one.volumes[0].size, data.huaweicloud_evs_volumes.two.volumes[0].size] == [11, 12]
    "huaweicloud_evs_volume_retype: done"                                 = data.huaweicloud_evs_volumes.one.volumes[0].volume_type == "SSD"
    "huaweicloud_evs_unsubscribe_prepaid_volume: the disk is still there" = data.huaweicloud_evs_volumes.two.volumes[0].status == "available"
  }
}
