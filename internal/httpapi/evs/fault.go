package evs

import (
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
	"github.com/breezeblock/breezeblock/internal/identity"
)

// fault is a status and a code of the EVS table.
type fault struct {
	status int
	code   string
}

// faults gives each kind its status and code; docs/faults.md is made from it.
// Source: evs-errors 3, the native Cinder rows.
var faults = map[block.Kind]fault{
	block.Invalid:     {400, "EVS.5400"},
	block.WrongStatus: {400, "EVS.5400"},
	block.NotFound:    {404, "EVS.5404"},
	block.Forbidden:   {403, "EVS.5403"},
	block.Conflict:    {409, "EVS.5400"}, // Assumed: the table has no code for 409
	block.OverLimit:   {413, "EVS.5413"},
	block.TooLarge:    {413, "EVS.5413"},
	block.Unavailable: {503, "EVS.5503"},
}

// refusals gives each reason of the wire its status and code; docs/faults.md is made from it.
var refusals = map[wire.Reason]fault{
	wire.NoRoute:          {404, "EVS.5404"},
	wire.NoMethod:         {405, "EVS.5400"},
	wire.Unauthenticated:  {401, "EVS.5401"},
	wire.BadVersion:       {400, "EVS.5400"},
	wire.UnknownVersion:   {406, "EVS.5400"},
	wire.UnknownMediaType: {415, "EVS.5400"},
	wire.BodyTooLarge:     {413, "EVS.5413"},
	wire.Malformed:        {400, "EVS.5400"},
	wire.NoAction:         {400, "EVS.1011"},    // of the native calls only extensions are told by the body's key
	wire.WrongProject:     {400, "Common.0018"}, // or EVS.0001, where the URL's is no project's id. Source: evs-errors 5
	wire.TooManyRequests:  {429, "EVS.5400"},
	wire.BadRange:         {416, "EVS.5400"},
	wire.Timeout:          {408, "EVS.5400"},
}

// finerCodes are the codes of calls whose names begin alike.
type finerCodes struct {
	kinds map[block.Kind]fault
	about map[string]fault
}

// fine gives finer codes than faults to calls whose names begin with its key: by
// the kind, or by what the error is about, which stands above the kind.
// Source: evs-errors 3 and 5; codes for snapshots that are not here are those of
// the native Cinder rows.
var fine = map[string]finerCodes{
	"cloudsnapshot.list":   {about: listFaults},
	"cloudsnapshot.":       {about: map[string]fault{"volume_id": {400, "EVS.1002"}, "volume_id.none": {400, "EVS.5400"}}},
	"cloudsnapshot.delete": {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.1047"}}},
	"cloudvolume.":         {about: volumeFaults},
	"cloudvolume.update":   {about: map[string]fault{"volume": {400, "EVS.1001"}, "volume.nothing": {400, "EVS.1007"}}},
	"cloudvolume.create":   {about: createFaults},
	"cloudvolume.batch_extend": {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.1064"}}, about: map[string]fault{
		"body": {400, "EVS.1011"}, "new_size": {400, "EVS.1015"}, "volume_id": {400, "EVS.1002"}, block.AboutShared: {400, "EVS.1065"}}},
	"cloudvolume.unsubscribe": {about: map[string]fault{
		"volume_ids.none": {400, "EVS.1032"}, "volume_ids.many": {400, "EVS.1053"}, "volume_id": {400, "EVS.1002"}}},
	"cloudvolume.delete": {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.1046"}}, about: map[string]fault{block.AboutBackupRunning: {400, "EVS.2130"}}},
	"cloudvolume.extend": {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.1064"}}, about: map[string]fault{"body": {400, "EVS.1011"}, "new_size": {400, "EVS.1015"}, block.AboutShared: {400, "EVS.1065"}}},
	"snapshot5.":         {about: snapshot5Faults},
	"snapshot5.delete":   {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.1047"}}},
	"cloudvolume.retype": {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.2087"}}, about: map[string]fault{
		"volume_type": {400, "EVS.2070"}, "new_type": {400, "EVS.1020"}, block.AboutRetype: {400, "EVS.2088"}}},
	"recycle.": {about: volumeFaults},
	"tag.":     {about: tagFaults},
	"job.show": {kinds: map[block.Kind]fault{block.NotFound: {400, "Common.0011"}}},

	"snapshot_group5.":       {about: snapshotGroup5Faults},
	"snapshot_group5.delete": {kinds: map[block.Kind]fault{block.WrongStatus: {400, "EVS.1047"}}},
}

// listFaults are for parameters of native lists.
var listFaults = map[string]fault{
	"limit": {400, "EVS.1023"}, "limit.large": {400, "EVS.2142"}, "marker": {400, "EVS.1024"},
	"sort_key": {400, "EVS.1039"}, "sort_dir": {400, "EVS.1040"}, "id": {400, "EVS.2228"}, "ids": {400, "EVS.2228"},
	"metadata": {400, "EVS.1058"}, "metadata.encoding": {400, "EVS.1025"}, "availability_zone": {400, "EVS.1041"},
}

// volumeFaults are for lists of disks and the fields of a disk.
var volumeFaults = with(listFaults, map[string]fault{
	aboutDiskID: {400, "EVS.1002"},
	"name":      {400, "EVS.1003"}, "display_name": {400, "EVS.1003"}, "description": {400, "EVS.1004"}, "display_description": {400, "EVS.1004"},
	"size": {400, "EVS.1010"}, "volume_type": {400, "EVS.2070"}, "count": {400, "EVS.1021"},
	"snapshot_id": {400, "EVS.2045"}, "backup_id": {400, "EVS.1006"}, "imageRef": {400, "EVS.2046"},
	"metadata.system": {400, "EVS.2047"}, aboutOrder: {400, "EVS.2147"}, block.AboutVolumesQuota: {400, "EVS.1034"}, block.AboutGigabytesQuota: {400, "EVS.1042"},
})

func with(a, b map[string]fault) map[string]fault {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return both
}

// finer finds the finer code of an error: the longest beginning of the call's name
// that has one for what the error is about, or else for a part of it before a full
// stop (name, of name.type), or else for its kind.
func finer(call string, err error) (fault, bool) {
	kind, about := block.KindOf(err), block.AboutOf(err)
	if about == aboutNoToken {
		return fault{400, "EVS.2223"}, true
	}
	for end := len(call); end > 0; end-- {
		codes, known := fine[call[:end]]
		if !known {
			continue
		}
		if f, found := codes.of(about); found && kind != block.Internal && kind != block.Unavailable {
			return f, true
		}
		if f, found := codes.kinds[kind]; found {
			return f, true
		}
	}
	if strings.HasSuffix(about, wire.AboutType) && kind == block.Invalid {
		return fault{400, "EVS.1018"}, true
	}
	return fault{}, false
}

// of is the code of what an error is about, or of the longest part of it that has one.
func (c finerCodes) of(about string) (fault, bool) {
	for about != "" {
		if f, found := c.about[about]; found {
			return f, true
		}
		about = about[:max(0, strings.LastIndexByte(about, '.'))]
	}
	return fault{}, false
}

// isProjectID tells whether a text has the form of a project's id: 32 hex digits.
func isProjectID(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 16
}

// WriteFault answers with err. Nothing else in this door writes a failure or logs one.
func (a *API) WriteFault(x *wire.Exchange, err error) {
	f, message := faultOf(err)
	if f == refusals[wire.WrongProject] && !isProjectID(x.Project) {
		f.code = "EVS.0001"
	}
	if x.Route != nil {
		if code, found := finer(x.Route.Name, err); found {
			f = code
		}
	}
	switch f.status {
	case http.StatusInternalServerError: // ours to mend: the log gets it all
		a.log.ErrorContext(x.Context(), "request failed", "request_id", x.RequestID, "err", err)
	case http.StatusServiceUnavailable:
		a.log.WarnContext(x.Context(), "request refused for now", "request_id", x.RequestID, "err", err)
		x.Header().Set("Retry-After", "1")
	case http.StatusMethodNotAllowed:
		refusal, _ := errors.AsType[*wire.Refusal](err)
		x.Header().Set("Allow", refusal.Allow)
	case http.StatusUnauthorized:
		x.Header().Set("Www-Authenticate", `Keystone uri="`+x.Base+`/identity/v3"`)
	}
	_ = x.Reply(f.status, func(b []byte) []byte { // fails only if the client has gone
		b = append(b, `{"error":{"message":`...)
		b = wire.AppendString(b, message)
		b = append(b, `,"code":"`...)
		b = append(b, f.code...)
		return append(b, `"}}`...)
	})
}

func faultOf(err error) (fault, string) {
	if refusal, is := errors.AsType[*wire.Refusal](err); is {
		return refusals[refusal.Reason], refusal.Message
	}
	if identity.KindOf(err) == identity.Unauthenticated {
		return refusals[wire.Unauthenticated], "The request you have made requires authentication."
	}
	if f, known := faults[block.KindOf(err)]; known {
		return f, block.MessageOf(err)
	}
	return fault{500, "EVS.5500"}, "The server failed; its log says why."
}
