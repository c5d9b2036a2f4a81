package evs

import (
	"maps"
	"net/http"
	"slices"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// Sources of the rows on tags.
const evs16 = "EVS API 1.6"

// tagRoutes are the calls on the tags of disks, and the same below the older name
// os-vendor-volumes.
func (a *API) tagRoutes() []wire.Route {
	const disks, vendor, one = "/cloudvolumes", "/os-vendor-volumes", "/{volume_id}/tags"
	return []wire.Route{
		{Name: "tag.project", Method: "GET", Path: disks + "/tags", Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.projectTags(block.TagVolume)},
		{Name: "tag.list", Method: "GET", Path: disks + one, Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.volumeTags},
		{Name: "tag.change", Method: "POST", Path: disks + one + "/action", Versions: wire.V2, Permission: wire.Member, OK: 204, Source: evs14, Handle: a.changeVolumeTags},
		{Name: "tag.query", Method: "POST", Path: disks + "/resource_instances/action", Versions: wire.V2, Permission: wire.Reader, OK: 200, Source: evs14, Handle: a.queryVolumes},
		{Name: "tag.vendor_list", Method: "GET", Path: vendor + one, Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs16, Handle: a.volumeTags},
		{Name: "tag.vendor_change", Method: "POST", Path: vendor + one + "/action", Versions: wire.V2V3, Permission: wire.Member, OK: 204, Source: evs16, Handle: a.changeVolumeTags},
		{Name: "tag.vendor_query", Method: "POST", Path: vendor + "/resource_instances/action", Versions: wire.V2V3, Permission: wire.Reader, OK: 200, Source: evs16, Handle: a.queryVolumes},
	}
}

// tagFaults are for the calls on tags. Source: evs-errors 3.
var tagFaults = with(listFaults, map[string]fault{
	aboutDiskID: {400, "EVS.1002"}, block.AboutTag: {400, "EVS.1062"}, block.AboutTagCount: {400, "EVS.1061"},
})

// tagItem is a tag as lists of tags show it.
type tagItem struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// tagList is the tags of one object, in the order of their keys.
func tagList(tags map[string]string) []tagItem {
	all := make([]tagItem, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, tagItem{key, tags[key]})
	}
	return all
}

// projectTags serves GET /v2/{project_id}/cloudvolumes/tags and its like: each key
// with the values that it has anywhere in the project. Source: EVS 11.
func (a *API) projectTags(kind block.TagKind) wire.Handler {
	return func(x *wire.Exchange) error {
		found, err := a.tagsOfProject(x, kind)
		if err != nil {
			return err
		}
		tags := make(map[string][]string, len(found))
		for _, t := range found {
			tags[t.Key] = t.Values
		}
		return reply(x, http.StatusOK, map[string]any{"tags": tags})
	}
}

// listProjectTags serves GET /v5/{project_id}/snapshots/tags and its like: the same as
// a list. Source: vendor's Terraform provider, which reads nothing else (ADR 20).
func (a *API) listProjectTags(kind block.TagKind) wire.Handler {
	return func(x *wire.Exchange) error {
		found, err := a.tagsOfProject(x, kind)
		if err != nil {
			return err
		}
		return reply(x, http.StatusOK, map[string]any{"tags": found})
	}
}

// keyItem is a key with the values that it has in a project.
type keyItem struct {
	Key    string   `json:"key"`
	Values []string `json:"value"`
}

// tagsOfProject are the keys of a project in their order.
func (a *API) tagsOfProject(x *wire.Exchange, kind block.TagKind) ([]keyItem, error) {
	caller, err := x.Authorize()
	if err != nil {
		return nil, err
	}
	found, err := a.blocks.ProjectTags(x.Context(), caller, kind)
	all := []keyItem{}
	for _, t := range found {
		if len(all) == 0 || all[len(all)-1].Key != t.Key {
			all = append(all, keyItem{Key: t.Key})
		}
		last := &all[len(all)-1]
		last.Values = append(last.Values, t.Value)
	}
	return all, err
}

// volumeTags serves GET /v2/{project_id}/cloudvolumes/{volume_id}/tags.
func (a *API) volumeTags(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	tags, err := a.blocks.Tags(x.Context(), caller, block.TagVolume, x.PathValue("volume_id"))
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, map[string]any{"tags": tagList(tags)})
}

// changeVolumeTags serves POST /v2/{project_id}/cloudvolumes/{volume_id}/tags/action:
// create writes over what is there, delete goes by the keys and does not mind those
// that are gone. Source: EVS 11, batch.
func (a *API) changeVolumeTags(x *wire.Exchange) error {
	const create = "create"
	action, top, err := readAction(x, create, "delete")
	if err != nil {
		return err
	}
	return a.changeTags(x, top, action == create, block.TagVolume, x.PathValue("volume_id"))
}

// changeTags adds or removes the tags that a body lists.
func (a *API) changeTags(x *wire.Exchange, top wire.Members, create bool, kind block.TagKind, id string) error {
	tags, err := readTagList(top, create)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if create {
		const over = false
		_, err = a.blocks.SetTags(x.Context(), caller, kind, id, tags, over)
	} else {
		err = a.blocks.DropTags(x.Context(), caller, kind, id, slices.Collect(maps.Keys(tags)))
	}
	if err != nil {
		return err
	}
	return x.WriteEmpty(http.StatusNoContent)
}

// resource is an object that a query by tags found.
type resource struct {
	ID     string  `json:"resource_id"`
	Name   *string `json:"resource_name"`
	Detail any     `json:"resource_detail"`
	Tags   any     `json:"tags"`
}

// foundVolume is a disk as a query by tags shows it: here alone shareable is a
// boolean. Source: vendor's SDK, VolumeDetailForTag.
type foundVolume struct {
	*volumeItem
	Shareable bool `json:"shareable"`
}

// resources is the answer of a query by tags.
type resources struct {
	Total int        `json:"total_count"`
	Found []resource `json:"resources"`
}

// queryVolumes serves POST /v2/{project_id}/cloudvolumes/resource_instances/action:
// the disks with certain tags, or their number, whatever limit and offset. Source: EVS 11.
func (a *API) queryVolumes(x *wire.Exchange) error {
	const filter = "filter"
	action, top, err := readAction(x, filter, "count")
	if err != nil {
		return err
	}
	q, err := readSearch(top, action == filter)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if action != filter {
		q.Limit = 1
	}
	rows, count, err := page(x, caller, &q, a.blocks.Volumes, a.blocks.CountVolumes)
	if err != nil {
		return err
	}
	if action != filter {
		return reply(x, http.StatusOK, map[string]int{"total_count": count})
	}
	items, err := a.viewVolumes(x, rows)
	if err != nil {
		return err
	}
	answer := resources{Total: count}
	for i := range items {
		answer.Found = append(answer.Found, resource{items[i].ID, items[i].Name, foundVolume{&items[i], items[i].Multiattach}, tagList(items[i].Tags)})
	}
	return reply(x, http.StatusOK, answer)
}

// viewVolumes shows disks with their tags.
func (a *API) viewVolumes(x *wire.Exchange, rows []*block.Volume) ([]volumeItem, error) {
	types, err := a.diskTypes(x)
	if err != nil {
		return nil, err
	}
	items := make([]volumeItem, len(rows))
	ids := make([]string, len(rows))
	for i, v := range rows {
		items[i], ids[i] = a.viewVolume(x, v, types), v.ID
	}
	tags, err := a.blocks.TagsOf(x.Context(), block.TagVolume, ids)
	for i := range items {
		if of := tags[items[i].ID]; of != nil {
			items[i].Tags = of
		}
	}
	return items, err
}

// viewTagged shows one disk with its tags.
func (a *API) viewTagged(x *wire.Exchange, v *block.Volume) (volumeItem, error) {
	items, err := a.viewVolumes(x, []*block.Volume{v})
	if err != nil {
		return volumeItem{}, err
	}
	return items[0], nil
}
