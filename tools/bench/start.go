package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Goals. Source: design.md section 6.
var (
	goalStart = goal{Most: 50}  // ms
	goalIdle  = goal{Most: 30}  // MiB
	goalSize  = goal{Most: 40}  // MB
	idleAfter = 2 * time.Second // after a first start
)

// startRows measures starts, stops, idle memory and the binary's size.
func (b *bench) startRows(ctx context.Context) error {
	if b.wants("start", "idle memory") {
		if err := b.startAndStop(ctx); err != nil {
			return err
		}
	}
	if b.wants("binary size") {
		return b.sizeRow()
	}
	return nil
}

// starts are the figures of the rounds, in ms and MiB.
type starts struct{ first, again, stop, idle, anonymous []float64 }

func (b *bench) startAndStop(ctx context.Context) error {
	var s starts
	for n := range b.rounds {
		if err := b.oneStart(ctx, filepath.Join(b.dir, fmt.Sprintf("start-%d", n)), &s); err != nil {
			return err
		}
	}
	plain := func(name, unit string, values []float64, g goal) row {
		return row{Name: name, Unit: unit, Ours: spreadOf(values), Goal: g, Rounds: len(values)}
	}
	b.add(plain("start to first 200 on an existing folder", "ms", s.again, goalStart).with("from exec to the end of GET /healthcheck"))
	b.add(plain("first start to first 200 (empty folder)", "ms", s.first, goal{}).with("database, keys, users and their password hashes are made"))
	b.add(plain("stop (SIGTERM to exit), idle", "ms", s.stop, goal{}))
	b.add(plain("idle memory two seconds after a first start", "MiB", s.idle, goalIdle).with(
		fmt.Sprintf("resident, the binary's own pages included; without them %s MiB", spreadOf(s.anonymous).text())))
	return nil
}

func (b *bench) oneStart(ctx context.Context, data string, s *starts) error {
	defer func() { _ = os.RemoveAll(data) }() // the whole folder goes at the end anyway
	for _, times := range []*[]float64{&s.first, &s.again} {
		p, err := startService(ctx, b.binary, data)
		if err != nil {
			return err
		}
		if err := healthy(ctx, p.url); err != nil {
			p.kill()
			return err
		}
		took := time.Since(p.started)
		*times = append(*times, milliseconds(took))
		if times == &s.first {
			time.Sleep(idleAfter)
			resident, anonymous, err := p.memory()
			if err != nil {
				p.kill()
				return err
			}
			s.idle, s.anonymous = append(s.idle, mebibytes(resident)), append(s.anonymous, mebibytes(anonymous))
		}
		stopped, err := p.stop()
		if err != nil {
			return err
		}
		s.stop = append(s.stop, milliseconds(stopped))
		b.say("%-44s up in %.1f ms, down in %.1f ms\n", "start", milliseconds(took), milliseconds(stopped))
	}
	return nil
}

// healthy asks once: a server that has said its address answers.
func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthcheck", nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET /healthcheck: %s", answer.Status)
	}
	return nil
}

// sizeRow tells the size of the binary, which must be stripped and static.
func (b *bench) sizeRow() error {
	info, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	file, err := elf.Open(b.binary)
	if err != nil {
		return err
	}
	defer file.Close()
	size := row{Name: "binary, static and stripped", Unit: "MB", Ours: oneValue(float64(info.Size()) / 1e6), Goal: goalSize, Rounds: 1}
	if _, err := file.Symbols(); !errors.Is(err, elf.ErrNoSymbols) {
		size.Rounds = 0
		size = size.with("not judged: it is not stripped (go build -ldflags '-s -w')")
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			size.Rounds = 0
			size = size.with("not judged: it is not static (CGO_ENABLED=0)")
		}
	}
	b.add(size)
	return nil
}
