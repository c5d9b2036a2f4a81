package nbd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/nbd"
)

// The server in a process of its own, so that its CPU time can be told from its
// client's: the test binary runs itself with these set.
const (
	childSocket = "BREEZEBLOCK_NBD_TEST_SOCKET"
	childFile   = "BREEZEBLOCK_NBD_TEST_FILE" // empty: a device that does nothing
)

// serveChild serves until its input ends.
func serveChild(socket string) {
	export := nbd.Export{Open: null{benchSize}.open}
	if path := os.Getenv(childFile); path != "" {
		export.Open = openFile(path)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	server := nbd.New(nbd.Config{Exports: &names{exports: map[string]nbd.Export{"vol": export}}})
	go func() { _ = server.Serve(context.Background(), listener) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = server.Close(context.Background())
}

const benchSize = 1 << 30

// BenchmarkServerCPU tells what a request of fio costs the server, in CPU time, next
// to qemu-nbd on the same file: go test -run - -bench ServerCPU -benchtime 3x
func BenchmarkServerCPU(b *testing.B) {
	needTools(b, "fio", "qemu-nbd")
	dir, err := os.MkdirTemp("", "nbd")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "disk")
	if err := os.WriteFile(file, pattern(benchSize, 1), 0o600); err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	servers := map[string]func() *exec.Cmd{
		"null": func() *exec.Cmd {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), childSocket+"="+socket)
			return cmd
		},
		"file": func() *exec.Cmd {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), childSocket+"="+socket, childFile+"="+file)
			return cmd
		},
		"qemu-nbd": func() *exec.Cmd {
			return exec.Command("qemu-nbd", "-f", "raw", "-x", "vol", "-k", socket, "-t", "-e", "4", file)
		},
	}
	for _, load := range []struct {
		rw, bs string
		depth  int
		count  int64
		bytes  int64
	}{
		{"randread", "4k", 1, 20000, 4096}, {"randread", "4k", 32, 60000, 4096}, {"randwrite", "4k", 1, 20000, 4096},
		{"randwrite", "4k", 32, 60000, 4096}, {"randread", "1m", 4, 1000, 1 << 20}, {"randwrite", "1m", 4, 1000, 1 << 20},
	} {
		for _, name := range []string{"null", "file", "qemu-nbd"} {
			b.Run(fmt.Sprintf("%s-%s-%d/%s", load.rw, load.bs, load.depth, name), func(b *testing.B) {
				var spent time.Duration
				for range b.N {
					spent += cpuOf(b, servers[name](), socket, "--rw="+load.rw, "--bs="+load.bs, fmt.Sprint("--iodepth=", load.depth),
						fmt.Sprint("--io_size=", load.count*load.bytes))
				}
				b.ReportMetric(float64(spent.Microseconds())/float64(load.count*int64(b.N)), "server-µs/request")
			})
		}
	}
}

// cpuOf starts a server, lets fio work on it, and gives the CPU time it took.
func cpuOf(b *testing.B, server *exec.Cmd, socket string, load ...string) time.Duration {
	b.Helper()
	_ = os.Remove(socket)
	stdin, err := server.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	eventually(b, "the server listens", func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	args := append([]string{"--name=x", "--ioengine=nbd", "--uri=nbd+unix:///vol?socket=" + socket, fmt.Sprint("--size=", benchSize),
		"--norandommap", "--randrepeat=0"}, load...)
	out, failed := exec.Command("fio", args...).CombinedOutput()
	_ = stdin.Close()
	_ = server.Process.Signal(syscall.SIGTERM)
	_ = server.Wait() // by the signal, or by the end of its input
	if failed != nil {
		b.Fatalf("fio: %v\n%s", failed, out)
	}
	return server.ProcessState.UserTime() + server.ProcessState.SystemTime()
}
