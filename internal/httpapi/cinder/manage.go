package cinder

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// manageRoutes are the calls that bring what the storage holds under management,
// by their two names. Source: Cinder contrib volume_manage, snapshot_manage.
func (a *API) manageRoutes() []wire.Route {
	rows := func(noun, path string, on wire.Versions, since wire.Microversion, list, detail, create wire.Handler) []wire.Route {
		return []wire.Route{
			{Name: noun + ".list", Method: "GET", Path: path, Versions: on, Since: since, Permission: wire.Admin, OK: 200, Source: recorded, Handle: list},
			{Name: noun + ".list_details", Method: "GET", Path: path + "/detail", Versions: on, Since: since, Permission: wire.Admin, OK: 200, Source: cinderAPI, Handle: detail},
			{Name: noun + ".manage", Method: "POST", Path: path, Versions: on, Since: since, Permission: wire.Admin, OK: 202, Source: cinderAPI, Handle: create},
		}
	}
	volumes, volumeDetails := a.listManageable("manageable-volumes", false), a.listManageable("manageable-volumes", true)
	snaps, snapDetails := a.listManageable("manageable-snapshots", false), a.listManageable("manageable-snapshots", true)
	all := rows("volume_manage", "/os-volume-manage", wire.V2V3, 0, volumes, volumeDetails, a.manageVolume)
	all = append(all, rows("manageable_volume", "/manageable_volumes", wire.V3, wire.ManageableLists, volumes, volumeDetails, a.manageVolume)...)
	all = append(all, rows("snapshot_manage", "/os-snapshot-manage", wire.V2V3, 0, snaps, snapDetails, a.manageSnapshot)...)
	all = append(all, rows("manageable_snapshot", "/manageable_snapshots", wire.V3, wire.ManageableLists, snaps, snapDetails, a.manageSnapshot)...)
	return append(all, actions("/volumes/{volume_id}/action", []wire.Route{
		{Name: "volume.unmanage", Action: "os-unmanage", Permission: wire.Admin, Source: cinderAPI, Handle: a.unmanageVolume},
		{Name: "volume.migrate", Action: "os-migrate_volume", Permission: wire.Admin, OK: 400, Source: cinderAPI, Handle: a.refuseMigration},
		{Name: "volume.migrate_completion", Action: "os-migrate_volume_completion", Permission: wire.Admin, OK: 400, Source: cinderAPI, Handle: a.refuseMigrationEnd},
	})...)
}

// reference is how an object of the storage is named in a body and a list.
type reference struct {
	Name string `json:"source-name"`
}

// manageable is one row of the lists; the last four are of the details.
type manageable struct {
	Reference reference  `json:"reference"`
	Size      int64      `json:"size"` // GiB, rounded up
	Safe      bool       `json:"safe_to_manage"`
	Source    *reference `json:"source_reference,omitempty"` // of a snapshot: its volume

	*manageableDetail
}

type manageableDetail struct {
	Reason *string `json:"reason_not_safe"`
	Row    *string `json:"cinder_id"`
	Extra  *string `json:"extra_info"`
}

// listManageable serves the lists and their details. They take paging, and the
// order by reference or size. Source: Cinder resource_common_manage.
func (a *API) listManageable(key string, detail bool) wire.Handler {
	list := a.blocks.ManageableVolumes
	if key == "manageable-snapshots" {
		list = a.blocks.ManageableSnapshots
	}
	return func(x *wire.Exchange) error {
		query, _, err := asked(x)
		if err != nil {
			return err
		}
		read, err := wire.ReadPage(query, wire.SortFields{"reference": block.FieldID, "size": block.FieldSize})
		if err != nil {
			return err
		}
		if host := query.Get("host"); host != a.blocks.Host() && host != a.blocks.BackendHost() {
			return block.Errorf(block.Invalid, "Invalid input received: host is needed, and must be %s; it is %.128q.", a.blocks.Host(), host)
		}
		page := block.ManageablePage{Desc: true, Marker: read.Marker, Offset: read.Offset, Limit: read.Limit}
		if len(read.Sort) > 0 {
			page.BySize, page.Desc = read.Sort[0].Field == block.FieldSize, read.Sort[0].Desc
		}
		found, err := list(x.Context(), page)
		if err != nil {
			return err
		}
		rows := make([]manageable, 0, len(found))
		for _, m := range found {
			rows = append(rows, viewManageable(m, detail))
		}
		return replyJSON(x, http.StatusOK, map[string]any{key: rows})
	}
}

func viewManageable(m block.Manageable, detail bool) manageable {
	row := manageable{Reference: reference{m.ID}, Size: (m.Size + 1<<30 - 1) >> 30, Safe: m.Unsafe == ""}
	if m.VolumeID != "" {
		row.Source = &reference{m.VolumeID}
	}
	if detail {
		row.manageableDetail = &manageableDetail{Reason: orNull(m.Unsafe), Row: orNull(m.Row)}
	}
	return row
}

// readReference reads what names an object: its name as text, or an object with
// source-name or source-id.
func readReference(members wire.Members) (string, error) {
	value, given := members.Get("ref")
	if !given {
		return "", block.Errorf(block.Invalid, "'ref' is a required property.")
	}
	if value.Kind() == '{' {
		inner, err := wire.ObjectOf(value, "ref")
		if err != nil {
			return "", err
		}
		if err := inner.Only("ref", "source-name", "source-id"); err != nil {
			return "", err
		}
		if value, given = inner.Get("source-name"); !given {
			value, given = inner.Get("source-id")
		}
		if !given {
			return "", block.Errorf(block.Invalid, "Invalid input for field/attribute ref: it needs source-name or source-id.")
		}
	}
	name, err := wire.ReadString(value, "ref")
	if err == nil && (name == "" || len(name) > block.MaxText || strings.ContainsAny(name, "\x00/")) {
		err = block.Errorf(block.Invalid, "Invalid input for field/attribute ref: it names nothing that the storage can hold.")
	}
	return withoutTemplate(name), err
}

// withoutTemplate is the id in a name that Cinder's templates of names make of it, as
// stock clients send it. Source: Cinder volume_name_template, snapshot_name_template.
func withoutTemplate(name string) string {
	for _, prefix := range []string{"volume-", "snapshot-", "_snapshot-"} {
		if id, cut := strings.CutPrefix(name, prefix); cut {
			return id
		}
	}
	return name
}

// manageVolume serves POST /os-volume-manage and /manageable_volumes.
func (a *API) manageVolume(x *wire.Exchange) error {
	members, err := x.Object("volume")
	if err != nil {
		return err
	}
	ref, n, err := readManaged(x, members, "volume", "host", "cluster", "volume_type", "availability_zone", "bootable")
	if err != nil {
		return err
	}
	words, err := readWords(members, "host", "cluster", "volume_type", "availability_zone")
	if err != nil {
		return err
	}
	n.Host, n.TypeName, n.Zone = words["host"], words["volume_type"], words["availability_zone"]
	if value, given := members.Get("bootable"); given {
		if n.Bootable, err = wire.ReadBool(value, "bootable"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	vol, err := a.blocks.ManageVolume(x.Context(), caller, ref, n)
	if err != nil {
		return err
	}
	view, err := a.volumeView(x, caller)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte {
		return append(view.appendItem(append(b, `{"volume":`...), vol, false), '}')
	})
}

// manageSnapshot serves POST /os-snapshot-manage and /manageable_snapshots.
func (a *API) manageSnapshot(x *wire.Exchange) error {
	members, err := x.Object("snapshot")
	if err != nil {
		return err
	}
	ref, n, err := readManaged(x, members, "snapshot", "volume_id")
	if err != nil {
		return err
	}
	if n.VolumeID, err = members.UUID("volume_id", "Volume"); err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	snap, err := a.blocks.ManageSnapshot(x.Context(), caller, ref, n)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusAccepted, func(b []byte) []byte { return wire.AppendSnapshot(b, x, snap, true) })
}

// readManaged reads what both bodies have.
func readManaged(x *wire.Exchange, members wire.Members, noun string, more ...string) (ref string, n block.NewManaged, err error) {
	if err = x.OnlyKey(noun); err != nil {
		return "", n, err
	}
	if err = members.Only(noun, append([]string{"ref", "name", "description", "metadata"}, more...)...); err != nil {
		return "", n, err
	}
	if ref, err = readReference(members); err != nil {
		return "", n, err
	}
	for _, field := range []struct {
		key  string
		rule wire.TextField
		into *block.Text
	}{{"name", wire.Name, &n.Name}, {"description", wire.Description, &n.Description}} {
		var value jsontext.Value
		given := false
		if value, given = members.Get(field.key); !given {
			continue
		}
		if *field.into, err = x.Dialect.ReadText(value, field.key, field.rule); err != nil {
			return "", n, err
		}
	}
	n.Metadata, err = wire.ReadMetadata(members, "metadata")
	return ref, n, err
}

// unmanageVolume serves os-unmanage; clients send {} or null with it.
func (a *API) unmanageVolume(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.UnmanageVolume(x.Context(), caller, x.PathValue("volume_id")); err != nil {
		return err
	}
	return replyPage(x, http.StatusAccepted)
}

// refuseMigration serves os-migrate_volume: there is one backend, and nothing else
// to go to. The words are the reference's own for each case.
func (a *API) refuseMigration(x *wire.Exchange) error {
	members, err := x.Object("os-migrate_volume")
	if err != nil {
		return err
	}
	if err := members.Only("os-migrate_volume", "host", "cluster", "force_host_copy", "lock_volume"); err != nil {
		return err
	}
	words, err := readWords(members, "host", "cluster")
	if err != nil {
		return err
	}
	for _, key := range []string{"force_host_copy", "lock_volume"} {
		if value, given := members.Get(key); given {
			if _, err := wire.ReadBool(value, key); err != nil {
				return err
			}
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if _, err := a.blocks.Volume(x.Context(), caller, x.PathValue("volume_id")); err != nil {
		return err
	}
	target := words["host"]
	if target == "" {
		target = words["cluster"]
	}
	if !slices.Contains([]string{a.blocks.Host(), a.blocks.BackendHost()}, target) {
		return block.Errorf(block.Invalid, "Invalid host: No available service named '%.128s'", target)
	}
	return block.Errorf(block.WrongStatus, "Invalid volume: Volume %s status must be available or in-use, must not be migrating, have snapshots, be replicated, be part of a group and destination host/cluster must be different than the current one",
		x.PathValue("volume_id"))
}

// refuseMigrationEnd serves os-migrate_volume_completion: no volume migrates.
func (a *API) refuseMigrationEnd(x *wire.Exchange) error {
	members, err := x.Object("os-migrate_volume_completion")
	if err != nil {
		return err
	}
	if err := members.Only("os-migrate_volume_completion", "new_volume", "error"); err != nil {
		return err
	}
	if value, given := members.Get("error"); given {
		if _, err := wire.ReadBool(value, "error"); err != nil {
			return err
		}
	}
	target, err := members.UUID("new_volume", "Volume")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	for _, id := range []string{x.PathValue("volume_id"), target} {
		if _, err := a.blocks.Volume(x.Context(), caller, id); err != nil {
			return err
		}
	}
	return block.Errorf(block.WrongStatus, "Invalid volume: Source volume not mid-migration.")
}
