package cinder

import (
	"context"
	"net/http"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// connectionActions are the actions by which clients attached volumes before there
// were attachments of their own.
func (a *API) connectionActions() []wire.Route {
	return actions("/volumes/{volume_id}/action", []wire.Route{
		{Name: "volume.reserve", Action: "os-reserve", Permission: wire.Member, Source: evs66, Handle: plainAction("os-reserve", a.blocks.ReserveVolume)},
		{Name: "volume.unreserve", Action: "os-unreserve", Permission: wire.Member, Source: evs66, Handle: plainAction("os-unreserve", a.blocks.UnreserveVolume)},
		{Name: "volume.begin_detaching", Action: "os-begin_detaching", Permission: wire.Member, Source: cinderAPI, Handle: plainAction("os-begin_detaching", a.blocks.BeginDetaching)},
		{Name: "volume.roll_detaching", Action: "os-roll_detaching", Permission: wire.Member, Source: cinderAPI, Handle: plainAction("os-roll_detaching", a.blocks.RollDetaching)},
		{Name: "volume.initialize_connection", Action: "os-initialize_connection", Permission: wire.Member, OK: 200, Source: cinderAPI, Handle: a.initializeConnection},
		{Name: "volume.terminate_connection", Action: "os-terminate_connection", Permission: wire.Member, Source: cinderAPI, Handle: a.terminateConnection},
	})
}

// plainAction serves an action whose value means nothing.
func plainAction(name string, do func(ctx context.Context, c block.Caller, id string) error) wire.Handler {
	return func(x *wire.Exchange) error {
		if err := x.OnlyKey(name); err != nil {
			return err
		}
		caller, err := x.Authorize()
		if err != nil {
			return err
		}
		if err := do(x.Context(), caller, x.PathValue("volume_id")); err != nil {
			return err
		}
		return replyNothing(x, http.StatusAccepted)
	}
}

// readActionConnector reads {"action": {"connector": {…}}}; null is nil where it may be.
func readActionConnector(x *wire.Exchange, action string, nullable bool) (*block.Connector, error) {
	members, err := x.Object(action)
	if err != nil {
		return nil, err
	}
	if err := members.Only(action, "connector"); err != nil {
		return nil, err
	}
	value, given := members.Get("connector")
	if !given {
		return nil, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: 'connector' is a required property.", action)
	}
	if nullable && value.Kind() == 'n' {
		return nil, nil
	}
	return readConnector(value)
}

// initializeConnection serves os-initialize_connection.
func (a *API) initializeConnection(x *wire.Exchange) error {
	const nullable = false
	from, err := readActionConnector(x, "os-initialize_connection", nullable)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	info, err := a.blocks.InitializeConnection(x.Context(), caller, x.PathValue("volume_id"), from)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"connection_info":{"driver_volume_type":`...)
		b = wire.AppendString(b, info.Kind)
		b = append(b, `,"data":{`...)
		b = appendConnectionData(b, info)
		return append(b, `},"enforce_multipath":false}}`...)
	})
}

// terminateConnection serves os-terminate_connection.
func (a *API) terminateConnection(x *wire.Exchange) error {
	const nullable = true
	from, err := readActionConnector(x, "os-terminate_connection", nullable)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.TerminateConnection(x.Context(), caller, x.PathValue("volume_id"), from); err != nil {
		return err
	}
	return replyNothing(x, http.StatusAccepted)
}
