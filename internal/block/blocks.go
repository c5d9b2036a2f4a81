package block

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// BlockSize is the grid of block lists, in bytes. Source: EBS direct APIs, 512 KiB.
const BlockSize = 512 << 10

// blockTokenLife is how long the token of a next page holds.
// Assumed: an hour is long enough to come back; EBS keeps its tokens as long.
const blockTokenLife = time.Hour

// Block is one place of the grid.
type Block struct {
	Offset int64 // bytes
	Length int64 // bytes; BlockSize but for the last of an odd size
	Zero   bool  // it reads as nothing but zeroes
}

// BlockList is one page of the blocks of a snapshot.
type BlockList struct {
	SnapshotID string
	VolumeID   string
	Since      string // compared with this snapshot; empty: with nothing
	VolumeSize int64  // of the snapshot, in bytes
	Blocks     []Block
	Next       string    // token of the next page; empty: this was the last
	Expires    time.Time // of Next
}

// gridder puts pieces of a snapshot on the grid: ascending, each place once.
type gridder struct {
	size   int64 // of the snapshot, bytes
	from   int64 // the first place that is wanted, bytes
	most   int   // places
	data   bool  // places that are nothing but zeroes are not wanted
	at     int64 // the place at hand; -1: none
	zeroes int64 // bytes of it that were told to be zeroes
	found  []Block
	next   int64 // the first place that found had no room for; -1: none
}

// errPageFull ends the driver's list.
var errPageFull = errors.New("the page is full")

// piece takes what the driver tells of.
func (g *gridder) piece(off, n int64, zero bool) error {
	end := min(off+n, g.size)
	off = max(off, g.from)
	if zero && g.data {
		return nil
	}
	for off < end {
		place := off - off%BlockSize
		if place != g.at {
			if err := g.flush(); err != nil {
				return err
			}
			g.at, g.zeroes = place, 0
		}
		length := min(end, place+BlockSize) - off
		if zero {
			g.zeroes += length
		}
		off += length
	}
	return nil
}

// flush ends the place at hand. It is nothing but zeroes only when all of it was
// told to be: what was not told of is as in the other snapshot.
func (g *gridder) flush() error {
	if g.at < 0 {
		return nil
	}
	if len(g.found) == g.most {
		g.next = g.at
		return errPageFull
	}
	length := min(BlockSize, g.size-g.at)
	g.found = append(g.found, Block{g.at, length, g.zeroes == length})
	g.at = -1
	return nil
}

// blockToken says where a list goes on, and of which snapshots it is. It is no
// secret and gives no right: who may read what is asked anew with each page.
type blockToken struct {
	snapshot, since string
	offset          int64
	expires         time.Time
}

func (t blockToken) String() string {
	text := fmt.Sprintf("1,%s,%s,%d,%d", t.snapshot, t.since, t.offset, t.expires.Unix())
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// readBlockToken fails with Invalid when the text is no token, is one of other
// snapshots, or has expired.
func readBlockToken(text, snapshot, since string, now time.Time) (int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(raw), ",")
	if err != nil || len(parts) != 5 || parts[0] != "1" {
		return 0, Errorf(Invalid, "Invalid next_token: it is none that this service gave.")
	}
	offset, err := strconv.ParseInt(parts[3], 10, 64)
	expires, err2 := strconv.ParseInt(parts[4], 10, 64)
	if err != nil || err2 != nil || offset < 0 || offset%BlockSize != 0 {
		return 0, Errorf(Invalid, "Invalid next_token: it is none that this service gave.")
	}
	if parts[1] != snapshot || parts[2] != since {
		return 0, Errorf(Invalid, "Invalid next_token: it was given for a list of other snapshots.")
	}
	if at := time.Unix(expires, 0); !now.Before(at) {
		return 0, Errorf(Invalid, "Invalid next_token: it expired at %s; go on with starting_offset=%d in its place.", at.UTC().Format(time.RFC3339), offset)
	}
	return offset, nil
}

// readable tells whether a snapshot holds bytes that can be read now.
func (s *Snapshot) readable() error {
	switch s.Status {
	case SnapshotAvailable, SnapshotRollbacking, SnapshotRestoring, SnapshotBackingUp:
		return nil
	}
	return Errorf(WrongStatus, "Invalid snapshot: Snapshot %s status must be available to read it, but current status is: %s.", s.ID, s.Status)
}

// faultOfReading is what a caller is told when a driver cannot read a snapshot.
// What it was told of a host's files stays in the log.
func faultOfReading(err error, s *Snapshot, where string) error {
	switch {
	case err == nil:
		return nil
	case isGone(err):
		return Because(err, NotFound, "Snapshot %s could not be found: it was deleted meanwhile.", s.ID)
	case errors.Is(err, driver.ErrDamaged):
		return Because(err, Conflict, "Snapshot %s is damaged%s: its bytes there fail their checks and are not given out. A verification of volume %s tells where.", s.ID, where, s.VolumeID)
	}
	return Because(err, Unavailable, "The storage could not read snapshot %s now; try again.", s.ID)
}
