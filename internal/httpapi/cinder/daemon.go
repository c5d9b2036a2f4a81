package cinder

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// daemonRoutes are the calls on services, and on clusters and workers, of which
// there are none. Source: Cinder api/v3 services, clusters, workers.
func (a *API) daemonRoutes() []wire.Route {
	put := func(name, word string, on wire.Versions, since wire.Microversion, ok int, handle wire.Handler) wire.Route {
		return wire.Route{Name: "service." + name, Method: "PUT", Path: "/os-services/" + word, Versions: on, Since: since,
			Permission: wire.Admin, OK: ok, Source: cinderAPI, Handle: handle}
	}
	cluster := func(name, method, path string, ok int, handle wire.Handler) wire.Route {
		return wire.Route{Name: "cluster." + name, Method: method, Path: "/clusters" + path, Versions: wire.V3, Since: wire.Clusters,
			Permission: wire.Admin, OK: ok, Source: cinderAPI, Handle: handle}
	}
	return []wire.Route{
		{Name: "service.list", Method: "GET", Path: "/os-services", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: recorded, Handle: a.listServices},
		put("enable", "enable", wire.V2V3, 0, 200, a.setService(false, false)),
		put("disable", "disable", wire.V2V3, 0, 200, a.setService(true, false)),
		put("disable_reason", "disable-log-reason", wire.V2V3, 0, 200, a.setService(true, true)),
		put("freeze", "freeze", wire.V2V3, 0, 200, a.setFrozen(a.blocks.Freeze)),
		put("thaw", "thaw", wire.V2V3, 0, 200, a.setFrozen(a.blocks.Thaw)),
		put("failover_host", "failover_host", wire.V2V3, 0, 400, a.refuseReplication("failover")),
		put("failover", "failover", wire.V3, wire.ClusterReplication, 400, a.refuseReplication("failover")),
		put("get_log", "get-log", wire.V3, wire.LogLevels, 200, a.getLogLevels),
		put("set_log", "set-log", wire.V3, wire.LogLevels, 202, a.setLogLevels),
		cluster("list", "GET", "", 200, a.listClusters),
		cluster("list_details", "GET", "/detail", 200, a.listClusters),
		cluster("show", "GET", "/{cluster}", 404, a.showCluster),
		cluster("enable", "PUT", "/enable", 404, a.setCluster),
		cluster("disable", "PUT", "/disable", 404, a.setCluster),
		{Name: "worker.cleanup", Method: "POST", Path: "/workers/cleanup", Versions: wire.V3, Since: wire.WorkersCleanup, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.cleanUp},
	}
}

// listServices serves GET /os-services, those of a host or binary if the query
// names it. Whoever answers is up. Source: recording service-admin-os-services.
func (a *API) listServices(x *wire.Exchange) error {
	query, _, err := asked(x)
	if err != nil {
		return err
	}
	daemons, err := a.blocks.Daemons(x.Context())
	if err != nil {
		return err
	}
	rows := []map[string]any{}
	for _, d := range daemons {
		if (query.Has("host") && !runsOn(d, query.Get("host"))) || (query.Has("binary") && query.Get("binary") != d.Binary) {
			continue
		}
		rows = append(rows, a.serviceRow(x, d))
	}
	return replyJSON(x, http.StatusOK, map[string]any{"services": rows})
}

// runsOn says whether a service is the host's: it has its name, or is one of its
// backends, host@backend. Source: Cinder, the filter host of its service query.
func runsOn(d block.Daemon, host string) bool {
	return d.Host == host || strings.HasPrefix(d.Host, host+"@")
}

func (a *API) serviceRow(x *wire.Exchange, d block.Daemon) map[string]any {
	row := map[string]any{
		"binary": d.Binary, "host": d.Host, "zone": a.blocks.Zone(), "status": "enabled", "state": "up",
		"updated_at": apiTime(a.blocks.Now()), "disabled_reason": orNull(d.Reason),
	}
	if d.Disabled {
		row["status"] = "disabled"
	}
	if x.Version >= wire.Clusters {
		row["cluster"] = nil
	}
	if d.Binary == block.BinaryVolume {
		row["replication_status"], row["active_backend_id"], row["frozen"] = "disabled", nil, d.Frozen
		if x.Version >= wire.BackendState {
			row["backend_state"] = "up"
		}
	}
	return row
}

// setService serves PUT /os-services/enable, disable and disable-log-reason.
func (a *API) setService(disabled, withReason bool) wire.Handler {
	return func(x *wire.Exchange) error {
		top, err := x.Top()
		if err != nil {
			return err
		}
		allowed := []string{"binary", "host", "cluster", "service"}
		if withReason {
			allowed = append(allowed, "disabled_reason")
		}
		if err := top.Only("the request body", allowed...); err != nil {
			return err
		}
		words, err := readWords(top, allowed...)
		if err != nil {
			return err
		}
		binary := words["binary"]
		if binary == "" {
			binary = words["service"]
		}
		if binary == "" || words["host"] == "" {
			return block.Errorf(block.Invalid, "'host' and 'binary' are required properties.")
		}
		reason := words["disabled_reason"]
		if withReason && strings.TrimSpace(reason) == "" {
			return block.Errorf(block.Invalid, "disabled_reason must have 1 to 255 characters that are not all spaces.")
		}
		if _, err := x.Authorize(); err != nil {
			return err
		}
		if err := a.blocks.SetDaemon(x.Context(), words["host"], binary, disabled, reason); err != nil {
			return err
		}
		answer := map[string]any{"host": words["host"], "service": words["service"], "binary": words["binary"], "disabled": disabled, "status": "enabled"}
		if disabled {
			answer["status"] = "disabled"
		}
		if withReason {
			answer["disabled_reason"] = orNull(reason)
		}
		return replyJSON(x, http.StatusOK, answer)
	}
}

// readWords reads texts of 255 characters at most, without control characters;
// absent and null are empty.
func readWords(members wire.Members, keys ...string) (map[string]string, error) {
	words := map[string]string{}
	for _, key := range keys {
		value, given := members.Get(key)
		if !given || value.Kind() == 'n' {
			continue
		}
		text, err := wire.ReadString(value, key)
		if err != nil {
			return nil, err
		}
		if utf8.RuneCountInString(text) > block.MaxReason || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
			return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: at most %d characters, none of them a control character.", key, block.MaxReason)
		}
		words[key] = text
	}
	return words, nil
}

// setFrozen serves PUT /os-services/freeze and thaw: 200 and no body.
func (a *API) setFrozen(set func(context.Context, string) error) wire.Handler {
	return func(x *wire.Exchange) error {
		top, err := x.Top()
		if err != nil {
			return err
		}
		if err := top.Only("the request body", "host", "cluster"); err != nil {
			return err
		}
		words, err := readWords(top, "host", "cluster")
		if err != nil {
			return err
		}
		if words["host"] == "" {
			return block.Errorf(block.Invalid, "'host' is a required property.")
		}
		if _, err := x.Authorize(); err != nil {
			return err
		}
		if err := set(x.Context(), words["host"]); err != nil {
			return err
		}
		return replyNothing(x, http.StatusOK)
	}
}

// refuseReplication answers what only a replicated backend can do.
func (a *API) refuseReplication(what string) wire.Handler {
	return func(x *wire.Exchange) error {
		top, err := x.Top()
		if err != nil {
			return err
		}
		if err := top.Only("the request body", "host", "cluster", "backend_id"); err != nil {
			return err
		}
		words, err := readWords(top, "host", "cluster", "backend_id")
		if err != nil {
			return err
		}
		if _, err := x.Authorize(); err != nil {
			return err
		}
		return block.Errorf(block.Invalid, "Invalid input received: %s is not possible for %.128s: its replication_status is disabled, there is no replication target.",
			what, words["host"])
	}
}
