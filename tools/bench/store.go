package main

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
)

const storeSnapshots = 20_000

// Goals. Source: design.md section 6.
var (
	goalStoreMany = goal{Least: 0.40}
	goalStoreOne  = goal{Least: 0.60}
)

// storeRows measures the store alone, in this process, against the bare disk loop.
func (b *bench) storeRows(ctx context.Context) error {
	if !b.wants("store 64", "store 1") {
		return nil
	}
	d, err := openDisk(b.dir)
	if err != nil {
		return err
	}
	defer d.close()
	rows, err := store.Open(ctx, store.Config{URL: "sqlite:" + filepath.Join(b.dir, "store.db")})
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // what it holds is thrown away
	if err := fillStore(ctx, rows, maker{project: "0123456789abcdef0123456789abcdef", user: "fedcba9876543210fedcba9876543210"}, storeSnapshots); err != nil {
		return err
	}
	r := &renamer{rows: rows}
	var pairs []*pair
	var add []func()
	if b.wants("store 64") {
		p := &pair{name: "store 64", ours: r.side(b, 64), limit: func(ctx context.Context) (figures, error) { return d.batched(ctx, b.slot, 64) }}
		pairs = append(pairs, p)
		add = append(add, func() {
			b.add(p.rate("store alone, 64 callers in group commit", goalStoreMany).with(
				"InTx{Snapshot, SaveSnapshot}; limit: batched 4 KiB pages + fdatasync, 64 callers; " +
					"commits for each update " + spreadOf(pick(p.rounds, func(r round) float64 { return r.ours.extra })).text()))
			b.add(p.alone("store alone, 64 callers, CPU for each update", "µs", goal{}, func(f figures) float64 { return f.cpu }))
		})
	}
	if b.wants("store 1") {
		p := &pair{name: "store 1", ours: r.side(b, 1), limit: func(ctx context.Context) (figures, error) { return d.serial(ctx, b.slot) }}
		pairs = append(pairs, p)
		add = append(add, func() {
			b.add(p.rate("store alone, one caller", goalStoreOne).with("limit: pwrite of 4 KiB + fdatasync, one thread"))
		})
	}
	if err := runPairs(ctx, b.rng, b.rounds, pairs, b.say); err != nil {
		return err
	}
	for _, f := range add {
		f()
	}
	return nil
}

// renamer does to the store what a PUT of a snapshot does.
type renamer struct {
	rows *store.Store
	n    atomic.Int64
}

func (r *renamer) side(b *bench, callers int) side {
	return func(ctx context.Context) (figures, error) {
		before := r.rows.Stats()
		f, err := timed(ctx, b.slot, callers, func() (int64, error) { return 1, r.rename(ctx) })
		after := r.rows.Stats()
		f.extra = float64(after.Commits-before.Commits) / float64(max(1, after.Closures-before.Closures))
		return f, err
	}
}

func (r *renamer) rename(ctx context.Context) error {
	n := r.n.Add(1)
	id := snapshotID(scatter(int(n), storeSnapshots))
	name := block.SetText(fmt.Sprintf("renamed-%d", n))
	return r.rows.InTx(ctx, func(tx block.Tx) error {
		stored, err := tx.Snapshot(id)
		if err != nil {
			return err
		}
		changed := *stored
		changed.Name = name
		return tx.SaveSnapshot(&changed)
	})
}
