package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

// process is a server that we started and end by its id.
type process struct {
	command *exec.Cmd
	pid     int
	url     string // scheme://host:port
	started time.Time
	ended   chan error
}

// saidURL finds the address in the first lines that a server prints.
var saidURL = regexp.MustCompile(`serves (http://[0-9.:\[\]]+)`)

// startTime bounds how long a server may take to say its address.
const startTime = 30 * time.Second

// startProcess runs a server and waits for it to say where it serves. Its errors
// and its access log go to /dev/null, as in the rows' description.
func startProcess(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	p := &process{command: exec.Command(name, args...), ended: make(chan error, 1)}
	p.command.Env = append(os.Environ(), env...)
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.started = time.Now()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	p.pid = p.command.Process.Pid
	said := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := saidURL.FindStringSubmatch(lines.Text()); found != nil {
				said <- found[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out) // a full pipe would stop the server
		p.ended <- p.command.Wait()
	}()
	select {
	case p.url = <-said:
		return p, nil
	case err := <-p.ended:
		return nil, fmt.Errorf("%s ended before it served (%w); run it by hand to see why: %s", name, err, p.command)
	case <-time.After(startTime):
		p.kill()
		return nil, fmt.Errorf("%s said no address within %s", name, startTime)
	case <-ctx.Done():
		p.kill()
		return nil, ctx.Err()
	}
}

// stop ends the process as an operator would and tells how long that took.
func (p *process) stop() (time.Duration, error) {
	start := time.Now()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case err := <-p.ended:
		p.ended <- nil
		if signaled := new(exec.ExitError); errors.As(err, &signaled) && !signaled.Exited() {
			err = nil // the bare server does not catch the signal
		}
		return time.Since(start), err
	case <-time.After(startTime):
		p.kill()
		return 0, fmt.Errorf("process %d did not stop within %s and was killed", p.pid, startTime)
	}
}

func (p *process) kill() { _ = p.command.Process.Kill() } // it may have ended by itself
