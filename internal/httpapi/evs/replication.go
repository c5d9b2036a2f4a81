package evs

import (
	"net/http"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// replicationRoutes are the calls on replication pairs and their groups, which EVS
// has given up. A second site is needed for them: none can be made here, so that
// lists are empty and no id is known. Source: EVS API 1.4, deprecated.
func (a *API) replicationRoutes() []wire.Route {
	var rows []wire.Route
	for noun, path := range map[string]string{"replication": "/os-vendor-replications", "replication_group": "/os-vendor-replication-consistency-groups"} {
		row := func(call, method, path string, permission wire.Permission, ok int, handle wire.Handler) {
			rows = append(rows, wire.Route{Name: noun + "." + call, Method: method, Path: path, Versions: wire.V2, Permission: permission, OK: ok, Source: evs14, Handle: handle})
		}
		one := path + "/{" + noun + "_id}"
		row("create", "POST", path, wire.Member, 202, a.refuseReplication)
		row("list", "GET", path, wire.Reader, 200, a.listReplications)
		row("show", "GET", one, wire.Reader, 200, a.unknownReplication)
		row("delete", "DELETE", one, wire.Member, 202, a.unknownReplication)
		if noun == "replication_group" {
			row("update", "PUT", one, wire.Member, 202, a.unknownReplication)
			row("action", "POST", one+"/action", wire.Member, 200, a.unknownReplication)
		}
	}
	slices.SortFunc(rows, func(a, b wire.Route) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

func (a *API) refuseReplication(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return block.Errorf(block.Invalid, "Replication is not offered: EVS has given it up, and this service has one site.")
}

func (a *API) unknownReplication(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return block.Errorf(block.NotFound, "No replication pair or group could be found: none can be made here.")
}

func (a *API) listReplications(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	key := "replications"
	if strings.HasPrefix(x.Route.Name, "replication_group.") {
		key = "replication_consistency_groups"
	}
	return reply(x, http.StatusOK, map[string][]string{key: {}})
}
