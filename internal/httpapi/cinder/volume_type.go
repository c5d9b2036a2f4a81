package cinder

import (
	"net/http"
	"slices"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// listVolumeTypes serves GET /types, newest first. Source: recording
// service-member-types; EVS 9.
func (a *API) listVolumeTypes(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	types, err := a.blocks.VolumeTypes(x.Context())
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_types":[`...)
		for i, t := range slices.Backward(types) {
			b = appendVolumeType(b, t, caller.Admin)
			b = append(b, accessOf(t)...)
			if b = append(b, '}'); i > 0 {
				b = append(b, ',')
			}
		}
		return append(b, "]}"...)
	})
}

// showVolumeType serves GET /types/{type_id}.
func (a *API) showVolumeType(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	id := x.PathValue("type_id")
	t, err := a.findVolumeType(x, func(t *block.VolumeType) bool { return t.ID == id })
	if err != nil {
		return err
	}
	if t == nil {
		return block.Errorf(block.NotFound, "Volume type %.64s could not be found.", id)
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_type":`...)
		b = appendVolumeType(b, t, caller.Admin)
		b = append(b, accessOf(t)...)
		return append(b, "}}"...)
	})
}

// showDefaultType serves GET /types/default, which tells nothing of who may use
// the type. Source: recording service-member-types/default.
func (a *API) showDefaultType(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	t, err := a.findVolumeType(x, func(t *block.VolumeType) bool { return t.Name == block.DefaultTypeName })
	if err != nil {
		return err
	}
	if t == nil {
		return block.Errorf(block.NotFound, "Default volume type can not be found.")
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		b = append(b, `{"volume_type":`...)
		b = appendVolumeType(b, t, caller.Admin)
		return append(b, "}}"...)
	})
}

// findVolumeType gives nil when there is none.
func (a *API) findVolumeType(x *wire.Exchange, is func(*block.VolumeType) bool) (*block.VolumeType, error) {
	types, err := a.blocks.VolumeTypes(x.Context())
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(types, is); i >= 0 {
		return types[i], nil
	}
	return nil, nil
}

// appendVolumeType appends a type without the closing brace.
func appendVolumeType(b []byte, t *block.VolumeType, admin bool) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, t.ID...)
	b = append(b, `","name":`...)
	b = wire.AppendString(b, t.Name)
	b = append(b, `,"is_public":`...)
	b = wire.AppendBool(b, t.Public)
	b = append(b, `,"description":`...)
	b = wire.AppendText(b, t.Description)
	b = append(b, `,"extra_specs":`...)
	b = wire.AppendMetadata(b, t.ExtraSpecs)
	if admin {
		b = append(b, `,"qos_specs_id":null`...)
	}
	return b
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
