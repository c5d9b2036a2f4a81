package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/httpapi/wire"
)

const (
	pageRows  = 1000
	deepAt    = 800_000 // rows that come before the deep pages
	slotPages = 200     // one after another; more than SQLite caches of all connections hold
	walkPages = 200
	walkWarm  = 20 // pages after which the memory of a walk is looked at
)

// Goals. Source: design.md section 6.
var (
	goalDeep   = goal{Least: 0.90, Most: 1.10}
	goalFlat   = goal{Most: 1.10} // Assumed: what "flat" means for memory that a collector gives back
	goalEncode = goal{Most: 1.3}
)

// pagingRows measures pages of 1,000 out of 1,000,000 snapshots, newest first.
func (b *bench) pagingRows(ctx context.Context) error {
	if !b.wants("page deep", "page encode", "page memory") {
		return nil
	}
	f, err := keptFolder(ctx, b.binary, b.cache, coldSnapshots, b.say)
	if err != nil {
		return err
	}
	s, err := openService(ctx, b.binary, f.dir)
	if err != nil {
		return err
	}
	defer func() { _, _ = s.stop() }() // measured elsewhere
	p := &pager{service: s, count: f.count}
	if err := p.check(ctx); err != nil {
		return err
	}
	if b.wants("page memory") {
		if err := b.walkRow(ctx, p); err != nil {
			return err
		}
	}
	if b.wants("page deep") {
		if err := b.deepRows(ctx, p); err != nil {
			return err
		}
	}
	if b.wants("page encode") {
		return b.encodeRows(ctx, p)
	}
	return nil
}

// pager reads pages over one connection.
type pager struct {
	*service
	count int
}

// page reads the page that comes after so many rows.
func (p *pager) page(ctx context.Context, after int) ([]byte, error) {
	path := fmt.Sprintf("/v3/%s/snapshots?limit=%d", p.project, pageRows)
	if after > 0 {
		path += "&marker=" + snapshotID(p.count-after)
	}
	body, err := p.get(ctx, path)
	if err == nil && bytes.Count(body, []byte(`"volume_id":`)) != pageRows {
		err = fmt.Errorf("the page after %d rows does not hold %d", after, pageRows)
	}
	return body, err
}

// check makes sure that first and deep pages are the pages that are meant.
func (p *pager) check(ctx context.Context) error {
	for _, after := range []int{0, deepAt} {
		body, err := p.page(ctx, after)
		if err != nil {
			return err
		}
		var list struct {
			Snapshots []struct {
				ID string `json:"id"`
			} `json:"snapshots"`
			Links []struct {
				Rel string `json:"rel"`
			} `json:"snapshots_links"`
		}
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		for i, got := range list.Snapshots {
			if want := snapshotID(p.count - 1 - after - i); got.ID != want {
				return fmt.Errorf("row %d of the page after %d rows is %s, want %s", i, after, got.ID, want)
			}
		}
		if len(list.Links) != 1 {
			return fmt.Errorf("the page after %d rows has no link to the next", after)
		}
	}
	return nil
}

// slot reads pages one after another, from the one that comes after so many rows:
// rate, CPU of the server for each page, and the database's pages read for each.
// It begins again after so many pages; enough of them are more than the page caches
// hold, which connections lend each other, so that both ends of a list are read cold.
func (p *pager) slot(slot time.Duration, after, pages int) side {
	return func(ctx context.Context) (figures, error) {
		cpu, err := p.cpu()
		if err != nil {
			return figures{}, err
		}
		read, err := p.reads()
		if err != nil {
			return figures{}, err
		}
		n, start := 0, time.Now()
		for ; time.Since(start) < slot; n++ {
			if _, err := p.page(ctx, after+n%pages*pageRows); err != nil {
				return figures{}, err
			}
		}
		took := time.Since(start)
		cpuAfter, err := p.cpu()
		if err != nil {
			return figures{}, err
		}
		readAfter, err := p.reads()
		return figures{
			rate:  float64(n) / took.Seconds(),
			cpu:   float64((cpuAfter - cpu).Nanoseconds()) / 1000 / float64(n),
			extra: float64(readAfter-read) / diskPage / float64(n),
		}, err
	}
}

func (b *bench) deepRows(ctx context.Context, p *pager) error {
	deep := &pair{name: "page deep", ours: p.slot(b.slot, deepAt, slotPages), limit: p.slot(b.slot, 0, slotPages)}
	if err := runPairs(ctx, b.rng, b.rounds, []*pair{deep}, b.say); err != nil {
		return err
	}
	b.add(deep.cpuRatio("pages of 1,000 of 1,000,000, deep against first, CPU", goalDeep).with(fmt.Sprintf(
		"by marker, default order, one connection: the first %d pages, and %d that come after %d rows", slotPages, slotPages, deepAt)))
	b.add(deep.compare("pages of 1,000, deep against first, time", "ms", goal{}, func(f figures) float64 { return 1000 / f.rate }))
	b.add(deep.compare("pages of 1,000, deep against first, 4 KiB read", "", goalDeep, func(f figures) float64 { return f.extra }).with(
		"bytes read by system calls (/proc/pid/io, rchar) over 4,096"))
	return nil
}

// encodeRows hold a page against the bare encoding of the same rows in memory: what
// the door adds to it, and what hall, database and network add.
func (b *bench) encodeRows(ctx context.Context, p *pager) error {
	rows, m := make([]*block.Snapshot, pageRows), maker{project: p.project, user: p.user}
	for i := range rows {
		rows[i] = m.snapshot(p.count - 1 - i)
	}
	x, buffer := &wire.Exchange{API: wire.V3}, []byte(nil)
	bare := func(ctx context.Context) (figures, error) {
		return timed(ctx, b.slot/4, 1, func() (int64, error) {
			buffer = append(buffer[:0], `{"snapshots":[`...)
			for i, row := range rows {
				if i > 0 {
					buffer = append(buffer, ',')
				}
				buffer = wire.AppendSnapshotItem(buffer, x, row, false)
			}
			buffer = append(buffer, "]}"...)
			return 1, nil
		})
	}
	page, err := doorPage(ctx, rows)
	if err != nil {
		return err
	}
	door := &pair{name: "page encode, the door", limit: bare, ours: func(ctx context.Context) (figures, error) {
		return timed(ctx, b.slot/4, 1, func() (int64, error) { return 1, page() })
	}}
	whole := &pair{name: "page encode, over HTTP", limit: bare, ours: p.slot(b.slot, 0, 1)}
	if err := runPairs(ctx, b.rng, b.rounds, []*pair{door, whole}, b.say); err != nil {
		return err
	}
	b.add(door.cpuRatio("page of 1,000, the door over rows in memory, CPU", goalEncode).with(
		"limit: wire.AppendSnapshotItem over the same rows, nothing read, nothing sent"))
	b.add(whole.cpuRatio("page of 1,000, over HTTP from the database, CPU", goal{}).with(
		"against the same limit: what reading the rows and sending the page add; the first page, again and again"))
	return nil
}

// walkRow walks through the list and looks at the server's memory.
func (b *bench) walkRow(ctx context.Context, p *pager) error {
	var early, late, own int64
	start := time.Now()
	for n := range walkPages {
		if _, err := p.page(ctx, n*pageRows); err != nil {
			return err
		}
		resident, anonymous, err := p.memory()
		if err != nil {
			return err
		}
		own = max(own, anonymous)
		if n < walkWarm {
			early = max(early, resident)
		} else {
			late = max(late, resident)
		}
	}
	took := time.Since(start)
	before, after := oneValue(mebibytes(early)), oneValue(mebibytes(late))
	ratio := oneValue(float64(late) / float64(early))
	b.add(row{Name: fmt.Sprintf("memory over %d pages of 1,000, highest after page %d", walkPages, walkWarm), Unit: "MiB",
		Ours: after, Limit: &before, Ratio: &ratio, Goal: goalFlat, Rounds: 1}.with(fmt.Sprintf(
		"resident, against the highest of the first %d pages; without pages of files %.1f MiB at most; %.1f ms for each page, client included",
		walkWarm, mebibytes(own), milliseconds(took)/walkPages)))
	return nil
}

func oneValue(v float64) spread { return spread{v, v, v} }

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }
