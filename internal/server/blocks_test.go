package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// places are the offsets of a list of blocks, all pages of most places.
func (s *storeSite) places(path string, most int) []int64 {
	s.t.Helper()
	var all []int64
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	next := ""
	for {
		a := s.want(200, s.user, "GET", s.path(path+sep+fmt.Sprintf("max_results=%d", most)+next), "")
		blocks, _ := a.at("blocks").([]any)
		if a.at("block_size") != float64(grid) || a.at("volume_size") != float64(gib) || len(blocks) > most {
			s.t.Fatalf("got %s", a)
		}
		for _, b := range blocks {
			all = append(all, int64(b.(map[string]any)["offset"].(float64)))
		}
		token := a.text("next_token")
		if token == "" {
			return all
		}
		next = "&next_token=" + token
	}
}

// gridOf are the places of the grid in which two images differ.
func gridOf(a, b image) []int64 {
	found := map[int64]bool{}
	for _, m := range []image{a, b} {
		for off := range m {
			if !bytes.Equal(a.at(off), b.at(off)) {
				found[off/grid*grid] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Lists of blocks name each place that holds data, or differs between snapshots,
// and no other; whoever copies those has the snapshot.
func TestChangedBlocksAreAllThatDiffers(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 60, gib)
	first, atFirst := s.snapshot(s.user, volume), maps.Clone(now)
	s.write(volume, now, 30, gib)
	second := s.snapshot(s.user, volume)
	for name, tc := range map[string]struct {
		path string
		want []int64
	}{
		"what the first holds":  {"/snapshots/" + first + "/blocks", gridOf(image{}, atFirst)},
		"what the second holds": {"/snapshots/" + second + "/blocks", gridOf(image{}, now)},
		"forwards":              {"/snapshots/" + second + "/changed-blocks?since=" + first, gridOf(atFirst, now)},
		"backwards":             {"/snapshots/" + first + "/changed-blocks?since=" + second, gridOf(atFirst, now)},
		"with itself":           {"/snapshots/" + first + "/changed-blocks?since=" + first, nil},
	} {
		for _, most := range []int{7, 10000} {
			if got := s.places(tc.path, most); !slices.Equal(got, tc.want) {
				t.Errorf("%s, %d at a time: got %d places, want %d: %v, %v", name, most, len(got), len(tc.want), got, tc.want)
			}
		}
	}
	path := s.path("/snapshots/" + second + "/changed-blocks?since=" + first)
	token := s.want(200, s.user, "GET", path+"&max_results=1", "").text("next_token")
	for name, bad := range map[string]string{
		"another list's token": s.path("/snapshots/"+first+"/changed-blocks?since="+second) + "&next_token=" + token,
		"no token":             path + "&next_token=x", "both": path + "&next_token=" + token + "&starting_offset=0",
		"off the grid": path + "&starting_offset=1", "too many": path + "&max_results=10001", "none": path + "&max_results=0",
		"unknown": path + "&x=1", "twice": path + "&since=" + first, "without since": s.path("/snapshots/" + second + "/changed-blocks"),
	} {
		if a := s.send(s.user, "GET", bad, ""); a.status != 400 {
			t.Errorf("%s: got %s, want 400", name, a)
		}
	}
	whole := s.places("/snapshots/"+second+"/changed-blocks?since="+first, 10000)
	if got := s.want(200, s.user, "GET", path+fmt.Sprintf("&starting_offset=%d", whole[3]), "").at("blocks").([]any); len(got) != len(whole)-3 {
		t.Errorf("from the fourth on: %d places, want %d", len(got), len(whole)-3)
	}
	s.clock.advance(61 * 60e9)
	s.user = s.logIn("demo")
	if a := s.send(s.user, "GET", path+"&next_token="+token, ""); a.status != 400 || !strings.Contains(a.body, "expired") {
		t.Errorf("after an hour: got %s", a)
	}
	other := s.snapshot(s.user, s.volume(s.user))
	if a := s.send(s.user, "GET", s.path("/snapshots/"+other+"/changed-blocks?since="+first), ""); a.status != 400 {
		t.Errorf("of another volume: got %s", a)
	}
	s.want(202, s.user, "DELETE", s.path("/snapshots/"+first), "")
	s.untilGone(s.user, "snapshot", first)
	if a := s.send(s.user, "GET", path, ""); a.status != 404 {
		t.Errorf("since a snapshot that is gone: got %s", a)
	}
}

// A range of a snapshot is read over HTTP as it was written.
func TestSnapshotIsReadByRanges(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil)
	volume := s.volume(s.user)
	now := image{}
	s.write(volume, now, 200, 8<<20) // most of 8 MiB
	id := s.snapshot(s.user, volume)
	s.write(volume, image{}, 50, 8<<20)
	var want []byte
	for off := int64(0); off < 9<<20; off += piece {
		want = append(want, now.at(off)...)
	}
	path := s.path("/snapshots/" + id + "/data")
	for _, tc := range []struct {
		header   string
		from, to int64 // the last byte
	}{
		{"bytes=0-0", 0, 0}, {"bytes=1-65536", 1, 65536}, {"bytes=0-9437183", 0, 9<<20 - 1}, {"Bytes = 5-700000", 5, 700000},
	} {
		a := s.want(206, s.user, "GET", path, "", "Range", tc.header, "Want-Content-Digest", "sha-256=5")
		part := want[tc.from : tc.to+1]
		sum := sha256.Sum256(part)
		if a.body != string(part) || a.header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", tc.from, tc.to, gib) ||
			a.header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" || a.header.Get("Etag") != `"`+id+`"` {
			t.Errorf("%s: %d bytes, %v", tc.header, len(a.body), a.header)
		}
	}
	for header, length := range map[string]int{"bytes=1073741800-": 24, "bytes=-24": 24, "bytes=1073741800-99999999999": 24, "bytes=0-": 64 << 20} {
		if a := s.want(206, s.user, "GET", path, "", "Range", header); len(a.body) != length {
			t.Errorf("%s: got %d bytes, want %d", header, len(a.body), length)
		}
	}
	for header, status := range map[string]int{
		"": 400, "bytes=0-67108864": 400, "bytes=5-4": 400, "bytes=0-1,3-4": 400, "bytes=-": 400, "bytes": 400, "bytes=a-b": 400, "lines=0-1": 400,
		"bytes=99999999999999999999999-": 400, "bytes=-1-2": 400, "bytes=1073741824-": 416, "bytes=-0": 416,
	} {
		headers := []string{"Range", header}
		if header == "" {
			headers = nil
		}
		if a := s.send(s.user, "GET", path, "", headers...); a.status != status {
			t.Errorf("%q: got %s, want %d", header, a, status)
		}
	}
}
