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
		{"backups", limit("backups"), all.Backups},
		{"backup_gigabytes", limit("backup_gigabytes"), all.BackupGigabytes},
	}
	for _, t := range slices.Backward(types) {
		used := q.Used[t.ID]
		lines = append(lines,
			quotaLine{"volumes_" + t.Name, limit("volumes_" + t.Name), used.Volumes},
			quotaLine{"gigabytes_" + t.Name, limit("gigabytes_" + t.Name), used.Gigabytes},
			quotaLine{"snapshots_" + t.Name, limit("snapshots_" + t.Name), used.Snapshots})
	}
	lines = append(lines, quotaLine{"groups", limit("groups"), q.Groups})
	if n, set := q.Limits["per_volume_snapshots"]; set { // ours: shown where somebody has set it
		lines = append(lines, quotaLine{"per_volume_snapshots", n, 0})
	}
	return lines
}

// appendQuotaSet appends {"quota_set": {…}}, or another key; an empty id is left out.
func appendQuotaSet(b []byte, key string, lines []quotaLine, usage bool, id string) []byte {
	b = append(b, `{"`...)
	b = append(b, key...)
	b = append(b, `":{`...)
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
	return a.replyQuota(x, caller, quotaSet, quota, usage, target)
}

// Keys of the bodies.
const (
	quotaSet      = "quota_set"
	quotaClassSet = "quota_class_set"
)

// replyQuota answers with the limits in all, and of the types that the caller may
// use or the project does use.
func (a *API) replyQuota(x *wire.Exchange, caller block.Caller, key string, quota *block.Quota, usage bool, id string) error {
	usable, err := a.blocks.TypesFor(x.Context(), caller)
	if err != nil {
		return err
	}
	types, err := a.blocks.VolumeTypes(x.Context())
	if err != nil {
		return err
	}
	types = slices.DeleteFunc(types, func(t *block.VolumeType) bool {
		may := slices.ContainsFunc(usable, func(u *block.VolumeType) bool { return u.ID == t.ID })
		return !may && quota.Used[t.ID] == (block.Usage{})
	})
	return x.Reply(http.StatusOK, func(b []byte) []byte {
		return appendQuotaSet(b, key, quotaLines(quota, types), usage, id)
	})
}

// showDefaultQuota serves GET /os-quota-sets/{target}/defaults.
func (a *API) showDefaultQuota(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	target := x.PathValue("target")
	limits, err := a.blocks.DefaultQuotaOf(x.Context(), caller, target)
	if err != nil {
		return err
	}
	return a.replyQuota(x, caller, quotaSet, &block.Quota{Limits: limits}, false, target)
}

// updateQuota serves PUT /os-quota-sets/{target}: the named limits change, the
// others stay. None may be below what is used, unless skip_validation, which older
// clients send beside the quota set, is true. Source: Cinder quotas update.
func (a *API) updateQuota(x *wire.Exchange) error {
	limits, err := readLimits(x, quotaSet, "skip_validation")
	if err != nil {
		return err
	}
	top, err := x.Top()
	if err != nil {
		return err
	}
	unchecked := false
	if value, given := top.Get("skip_validation"); given {
		if unchecked, err = wire.ReadBool(value, "skip_validation"); err != nil {
			return err
		}
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	target := x.PathValue("target")
	if err := checkProject(target, "quota_set_name"); err != nil {
		return err
	}
	set := a.blocks.SetProjectQuota
	if unchecked {
		set = a.blocks.ForceProjectQuota
	}
	if err := set(x.Context(), target, limits); err != nil {
		return err
	}
	quota, err := a.blocks.ProjectQuota(x.Context(), caller, target)
	if err != nil {
		return err
	}
	return a.replyQuota(x, caller, quotaSet, quota, false, "")
}

// resetQuota serves DELETE /os-quota-sets/{target}: the defaults count again.
// Source: Cinder quotas delete (200, no body).
func (a *API) resetQuota(x *wire.Exchange) error {
	if _, err := x.Authorize(); err != nil {
		return err
	}
	if err := a.blocks.ResetProjectQuota(x.Context(), x.PathValue("target")); err != nil {
		return err
	}
	return replyNothing(x, http.StatusOK)
}

// showQuotaClass serves GET /os-quota-class-sets/{class}. The class default holds
// every project's defaults; others are kept and count for nobody. Source: Cinder quota_classes.
func (a *API) showQuotaClass(x *wire.Exchange) error {
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	return a.replyQuotaClass(x, caller, x.PathValue("class"))
}

// updateQuotaClass serves PUT /os-quota-class-sets/{class}.
func (a *API) updateQuotaClass(x *wire.Exchange) error {
	limits, err := readLimits(x, quotaClassSet)
	if err != nil {
		return err
	}
	class := x.PathValue("class")
	if len(class) > block.MaxText {
		return block.Errorf(block.Invalid, "The name of a quota class has at most %d bytes.", block.MaxText)
	}
	caller, err := x.Authorize()
	if err != nil {
		return err
	}
	if err := a.blocks.SetClassQuota(x.Context(), class, limits); err != nil {
		return err
	}
	return a.replyQuotaClass(x, caller, "")
}

// replyQuotaClass tells the limits of the path's class; the id as Cinder does,
// when it shows a class and not when it changed one.
func (a *API) replyQuotaClass(x *wire.Exchange, caller block.Caller, id string) error {
	limits, err := a.blocks.ClassQuota(x.Context(), x.PathValue("class"))
	if err != nil {
		return err
	}
	return a.replyQuota(x, caller, quotaClassSet, &block.Quota{Limits: limits}, false, id)
}

// readLimits reads the limits of a quota set; -1 is no limit. The project's id
// that older clients repeat in the body is ignored, as are a class's and force.
func readLimits(x *wire.Exchange, key string, beside ...string) (block.Limits, error) {
	members, err := x.Object(key)
	if err != nil {
		return nil, err
	}
	top, err := x.Top()
	if err != nil {
		return nil, err
	}
	if err := top.Only("the request body", append(beside, key)...); err != nil {
		return nil, err
	}
	limits := block.Limits{}
	for _, m := range slices.Backward(members) { // of duplicates the last
		switch m.Name {
		case "tenant_id", "project_id", "id", "force", "class_name":
			continue
		}
		if _, given := limits[m.Name]; given {
			continue
		}
		n, err := wire.ReadInt(m.Value, fmt.Sprintf("%.64s", m.Name), -1, maxLimit)
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
	query, caller, err := asked(x)
	if err != nil {
		return err
	}
	target := caller.ProjectID
	if id := query.Get("project_id"); id != "" && caller.Admin && x.Version >= wire.LimitsOfProject {
		target = id
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
		{"totalBackupsUsed", used.Backups},
		{"totalBackupGigabytesUsed", used.BackupGigabytes},
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
