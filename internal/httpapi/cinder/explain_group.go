package cinder

import "github.com/breezeblock/breezeblock/internal/httpapi/wire"

// explainGroup serves GET /groups/{group_id}/explain, also for the groups of the old calls.
func (a *API) explainGroup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	e, err := a.blocks.ExplainGroup(x.Context(), caller, x.PathValue("group_id"))
	if err != nil {
		return err
	}
	return replyExplanation(x, e)
}

// explainGroupSnapshot serves GET /group_snapshots/{group_snapshot_id}/explain.
func (a *API) explainGroupSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	e, err := a.blocks.ExplainGroupSnapshot(x.Context(), caller, x.PathValue("group_snapshot_id"))
	if err != nil {
		return err
	}
	return replyExplanation(x, e)
}
