package cinder

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// explainVolume serves GET /volumes/{volume_id}/explain, which neither EVS nor Cinder has.
func (a *API) explainVolume(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	e, err := a.blocks.ExplainVolume(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	return replyExplanation(x, e)
}

// explainSnapshot serves GET /snapshots/{snapshot_id}/explain.
func (a *API) explainSnapshot(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	e, err := a.blocks.ExplainSnapshot(x.Context(), caller, x.PathValue("snapshot_id"))
	if err != nil {
		return err
	}
	return replyExplanation(x, e)
}

// explainBackup serves GET /backups/{backup_id}/explain.
func (a *API) explainBackup(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	e, err := a.blocks.ExplainBackup(x.Context(), caller, x.PathValue("backup_id"))
	if err != nil {
		return err
	}
	return replyExplanation(x, e)
}

func replyExplanation(x *wire.Exchange, e *block.Explanation) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendExplanation(b, e) })
}

func appendExplanation(b []byte, e *block.Explanation) []byte {
	key := func(name string) { b = append(append(append(b, `,"`...), name...), `":`...) }
	b = append(b, `{"explanation":{"object":`...)
	b = wire.AppendString(b, e.Object)
	key("id")
	b = wire.AppendString(b, e.ID)
	key("status")
	b = wire.AppendString(b, e.Status)
	key("waits_for")
	b = wire.AppendOptional(b, e.WaitsFor)
	key("held_by")
	b = appendHolder(b, e.HeldBy)
	key("since")
	b = wire.AppendTime(b, e.Since)
	key("next")
	b = wire.AppendOptional(b, e.Next)
	key("you_can")
	b = append(b, '[')
	for i, text := range e.YouCan {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, text)
	}
	b = append(b, ']')
	key("last_error")
	b = wire.AppendOptional(b, e.LastError)
	key("attempt")
	b = strconv.AppendInt(b, int64(e.Attempt), 10)
	key("progress")
	b = strconv.AppendInt(b, int64(e.Progress), 10)
	key("deadline")
	b = wire.AppendTime(b, e.Deadline)
	return append(b, "}}"...)
}

func appendHolder(b []byte, h *block.Holder) []byte {
	if h == nil {
		return append(b, "null"...)
	}
	b = append(b, `{"job_id":`...)
	b = wire.AppendString(b, h.JobID)
	b = append(b, `,"kind":`...)
	b = wire.AppendString(b, h.Kind)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendInt(b, int64(h.Attempt), 10)
	b = append(b, `,"lease_until":`...)
	b = wire.AppendTime(b, h.LeaseUntil)
	return append(b, '}')
}
