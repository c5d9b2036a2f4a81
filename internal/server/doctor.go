package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/config"
	"github.com/breezeblock/breezeblock/internal/store"
)

// Checkup is what the doctor found in a data folder.
type Checkup struct {
	*block.Diagnosis
	Left *block.Diagnosis // what is still wrong after the repair; nil without one
}

// Healthy tells whether nothing is wrong, or nothing any more.
func (c *Checkup) Healthy() bool {
	if c.Left != nil {
		return len(c.Left.Findings) == 0
	}
	return len(c.Findings) == 0
}

// Examination says what the doctor does beyond comparing.
type Examination struct {
	Verify bool // look through each volume for damage; may read every byte
	Repair bool // carry out the plan
}

// Doctor compares the database and the driver of a stopped server, and mends what
// it can when told to. It takes the lock of the data folder and makes none.
func Doctor(ctx context.Context, c *config.Config, parts Parts, e Examination) (_ *Checkup, err error) {
	s, err := openStopped(ctx, c, parts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.release()) }()
	if e.Repair {
		if err := s.othersWork(ctx); err != nil {
			return nil, err
		}
	}
	found, err := s.blocks.Diagnose(ctx, e.Verify)
	if err != nil || !e.Repair || len(found.Findings) == 0 {
		return &Checkup{Diagnosis: found}, err
	}
	_ = s.blocks.Repair(ctx, found) // each failure is in its finding, and what is left is told
	left, err := s.blocks.Diagnose(ctx, e.Verify)
	return &Checkup{found, left}, err
}

// openStopped opens the database and the driver of a stopped server, whose data
// folder it locks; release ends it.
func openStopped(ctx context.Context, c *config.Config, parts Parts) (_ *Server, err error) {
	needed := []string{c.Data}
	if file, ours := strings.CutPrefix(databaseURL(c), "sqlite:"); ours {
		needed = append(needed, file)
	}
	for _, path := range needed {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not there: no server was ever started on it", path)
		}
	}
	s := &Server{config: c, parts: parts.withDefaults()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if s.lock, err = lockFolder(c.Data); err != nil {
		return nil, err
	}
	if s.store, err = store.Open(ctx, store.Config{URL: databaseURL(c), Clock: s.parts.Now, Log: s.parts.Log}); err != nil {
		return nil, err
	}
	if err = s.openDriver(); err != nil {
		return nil, err
	}
	s.blocks = block.NewService(s.store, s.driver, block.Parts{Now: s.parts.Now, Backups: s.backups()})
	return s, nil
}

// othersWork refuses a repair while another node of the same database works: the
// lock on the folder keeps out only those who use the folder.
func (s *Server) othersWork(ctx context.Context) error {
	if s.config.Database == "" {
		return nil
	}
	last := ""
	for {
		live, err := s.store.LiveJobs(ctx, last, block.MaxPage)
		if err != nil {
			return err
		}
		for _, job := range live {
			if until := job.LeaseUntil; until.After(s.parts.Now()) {
				return fmt.Errorf("a worker holds job %s until %s: stop all servers of this database first", job.ID, until.UTC().Format(time.RFC3339))
			}
			last = job.ID
		}
		if len(live) < block.MaxPage {
			return nil
		}
	}
}
