package cinder

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// transferRoutes are the calls on transfers, under their two names: the older one
// never leaves snapshots behind. Source: Cinder api/contrib and api/v3 volume_transfer.
func (a *API) transferRoutes() []wire.Route {
	rows := func(prefix, all string, on wire.Versions, create wire.Handler) []wire.Route {
		one := all + "/{transfer_id}"
		return []wire.Route{
			{Name: prefix + ".create", Method: "POST", Path: all, Versions: on, Permission: wire.Member, OK: 202, Source: cinderAPI, Handle: create},
			{Name: prefix + ".list", Method: "GET", Path: all, Versions: on, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.listTransfers},
			{Name: prefix + ".list_details", Method: "GET", Path: all + "/detail", Versions: on, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.listTransferDetails},
			{Name: prefix + ".show", Method: "GET", Path: one, Versions: on, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showTransfer},
			{Name: prefix + ".delete", Method: "DELETE", Path: one, Versions: on, Permission: wire.Member, OK: 202, Source: cinderAPI, Handle: a.deleteTransfer},
			{Name: prefix + ".accept", Method: "POST", Path: one + "/accept", Versions: on, Permission: wire.Member, OK: 202, Source: cinderAPI, Handle: a.acceptTransfer},
		}
	}
	return append(rows("transfer", "/os-volume-transfer", wire.V2V3, a.createOldTransfer),
		rows("volume_transfer", "/volume-transfers", wire.V3, a.createTransfer)...)
}

// createTransfer serves POST /v3/{project_id}/volume-transfers.
func (a *API) createTransfer(x *wire.Exchange) error {
	return a.offer(x, x.Version >= wire.TransferSnapshots)
}

// createOldTransfer serves POST /v{2,3}/{project_id}/os-volume-transfer.
func (a *API) createOldTransfer(x *wire.Exchange) error { return a.offer(x, false) }

// offer makes a transfer; choose takes no_snapshots.
func (a *API) offer(x *wire.Exchange, choose bool) error {
	wanted, err := readNewTransfer(x, choose)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, key, err := a.blocks.CreateTransfer(x.Context(), caller, wanted)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte {
		b = append(b, `{"transfer":{"auth_key":"`...)
		b = append(b, key...)
		b = append(b, `",`...)
		return append(appendTransferDetail(b, x, t), "}}"...)
	})
}

func readNewTransfer(x *wire.Exchange, choose bool) (n block.NewTransfer, err error) {
	members, err := x.Object("transfer")
	if err != nil {
		return n, err
	}
	if err = x.OnlyKey("transfer"); err != nil {
		return n, err
	}
	allowed := []string{"volume_id", "name"}
	if choose {
		allowed = append(allowed, "no_snapshots")
		n.Encrypted = x.Version >= wire.TransferEncrypted
	}
	if err = members.Only("transfer", allowed...); err != nil {
		return n, err
	}
	if value, given := members.Get("name"); given {
		if n.Name, err = x.Dialect.ReadText(value, "name", wire.Name); err != nil {
			return n, err
		}
	}
	if value, given := members.Get("no_snapshots"); given {
		if n.NoSnapshots, err = wire.ReadBool(value, "no_snapshots"); err != nil {
			return n, err
		}
	}
	n.VolumeID, err = members.UUID("volume_id", "Volume")
	return n, err
}

// showTransfer serves GET …/{transfer_id}, to the giver.
func (a *API) showTransfer(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.Transfer(x.Context(), caller, x.PathValue("transfer_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return append(appendTransferDetail(append(b, `{"transfer":{`...), x, t), "}}"...)
	})
}

// deleteTransfer serves DELETE …/{transfer_id}.
func (a *API) deleteTransfer(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.DeleteTransfer(x.Context(), caller, x.PathValue("transfer_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// acceptTransfer serves POST …/{transfer_id}/accept.
func (a *API) acceptTransfer(x *wire.Exchange) error {
	key, err := readAuthKey(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.AcceptTransfer(x.Context(), caller, x.PathValue("transfer_id"), key)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte {
		return append(appendTransferSummary(append(b, `{"transfer":`...), x, t), '}')
	})
}

// readAuthKey reads the key: text, or a number as clients make of its digits.
// Source: Cinder schemas volume_transfer accept.
func readAuthKey(x *wire.Exchange) (string, error) {
	members, err := x.Object("accept")
	if err != nil {
		return "", err
	}
	if err := x.OnlyKey("accept"); err != nil {
		return "", err
	}
	if err := members.Only("accept", "auth_key"); err != nil {
		return "", err
	}
	value, given := members.Get("auth_key")
	if !given {
		return "", block.Errorf(block.Invalid, "'auth_key' is a required property.")
	}
	if value.Kind() == '0' {
		if _, err := wire.ReadInt(value, "auth_key", -maxWhole, maxWhole); err != nil {
			return "", err
		}
		return string(value), nil
	}
	return wire.ReadString(value, "auth_key")
}

// maxWhole bounds whole numbers of a body that stand for text.
const maxWhole = 1<<63 - 1

// transferRules are the filters of transfers; what no column stands for keeps no
// row, as in Cinder, which refuses no filter here.
func transferRules() *listRules {
	sort := withName(wire.SortFields{
		"id": block.FieldID, "created_at": block.FieldCreatedAt, "display_name": block.FieldName,
		"volume_id": block.FieldVolumeID, "updated_at": block.FieldCreatedAt,
	})
	return &listRules{
		sort: func(*wire.Exchange) wire.SortFields { return sort },
		filters: []filterRule{
			{key: "name", v2: true, keep: byField(block.FieldName)},
			{key: "display_name", v2: true, keep: byField(block.FieldName)},
			{key: "volume_id", v2: true, keep: byField(block.FieldVolumeID)},
			{key: "id", v2: true, keep: byField(block.FieldID)},
			{key: "source_project_id", v2: true, keep: byField(block.FieldProjectID)},
		},
		unknownKeepsNothing: true,
	}
}

// listTransfers serves GET …/volume-transfers: id, volume, name and links.
func (a *API) listTransfers(x *wire.Exchange) error {
	return a.answerTransfers(x, func(b []byte, t *block.Transfer) []byte { return appendTransferSummary(b, x, t) })
}

// listTransferDetails serves GET …/volume-transfers/detail.
func (a *API) listTransferDetails(x *wire.Exchange) error {
	return a.answerTransfers(x, func(b []byte, t *block.Transfer) []byte {
		return append(appendTransferDetail(append(b, '{'), x, t), '}')
	})
}

func (a *API) answerTransfers(x *wire.Exchange, item func([]byte, *block.Transfer) []byte) error {
	q, caller, err := askedList(x, a.transferList)
	if err != nil {
		return err
	}
	if x.Version < wire.TransferPages { // oldest first, whatever is asked for
		q.Sort, q.Marker, q.marked = []block.SortKey{{Field: block.FieldCreatedAt}}, "", false
	}
	return answerList(x, caller, &q, &listCalls[*block.Transfer]{
		noun: "Transfer", key: "transfers", rows: a.blocks.Transfers, count: a.blocks.CountTransfers,
		id: func(t *block.Transfer) string { return t.ID }, item: item,
	})
}

func appendTransferSummary(b []byte, x *wire.Exchange, t *block.Transfer) []byte {
	return append(appendTransferCore(append(b, '{'), x, t), '}')
}

// appendTransferCore appends the four fields that every view has, without brackets.
func appendTransferCore(b []byte, x *wire.Exchange, t *block.Transfer) []byte {
	b = append(b, `"id":"`...)
	b = append(b, t.ID...)
	b = append(b, `","volume_id":"`...)
	b = append(b, t.VolumeID...)
	b = append(b, `","name":`...)
	b = wire.AppendText(b, t.Name)
	return appendItemLinks(b, x, "/os-volume-transfer/"+t.ID)
}

// appendTransferDetail appends all fields of the version, without brackets. One
// that was accepted is gone, so what is shown never is. Source: Cinder views transfers.
func appendTransferDetail(b []byte, x *wire.Exchange, t *block.Transfer) []byte {
	b = appendTransferCore(b, x, t)
	b = append(b, `,"created_at":`...)
	b = wire.AppendTime(b, t.CreatedAt)
	if x.Version >= wire.TransferSnapshots {
		b = append(b, `,"no_snapshots":`...)
		b = strconv.AppendBool(b, t.NoSnapshots)
	}
	if x.Version >= wire.TransferHistory {
		b = append(b, `,"source_project_id":"`...)
		b = append(b, t.ProjectID...)
		b = append(b, `","destination_project_id":null,"accepted":false`...)
	}
	return b
}
