package evs

import (
	"net/http"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// standardItem is a snapshot as v5 shows it. Source: EVS 5.2.
type standardItem struct {
	ID                string            `json:"id"`
	Name              *string           `json:"name"`
	Description       *string           `json:"description"`
	CreatedAt         *string           `json:"created_at"`
	UpdatedAt         *string           `json:"updated_at"`
	VolumeID          string            `json:"volume_id"`
	Size              int64             `json:"size"`
	Status            string            `json:"status"`
	EnterpriseProject string            `json:"enterprise_project_id"`
	Encrypted         bool              `json:"encrypted"`
	KeyID             *string           `json:"cmk_id"`
	Category          string            `json:"category"`
	AvailabilityZone  string            `json:"availability_zone"`
	Tags              map[string]string `json:"tags"`
	InstantAccess     bool              `json:"instant_access"`
	RetentionAt       *string           `json:"retention_at"`
	InstantRetention  *string           `json:"instant_access_retention_at"`
	Incremental       bool              `json:"incremental"`
	Type              string            `json:"snapshot_type"`
	Progress          string            `json:"progress"`
	Algorithm         *string           `json:"encrypt_algorithm"`
	Chains            []chainItem       `json:"snapshot_chains"`
	GroupID           *string           `json:"snapshot_group_id"`
}

// chainItem is the chain of a disk's snapshots. Its id is the disk's: each disk has
// one. Assumed: capacity is the sizes of its snapshots together.
type chainItem struct {
	ID               string  `json:"id"`
	AvailabilityZone string  `json:"availability_zone"`
	Snapshots        int64   `json:"snapshot_count"`
	Capacity         int64   `json:"capacity"`
	ProjectID        string  `json:"project_id"`
	VolumeID         string  `json:"volume_id"`
	Category         string  `json:"category"`
	CreatedAt        *string `json:"created_at"`
	UpdatedAt        *string `json:"updated_at"`
}

// What snapshots of this service are: none is a copy. Source: EVS 5.2, 5.5.
const (
	standardCategory = "standard"
	userSnapshot     = "user"
	autoSnapshot     = "auto" // of a backup
	metadataKeyID    = "__system__cmkid"
)

func (a *API) viewChain(project string, c block.SnapshotChain) chainItem {
	return chainItem{
		ID: c.VolumeID, AvailabilityZone: a.blocks.Zone(), Snapshots: c.Snapshots, Capacity: c.Capacity, ProjectID: project,
		VolumeID: c.VolumeID, Category: standardCategory, CreatedAt: timeText(c.CreatedAt), UpdatedAt: timeText(c.UpdatedAt),
	}
}

// diskOf is what the disk of a snapshot tells of it.
type diskOf struct {
	metadata map[string]string
	chains   []chainItem
}

// viewStandard shows snapshots with their tags, and what their disks tell of them.
func (a *API) viewStandard(x *wire.Exchange, c block.Caller, rows []*block.Snapshot) ([]standardItem, error) {
	ids := make([]string, len(rows))
	for i, s := range rows {
		ids[i] = s.ID
	}
	tags, err := a.blocks.TagsOf(x.Context(), block.TagSnapshot, ids)
	if err != nil {
		return nil, err
	}
	types, err := a.diskTypes(x)
	if err != nil {
		return nil, err
	}
	disks := map[string]diskOf{}
	items := make([]standardItem, len(rows))
	for i, s := range rows {
		disk, looked := disks[s.VolumeID]
		if !looked {
			if disk, err = a.diskOf(x, c, s); err != nil {
				return nil, err
			}
			disks[s.VolumeID] = disk
		}
		items[i] = standardItem{
			ID: s.ID, Name: textOf(s.Name), Description: textOf(s.Description), CreatedAt: timeText(s.CreatedAt), UpdatedAt: timeText(s.UpdatedAt),
			VolumeID: s.VolumeID, Size: int64(s.Size), Status: string(s.Status), EnterpriseProject: s.EnterpriseProjectID, Category: standardCategory,
			AvailabilityZone: a.blocks.Zone(), Tags: tags[s.ID], InstantAccess: s.InstantAccess, Incremental: !s.FullCopy, Type: typeOf(s),
			Progress: strconv.Itoa(s.Progress) + "%", Chains: disk.chains, GroupID: optional(s.GroupSnapshotID),
			Encrypted: block.Encrypted(disk.metadata, types[s.TypeID]), KeyID: optional(disk.metadata[metadataKeyID]),
		}
		if items[i].Tags == nil {
			items[i].Tags = map[string]string{}
		}
	}
	return items, nil
}

// diskOf looks at a snapshot's disk, which may be another project's by now, and at
// its chain.
func (a *API) diskOf(x *wire.Exchange, c block.Caller, s *block.Snapshot) (of diskOf, err error) {
	disk, err := a.blocks.Volume(x.Context(), c, s.VolumeID)
	if err != nil && block.KindOf(err) != block.NotFound {
		return of, err
	}
	if err == nil {
		of.metadata = disk.Metadata
	}
	c.ProjectID = s.ProjectID // an administrator may look at another's
	found, err := a.blocks.SnapshotChains(x.Context(), c, s.VolumeID, "", 1)
	for _, chain := range found {
		of.chains = append(of.chains, a.viewChain(s.ProjectID, chain))
	}
	return of, err
}

// standardRules are what the list of v5 can be kept and ordered by. Source: EVS 5.3.
func (a *API) standardRules() *listRules {
	return &listRules{
		sort: wire.SortFields{"id": block.FieldID, "status": block.FieldStatus, "created_at": block.FieldCreatedAt},
		filters: map[string]func(*listQuery, string) error{
			"name": byName, "status": byField(block.FieldStatus), "volume_id": byField(block.FieldVolumeID),
			"snapshot_chain_id": byField(block.FieldVolumeID), "snapshot_group_id": byField(block.FieldGroupSnapshotID),
			"id": byID, "ids": byIDs, "availability_zone": byZone(a.blocks.Zone()), "snapshot_type": bySnapshotType,
			"enterprise_project_id": byEnterpriseProject, "tag_key": byTagKey, "tags": byTagValues,
		},
	}
}

func typeOf(s *block.Snapshot) string {
	if s.Origin == block.OriginBackup {
		return autoSnapshot
	}
	return userSnapshot
}

// bySnapshotType keeps what somebody asked for, or what a backup made.
func bySnapshotType(q *listQuery, value string) error {
	switch value {
	case userSnapshot:
		return byField(block.FieldOrigin)(q, block.OriginUser.String())
	case autoSnapshot:
		return byField(block.FieldOrigin)(q, block.OriginBackup.String())
	}
	q.none = true
	return nil
}

// byTagKey keeps what has a tag of the key.
func byTagKey(q *listQuery, value string) error {
	m := block.TagMatch{Key: value}
	q.Tags = append(q.Tags, block.TagCondition{Matches: []block.TagMatch{m}})
	return checkMatch(m)
}

// byTagValues keeps what has all tags of {"k":"v"}.
func byTagValues(q *listQuery, value string) error {
	items, ok := wire.ReadPairs(value)
	if !ok || len(items) > block.MaxTagMatches {
		return block.Errorf(block.Invalid, "tags must be an object of at most %d strings, not %.64q.", block.MaxTagMatches, value)
	}
	var all block.TagCondition
	for key, one := range items {
		m := block.TagMatch{Key: key, Values: []string{one}}
		if err := checkMatch(m); err != nil {
			return err
		}
		all.Matches = append(all.Matches, m)
	}
	q.Tags = append(q.Tags, all)
	return nil
}

// listStandard serves GET /v5/{project_id}/snapshots/detail. Source: EVS 5.3.
func (a *API) listStandard(x *wire.Exchange) error {
	q, err := readList(x, a.standardRules())
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	rows, count, err := page(x, caller, &q, a.blocks.Snapshots, a.blocks.CountSnapshots)
	if err != nil {
		return err
	}
	answer := struct {
		Count     int            `json:"count"`
		Snapshots []standardItem `json:"snapshots"`
		Links     []link         `json:"snapshots_links,omitempty"`
	}{Count: count}
	if answer.Snapshots, err = a.viewStandard(x, caller, rows); err != nil {
		return err
	}
	if len(rows) > 0 && len(rows) >= q.Limit {
		answer.Links = []link{{"next", x.NextLink(rows[len(rows)-1].ID)}}
	}
	return reply(x, http.StatusOK, answer)
}

// listChains serves GET /v5/{project_id}/snapshot-chains, by their ids. Source: EVS 5.5.
func (a *API) listChains(x *wire.Exchange) error {
	volume := ""
	byDisk := func(q *listQuery, value string) error {
		q.none = q.none || !wire.IsUUID(value) || (volume != "" && volume != value)
		volume = value
		return nil
	}
	q, err := readList(x, &listRules{filters: map[string]func(*listQuery, string) error{
		"category": onlyValue(standardCategory), "id": byDisk, "volume_id": byDisk,
	}})
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	chains := []chainItem{}
	if !q.none {
		found, err := a.blocks.SnapshotChains(x.Context(), caller, volume, q.Marker, q.Limit)
		if err != nil {
			return err
		}
		for _, c := range found {
			chains = append(chains, a.viewChain(caller.ProjectID, c))
		}
	}
	return reply(x, http.StatusOK, map[string]any{"snapshot_chains": chains})
}
