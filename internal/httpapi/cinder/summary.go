package cinder

import (
	"net/http"

	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// summarizeVolumes serves GET /v3/{project_id}/volumes/summary: how many volumes
// a list with the same filters would have, how large they are, and from 3.36 what
// their metadata holds. Source: recording service-member-volumes/summary.
func (a *API) summarizeVolumes(x *wire.Exchange) error {
	q, caller, err := askedList(x, a.volumeList)
	if err != nil {
		return err
	}
	summary := map[string]any{"total_count": 0, "total_size": 0}
	if x.Version >= wire.SummaryMetadata {
		summary["metadata"] = map[string][]string{}
	}
	if !q.none {
		sum, err := a.blocks.VolumeSum(x.Context(), caller, q.List, q.all)
		if err != nil {
			return err
		}
		summary["total_count"], summary["total_size"] = sum.Count, sum.Size
		if x.Version >= wire.SummaryMetadata {
			summary["metadata"] = sum.Metadata
		}
	}
	return replyJSON(x, http.StatusOK, map[string]any{"volume-summary": summary})
}
