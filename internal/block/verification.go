package block

import (
	"context"
	"time"

	"github.com/breezeblock/breezeblock/internal/jobs"
)

// VerificationStatus is how far a verification has come.
type VerificationStatus string

const (
	Verifying       VerificationStatus = "verifying"
	Verified        VerificationStatus = "done"
	VerificationErr VerificationStatus = "error" // it could not look; Error says why
)

// Verification is the last look through a volume and its snapshots for damage.
type Verification struct {
	VolumeID    string
	ID          string
	Status      VerificationStatus
	Repair      bool // what can be mended was
	RequestedAt time.Time
	FinishedAt  time.Time // zero: not finished
	Verified    int64     // bytes that fit their checksums
	Unverified  int64     // bytes that have no checksum, or none yet
	Findings    []Located // MaxFindings at most
	More        int       // findings beyond
	Error       string
}

// Located is one thing that is not as it should be, and who sees it. The names of
// its fields are kept in the database.
type Located struct {
	Offset        int64    `json:"offset"` // in volume and snapshots, bytes; -1: it has no place there
	Length        int64    `json:"length"` // bytes
	Damage        bool     `json:"damage"` // bytes are lost; otherwise something is left over
	Repaired      bool     `json:"repaired"`
	Volume        bool     `json:"volume"`    // whoever reads the volume there meets it
	Snapshots     []string `json:"snapshots"` // whoever reads these there does; 16 at most
	MoreSnapshots int      `json:"more_snapshots"`
	Place         string   `json:"place"` // a file of a host: for administrators
	What          string   `json:"what"`  // in words that may name files: for administrators
}

// Says is what anybody may read of a finding.
func (l *Located) Says() string {
	switch {
	case l.Damage && l.Offset < 0:
		return "something that volume or snapshots need cannot be read; an administrator sees what"
	case l.Damage:
		return "the bytes do not fit their checksums: they are lost, and nobody is given them"
	case l.Repaired:
		return "something was left over, and was removed"
	}
	return "something is left over; no bytes are lost"
}

// Cause is what anybody may read of Error.
func (v *Verification) Cause() string {
	if v.Error == "" {
		return ""
	}
	return shownCause(v.Error)
}

// Damaged tells whether any bytes are lost.
func (v *Verification) Damaged() bool {
	for i := range v.Findings {
		if v.Findings[i].Damage && !v.Findings[i].Repaired {
			return true
		}
	}
	return v.More > 0
}

// VerificationStore reads verifications; part of Store.
type VerificationStore interface {
	// Verification fails with NotFound when the volume was never verified.
	Verification(ctx context.Context, volumeID string) (*Verification, error)
}

// VerificationTx writes them; part of Tx.
type VerificationTx interface {
	// Verification reads for writing; fails with NotFound.
	Verification(volumeID string) (*Verification, error)
	// SaveVerification puts v in the place of what the volume had.
	SaveVerification(v *Verification) error
	// DropVerification removes the row, if there is one.
	DropVerification(volumeID string) error
}

// verificationPatience is what a verification may take: it reads every byte.
// Assumed: 32 TiB at 200 MB/s need two days.
const verificationPatience = 48 * time.Hour

// verificationHandler carries out jobVerify.
func (s *Service) verificationHandler() jobs.Handler {
	return jobs.Handler{Run: s.runVerify, GiveUp: s.giveUpVerify, Patience: verificationPatience}
}

// KindLimits bounds the kinds of job that would take all workers, or the disk's time.
func KindLimits() map[string]int { return map[string]int{jobVerify: 2} }
