package backup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Swept is what a Sweep did.
type Swept struct {
	Backups int   // that were looked at
	Kept    int64 // chunks and indexes that some backup refers to, or that are young
	Removed int64
	Freed   int64 // bytes
}

// Sweep removes the chunks and indexes that no backup refers to and that are older
// than the longest backup. It may be cut off anywhere. It fails with ErrBusy while a
// backup is written or another sweep goes on, and with ErrDamaged, having removed
// nothing, when it cannot read a manifest or index: what that refers to is unknown.
func (r *Repository) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	if _, err := r.objects.Stat(ctx, headerObject); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = nil // no backup ever was here
		}
		return s, err
	}
	p, err := r.press(ctx)
	if err != nil {
		return s, err
	}
	defer p.close()
	if err := r.takeSweep(ctx); err != nil {
		return s, err
	}
	// The marker counts for sweepLife: this ends well before, whatever it has done.
	ctx, cancel := context.WithTimeout(ctx, sweepLife/2)
	defer cancel()
	defer r.giveSweep(ctx)
	if err := r.noWriters(ctx); err != nil {
		return s, err
	}
	used, backups, err := r.mark(ctx, p)
	if err != nil {
		return s, err
	}
	s.Backups = backups
	old := r.config.Now().Add(-r.config.Longest)
	for _, k := range []kind{chunkKind, indexKind} {
		if err := r.sweep(ctx, k, used, old, &s); err != nil {
			return s, err
		}
	}
	if t, able := r.objects.(Tidier); able {
		if err := t.Tidy(ctx, old); err != nil {
			return s, err
		}
	}
	return s, r.objects.Flush(ctx)
}

// sweeping tells whether a sweep goes on.
func (r *Repository) sweeping(ctx context.Context) (bool, error) {
	info, err := r.objects.Stat(ctx, sweepMarker)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && r.config.Now().Sub(info.Modified) < sweepLife, err
}

// takeSweep leaves the sweep's marker; that of a sweep that died is taken away first.
func (r *Repository) takeSweep(ctx context.Context) error {
	going, err := r.sweeping(ctx)
	if err != nil {
		return err
	}
	if !going {
		if err := r.objects.Delete(ctx, sweepMarker); err != nil {
			return err
		}
		err = r.objects.Create(ctx, sweepMarker, []byte("a sweep goes on\n"))
	}
	if going || errors.Is(err, ErrExists) {
		return fmt.Errorf("%w: it is being swept", ErrBusy)
	}
	return err
}

func (r *Repository) giveSweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markerTime)
	defer cancel()
	_ = r.objects.Delete(ctx, sweepMarker) // one that stays is known by its age
}

// noWriters fails with ErrBusy while a backup is written. A marker older than the
// longest backup was left by a writer that died.
func (r *Repository) noWriters(ctx context.Context) error {
	for info, err := range r.objects.List(ctx, writers) {
		if err != nil {
			return err
		}
		if r.config.Now().Sub(info.Modified) < r.config.Longest {
			return fmt.Errorf("%w: backup %s is being written", ErrBusy, strings.TrimPrefix(info.Name, writers))
		}
		if err := r.objects.Delete(ctx, info.Name); err != nil {
			return err
		}
	}
	return nil
}

// marks are the first eight bytes of names, in order: 8 MiB for 1 TiB of data. Two
// names that share them keep each other, which does no harm.
type marks []uint64

func (m *marks) add(n name) { *m = append(*m, binary.BigEndian.Uint64(n[:])) }

// settle sorts the marks and leaves one of each.
func (m *marks) settle() {
	slices.Sort(*m)
	*m = slices.Compact(*m)
}

func (m marks) has(n name) bool {
	_, found := slices.BinarySearch(m, binary.BigEndian.Uint64(n[:]))
	return found
}

// mark collects what the backups refer to.
func (r *Repository) mark(ctx context.Context, p *press) (used marks, backups int, err error) {
	settled := 0
	seen := map[name]bool{} // indexes
	for id, err := range r.List(ctx) {
		if err != nil {
			return nil, 0, err
		}
		m, err := r.manifest(ctx, p, id)
		if err != nil {
			return nil, 0, fmt.Errorf("what backup %s refers to is unknown: %w", id, err)
		}
		backups++
		for i, n := range m.indexes {
			if n == zeroName || seen[n] {
				continue
			}
			seen[n] = true
			used.add(n)
			names, err := r.names(ctx, p, m, int64(i))
			if err != nil {
				return nil, 0, fmt.Errorf("what backup %s refers to is unknown: %w", id, err)
			}
			for _, c := range names {
				if c != zeroName {
					used.add(c)
				}
			}
		}
		if len(used) > 2*settled+perIndex { // backups that share their chunks stay small
			used.settle()
			settled = len(used)
		}
	}
	used.settle()
	return used, backups, nil
}

// sweep removes what is not marked and older than old.
func (r *Repository) sweep(ctx context.Context, k kind, used marks, old time.Time, s *Swept) error {
	folder := chunkFolder
	if k == indexKind {
		folder = indexFolder
	}
	for info, err := range r.objects.List(ctx, folder) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		n, ours := nameOf(k, info.Name)
		if !ours || used.has(n) || !info.Modified.Before(old) {
			s.Kept++
			continue
		}
		if err := r.objects.Delete(ctx, info.Name); err != nil {
			return err
		}
		s.Removed++
		s.Freed += info.Size
	}
	return nil
}
