package backup

import (
	"context"
	"errors"
	"sync"
)

// MaxFindings bounds a report.
const MaxFindings = 100

// Report is what Verify found.
type Report struct {
	Chunks int64   // that were read and are whole
	Lost   int64   // bytes of the device that no restoration would bring back
	Faults []error // why, MaxFindings at most
}

// Verify reads every chunk of a backup and holds it to its checksum, key and name.
// It fails only when it cannot look: a backup that is damaged is in the report.
func (r *Repository) Verify(ctx context.Context, id string) (Report, error) {
	var report Report
	secrets, err := r.open(ctx)
	if err != nil {
		return report, err
	}
	p, err := newPress(secrets, r.config.Random)
	if err != nil {
		return report, err
	}
	defer p.close()
	m, err := r.manifest(ctx, p, id)
	if err != nil {
		return report, err
	}
	var mu sync.Mutex
	note := func(err error, lost int64) error {
		if !errors.Is(err, ErrDamaged) {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if report.Lost += lost; len(report.Faults) < MaxFindings {
			report.Faults = append(report.Faults, err)
		}
		return nil
	}
	for i := range m.indexes {
		names, err := r.names(ctx, p, m, int64(i))
		if err != nil {
			if err := note(err, int64(inIndex(m.Size, int64(i)))*ChunkSize); err != nil {
				return report, err
			}
			continue
		}
		err = r.each(ctx, secrets, len(names), func(ctx context.Context, p *press, c int, buffer []byte) error {
			if names[c] == zeroName {
				return nil
			}
			if _, err := r.content(ctx, p, chunkKind, names[c], buffer); err != nil {
				return note(err, ChunkSize)
			}
			mu.Lock()
			defer mu.Unlock()
			report.Chunks++
			return nil
		})
		if err != nil {
			return report, err
		}
	}
	return report, nil
}
