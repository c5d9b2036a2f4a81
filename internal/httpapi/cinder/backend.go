package cinder

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// backendRoutes are what administrators see of the storage.
func (a *API) backendRoutes() []wire.Route {
	return []wire.Route{
		{Name: "pool.list", Method: "GET", Path: "/scheduler-stats/get_pools", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: recorded, Handle: a.listPools},
		{Name: "capability.show", Method: "GET", Path: "/capabilities/{host}", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showCapabilities},
		{Name: "host.list", Method: "GET", Path: "/os-hosts", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.listHosts},
		{Name: "host.show", Method: "GET", Path: "/os-hosts/{host}", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showHost},
		{Name: "host.update", Method: "PUT", Path: "/os-hosts/{host}", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.updateHost},
		{Name: "volume.summary", Method: "GET", Path: "/volumes/summary", Versions: wire.V3, Since: wire.VolumeSummary, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.summarizeVolumes},
		{Name: "resource_filter.list", Method: "GET", Path: "/resource_filters", Versions: wire.V3, Since: wire.ResourceFilters, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.listResourceFilters},
	}
}

// listPools serves GET /scheduler-stats/get_pools: the one pool, unless a filter
// leaves it out (from 3.28; volume_type from 3.35: every type has this pool).
func (a *API) listPools(x *wire.Exchange) error {
	query, caller, err := asked(x)
	if err != nil {
		return err
	}
	detail, err := queryBool(query, "detail")
	if err != nil {
		return err
	}
	query.Del("detail")
	q := listQuery{}
	rules := &listRules{filters: []filterRule{
		{key: "name", since: wire.PoolFilter, keep: func(q *listQuery, name string) error {
			q.none = q.none || name != a.blocks.Host()
			return nil
		}},
		{key: "volume_type", since: wire.PoolTypeFilter, keep: a.hasType(x)},
	}}
	if err := readFilters(x, query, rules, caller.Admin, &q); err != nil {
		return err
	}
	backend, err := a.blocks.Backend(x.Context())
	if err != nil {
		return err
	}
	pools := []map[string]any{}
	if !q.none {
		one := map[string]any{"name": a.blocks.Host()}
		if detail {
			capabilities := backend.Capabilities()
			capabilities["timestamp"] = apiTime(a.blocks.Now())
			one["capabilities"] = capabilities
		}
		pools = append(pools, one)
	}
	return replyJSON(x, http.StatusOK, map[string]any{"pools": pools})
}

// hasType keeps the pool when the type, by name or id, is there: every type is
// served by it.
func (a *API) hasType(x *wire.Exchange) func(*listQuery, string) error {
	return func(q *listQuery, named string) error {
		types, err := a.blocks.VolumeTypes(x.Context())
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(types, func(t *block.VolumeType) bool { return t.Name == named || t.ID == named }) {
			return block.Errorf(block.NotFound, "Volume type with name or id %.64s could not be found.", named)
		}
		return nil
	}
}

// showCapabilities serves GET /capabilities/{host}. Source: Cinder views capabilities.
func (a *API) showCapabilities(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	host := x.PathValue("host")
	if host != a.blocks.BackendHost() && host != a.blocks.Host() {
		return block.Errorf(block.NotFound, "Can't find service: %.128s", host)
	}
	backend, err := a.blocks.Backend(x.Context())
	if err != nil {
		return err
	}
	name := backend.Driver.Name
	return replyJSON(x, http.StatusOK, map[string]any{
		"namespace": "OS::Storage::Capabilities::" + host, "vendor_name": block.Vendor, "volume_backend_name": name, "pool_name": name,
		"driver_version": block.DriverVersion, "storage_protocol": block.StorageProtocol, "display_name": "Breezeblock, driver " + name,
		"description": nil, "visibility": "public", "replication_targets": []string{}, "properties": map[string]any{
			"thin_provisioning": property("Thin Provisioning", "Space is taken when it is written."),
			"compression":       noProperty("Compression", "The driver does not compress."),
			"qos":               property("QoS", "The data path holds volumes to the rates of their type's QoS specs."),
			"replication":       noProperty("Replication", "The driver does not replicate."),
		},
	})
}

func property(title, description string) map[string]any {
	return map[string]any{"title": title, "description": description, "type": "boolean", "default": true}
}

func noProperty(title, description string) map[string]any {
	return map[string]any{"title": title, "description": description, "type": "boolean", "default": false}
}

// listHosts serves GET /os-hosts: where services run, those of a zone if the
// query names it. Source: Cinder api/contrib/hosts.
func (a *API) listHosts(x *wire.Exchange) error {
	query, _, err := asked(x)
	if err != nil {
		return err
	}
	daemons, err := a.blocks.Daemons(x.Context())
	if err != nil {
		return err
	}
	hosts := []map[string]any{}
	for _, d := range daemons {
		if zone := query.Get("zone"); d.Disabled || (zone != "" && zone != a.blocks.Zone()) {
			continue
		}
		hosts = append(hosts, map[string]any{
			"host_name": d.Host, "service": d.Binary, "zone": a.blocks.Zone(), "service-status": "available",
			"service-state": "enabled", "last-update": apiTime(a.blocks.Now()),
		})
	}
	return replyJSON(x, http.StatusOK, map[string]any{"hosts": hosts})
}

// hostShare is what one project holds of a host; the figures are text, as in Cinder.
type hostShare struct {
	Host         string `json:"host"`
	Project      string `json:"project"`
	Volumes      string `json:"volume_count"`
	VolumeSize   string `json:"total_volume_gb"`
	Snapshots    string `json:"snapshot_count"`
	SnapshotSize string `json:"total_snapshot_gb"`
}

// showHost serves GET /os-hosts/{host}: what all projects hold, and each.
func (a *API) showHost(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	host := x.PathValue("host")
	if host != a.blocks.BackendHost() && host != a.blocks.Host() {
		return block.Errorf(block.NotFound, "Host %.128s could not be found.", host)
	}
	backend, err := a.blocks.Backend(x.Context())
	if err != nil {
		return err
	}
	projects := make([]string, 0, len(backend.Held))
	for project := range backend.Held {
		projects = append(projects, project)
	}
	slices.Sort(projects)
	rows := []map[string]hostShare{{"resource": shareOf(host, "(total)", backend.Sum())}}
	for _, project := range projects {
		rows = append(rows, map[string]hostShare{"resource": shareOf(host, project, backend.Held[project])})
	}
	return replyJSON(x, http.StatusOK, map[string]any{"host": rows})
}

func shareOf(host, project string, h block.Held) hostShare {
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	return hostShare{host, project, text(h.Volumes), text(int64(h.VolumeSize)), text(h.Snapshots), text(int64(h.SnapshotSize))}
}

// updateHost serves PUT /os-hosts/{host}: enables or disables cinder-volume there.
func (a *API) updateHost(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	if err := top.Only("the request body", "status"); err != nil {
		return err
	}
	words, err := readWords(top, "status")
	if err != nil {
		return err
	}
	word := strings.ToLower(strings.TrimSpace(words["status"]))
	if word != "enable" && word != "disable" {
		return block.Errorf(block.Invalid, "Invalid status: '%.64s'", words["status"])
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	host := x.PathValue("host")
	if err := a.blocks.SetDaemon(x.Context(), host, block.BinaryVolume, word == "disable", ""); err != nil {
		return err
	}
	return replyJSON(x, http.StatusOK, map[string]string{"host": host, "status": word + "d"})
}
