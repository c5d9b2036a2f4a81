package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
	"github.com/breezeblock/breezeblock/internal/driver/layers"
)

// Goals. Source: design.md section 6; data-plane, section 10.
var (
	goalChain = goal{Least: 0.90} // a chain of 50 against a raw file, rate
	goalFloor = goal{Most: 1.5}   // a raw file against a device that does nothing, CPU
	goalQemu  = goal{Most: 0.5}   // a raw file against qemu-storage-daemon, CPU
)

const (
	nbdSize      = 512 << 20 // bytes of the volume and of the file
	nbdSnapshots = 50
	nbdScattered = 500 // writes of 4 KiB between two snapshots
	nbdVolume    = "vol"
)

// nbdWork is one kind of request, as fio makes it.
type nbdWork struct {
	name, rw, bs string
	depth        int
}

var (
	read4k  = nbdWork{"4 KiB random read", "randread", "4k", 32}
	read4k1 = nbdWork{"4 KiB random read, one at a time", "randread", "4k", 1}
	write4k = nbdWork{"4 KiB random write", "randwrite", "4k", 32}
	read1m  = nbdWork{"1 MiB read", "read", "1m", 4}
)

// nbdRows measures the data path under fio: a volume with a chain of snapshots
// against a raw file behind the same server, and that file behind other servers.
func (b *bench) nbdRows(ctx context.Context) error {
	if !b.wants("nbd") {
		return nil
	}
	servers, err := b.startNBD(ctx)
	if err != nil {
		return err
	}
	defer servers.stop()
	var pairs []*pair
	var add []func()
	plan := func(w nbdWork, ours, limit string, rows ...func(p *pair) row) {
		p := &pair{name: "nbd " + ours + " " + w.name, ours: servers.side(b, ours, w), limit: servers.side(b, limit, w)}
		pairs = append(pairs, p)
		add = append(add, func() {
			for _, r := range rows {
				b.add(r(p).with("limit: " + limit))
			}
		})
	}
	rate := func(name string, g goal) func(*pair) row {
		return func(p *pair) row { return p.rate("NBD, "+name, g) }
	}
	cpu := func(name string, g goal) func(*pair) row {
		return func(p *pair) row { return p.cpuRatio("NBD, "+name+", CPU of the server", g) }
	}
	for _, w := range []nbdWork{read4k, read4k1, write4k} {
		plan(w, "layers", "file", rate("chain of 50, "+w.name, goalChain), cpu("chain of 50, "+w.name, goal{}))
	}
	plan(read1m, "layers", "file", rate("chain of 50, 1 MiB read", goal{}))
	plan(read4k, "file", "null", cpu("raw file, "+read4k.name, goalFloor))
	for _, w := range []nbdWork{read4k, write4k} {
		plan(w, "file", "qemu-storage-daemon", cpu("raw file, "+w.name, goalQemu), rate("raw file, "+w.name, goal{}))
		plan(w, "layers", "qemu-storage-daemon", cpu("chain of 50, "+w.name, goal{}), rate("chain of 50, "+w.name, goal{}))
		plan(w, "file", "qemu-nbd", cpu("raw file, "+w.name, goal{}))
	}
	if err := runPairs(ctx, b.rng, b.rounds, pairs, b.say); err != nil {
		return err
	}
	for _, f := range add {
		f()
	}
	return nil
}

// nbdServers are the servers under test, by name.
type nbdServers map[string]*nbdServer

func (s nbdServers) stop() {
	for _, server := range s {
		server.stop()
	}
}

func (s nbdServers) side(b *bench, name string, w nbdWork) side {
	return func(ctx context.Context) (figures, error) { return s[name].underFio(ctx, b.slot, w) }
}

// startNBD makes the volume and the file, with the same bytes, and starts a server
// for each, and the others on the file.
func (b *bench) startNBD(ctx context.Context) (_ nbdServers, err error) {
	for _, tool := range []string{"fio", "qemu-nbd", "qemu-storage-daemon"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("the NBD rows need %s (Debian: fio, qemu-utils, qemu-system-common); leave them out with -only '^(http|store|jobs|page|start)'", tool)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file, pool := filepath.Join(b.dir, "raw"), filepath.Join(b.dir, "pool")
	if err := makeChain(ctx, pool, file); err != nil {
		return nil, fmt.Errorf("make the volume: %w", err)
	}
	servers := nbdServers{}
	defer func() {
		if err != nil {
			servers.stop()
		}
	}()
	for name, command := range map[string]func(socket string) []string{
		"null":   func(s string) []string { return []string{self, "nbd", "null", s} },
		"file":   func(s string) []string { return []string{self, "nbd", "file", s, file} },
		"layers": func(s string) []string { return []string{self, "nbd", "layers", s, pool} },
		"qemu-nbd": func(s string) []string {
			return []string{"qemu-nbd", "-f", "raw", "-x", nbdVolume, "-k", s, "-t", "-e", "4", file}
		},
		"qemu-storage-daemon": func(s string) []string {
			return []string{"qemu-storage-daemon", "--blockdev", "driver=file,filename=" + file + ",node-name=f,locking=off",
				"--blockdev", "driver=raw,file=f,node-name=vol", "--nbd-server", "addr.type=unix,addr.path=" + s,
				"--export", "nbd,id=e,node-name=vol,name=" + nbdVolume + ",writable=on"}
		},
	} {
		args := command(filepath.Join(b.dir, name+".socket"))
		if servers[name], err = startNBDServer(ctx, filepath.Join(b.dir, name+".socket"), args[0], args[1:]...); err != nil {
			return nil, err
		}
	}
	return servers, nil
}

// makeChain makes a volume of nbdSize bytes, written in full, with snapshots and
// scattered writes between them, and a file with the same bytes.
func makeChain(ctx context.Context, dir, file string) (err error) {
	pool, err := layers.Open(dir, layers.Options{MergeRate: 1 << 40})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := fillChain(ctx, pool, file); err != nil {
		return err
	}
	return summed(ctx, pool)
}

// summed waits until the sealed layers have their checksums, so that counting them
// is not measured; the head has none.
func summed(ctx context.Context, pool *layers.Pool) error {
	const head = 2 * nbdScattered * 4096 // bytes, with what lies between
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		report, err := pool.Check(ctx, nbdVolume, false)
		if err != nil || report.Unverified <= head {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d bytes still have no checksum", report.Unverified)
		}
	}
}

func fillChain(ctx context.Context, pool *layers.Pool, file string) (err error) {
	if err := pool.Create(ctx, driver.VolumeSpec{ID: nbdVolume, Size: nbdSize}, 0); err != nil {
		return err
	}
	dev, err := pool.Open(ctx, driver.Ref{Volume: nbdVolume}, driver.ReadWrite)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dev.Flush(ctx), dev.Close()) }()
	raw, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, raw.Sync(), raw.Close()) }()
	both := func(p []byte, off int64) error {
		_, first := dev.WriteAt(p, off)
		_, second := raw.WriteAt(p, off)
		return errors.Join(first, second)
	}
	random := rand.NewChaCha8([32]byte{1})
	place := rand.New(rand.NewPCG(1, 2))
	piece := make([]byte, 1<<20)
	for off := int64(0); off < nbdSize; off += int64(len(piece)) {
		_, _ = random.Read(piece) // it never fails
		if err := both(piece, off); err != nil {
			return err
		}
	}
	for n := range nbdSnapshots {
		if err := pool.Snapshot(ctx, nbdVolume, fmt.Sprintf("s%d", n), 0); err != nil {
			return err
		}
		for range nbdScattered {
			if err := both(piece[:4096], place.Int64N(nbdSize/4096)*4096); err != nil {
				return err
			}
		}
	}
	return nil
}
