package cinder

import (
	"slices"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// Sources of the rows.
const (
	seeds     = `seeds, "Updating an EVS Snapshot"`
	evs11     = "EVS API 1.1"
	evs12     = "EVS API 1.2"
	evs66     = "EVS API 6.6"
	evs9      = "EVS API 9"
	recorded  = "recordings of Cinder 21.3.1"
	cinderAPI = "Cinder block storage API v3"
	ours      = "Breezeblock extension"
)

// Routes are the rows of this door.
func (a *API) Routes() []wire.Route {
	return slices.Concat(
		a.snapshotRoutes(), a.snapshotActions(), metadataRoutes("snapshot", a.snapshotMetadata()),
		a.volumeRoutes(), a.volumeActions(), a.imageActions(), metadataRoutes("volume", a.volumeMetadata()),
		a.attachmentRoutes(), a.connectionActions(),
		a.serviceRoutes(), a.versionRoutes(),
		a.transferRoutes(), a.messageRoutes(), a.backendRoutes(), a.daemonRoutes(),
		a.manageRoutes(), a.forceDetachRoutes(),
		a.rollbackRoutes(),
		a.blockRoutes(),
		a.groupTypeRoutes(), a.groupRoutes(), a.groupSnapshotRoutes(), a.consistencyGroupRoutes(), a.cgSnapshotRoutes(),
		a.verifyRoutes(), a.usageRoutes(),
		a.typeRoutes(), a.qosRoutes(),
		a.backupRoutes(),
	)
}

func (a *API) snapshotRoutes() []wire.Route {
	const all, one = "/snapshots", "/snapshots/{snapshot_id}"
	return []wire.Route{
		{Name: "snapshot.update", Method: "PUT", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 200, Source: seeds, Handle: a.updateSnapshot},
		{Name: "snapshot.show", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: a.showSnapshot},
		{Name: "snapshot.create", Method: "POST", Path: all, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: evs12, Handle: a.createSnapshot},
		{Name: "snapshot.delete", Method: "DELETE", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: evs12, Handle: a.deleteSnapshot},
		{Name: "snapshot.list", Method: "GET", Path: all, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: a.listSnapshots},
		{Name: "snapshot.list_details", Method: "GET", Path: all + "/detail", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: a.listSnapshotDetails},
		{Name: "snapshot.explain", Method: "GET", Path: one + "/explain", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.explainSnapshot},
	}
}

func (a *API) snapshotActions() []wire.Route {
	return actions("/snapshots/{snapshot_id}/action", []wire.Route{
		{Name: "snapshot.reset_status", Action: "os-reset_status", Permission: wire.Admin, Source: recorded, Handle: a.resetSnapshotStatus},
		{Name: "snapshot.force_delete", Action: "os-force_delete", Permission: wire.Admin, Source: recorded, Handle: a.forceDeleteSnapshot},
		{Name: "snapshot.update_status", Action: "os-update_snapshot_status", Permission: wire.Member, Source: recorded, Handle: a.updateSnapshotStatus},
		{Name: "snapshot.unmanage", Action: "os-unmanage", Permission: wire.Admin, Source: recorded, Handle: a.unmanageSnapshot},
	})
}

// actions are rows on one path that the body's one key tells apart; 202 unless
// a row says otherwise.
func actions(path string, rows []wire.Route) []wire.Route {
	for i := range rows {
		rows[i].Method, rows[i].Path, rows[i].Versions = "POST", path, wire.V2V3
		if rows[i].OK == 0 {
			rows[i].OK = 202
		}
	}
	return rows
}

// metadataRoutes are the six calls on a noun's metadata.
func metadataRoutes(noun string, m *metadataOf) []wire.Route {
	all := "/" + noun + "s/{" + m.id + "}/metadata"
	one := all + "/{key}"
	return []wire.Route{
		{Name: noun + ".metadata.list", Method: "GET", Path: all, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: m.list},
		{Name: noun + ".metadata.merge", Method: "POST", Path: all, Versions: wire.V2V3, Permission: wire.Member, OK: 200, Source: evs12, Handle: m.merge},
		{Name: noun + ".metadata.replace", Method: "PUT", Path: all, Versions: wire.V2V3, Permission: wire.Member, OK: 200, Source: evs12, Handle: m.replace},
		{Name: noun + ".metadata.show", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: m.show},
		{Name: noun + ".metadata.set", Method: "PUT", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 200, Source: evs12, Handle: m.setOne},
		{Name: noun + ".metadata.drop", Method: "DELETE", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 200, Source: evs12, Handle: m.dropOne},
	}
}

func (a *API) volumeRoutes() []wire.Route {
	const all, one = "/volumes", "/volumes/{volume_id}"
	return []wire.Route{
		{Name: "volume.create", Method: "POST", Path: all, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: evs12, Handle: a.createVolume},
		{Name: "volume.show", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: a.showVolume},
		{Name: "volume.update", Method: "PUT", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 200, Source: evs12, Handle: a.updateVolume},
		{Name: "volume.delete", Method: "DELETE", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: evs12, Handle: a.deleteVolume},
		{Name: "volume.list", Method: "GET", Path: all, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: a.listVolumes},
		{Name: "volume.list_details", Method: "GET", Path: all + "/detail", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs12, Handle: a.listVolumeDetails},
		{Name: "volume.explain", Method: "GET", Path: one + "/explain", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.explainVolume},
	}
}

func (a *API) volumeActions() []wire.Route {
	return actions("/volumes/{volume_id}/action", []wire.Route{
		{Name: "volume.extend", Action: "os-extend", Permission: wire.Member, Source: evs66, Handle: a.extendVolume},
		{Name: "volume.reset_status", Action: "os-reset_status", Permission: wire.Admin, Source: recorded, Handle: a.resetVolumeStatus},
		{Name: "volume.force_delete", Action: "os-force_delete", Permission: wire.Admin, Source: cinderAPI, Handle: a.forceDeleteVolume},
		{Name: "volume.attach", Action: "os-attach", Permission: wire.Member, Source: evs66, Handle: a.attachVolume},
		{Name: "volume.detach", Action: "os-detach", Permission: wire.Member, Source: evs66, Handle: a.detachVolume},
		{Name: "volume.set_bootable", Action: "os-set_bootable", Permission: wire.Member, OK: 200, Source: evs66, Handle: a.setBootable},
		{Name: "volume.set_readonly", Action: "os-update_readonly_flag", Permission: wire.Member, Source: evs66, Handle: a.setReadonly},
	})
}

// serviceRoutes are the calls that belong to no volume and no snapshot.
func (a *API) serviceRoutes() []wire.Route {
	const quota, class = "/os-quota-sets/{target}", "/os-quota-class-sets/{class}"
	return []wire.Route{
		{Name: "zone.list", Method: "GET", Path: "/os-availability-zone", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs9, Handle: a.listZones},
		{Name: "quota.show", Method: "GET", Path: quota, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs9, Handle: a.showQuota},
		{Name: "quota.defaults", Method: "GET", Path: quota + "/defaults", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.showDefaultQuota},
		{Name: "quota.update", Method: "PUT", Path: quota, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.updateQuota},
		{Name: "quota.reset", Method: "DELETE", Path: quota, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.resetQuota},
		{Name: "quota_class.show", Method: "GET", Path: class, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showQuotaClass},
		{Name: "quota_class.update", Method: "PUT", Path: class, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.updateQuotaClass},
		{Name: "limits.show", Method: "GET", Path: "/limits", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.showLimits},
		{Name: "extension.list", Method: "GET", Path: "/extensions", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs9, Handle: a.listExtensions},
	}
}

func (a *API) versionRoutes() []wire.Route {
	return []wire.Route{
		{Name: "version.list", Method: "GET", Path: "/", Versions: wire.NoVersion, Permission: wire.Public, OK: 300, Source: evs11, Handle: a.showVersions},
		{Name: "version.v1", Method: "GET", Path: "", Versions: wire.V1, Permission: wire.Public, OK: 200, Source: evs11, Handle: a.showV1},
		{Name: "version.v1_slash", Method: "GET", Path: "/", Versions: wire.V1, Permission: wire.Public, OK: 200, Source: evs11, Handle: a.showV1},
		{Name: "version.v2", Method: "GET", Path: "", Versions: wire.V2, Permission: wire.Public, OK: 200, Source: evs11, Handle: a.showV2},
		{Name: "version.v2_slash", Method: "GET", Path: "/", Versions: wire.V2, Permission: wire.Public, OK: 200, Source: evs11, Handle: a.showV2},
		{Name: "version.v3", Method: "GET", Path: "", Versions: wire.V3, Permission: wire.Public, OK: 200, Source: evs11, Handle: a.findV3},
		{Name: "version.v3_slash", Method: "GET", Path: "/", Versions: wire.V3, Permission: wire.Public, OK: 200, Source: evs11, Handle: a.showV3},
		{Name: "health", Method: "GET", Path: "/healthcheck", Versions: wire.NoVersion, Permission: wire.Public, OK: 200, Source: recorded, Handle: a.showHealth},
	}
}
