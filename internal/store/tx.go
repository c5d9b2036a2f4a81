package store

import (
	"database/sql"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
)

// Tx is one transaction: on SQLite a savepoint in the group that is committed
// next, on PostgreSQL a transaction of its own.
type Tx struct {
	store     *Store
	on        session
	now       time.Time
	failed    error // of the first statement that failed; the transaction is lost
	addedJobs bool
	changed   []change // rows written, for the cache (SQLite)
	group     *overlay // rows written earlier in the same group (SQLite)
}

// Now is the time of the transaction, UTC, in whole microseconds.
func (t *Tx) Now() time.Time { return t.now }

// exec runs one statement and tells how many rows it changed.
func (t *Tx) exec(query string, args ...any) (int64, error) {
	if t.failed != nil {
		return 0, t.failed
	}
	n, err := t.on.exec(query, args)
	if err != nil {
		t.failed = fault(err)
		return 0, t.failed
	}
	return n, nil
}

// query hands each row to each; an error of each ends it.
func (t *Tx) query(query string, args []any, each func(row) error) error {
	if t.failed != nil {
		return t.failed
	}
	if err := t.on.query(query, args, each); err != nil {
		t.failed = fault(err)
		return t.failed
	}
	return nil
}

// queryRow reads one row into dest; fails with sql.ErrNoRows, which leaves the
// transaction whole.
func (t *Tx) queryRow(query string, args []any, dest ...any) error {
	found := false
	err := t.query(query, args, func(r row) error {
		found = true
		return r.Scan(dest...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// run calls work and tells how it ended: its own error, else that of a
// statement, else that of a panic, which is work's alone.
func (t *Tx) run(work func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
	}()
	if err := work(t); err != nil {
		return err
	}
	return t.failed
}

// change is one row as a transaction leaves it; nil is a row that is gone.
type change struct {
	id     string
	volume bool
	snap   *block.Snapshot
	vol    *block.Volume
}

// overlay holds what the transactions of the current group changed.
type overlay struct {
	snapshots map[string]*block.Snapshot
	volumes   map[string]*block.Volume
}

func newOverlay() *overlay {
	return &overlay{map[string]*block.Snapshot{}, map[string]*block.Volume{}}
}

func (o *overlay) take(changes []change) {
	for _, c := range changes {
		if c.volume {
			o.volumes[c.id] = c.vol
		} else {
			o.snapshots[c.id] = c.snap
		}
	}
}

func (o *overlay) clear() {
	clear(o.snapshots)
	clear(o.volumes)
}

// knownSnapshot is the row as this transaction sees it, when memory holds it;
// known with a nil row is a row that this transaction or its group removed.
func (t *Tx) knownSnapshot(id string) (s *block.Snapshot, known bool) {
	if t.group == nil {
		return nil, false
	}
	for i := len(t.changed) - 1; i >= 0; i-- {
		if c := &t.changed[i]; !c.volume && c.id == id {
			return c.snap, true
		}
	}
	if s, known = t.group.snapshots[id]; known {
		return s, true
	}
	s = t.store.snapshots.get(id)
	return s, s != nil
}

// knownVolume is knownSnapshot for volumes.
func (t *Tx) knownVolume(id string) (v *block.Volume, known bool) {
	if t.group == nil {
		return nil, false
	}
	for i := len(t.changed) - 1; i >= 0; i-- {
		if c := &t.changed[i]; c.volume && c.id == id {
			return c.vol, true
		}
	}
	if v, known = t.group.volumes[id]; known {
		return v, true
	}
	v = t.store.volumes.get(id)
	return v, v != nil
}

// noteSnapshot keeps a copy of a row that was written, as a read would give it:
// the caller may go on with its own.
func (t *Tx) noteSnapshot(s *block.Snapshot) {
	if t.group != nil {
		kept := *s
		kept.CreatedAt, kept.Metadata = stored(s.CreatedAt), orNoItems(s.Metadata)
		t.changed = append(t.changed, change{id: s.ID, snap: &kept})
	}
}

func (t *Tx) noteVolume(v *block.Volume) {
	if t.group != nil {
		kept := *v
		kept.CreatedAt, kept.Metadata = stored(v.CreatedAt), orNoItems(v.Metadata)
		kept.ImageMetadata = orNoItems(v.ImageMetadata)
		if len(v.Attachments) == 0 {
			kept.Attachments = nil
		}
		t.changed = append(t.changed, change{id: v.ID, volume: true, vol: &kept})
	}
}

func (t *Tx) noteGone(id string, volume bool) {
	if t.group != nil {
		t.changed = append(t.changed, change{id: id, volume: volume})
	}
}
