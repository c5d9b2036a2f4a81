package wire

import (
	"github.com/breezeblock/breezeblock/internal/block"
)

const (
	// SafetyKey is an extension of ours in the bodies of rollback and revert: true
	// has a snapshot of the volume taken first, so that the rollback can be undone.
	SafetyKey = "breezeblock:safety_snapshot"
	// safetyHeader tells the id of that snapshot in the answer.
	safetyHeader = "Breezeblock-Safety-Snapshot"
)

// ReadRollback reads the body of an EVS rollback: the volume, which must be the
// snapshot's own. Source: EVS API 4.3.
// Assumed: name, which says nothing of what it does, is held to its length and let be.
func ReadRollback(x *Exchange) (r block.Rollback, err error) {
	members, err := x.Object("rollback")
	if err != nil {
		return r, err
	}
	if err = members.Only("rollback", "volume_id", "name", SafetyKey); err != nil {
		return r, err
	}
	if r.VolumeID, err = members.UUID("volume_id", "Volume"); err != nil {
		return r, err
	}
	if value, given := members.Get("name"); given {
		if _, err = x.Dialect.ReadText(value, "name", Name); err != nil {
			return r, err
		}
	}
	if r.Safety, err = ReadSafety(members); err != nil {
		return r, err
	}
	r.SnapshotID = x.PathValue("snapshot_id")
	return r, x.OnlyKey("rollback")
}

// ReadSafety reads the member SafetyKey; false when it is not there.
func ReadSafety(members Members) (bool, error) {
	value, given := members.Get(SafetyKey)
	if !given {
		return false, nil
	}
	return ReadBool(value, SafetyKey)
}

// TellSafety puts the id of a safety snapshot into the answer's header.
func (x *Exchange) TellSafety(s *block.Snapshot) {
	if s != nil {
		x.Header().Set(safetyHeader, s.ID)
	}
}

// AppendRollback appends {"rollback":{…}}; safety is nil when none was asked for.
func AppendRollback(b []byte, volumeID string, safety *block.Snapshot) []byte {
	b = append(b, `{"rollback":{"volume_id":`...)
	b = AppendString(b, volumeID)
	if safety != nil {
		b = append(b, `,"`+SafetyKey+`_id":`...)
		b = AppendString(b, safety.ID)
	}
	return append(b, "}}"...)
}
