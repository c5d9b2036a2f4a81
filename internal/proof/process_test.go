package proof

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/store/storetest"
)

// The binary under test, with its crash points, is built once for the process
// that tests it.
var (
	building sync.Once
	built    string
	buildErr error
)

// program is the path of the real binary, built with the tag crashpoints.
func program(t testing.TB) string {
	t.Helper()
	building.Do(func() {
		dir, err := os.MkdirTemp("", "breezeblock-proof-")
		if err != nil {
			buildErr = err
			return
		}
		built = filepath.Join(dir, "breezeblock")
		build := exec.Command("go", "build", "-tags", "crashpoints", "-o", built, "github.com/breezeblock/breezeblock/cmd/breezeblock")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return built
}

func TestMain(m *testing.M) {
	storetest.Main(m, func() error { // what failed may be tried again by hand
		if built == "" {
			return nil
		}
		return os.RemoveAll(filepath.Dir(built))
	})
}

// process is a real `breezeblock serve` on a data folder that outlives it.
type process struct {
	t    testing.TB
	data string
	cmd  *exec.Cmd
	logs *bytes.Buffer
	gone chan struct{} // closed when it has ended
	door
}

func newProcess(t testing.TB) *process {
	return &process{t: t, data: filepath.Join(t.TempDir(), "data")}
}

var servesLine = regexp.MustCompile(`serves (http\S+)`)

// start runs the binary with a crash point armed, or none, and waits until it
// says where it serves; it tells whether it lived that long.
func (p *process) start(armed string) bool {
	p.t.Helper()
	p.logs, p.gone = &bytes.Buffer{}, make(chan struct{})
	p.cmd = exec.Command(program(p.t), "serve", "--data", p.data, "--listen", "127.0.0.1:0", "--log-level", "warn")
	p.cmd.Env = append(os.Environ(), "BREEZEBLOCK_CRASH="+armed,
		"BREEZEBLOCK_ADMIN_PASSWORD="+secret, "BREEZEBLOCK_DEMO_PASSWORD="+secret,
		"BREEZEBLOCK_SNAPSHOTS_PER_VOLUME=256") // the model has no limit on one volume
	p.cmd.Stderr = p.logs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(p.kill)
	p.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}
	lines, serves := bufio.NewScanner(out), false
	for !serves && lines.Scan() {
		if found := servesLine.FindStringSubmatch(lines.Text()); found != nil {
			p.url, serves = found[1], true
		}
	}
	go func(cmd *exec.Cmd, gone chan struct{}) {
		_, _ = io.Copy(io.Discard, out) // ends with the process
		_ = cmd.Wait()                  // killed: how does not matter
		close(gone)
	}(p.cmd, p.gone)
	if !serves {
		<-p.gone
		if p.cmd.ProcessState.ExitCode() >= 0 {
			p.t.Fatalf("the server did not start: %s", p.logs)
		}
	}
	return serves
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails when it has ended by itself
	<-p.gone
	p.client.CloseIdleConnections()
}
