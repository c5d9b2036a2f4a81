package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/block"
	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// A request with a token is known again for eight hours, is refused from then on, and
// is forgotten after a day. Source: EVS 2.1, X-Client-Token; EVS.2220.
func TestTokensOfRequestsGrowOld(t *testing.T) {
	t.Parallel()
	s := open(t, settings{"token-lifetime": "72h"}, withFake(fake.New()))
	demo := s.logIn("demo")
	const token = "6f2d1c1e-0b2a-4a62-8f11-000000000001"
	make := func() answer {
		return s.send(demo, "POST", "/v2.1/"+demo.project+"/cloudvolumes",
			`{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1,"metadata":{"create_for_volume_id":"true"}}}`, "X-Client-Token", token)
	}
	volumes := func() int {
		return strings.Count(s.want(200, demo, "GET", "/v3/"+demo.project+"/volumes", "").body, `"name"`)
	}
	first := make()
	if first.status != 202 || first.text("job_id") == "" {
		t.Fatalf("the first: %s", first)
	}
	s.clock.advance(block.TokenLife - time.Minute)
	if again := make(); again.status != 202 || again.body != first.body {
		t.Errorf("within its life: %s, want %s", again, first)
	}
	for _, later := range []time.Duration{2 * time.Minute, block.TokenMemory - block.TokenLife - 2*time.Minute} {
		s.clock.advance(later)
		if late := make(); late.status != 400 || late.text("error", "code") != "EVS.2220" || !strings.Contains(late.body, "8 hours") {
			t.Errorf("%s later: %s, want 400 EVS.2220", later, late)
		}
	}
	if n := volumes(); n != 1 {
		t.Errorf("there are %d disks, want the first alone", n)
	}
	s.clock.advance(3 * time.Minute)
	if fresh := make(); fresh.status != 202 || fresh.body == first.body || volumes() != 2 {
		t.Errorf("once forgotten: %s, with %d disks", fresh, volumes())
	}
}
