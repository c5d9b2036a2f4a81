package block

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Transfer is a volume that its project offers to another. It ends when somebody
// accepts it, or when it is deleted. Rows never change.
type Transfer struct {
	ID          string
	VolumeID    string
	ProjectID   string // the giver
	Name        Text
	NoSnapshots bool // the volume's snapshots stay with the giver
	Salt        string
	KeyHash     string // of Salt and the key, which is told once and kept nowhere
	CreatedAt   time.Time
}

// TransferStore reads transfers.
type TransferStore interface {
	// Transfer fails with NotFound.
	Transfer(ctx context.Context, id string) (*Transfer, error)
	// Transfers fails with NotFound when the marker is no row the list could hold.
	Transfers(ctx context.Context, list List) ([]*Transfer, error)
	CountTransfers(ctx context.Context, list List) (int, error)
}

// TransferTx changes transfers, and whose a volume is.
type TransferTx interface {
	// Transfer reads for writing (FOR UPDATE); fails with NotFound.
	Transfer(id string) (*Transfer, error)
	// AddTransfer fails with Conflict when the volume is offered already.
	AddTransfer(t *Transfer) error
	// DropTransfer removes the row; fails with NotFound.
	DropTransfer(id string) error
	// DropTransfersOf removes what offers the volume, if anything does.
	DropTransfersOf(volumeID string) error
	// GiveVolume is SaveVolume of a volume that comes to another project or user.
	GiveVolume(v *Volume) error
	// GiveSnapshot is SaveSnapshot of a snapshot that goes with its volume.
	GiveSnapshot(s *Snapshot) error
}

// keyLength is that of the key which a transfer is accepted with, in hexadecimal
// digits: 64 bits by chance. Source: Cinder volume_transfer_key_length.
const keyLength = 16

// hashOf is what is kept of a transfer's key.
func hashOf(salt, key string) string {
	mac := hmac.New(sha256.New, []byte(salt))
	mac.Write([]byte(key))
	return hex.EncodeToString(mac.Sum(nil))
}

// Transfer reads one of the caller's transfers. Fails with NotFound.
func (s *Service) Transfer(ctx context.Context, c Caller, id string) (*Transfer, error) {
	t, err := s.store.Transfer(ctx, id)
	if err != nil {
		return nil, err
	}
	return t, reach(c, t.ProjectID, "Transfer", id)
}

// Transfers is one page of the transfers that the caller's project offers;
// allProjects counts for administrators only.
func (s *Service) Transfers(ctx context.Context, c Caller, list List, allProjects bool) ([]*Transfer, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return nil, err
	}
	return s.store.Transfers(ctx, list)
}

// CountTransfers counts what the list's filters keep, whatever its page.
func (s *Service) CountTransfers(ctx context.Context, c Caller, list List, allProjects bool) (int, error) {
	list, err := listFor(c, list, allProjects)
	if err != nil {
		return 0, err
	}
	return s.store.CountTransfers(ctx, list)
}

// NewTransfer is what a request to offer a volume says.
type NewTransfer struct {
	VolumeID    string
	Name        Text
	NoSnapshots bool
	Encrypted   bool // the caller knows that volumes of encrypted types can be given
}

// CreateTransfer offers a volume, which waits from then on, and tells the key that
// it can be accepted with: nobody can read that again. Fails with NotFound, and
// WrongStatus unless the volume, and the snapshots that go with it, are available.
// Source: Cinder transfer API create.
func (s *Service) CreateTransfer(ctx context.Context, c Caller, n NewTransfer) (t *Transfer, key string, err error) {
	random := s.parts.NewHex()
	key = random[len(random)-keyLength:]
	t = &Transfer{ID: s.parts.NewUUID(), VolumeID: n.VolumeID, Name: n.Name, NoSnapshots: n.NoSnapshots, Salt: s.parts.NewHex()}
	t.KeyHash = hashOf(t.Salt, key)
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, "", err
	}
	_, err = s.changeVolume(ctx, c, n.VolumeID, func(v *Volume, tx Tx) error {
		if v.Status != VolumeAvailable {
			return Errorf(WrongStatus, "Invalid volume: status must be available, but volume %s is %s.", v.ID, v.Status)
		}
		if err := noClients(tx, v); err != nil {
			return err
		}
		if err := v.staysInGroup(); err != nil {
			return err
		}
		if err := n.mayGive(typeNamed(types, v.TypeID)); err != nil {
			return err
		}
		if c.Vendor {
			if err := mayGiveVendor(tx, v, typeNamed(types, v.TypeID)); err != nil {
				return err
			}
		}
		if !n.NoSnapshots {
			if err := snapshotsRest(tx, v); err != nil {
				return err
			}
		}
		if err := v.moveTo(VolumeAwaiting); err != nil {
			return err
		}
		// One that a reset of the volume's status left behind has no meaning any more.
		if err := tx.DropTransfersOf(v.ID); err != nil {
			return err
		}
		t.ProjectID, t.CreatedAt = v.ProjectID, tx.Now()
		return tx.AddTransfer(t)
	})
	if err != nil {
		return nil, "", err
	}
	return t, key, nil
}

// mayGive holds a volume of an encrypted type to the rules: it goes only whole, and to
// callers that ask as those do who know of it. Source: Cinder transfer API create.
func (n NewTransfer) mayGive(t *VolumeType) error {
	switch {
	case t == nil || t.Encryption == nil:
		return nil
	case !n.Encrypted:
		return Errorf(Invalid, "Invalid volume: transferring encrypted volume is not supported")
	case n.NoSnapshots:
		return Errorf(Invalid, "Invalid volume: transferring an encrypted volume without its snapshots is not supported")
	}
	return nil
}

// mayGiveVendor refuses what EVS lets nobody give away: system and encrypted disks, and
// those with snapshots or backups. Source: EVS 10; evs-status 1.1.
func mayGiveVendor(tx Tx, v *Volume, t *VolumeType) error {
	switch {
	case v.isSystem():
		return Errorf(Invalid, "Invalid volume: volume %s is a system disk, which cannot be transferred.", v.ID)
	case Encrypted(v.Metadata, t):
		return Errorf(Invalid, "Invalid volume: transferring encrypted volume is not supported")
	}
	snaps, err := tx.SnapshotsOf(v.ID)
	if err != nil {
		return err
	}
	if len(snaps) > 0 {
		return Errorf(Invalid, "Invalid volume: volume %s has snapshots; one that has cannot be transferred.", v.ID)
	}
	last, err := tx.LastBackup(v.ID, v.ProjectID, time.Time{})
	if err != nil {
		return err
	}
	if last != nil {
		return Errorf(Invalid, "Invalid volume: volume %s has backups; one that has cannot be transferred.", v.ID)
	}
	return nil
}

// snapshotsRest refuses a volume with a snapshot that something is done to.
func snapshotsRest(tx Tx, v *Volume) error {
	snaps, err := tx.SnapshotsOf(v.ID)
	if err != nil {
		return err
	}
	for _, snap := range snaps {
		if snap.ProjectID == v.ProjectID && snap.Status != SnapshotAvailable {
			return Errorf(WrongStatus, "Invalid snapshot: snapshot: %s status must be available.", snap.ID)
		}
		if snap.ProjectID == v.ProjectID { // its volume may have left the group since
			if err := snap.staysInGroup(); err != nil {
				return err
			}
		}
	}
	return nil
}

// DeleteTransfer withdraws an offer: the volume is available again. Fails with NotFound.
func (s *Service) DeleteTransfer(ctx context.Context, c Caller, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		t, err := tx.Transfer(id)
		if err != nil {
			return err
		}
		if err := reach(c, t.ProjectID, "Transfer", id); err != nil {
			return err
		}
		if err := tx.DropTransfer(id); err != nil {
			return err
		}
		stored, err := tx.Volume(t.VolumeID)
		if isGone(err) {
			return nil
		}
		if err != nil || stored.Status != VolumeAwaiting {
			return err // its status was reset: nothing waits
		}
		vol := *stored
		if err := vol.moveTo(VolumeAvailable); err != nil {
			return err
		}
		return tx.SaveVolume(&vol)
	})
}

// AcceptTransfer makes the volume, with its snapshots unless they stay, the
// caller's, and moves what they use from the giver's quota to the caller's, in one
// transaction. Anybody may who has the key. Fails with NotFound, Invalid for a wrong
// key, WrongStatus, OverLimit. Source: Cinder transfer API accept.
func (s *Service) AcceptTransfer(ctx context.Context, c Caller, id, key string) (*Transfer, error) {
	if c.ProjectID == "" {
		return nil, Errorf(Forbidden, "A token of a project is needed to accept a transfer.")
	}
	types, err := s.store.VolumeTypes(ctx)
	if err != nil {
		return nil, err
	}
	var accepted *Transfer
	err = s.store.InTx(ctx, func(tx Tx) error {
		t, err := tx.Transfer(id)
		if err != nil {
			return err
		}
		if !hmac.Equal([]byte(hashOf(t.Salt, key)), []byte(t.KeyHash)) {
			return Errorf(Invalid, "Invalid auth key: Attempt to transfer %s with invalid auth key.", id)
		}
		stored, err := tx.Volume(t.VolumeID)
		if err != nil {
			return err
		}
		vol := *stored
		if vol.Status != VolumeAwaiting {
			return Errorf(WrongStatus, "Invalid volume: Volume %s status must be awaiting-transfer, but current status is: %s.", vol.ID, vol.Status)
		}
		if err := s.handOver(tx, c, &vol, t, types); err != nil {
			return err
		}
		accepted = t
		return tx.DropTransfer(id)
	})
	if err != nil {
		return nil, err
	}
	return accepted, nil
}

// handOver makes the volume and its snapshots the caller's.
func (s *Service) handOver(tx Tx, c Caller, vol *Volume, t *Transfer, types []*VolumeType) error {
	snaps, err := goesAlong(tx, vol, t)
	if err != nil {
		return err
	}
	moved := Usage{Volumes: 1, Gigabytes: vol.gigabytes()}
	for _, snap := range snaps {
		moved = moved.Plus(snap.uses())
	}
	if err := s.moveUsage(tx, vol, c.ProjectID, types, moved); err != nil {
		return err
	}
	if err := vol.moveTo(VolumeAvailable); err != nil {
		return err
	}
	vol.ProjectID, vol.UserID = c.ProjectID, c.UserID
	for _, snap := range snaps {
		given := *snap
		given.ProjectID, given.UserID = c.ProjectID, c.UserID
		if err := tx.GiveSnapshot(&given); err != nil {
			return err
		}
	}
	return tx.GiveVolume(vol)
}

// goesAlong are the snapshots that a transfer takes with the volume.
func goesAlong(tx Tx, vol *Volume, t *Transfer) ([]*Snapshot, error) {
	if t.NoSnapshots {
		return nil, nil
	}
	if err := snapshotsRest(tx, vol); err != nil {
		return nil, err
	}
	all, err := tx.SnapshotsOf(vol.ID)
	if err != nil {
		return nil, err
	}
	var along []*Snapshot
	for _, snap := range all {
		if snap.ProjectID == vol.ProjectID { // those of an earlier giver stay theirs
			along = append(along, snap)
		}
	}
	return along, nil
}

// moveUsage takes what a volume uses from its project and counts it against the
// taker's quota. Projects come in one order, for all who lock their figures.
func (s *Service) moveUsage(tx Tx, vol *Volume, taker string, types []*VolumeType, moved Usage) error {
	if vol.ProjectID == taker {
		return nil
	}
	limits, err := limitsOf(tx, taker)
	if err != nil {
		return err
	}
	if err := limits.holdSize(vol.Size); err != nil {
		return err
	}
	release := func() error {
		_, _, err := tx.AddUsage(vol.ProjectID, vol.TypeID, moved.negative())
		return err
	}
	reserve := func() error { return s.reserve(tx, limits, types, taker, vol.TypeID, moved) }
	first, second := release, reserve
	if taker < vol.ProjectID {
		first, second = reserve, release
	}
	if err := first(); err != nil {
		return err
	}
	return second()
}
