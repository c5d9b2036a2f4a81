package block

import (
	"context"
	"errors"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Unmanaged names what the driver holds and the service was told to let be: a
// volume, or one snapshot of it.
type Unmanaged struct {
	VolumeID   string
	SnapshotID string // empty: the volume itself
}

// ManageStore reads what is unmanaged.
type ManageStore interface {
	Unmanaged(ctx context.Context) (map[Unmanaged]bool, error)
}

// ManageTx notes what is unmanaged.
type ManageTx interface {
	NoteUnmanaged(u Unmanaged) error
	// ForgetUnmanaged is for what is managed again, or was not noted.
	ForgetUnmanaged(u Unmanaged) error
	// ForgetUnmanagedOf is for a volume that the driver deleted, with its snapshots.
	ForgetUnmanagedOf(volumeID string) error
}

// Manageable is an object of the driver that is managed, or could be.
type Manageable struct {
	ID       string // the driver's, and the row's
	VolumeID string // of a snapshot, the volume it is of
	Size     int64  // bytes
	// Unsafe says why it cannot be managed; empty: it can.
	Unsafe string
	Row    string // id of the row that manages it; empty: none
}

// ManageablePage is one page of what the driver holds.
type ManageablePage struct {
	BySize        bool // otherwise by id
	Desc          bool
	Marker        string // id of the last of the page before; empty: the first page
	Offset, Limit int
}

// ManageableVolumes is a page of the volumes that the driver holds, with a row or
// without. Fails with Invalid when the marker is none of them.
func (s *Service) ManageableVolumes(ctx context.Context, page ManageablePage) ([]Manageable, error) {
	return s.manageable(ctx, page, func(ref driver.Ref) bool { return ref.Snapshot == "" }, s.judgeVolumeRef)
}

// ManageableSnapshots is ManageableVolumes for the snapshots of volumes that have a row.
func (s *Service) ManageableSnapshots(ctx context.Context, page ManageablePage) ([]Manageable, error) {
	return s.manageable(ctx, page, func(ref driver.Ref) bool { return ref.Snapshot != "" }, s.judgeSnapshotRef)
}

// manageable lists the driver's objects that belong, of which only those of the
// page are looked at, unless all sizes are needed for the order.
func (s *Service) manageable(ctx context.Context, page ManageablePage, belongs func(driver.Ref) bool, judge func(context.Context, driver.Ref) (Manageable, error)) ([]Manageable, error) {
	var refs []driver.Ref
	for ref, err := range s.driver.List(ctx) {
		if ref == (driver.Ref{}) {
			return nil, Because(err, Unavailable, "The storage does not answer.")
		}
		if err == nil && belongs(ref) { // what is damaged is the doctor's
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b driver.Ref) int { return compareText(nameOf(a), nameOf(b)) })
	if page.BySize {
		return s.bySize(ctx, page, refs, judge)
	}
	if page.Desc {
		slices.Reverse(refs)
	}
	refs, err := cut(refs, page, nameOf)
	if err != nil {
		return nil, err
	}
	return judgeAll(ctx, refs, judge)
}

func (s *Service) bySize(ctx context.Context, page ManageablePage, refs []driver.Ref, judge func(context.Context, driver.Ref) (Manageable, error)) ([]Manageable, error) {
	all, err := judgeAll(ctx, refs, judge)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b Manageable) int {
		if page.Desc {
			a, b = b, a
		}
		return int(max(-1, min(1, a.Size-b.Size)))
	})
	return cut(all, page, func(m Manageable) string { return m.ID })
}

func judgeAll(ctx context.Context, refs []driver.Ref, judge func(context.Context, driver.Ref) (Manageable, error)) ([]Manageable, error) {
	all := make([]Manageable, 0, len(refs))
	for _, ref := range refs {
		m, err := judge(ctx, ref)
		if isGone(err) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// nameOf is the id of a volume or snapshot in the driver.
func nameOf(ref driver.Ref) string {
	if ref.Snapshot != "" {
		return ref.Snapshot
	}
	return ref.Volume
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// cut takes the page out of all.
func cut[T any](all []T, page ManageablePage, id func(T) string) ([]T, error) {
	if page.Marker != "" {
		at := slices.IndexFunc(all, func(one T) bool { return id(one) == page.Marker })
		if at < 0 {
			return nil, Errorf(Invalid, "Invalid input received: marker not found: %.64s", page.Marker)
		}
		all = all[at+1:]
	}
	all = all[min(page.Offset, len(all)):]
	return all[:min(page.Limit, len(all))], nil
}

// judgeVolumeRef looks at a volume of the driver.
func (s *Service) judgeVolumeRef(ctx context.Context, ref driver.Ref) (Manageable, error) {
	m := Manageable{ID: ref.Volume}
	usage, err := s.driver.Usage(ctx, ref.Volume)
	if err != nil {
		return m, err
	}
	m.Size = usage.Logical
	_, err = s.store.Volume(ctx, ref.Volume)
	if isGone(err) {
		var image *Image
		if image, err = s.store.Image(ctx, ref.Volume); err == nil {
			m.Unsafe = "it holds image " + image.ID
			return m, nil
		}
	}
	switch {
	case err == nil:
		m.Row, m.Unsafe = ref.Volume, "already managed"
	case !isGone(err):
		return m, err
	default:
		m.Unsafe = unfit(m.ID, m.Size)
	}
	return m, nil
}

// judgeSnapshotRef looks at a snapshot of the driver.
func (s *Service) judgeSnapshotRef(ctx context.Context, ref driver.Ref) (Manageable, error) {
	m := Manageable{ID: ref.Snapshot, VolumeID: ref.Volume}
	size, err := s.sizeOf(ctx, ref)
	if err != nil {
		return m, err
	}
	m.Size = size
	if _, err = s.store.Snapshot(ctx, ref.Snapshot); err == nil {
		m.Row, m.Unsafe = ref.Snapshot, "already managed"
		return m, nil
	} else if !isGone(err) {
		return m, err
	}
	if _, err = s.store.Volume(ctx, ref.Volume); isGone(err) {
		m.Unsafe = "its volume is not managed"
		return m, nil
	}
	m.Unsafe = unfit(m.ID, m.Size)
	return m, err
}

// sizeOf is how much a snapshot of the driver holds, in bytes.
func (s *Service) sizeOf(ctx context.Context, ref driver.Ref) (int64, error) {
	device, err := s.driver.Open(ctx, ref, driver.ReadOnly)
	if err != nil {
		return 0, err
	}
	size := device.Size()
	return size, device.Close()
}

// unfit says why the driver's object cannot have a row: ids are UUIDs, and sizes
// whole GiB.
func unfit(id string, size int64) string {
	switch {
	case !isUUID(id):
		return "its name is no UUID"
	case size <= 0 || size%(1<<30) != 0 || size > MaxSize.Bytes():
		return "its size is not a whole number of GiB within the limit"
	}
	return ""
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case (c < '0' || c > '9') && (c < 'a' || c > 'f'):
			return false
		}
	}
	return true
}

// NewManaged is what a request to manage an object says beside its reference.
type NewManaged struct {
	Host        string // where it lies: this backend's
	VolumeID    string // of a snapshot
	Name        Text
	Description Text
	TypeName    string // empty: the default
	Zone        string // empty: the default
	Metadata    map[string]string
	Bootable    bool
}

// invalidReference is Cinder's refusal of a reference that leads nowhere.
func invalidReference(id, why string) error {
	return Errorf(Invalid, "Failed to manage existing volume due to invalid backend reference %.64s: %s", id, why)
}

// ManageVolume makes a row for a volume that the driver holds and nobody manages.
// Its id is the driver's: drivers cannot rename. Fails with Invalid, OverLimit, and
// WrongStatus while a job is at it. Source: Cinder contrib volume_manage.
func (s *Service) ManageVolume(ctx context.Context, c Caller, id string, n NewManaged) (*Volume, error) {
	if n.Host != s.parts.Host && n.Host != s.BackendHost() {
		return nil, Errorf(Invalid, "Invalid input received: Host '%.128s' not found; it is %s.", n.Host, s.parts.Host)
	}
	if n.Zone != "" && n.Zone != s.parts.Zone {
		return nil, Errorf(Invalid, "Invalid input received: Availability zone '%.64s' is invalid; the zone is %s.", n.Zone, s.parts.Zone)
	}
	found, err := s.judgeVolumeRef(ctx, driver.Ref{Volume: id})
	if err := refuseRef(id, found, err); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	vol := &Volume{
		ID: id, ProjectID: c.ProjectID, UserID: c.UserID, Name: n.Name, Description: n.Description, Status: VolumeAvailable,
		Size: Size(found.Size >> 30), AvailabilityZone: s.parts.Zone, Metadata: n.Metadata, Bootable: n.Bootable,
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		vol.TypeID, vol.Multiattach = "", false // the closure may run twice
		if err := chooseType(tx, c, vol, types, n.TypeName); err != nil {
			return err
		}
		if _, err := tx.Volume(id); !isGone(err) {
			return cmpErr(err, invalidReference(id, "already managed"))
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		limits, err := limitsOf(tx, c.ProjectID)
		if err != nil {
			return err
		}
		if err := limits.holdSize(vol.Size); err != nil {
			return err
		}
		if err := s.reserve(tx, limits, types, c.ProjectID, vol.TypeID, Usage{Volumes: 1, Gigabytes: int64(vol.Size)}); err != nil {
			return err
		}
		vol.CreatedAt = tx.Now()
		if err := tx.AddVolume(vol); err != nil {
			return err
		}
		return tx.ForgetUnmanaged(Unmanaged{VolumeID: id})
	})
	if err != nil {
		return nil, err
	}
	return vol, nil
}

// cmpErr is err, or fallback when there is none.
func cmpErr(err, fallback error) error {
	if err != nil {
		return err
	}
	return fallback
}

// refuseRef tells why an object of the driver cannot be managed.
func refuseRef(id string, m Manageable, err error) error {
	switch {
	case isGone(err) || errors.Is(err, driver.ErrInvalid):
		return invalidReference(id, "the storage holds no such object")
	case err != nil:
		return Because(err, Unavailable, "The storage does not answer.")
	case m.Unsafe != "":
		return invalidReference(id, m.Unsafe)
	}
	return nil
}

// nobodyAt refuses an object that a job may still delete.
func nobodyAt(tx Tx, id string) error {
	live, err := tx.LiveJobsOf(id)
	if err == nil && len(live) > 0 {
		return Errorf(WrongStatus, "Invalid input received: %s is still being worked on; try again.", id)
	}
	return err
}

// ManageSnapshot makes a row for a snapshot that the driver holds of a managed
// volume. Fails as ManageVolume does, and with NotFound for the volume.
func (s *Service) ManageSnapshot(ctx context.Context, c Caller, id string, n NewManaged) (*Snapshot, error) {
	if _, err := s.Volume(ctx, c, n.VolumeID); err != nil {
		return nil, err
	}
	found, err := s.judgeSnapshotRef(ctx, driver.Ref{Volume: n.VolumeID, Snapshot: id})
	if err := refuseRef(id, found, err); err != nil {
		return nil, err
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	snap := &Snapshot{
		ID: id, UserID: c.UserID, VolumeID: n.VolumeID, Name: n.Name, Description: n.Description,
		Status: SnapshotAvailable, Progress: 100, Size: Size(found.Size >> 30), Metadata: n.Metadata,
	}
	err = s.store.InTx(ctx, func(tx Tx) error {
		vol, err := volumeFor(tx, c, n.VolumeID)
		if err != nil {
			return err
		}
		if err := canSnapshot(vol, true); err != nil {
			return err
		}
		if _, err := tx.Snapshot(id); !isGone(err) {
			return cmpErr(err, invalidReference(id, "already managed"))
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		limits, err := limitsOf(tx, vol.ProjectID)
		if err != nil {
			return err
		}
		if err := boundChain(tx, limits, vol.ID); err != nil {
			return err
		}
		snap.ProjectID, snap.TypeID, snap.CreatedAt = vol.ProjectID, vol.TypeID, tx.Now()
		if err := s.reserve(tx, limits, types, snap.ProjectID, snap.TypeID, Usage{Snapshots: 1, Gigabytes: int64(snap.Size)}); err != nil {
			return err
		}
		if err := tx.AddSnapshot(snap); err != nil {
			return err
		}
		return tx.ForgetUnmanaged(Unmanaged{VolumeID: vol.ID, SnapshotID: id})
	})
	if err != nil {
		return nil, err
	}
	return snap, nil
}

// UnmanageVolume forgets a volume and leaves its bytes in the driver, where it can
// be managed again. Fails with NotFound, and WrongStatus unless it is available
// and has no snapshots.
func (s *Service) UnmanageVolume(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		v, err := volumeFor(tx, c, id)
		if err != nil {
			return err
		}
		if v.Status != VolumeAvailable || len(v.Attachments) > 0 {
			return Errorf(WrongStatus, "Invalid volume: Volume status must be available and it must not be attached to be unmanaged; it is %s.", v.Status)
		}
		if err := noClients(tx, v); err != nil {
			return err
		}
		if err := v.staysInGroup(); err != nil {
			return err
		}
		if err := s.dropSnapshotsOf(tx, v, false); err != nil {
			return err
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		if err := v.moveTo(VolumeDeleting); err != nil {
			return err
		}
		if err := dropVolume(v, tx); err != nil {
			return err
		}
		return tx.NoteUnmanaged(Unmanaged{VolumeID: id})
	})
}

// UnmanageSnapshot forgets a snapshot and leaves it in the driver, until its volume
// is deleted. Fails with NotFound, and WrongStatus unless it is available.
func (s *Service) UnmanageSnapshot(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		snap, err := snapshotFor(tx, c, id)
		if err != nil {
			return err
		}
		if snap.Status != SnapshotAvailable {
			return Errorf(WrongStatus, "Invalid snapshot: Snapshot status must be available to be unmanaged, but current status is: %s.", snap.Status)
		}
		if err := snap.staysInGroup(); err != nil {
			return err
		}
		if err := nobodyAt(tx, id); err != nil {
			return err
		}
		for _, next := range []SnapshotStatus{SnapshotDeleting, SnapshotDeleted} {
			if err := snap.moveTo(next); err != nil {
				return err
			}
		}
		if err := dropSnapshot(snap, tx); err != nil {
			return err
		}
		return tx.NoteUnmanaged(Unmanaged{VolumeID: snap.VolumeID, SnapshotID: id})
	})
}
