package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// Clients that go away at any moment: before the body is sent, after it, or while
// the answer is on its way. Nothing waits for them, and what was answered holds.
func TestClientsThatGoAwayLeaveNothingStuck(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	snap := s.snapshot(demo, s.volume(demo))
	path := "/v3/" + demo.project + "/snapshots/" + snap
	const body = `{"snapshot":{"name":"gone"}}`
	var clients sync.WaitGroup
	for i := range 60 {
		c := s.dial()
		clients.Go(func() {
			whole := put(demo, snap, len(body)) + body
			c.write(whole[:len(whole)*(i+1)/60]) // every 60th part of a request, the whole one too
			_ = c.conn.Close()
		})
	}
	var answered atomic.Int64
	for i := range 60 {
		clients.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, "PUT", s.local+path, strings.NewReader(fmt.Sprintf(`{"snapshot":{"description":"%d"}}`, i)))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("X-Auth-Token", demo.token)
			r.Header.Set("Content-Type", "application/json")
			if a, err := s.client.Do(r); err == nil {
				_ = a.Body.Close()
				answered.Add(1)
			}
		})
	}
	clients.Wait()
	s.until("the queue of the writer is empty", func() bool {
		return strings.Contains(s.want(http.StatusOK, user{}, "GET", "/metrics", "").body, "breezeblock_store_queue_length 0")
	})
	if a := s.want(http.StatusOK, demo, "PUT", path, `{"snapshot":{"name":"after","description":"after"}}`); a.text("snapshot", "name") != "after" {
		t.Errorf("after them: %s", a)
	}
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("clients that went away are no error of ours: %s", s.log)
	}
	t.Logf("%d of 60 were answered in time", answered.Load())
}

// A server that stops while clients hold connections: idle ones, one that has
// sent half a head, one whose body is on its way. The last ends in order.
func TestStopWaitsForWhatIsInHandAlone(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"identity-listen": "127.0.0.1:0"}, withFake(fake.New()))
	demo := s.logIn("demo")
	snap := s.snapshot(demo, s.volume(demo))
	const body = `{"snapshot":{"name":"last"}}`
	for range 50 {
		c := s.dial()
		c.write("GET /healthcheck HTTP/1.1\r\nHost: h\r\n\r\n")
		if a := c.answer(); a.status != http.StatusOK {
			t.Fatalf("health: %s", a)
		}
	}
	slow := s.dial()
	slow.write(strings.Replace(put(demo, snap, len(body)), "Host: h", "Host: h\r\nExpect: 100-continue", 1) + body[:9])
	if a := slow.answer(); a.status != http.StatusContinue { // the handler reads
		t.Fatalf("a PUT that waits: %s", a)
	}
	identity := s.IdentityURL()
	stopped := make(chan struct{})
	go func() { s.close(); close(stopped) }()
	for _, url := range []string{s.local, identity} { // neither listener takes anything new
		s.untilRefused(url)
	}
	select {
	case <-stopped:
		t.Fatal("it stopped with a request in hand")
	default:
	}
	slow.write(body[9:])
	if a := slow.answer(); a.status != http.StatusOK || a.text("snapshot", "name") != "last" {
		t.Errorf("the request in hand: %s", a)
	}
	slow.write("GET /healthcheck HTTP/1.1\r\nHost: h\r\n\r\n")
	if a := slow.answer(); a.status != 0 {
		t.Errorf("a new request on an old connection: %s", a)
	}
	<-stopped
}

// untilRefused waits until nobody listens at url.
func (s *site) untilRefused(url string) {
	s.t.Helper()
	s.until(url+" takes no connection", func() bool {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
		a, err := c.Get(url + "/healthcheck")
		if err == nil {
			_ = a.Body.Close()
		}
		return err != nil
	})
}
