# Logged in by name and password, which the provider does for the project and for the
# domain.

resource "huaweicloud_evsv3_volume" "one" {
  name              = "by password"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
}

data "huaweicloud_evs_volumes" "one" {
  volume_id = huaweicloud_evsv3_volume.one.id
}

output "holds" {
  value = {
    "huaweicloud_evs_volumes: by id, with a token" = data.huaweicloud_evs_volumes.one.volumes[0].name == "by password"
  }
}
