package cinder_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/testserver"
)

func TestThousandCreationsAtOnceMakeExactlyWhatTheQuotaAllows(t *testing.T) {
	const asked, allowed = 1000, 500
	s := newSite(t, "cinder")
	quota := "/v3/" + s.admin.project + "/os-quota-sets/" + s.demo.project
	s.want(s.do(s.admin, "PUT", quota, fmt.Sprintf(`{"quota_set":{"volumes":%d,"gigabytes":-1}}`, allowed)), 200, "")
	var mu sync.Mutex
	answers := map[int]int{}
	var wait sync.WaitGroup
	turns := make(chan struct{}, 64) // connections
	for range asked {
		wait.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			a := s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1}}`)
			mu.Lock()
			defer mu.Unlock()
			if answers[a.status]++; a.status == 413 && answers[413] == 1 {
				s.want(a, 413, `{"overLimit":{"message":"VolumeLimitExceeded: Maximum number of volumes allowed (500) exceeded for quota 'volumes'.","code":413,"retryAfter":"0"}}`)
			}
		})
	}
	wait.Wait()
	if answers[202] != allowed || answers[413] != asked-allowed {
		t.Errorf("the answers were %v, want %d times 202 and %d times 413", answers, allowed, asked-allowed)
	}
	s.want(s.do(s.demo, "GET", "/v3/{p}/os-quota-sets/"+s.demo.project+"?usage=True", ""), 200, `"volumes":{"limit":500,"in_use":500,"reserved":0}`)
	s.want(s.do(s.demo, "GET", "/volumes?limit=1000&with_count=true", "", at70), 200, `"count":500`)
}

func TestOfEightDeletionsAtOnceOneIsTaken(t *testing.T) {
	bytes := fake.New()
	s := newSiteOn(t, "cinder", bytes)
	volume := s.volume(`{"size":1}`)
	for name, path := range map[string]string{"snapshot": "/snapshots/" + s.snapshot(volume, ""), "volume": "/volumes/" + s.volume(`{"size":1}`)} {
		var mu sync.Mutex
		answers := map[int]int{}
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				a := s.do(s.demo, "DELETE", path, "")
				mu.Lock()
				defer mu.Unlock()
				answers[a.status]++
			})
		}
		wait.Wait()
		if answers[202] != 1 || answers[202]+answers[400]+answers[404] != 8 {
			t.Errorf("%s: the answers were %v, want one 202 and seven refused", name, answers)
		}
		s.until(s.demo, path, "gone")
	}
	if got := bytes.Count(fake.Delete) + bytes.Count(fake.DeleteSnapshot); got != 2 {
		t.Errorf("the driver deleted %d times, want once each", got)
	}
}

// action posts an action of an administrator.
func (s *site) action(path, body string) answer {
	s.t.Helper()
	return s.do(s.admin, "POST", path+"/action", body)
}

func TestHungDriverEndsInAStatusWithAnExit(t *testing.T) {
	bytes := fake.New(fake.Fault{Call: fake.Create, Nth: 1, Hang: true}, fake.Fault{Call: fake.Snapshot, Nth: 1, Hang: true})
	s := &site{Server: testserver.New(t, testserver.Dialect("cinder"), testserver.Driver(bytes), testserver.Patience(500*time.Millisecond)), t: t}
	s.demo, s.admin = s.logIn("demo", s.DemoPassword), s.logIn("admin", s.AdminPassword)
	path := "/volumes/" + s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1}}`).text("volume", "id")
	s.until(s.demo, path, "error", "volume", "status")
	a := s.want(s.do(s.demo, "GET", path+"/explain", ""), 200, `"last_error":"context deadline exceeded"`)
	s.want(a, 200, `"you_can":["delete it",`)
	s.want(s.do(s.demo, "DELETE", path, ""), 202, "")
	s.until(s.demo, path, "gone")

	snap := "/snapshots/" + s.do(s.demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+s.volume(`{"size":1}`)+`"}}`).text("snapshot", "id")
	s.until(s.demo, snap, "error", "snapshot", "status")
	s.want(s.do(s.demo, "DELETE", snap, ""), 202, "")
	s.until(s.demo, snap, "gone")
}

func TestForceDeleteWorksWhileAnObjectIsBeingMade(t *testing.T) {
	bytes := fake.New(fake.Fault{Call: fake.Create, Nth: 1, Hang: true}, fake.Fault{Call: fake.Snapshot, Nth: 1, Hang: true, Progress: []int{40}})
	s := newSiteOn(t, "cinder", bytes)
	path := "/volumes/" + s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1}}`).text("volume", "id")
	for end := time.Now().Add(20 * time.Second); bytes.Count(fake.Create) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // until the first creation hangs: the fault is not for a later one
	}
	s.want(s.do(s.demo, "DELETE", path, ""), 400, "creating")
	s.want(s.do(s.demo, "GET", path+"/explain", ""), 200, `"status":"creating","waits_for":"for the storage to make the volume`)
	s.want(s.action(path, `{"os-force_delete":{}}`), 202, "")
	s.until(s.demo, path, "gone")

	volume := s.volume(`{"size":1}`)
	snap := "/snapshots/" + s.do(s.demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+volume+`"}}`).text("snapshot", "id")
	s.until(s.demo, snap, "40%", "snapshot", "os-extended-snapshot-attributes:progress")
	a := s.want(s.do(s.admin, "GET", snap+"/explain", ""), 200, `"kind":"snapshot.create","attempt":1,"lease_until":"`)
	s.want(a, 200, `"progress":40`)
	s.want(s.do(s.demo, "DELETE", "/volumes/"+volume+"?cascade=true", ""), 202, "")
	s.until(s.demo, snap, "gone")
	s.until(s.demo, "/volumes/"+volume, "gone")
	s.want(s.do(s.demo, "GET", "/v3/{p}/limits", ""), 200, `"totalVolumesUsed":0,"totalGigabytesUsed":0,"totalSnapshotsUsed":0`)
}

func TestExplanationIsOfTheOwnersObjects(t *testing.T) {
	bytes := fake.New(fake.Fault{Call: fake.Create, Nth: 2, Err: errors.New("/srv/pool: it broke")})
	s := newSiteOn(t, "evs", bytes)
	volume := s.volume(`{"size":1}`)
	s.want(s.do(s.demo, "GET", "/v2/{p}/volumes/"+volume+"/explain", ""), 200, `{"explanation":{"object":"volume","id":"`+volume+`","status":"available","waits_for":null,"held_by":null,"since":"`)
	s.want(s.do(s.demo, "GET", "/snapshots/"+s.snapshot(volume, "")+"/explain", ""), 200, `"object":"snapshot"`)
	s.want(s.do(s.demo, "GET", "/volumes/"+noSuchID+"/explain", ""), 404, "itemNotFound")
	theirs := s.do(s.admin, "POST", "/volumes", `{"volume":{"size":1}}`).text("volume", "id")
	s.want(s.do(s.demo, "GET", "/volumes/"+theirs+"/explain", ""), 404, "itemNotFound")
	s.want(s.do(user{project: s.demo.project}, "GET", "/volumes/"+volume+"/explain", ""), 401, "")
}

func TestQuotaClassesAndResettingQuotas(t *testing.T) {
	s := newSite(t, "cinder")
	of := func(u user, rest string) string {
		return "/v3/" + u.project + "/os-quota-sets/" + s.demo.project + rest
	}
	class := func(u user, name string) string { return "/v3/" + u.project + "/os-quota-class-sets/" + name }
	a := s.want(s.do(s.admin, "GET", class(s.admin, "default"), ""), 200, `{"quota_class_set":{"volumes":10,"per_volume_gigabytes":-1,"snapshots":10,`)
	s.want(a, 200, `"id":"default"}}`)
	s.want(s.do(s.demo, "GET", class(s.demo, "default"), ""), 403, "forbidden")
	s.want(s.do(s.demo, "PUT", class(s.demo, "default"), `{"quota_class_set":{"volumes":99}}`), 403, "forbidden")
	for body, has := range map[string]string{
		`{"quota_class_set":{"volumes":-2}}`: "volumes", `{"quota_class_set":{"z":1,"bogus":1}}`: "bogus, z",
		`{"quota_set":{"volumes":1}}`: "quota_class_set", `{"quota_class_set":{"volumes":2147483648}}`: "volumes",
	} {
		s.want(s.do(s.admin, "PUT", class(s.admin, "default"), body), 400, has)
	}
	s.want(s.do(s.admin, "PUT", class(s.admin, "default"), `{"quota_class_set":{"volumes":2,"snapshots_SSD":0,"class_name":"default"}}`), 200, `"volumes":2`)
	a = s.want(s.do(s.demo, "GET", of(s.demo, ""), ""), 200, `"volumes":2`)
	s.want(a, 200, `"snapshots_SSD":0`)
	s.want(s.do(s.demo, "GET", of(s.demo, "/defaults"), ""), 200, `"volumes":2`)
	s.want(s.do(s.demo, "GET", "/v3/{p}/limits", ""), 200, `"maxTotalVolumes":2`)
	ssd := s.volume(`{"size":1,"volume_type":"SSD"}`)
	s.want(s.do(s.demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+ssd+`"}}`), 413, "snapshots_SSD")
	sata := s.volume(`{"size":1,"volume_type":"SATA"}`)
	s.want(s.do(s.demo, "POST", "/volumes", `{"volume":{"size":1}}`), 413, "VolumeLimitExceeded")

	s.want(s.do(s.admin, "PUT", of(s.admin, ""), `{"quota_set":{"volumes":3,"per_volume_snapshots":1}}`), 200, `"per_volume_snapshots":1`)
	s.want(s.do(s.demo, "GET", of(s.demo, ""), ""), 200, `"volumes":3`)
	s.snapshot(sata, "")
	s.want(s.do(s.demo, "POST", "/snapshots", `{"snapshot":{"volume_id":"`+sata+`"}}`), 413, "Maximum number of snapshots allowed (1)")
	s.want(s.do(s.demo, "DELETE", of(s.demo, ""), ""), 403, "forbidden")
	if a := s.want(s.do(s.admin, "DELETE", of(s.admin, ""), ""), 200, ""); a.body != "" {
		t.Errorf("the answer has a body: %s", a.body)
	}
	s.want(s.do(s.demo, "GET", of(s.demo, ""), ""), 200, `"volumes":2`)
	s.snapshot(sata, "")

	s.want(s.do(s.admin, "PUT", class(s.admin, "gold"), `{"quota_class_set":{"volumes":77}}`), 200, `"volumes":77`)
	s.want(s.do(s.demo, "GET", of(s.demo, ""), ""), 200, `"volumes":2`)
	s.want(s.do(s.admin, "GET", class(s.admin, "gold"), ""), 200, `"id":"gold"`)
}
