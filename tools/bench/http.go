package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	warmSnapshots = 1000      // that the service holds in memory
	diskFloor     = 2000      // fdatasyncs a second below which a durable round does not count
	coldPerSecond = 60_000    // requests that a slot of cold reads can use up, at the very most
	coldSnapshots = 1_000_000 // many times what the cache of rows holds
)

// Goals. Source: design.md section 6, in docs/benchmarks.md.
var (
	goalGet    = goal{Least: 0.75}
	goalCold   = goal{Least: 0.40}
	goalPut    = goal{Least: 0.30}
	goalPutCPU = goal{Most: 100} // µs
)

// httpRows measures GET and PUT of snapshots against bare net/http.
func (b *bench) httpRows(ctx context.Context) error {
	if !b.wants("http get", "http get cold", "http put") {
		return nil
	}
	if err := needWrk(); err != nil {
		return err
	}
	bare, err := b.startBare(ctx)
	if err != nil {
		return err
	}
	defer bare.kill()
	h := &httpBench{bench: b, bare: bare}
	defer h.stop()
	if err := h.prepare(ctx); err != nil {
		return err
	}
	if err := runPairs(ctx, b.rng, b.rounds, h.pairs, b.say); err != nil {
		return err
	}
	for _, add := range h.rows {
		add()
	}
	return nil
}

// httpBench is what the HTTP rows share.
type httpBench struct {
	*bench
	bare  *process
	warm  *service
	cold  *service
	disk  *disk
	pairs []*pair
	rows  []func() // adds the rows when the rounds are through

	coldNext          int // the first snapshot that no slot has read yet
	coldHit, coldMiss float64
	putP50, putP99    []float64 // ms, each round
}

func (h *httpBench) stop() {
	for _, s := range []*service{h.warm, h.cold} {
		if s != nil {
			_, _ = s.stop()
		}
	}
	if h.disk != nil {
		h.disk.close()
	}
}

func (h *httpBench) prepare(ctx context.Context) (err error) {
	if h.wants("http get", "http put") {
		f, err := fillFolder(ctx, h.binary, filepath.Join(h.dir, "warm"), warmSnapshots)
		if err != nil {
			return err
		}
		if h.warm, err = openService(ctx, h.binary, f.dir); err != nil {
			return err
		}
	}
	if h.wants("http get") {
		for _, connections := range []int{16, 64} {
			h.addGet(connections)
		}
	}
	if h.wants("http get cold") {
		f, err := keptFolder(ctx, h.binary, h.cache, coldSnapshots, h.say)
		if err != nil {
			return err
		}
		if h.cold, err = openService(ctx, h.binary, f.dir); err != nil {
			return err
		}
		for _, connections := range []int{16, 64} {
			h.addCold(connections)
		}
	}
	if h.wants("http put") {
		if h.disk, err = openDisk(h.dir); err != nil {
			return err
		}
		if err := h.addPut(64); err != nil {
			return err
		}
	}
	return nil
}

// bareSide is the limit: bare net/http under the same number of connections.
func (h *httpBench) bareSide(connections int) side {
	return func(ctx context.Context) (figures, error) {
		f, _, err := underLoad(ctx, h.dir, h.slot, h.bare, load{url: h.bare.url + "/", connections: connections})
		return f, err
	}
}

func (h *httpBench) addGet(connections int) {
	p := &pair{name: fmt.Sprintf("http get c%d", connections), limit: h.bareSide(connections)}
	p.ours = func(ctx context.Context) (figures, error) {
		url := h.warm.url + h.warm.snapshotPath(snapshotID(0))
		f, _, err := underLoad(ctx, h.dir, h.slot, h.warm.process, load{url: url, connections: connections, token: h.warm.token})
		return f, err
	}
	h.pairs = append(h.pairs, p)
	h.rows = append(h.rows, func() {
		h.add(p.rate(fmt.Sprintf("GET snapshot, %d connections", connections), goalGet).with(
			"against bare net/http in the same round; full stack: token, permission, metrics, access log to /dev/null"))
		h.add(p.cpuRatio(fmt.Sprintf("GET snapshot, %d connections, server CPU", connections), goal{}))
	})
}

// coldScript reads the paths of its file one after another.
const coldScript = `
local requests, n = {}, 0
function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
`

func (h *httpBench) addCold(connections int) {
	p := &pair{name: fmt.Sprintf("http get cold c%d", connections), limit: h.bareSide(connections)}
	p.ours = func(ctx context.Context) (figures, error) { return h.coldSlot(ctx, connections) }
	h.pairs = append(h.pairs, p)
	h.rows = append(h.rows, func() {
		h.add(p.rate(fmt.Sprintf("GET snapshot not in memory, %d connections", connections), goalCold).with(fmt.Sprintf(
			"each request another of %d snapshots; %.1f %% of the reads went to the database",
			coldSnapshots, 100*h.coldMiss/max(1, h.coldHit+h.coldMiss))))
		h.add(p.cpuRatio(fmt.Sprintf("GET snapshot not in memory, %d connections, server CPU", connections), goal{}))
	})
}

// coldSlot reads snapshots that no slot before has read, as far as there are any.
func (h *httpBench) coldSlot(ctx context.Context, connections int) (figures, error) {
	var paths strings.Builder
	for n := range coldPerSecond * seconds(h.slot) {
		paths.WriteString(h.cold.snapshotPath(snapshotID((h.coldNext + n) % coldSnapshots)))
		paths.WriteByte('\n')
	}
	file := filepath.Join(h.dir, "paths")
	if err := os.WriteFile(file, []byte(paths.String()), 0o600); err != nil {
		return figures{}, err
	}
	missed, hit, err := h.cold.misses(ctx)
	if err != nil {
		return figures{}, err
	}
	f, r, err := underLoad(ctx, h.dir, h.slot, h.cold.process, load{url: h.cold.url, connections: connections,
		token: h.cold.token, script: coldScript, args: []string{file}})
	if err != nil {
		return figures{}, err
	}
	missedAfter, hitAfter, err := h.cold.misses(ctx)
	h.coldMiss += missedAfter - missed
	h.coldHit += hitAfter - hit
	h.coldNext = (h.coldNext + r.requests + connections) % coldSnapshots
	return f, err
}

// putScript renames the snapshots of its file one after another, each time to
// another name.
const putScript = `
local requests, n = {}, 0
function init(args)
  wrk.headers["Content-Type"] = "application/json"
  for round = 1, 3 do
    for path in io.lines(args[1]) do
      local body = string.format('{"snapshot":{"name":"snap-%d-%d","description":"Daily backup"}}', round, #requests)
      requests[#requests + 1] = wrk.format("PUT", path, nil, body)
    end
  end
end
function request()
  n = n % #requests + 1
  return requests[n]
end
`

func (h *httpBench) addPut(connections int) error {
	var paths strings.Builder
	for n := range warmSnapshots {
		paths.WriteString(h.warm.snapshotPath(snapshotID(scatter(n, warmSnapshots))) + "\n")
	}
	file := filepath.Join(h.dir, "put-paths")
	if err := os.WriteFile(file, []byte(paths.String()), 0o600); err != nil {
		return err
	}
	p := &pair{name: fmt.Sprintf("http put c%d", connections), limit: h.bareSide(connections), least: diskFloor}
	p.gate = func(ctx context.Context) (float64, error) {
		f, err := h.disk.serial(ctx, gateSlot)
		return f.rate, err
	}
	p.ours = func(ctx context.Context) (figures, error) {
		f, r, err := underLoad(ctx, h.dir, h.slot, h.warm.process, load{url: h.warm.url, connections: connections,
			token: h.warm.token, script: putScript, args: []string{file}})
		h.putP50, h.putP99 = append(h.putP50, milliseconds(r.p50)), append(h.putP99, milliseconds(r.p99))
		return f, err
	}
	h.pairs = append(h.pairs, p)
	h.rows = append(h.rows, func() {
		h.add(p.rate(fmt.Sprintf("PUT snapshot, durable, %d connections", connections), goalPut).with(fmt.Sprintf(
			"rounds whose bare fdatasync loop, just before or after, did less than %d/s are marked; latency p50 %s ms, p99 %s ms",
			diskFloor, spreadOf(h.putP50).text(), spreadOf(h.putP99).text())))
		h.add(p.alone(fmt.Sprintf("PUT snapshot, durable, %d connections, server CPU", connections), "µs", goalPutCPU,
			func(f figures) float64 { return f.cpu }))
	})
	return nil
}

// gateSlot is how long the disk is tried before and after a durable round.
const gateSlot = 150 * time.Millisecond

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
