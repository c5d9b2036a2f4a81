package block

import (
	"context"
	"fmt"
	"slices"
)

// isCuttingOff tells whether clients of the volume are, or should be, being cut off.
func (v *Volume) isCuttingOff() bool {
	return v.Status == VolumeDetaching || slices.ContainsFunc(v.Attachments, func(a Attached) bool {
		return a.Status == AttachmentDetaching || a.Status == AttachmentErrorDetaching
	})
}

// lookUpEnding finds the job that cuts off clients of a volume, and says what it does.
func (s *Service) lookUpEnding(ctx context.Context, e *explained, volumeID string) error {
	conns, err := s.store.ConnectionsOf(ctx, volumeID)
	if err != nil {
		return err
	}
	for _, conn := range conns {
		if !conn.Ended {
			continue
		}
		if err := s.lookUpJobs(ctx, e, conn.ID); err != nil || e.live != nil {
			e.work = "for a client to be cut off: the storage still works on what it asked for"
			e.good, e.bad = "is free, or stays attached to its other clients", string(VolumeInUse)
			return err
		}
	}
	return nil
}

// judgeConnections finds connections that ended and that nobody works at any more.
// The doctor looks at stopped servers: no client is left.
func (s *Service) judgeConnections(ctx context.Context, w *ward, d *Diagnosis) error {
	for _, id := range sorted(w.volumes) {
		if !w.volumes[id].isCuttingOff() {
			continue
		}
		conns, err := s.store.ConnectionsOf(ctx, id)
		if err != nil {
			return err
		}
		for _, conn := range conns {
			if !conn.Ended || w.awaits(conn.ID, jobEndConnection) {
				continue
			}
			d.add(&Finding{Problem: StatusProblem, Object: "volume", ID: id,
				Says: fmt.Sprintf("a client at host %q was detached and not cut off, and no job is queued for it", conn.Host),
				Plan: "finish the detachment: while the server is stopped nobody is connected",
				mend: func(ctx context.Context) error {
					return s.store.InTx(ctx, func(tx Tx) error { return dropEnded(tx, conn) })
				}})
		}
	}
	return nil
}
