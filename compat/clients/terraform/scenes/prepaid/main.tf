# Nothing is sold here.

resource "huaweicloud_evs_volume" "bought" {
  name              = "bought"
  availability_zone = "az1"
  volume_type       = "SSD"
  size              = 10
  charging_mode     = "prePaid"
  period_unit       = "month"
  period            = 1
}
