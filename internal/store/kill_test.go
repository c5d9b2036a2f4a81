package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/store"
	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// killVariable names the database that a child process writes to until it is killed.
const killVariable = "BREEZEBLOCK_STORE_TEST_CHILD"

// child writes from several goroutines and tells each change once it is acknowledged.
func child(path string) {
	s, err := store.Open(context.Background(), store.Config{URL: "sqlite:" + path})
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	var out sync.Mutex
	for caller := range 16 {
		go func() {
			for n := 0; ; n++ {
				snap := storetest.NewSnapshot(caller<<20|n, time.Now().UTC())
				err := s.InTx(context.Background(), func(tx block.Tx) error {
					if err := tx.AddSnapshot(snap); err != nil {
						return err
					}
					_, _, err := tx.AddUsage("p", "", block.Usage{Snapshots: 1})
					return err
				})
				out.Lock()
				if err != nil {
					fmt.Println("failed", err)
				} else {
					fmt.Println("stored", snap.ID)
				}
				out.Unlock()
			}
		}()
	}
	select {}
}

func TestAcknowledgedChangesSurviveKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "breezeblock.db")
	var stored []string
	for round := range 3 {
		if round > 0 { // ids of the rounds before are taken
			path = filepath.Join(t.TempDir(), "breezeblock.db")
			stored = nil
		}
		stored = append(stored, killAfter(t, path, 300*(round+1))...)
		s, _ := storetest.Open(t, "sqlite:"+path)
		for _, id := range stored {
			if _, err := s.Snapshot(t.Context(), id); err != nil {
				t.Fatalf("acknowledged, then lost: %v", err)
			}
		}
		rows, err := s.CountSnapshots(t.Context(), block.List{})
		if err != nil {
			t.Fatal(err)
		}
		usage, err := s.Usages(t.Context(), "p")
		if err != nil || usage[""].Snapshots != int64(rows) {
			t.Errorf("%d rows, but usage %v, %v: a transaction was cut in two", rows, usage, err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// killAfter kills a child once it has acknowledged so many changes and tells which.
func killAfter(t *testing.T, path string, changes int) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var stored []string
	killed := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		id, ok := strings.CutPrefix(lines.Text(), "stored ")
		if !ok {
			if !killed || strings.HasPrefix(lines.Text(), "failed") {
				t.Errorf("the child said %q", lines.Text())
			}
			continue
		}
		if len(id) == 36 { // the last line may be cut
			stored = append(stored, id)
		}
		if len(stored) >= changes && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return stored
}
