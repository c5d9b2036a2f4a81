package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// load is one call of wrk: one thread, so that the server keeps a core of two.
type load struct {
	url         string
	connections int
	token       string   // X-Auth-Token; none when empty
	script      string   // Lua that makes requests of its own; may be empty
	args        []string // of the script
}

// loadResult is what wrk saw.
type loadResult struct {
	requests int
	took     time.Duration
	refused  int // answers other than 2xx and 3xx
	broken   int // connections that failed, and timeouts
	p50, p99 time.Duration
}

// epilogue makes wrk tell its result in one line. Source: wrk's SCRIPTING file, done.
const epilogue = `
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, e.status,
    e.connect + e.read + e.write + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`

// needWrk fails with what to do when wrk is missing.
func needWrk() error {
	if _, err := exec.LookPath("wrk"); err != nil {
		return errors.New("the HTTP rows need wrk, which is not on the path: install the package wrk, or leave the rows out with -only '^(store|start|page)'")
	}
	return nil
}

// runWrk runs wrk for a slot, in whole seconds: wrk knows no less. An answer that
// is no success fails: a fast 401 would be a fine rate.
func runWrk(ctx context.Context, dir string, slot time.Duration, l load) (loadResult, error) {
	script := filepath.Join(dir, "load.lua")
	if err := os.WriteFile(script, []byte(l.script+epilogue), 0o600); err != nil {
		return loadResult{}, err
	}
	args := []string{"-t1", fmt.Sprintf("-c%d", l.connections), fmt.Sprintf("-d%ds", seconds(slot)), "-s", script}
	if l.token != "" {
		args = append(args, "-H", "X-Auth-Token: "+l.token)
	}
	args = append(append(args, l.url, "--"), l.args...)
	out, err := exec.CommandContext(ctx, "wrk", args...).CombinedOutput()
	if err != nil {
		return loadResult{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	r, err := parseWrk(string(out))
	if err == nil && (r.refused > 0 || r.broken > 0 || r.requests == 0) {
		err = fmt.Errorf("of %d requests %d were refused and %d connections broke", r.requests, r.refused, r.broken)
	}
	return r, err
}

func seconds(slot time.Duration) int { return max(1, int((slot+time.Second/2)/time.Second)) }

// parseWrk reads the line of epilogue.
func parseWrk(out string) (r loadResult, err error) {
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if len(fields) != 7 || fields[0] != "RESULT" {
			continue
		}
		var n [6]int
		for i := range n {
			if n[i], err = strconv.Atoi(fields[i+1]); err != nil {
				return r, fmt.Errorf("wrk told %q: %w", line, err)
			}
		}
		return loadResult{requests: n[0], took: time.Duration(n[1]) * time.Microsecond, refused: n[2], broken: n[3],
			p50: time.Duration(n[4]) * time.Microsecond, p99: time.Duration(n[5]) * time.Microsecond}, nil
	}
	return r, fmt.Errorf("wrk told no result: %s", out)
}

// underLoad runs a load against a process and gives its rate and the CPU that the
// process used for each request.
func underLoad(ctx context.Context, dir string, slot time.Duration, p *process, l load) (figures, loadResult, error) {
	before, err := p.cpu()
	if err != nil {
		return figures{}, loadResult{}, err
	}
	r, err := runWrk(ctx, dir, slot, l)
	if err != nil {
		return figures{}, r, err
	}
	after, err := p.cpu()
	if err != nil {
		return figures{}, r, err
	}
	return figures{
		rate: float64(r.requests) / r.took.Seconds(),
		cpu:  float64((after - before).Nanoseconds()) / 1000 / float64(r.requests),
	}, r, nil
}
