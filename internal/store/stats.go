package store

// Stats are figures for metrics; all but the last group grow from zero at Open.
type Stats struct {
	Commits     int64 // transactions that became durable; on SQLite one for many closures
	Closures    int64 // calls of InTx that were answered
	Failures    int64 // of those, with an error
	Reruns      int64 // groups or transactions that were run again
	Checkpoints int64 // SQLite
	CacheHits   int64
	CacheMisses int64

	LargestGroup int64 // closures in one commit
	CacheBytes   int64
	CacheRows    int64
	Queued       int64 // closures that wait for the writer or a connection
	LogPages     int64 // of the write-ahead log, at the last checkpoint
}

// Stats tells the figures as they are now.
func (s *Store) Stats() Stats {
	var stats Stats
	s.db.stats(&stats)
	s.snapshots.count(&stats)
	s.volumes.count(&stats)
	return stats
}
