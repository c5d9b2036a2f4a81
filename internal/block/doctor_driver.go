package block

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/breezeblock/breezeblock/internal/driver"
)

func (s *Service) lookAtDriver(ctx context.Context, w *ward, d *Diagnosis) error {
	letBe, err := s.store.Unmanaged(ctx)
	if err != nil {
		return err
	}
	for ref, err := range s.driver.List(ctx) {
		if ref == (driver.Ref{}) {
			return fmt.Errorf("the driver's list broke off: %w", err)
		}
		if letBe[Unmanaged{ref.Volume, ref.Snapshot}] {
			continue // it was left there on purpose
		}
		d.Objects++
		w.held[ref] = true
		if err != nil {
			w.damaged[ref.Volume] = err
		}
	}
	return nil
}

// judgeDriver finds what the driver holds for nobody. What goes with its volume
// is not named by itself.
func (s *Service) judgeDriver(w *ward, d *Diagnosis) {
	refs := slices.SortedFunc(maps.Keys(w.held), func(a, b driver.Ref) int {
		return slices.Compare([]string{a.Volume, a.Snapshot}, []string{b.Volume, b.Snapshot})
	})
	for _, ref := range refs {
		switch {
		case w.volumes[ref.Volume] == nil && w.images[ref.Volume] == nil && ref.Snapshot == "":
			d.add(&Finding{Problem: OrphanProblem, Object: "volume", ID: ref.Volume,
				Says: "the driver holds it, and there is no row of it",
				Plan: "remove it from the driver, with its bytes and snapshots",
				mend: func(ctx context.Context) error { return s.driver.Delete(ctx, ref.Volume, 0) }})
		case w.volumes[ref.Volume] != nil && ref.Snapshot != "" && !w.belongs(ref):
			d.add(&Finding{Problem: OrphanProblem, Object: "snapshot", ID: ref.Snapshot,
				Says: fmt.Sprintf("the driver holds it in volume %s, and there is no row of it", ref.Volume),
				Plan: "remove it from the driver, with its bytes",
				mend: func(ctx context.Context) error {
					return s.driver.DeleteSnapshot(ctx, ref.Volume, ref.Snapshot, 0)
				}})
		}
	}
}

// belongs tells whether a snapshot in the driver has a row, or is the passing one
// of a volume that is being made from another.
func (w *ward) belongs(ref driver.Ref) bool {
	if snap := w.snapshots[ref.Snapshot]; snap != nil {
		return snap.VolumeID == ref.Volume
	}
	if image := w.images[ref.Snapshot]; image != nil && image.VolumeID == ref.Volume { // of an upload to an image
		return w.awaits(image.ID) || w.awaits(image.VolumeID)
	}
	made := w.volumes[ref.Snapshot]
	return made != nil && made.SourceVolumeID == ref.Volume && (w.awaits(made.ID) || w.awaits(made.GroupID))
}

// verify lets the driver look through the volumes that have rows.
func (s *Service) verify(ctx context.Context, w *ward, d *Diagnosis) error {
	for _, id := range sorted(w.volumes) {
		if !w.held[driver.Ref{Volume: id}] || w.damaged[id] != nil {
			continue
		}
		report, err := s.driver.Check(ctx, id, false)
		if err != nil {
			return fmt.Errorf("check volume %s: %w", id, err)
		}
		leftover := ""
		for _, f := range report.Findings {
			if f.Damage {
				d.add(&Finding{Problem: DamagedProblem, Object: "volume", ID: id, Says: fmt.Sprintf("%s: %s", f.Place, f.What)})
			} else if leftover == "" {
				leftover = fmt.Sprintf("%s: %s", f.Place, f.What)
			}
		}
		if report.More > 0 {
			d.add(&Finding{Problem: DamagedProblem, Object: "volume", ID: id, Says: fmt.Sprintf("and %d findings more", report.More)})
		}
		if leftover != "" {
			d.add(&Finding{Problem: LeftoverProblem, Object: "volume", ID: id, Says: leftover,
				Plan: "let the driver tidy the volume",
				mend: func(ctx context.Context) error { _, err := s.driver.Check(ctx, id, true); return err }})
		}
	}
	return nil
}
