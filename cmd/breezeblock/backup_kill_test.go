package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	killBytes = 96 << 20 // of a volume, all of them random: the copy takes long enough to be killed in it
	killPiece = 1 << 20
)

// fill writes random bytes into a volume, and tells them; from keeps those below it.
func (s session) fill(data, volume string, holds []byte, from int) {
	t := s.p.t.(*testing.T)
	t.Helper()
	env, rc := environment(), filepath.Join(data, "openrc")
	code, said := run(t, env, "attach", "--openrc", rc, "--quiet", volume)
	if code != 0 {
		t.Fatalf("attach: %d, %s", code, said)
	}
	c := opened(t, strings.TrimSpace(said))
	random := rand.NewChaCha8([32]byte{byte(from)})
	for off := from; off < len(holds); off += killPiece {
		p := holds[off : off+killPiece]
		_, _ = random.Read(p) // never fails
		if err := c.WriteBytes(int64(off), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	if code, said := run(t, env, "detach", "--openrc", rc, volume); code != 0 {
		t.Fatalf("detach: %d, %s", code, said)
	}
}

// contains compares what a volume holds from its beginning, and that the rest is zero.
func (s session) contains(data, volume, what string, want []byte) {
	t := s.p.t.(*testing.T)
	t.Helper()
	env, rc := environment(), filepath.Join(data, "openrc")
	code, said := run(t, env, "attach", "--openrc", rc, "--quiet", "--read-only", volume)
	if code != 0 {
		t.Fatalf("attach: %d, %s", code, said)
	}
	c := opened(t, strings.TrimSpace(said))
	right := make([]byte, killPiece)
	for off := 0; off < len(want)+16*killPiece; off += killPiece {
		got, err := c.ReadBytes(int64(off), killPiece)
		if err != nil {
			t.Fatal(err)
		}
		clear(right)
		if off < len(want) {
			copy(right, want[off:])
		}
		if !bytes.Equal(got, right) {
			t.Fatalf("%s: what volume %s holds at %d is not what was backed up", what, volume, off)
		}
	}
	if code, said := run(t, env, "detach", "--openrc", rc, volume); code != 0 {
		t.Fatalf("detach: %d, %s", code, said)
	}
}

// rests waits until an object is in none of the statuses that work is under way in.
func (s session) rests(kind, id string) string {
	s.p.t.Helper()
	moving := "creating restoring restoring-backup backing-up deleting"
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var got map[string]object
		s.must("GET", "/"+kind+"s/"+id, "", &got)
		if status := got[kind].Status; !strings.Contains(moving, status) {
			return status
		}
		if time.Now().After(deadline) {
			s.p.t.Fatalf("%s %s is still %s; log: %s", kind, id, got[kind].Status, s.p.logs)
		}
	}
}

// stored counts the files below a folder of the backup store.
func stored(data, folder string) (n int) {
	_ = filepath.WalkDir(filepath.Join(data, "backups", folder), func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return nil
	})
	return n
}

func (s session) backup(volume, more string) string {
	s.p.t.Helper()
	var made map[string]object
	s.must("POST", "/backups", fmt.Sprintf(`{"backup":{"volume_id":%q%s}}`, volume, more), &made)
	return made["backup"].ID
}

// killedIn kills the server once under way says that its work has begun, and tells
// whether the work was still under way.
func (s *session) killedIn(data string, underWay func() bool, kind, id string) bool {
	s.p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !underWay(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			s.p.t.Fatalf("the work on %s %s does not begin; log: %s", kind, id, s.p.logs)
		}
	}
	s.p.kill()
	cut := unfinished(s.p.t.(*testing.T), data) > 0
	s.p = start(s.p.t, data)
	return cut
}

// A kill -9 in the middle of a backup and of its restorations: after the restart each
// ends by itself, what is restored is exact, and so are later backups.
func TestBackupsAndRestorationsSurviveKill(t *testing.T) {
	if testing.Short() {
		t.Skip("copies a hundred MiB several times; left out with -short")
	}
	data := filepath.Join(t.TempDir(), "data")
	demo := start(t, data).logIn("demo", "demo-secret")
	volume := demo.volume()
	holds := make([]byte, killBytes)
	demo.fill(data, volume, holds, 0)

	full := demo.backup(volume, "")
	cut := demo.killedIn(data, func() bool { return stored(data, "chunks") > 10 }, "backup", full)
	if status := demo.rests("backup", full); !cut || status != "available" {
		t.Fatalf("killed in the middle: %v; the backup is %s: %s", cut, status, demo.p.logs)
	}
	demo.until("volume", volume, "available")
	if n := stored(data, "chunks"); n != killBytes>>20 {
		t.Errorf("%d chunks are stored, want %d: the second attempt finds those of the first", n, killBytes>>20)
	}
	before := bytes.Clone(holds)
	demo.fill(data, volume, holds, killBytes-8*killPiece)

	restore := func(more string) (into string) {
		var made map[string]struct {
			VolumeID string `json:"volume_id"`
		}
		demo.must("POST", "/backups/"+full+"/restore", `{"restore":{`+more+`}}`, &made)
		return made["restore"].VolumeID
	}
	next := demo.backup(volume, `,"incremental":true`)
	if status := demo.rests("backup", next); status != "available" {
		t.Fatalf("the incremental backup is %s", status)
	}
	for name, more := range map[string]string{"to a new volume": ``, "to its own volume": fmt.Sprintf(`"volume_id":%q`, volume)} {
		into := restore(more)
		begun := func() bool {
			var got map[string]struct {
				HeldBy *struct{} `json:"held_by"`
			}
			demo.must("GET", "/volumes/"+into+"/explain", "", &got)
			return got["explanation"].HeldBy != nil
		}
		cut := demo.killedIn(data, begun, "volume", into)
		if status := demo.rests("volume", into); !cut || status != "available" {
			t.Fatalf("%s: killed in the middle: %v; the volume is %s: %s", name, cut, status, demo.p.logs)
		}
		demo.until("backup", full, "available")
		demo.contains(data, into, name, before)
	}
	// The restored volume is backed up, killed again, and restored: all of it is exact.
	demo.fill(data, volume, before, killBytes-4*killPiece)
	chunks := stored(data, "chunks")
	last := demo.backup(volume, `,"incremental":true`)
	demo.killedIn(data, func() bool { return stored(data, "chunks") > chunks || stored(data, "manifests") > 2 }, "backup", last)
	for id, want := range map[string][]byte{last: before, next: holds} {
		if status := demo.rests("backup", id); status != "available" {
			t.Fatalf("backup %s is %s", id, status)
		}
		full = id
		into := restore("")
		demo.until("volume", into, "available")
		demo.contains(data, into, "restored at last", want)
	}
	if left := unfinished(t, data); left != 0 {
		t.Errorf("%d jobs are left", left)
	}
	demo.p.kill()
	doctorFindsNothing(t, data)
}

// doctorFindsNothing looks at a folder whose server was killed. The driver may have
// left a file that no manifest names; nothing else is wrong.
func doctorFindsNothing(t *testing.T, data string) {
	t.Helper()
	code, said := run(t, nil, "doctor", "--data", data, "--verify", "--repair")
	for _, problem := range []string{"damaged:", "missing:", "status:", "job:", "lease:", "orphan:", "usage:"} {
		if strings.Contains(said, problem) {
			t.Errorf("the doctor: %d, %s", code, said)
		}
	}
	if code, said := run(t, nil, "doctor", "--data", data, "--verify"); code != 0 || !strings.Contains(said, "nothing is wrong") {
		t.Errorf("the doctor, after what the driver left was tidied: %d, %s", code, said)
	}
}
