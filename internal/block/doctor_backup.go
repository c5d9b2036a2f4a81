package block

import (
	"context"
	"errors"
	"fmt"

	"github.com/breezeblock/breezeblock/internal/backup"
)

func (s *Service) lookAtBackups(ctx context.Context, w *ward, d *Diagnosis) error {
	list := List{Sort: []SortKey{{Field: FieldID}}, Limit: MaxPage}
	for {
		page, err := s.store.Backups(ctx, list)
		if err != nil {
			return err
		}
		for _, b := range page {
			w.backups[b.ID] = b
			list.Marker = b.ID
		}
		if d.Backups += len(page); len(page) < MaxPage {
			return nil
		}
	}
}

// backsUp tells whether a job is on its way that makes a backup of a volume or of a
// snapshot: it is the backup's job, not theirs.
func (w *ward) backsUp(id string) bool {
	for _, b := range w.backups {
		if b.Status == BackupCreating && (b.VolumeID == id || b.BaseID == id) && w.awaits(b.ID) {
			return true
		}
	}
	return false
}

// judgeBackup compares a backup with the jobs.
func (s *Service) judgeBackup(w *ward, b *Backup) *Finding {
	exit := exitOfBackup(b.Status)
	awaited := w.awaits(b.ID)
	if b.Status == BackupRestoring {
		awaited = w.awaits(b.RestoreVolumeID, jobRestoreBackup)
	}
	if exit == "" || awaited {
		return nil
	}
	return &Finding{Problem: StatusProblem, Object: "backup", ID: b.ID,
		Says: fmt.Sprintf("it is %s, and no job is queued for it", b.Status),
		Plan: fmt.Sprintf("set its status to %s", exit),
		mend: func(ctx context.Context) error {
			return s.store.InTx(ctx, func(tx Tx) error { return stuckBackup(tx, b.ID) })
		}}
}

// judgeManifests compares rows and manifests; with verify it reads every chunk.
func (s *Service) judgeManifests(ctx context.Context, w *ward, d *Diagnosis, verify bool) error {
	if s.parts.Backups == nil {
		return nil
	}
	rows := map[string]bool{}
	for _, b := range w.backups {
		rows[b.Manifest] = true
	}
	there := map[string]bool{}
	for id, err := range s.parts.Backups.List(ctx) {
		if err != nil {
			return fmt.Errorf("the list of backups broke off: %w", err)
		}
		if there[id] = true; !rows[id] {
			d.add(&Finding{Problem: OrphanProblem, Object: "backup", ID: id,
				Says: "the backup store holds it, and there is no row of it; an exported record can be imported again"})
		}
	}
	for _, id := range sorted(w.backups) {
		b := w.backups[id]
		if b.Status != BackupAvailable && b.Status != BackupRestoring {
			continue
		}
		if !there[b.Manifest] {
			d.add(&Finding{Problem: MissingProblem, Object: "backup", ID: id,
				Says: fmt.Sprintf("it is %s, and the backup store does not hold it", b.Status),
				Plan: "set its status to error, from which it can be deleted",
				mend: func(ctx context.Context) error { return s.loseBackup(ctx, id) }})
		} else if verify {
			if err := s.verifyBackup(ctx, b, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) loseBackup(ctx context.Context, id string) error {
	return s.store.InTx(ctx, func(tx Tx) error {
		stored, err := tx.Backup(id)
		if err != nil {
			return err
		}
		b := *stored
		b.Status, b.FailReason = BackupError, backup.ErrNotFound.Error()
		return tx.SaveBackup(&b)
	})
}

// verifyBackup reads every chunk of a backup.
func (s *Service) verifyBackup(ctx context.Context, b *Backup, d *Diagnosis) error {
	report, err := s.parts.Backups.Verify(ctx, b.Manifest)
	if errors.Is(err, backup.ErrDamaged) {
		d.add(&Finding{Problem: DamagedProblem, Object: "backup", ID: b.ID, Says: err.Error()})
		return nil
	}
	if err != nil {
		return fmt.Errorf("verify backup %s: %w", b.ID, err)
	}
	if len(report.Faults) > 0 {
		d.add(&Finding{Problem: DamagedProblem, Object: "backup", ID: b.ID,
			Says: fmt.Sprintf("%d bytes of it cannot be restored: %v", report.Lost, report.Faults[0])})
	}
	return nil
}
