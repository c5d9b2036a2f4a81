package evs

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"net/http"
	"strings"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// createAnswer is the answer of a creation. Source: EVS 7.1, 7.2.
type createAnswer struct {
	JobID     string   `json:"job_id"`
	VolumeIDs []string `json:"volume_ids,omitempty"`
}

// metadataWantIDs asks for the ids of the disks in the answer; it is no item of
// theirs. Source: EVS 7.2, create_for_volume_id.
const metadataWantIDs = "create_for_volume_id"

// createVolumes serves POST /v2|v2.1|v3/{project_id}/cloudvolumes: up to
// block.MaxBatch disks alike, all or none. Source: EVS 7.1, 7.2.
func (a *API) createVolumes(x *wire.Exchange) error {
	token, err := clientToken(x)
	if err != nil {
		return err
	}
	if !x.Body.Given {
		return block.On("body", block.Errorf(block.Invalid, "Missing request body: a JSON object with volume is needed."))
	}
	if err := noServer(x); err != nil {
		return err
	}
	if err := noDedicatedStorage(x); err != nil {
		return err
	}
	if err := payAsYouGo(x, "bssParam"); err != nil {
		return err
	}
	members, err := x.Object("volume")
	if err != nil {
		return block.On("volume", err)
	}
	n, err := readNewDisks(x, members)
	if err != nil {
		return err
	}
	if n.Token = token; token != "" {
		n.Request = fingerprint(x)
	}
	wantIDs := n.Metadata[metadataWantIDs] == "true"
	delete(n.Metadata, metadataWantIDs)
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	made, err := a.blocks.CreateVolumes(x.Context(), caller, n)
	if err != nil {
		return err
	}
	answer := createAnswer{JobID: made.JobID}
	if wantIDs {
		answer.VolumeIDs = made.IDs
	}
	return reply(x, x.Route.OK, answer)
}

// noServer refuses to attach what is made: servers are another service's, so there are
// none. Source: EVS 7.2, server_id; EVS.2229.
func noServer(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	server, err := text(top, "server_id")
	if err == nil && server != "" {
		err = block.On("server_id", block.Errorf(block.Invalid, "Server %.64s could not be found.", server))
	}
	return err
}

// noDedicatedStorage refuses to put disks into a pool of somebody's own: there is
// none, and a disk elsewhere is not what was asked for. Other hints are ignored.
// Source: EVS 6.1, OS-SCH-HNT:scheduler_hints. Assumed: no page tells a code.
func noDedicatedStorage(x *wire.Exchange) error {
	top, err := x.Top()
	if err != nil {
		return err
	}
	value, given := top.Get("OS-SCH-HNT:scheduler_hints")
	if !given || value.Kind() == 'n' {
		return nil
	}
	hints, err := wire.ObjectOf(value, "OS-SCH-HNT:scheduler_hints")
	if err != nil {
		return err
	}
	pool, err := text(hints, "dedicated_storage_id")
	if err == nil && pool != "" {
		err = block.On("dedicated_storage_id", block.Errorf(block.Invalid, "Invalid input for field/attribute dedicated_storage_id: there is no dedicated storage %.64s.", pool))
	}
	return err
}

// readNewDisks reads the members of volume. What it does not know is ignored.
// Source: EVS 6.1, 7.1.
func readNewDisks(x *wire.Exchange, members wire.Members) (n block.NewVolumes, err error) {
	n.Vendor, n.Count = true, 1
	name, description, err := x.ReadTexts(members)
	if err != nil {
		return n, err
	}
	n.Name, n.Description = name.To, description.To
	if n.Zone, err = needed(members, "availability_zone"); err != nil {
		return n, err
	}
	if n.TypeName, err = needed(members, "volume_type"); err != nil {
		return n, err
	}
	if n.Metadata, err = wire.ReadMetadata(members, "metadata"); err != nil {
		return n, err
	}
	if n.Multiattach, err = flag(members, "multiattach"); err != nil {
		return n, err
	}
	if _, err = flag(members, "shareable"); err != nil {
		return n, err
	}
	if value, given := members.Get("tags"); given && value.Kind() != 'n' {
		if n.Tags, err = wire.ReadItems(value, "tags"); err != nil {
			return n, block.On(block.AboutTag, err)
		}
	}
	if n.EnterpriseProjectID, err = readEnterpriseProject(members); err != nil {
		return n, err
	}
	if err := readPerformance(members, &n.Performance); err != nil {
		return n, err
	}
	if value, given := members.Get("count"); given && value.Kind() != 'n' {
		count, err := wire.ReadTruncated(value, "count", 1, block.MaxBatch)
		if err != nil {
			return n, err
		}
		n.Count = int(count)
	}
	if err := readSource(members, &n); err != nil {
		return n, err
	}
	return n, readSize(members, &n)
}

// readSize reads the size, which only what is made from a backup may leave out.
func readSize(members wire.Members, n *block.NewVolumes) error {
	value, given := members.Get("size")
	if absent := !given || value.Kind() == 'n'; absent && n.BackupID != "" {
		return nil
	} else if absent {
		return block.On("size", block.Errorf(block.Invalid, "Invalid input for field/attribute size: it is needed, in GB."))
	}
	size, err := wire.ReadTruncated(value, "size", math.MinInt32, math.MaxInt32) // the heart knows how large it may be
	if err == nil && size < 1 {
		err = block.On("size", block.Errorf(block.Invalid, "Invalid input for field/attribute size: it must be at least 1 GB, not %d.", size))
	}
	n.Size = block.Size(size)
	return err
}

// readPerformance reads iops and throughput; what the type lets one say is the
// heart's to know. Source: EVS 7.2.
func readPerformance(members wire.Members, p *block.Performance) (err error) {
	for key, into := range map[string]*int64{"iops": &p.IOPS, "throughput": &p.Throughput} {
		if value, given := members.Get(key); given && value.Kind() != 'n' {
			if *into, err = wire.ReadInt(value, key, 1, math.MaxInt32); err != nil {
				return err
			}
		}
	}
	return nil
}

// readSource reads what the disks are made from: at most one thing. Source: EVS
// 6.1; EVS.1016, 2045, 1006, 2046.
func readSource(members wire.Members, n *block.NewVolumes) error {
	given := map[string]string{}
	for _, key := range []string{"snapshot_id", "backup_id", "imageRef", "source_volid"} {
		id, err := text(members, key)
		if err != nil {
			return err
		}
		if id == "" {
			continue
		}
		if !wire.IsUUID(id) {
			return block.On(key, block.Errorf(block.Invalid, "Invalid input for field/attribute %s: %.64q is not a UUID.", key, id))
		}
		given[key] = id
	}
	if len(given) > 1 {
		return block.On("sources", block.Errorf(block.Invalid, "Invalid input: only one of snapshot_id, backup_id and imageRef may be given."))
	}
	if given["source_volid"] != "" {
		return block.Errorf(block.Invalid, "Invalid input for field/attribute source_volid: disks cannot be made from a disk here; make a snapshot of it.")
	}
	n.SnapshotID, n.BackupID, n.ImageID = given["snapshot_id"], given["backup_id"], given["imageRef"]
	return nil
}

// clientToken reads the name that the caller gave the request. Source: EVS 2.1;
// EVS.2218.
func clientToken(x *wire.Exchange) (string, error) {
	given := x.Request.Header.Values(tokenHeader)
	switch {
	case len(given) == 0:
		return "", nil
	case len(given) == 1 && wire.IsUUID(given[0]):
		return given[0], nil
	}
	return "", block.On("token", block.Errorf(block.Invalid, "The header X-Client-Token must be one UUID."))
}

const tokenHeader = "X-Client-Token"

// takesToken tells which rows read the header; to the others it is an error.
// Source: EVS 2.1, EVS.2223.
var takesToken = map[string]bool{"cloudvolume.create_v21": true, "cloudvolume.create_v3": true}

// withoutToken refuses the header where nothing would come of it.
func withoutToken(rows []wire.Route) []wire.Route {
	for i, row := range rows {
		if takesToken[row.Name] {
			continue
		}
		rows[i].Handle = func(x *wire.Exchange) error {
			if x.Request.Header.Get(tokenHeader) != "" {
				return block.On(aboutNoToken, block.Errorf(block.Invalid, "The header X-Client-Token is not supported for this call."))
			}
			return row.Handle(x)
		}
	}
	return rows
}

// aboutNoToken is what an error about a header is about that the call does not take.
const aboutNoToken = "token.unsupported"

// aboutDiskID is what an error is about when the id of a disk in the path is none.
const aboutDiskID = "volume_id.path"

// withDiskIDs says of a disk that is not there whether its id was none at all: a
// caller who may call is told so. Source: EVS.1002.
func withDiskIDs(rows []wire.Route) []wire.Route {
	for i, row := range rows {
		if !strings.Contains(row.Path, "{volume_id}") {
			continue
		}
		rows[i].Handle = func(x *wire.Exchange) error {
			err := row.Handle(x)
			if id := x.PathValue("volume_id"); block.KindOf(err) == block.NotFound && block.AboutOf(err) == "" && !wire.IsUUID(id) {
				return block.On(aboutDiskID, block.Errorf(block.Invalid, "%.64q is not the id of a disk, which is a UUID.", id))
			}
			return err
		}
	}
	return rows
}

// fingerprint stands for the address and the body of a request.
func fingerprint(x *wire.Exchange) string {
	sum := sha256.New()
	for _, part := range []string{x.Request.Method, x.Path, string(x.Body.Value)} {
		sum.Write([]byte(part))
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// text reads a string; absent and null are the empty one.
func text(members wire.Members, field string) (string, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return "", nil
	}
	return wire.ReadString(value, field)
}

// needed reads a string that must be there.
func needed(members wire.Members, field string) (string, error) {
	found, err := text(members, field)
	if err == nil && found == "" {
		err = block.On(field+".none", block.Errorf(block.Invalid, "Invalid input for field/attribute %s: it is needed.", field))
	}
	return found, err
}

// flag reads a boolean; absent and null are false.
func flag(members wire.Members, field string) (bool, error) {
	value, given := members.Get(field)
	if !given || value.Kind() == 'n' {
		return false, nil
	}
	return wire.ReadBool(value, field)
}

// createFaults are the finer codes of creations. Source: evs-errors 3.
var createFaults = map[string]fault{
	"body": {400, "EVS.1008"}, "volume": {400, "EVS.1009"}, "sources": {400, "EVS.1016"},
	"availability_zone": {400, "EVS.1036"}, "volume_type.none": {400, "EVS.1020"}, "volume_type.source": {400, "EVS.2096"},
	"snapshot_id.status": {400, "EVS.2043"}, "backup_id.count": {400, "EVS.1051"}, "backup_id.status": {400, "EVS.1044"}, "backup_id.size": {400, "EVS.1022"}, "imageRef.shared": {400, "EVS.2094"},
	"metadata": {400, "EVS.5400"}, "metadata.system": {400, "EVS.2047"}, block.AboutMetadataLarge: {400, "EVS.1005"}, "metadata.inherited": {400, "EVS.1043"}, "metadata.encryption": {400, "EVS.2041"},
	"metadata.passthrough": {400, "EVS.1057"}, "metadata.full_clone": {400, "EVS.1063"}, "shareable": {400, "EVS.1054"},
	"server_id": {400, "EVS.2229"}, "enterprise_project_id": {400, "EVS.2059"},
	block.AboutTag: {400, "EVS.1062"}, block.AboutTagCount: {400, "EVS.1061"},
	"token": {400, "EVS.2218"}, "token.used": {400, "EVS.2219"}, "token.old": {400, "EVS.2220"},
}

func (a *API) createRoutes() []wire.Route {
	const all = "/cloudvolumes"
	return []wire.Route{
		{Name: "cloudvolume.create", Method: http.MethodPost, Path: all, Versions: wire.V2, Permission: wire.Member, OK: 200, Source: evs14, Handle: a.createVolumes},
		{Name: "cloudvolume.create_v21", Method: http.MethodPost, Path: all, Versions: wire.V21, Permission: wire.Member, OK: 202, Source: evs15, Handle: a.createVolumes},
		{Name: "cloudvolume.create_v3", Method: http.MethodPost, Path: all, Versions: wire.V3, Permission: wire.Member, OK: 200, Source: "EVS API 1.6", Handle: a.createVolumes},
	}
}
