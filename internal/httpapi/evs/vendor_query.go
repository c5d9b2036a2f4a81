package evs

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// vendorRules are the four ways to ask for tags in a query. Source: EVS, Querying
// EVS Resources by Tag; limit and offset are those of every list.
var vendorRules = listRules{filters: map[string]func(*listQuery, string) error{
	"tags":         byVendorTags(block.TagCondition{}),
	"tags_any":     byVendorTags(block.TagCondition{Any: true}),
	"not_tags":     byVendorTags(block.TagCondition{Not: true}),
	"not_tags_any": byVendorTags(block.TagCondition{Any: true, Not: true}),
}}

// byVendorTags reads {'a':['b','c'],'d':['e']}, in either kind of quotes.
func byVendorTags(how block.TagCondition) func(*listQuery, string) error {
	return func(q *listQuery, value string) error {
		var wanted map[string][]string
		if err := json.Unmarshal([]byte(strings.ReplaceAll(value, "'", `"`)), &wanted); err != nil {
			return block.Errorf(block.Invalid, "Invalid tags: it must be an object of arrays of strings, not %.64q.", value)
		}
		if len(wanted) > block.MaxTagMatches {
			return block.Errorf(block.Invalid, "Invalid tags: at most %d keys can be asked for.", block.MaxTagMatches)
		}
		condition := how
		for _, key := range slices.Sorted(maps.Keys(wanted)) {
			m := block.TagMatch{Key: key, Values: wanted[key]}
			if len(m.Values) > block.MaxTagMatches {
				return block.Errorf(block.Invalid, "Invalid tags: at most %d values of one key can be asked for.", block.MaxTagMatches)
			}
			if err := checkMatch(m); err != nil {
				return err
			}
			condition.Matches = append(condition.Matches, m)
		}
		q.Tags = append(q.Tags, condition)
		return nil
	}
}

// vendorQuery serves GET /v2/{project_id}/os-vendor-tags/{resource_type}/resource_instances.
func (a *API) vendorQuery(x *wire.Exchange) error {
	kind, err := tagKindOf(x)
	if err != nil {
		return err
	}
	q, err := readList(x, &vendorRules)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	var answer resources
	switch kind {
	case block.TagVolume:
		answer, err = a.taggedVolumes(x, caller, &q)
	case block.TagSnapshot:
		answer, err = a.taggedSnapshots(x, caller, &q)
	case block.TagBackup:
		answer, err = a.taggedBackups(x, caller, &q)
	}
	if err != nil {
		return err
	}
	return reply(x, http.StatusOK, answer)
}

func (a *API) taggedVolumes(x *wire.Exchange, c block.Caller, q *listQuery) (answer resources, err error) {
	rows, count, err := page(x, c, q, a.blocks.Volumes, a.blocks.CountVolumes)
	if err != nil {
		return answer, err
	}
	answer.Total = count
	items, err := a.viewVolumes(x, rows)
	for i := range items {
		answer.Found = append(answer.Found, resource{items[i].ID, items[i].Name, &items[i], items[i].Tags})
	}
	return answer, err
}

// snapshotDetail is a snapshot or a backup as the older query shows it.
type snapshotDetail struct {
	ID          string            `json:"id"`
	Name        *string           `json:"name"`
	Description *string           `json:"description"`
	Status      string            `json:"status"`
	Size        int64             `json:"size"`
	VolumeID    string            `json:"volume_id"`
	Metadata    map[string]string `json:"metadata"`
	CreatedAt   *string           `json:"created_at"`
	UpdatedAt   *string           `json:"updated_at"`
}

func (a *API) taggedSnapshots(x *wire.Exchange, c block.Caller, q *listQuery) (answer resources, err error) {
	rows, count, err := page(x, c, q, a.blocks.Snapshots, a.blocks.CountSnapshots)
	if err != nil {
		return answer, err
	}
	answer.Total = count
	for _, s := range rows {
		answer.add(snapshotDetail{
			ID: s.ID, Name: textOf(s.Name), Description: textOf(s.Description), Status: string(s.Status), Size: int64(s.Size),
			VolumeID: s.VolumeID, Metadata: s.Metadata, CreatedAt: timeText(s.CreatedAt), UpdatedAt: timeText(s.UpdatedAt),
		})
	}
	err = a.tagFound(x, block.TagSnapshot, &answer)
	return answer, err
}

func (a *API) taggedBackups(x *wire.Exchange, c block.Caller, q *listQuery) (answer resources, err error) {
	rows, count, err := page(x, c, q, a.blocks.Backups, a.blocks.CountBackups)
	if err != nil {
		return answer, err
	}
	answer.Total = count
	for _, b := range rows {
		answer.add(snapshotDetail{
			ID: b.ID, Name: textOf(b.Name), Description: textOf(b.Description), Status: string(b.Status), Size: int64(b.Size),
			VolumeID: b.VolumeID, Metadata: b.Metadata, CreatedAt: timeText(b.CreatedAt), UpdatedAt: timeText(b.UpdatedAt),
		})
	}
	err = a.tagFound(x, block.TagBackup, &answer)
	return answer, err
}

func (r *resources) add(d snapshotDetail) {
	r.Found = append(r.Found, resource{ID: d.ID, Name: d.Name, Detail: d})
}

// tagFound gives what was found its tags.
func (a *API) tagFound(x *wire.Exchange, kind block.TagKind, r *resources) error {
	ids := make([]string, len(r.Found))
	for i := range r.Found {
		ids[i] = r.Found[i].ID
	}
	tags, err := a.blocks.TagsOf(x.Context(), kind, ids)
	for i := range r.Found {
		of := tags[r.Found[i].ID]
		if of == nil {
			of = map[string]string{}
		}
		r.Found[i].Tags = of
	}
	return err
}
