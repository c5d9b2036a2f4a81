package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
	"github.com/breezeblock/breezeblock/internal/nbd"
)

// nullDevice does nothing: what is left is the protocol's cost.
type nullDevice struct{}

func (nullDevice) Size() int64                           { return nbdSize }
func (nullDevice) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (nullDevice) WriteAt(p []byte, _ int64) (int, error) {
	return len(p), nil
}
func (nullDevice) Flush(context.Context) error { return nil }
func (nullDevice) Close() error                { return nil }

// fileDevice is a raw file.
type fileDevice struct{ *os.File }

func (fileDevice) Size() int64                   { return nbdSize }
func (f fileDevice) Flush(context.Context) error { return fdatasync(f.File) }

// oneExport serves one device under one name.
type oneExport struct {
	open func(context.Context) (driver.Device, error)
}

func (o oneExport) Lookup(_ context.Context, name string, _ nbd.Peer) (nbd.Export, error) {
	if name != nbdVolume {
		return nbd.Export{}, nbd.ErrNoExport
	}
	return nbd.Export{Open: o.open}, nil
}

func (oneExport) List(context.Context, nbd.Peer) []string { return nil }

// serveNBD is this program as an NBD server in a process of its own, until its
// input ends: nbd null|file|layers SOCKET [PATH].
func serveNBD(args []string) error {
	if len(args) < 2 || args[0] != "null" && len(args) < 3 {
		return errors.New("nbd null|file|layers SOCKET [PATH]")
	}
	var export oneExport
	switch args[0] {
	case "null":
		export.open = func(context.Context) (driver.Device, error) { return nullDevice{}, nil }
	case "file":
		export.open = func(context.Context) (driver.Device, error) {
			f, err := os.OpenFile(args[2], os.O_RDWR, 0)
			return fileDevice{f}, err
		}
	case "layers":
		pool, err := layers.Open(args[2], layers.Options{})
		if err != nil {
			return err
		}
		defer func() { _ = pool.Close() }() // thrown away afterwards
		export.open = func(ctx context.Context) (driver.Device, error) {
			return pool.Open(ctx, driver.Ref{Volume: nbdVolume}, driver.ReadWrite)
		}
	default:
		return fmt.Errorf("there is no device %q", args[0])
	}
	listener, err := net.Listen("unix", args[1])
	if err != nil {
		return err
	}
	server := nbd.New(nbd.Config{Exports: export})
	go func() { _ = server.Serve(context.Background(), listener) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	return server.Close(context.Background())
}

// nbdServer is a server process and its socket.
type nbdServer struct {
	process
	socket string
	stdin  io.Closer
}

// startNBDServer starts a server and waits until its socket answers.
func startNBDServer(ctx context.Context, socket, name string, args ...string) (*nbdServer, error) {
	s := &nbdServer{socket: socket, process: process{command: exec.Command(name, args...), ended: make(chan error, 1)}}
	stdin, err := s.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	s.stdin, s.command.Stderr = stdin, &said // read only once it has ended
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	s.pid = s.command.Process.Pid
	go func() { s.ended <- s.command.Wait() }()
	for end := time.Now().Add(startTime); ; {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return s, conn.Close()
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("%s ended before it served: %w: %s", s.command, err, said.Bytes())
		case <-ctx.Done():
			s.kill()
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			s.kill()
			return nil, fmt.Errorf("%s does not serve %s: %w", name, socket, err)
		}
	}
}

func (s *nbdServer) stop() {
	_ = s.stdin.Close()
	_, _ = s.process.stop() // it may have ended with its input
}

// fioResult is what is read of fio's JSON. Source: fio's HOWTO, "Interpreting the output".
type fioResult struct {
	Jobs []struct {
		Error       int
		Read, Write struct {
			TotalIOs int64   `json:"total_ios"`
			IOPS     float64 `json:"iops"`
		}
	}
}

// underFio runs fio for a slot and tells its rate and what CPU the server used for
// each request.
func (s *nbdServer) underFio(ctx context.Context, slot time.Duration, w nbdWork) (figures, error) {
	before, err := s.cpu()
	if err != nil {
		return figures{}, err
	}
	out, err := exec.CommandContext(ctx, "fio", "--name=x", "--ioengine=nbd", "--uri=nbd+unix:///"+nbdVolume+"?socket="+s.socket,
		"--rw="+w.rw, "--bs="+w.bs, fmt.Sprintf("--iodepth=%d", w.depth), fmt.Sprintf("--size=%d", nbdSize), "--norandommap",
		"--randrepeat=0", fmt.Sprintf("--runtime=%d", seconds(slot)), "--time_based", "--output-format=json").Output()
	if err != nil {
		return figures{}, fmt.Errorf("fio: %w: %s", err, out)
	}
	after, err := s.cpu()
	if err != nil {
		return figures{}, err
	}
	_, told, _ := bytes.Cut(out, []byte("\n{")) // it greets before its JSON
	var r fioResult
	if err := json.Unmarshal(append([]byte("{"), told...), &r); err != nil || len(r.Jobs) != 1 || r.Jobs[0].Error != 0 {
		return figures{}, fmt.Errorf("fio told %.500s: %w", out, err)
	}
	did := r.Jobs[0].Read
	if did.TotalIOs == 0 {
		did = r.Jobs[0].Write
	}
	if did.TotalIOs == 0 {
		return figures{}, errors.New("fio did nothing")
	}
	return figures{rate: did.IOPS, cpu: float64((after - before).Microseconds()) / float64(did.TotalIOs)}, nil
}
