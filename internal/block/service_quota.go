package block

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// reserve counts change against the project's quota, in all and of the type, in
// the transaction that changes the noun. Fails with OverLimit, and then nothing
// is counted.
func (s *Service) reserve(tx Tx, set Limits, types []*VolumeType, projectID, typeID string, change Usage) error {
	ofType, ofAll, err := tx.AddUsage(projectID, typeID, change)
	if err != nil {
		return err
	}
	if err := set.hold("", ofAll, change); err != nil {
		return err
	}
	i := slices.IndexFunc(types, func(t *VolumeType) bool { return t.ID == typeID })
	if i < 0 {
		return nil // a type made a moment ago has no limits yet
	}
	return set.hold("_"+types[i].Name, ofType, change)
}

// hold holds used, which has change in it, to the limits whose names end in suffix.
// Source of the texts: recordings *-over-quota, volume-create-over-volume-limit.
func (l Limits) hold(suffix string, used, change Usage) error {
	gigabytes, volumes, snapshots := l.of("gigabytes"+suffix), l.of("volumes"+suffix), l.of("snapshots"+suffix)
	switch {
	case change.Gigabytes > 0 && over(used.Gigabytes, gigabytes):
		return overQuota(AboutGigabytesQuota, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes%s quota. Requested %dG, quota is %dG and %dG has been consumed.",
			suffix, change.Gigabytes, gigabytes, used.Gigabytes-change.Gigabytes)
	case change.Volumes > 0 && over(used.Volumes, volumes):
		return overQuota(AboutVolumesQuota, "VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes%s'.", volumes, suffix)
	case change.Snapshots > 0 && over(used.Snapshots, snapshots):
		return overQuota(AboutSnapshotsQuota, "SnapshotLimitExceeded: Maximum number of snapshots allowed (%d) exceeded for quota 'snapshots%s'.", snapshots, suffix)
	}
	return l.holdBackups(suffix, used, change)
}

// holdBackups is hold for backups. Source of the texts: Cinder exception.py
// VolumeBackupSizeExceedsAvailableQuota, BackupLimitExceeded.
func (l Limits) holdBackups(suffix string, used, change Usage) error {
	backups, gigabytes := l.of("backups"+suffix), l.of("backup_gigabytes"+suffix)
	switch {
	case change.BackupGigabytes > 0 && over(used.BackupGigabytes, gigabytes):
		return Errorf(OverLimit, "VolumeBackupSizeExceedsAvailableQuota: Requested backup exceeds allowed Backup gigabytes quota. Requested %dG, quota is %dG and %dG has been consumed.",
			change.BackupGigabytes, gigabytes, used.BackupGigabytes-change.BackupGigabytes)
	case change.Backups > 0 && over(used.Backups, backups):
		return Errorf(OverLimit, "BackupLimitExceeded: Maximum number of backups allowed (%d) exceeded", backups)
	}
	return nil
}

// of is one limit: as set, the default, or none where there is no default.
func (l Limits) of(name string) int64 {
	if n, given := l[name]; given {
		return n
	}
	if n, given := DefaultQuota[name]; given {
		return n
	}
	return -1
}

// over puts the limits of l over those beneath: a project's over its class's.
func (l Limits) over(beneath Limits) Limits {
	if len(beneath) == 0 {
		return l
	}
	all := maps.Clone(beneath)
	maps.Copy(all, l)
	return all
}

// limitsOf are the limits that count for a project where they are not the default.
func limitsOf(tx Tx, projectID string) (Limits, error) {
	class, err := tx.ClassLimits(DefaultClass)
	if err != nil {
		return nil, err
	}
	own, err := tx.QuotaLimits(projectID)
	return own.over(class), err
}

func over(used, limit int64) bool { return limit >= 0 && used > limit }

// holdSize holds one volume to per_volume_gigabytes.
func (l Limits) holdSize(size Size) error {
	if limit := l.of("per_volume_gigabytes"); over(int64(size), limit) {
		return overQuota(AboutGigabytesQuota, "VolumeSizeExceedsLimit: Requested volume size %dG is larger than maximum allowed limit %dG.", size, limit)
	}
	return nil
}

// DefaultClass is the quota class whose limits are every project's defaults. Source: Cinder.
const DefaultClass = "default"

// perVolumeSnapshots is how many snapshots one volume may have; without it what Rules
// say, at -1 MaxSnapshotsPerVolume.
const perVolumeSnapshots = "per_volume_snapshots"

// Quota is what one project may use and does use.
type Quota struct {
	Limits Limits
	Used   map[string]Usage // by type id; "" is all types
	Groups int64            // used
}

// ProjectQuota reads one project's quota. Another project's is for
// administrators; fails with Forbidden.
func (s *Service) ProjectQuota(ctx context.Context, c Caller, projectID string) (*Quota, error) {
	if !c.owns(projectID) {
		return nil, Errorf(Forbidden, "Only an administrator may read the quota of another project.")
	}
	class, err := s.ClassQuota(ctx, DefaultClass)
	if err != nil {
		return nil, err
	}
	own, err := s.store.QuotaLimits(ctx, projectID)
	if err != nil {
		return nil, err
	}
	used, err := s.store.Usages(ctx, projectID)
	if err != nil {
		return nil, err
	}
	groups := 0
	if projectID != "" {
		groups, err = s.store.CountGroups(ctx, List{ProjectID: projectID})
	}
	return &Quota{Limits: own.over(class), Used: used, Groups: int64(groups)}, err
}

// DefaultQuotaOf are the limits that a project would have without its own. Another
// project's are for administrators; fails with Forbidden.
func (s *Service) DefaultQuotaOf(ctx context.Context, c Caller, projectID string) (Limits, error) {
	if !c.owns(projectID) {
		return nil, Errorf(Forbidden, "Only an administrator may read the quota of another project.")
	}
	return s.ClassQuota(ctx, DefaultClass)
}

// SetProjectQuota sets the named limits of a project and leaves the others.
// Fails with Invalid, naming them, when there are names that mean nothing, and when
// a limit is below what is used. Source: Cinder quotas _validate_existing_resource.
func (s *Service) SetProjectQuota(ctx context.Context, projectID string, limits Limits) error {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	used, err := s.store.Usages(ctx, projectID)
	if err != nil {
		return err
	}
	if err := s.knownLimits(ctx, limits); err != nil {
		return err
	}
	if err := limits.cover(used[""], ""); err != nil {
		return err
	}
	for _, t := range types {
		if err := limits.cover(used[t.ID], "_"+t.Name); err != nil {
			return err
		}
	}
	return s.ForceProjectQuota(ctx, projectID, limits)
}

// cover refuses limits, of names that end in suffix, that are below what is used.
func (l Limits) cover(used Usage, suffix string) error {
	for name, n := range map[string]int64{"volumes": used.Volumes, "snapshots": used.Snapshots, "gigabytes": used.Gigabytes} {
		if limit, set := l[name+suffix]; set && over(n, limit) {
			return Errorf(Invalid, "Quota %s limit must be equal or greater than existing resources. Current usage is %d and the requested limit is %d.", name+suffix, n, limit)
		}
	}
	return nil
}

// ForceProjectQuota is SetProjectQuota for limits that may be below what is used:
// then nothing can be added until enough has gone.
func (s *Service) ForceProjectQuota(ctx context.Context, projectID string, limits Limits) error {
	if err := s.knownLimits(ctx, limits); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error { return tx.SetQuotaLimits(projectID, limits) })
}

// ResetProjectQuota forgets what was set for a project: the defaults count again.
func (s *Service) ResetProjectQuota(ctx context.Context, projectID string) error {
	return s.store.InTx(ctx, func(tx Tx) error { return tx.DropQuotaLimits(projectID) })
}

// ClassQuota are the limits of a quota class, over the defaults. Those of
// DefaultClass count for each project that has none of its own.
func (s *Service) ClassQuota(ctx context.Context, class string) (Limits, error) {
	set, err := s.store.ClassLimits(ctx, class)
	return set.over(DefaultQuota), err
}

// SetClassQuota sets the named limits of a quota class and leaves the others.
// Fails with Invalid, naming them, when there are names that mean nothing.
func (s *Service) SetClassQuota(ctx context.Context, class string, limits Limits) error {
	if err := s.knownLimits(ctx, limits); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error { return tx.SetClassLimits(class, limits) })
}

// knownLimits refuses names that are no limit. Source of the text: Cinder quotas update.
func (s *Service) knownLimits(ctx context.Context, limits Limits) error {
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{perVolumeSnapshots: true}
	for name := range DefaultQuota {
		known[name] = true
	}
	for _, t := range types {
		for _, of := range []string{"volumes_", "gigabytes_", "snapshots_"} {
			known[of+t.Name] = true
		}
	}
	var bad []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if !known[name] && len(bad) < 10 {
			bad = append(bad, strings.ToValidUTF8(name[:min(len(name), 64)], ""))
		}
	}
	if len(bad) > 0 {
		return Errorf(Invalid, "Bad key(s) in quota set: %s", strings.Join(bad, ", "))
	}
	return nil
}

func overQuota(about, format string, args ...any) error {
	return On(about, Errorf(OverLimit, format, args...))
}
