package evs

import (
	"log/slog"
	"slices"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// API is the door of the native EVS families.
type API struct {
	blocks *block.Service
	log    *slog.Logger
}

// New makes the door.
func New(blocks *block.Service, log *slog.Logger) *API { return &API{blocks: blocks, log: log} }

// Faults are the beginnings of canonical paths whose failures this door words.
// Source: EVS API 1.3 to 1.7.
var Faults = []string{
	"/v1/", "/v2.1/", "/v5/", "/v2/volumes/*/retype", "/v2/cloudsnapshots", "/v2/cloudvolumes",
	"/v2/jobs/", "/v3/cloudvolumes", "/v3/recycle-bin-volumes", "/v2/os-vendor-volumes", "/v3/os-vendor-volumes",
	"/v2/os-vendor-replication",
}

// Sources of the rows.
const (
	evs13 = "EVS API 1.3"
	evs14 = "EVS API 1.4"
	evs15 = "EVS API 1.5"
)

// Routes are the rows of this door.
func (a *API) Routes() []wire.Route {
	return withoutToken(withDiskIDs(slices.Concat(a.snapshotRoutes(), a.replicationRoutes(), a.createRoutes(), a.volumeRoutes(), a.volumeMoreRoutes(), a.tagRoutes(), a.vendorTagRoutes(), a.standardSnapshotRoutes(), a.snapshotGroupRoutes(), a.jobRoutes())))
}

func (a *API) snapshotRoutes() []wire.Route {
	const all, one = "/cloudsnapshots", "/cloudsnapshots/{snapshot_id}"
	return []wire.Route{
		{Name: "cloudsnapshot.create", Method: "POST", Path: all, Versions: wire.V2, Permission: wire.Member, OK: 202, Source: evs14, Handle: a.createSnapshot},
		{Name: "cloudsnapshot.list", Method: "GET", Path: all + "/detail", Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.listSnapshots},
		{Name: "cloudsnapshot.update", Method: "PUT", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.updateSnapshot},
		{Name: "cloudsnapshot.show", Method: "GET", Path: one, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.showSnapshot},
		{Name: "cloudsnapshot.delete", Method: "DELETE", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 202, Source: evs14, Handle: a.deleteSnapshot},
		{Name: "cloudsnapshot.rollback", Method: "POST", Path: one + "/rollback", Versions: wire.V2, Permission: wire.Member, OK: 202, Source: "EVS API 4.3", Handle: a.rollBack},
	}
}

func (a *API) volumeRoutes() []wire.Route {
	const all, one = "/cloudvolumes", "/cloudvolumes/{volume_id}"
	return []wire.Route{
		{Name: "cloudvolume.list", Method: "GET", Path: all, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.listVolumes},
		{Name: "cloudvolume.list_details", Method: "GET", Path: all + "/detail", Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.listVolumes},
		{Name: "cloudvolume.show", Method: "GET", Path: one, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.showVolume},
		{Name: "cloudvolume.update", Method: "PUT", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.updateVolume},
		{Name: "cloudvolume.delete", Method: "DELETE", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.deleteVolume},
		{Name: "cloudvolume.extend", Method: "POST", Path: one + "/action", Action: "os-extend", Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.extendVolume},
		{Name: "cloudvolume.extend_v21", Method: "POST", Path: one + "/action", Action: "os-extend", Beside: []string{"bssParam"}, Versions: wire.V21, Permission: wire.Member, OK: 202, Source: evs15, Handle: a.extendVolume},
		{Name: "cloudvolume.vendor_list", Method: "GET", Path: "/os-vendor-volumes/detail", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.listVolumes},
		{Name: "cloudvolume.vendor_show", Method: "GET", Path: "/os-vendor-volumes/{volume_id}", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.showVolume},
	}
}

func (a *API) jobRoutes() []wire.Route {
	return []wire.Route{
		{Name: "job.show", Method: "GET", Path: "/jobs/{job_id}", Versions: wire.V1 | wire.V2, Permission: wire.Reader, OK: 200, Source: evs13, Handle: a.showJob},
	}
}
