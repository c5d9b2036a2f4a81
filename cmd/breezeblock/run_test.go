package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// output keeps what a process writes, for reading while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// environment is ours without what would set the binary up, and with what a test sets.
func environment(set ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "BREEZEBLOCK_") && !strings.HasPrefix(v, "OS_") {
			env = append(env, v)
		}
	}
	return append(env, set...)
}

// run runs the binary to its end and tells its exit code and all it wrote.
func run(t testing.TB, env []string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Dir = environment(env...), t.TempDir()
	out, err := cmd.CombinedOutput()
	exit := &exec.ExitError{}
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%v: %v: %s", args, err, out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// launched is a server whose whole output is kept.
type launched struct {
	*process
	out   *output
	ended chan struct{} // closed when the process is gone
}

// launch runs `serve` with nothing set that the test does not set, and waits
// until it says where it serves.
func launch(t testing.TB, env []string, args ...string) *launched {
	t.Helper()
	l := &launched{process: &process{t: t, logs: &bytes.Buffer{}}, out: &output{}, ended: make(chan struct{})}
	l.cmd = exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	l.cmd.Env, l.cmd.Stdout, l.cmd.Stderr = environment(env...), l.out, l.out
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = l.cmd.Wait(); close(l.ended) }()
	t.Cleanup(l.end)
	waitFor(t, "the server starts", func() bool {
		select {
		case <-l.ended:
			t.Fatalf("the server did not start: %s", l.out)
		default:
		}
		found := servesLine.FindStringSubmatch(l.out.String())
		if found == nil || !strings.Contains(l.out.String(), "Daily backup") { // the last line of the welcome
			return false
		}
		l.url = found[1]
		return true
	})
	return l
}

// end kills the process, if it still runs, and waits until it is gone.
func (l *launched) end() {
	_ = l.cmd.Process.Kill()
	<-l.ended
}

// exit waits until the process has ended by itself and tells its exit code, -1 for a signal.
func (l *launched) exit() int {
	l.t.Helper()
	select {
	case <-l.ended:
	case <-time.After(patience):
		l.t.Fatalf("the process did not end: %s", l.out)
	}
	return l.cmd.ProcessState.ExitCode()
}

// signal sends one.
func (l *launched) signal(s os.Signal) {
	l.t.Helper()
	if err := l.cmd.Process.Signal(s); err != nil {
		l.t.Fatal(err)
	}
}

// waitFor polls until something has come.
func waitFor(t testing.TB, what string, come func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !come(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// status is call without a body to read, for what may be refused.
func (s session) status(method, path, body string) int {
	s.p.t.Helper()
	status, err := s.call(http.DefaultClient, method, path, body, nil)
	if err != nil {
		s.p.t.Fatalf("%s %s: %v", method, path, err)
	}
	return status
}

// volume makes a volume and waits for it.
func (s session) volume() string {
	s.p.t.Helper()
	var made map[string]object
	s.must("POST", "/volumes", `{"volume":{"size":1}}`, &made)
	s.until("volume", made["volume"].ID, "available")
	return made["volume"].ID
}

// snapshot makes a snapshot and waits for it.
func (s session) snapshot(volume string) string {
	s.p.t.Helper()
	var made map[string]object
	s.must("POST", "/snapshots", `{"snapshot":{"volume_id":"`+volume+`","name":"s"}}`, &made)
	s.until("snapshot", made["snapshot"].ID, "available")
	return made["snapshot"].ID
}

func (s session) show(snapshot string) object {
	s.p.t.Helper()
	var got map[string]object
	s.must("GET", "/snapshots/"+snapshot, "", &got)
	return got["snapshot"]
}

// contents are all files below a folder, with their modes; of volumes, which are
// long and hold nothing here, the length alone.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var text []byte
		if info.Mode().IsRegular() && info.Size() < 1<<24 {
			text, err = os.ReadFile(filepath.Join(dir, name))
		}
		files[name] = fmt.Sprintf("%s %d %s", info.Mode(), info.Size(), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
