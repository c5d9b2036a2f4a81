package server_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
	"github.com/breezeblock/breezeblock/internal/jobs"
)

// The storage fails at each kind of work in turn: the job says so with the code of
// what its object then is, and names no part of the machine. Source: evs-errors 3,
// EVS.2019 to 2026.
func TestJobsThatFailTellTheirCode(t *testing.T) {
	t.Parallel()
	broken := jobs.GiveUpNow(errors.New("the storage is broken")) // so that nothing is tried again
	const disk = `{"volume":{"availability_zone":"az1","volume_type":"SSD","size":1`
	for _, tc := range []struct {
		name string
		call fake.Call
		code string
		ask  func(s *site, u user) answer
	}{
		{"creation", fake.Create, "EVS.2024", func(s *site, u user) answer {
			return s.send(u, "POST", "/v2/"+u.project+"/cloudvolumes", disk+"}}")
		}},
		{"creation of two", fake.Create, "EVS.2024", func(s *site, u user) answer {
			return s.send(u, "POST", "/v2.1/"+u.project+"/cloudvolumes", disk+`,"count":2}}`)
		}},
		{"extension", fake.Extend, "EVS.2026", func(s *site, u user) answer {
			return s.send(u, "POST", "/v2/"+u.project+"/cloudvolumes/"+s.volume(u)+"/action", `{"os-extend":{"new_size":2}}`)
		}},
		{"deletion", fake.Delete, "EVS.2020", func(s *site, u user) answer {
			return s.send(u, "DELETE", "/v2/"+u.project+"/cloudvolumes/"+s.volume(u), "")
		}},
		{"snapshot", fake.Snapshot, "EVS.2002", func(s *site, u user) answer {
			return s.send(u, "POST", "/v5/"+u.project+"/snapshots", `{"snapshot":{"volume_id":"`+s.volume(u)+`"}}`)
		}},
		{"deletion of a snapshot", fake.DeleteSnapshot, "EVS.2019", func(s *site, u user) answer {
			return s.send(u, "DELETE", "/v5/"+u.project+"/snapshots/"+s.snapshot(u, s.volume(u)), "")
		}},
		{"rollback", fake.Rollback, "EVS.2025", func(s *site, u user) answer {
			volume := s.volume(u)
			return s.send(u, "POST", "/v5/"+u.project+"/snapshots/"+s.snapshot(u, volume)+"/rollback", `{"rollback":{"volume_id":"`+volume+`"}}`)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := open(t, nil, withFake(fake.New(fake.Fault{Call: tc.call, Err: broken})))
			demo := s.logIn("demo")
			asked := tc.ask(s, demo)
			job := answer{}
			for end := time.Now().Add(patience); job.text("status") != "FAIL"; {
				if job = s.want(200, demo, "GET", "/v1/"+demo.project+"/jobs/"+asked.text("job_id"), ""); time.Now().After(end) {
					t.Fatalf("%s became the job %s", asked, job)
				}
			}
			if job.text("error_code") != tc.code || job.text("fail_reason") == "" || job.text("end_time") == "" || strings.Contains(job.body, "broken") {
				t.Errorf("the job is %s, want the code %s", job, tc.code)
			}
		})
	}
}
