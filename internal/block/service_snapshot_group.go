package block

import (
	"context"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// AboutServer is what a refusal is about when a server has no volume.
const AboutServer = "server_id"

// NewSnapshotGroup is what a request of EVS v5 to keep several volumes as they are at
// one moment says. Source: EVS "Creating a Snapshot Consistency Group".
type NewSnapshotGroup struct {
	ServerID    string   // empty: none
	VolumeIDs   []string // attached to that server if there is one; none: all that it has
	Name        Text
	Description Text
	Tags        map[string]string // of the group, not of its snapshots
	// InstantAccess and FullCopy are noted with each snapshot; see Snapshot.
	InstantAccess bool
	FullCopy      bool

	EnterpriseProjectID string // of the group, not of its snapshots; empty: DefaultEnterpriseProject
}

// CreateSnapshotGroup makes a group snapshot of no group and one snapshot for each
// volume, in status creating, or nothing at all, and queues the work; it tells the
// job. Fails with Invalid, NotFound (a volume), WrongStatus, Conflict while another
// snapshot of a volume is being made, OverLimit.
// Assumed: each snapshot has the name and description of the group, as in Cinder.
func (s *Service) CreateSnapshotGroup(ctx context.Context, c Caller, n NewSnapshotGroup) (made *GroupSnapshot, jobID string, err error) {
	if err := s.thawed(ctx); err != nil {
		return nil, "", err
	}
	if err := CheckTags(n.Tags); err != nil {
		return nil, "", err
	}
	ids, err := s.volumesToKeep(ctx, c, n)
	if err != nil {
		return nil, "", err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, "", err
	}
	id := s.parts.NewUUID()
	err = s.store.InTx(ctx, func(tx Tx) error {
		made = &GroupSnapshot{
			ID: id, ProjectID: c.ProjectID, UserID: c.UserID, ServerID: n.ServerID, Name: n.Name,
			Description: n.Description, Status: GroupSnapshotCreating, CreatedAt: tx.Now(), EnterpriseProjectID: n.EnterpriseProjectID,
		}
		volumes, err := n.hold(tx, s.parts.Rules, c, ids)
		if err != nil {
			return err
		}
		err = s.addSnapshots(tx, types, standardSnapshot, volumes, Snapshot{UserID: c.UserID, Name: n.Name, Description: n.Description,
			InstantAccess: n.InstantAccess, FullCopy: n.FullCopy, GroupSnapshotID: id})
		if err != nil {
			return err
		}
		if err := tx.AddGroupSnapshot(made); err != nil {
			return err
		}
		if err := addTags(tx, TagSnapshotGroup, id, n.Tags); err != nil {
			return err
		}
		if err := s.enqueue(tx, jobSnapshotGroup, id, id, made.ProjectID); err != nil {
			return err
		}
		live, err := tx.LiveJobsOf(id)
		if err == nil {
			jobID = live[0].ID
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return made, jobID, nil
}

// volumesToKeep are the ids of the volumes that a snapshot group is asked for, in
// order, so that two calls wait for the same row first.
func (s *Service) volumesToKeep(ctx context.Context, c Caller, n NewSnapshotGroup) ([]string, error) {
	ids := slices.Sorted(slices.Values(n.VolumeIDs))
	if len(ids) == 0 && n.ServerID == "" {
		return nil, On("volume_ids.none", Errorf(Invalid, "Invalid input for field/attribute snapshot_group: server_id or volume_ids is needed."))
	}
	if len(ids) == 0 {
		var err error
		if ids, err = s.volumesOfServer(ctx, c, n.ServerID); err != nil {
			return nil, err
		}
	}
	if i := twice(ids); i >= 0 {
		return nil, On("volume_ids", Errorf(Invalid, "Invalid input for field/attribute volume_ids: %s comes twice.", ids[i]))
	}
	if len(ids) > MaxSnapshotGroup {
		return nil, On("volume_ids.many", Errorf(Invalid, "Invalid input for field/attribute volume_ids: a snapshot group has at most %d volumes, not %d.", MaxSnapshotGroup, len(ids)))
	}
	if _, can := s.driver.(driver.GroupSnapshotter); !can && len(ids) > 1 {
		return nil, Errorf(Invalid, "The storage takes no snapshots of several volumes at one moment.")
	}
	return ids, nil
}

// twice is the place of the first of sorted ids that comes again; -1: none does.
func twice(ids []string) int {
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			return i
		}
	}
	return -1
}

// volumesOfServer is VolumesOfServer, and fails with Invalid when it has none: whether
// there is such a server nobody knows here.
func (s *Service) volumesOfServer(ctx context.Context, c Caller, serverID string) ([]string, error) {
	ids, err := s.VolumesOfServer(ctx, c, serverID)
	if err == nil && len(ids) == 0 {
		err = On(AboutServer, Errorf(Invalid, "Server %.64s could not be found, or has no volume of this project.", serverID))
	}
	return ids, err
}

// VolumesOfServer are the ids of the volumes of the caller's project that a server has,
// in order; those of MaxPage attachments at most.
func (s *Service) VolumesOfServer(ctx context.Context, c Caller, serverID string) ([]string, error) {
	const ownProject = false
	attached, err := s.Attachments(ctx, c, List{Filters: []Filter{{Field: FieldServerID, Value: serverID}}, Limit: MaxPage}, ownProject)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(attached))
	for i, a := range attached {
		ids[i] = a.VolumeID
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil // a volume may have two attachments while its server moves
}

// hold reads the volumes for writing, all of one project, and holds them to what EVS
// v5 allows beside their other snapshots.
func (n NewSnapshotGroup) hold(tx Tx, rules Rules, c Caller, ids []string) ([]*Volume, error) {
	volumes := make([]*Volume, len(ids))
	for i, id := range ids {
		v, err := volumeFor(tx, c, id)
		if err != nil {
			return nil, err
		}
		if v.ProjectID != c.ProjectID { // an administrator's call is for one project, too
			return nil, notFound("Volume", id)
		}
		if n.ServerID != "" && !v.servedTo(n.ServerID) {
			return nil, On("volume_ids", Errorf(Invalid, "Invalid input for field/attribute volume_ids: volume %s is not attached to server %.64s.", id, n.ServerID))
		}
		volumes[i] = v
	}
	for _, v := range volumes {
		if err := (NewSnapshot{VolumeID: v.ID, InstantAccess: n.InstantAccess, Standard: true}).fitsBeside(tx, rules); err != nil {
			return nil, err
		}
	}
	return volumes, nil
}

// goesWithVolume refuses to delete, with its volume, a snapshot of a volume group:
// only those of groups that EVS v5 made go with it. Source: EVS status page 2.3.
func (s *Snapshot) goesWithVolume(tx Tx) error {
	if s.GroupSnapshotID == "" {
		return nil
	}
	whole, err := tx.GroupSnapshot(s.GroupSnapshotID)
	if err == nil && !whole.ofNoGroup() {
		return s.staysInGroup()
	}
	return unlessGone(err)
}
