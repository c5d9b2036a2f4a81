# What must hold after each apply, each worded by the type it is about.

output "holds" {
  value = {
    "huaweicloud_evs_volume: what was asked for is shown" = (
      huaweicloud_evs_volume.native.status == "available" && huaweicloud_evs_volume.native.service_type == "EVS" &&
      huaweicloud_evs_volume.native.bootable == "false" && huaweicloud_evs_volume.native.wwn != "" && huaweicloud_evs_volume.native.enterprise_project_id == "6b9f0c1e-3a5d-4c4e-8f5a-2d1f7c0a9e11"
    )
    "huaweicloud_evs_volume: SCSI and shared" = huaweicloud_evs_volume.scsi.device_type == "SCSI" && huaweicloud_evs_volume.scsi.multiattach
    "huaweicloud_evs_volume: from a snapshot" = huaweicloud_evs_volume.from_snapshot.snapshot_id == huaweicloud_evs_snapshot.native.id
    "huaweicloud_evsv3_volume: what was asked for is shown" = (
      huaweicloud_evsv3_volume.v3.status == "available" && huaweicloud_evsv3_volume.v3.metadata["k"] == (var.changed ? "w" : "v") && !huaweicloud_evsv3_volume.v3.multiattach
    )
    "huaweicloud_evs_snapshot: available, as large as its disk" = huaweicloud_evs_snapshot.native.status == "available" && huaweicloud_evs_snapshot.native.size == 10
    "huaweicloud_evsv3_snapshot: available"                     = huaweicloud_evsv3_snapshot.v3.status == "available"
    "huaweicloud_evsv5_snapshot: available, in a chain" = (
      huaweicloud_evsv5_snapshot.v5.status == "available" && huaweicloud_evsv5_snapshot.v5.progress == "100%" && length(huaweicloud_evsv5_snapshot.v5.snapshot_chains) == 1
    )
    "huaweicloud_evsv5_snapshot: a whole one" = !huaweicloud_evsv5_snapshot.whole.incremental
    "huaweicloud_evs_volumes: all" = length(setsubtract([
      huaweicloud_evs_volume.native.id, huaweicloud_evs_volume.from_snapshot.id, huaweicloud_evsv3_volume.v3.id
    ], data.huaweicloud_evs_volumes.all.volumes[*].id)) == 0
    "huaweicloud_evs_volumes: filtered by name, zone, status, shareable" = (
      [for v in data.huaweicloud_evs_volumes.one.volumes : v.id] == [huaweicloud_evs_volume.native.id] && data.huaweicloud_evs_volumes.one.volumes[0].tags == local.tags
    )
    "huaweicloud_evs_volumes: by id"                       = [for v in data.huaweicloud_evs_volumes.by_id.volumes : v.id] == [huaweicloud_evs_volume.native.id]
    "huaweicloud_evsv3_volumes: filtered by name"          = [for v in data.huaweicloud_evsv3_volumes.one.volumes : v.id] == [huaweicloud_evs_volume.native.id]
    "huaweicloud_evs_volumes_by_tags: filter"              = [for r in data.huaweicloud_evs_volumes_by_tags.owned.resources : r.resource_id] == [huaweicloud_evs_volume.native.id]
    "huaweicloud_evs_volumes_by_tags: count"               = data.huaweicloud_evs_volumes_by_tags.counted.total_count == 2
    "huaweicloud_evs_volume_tags: all of the disk"         = tomap({ for t in data.huaweicloud_evs_volume_tags.native.tags : t.key => t.value }) == local.tags
    "huaweicloud_evs_tags: all of the project"             = data.huaweicloud_evs_tags.all.tags == local.tags
    "huaweicloud_evs_snapshots: filtered"                  = [for s in data.huaweicloud_evs_snapshots.one.snapshots : s.id] == [huaweicloud_evs_snapshot.native.id]
    "huaweicloud_evsv3_snapshots: filtered"                = [for s in data.huaweicloud_evsv3_snapshots.one.snapshots : s.id] == [huaweicloud_evs_snapshot.native.id]
    "huaweicloud_evsv5_snapshots: filtered"                = [for s in data.huaweicloud_evsv5_snapshots.one.snapshots : s.id] == [huaweicloud_evsv5_snapshot.v5.id]
    "huaweicloud_evs_snapshot_chains: both of the disk"    = sum([for c in data.huaweicloud_evs_snapshot_chains.fast.snapshot_chains : c.snapshot_count]) == 2
    "huaweicloud_evs_snapshot_group: available"            = huaweicloud_evs_snapshot_group.both.status == "available"
    "huaweicloud_evs_snapshot_groups: filtered"            = [for g in data.huaweicloud_evs_snapshot_groups.one.snapshot_groups : g.tags] == [local.tags]
    "huaweicloud_evs_snapshots_tags: all of the project"       = tomap({ for t in data.huaweicloud_evs_snapshots_tags.all.tags : t.key => t.value[0] }) == local.tags
    "huaweicloud_evs_snapshot_groups_tags: all of the project" = tomap({ for t in data.huaweicloud_evs_snapshot_groups_tags.all.tags : t.key => t.value[0] }) == local.tags
    "huaweicloud_evsv5_snapshots: of a group"              = toset(data.huaweicloud_evsv5_snapshots.of_group.snapshots[*].volume_id) == toset([huaweicloud_evs_volume.native.id, huaweicloud_evsv3_volume.v3.id])
    "huaweicloud_evs_snapshot_metadata: read back"         = data.huaweicloud_evs_snapshot_metadata.one.metadata["color"] == (var.changed ? "blue" : "green")
    "huaweicloud_evs_volume_metadata: read back"           = huaweicloud_evs_volume_metadata.one.metadata["color"] == (var.changed ? "blue" : "green")
    "huaweicloud_evs_availability_zones: az1"              = [for z in data.huaweicloud_evs_availability_zones.all.availability_zones : z.name] == ["az1"]
    "huaweicloud_evsv3_availability_zones: az1"            = [for z in data.huaweicloud_evsv3_availability_zones.all.availability_zones : z.name] == ["az1"]
    "huaweicloud_evs_volume_types: the vendor's"           = length(setintersection(["SATA", "SAS", "GPSSD", "SSD", "ESSD"], data.huaweicloud_evs_volume_types.all.types[*].name)) == 5
    "huaweicloud_evsv3_volume_types: the vendor's"         = length(setintersection(["SATA", "SAS", "GPSSD", "SSD", "ESSD"], data.huaweicloud_evsv3_volume_types.all.volume_types[*].name)) == 5
    "huaweicloud_evsv3_volume_type_detail: the first type" = data.huaweicloud_evsv3_volume_type_detail.first.volume_type[0].name == data.huaweicloud_evs_volume_types.all.types[0].name
    "huaweicloud_evs_recycle_bin_policy: off at first"     = !data.huaweicloud_evs_recycle_bin_policy.one.switch && data.huaweicloud_evs_recycle_bin_policy.one.keep_time == 7
    "huaweicloud_evs_quotas: in use"                       = data.huaweicloud_evs_quotas.one.quota_set[0].volumes[0].in_use > 0
    "huaweicloud_evsv3_quotas: in use"                     = data.huaweicloud_evsv3_quotas.one.quota_set[0].volumes[0].in_use > 0
  }
}
