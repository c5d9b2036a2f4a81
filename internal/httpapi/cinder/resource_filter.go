package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// resourceFilter is which filters a resource's list takes of users.
type resourceFilter struct {
	Resource string   `json:"resource"`
	Filters  []string `json:"filters"`
}

// resourceFilters is Cinder's default configuration. Source: recording
// service-member-resource_filters.
var resourceFilters = []resourceFilter{
	{"volume", []string{"name", "status", "metadata", "bootable", "migration_status", "availability_zone", "group_id", "size", "created_at", "updated_at", "consumes_quota"}},
	{"backup", []string{"name", "status", "volume_id"}},
	{"snapshot", []string{"name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota"}},
	{"group", []string{"name"}},
	{"group_snapshot", []string{"name", "status", "group_id"}},
	{"attachment", []string{"volume_id", "status", "instance_id", "attach_status"}},
	{"message", []string{"resource_uuid", "resource_type", "event_id", "request_id", "message_level"}},
	{"pool", []string{"name", "volume_type"}},
	{"volume_type", []string{"is_public", "extra_specs"}},
}

// listResourceFilters serves GET /v3/{project_id}/resource_filters, of one
// resource if the query names it; of one that has none, an empty list.
func (a *API) listResourceFilters(x *wire.Exchange) error {
	query, _, err := asked(x)
	if err != nil {
		return err
	}
	shown := resourceFilters
	if name := query.Get("resource"); name != "" {
		shown = []resourceFilter{}
		for _, f := range resourceFilters {
			if f.Resource == name {
				shown = append(shown, f)
			}
		}
	}
	return replyJSON(x, http.StatusOK, map[string]any{"resource_filters": shown})
}
