package server_test

import (
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// While a backup is being made of a snapshot its disk stays. Source: EVS.2130.
func TestADiskWhoseSnapshotIsBeingBackedUpStays(t *testing.T) {
	t.Parallel()
	s := open(t, nil, withFake(fake.New(fake.Fault{Call: fake.Open, Hang: true})))
	demo := s.logIn("demo")
	volume := s.volume(demo)
	snap := s.snapshot(demo, volume)
	s.want(202, demo, "POST", "/v3/"+demo.project+"/backups", `{"backup":{"volume_id":"`+volume+`","snapshot_id":"`+snap+`"}}`)
	if a := s.send(demo, "DELETE", "/v2/"+demo.project+"/cloudvolumes/"+volume, ""); a.status != 400 || a.text("error", "code") != "EVS.2130" {
		t.Errorf("got %s, want 400 EVS.2130", a)
	}
	if a := s.want(200, demo, "GET", "/v3/"+demo.project+"/volumes/"+volume, ""); a.text("volume", "status") != "available" {
		t.Errorf("the disk is %s", a)
	}
}
