package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// binary is the command under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "breezeblock-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		binary = filepath.Join(dir, "breezeblock")
		build := exec.Command("go", "build", "-o", binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// process is a running `breezeblock serve`.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	url  string
	logs *bytes.Buffer
}

var servesLine = regexp.MustCompile(`serves (http\S+)`)

// start runs the binary on a data folder and waits until it says where it serves.
func start(t testing.TB, data string, args ...string) *process {
	t.Helper()
	p := &process{t: t, logs: &bytes.Buffer{}}
	p.cmd = exec.Command(binary, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--log-level", "warn"}, args...)...)
	p.cmd.Env = append(os.Environ(), "BREEZEBLOCK_ADMIN_PASSWORD=admin-secret", "BREEZEBLOCK_DEMO_PASSWORD=demo-secret")
	p.cmd.Stderr = p.logs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := servesLine.FindStringSubmatch(lines.Text()); found != nil {
			p.url = found[1]
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p
		}
	}
	_ = p.cmd.Wait()
	t.Fatalf("the server did not start: %s", p.logs)
	return nil
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// session is a token and the project it is for.
type session struct {
	p              *process
	token, project string
}

func (p *process) logIn(user, password string) session {
	p.t.Helper()
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"domain":{"id":"default"},"password":%q}}},"scope":{"project":{"name":%q,"domain":{"id":"default"}}}}}`, user, password, user)
	answer, err := http.Post(p.url+"/identity/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var told struct {
		Token struct {
			Project struct{ ID string }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&told); err != nil || answer.StatusCode != http.StatusCreated {
		p.t.Fatalf("log in: %d, %v", answer.StatusCode, err)
	}
	return session{p, answer.Header.Get("X-Subject-Token"), told.Token.Project.ID}
}

// call sends one request below /v3/{project} and decodes the answer.
func (s session) call(client *http.Client, method, path, body string, into any) (int, error) {
	request, err := http.NewRequest(method, s.p.url+"/v3/"+s.project+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Auth-Token", s.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	if into != nil && answer.StatusCode < 300 {
		err = json.Unmarshal(text, into)
	}
	return answer.StatusCode, err
}

// must is call for what has to succeed.
func (s session) must(method, path, body string, into any) {
	s.p.t.Helper()
	if status, err := s.call(http.DefaultClient, method, path, body, into); err != nil || status >= 300 {
		s.p.t.Fatalf("%s %s: %d, %v; log: %s", method, path, status, err, s.p.logs)
	}
}

type object struct {
	ID, Status, Name, Description string
}

// until polls an object until it has a status.
func (s session) until(kind, id, status string) {
	s.p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var got map[string]object
		s.must("GET", "/"+kind+"s/"+id, "", &got)
		if got[kind].Status == status {
			return
		}
		if time.Now().After(deadline) {
			s.p.t.Fatalf("%s %s is %s, not %s", kind, id, got[kind].Status, status)
		}
	}
}
