package cinder

import (
	"net/http"
	"slices"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// clusterFilters are what a list of clusters takes. Source: Cinder api/v3/clusters.
var clusterFilters = []string{"name", "binary", "is_up", "disabled", "num_hosts", "num_down_hosts"}

// listClusters serves GET /clusters and its details: there are none.
func (a *API) listClusters(x *wire.Exchange) error {
	query, _, err := asked(x)
	if err != nil {
		return err
	}
	for key := range query {
		replicated := x.Version >= wire.ClusterReplication && slices.Contains([]string{"replication_status", "frozen", "active_backend_id"}, key)
		if !replicated && !slices.Contains(clusterFilters, key) {
			return block.Errorf(block.Invalid, "Invalid input received: Invalid filter keys: %.64s", key)
		}
	}
	for _, key := range []string{"disabled", "is_up"} {
		if _, err := queryBool(query, key); err != nil {
			return err
		}
	}
	return replyJSON(x, http.StatusOK, map[string]any{"clusters": []any{}})
}

// showCluster serves GET /clusters/{cluster}.
func (a *API) showCluster(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return noCluster(x.PathValue("cluster"))
}

func noCluster(name string) error {
	return block.Errorf(block.NotFound, "Cluster %.128s could not be found.", name)
}

// setCluster serves PUT /clusters/enable and disable.
func (a *API) setCluster(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	allowed := []string{"name", "binary"}
	if strings.HasSuffix(x.Route.Path, "/disable") {
		allowed = append(allowed, "disabled_reason")
	}
	if err := top.Only("the request body", allowed...); err != nil {
		return err
	}
	words, err := readWords(top, allowed...)
	if err != nil {
		return err
	}
	if words["name"] == "" {
		return block.Errorf(block.Invalid, "'name' is a required property.")
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return noCluster(words["name"])
}

// cleanUp serves POST /workers/cleanup. Work that a dead process left is taken over
// by its lease, without being told: nothing ever waits for this call.
func (a *API) cleanUp(x *wire.Exchange) error {
	top := wire.Members{}
	var err error
	if x.Body.Given {
		if top, err = x.Top(); err != nil {
			return err
		}
	}
	id, err := readCleanUp(top)
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if id != "" {
		return block.Errorf(block.Invalid, "Invalid input received: There is no resource with UUID %s pending cleanup.", id)
	}
	return replyJSON(x, http.StatusAccepted, map[string]any{"cleaning": []any{}, "unavailable": []any{}})
}

// readCleanUp checks the body and gives the resource that is meant; empty for all.
// Source: Cinder schemas workers.
func readCleanUp(top wire.Members) (string, error) {
	texts := []string{"cluster_name", "host", "binary", "resource_id", "resource_type"}
	if err := top.Only("the request body", append(texts, "disabled", "is_up", "service_id")...); err != nil {
		return "", err
	}
	words, err := readWords(top, texts...)
	if err != nil {
		return "", err
	}
	for _, key := range []string{"disabled", "is_up"} {
		if value, given := top.Get(key); given {
			if _, err := wire.ReadBool(value, key); err != nil {
				return "", err
			}
		}
	}
	if value, given := top.Get("service_id"); given && value.Kind() != 'n' {
		if _, err := wire.ReadInt(value, "service_id", 0, 99999999999); err != nil {
			return "", err
		}
	}
	switch binary, kind := words["binary"], strings.ToLower(words["resource_type"]); {
	case binary != "" && binary != block.BinaryVolume && binary != block.BinaryScheduler:
		return "", block.Errorf(block.Invalid, "Invalid input for field/attribute binary: it must be %s or %s.", block.BinaryVolume, block.BinaryScheduler)
	case kind != "" && kind != "volume" && kind != "snapshot":
		return "", block.Errorf(block.Invalid, "Invalid input received: Resource type %.40s not valid, must be Snapshot or Volume", words["resource_type"])
	case words["resource_id"] != "" && !wire.IsUUID(words["resource_id"]):
		return "", block.Errorf(block.Invalid, "Invalid input for field/attribute resource_id: %.64q is not a UUID.", words["resource_id"])
	}
	return words["resource_id"], nil
}
