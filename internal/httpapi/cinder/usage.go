package cinder

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// usageRoutes are of ours: what a volume takes of the storage.
func (a *API) usageRoutes() []wire.Route {
	return []wire.Route{
		{Name: "volume.usage", Method: "GET", Path: "/volumes/{volume_id}/usage", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.showUsage},
	}
}

// showUsage serves GET /volumes/{volume_id}/usage.
func (a *API) showUsage(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("volume_id")
	taken, err := a.blocks.VolumeTaken(x.Context(), caller, id)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendTaken(b, id, taken) })
}

func appendTaken(b []byte, id string, t *block.Taken) []byte {
	number := func(name string, n int64) {
		b = append(append(append(b, `,"`...), name...), `":`...)
		b = strconv.AppendInt(b, n, 10)
	}
	b = append(b, `{"usage":{"volume_id":`...)
	b = wire.AppendString(b, id)
	number("logical", t.Logical)
	number("mapped", t.Mapped)
	number("exclusive", t.Exclusive)
	b = append(b, `,"snapshots":[`...)
	for i, s := range t.Snapshots {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"snapshot_id":`...)
		b = wire.AppendString(b, s.ID)
		number("exclusive", s.Exclusive)
		b = append(b, '}')
	}
	return append(b, "]}}"...)
}
