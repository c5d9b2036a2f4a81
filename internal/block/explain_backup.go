package block

import "context"

// ExplainBackup says what a backup waits for. Fails with NotFound.
func (s *Service) ExplainBackup(ctx context.Context, c Caller, id string) (*Explanation, error) {
	b, err := s.Backup(ctx, c, id)
	if err != nil {
		return nil, err
	}
	e := explained{words: wordsOfBackup(b), admin: c.Admin}
	worksAt := id
	if b.Status == BackupRestoring { // its job is the volume's
		worksAt = b.RestoreVolumeID
	}
	if err := s.lookUpJobs(ctx, &e, worksAt); err != nil {
		return nil, err
	}
	if b.Status == BackupRestoring && e.live != nil && e.live.Kind != jobRestoreBackup {
		e.live, e.holder = nil, nil
	}
	x := &Explanation{Object: "backup", ID: id, Status: string(b.Status), Since: changedAt(b.CreatedAt, b.UpdatedAt)}
	s.explain(x, &e)
	if x.LastError == "" && b.Status != BackupAvailable {
		x.LastError = b.FailReason
	}
	return x, nil
}

// wordsOfBackup are the words of each status; see backupMoves.
func wordsOfBackup(b *Backup) words {
	w := words{adminCan: []string{canReset}}
	if b.Dependents == 0 {
		w.adminCan = append(w.adminCan, canForce)
	}
	remove := "delete it"
	if b.Dependents > 0 {
		remove = "delete it, once the incremental backups that were made after it are deleted"
	}
	switch b.Status {
	case BackupCreating:
		w.work, w.good, w.bad = "for the bytes to be copied", "becomes available", "error"
	case BackupDeleting:
		w.work, w.good, w.bad = "for the backup store to delete it", "is gone, with what it used of the quota", "error_deleting"
		return w
	case BackupRestoring:
		w.work, w.good = "for volume "+b.RestoreVolumeID+" to hold what it holds", "is available again, as the volume is"
		w.bad = "available again, and that of the volume says that the restoration failed"
	case BackupAvailable:
		w.can = []string{"restore it to a volume", "make a volume from it", "make an incremental backup after it", remove}
	case BackupError:
		w.then = "It could not be made, or the backup store lost it; nothing happens by itself."
		w.can = []string{remove, "make another"}
	case BackupErrorDeleting:
		w.then = "Its deletion failed; nothing happens by itself."
		w.can = []string{"ask an administrator to delete it (os-force_delete)"}
	default:
		w.work, w.good, w.bad = "for work of another version of this service", "goes on", "error"
	}
	w.can = append(w.can, "rename it", "change its metadata")
	return w
}
