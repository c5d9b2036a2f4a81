package block

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// BlockQuery is what a request for a list of blocks says.
type BlockQuery struct {
	SnapshotID string
	Since      string // another snapshot of the same volume; empty: what holds data is listed
	Max        int    // places; from 1 to MaxBlocks
	Token      string // of the page before; empty: none
	From       int64  // without a token: where to begin, bytes, on the grid
}

// Blocks lists the places of the grid in which a snapshot holds data, or may differ
// from another of its volume. A driver may call a place changed that was written
// anew with the same bytes; it never leaves one out. Fails with NotFound, Invalid
// (the token, a snapshot of another volume), WrongStatus, Conflict (damaged).
func (s *Service) Blocks(ctx context.Context, c Caller, q BlockQuery) (*BlockList, error) {
	snap, err := s.readableSnapshot(ctx, c, q.SnapshotID)
	if err != nil {
		return nil, err
	}
	if q.Since != "" {
		since, err := s.readableSnapshot(ctx, c, q.Since)
		if err != nil {
			return nil, err
		}
		if since.VolumeID != snap.VolumeID {
			return nil, Errorf(Invalid, "Invalid since: snapshot %s is of another volume than snapshot %s.", since.ID, snap.ID)
		}
	}
	now := s.parts.Now()
	from := q.From
	if q.Token != "" {
		if from, err = readBlockToken(q.Token, q.SnapshotID, q.Since, now); err != nil {
			return nil, err
		}
	}
	g := gridder{size: snap.Size.Bytes(), from: from, most: q.Max, data: q.Since == "", at: -1, next: -1}
	if err := s.driver.Changed(ctx, snap.VolumeID, q.Since, snap.ID, g.piece); err == nil {
		err = g.flush()
		if err != nil && !errors.Is(err, errPageFull) {
			return nil, err
		}
	} else if !errors.Is(err, errPageFull) {
		return nil, faultOfReading(err, snap, "")
	}
	list := &BlockList{SnapshotID: snap.ID, VolumeID: snap.VolumeID, Since: q.Since, VolumeSize: g.size, Blocks: g.found}
	if g.next >= 0 {
		list.Expires = now.Add(blockTokenLife).UTC()
		list.Next = blockToken{q.SnapshotID, q.Since, g.next, list.Expires}.String()
	}
	return list, nil
}

func (s *Service) readableSnapshot(ctx context.Context, c Caller, id string) (*Snapshot, error) {
	snap, err := s.Snapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	return snap, snap.readable()
}

// SnapshotData is an open snapshot. While it is open the snapshot cannot be deleted.
type SnapshotData struct {
	snap   *Snapshot
	device driver.Device
}

// OpenSnapshot opens a snapshot for reading; the caller closes it.
// Fails with NotFound, WrongStatus, Conflict (damaged).
func (s *Service) OpenSnapshot(ctx context.Context, c Caller, id string) (*SnapshotData, error) {
	snap, err := s.readableSnapshot(ctx, c, id)
	if err != nil {
		return nil, err
	}
	device, err := s.driver.Open(ctx, driver.Ref{Volume: snap.VolumeID, Snapshot: snap.ID}, driver.ReadOnly)
	if err != nil {
		return nil, faultOfReading(err, snap, "")
	}
	return &SnapshotData{snap, device}, nil
}

// Size is what the snapshot holds, in bytes.
func (d *SnapshotData) Size() int64 { return d.device.Size() }

// ReadAt fills p with what the snapshot holds at off, which must lie within it.
// Damaged bytes are Conflict, never given out.
func (d *SnapshotData) ReadAt(p []byte, off int64) error {
	n, err := d.device.ReadAt(p, off)
	if n == len(p) && (err == nil || errors.Is(err, io.EOF)) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return faultOfReading(err, d.snap, fmt.Sprintf(" among the %d bytes at offset %d", len(p), off))
}

// Close gives the snapshot back.
func (d *SnapshotData) Close() error { return d.device.Close() }
