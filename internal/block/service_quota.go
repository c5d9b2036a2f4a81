package block

import (
	"context"
	"maps"
	"slices"
	"time"
)

// reserve counts change against the project's quota, in all and of the type, in
// the transaction that changes the noun. Fails with OverLimit, and then nothing
// is counted.
func (s *Service) reserve(tx Tx, types []*VolumeType, projectID, typeID string, change Usage) error {
	ofType, ofAll, err := tx.AddUsage(projectID, typeID, change)
	if err != nil {
		return err
	}
	set, err := tx.QuotaLimits(projectID)
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
		return Errorf(OverLimit, "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes%s quota. Requested %dG, quota is %dG and %dG has been consumed.",
			suffix, change.Gigabytes, gigabytes, used.Gigabytes-change.Gigabytes)
	case change.Volumes > 0 && over(used.Volumes, volumes):
		return Errorf(OverLimit, "VolumeLimitExceeded: Maximum number of volumes allowed (%d) exceeded for quota 'volumes%s'.", volumes, suffix)
	case change.Snapshots > 0 && over(used.Snapshots, snapshots):
		return Errorf(OverLimit, "SnapshotLimitExceeded: Maximum number of snapshots allowed (%d) exceeded for quota 'snapshots%s'.", snapshots, suffix)
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

func over(used, limit int64) bool { return limit >= 0 && used > limit }

// checkVolumeSize holds one volume to per_volume_gigabytes.
func (s *Service) checkVolumeSize(tx Tx, projectID string, size Size) error {
	set, err := tx.QuotaLimits(projectID)
	if err != nil {
		return err
	}
	if limit := set.of("per_volume_gigabytes"); over(int64(size), limit) {
		return Errorf(OverLimit, "VolumeSizeExceedsLimit: Requested volume size %dG is larger than maximum allowed limit %dG.", size, limit)
	}
	return nil
}

// Quota is what one project may use and does use.
type Quota struct {
	Limits Limits
	Used   map[string]Usage // by type id; "" is all types
}

// ProjectQuota reads one project's quota. Another project's is for
// administrators; fails with Forbidden.
func (s *Service) ProjectQuota(ctx context.Context, c Caller, projectID string) (*Quota, error) {
	if !c.owns(projectID) {
		return nil, Errorf(Forbidden, "Only an administrator may read the quota of another project.")
	}
	set, err := s.store.QuotaLimits(ctx, projectID)
	if err != nil {
		return nil, err
	}
	limits := maps.Clone(DefaultQuota)
	maps.Copy(limits, set)
	used, err := s.store.Usages(ctx, projectID)
	return &Quota{Limits: limits, Used: used}, err
}

// SetProjectQuota sets the named limits of a project and leaves the others.
func (s *Service) SetProjectQuota(ctx context.Context, projectID string, limits Limits) error {
	return s.store.InTx(ctx, func(tx Tx) error { return tx.SetQuotaLimits(projectID, limits) })
}

// VolumeTypes are all volume types, oldest first.
func (s *Service) VolumeTypes(ctx context.Context) ([]*VolumeType, error) {
	return s.store.VolumeTypes(ctx)
}

// EnsureFirst makes the first volume types in a new database.
func (s *Service) EnsureFirst(ctx context.Context) error {
	have, err := s.store.VolumeTypes(ctx)
	if err != nil || len(have) > 0 {
		return err
	}
	return s.store.InTx(ctx, func(tx Tx) error {
		for i, name := range FirstTypes {
			made := tx.Now().Add(time.Duration(i) * time.Microsecond) // lists go by it
			t := &VolumeType{ID: s.parts.NewUUID(), Name: name, Public: true, CreatedAt: made}
			if name == DefaultTypeName {
				t.Description = SetText("Default Volume Type")
			}
			if err := tx.AddVolumeType(t); err != nil {
				return err
			}
		}
		return nil
	})
}
