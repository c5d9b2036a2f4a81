package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver/fake"
)

// classDisk makes a disk of a type by the native family, and attaches it.
func (s *site) classDisk(u user, members string) (id, uri string) {
	s.t.Helper()
	made := s.want(202, u, "POST", "/v2.1/"+u.project+"/cloudvolumes",
		`{"volume":{"availability_zone":"az1","metadata":{"create_for_volume_id":"true"},`+members+`}}`)
	ids, _ := made.at("volume_ids").([]any)
	if len(ids) != 1 {
		s.t.Fatalf("got %s, want one disk", made)
	}
	id = fmt.Sprint(ids[0])
	s.becomes(u, id, "available")
	_, uri = s.attach(u, id, "here")
	return id, uri
}

// TestDisksOfTheFirstTypesDoWhatEVSSays: by the size, or as was bought, and then by
// another purchase. In dialect cinder the types have no figures.
func TestDisksOfTheFirstTypesDoWhatEVSSays(t *testing.T) {
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	const mib = 1 << 20
	for members, want := range map[string][2]int64{
		`"volume_type":"SATA","size":1`:                                {502, 50 * mib},
		`"volume_type":"SAS","size":100`:                               {2600, 115 * mib},
		`"volume_type":"GPSSD2","size":1,"iops":4000,"throughput":150`: {0, 0}, // refused: 500 for each GB, at least 3000
		`"volume_type":"GPSSD2","size":8,"iops":4000,"throughput":150`: {4000, 150 * mib},
		`"volume_type":"ESSD2","size":1,"iops":640`:                    {640, 10 * mib},
	} {
		if want[0] == 0 {
			s.want(400, demo, "POST", "/v2.1/"+demo.project+"/cloudvolumes", `{"volume":{"availability_zone":"az1",`+members+`}}`)
			continue
		}
		id, uri := s.classDisk(demo, members)
		if got := s.QoSOf(nameOf(t, uri)); got.IOPS != want[0] || got.BytesPerSecond != want[1] {
			t.Errorf("%s: got %+v, want %v", members, got, want)
		}
		if want[0] != 4000 {
			continue
		}
		s.want(202, demo, "PUT", "/v5/"+demo.project+"/cloudvolumes/"+id+"/qos", `{"qos_modify":{"iops":3000,"throughput":700}}`)
		if got := s.QoSOf(nameOf(t, uri)); got.IOPS != 3000 || got.BytesPerSecond != 700*mib {
			t.Errorf("after a purchase: got %+v", got)
		}
	}
	cinder := open(t, settings{"dialect": "cinder"}, withFake(fake.New()))
	demo = cinder.logIn("demo")
	_, uri := cinder.attach(demo, cinder.freeVolume(demo, `,"volume_type":"SATA"`), "here")
	if got := cinder.QoSOf(nameOf(t, uri)); got.IOPS != 0 || got.BytesPerSecond != 0 {
		t.Errorf("in dialect cinder: got %+v, want no limits", got)
	}
}

// TestADiskIsNotFasterThanItsType reads over NBD: 502 IOPS, and what one second gave in
// advance, make 1,100 reads last more than a second. How fast a machine is does not
// matter: only less than the type allows would end sooner.
func TestADiskIsNotFasterThanItsType(t *testing.T) {
	s := open(t, nil, withFake(fake.New()))
	_, uri := s.classDisk(s.logIn("demo"), `"volume_type":"SATA","size":1`)
	c := mustConnect(t, uri)
	began := time.Now()
	for i := range 1100 {
		if _, err := c.ReadBytes(int64(i)*4096, 4096); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("1,100 reads took %s; 502 in a second are allowed", took)
	}
}

// TestClientsHaveWhatWasBoughtAtOnce: 3,000 reads at 100 IOPS would take 29 seconds.
func TestClientsHaveWhatWasBoughtAtOnce(t *testing.T) {
	s := open(t, nil, withFake(fake.New()))
	demo := s.logIn("demo")
	id, uri := s.classDisk(demo, `"volume_type":"ESSD2","size":10,"iops":100`)
	c := mustConnect(t, uri)
	read := func(n int) time.Duration {
		began := time.Now()
		for i := range n {
			if _, err := c.ReadBytes(int64(i)*4096, 4096); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(began)
	}
	if took := read(150); took < 300*time.Millisecond {
		t.Errorf("150 reads took %s; 100 at once and 100 in a second are allowed", took)
	}
	job := s.want(202, demo, "PUT", "/v5/"+demo.project+"/cloudvolumes/"+id+"/qos", `{"qos_modify":{"iops":10000}}`).text("job_id")
	s.until("the job is done", func() bool {
		return s.want(200, demo, "GET", "/v1/"+demo.project+"/jobs/"+job, "").text("status") == "SUCCESS"
	})
	if took := read(3000); took > 20*time.Second {
		t.Errorf("3,000 reads took %s although 10,000 IOPS were bought", took)
	}
}
