package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ask sends a request to any path of the server; of an answer that is JSON it reads into.
func (s session) ask(method, path, version string, body io.Reader, into any) (status int, answer []byte, err error) {
	request, err := http.NewRequest(method, s.p.url+path, body)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("X-Auth-Token", s.token)
	request.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "/file") {
		request.Header.Set("Content-Type", "application/octet-stream")
	}
	if version != "" {
		request.Header.Set("OpenStack-API-Version", "volume "+version)
	}
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = got.Body.Close() }()
	answer, err = io.ReadAll(got.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(answer, into)
	}
	return got.StatusCode, answer, err
}

// image makes one that has no bytes yet.
func (s session) image() string {
	s.p.t.Helper()
	var made object
	if status, answer, err := s.ask("POST", "/image/v2/images", "", strings.NewReader(`{"disk_format":"raw","container_format":"bare"}`), &made); err != nil || status != http.StatusCreated {
		s.p.t.Fatalf("make an image: %d, %v, %s", status, err, answer)
	}
	return made.ID
}

// imageIs waits until an image has a status. An upload whose process died counts as
// dead half a minute after its last bytes.
func (s session) imageIs(id, want string) {
	s.p.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var got object
		status, answer, err := s.ask("GET", "/image/v2/images/"+id, "", nil, &got)
		switch {
		case err != nil || status != http.StatusOK:
			s.p.t.Fatalf("image %s: %d, %v, %s", id, status, err, answer)
		case got.Status == want:
			return
		case time.Now().After(deadline):
			s.p.t.Fatalf("image %s is %s, not %s; log: %s", id, got.Status, want, s.p.logs)
		}
	}
}

// restarted kills the server and starts it again.
func (s *session) restarted(data string) {
	s.p.kill()
	s.p = start(s.p.t, data)
}

// untilKilled is a body that gives what it has and then nothing until killed is closed.
type untilKilled struct {
	has    io.Reader
	given  chan struct{} // closed once all was asked for
	killed chan struct{}
}

func (u *untilKilled) Read(p []byte) (int, error) {
	if n, err := u.has.Read(p); err == nil {
		return n, nil
	}
	close(u.given)
	<-u.killed
	return 0, io.ErrUnexpectedEOF
}

// A kill -9 in the middle of an upload, right after one was acknowledged, and in the
// middle of a volume that is overwritten with an image or made into one: what was
// acknowledged is there to the byte, and nothing is stuck.
func TestImagesAndVolumesOverwrittenWithThemSurviveKill(t *testing.T) {
	if testing.Short() {
		t.Skip("moves a hundred MiB several times; left out with -short")
	}
	t.Setenv("BREEZEBLOCK_DIALECT", "cinder") // os-reimage came with 3.68
	data := filepath.Join(t.TempDir(), "data")
	demo := start(t, data).logIn("demo", "demo-secret")
	bits := make([]byte, killBytes)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(bits) // never fails
	holds := func(image string) {
		t.Helper()
		status, got, err := demo.ask("GET", "/image/v2/images/"+image+"/file", "", nil, nil)
		if err != nil || status != http.StatusOK || !bytes.Equal(got, bits) {
			t.Fatalf("image %s: %d, %v, %d bytes; want what was uploaded", image, status, err, len(got))
		}
	}

	image := demo.image()
	half := &untilKilled{bytes.NewReader(bits[:killBytes/2]), make(chan struct{}), make(chan struct{})}
	ended := make(chan error, 1)
	first := demo
	go func() {
		_, _, err := first.ask("PUT", "/image/v2/images/"+image+"/file", "", half, nil)
		ended <- err
	}()
	<-half.given
	demo.imageIs(image, "saving")
	demo.restarted(data)
	close(half.killed)
	if err := <-ended; err == nil {
		t.Error("an upload that was cut off was answered")
	}
	demo.imageIs(image, "queued") // and its bytes are gone: it takes new ones
	if status, answer, err := demo.ask("PUT", "/image/v2/images/"+image+"/file", "", bytes.NewReader(bits), nil); err != nil || status != http.StatusNoContent {
		t.Fatalf("upload again: %d, %v, %s", status, err, answer)
	}
	demo.restarted(data)
	demo.imageIs(image, "active")
	holds(image)

	volume := demo.volume()
	demo.fill(data, volume, make([]byte, killBytes+4*killPiece), 0)
	if status, answer, err := demo.ask("POST", fmt.Sprintf("/v3/%s/volumes/%s/action", demo.project, volume), "3.68",
		strings.NewReader(`{"os-reimage":{"image_id":"`+image+`"}}`), nil); err != nil || status != http.StatusAccepted {
		t.Fatalf("reimage: %d, %v, %s", status, err, answer)
	}
	begun := func() bool {
		var got map[string]struct {
			HeldBy *struct{} `json:"held_by"`
		}
		demo.must("GET", "/volumes/"+volume+"/explain", "", &got)
		return got["explanation"].HeldBy != nil
	}
	if !demo.killedIn(data, begun, "volume", volume) {
		t.Error("the work was done before the kill")
	}
	demo.until("volume", volume, "available")
	demo.contains(data, volume, "overwritten with the image", bits)

	var made map[string]struct {
		Image string `json:"image_id"`
	}
	demo.must("POST", "/volumes/"+volume+"/action", `{"os-volume_upload_image":{"image_name":"made","disk_format":"raw","container_format":"bare"}}`, &made)
	demo.restarted(data)
	demo.until("volume", volume, "available")
	demo.imageIs(made["os-volume_upload_image"].Image, "active")
	demo.p.kill()
	doctorFindsNothing(t, data)
}
