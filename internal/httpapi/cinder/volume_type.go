package cinder

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// typeRoutes are the calls on volume types. Source of who may: Cinder policies
// volume_type, type_extra_specs, volume_access, default_types.
func (a *API) typeRoutes() []wire.Route {
	const all, one = "/types", "/types/{type_id}"
	const specs, encryption, defaults = one + "/extra_specs", one + "/encryption", "/default-types"
	rows := []wire.Route{
		{Name: "type.list", Method: "GET", Path: all, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs9, Handle: a.listVolumeTypes},
		{Name: "type.default", Method: "GET", Path: all + "/default", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: recorded, Handle: a.showDefaultType},
		{Name: "type.show", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs9, Handle: a.showVolumeType},
		{Name: "type.create", Method: "POST", Path: all, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.createVolumeType},
		{Name: "type.update", Method: "PUT", Path: one, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.updateVolumeType},
		{Name: "type.delete", Method: "DELETE", Path: one, Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.deleteVolumeType},
		{Name: "type.specs.list", Method: "GET", Path: specs, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.listExtraSpecs},
		{Name: "type.specs.set", Method: "POST", Path: specs, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.setExtraSpecs},
		{Name: "type.specs.show", Method: "GET", Path: specs + "/{key}", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showExtraSpec},
		{Name: "type.specs.update", Method: "PUT", Path: specs + "/{key}", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.updateExtraSpec},
		{Name: "type.specs.drop", Method: "DELETE", Path: specs + "/{key}", Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.dropExtraSpec},
		{Name: "type.access.list", Method: "GET", Path: one + "/os-volume-type-access", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.listTypeAccess},
		{Name: "type.encryption.show", Method: "GET", Path: encryption, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showEncryption},
		{Name: "type.encryption.create", Method: "POST", Path: encryption, Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.createEncryption},
		{Name: "type.encryption.item", Method: "GET", Path: encryption + "/{key}", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showEncryptionItem},
		{Name: "type.encryption.update", Method: "PUT", Path: encryption + "/{key}", Versions: wire.V2V3, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.updateEncryption},
		{Name: "type.encryption.delete", Method: "DELETE", Path: encryption + "/{key}", Versions: wire.V2V3, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: a.deleteEncryption},
		{Name: "volume.encryption.show", Method: "GET", Path: "/volumes/{volume_id}/encryption", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showVolumeEncryption},
		{Name: "volume.encryption.item", Method: "GET", Path: "/volumes/{volume_id}/encryption/{key}", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: cinderAPI, Handle: a.showVolumeEncryptionItem},
		{Name: "default_type.list", Method: "GET", Path: defaults, Versions: wire.V3, Since: wire.DefaultTypes, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.listDefaultTypes},
		{Name: "default_type.show", Method: "GET", Path: defaults + "/{target}", Versions: wire.V3, Since: wire.DefaultTypes, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.showDefaultTypeOf},
		{Name: "default_type.set", Method: "PUT", Path: defaults + "/{target}", Versions: wire.V3, Since: wire.DefaultTypes, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: a.setDefaultType},
		{Name: "default_type.unset", Method: "DELETE", Path: defaults + "/{target}", Versions: wire.V3, Since: wire.DefaultTypes, Permission: wire.Admin, OK: 204, Source: cinderAPI, Handle: a.unsetDefaultType},
	}
	return slices.Concat(rows,
		actions(one+"/action", []wire.Route{
			{Name: "type.access.add", Action: "addProjectAccess", Permission: wire.Admin, Source: cinderAPI, Handle: a.addTypeAccess},
			{Name: "type.access.remove", Action: "removeProjectAccess", Permission: wire.Admin, Source: cinderAPI, Handle: a.removeTypeAccess},
		}),
		actions("/volumes/{volume_id}/action", []wire.Route{
			{Name: "volume.retype", Action: "os-retype", Permission: wire.Member, Source: cinderAPI, Handle: a.retypeVolume},
		}))
}

// typeSort are the sort keys of Cinder's table.
var typeSort = wire.SortFields{
	"id": block.FieldID, "name": block.FieldName, "description": block.FieldDescription, "is_public": block.FieldPublic,
	"qos_specs_id": block.FieldQoSID, "created_at": block.FieldCreatedAt, "updated_at": block.FieldUpdatedAt,
}

func typeField(t *block.VolumeType, field block.Field) string {
	switch field {
	case block.FieldID:
		return t.ID
	case block.FieldName:
		return strings.ToLower(t.Name)
	case block.FieldDescription:
		return textKey(t.Description)
	case block.FieldPublic:
		return strconv.FormatBool(t.Public)
	case block.FieldQoSID:
		return t.QoSID
	case block.FieldUpdatedAt:
		return timeKey(t.UpdatedAt)
	default:
		return timeKey(t.CreatedAt)
	}
}

// listVolumeTypes serves GET /types, newest first. Source: recording
// service-member-types; EVS 9; Cinder v3 types.
func (a *API) listVolumeTypes(x *wire.Exchange) error {
	query, caller, err := asked(x)
	if err != nil {
		return err
	}
	page, err := wire.ReadPage(query, typeSort)
	if err != nil {
		return err
	}
	types, err := a.typesListed(x, query, caller)
	if err != nil {
		return err
	}
	list := shortList[*block.VolumeType]{
		noun: "Volume type", key: "volume_types", links: "volume_type_links",
		id: func(t *block.VolumeType) string { return t.ID }, field: typeField,
		item: func(b []byte, t *block.VolumeType) []byte {
			b = append(appendVolumeType(b, t, caller), accessOf(t)...)
			return append(b, '}')
		},
	}
	return list.answer(x, page, types)
}

// typeFilters are the filters of the list of types. Cinder has name for administrators
// alone from 3.52 on, so that its own client finds no type by name for anybody else.
var typeFilters = []string{"is_public", "extra_specs", "name"}

// typesListed are the types that the query's filters keep. Unknown filters are
// ignored up to 3.51, and refused from 3.52 on.
func (a *API) typesListed(x *wire.Exchange, query url.Values, caller block.Caller) ([]*block.VolumeType, error) {
	filtered := x.API == wire.V3 && x.Version >= wire.TypeFilters
	for key := range query {
		known := slices.Contains(pageKeys, key) || slices.Contains(typeFilters, key)
		if filtered && !known {
			return nil, block.Errorf(block.Invalid, "Invalid filters %.200s are found in query options.", key)
		}
	}
	public, err := readPublic(query)
	if err != nil {
		return nil, err
	}
	specs, none := map[string]string(nil), false
	if given := query["extra_specs"]; filtered && given != nil {
		items, ok := wire.ReadPairs(given[0])
		specs, none = items, !ok
	}
	for key := range specs {
		none = none || (!caller.Admin && !slices.Contains(block.VisibleSpecs, key))
	}
	names := query["name"]
	if !filtered {
		names = nil
	}
	types, err := a.typesByAccess(x, caller, public)
	return slices.DeleteFunc(types, func(t *block.VolumeType) bool {
		return none || !hasSpecs(t, specs) || (names != nil && t.Name != names[0])
	}), err
}

// publicity is what the filter is_public asks for.
type publicity int

const (
	onlyPublic publicity = iota
	onlyPrivate
	publicAndPrivate
)

// readPublic reads is_public; absent is true, none is both. Source: Cinder api_utils
// _parse_is_public.
func readPublic(query url.Values) (publicity, error) {
	given := query["is_public"]
	if given == nil {
		return onlyPublic, nil
	}
	if strings.EqualFold(given[0], "none") {
		return publicAndPrivate, nil
	}
	switch public, ok := boolWord(given[0]); {
	case !ok:
		return onlyPublic, block.Errorf(block.Invalid, "Invalid is_public filter [%.64s]: it must be a boolean or none.", given[0])
	case public:
		return onlyPublic, nil
	}
	return onlyPrivate, nil
}

// typesByAccess are those that an administrator asks for, of a list of their own; the
// public ones come with those that the caller's project has access to. The filter
// counts for nobody else, who sees what may be used. Source: Cinder
// _process_volume_types_filters.
func (a *API) typesByAccess(x *wire.Exchange, caller block.Caller, public publicity) ([]*block.VolumeType, error) {
	types, err := a.blocks.TypesFor(x.Context(), caller)
	if err != nil || !caller.Admin || public == publicAndPrivate {
		return slices.Clone(types), err
	}
	granted, err := a.blocks.GrantedTypes(x.Context(), caller.ProjectID)
	return slices.DeleteFunc(slices.Clone(types), func(t *block.VolumeType) bool {
		if public == onlyPrivate {
			return t.Public
		}
		return !t.Public && !slices.Contains(granted, t.ID)
	}), err
}

// hasSpecs tells whether a type has all the specs; availability zones are a list in
// one text, of which the filter names a part. Source: Cinder _process_volume_types_filters.
func hasSpecs(t *block.VolumeType, specs map[string]string) bool {
	for key, value := range specs {
		stored, there := t.ExtraSpecs[key]
		if key == "RESKEY:availability_zones" && there && strings.Contains(stored, value) {
			continue
		}
		if !there || stored != value {
			return false
		}
	}
	return true
}

// showVolumeType serves GET /types/{type_id}.
func (a *API) showVolumeType(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.VolumeType(x.Context(), caller, x.PathValue("type_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_type":`...)
		b = appendVolumeType(b, t, caller)
		b = append(b, accessOf(t)...)
		return append(b, "}}"...)
	})
}

// showDefaultType serves GET /types/default: the project's, which tells nothing of
// who may use the type. Source: recording service-member-types/default.
func (a *API) showDefaultType(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.blocks.DefaultVolumeType(x.Context(), caller)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_type":`...)
		b = appendVolumeType(b, t, caller)
		return append(b, "}}"...)
	})
}

// appendVolumeType appends a type, as the caller may see it, without the closing brace.
// EVS's members see that there is such a field, and no more. Source: EVS 9.
func appendVolumeType(b []byte, t *block.VolumeType, caller block.Caller) []byte {
	b = appendTypeCore(b, t, t.SpecsFor(caller))
	if caller.Admin {
		b = append(b, `,"qos_specs_id":`...)
		b = wire.AppendOptional(b, t.QoSID)
	} else if caller.Vendor {
		b = append(b, `,"qos_specs_id":null`...)
	}
	return b
}

// appendTypeCore appends what every answer has of a type.
func appendTypeCore(b []byte, t *block.VolumeType, specs map[string]string) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, t.ID...)
	b = append(b, `","name":`...)
	b = wire.AppendString(b, t.Name)
	b = append(b, `,"is_public":`...)
	b = wire.AppendBool(b, t.Public)
	b = append(b, `,"description":`...)
	b = wire.AppendText(b, t.Description)
	b = append(b, `,"extra_specs":`...)
	return wire.AppendMetadata(b, specs)
}

// accessOf is the attribute of who may use a type.
func accessOf(t *block.VolumeType) string {
	if t.Public {
		return `,"os-volume-type-access:is_public":true`
	}
	return `,"os-volume-type-access:is_public":false`
}

// listZones serves GET /os-availability-zone. Source: EVS 9; recording
// service-member-os-availability-zone.
func (a *API) listZones(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"availabilityZoneInfo":[{"zoneName":`...)
		b = wire.AppendString(b, a.blocks.Zone())
		return append(b, `,"zoneState":{"available":true}}]}`...)
	})
}
