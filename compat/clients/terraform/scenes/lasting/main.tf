# Everything that lasts, in all three families, twice: as it is made and as it is
# changed (-var changed=true).

variable "changed" {
  type    = bool
  default = false
}

locals {
  again = var.changed ? ", changed" : ""
  tags  = var.changed ? { owner = "b", stage = "two" } : { owner = "a", gone = "later" }
}

resource "huaweicloud_evs_volume" "native" {
  name              = "native ü${local.again}"
  description       = "made by Terraform <&>${local.again}"
  availability_zone = "az1"
  volume_type       = var.changed ? "SSD" : "SAS"
  size              = var.changed ? 12 : 10
  tags              = local.tags

  enterprise_project_id = "6b9f0c1e-3a5d-4c4e-8f5a-2d1f7c0a9e11"
}

# A disk whose speed is bought, and changed by the call for it.
resource "huaweicloud_evs_volume" "fast" {
  name              = "fast"
  availability_zone = "az1"
  volume_type       = "GPSSD2"
  size              = 10
  iops              = var.changed ? 4000 : 3000
  throughput        = var.changed ? 150 : 125
}

resource "huaweicloud_evs_volume" "scsi" {
  name              = "scsi"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
  device_type       = "SCSI"
  multiattach       = true
}

# Whether it is SCSI follows from the snapshot and must not be said (EVS.1043).
resource "huaweicloud_evs_volume" "from_snapshot" {
  name              = "from a snapshot"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
  snapshot_id       = huaweicloud_evs_snapshot.native.id
  cascade           = true

  lifecycle {
    ignore_changes = [device_type]
  }
}

resource "huaweicloud_evsv3_volume" "v3" {
  name              = "v3${local.again}"
  description       = "by the Cinder family${local.again}"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = var.changed ? 11 : 10
  metadata          = var.changed ? { k = "w" } : { k = "v" }
  tags              = local.tags
}

resource "huaweicloud_evs_snapshot" "native" {
  volume_id   = huaweicloud_evs_volume.scsi.id
  name        = "native${local.again}"
  description = "one${local.again}"
  metadata    = { k = "v" }
}

resource "huaweicloud_evsv3_snapshot" "v3" {
  volume_id   = huaweicloud_evsv3_volume.v3.id
  name        = "v3${local.again}"
  description = var.changed ? "" : "one"
  metadata    = { k = "v" }
  force       = true
}

resource "huaweicloud_evsv5_snapshot" "v5" {
  volume_id   = huaweicloud_evs_volume.fast.id
  name        = "v5${local.again}"
  description = "standard${local.again}"
  tags        = local.tags
}

resource "huaweicloud_evsv5_snapshot" "whole" {
  volume_id   = huaweicloud_evs_volume.fast.id
  incremental = false
  depends_on  = [huaweicloud_evsv5_snapshot.v5]
}

resource "huaweicloud_evs_volume_metadata" "one" {
  volume_id = huaweicloud_evs_volume.scsi.id
  metadata  = var.changed ? { color = "blue" } : { color = "green" }
}

resource "huaweicloud_evs_snapshot_metadata" "one" {
  snapshot_id = huaweicloud_evsv5_snapshot.v5.id
  metadata    = var.changed ? { color = "blue" } : { color = "green" }
}

resource "huaweicloud_evs_snapshot_group" "both" {
  name           = "both${local.again}"
  description    = var.changed ? "" : "one moment"
  volume_ids     = [huaweicloud_evs_volume.native.id, huaweicloud_evsv3_volume.v3.id]
  instant_access = false
  tags           = local.tags
  depends_on     = [huaweicloud_evsv3_snapshot.v3] # one after another on one disk
}
