# What is done once: each of these resources is a call, and nothing that lasts.

resource "huaweicloud_evs_volume" "one" {
  name              = "one"
  availability_zone = "az1"
  volume_type       = "SAS"
  size              = 10

  lifecycle {
    ignore_changes = [size, volume_type] # changed below
  }
}

resource "huaweicloud_evs_volume" "two" {
  name              = "two"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10

  lifecycle {
    ignore_changes = [size]
  }
}

resource "huaweicloud_evs_snapshot" "one" {
  volume_id = huaweicloud_evs_volume.one.id
  name      = "one"
}

resource "huaweicloud_evs_snapshot_rollback" "one" {
  snapshot_id = huaweicloud_evs_snapshot.one.id
  volume_id   = huaweicloud_evs_volume.one.id
  name        = "one"
}

resource "huaweicloud_evsv5_snapshot" "two" {
  volume_id = huaweicloud_evs_volume.two.id
  name      = "two"
}

resource "huaweicloud_evsv5_snapshot_rollback" "two" {
  snapshot_id = huaweicloud_evsv5_snapshot.two.id
  volume_id   = huaweicloud_evs_volume.two.id
}

# The provider does not wait for a rollback, and a disk that is being rolled back
# cannot grow.
resource "huaweicloud_evs_volumes_batch_expand" "both" {
  volumes {
    id       = huaweicloud_evs_volume.one.id
    new_size = 11
  }
  volumes {
    id       = huaweicloud_evs_volume.two.id
    new_size = 12
  }
  depends_on = [terraform_data.rolled_back]
}

resource "terraform_data" "rolled_back" {
  depends_on = [huaweicloud_evs_snapshot_rollback.one, huaweicloud_evsv5_snapshot_rollback.two]
  provisioner "local-exec" {
    command = "sleep 2"
  }
}

resource "huaweicloud_evs_volume_retype" "one" {
  volume_id  = huaweicloud_evs_volume.one.id
  new_type   = "SSD"
  depends_on = [huaweicloud_evs_volumes_batch_expand.both]
}

resource "huaweicloud_evs_unsubscribe_prepaid_volume" "one" {
  volume_ids = [huaweicloud_evs_volume.two.id]
}
