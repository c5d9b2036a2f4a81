# Two disks are given to another project, one by each family.

variable "other_project" { type = string }

provider "huaweicloud" {
  alias                   = "other"
  region                  = var.region
  project_name            = var.other_project
  auth_url                = "${var.iam}/v3"
  access_key              = var.access_key
  secret_key              = var.secret_key
  skip_check_website_type = true
  skip_check_upgrade      = true
  endpoints = {
    iam = var.iam
    evs = var.service
  }
}

resource "huaweicloud_evs_volume" "v2" {
  name              = "given by v2"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
}

resource "huaweicloud_evs_volume_transfer" "v2" {
  name      = "by v2"
  volume_id = huaweicloud_evs_volume.v2.id
}

resource "huaweicloud_evsv3_volume" "v3" {
  name              = "given by v3"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
}

resource "huaweicloud_evsv3_volume_transfer" "v3" {
  name      = "by v3"
  volume_id = huaweicloud_evsv3_volume.v3.id
}

data "huaweicloud_evs_volume_transfers" "all" {
  depends_on = [huaweicloud_evs_volume_transfer.v2, huaweicloud_evsv3_volume_transfer.v3]
}

data "huaweicloud_evsv3_volume_transfers" "all" {
  depends_on = [huaweicloud_evs_volume_transfer.v2, huaweicloud_evsv3_volume_transfer.v3]
}

data "huaweicloud_evsv3_volume_transfer_details" "all" {
  depends_on = [huaweicloud_evs_volume_transfer.v2, huaweicloud_evsv3_volume_transfer.v3]
}

resource "huaweicloud_evs_volume_transfer_accepter" "v2" {
  provider    = huaweicloud.other
  transfer_id = huaweicloud_evs_volume_transfer.v2.id
  auth_key    = huaweicloud_evs_volume_transfer.v2.auth_key
  depends_on  = [data.huaweicloud_evs_volume_transfers.all, data.huaweicloud_evsv3_volume_transfers.all, data.huaweicloud_evsv3_volume_transfer_details.all]
}

resource "huaweicloud_evsv3_volume_transfer_accepter" "v3" {
  provider    = huaweicloud.other
  transfer_id = huaweicloud_evsv3_volume_transfer.v3.id
  auth_key    = huaweicloud_evsv3_volume_transfer.v3.auth_key
  depends_on  = [data.huaweicloud_evs_volume_transfers.all, data.huaweicloud_evsv3_volume_transfers.all, data.huaweicloud_evsv3_volume_transfer_details.all]
}

# The disks as their new project sees them.
data "huaweicloud_evs_volumes" "taken" {
  provider   = huaweicloud.other
  depends_on = [huaweicloud_evs_volume_transfer_accepter.v2, huaweicloud_evsv3_volume_transfer_accepter.v3]
}
