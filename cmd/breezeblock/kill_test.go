package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// killRounds is how often the server is killed. 20 in CI.
const killRounds = 20

// stormClients is how many write at once, each its own snapshot.
const stormClients = 64

// Every value that was acknowledged before a kill -9 is there after the restart,
// name and description always of the same request.
func TestAcknowledgedUpdatesSurviveKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kill rounds take half a minute; left out with -short")
	}
	data := filepath.Join(t.TempDir(), "data")
	p := start(t, data, "--snapshots-per-volume", "256")
	admin := p.logIn("admin", "admin-secret")
	demo := p.logIn("demo", "demo-secret")
	admin.must("PUT", "/os-quota-sets/"+demo.project, `{"quota_set":{"snapshots":100}}`, nil)
	var volume, snap map[string]object
	demo.must("POST", "/volumes", `{"volume":{"size":1}}`, &volume)
	demo.until("volume", volume["volume"].ID, "available")
	ids := make([]string, stormClients)
	for i := range ids {
		demo.must("POST", "/snapshots", fmt.Sprintf(`{"snapshot":{"volume_id":%q,"name":"0","description":"0"}}`, volume["volume"].ID), &snap)
		ids[i] = snap["snapshot"].ID
	}
	for _, id := range ids {
		demo.until("snapshot", id, "available")
	}
	sent, acknowledged := make([]int, stormClients), make([]int, stormClients)
	total := 0
	for round := range killRounds {
		total += storm(demo, ids, sent, acknowledged, time.Duration(50+rand.IntN(250))*time.Millisecond)
		p = start(t, data, "--snapshots-per-volume", "256")
		demo.p = p // the token survives, too
		for i, id := range ids {
			var got map[string]object
			demo.must("GET", "/snapshots/"+id, "", &got)
			s := got["snapshot"]
			n, err := strconv.Atoi(s.Name)
			if err != nil || s.Name != s.Description || n < acknowledged[i] || n > sent[i] {
				t.Fatalf("round %d: snapshot %d: name %q, description %q; acknowledged %d, sent %d", round, i, s.Name, s.Description, acknowledged[i], sent[i])
			}
			sent[i], acknowledged[i] = n, n
		}
	}
	t.Logf("%d rounds, %d acknowledged updates, none lost", killRounds, total)
	if total < killRounds*stormClients {
		t.Errorf("only %d updates were acknowledged: no storm", total)
	}
}

// storm lets each client write its own snapshot until the server is killed.
func storm(s session, ids []string, sent, acknowledged []int, length time.Duration) int {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: len(ids)}, Timeout: 10 * time.Second}
	var writers sync.WaitGroup
	counts := make([]int, len(ids))
	for i, id := range ids {
		writers.Go(func() {
			for {
				sent[i]++
				n := strconv.Itoa(sent[i])
				status, err := s.call(client, "PUT", "/snapshots/"+id, strings.ReplaceAll(`{"snapshot":{"name":"N","description":"N"}}`, "N", n), nil)
				if err != nil || status != http.StatusOK {
					return
				}
				acknowledged[i] = sent[i]
				counts[i]++
			}
		})
	}
	time.Sleep(length)
	s.p.kill()
	writers.Wait()
	client.CloseIdleConnections()
	total := 0
	for _, n := range counts {
		total += n
	}
	return total
}
