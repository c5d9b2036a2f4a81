package cinder

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// qosRoutes are the calls on QoS specs. Source of who may: Cinder policies qos_specs.
func (a *API) qosRoutes() []wire.Route {
	const all, one = "/qos-specs", "/qos-specs/{qos_spec_id}"
	return []wire.Route{
		{Name: "qos.list", Method: "GET", Path: all, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: recorded, Handle: a.listQoS},
		{Name: "qos.create", Method: "POST", Path: all, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.createQoS},
		{Name: "qos.show", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showQoS},
		{Name: "qos.set", Method: "PUT", Path: one, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.setQoS},
		{Name: "qos.delete", Method: "DELETE", Path: one, Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.deleteQoS},
		{Name: "qos.delete_keys", Method: "PUT", Path: one + "/delete_keys", Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.dropQoSKeys},
		{Name: "qos.associations", Method: "GET", Path: one + "/associations", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.listQoSTypes},
		{Name: "qos.associate", Method: "GET", Path: one + "/associate", Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.associateQoS},
		{Name: "qos.disassociate", Method: "GET", Path: one + "/disassociate", Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.disassociateQoS},
		{Name: "qos.disassociate_all", Method: "GET", Path: one + "/disassociate_all", Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.disassociateAllQoS},
	}
}

var qosSort = wire.SortFields{
	"id": block.FieldID, "name": block.FieldName, "consumer": block.FieldConsumer,
	"created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
}

func qosField(q *block.QoSSpecs, field block.Field) string {
	switch field {
	case block.FieldID:
		return q.ID
	case block.FieldName:
		return strings.ToLower(q.Name)
	case block.FieldConsumer:
		return q.Consumer
	case block.FieldUpdatedAt:
		return timeKey(q.UpdatedAt)
	default:
		return timeKey(q.CreatedAt)
	}
}

// listQoS serves GET /qos-specs, newest first. Source: Cinder qos_specs_manage index.
func (a *API) listQoS(x *wire.Exchange) error {
	query, _, err := asked(x)
	if err != nil {
		return err
	}
	page, err := wire.ReadPage(query, qosSort)
	if err != nil {
		return err
	}
	all, err := a.blocks.QoSSpecs(x.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(q *block.QoSSpecs) bool {
		for key, value := range map[string]string{"id": q.ID, "name": q.Name, "consumer": q.Consumer} {
			if given := query[key]; given != nil && given[0] != value {
				return true
			}
		}
		return false
	})
	list := shortList[*block.QoSSpecs]{
		noun: "QoS spec", key: "qos_specs", links: "qos_specs_links",
		id: func(q *block.QoSSpecs) string { return q.ID }, field: qosField, item: appendQoS,
	}
	return list.answer(x, page, all)
}

func appendQoS(b []byte, q *block.QoSSpecs) []byte {
	b = append(b, `{"id":`...)
	b = wire.AppendString(b, q.ID)
	b = append(b, `,"name":`...)
	b = wire.AppendString(b, q.Name)
	b = append(b, `,"consumer":`...)
	b = wire.AppendString(b, q.Consumer)
	b = append(b, `,"specs":`...)
	b = wire.AppendMetadata(b, q.Specs)
	return append(b, '}')
}

// replyQoS answers with one, and its links beside it. Source: Cinder views qos_specs.
func replyQoS(x *wire.Exchange, q *block.QoSSpecs) error {
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"qos_specs":`...)
		b = appendQoS(b, q)
		b = append(b, `,"links":[{"rel":"self","href":"`...)
		b = append(x.AppendURL(b, "/qos-specs/"), q.ID...)
		b = append(b, `"},{"rel":"bookmark","href":"`...)
		b = append(append(append(b, x.Base...), '/'), x.Project...)
		b = append(append(b, "/qos-specs/"...), q.ID...)
		return append(b, `"}]}`...)
	})
}

// readQoS reads {"qos_specs": {…}}: the consumer, which may be left out, and all else.
func readQoS(x *wire.Exchange) (specs map[string]string, consumer string, err error) {
	top, err := x.Top()
	if err != nil {
		return nil, "", err
	}
	value, given := top.Get("qos_specs")
	if !given {
		return nil, "", block.Errorf(block.Invalid, "'qos_specs' is a required property of the request body")
	}
	if err := x.OnlyKey("qos_specs"); err != nil {
		return nil, "", err
	}
	if specs, err = readSpecs(value, "qos_specs"); err != nil {
		return nil, "", err
	}
	consumer = specs["consumer"]
	delete(specs, "consumer")
	return specs, consumer, nil
}

// createQoS serves POST /qos-specs.
func (a *API) createQoS(x *wire.Exchange) error {
	specs, consumer, err := readQoS(x)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(specs["name"])
	delete(specs, "name")
	if err := checkProject(name, "name"); err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	q, err := a.blocks.CreateQoS(x.Context(), name, consumer, specs)
	if err != nil {
		return err
	}
	return replyQoS(x, q)
}

// showQoS serves GET /qos-specs/{qos_spec_id}.
func (a *API) showQoS(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	q, err := a.blocks.QoS(x.Context(), x.PathValue("qos_spec_id"))
	if err != nil {
		return err
	}
	return replyQoS(x, q)
}

// setQoS serves PUT /qos-specs/{qos_spec_id} and answers with what was sent. Keys are held
// to the form of extra specs. Source: Cinder schemas qos_specs set.
func (a *API) setQoS(x *wire.Exchange) error {
	specs, consumer, err := readQoS(x)
	if err != nil {
		return err
	}
	const strict = false
	if err := block.CheckSpecs(specs, strict); err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.SetQoS(x.Context(), x.PathValue("qos_spec_id"), consumer, specs); err != nil {
		return err
	}
	if consumer != "" {
		specs["consumer"] = consumer
	}
	return replyItems(x, "qos_specs", specs)
}

// deleteQoS serves DELETE /qos-specs/{qos_spec_id}?force=.
func (a *API) deleteQoS(x *wire.Exchange) error {
	query, err := queryOf(x)
	if err != nil {
		return err
	}
	force, err := queryBool(query, "force")
	if err != nil {
		return err
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DeleteQoS(x.Context(), x.PathValue("qos_spec_id"), force); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// dropQoSKeys serves PUT /qos-specs/{qos_spec_id}/delete_keys.
func (a *API) dropQoSKeys(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	if err := x.OnlyKey("keys"); err != nil {
		return err
	}
	value, _ := top.Get("keys")
	keys, err := wire.ReadStrings(value, "keys", block.MaxSpecs)
	if err != nil {
		return err
	}
	slices.Sort(keys)
	for i, key := range keys {
		if n := utf8.RuneCountInString(key); n < 1 || n > block.MaxMetadataKey || (i > 0 && keys[i-1] == key) {
			return block.Errorf(block.Invalid, "Invalid input for field/attribute keys: each has from 1 to %d characters and comes once; %.64q does not.", block.MaxMetadataKey, key)
		}
	}
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.DropQoSKeys(x.Context(), x.PathValue("qos_spec_id"), keys); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// listQoSTypes serves GET /qos-specs/{qos_spec_id}/associations.
func (a *API) listQoSTypes(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	types, err := a.blocks.TypesOfQoS(x.Context(), x.PathValue("qos_spec_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"qos_associations":[`...)
		for i, t := range types {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"association_type":"volume_type","name":`...)
			b = wire.AppendString(b, t.Name)
			b = append(b, `,"id":`...)
			b = wire.AppendString(b, t.ID)
			b = append(b, '}')
		}
		return append(b, "]}"...)
	})
}

// associateQoS serves GET /qos-specs/{qos_spec_id}/associate?vol_type_id=, which changes
// something although it is a GET, as in Cinder.
func (a *API) associateQoS(x *wire.Exchange) error {
	typeID, err := typeAsked(x)
	if err != nil {
		return err
	}
	if err := a.blocks.AssociateQoS(x.Context(), x.PathValue("qos_spec_id"), typeID); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// typeAsked is the vol_type_id of the query, once the caller may ask.
func typeAsked(x *wire.Exchange) (string, error) {
	query, _, err := asked(x)
	if err != nil {
		return "", err
	}
	id := query.Get("vol_type_id")
	if id == "" {
		return "", block.Errorf(block.Invalid, "Volume Type id must not be None: vol_type_id is needed.")
	}
	return id, nil
}

// disassociateQoS serves GET /qos-specs/{qos_spec_id}/disassociate?vol_type_id=.
func (a *API) disassociateQoS(x *wire.Exchange) error {
	typeID, err := typeAsked(x)
	if err != nil {
		return err
	}
	if err := a.blocks.DisassociateQoS(x.Context(), x.PathValue("qos_spec_id"), typeID); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// disassociateAllQoS serves GET /qos-specs/{qos_spec_id}/disassociate_all.
func (a *API) disassociateAllQoS(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	const all = ""
	if err := a.blocks.DisassociateQoS(x.Context(), x.PathValue("qos_spec_id"), all); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}
