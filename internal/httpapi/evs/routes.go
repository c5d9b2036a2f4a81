package evs

import (
	"log/slog"

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
	"/v1/", "/v2.1/", "/v5/", "/v2/cloudsnapshots", "/v2/cloudvolumes",
	"/v2/jobs/", "/v3/cloudvolumes", "/v3/recycle-bin-volumes",
}

// Routes are the rows of this door.
func (a *API) Routes() []wire.Route {
	const one, source = "/cloudsnapshots/{snapshot_id}", "EVS API 1.4"
	return []wire.Route{
		{Name: "cloudsnapshot.update", Method: "PUT", Path: one, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: source, Handle: a.updateSnapshot},
		{Name: "cloudsnapshot.show", Method: "GET", Path: one, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: source, Handle: a.showSnapshot},
		{Name: "cloudsnapshot.rollback", Method: "POST", Path: one + "/rollback", Versions: wire.V2, Permission: wire.Member, OK: 202, Source: "EVS API 4.3", Handle: a.rollBack},
	}
}
