package block

import (
	"context"
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
