package cinder

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

// maxLimit is the largest limit of a quota. Source: Cinder quota_set schema.
const maxLimit = 2147483647

// quotaLine is one limit of a quota set and what is used of it.
type quotaLine struct {
	name  string
	limit int64
	used  int64
}

// quotaLines are the lines of a quota set in Cinder's order; per type newest
// first. Source: recordings service-member-os-quota-sets*.
func quotaLines(q *block.Quota, types []*block.VolumeType) []quotaLine {
	limit := func(name string) int64 {
		if n, given := q.Limits[name]; given {
			return n
		}
		return -1 // only limits per type have no default
	}
	all := q.Used[""]
	lines := []quotaLine{
		{"volumes", limit("volumes"), all.Volumes},
		{"per_volume_gigabytes", limit("per_volume_gigabytes"), 0},
		{"snapshots", limit("snapshots"), all.Snapshots},
		{"gigabytes", limit("gigabytes"), all.Gigabytes},
		{"backups", limit("backups"), 0},
		{"backup_gigabytes", limit("backup_gigabytes"), 0},
	}
	for _, t := range slices.Backward(types) {
		used := q.Used[t.ID]
		lines = append(lines,
			quotaLine{"volumes_" + t.Name, limit("volumes_" + t.Name), used.Volumes},
			quotaLine{"gigabytes_" + t.Name, limit("gigabytes_" + t.Name), used.Gigabytes},
			quotaLine{"snapshots_" + t.Name, limit("snapshots_" + t.Name), used.Snapshots})
	}
	return append(lines, quotaLine{"groups", limit("groups"), 0})
}

// appendQuotaSet appends {"quota_set": {…}}; an empty id is left out.
func appendQuotaSet(b []byte, lines []quotaLine, usage bool, id string) []byte {
	b = append(b, `{"quota_set":{`...)
	for i, line := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = wire.AppendString(b, line.name)
		b = append(b, ':')
		if !usage {
			b = strconv.AppendInt(b, line.limit, 10)
			continue
		}
		b = append(b, `{"limit":`...)
		b = strconv.AppendInt(b, line.limit, 10)
		b = append(b, `,"in_use":`...)
		b = strconv.AppendInt(b, line.used, 10)
		b = append(b, `,"reserved":0}`...) // usage is counted at once, nothing is only reserved
	}
	if id != "" {
		b = append(b, `,"id":`...)
		b = wire.AppendString(b, id)
	}
	return append(b, "}}"...)
}

// showQuota serves GET /os-quota-sets/{target}?usage=. Source: EVS 9; recordings.
func (a *API) showQuota(x *wire.Exchange) error {
	query, err := queryOf(x)
	if err != nil {
		return err
	}
	usage, err := queryBool(query, "usage")
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	target := x.PathValue("target")
	quota, err := a.blocks.ProjectQuota(x.Context(), caller, target)
	if err != nil {
		return err
	}
	return a.replyQuota(x, quota, usage, target)
}

func (a *API) replyQuota(x *wire.Exchange, quota *block.Quota, usage bool, id string) error {
	types, err := a.blocks.VolumeTypes(x.Context())
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return appendQuotaSet(b, quotaLines(quota, types), usage, id)
	})
}

// showDefaultQuota serves GET /os-quota-sets/{target}/defaults.
func (a *API) showDefaultQuota(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	return a.replyQuota(x, &block.Quota{Limits: block.DefaultQuota}, false, x.PathValue("target"))
}

// updateQuota serves PUT /os-quota-sets/{target}: the named limits change, the
// others stay. Source: Cinder quotas update.
func (a *API) updateQuota(x *wire.Exchange) error {
	limits, err := readLimits(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	types, err := a.blocks.VolumeTypes(x.Context())
	if err != nil {
		return err
	}
	known := quotaLines(&block.Quota{}, types)
	for name := range limits {
		if !slices.ContainsFunc(known, func(l quotaLine) bool { return l.name == name }) {
			return block.Errorf(block.Invalid, "Bad key(s) in quota set: %.64s", name)
		}
	}
	target := x.PathValue("target")
	if err := a.blocks.SetProjectQuota(x.Context(), target, limits); err != nil {
		return err
	}
	quota, err := a.blocks.ProjectQuota(x.Context(), caller, target)
	if err != nil {
		return err
	}
	return a.replyQuota(x, quota, false, "")
}

// readLimits reads the limits of a quota set; -1 is no limit. The project's id
// that older clients repeat in the body is ignored, as is force.
func readLimits(x *wire.Exchange) (block.Limits, error) {
	members, err := x.Object("quota_set")
	if err != nil {
		return nil, err
	}
	if err := x.OnlyKey("quota_set"); err != nil {
		return nil, err
	}
	limits := block.Limits{}
	for _, m := range members {
		switch m.Name {
		case "tenant_id", "project_id", "id", "force":
			continue
		}
		value, _ := members.Get(m.Name) // of duplicates the last
		n, err := wire.ReadInt(value, fmt.Sprintf("%.64s", m.Name), -1, maxLimit)
		if err != nil {
			return nil, err
		}
		limits[m.Name] = n
	}
	return limits, nil
}

// showLimits serves GET /limits. An administrator may ask for another project
// from 3.39. Source: recordings service-member-limits, service-admin-limits.
func (a *API) showLimits(x *wire.Exchange) error {
	query, err := queryOf(x)
	if err != nil {
		return err
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	target := caller.ProjectID
	if asked := query.Get("project_id"); asked != "" && caller.Admin && x.Version >= wire.LimitsOfProject {
		target = asked
	}
	q, err := a.blocks.ProjectQuota(x.Context(), caller, target)
	if err != nil {
		return err
	}
	return x.Reply(http.StatusOK, func(b []byte) []byte { return appendLimits(b, q) })
}

func appendLimits(b []byte, q *block.Quota) []byte {
	used := q.Used[""]
	b = append(b, `{"limits":{"rate":[],"absolute":{`...)
	for i, line := range []struct {
		name  string
		value int64
	}{
		{"maxTotalVolumes", q.Limits["volumes"]},
		{"maxTotalSnapshots", q.Limits["snapshots"]},
		{"maxTotalVolumeGigabytes", q.Limits["gigabytes"]},
		{"maxTotalBackups", q.Limits["backups"]},
		{"maxTotalBackupGigabytes", q.Limits["backup_gigabytes"]},
		{"totalVolumesUsed", used.Volumes},
		{"totalGigabytesUsed", used.Gigabytes},
		{"totalSnapshotsUsed", used.Snapshots},
		{"totalBackupsUsed", 0},
		{"totalBackupGigabytesUsed", 0},
	} {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, line.name...)
		b = append(b, `":`...)
		b = strconv.AppendInt(b, line.value, 10)
	}
	return append(b, "}}}"...)
}
