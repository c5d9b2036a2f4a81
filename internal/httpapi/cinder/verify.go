package cinder

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// verifyRoutes are of ours: looking through a volume for damage.
func (a *API) verifyRoutes() []wire.Route {
	const one = "/volumes/{volume_id}/verify"
	return []wire.Route{
		{Name: "volume.verify", Method: "POST", Path: one, Versions: wire.V2V3, Permission: wire.Member, OK: 202, Source: ours, Handle: a.verifyVolume},
		{Name: "volume.verification", Method: "GET", Path: one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: ours, Handle: a.showVerification},
	}
}

// verifyVolume serves POST /volumes/{volume_id}/verify, without a body or with
// {"verify": {}}; an administrator may add "repair": true.
func (a *API) verifyVolume(x *wire.Exchange) error {
	repair := false
	if x.Body.Given {
		members, err := x.Object("verify")
		if err != nil {
			return err
		}
		if err := members.Only("verify", "repair"); err != nil {
			return err
		}
		if value, given := members.Get("repair"); given {
			if repair, err = wire.ReadBool(value, "repair"); err != nil {
				return err
			}
		}
		if err := x.OnlyKey("verify"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	v, err := a.blocks.VerifyVolume(x.Context(), caller, x.PathValue("volume_id"), repair)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte { return appendVerification(b, v, caller.Admin) })
}

// showVerification serves GET /volumes/{volume_id}/verify: the last one.
func (a *API) showVerification(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	v, err := a.blocks.VolumeVerification(x.Context(), caller, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendVerification(b, v, caller.Admin) })
}

// appendVerification leaves out, but for administrators, what names a host's files.
func appendVerification(b []byte, v *block.Verification, admin bool) []byte {
	key := func(name string) { b = append(append(append(b, `,"`...), name...), `":`...) }
	number := func(name string, n int64) { key(name); b = strconv.AppendInt(b, n, 10) }
	flag := func(name string, is bool) { key(name); b = strconv.AppendBool(b, is) }
	b = append(b, `{"verification":{"id":`...)
	b = wire.AppendString(b, v.ID)
	key("volume_id")
	b = wire.AppendString(b, v.VolumeID)
	key("status")
	b = wire.AppendString(b, string(v.Status))
	flag("repair", v.Repair)
	key("requested_at")
	b = wire.AppendTime(b, v.RequestedAt)
	key("finished_at")
	b = wire.AppendTime(b, v.FinishedAt)
	number("verified", v.Verified)
	number("unverified", v.Unverified)
	flag("damaged", v.Damaged())
	key("findings")
	b = append(b, '[')
	for i := range v.Findings {
		f := &v.Findings[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"offset":`...)
		if f.Offset < 0 {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendInt(b, f.Offset, 10)
		}
		number("length", f.Length)
		flag("damage", f.Damage)
		flag("repaired", f.Repaired)
		flag("volume", f.Volume)
		key("snapshot_ids")
		b = appendStrings(b, f.Snapshots)
		number("more_snapshots", int64(f.MoreSnapshots))
		key("says")
		b = wire.AppendString(b, f.Says())
		if admin {
			key("place")
			b = wire.AppendString(b, f.Place)
			key("what")
			b = wire.AppendString(b, f.What)
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	number("more_findings", int64(v.More))
	key("error")
	if admin {
		b = wire.AppendOptional(b, v.Error)
	} else {
		b = wire.AppendOptional(b, v.Cause())
	}
	return append(b, "}}"...)
}

func appendStrings(b []byte, all []string) []byte {
	b = append(b, '[')
	for i, text := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, text)
	}
	return append(b, ']')
}
