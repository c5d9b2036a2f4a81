package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"testing"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// backedUp makes a backup and waits until it is available.
func (s *storeSite) backedUp(volume, more string) string {
	s.t.Helper()
	a := s.want(http.StatusAccepted, s.user, "POST", s.path("/backups"), fmt.Sprintf(`{"backup":{"volume_id":%q%s}}`, volume, more))
	id := a.text("backup", "id")
	s.untilStatus(s.user, "backup", id, "available")
	s.untilStatus(s.user, "volume", volume, "available")
	return id
}

// restored restores a backup to a volume, or to a new one, and tells which.
func (s *storeSite) restored(backup, volume string) string {
	s.t.Helper()
	body := `{"restore":{}}`
	if volume != "" {
		body = fmt.Sprintf(`{"restore":{"volume_id":%q}}`, volume)
	}
	a := s.want(http.StatusAccepted, s.user, "POST", s.path("/backups/"+backup+"/restore"), body)
	into := a.text("restore", "volume_id")
	s.untilStatus(s.user, "volume", into, "available")
	s.untilStatus(s.user, "backup", backup, "available")
	return into
}

// isExactly compares every byte of a volume.
func (s *storeSite) isExactly(what, volume string, size int64, want image) {
	s.t.Helper()
	device, err := s.pool.Open(s.t.Context(), driver.Ref{Volume: volume}, driver.ReadOnly)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	defer func() { _ = device.Close() }()
	if device.Size() != size {
		s.t.Fatalf("%s: %d bytes, want %d", what, device.Size(), size)
	}
	const step = 16 * piece
	got, expected := make([]byte, step), make([]byte, step)
	for off := int64(0); off < size; off += step {
		if _, err := device.ReadAt(got, off); err != nil && !errors.Is(err, io.EOF) {
			s.t.Fatalf("%s at %d: %v", what, off, err)
		}
		clear(expected)
		for at := int64(0); at < step; at += piece {
			copy(expected[at:], want[off+at])
		}
		if !bytes.Equal(got, expected) {
			s.t.Fatalf("%s: the %d bytes at %d are not what was backed up", what, step, off)
		}
	}
}

// blank makes some of what a volume holds zero, without writing it.
func (s *storeSite) blank(volume string, holds image, n int) {
	s.t.Helper()
	device, err := s.pool.Open(s.t.Context(), driver.Ref{Volume: volume}, driver.ReadWrite)
	if err != nil {
		s.t.Fatal(err)
	}
	for off := range holds {
		if n--; n < 0 {
			break
		}
		if err := device.(driver.Space).WriteZeroes(off, piece, false); err != nil {
			s.t.Fatal(err)
		}
		delete(holds, off)
	}
	if err := errors.Join(device.Flush(s.t.Context()), device.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// Each backup, full or incremental, restores exactly what its volume held, to the
// same, a new or a larger volume: over writes, zeroes, an extension, a rollback and the
// loss of the snapshot that an incremental one is compared with.
func TestBackupsRestoreEveryByteOverTheDriverThatShips(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	const incremental = `,"incremental":true`
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 40, gib)
	full, atFull := s.backedUp(volume, ""), maps.Clone(now)

	s.write(volume, now, 20, gib)
	s.blank(volume, now, 10)
	second, atSecond := s.backedUp(volume, incremental), maps.Clone(now)
	snapshot := s.snapshot(s.user, volume)

	s.act(volume, `{"os-extend":{"new_size":2}}`, "available")
	s.write(volume, now, 20, 2*gib)
	longer, atLonger := s.backedUp(volume, incremental), maps.Clone(now)

	s.want(http.StatusAccepted, s.user, "POST", s.path("/os-vendor-snapshots/"+snapshot+"/rollback"), fmt.Sprintf(`{"rollback":{"volume_id":%q}}`, volume))
	s.untilStatus(s.user, "volume", volume, "available")
	s.untilStatus(s.user, "snapshot", snapshot, "available")
	rolled := s.backedUp(volume, incremental)

	now = maps.Clone(atSecond)
	s.write(volume, now, 5, 2*gib)
	for _, id := range s.snapshotsOf(volume) {
		if id != snapshot { // the one that was kept: the next reads everything
			if a := s.send(s.user, "DELETE", s.path("/snapshots/"+id), ""); a.status != http.StatusAccepted && a.status != http.StatusNotFound { // the service drops its own
				t.Fatalf("delete the kept snapshot %s: %s", id, a)
			}
			s.untilGone(s.user, "snapshot", id)
		}
	}
	without := s.backedUp(volume, incremental)
	ofSnapshot := s.backedUp(volume, fmt.Sprintf(`,"snapshot_id":%q`, snapshot))

	larger := s.made(`{"size":3}`)
	s.write(larger, image{}, 60, 3*gib) // of which nothing may stay
	for name, tc := range map[string]struct {
		backup string
		size   int64
		want   image
	}{
		"full": {full, gib, atFull}, "incremental": {second, gib, atSecond}, "after an extension": {longer, 2 * gib, atLonger},
		"after a rollback": {rolled, 2 * gib, atSecond}, "without the kept snapshot": {without, 2 * gib, now}, "of a snapshot": {ofSnapshot, gib, atSecond},
	} {
		made := s.restored(tc.backup, "")
		s.isExactly(name+", to a new volume", made, tc.size, tc.want)
		s.want(http.StatusAccepted, s.user, "DELETE", s.path("/volumes/"+made), "")
		s.restored(tc.backup, larger)
		s.isExactly(name+", to a larger volume", larger, 3*gib, tc.want)
	}
	s.restored(full, volume)
	s.isExactly("full, to its own volume", volume, 2*gib, atFull)
	after := s.backedUp(volume, incremental)
	s.isExactly("what was restored, backed up", s.restored(after, ""), 2*gib, atFull)

	a := s.want(http.StatusAccepted, s.user, "POST", s.path("/volumes"), fmt.Sprintf(`{"volume":{"backup_id":%q,"size":2}}`, second), "OpenStack-API-Version", "volume 3.47")
	made := a.text("volume", "id")
	s.untilStatus(s.user, "volume", made, "available")
	s.isExactly("a volume made from a backup", made, 2*gib, atSecond)
}

// What a client wrote by NBD is what a backup of the attached volume restores.
func TestBackupOfAnAttachedVolumeHoldsWhatItsClientFlushed(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	attachment, uri := s.attach(s.user, volume, "h")
	c := mustConnect(t, uri)
	now := image{}
	for range 20 {
		p, off := make([]byte, piece), s.random.Int64N(gib/piece)*piece
		for i := range p {
			p[i] = byte(s.random.Uint32())
		}
		if err := c.WriteBytes(off, p); err != nil {
			t.Fatal(err)
		}
		now[off] = p
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	id := s.want(http.StatusAccepted, s.user, "POST", s.path("/backups"), fmt.Sprintf(`{"backup":{"volume_id":%q,"force":true}}`, volume)).text("backup", "id")
	s.untilStatus(s.user, "backup", id, "available")
	s.untilStatus(s.user, "volume", volume, "in-use")
	if err := c.WriteBytes(0, bytes.Repeat([]byte{9}, piece)); err != nil { // after the moment of the backup
		t.Fatal(err)
	}
	s.isExactly("the backup", s.restored(id, ""), gib, now)
	s.v3(s.user, "DELETE", "/attachments/"+attachment, "", 200)
}
