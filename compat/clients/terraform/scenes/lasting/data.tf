# Every data source that shows what main.tf made.

data "huaweicloud_evs_volumes" "all" {
  depends_on = [huaweicloud_evs_volume.native, huaweicloud_evsv3_volume.v3, huaweicloud_evs_volume.from_snapshot]
}

data "huaweicloud_evs_volumes" "one" {
  name              = huaweicloud_evs_volume.native.name
  availability_zone = "az1"
  status            = "available"
  shareable         = false
  sort_key          = "created_at"
  sort_dir          = "desc"
  # No filter by tags: v1.96.1 panics over the first disk that has any (filterEvsVolumes).
}

data "huaweicloud_evs_volumes" "by_id" {
  volume_id = huaweicloud_evs_volume.native.id
}

data "huaweicloud_evsv3_volumes" "one" {
  name     = huaweicloud_evs_volume.native.name
  status   = "available"
  sort_key = "created_at"
  sort_dir = "asc"
}

data "huaweicloud_evs_volumes_by_tags" "owned" {
  action = "filter"
  tags {
    key    = "owner"
    values = [local.tags.owner]
  }
  matches {
    key   = "resource_name"
    value = huaweicloud_evs_volume.native.name
  }
  depends_on = [huaweicloud_evs_volume.native, huaweicloud_evsv3_volume.v3]
}

data "huaweicloud_evs_volumes_by_tags" "counted" {
  action = "count"
  tags {
    key    = "owner"
    values = [local.tags.owner]
  }
  depends_on = [huaweicloud_evs_volume.native, huaweicloud_evsv3_volume.v3]
}

data "huaweicloud_evs_volume_tags" "native" {
  volume_id  = huaweicloud_evs_volume.native.id
  depends_on = [huaweicloud_evs_volume.native]
}

data "huaweicloud_evs_tags" "all" {
  depends_on = [huaweicloud_evs_volume.native, huaweicloud_evsv3_volume.v3]
}

data "huaweicloud_evs_snapshots" "one" {
  name              = huaweicloud_evs_snapshot.native.name
  volume_id         = huaweicloud_evs_snapshot.native.volume_id
  availability_zone = "az1"
  status            = "available"
}

data "huaweicloud_evsv3_snapshots" "one" {
  name      = huaweicloud_evs_snapshot.native.name
  volume_id = huaweicloud_evs_snapshot.native.volume_id
  status    = "available"
}

data "huaweicloud_evsv5_snapshots" "one" {
  volume_id  = huaweicloud_evs_volume.fast.id
  name       = huaweicloud_evsv5_snapshot.v5.name
  status     = "available"
  sort_key   = "created_at"
  sort_dir   = "desc"
  depends_on = [huaweicloud_evsv5_snapshot.whole]
}

data "huaweicloud_evs_snapshot_chains" "fast" {
  volume_id  = huaweicloud_evs_volume.fast.id
  depends_on = [huaweicloud_evsv5_snapshot.whole]
}

data "huaweicloud_evs_snapshot_groups" "one" {
  id       = huaweicloud_evs_snapshot_group.both.id
  name     = huaweicloud_evs_snapshot_group.both.name
  status   = "available"
  sort_key = "created_at"
  sort_dir = "desc"
}

data "huaweicloud_evs_snapshots_tags" "all" {
  depends_on = [huaweicloud_evsv5_snapshot.v5]
}

data "huaweicloud_evs_snapshot_groups_tags" "all" {
  depends_on = [huaweicloud_evs_snapshot_group.both]
}

data "huaweicloud_evsv5_snapshots" "of_group" {
  snapshot_group_id = huaweicloud_evs_snapshot_group.both.id
}

data "huaweicloud_evs_snapshot_metadata" "one" {
  snapshot_id = huaweicloud_evs_snapshot_metadata.one.snapshot_id
  depends_on  = [huaweicloud_evs_snapshot_metadata.one]
}

data "huaweicloud_evs_availability_zones" "all" {}
data "huaweicloud_evsv3_availability_zones" "all" {}
data "huaweicloud_evs_volume_types" "all" {}
data "huaweicloud_evsv3_volume_types" "all" {}
data "huaweicloud_evs_recycle_bin_policy" "one" {}

data "huaweicloud_evsv3_volume_type_detail" "first" {
  type_id = data.huaweicloud_evs_volume_types.all.types[0].id
}

data "huaweicloud_evs_quotas" "one" {
  usage      = "True"
  depends_on = [huaweicloud_evs_volume.native]
}

data "huaweicloud_evsv3_quotas" "one" {
  usage      = true
  depends_on = [huaweicloud_evs_volume.native]
}
