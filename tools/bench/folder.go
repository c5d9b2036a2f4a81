package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

// folder is a data folder that the binary made itself and that was then filled with
// snapshots through the store: quotas would not let so many in by the front door.
type folder struct {
	dir   string
	count int
}

const (
	fillGroup    = 10_000 // rows in one transaction
	snapshotsPer = 250    // of one volume; block.MaxSnapshotsPerVolume is the bound
	snapshotSize = 1      // GiB
	completeMark = "bench-complete"
)

// firstCreated is when the oldest snapshot was made; each of the others is a second younger.
var firstCreated = time.Date(2026, time.January, 2, 3, 4, 5, 678000, time.UTC)

// fillFolder makes a data folder with count snapshots.
func fillFolder(ctx context.Context, binary, dir string, count int) (*folder, error) {
	s, err := openService(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	if _, err := s.stop(); err != nil {
		return nil, err
	}
	rows, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(dir, "breezeblock.db"), CacheBytes: -1})
	if err != nil {
		return nil, err
	}
	err = fillStore(ctx, rows, maker{project: s.project, user: s.user}, count)
	if err := errors.Join(err, rows.Close()); err != nil {
		return nil, fmt.Errorf("fill %s: %w", dir, err)
	}
	return &folder{dir, count}, nil
}

// keptFolder is fillFolder, kept below cache for the next run: a million rows take
// a minute. A folder with other tables, or that this binary cannot serve, is made anew.
func keptFolder(ctx context.Context, binary, cache string, count int, say func(string, ...any)) (*folder, error) {
	dir := filepath.Join(cache, fmt.Sprintf("breezeblock-bench-%d-%d", os.Getuid(), count))
	tables, err := tablesNow(ctx, cache)
	if err != nil {
		return nil, err
	}
	mark := filepath.Join(dir, completeMark)
	if text, err := os.ReadFile(mark); err == nil && string(text) == tables {
		if s, err := openService(ctx, binary, dir); err == nil {
			_, err = s.stop()
			return &folder{dir, count}, errors.Join(err, warm(dir))
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	say("filling %s with %d snapshots; it is kept for the next run\n", dir, count)
	start := time.Now()
	f, err := fillFolder(ctx, binary, dir, count)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	say("filled in %.0f s\n", time.Since(start).Seconds())
	return f, errors.Join(warm(dir), os.WriteFile(mark, []byte(tables), 0o600))
}

// tableText finds the text of tables and indexes in a database file, where SQLite
// keeps it as it was given. Source: sqlite.org/fileformat.html, section 2.6.
var tableText = regexp.MustCompile(`CREATE (TABLE|INDEX) [[:print:]\s]+`)

// tablesNow is a digest of the tables that this tree makes in an empty database.
func tablesNow(ctx context.Context, cache string) (string, error) {
	dir, err := os.MkdirTemp(cache, "breezeblock-bench-tables-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is empty of anything wanted
	path := filepath.Join(dir, "empty.db")
	empty, err := store.Open(ctx, store.Config{URL: "sqlite:" + path})
	if err != nil {
		return "", err
	}
	if err := empty.Close(); err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	digest := sha256.Sum256(bytes.Join(tableText.FindAll(text, -1), nil))
	return hex.EncodeToString(digest[:]), err
}

// warm reads the database's file through, so that the rows measure the service and
// the system's page cache, and not what of it an earlier program left.
func warm(dir string) error {
	f, err := os.Open(filepath.Join(dir, "breezeblock.db"))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, f)
	return errors.Join(err, f.Close())
}

// maker makes the rows of a project; the same number gives the same row.
type maker struct{ project, user, kind string }

// idOf is the id of row n: it looks random, so that rows that were made one after
// another lie apart, as with ids of version 4.
func idOf(n int, noun byte) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], scattered(uint64(n)<<8|uint64(noun)))
	binary.BigEndian.PutUint64(b[8:], scattered(uint64(n)<<8|uint64(noun)|1<<62))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// scattered is a step of SplitMix64. Source: Steele, Lea, Flood, OOPSLA 2014.
func scattered(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// scatter is a walk through count rows in which neighbours in time are no
// neighbours in the table; 7919 is prime to every count here, so each has its turn.
func scatter(n, count int) int { return n * 7919 % count }

func snapshotID(n int) string { return idOf(n, 's') }

// snapshot is row n; a higher n is a younger row.
func (m maker) snapshot(n int) *block.Snapshot {
	return &block.Snapshot{
		ID: snapshotID(n), ProjectID: m.project, UserID: m.user, VolumeID: idOf(n/snapshotsPer, 'v'), TypeID: m.kind,
		Name: block.SetText(fmt.Sprintf("snap-%07d", n)), Description: block.SetText("Daily backup"),
		Status: block.SnapshotAvailable, Progress: 100, Size: snapshotSize,
		CreatedAt: firstCreated.Add(time.Duration(n) * time.Second),
	}
}

func (m maker) volume(n int) *block.Volume {
	return &block.Volume{
		ID: idOf(n, 'v'), ProjectID: m.project, UserID: m.user, Name: block.SetText(fmt.Sprintf("vol-%05d", n)),
		Status: block.VolumeAvailable, Size: snapshotSize, TypeID: m.kind, AvailabilityZone: "az1", CreatedAt: firstCreated,
	}
}

// fillStore adds count snapshots, their volumes, and their usage, so that what the
// quota counts is what is there.
func fillStore(ctx context.Context, rows *store.Store, m maker, count int) error {
	types, err := rows.VolumeTypes(ctx)
	if err != nil {
		return err
	}
	for _, t := range types {
		if t.Name == block.DefaultTypeName {
			m.kind = t.ID
		}
	}
	for from := 0; from < count; from += fillGroup {
		to := min(from+fillGroup, count)
		if err := rows.InTx(ctx, func(tx block.Tx) error { return addRows(tx, m, from, to) }); err != nil {
			return err
		}
	}
	return nil
}

func addRows(tx block.Tx, m maker, from, to int) error {
	volumes := 0
	for n := from; n < to; n++ {
		if n%snapshotsPer == 0 {
			volumes++
			if err := tx.AddVolume(m.volume(n / snapshotsPer)); err != nil {
				return err
			}
		}
		if err := tx.AddSnapshot(m.snapshot(n)); err != nil {
			return err
		}
	}
	_, _, err := tx.AddUsage(m.project, m.kind, block.Usage{
		Volumes: int64(volumes), Snapshots: int64(to - from), Gigabytes: int64(volumes+to-from) * snapshotSize,
	})
	return err
}
