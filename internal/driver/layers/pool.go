package layers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/breezeblock/breezeblock/internal/crash"
	"github.com/breezeblock/breezeblock/internal/driver"
)

// segmentSize is where layer files are cut, in bytes. Source: ext4 ends a file of
// 4 KiB blocks at 16 TiB; a volume may have 32.
const segmentSize = 8 << 40

// Options are what a caller may want otherwise; the zero value is right in production.
type Options struct {
	// AtStep is called at each step of each call, under the volume's lock. Tests
	// stop there, cut there, or do I/O meanwhile.
	AtStep func(Step)
	// MergeRate bounds what is read and copied in the background, in bytes per
	// second; 0 is 64 MiB.
	MergeRate int64
	// Reserve is what is held back so that deleting works on a full disk, in bytes;
	// 0 is 16 MiB.
	Reserve int64
	// Trouble is told of failed background work, which is tried again when the
	// volume is next used. nil: nobody is.
	Trouble func(volume string, err error)

	// What tests of this package put in the way of the disk.
	segment  int64 // bytes; 0 is segmentSize
	grain    int64 // bytes at least
	datasync func(f *os.File) error
	write    func(f *os.File, p []byte, off int64) (int, error)
	quiet    time.Duration // 0 is defaultQuiet
	byHand   bool          // nothing is done in the background but by calling tidy
}

// Pool is the driver: a folder of volumes, of one process at a time.
type Pool struct {
	root           string
	disk           disk
	grain, segment int64
	lock           *os.File
	shares         bool // merges may let files share bytes

	mu     sync.Mutex
	closed bool
	vols   map[string]*volume // those that are in use
	broken map[string]error   // refused until the pool is opened anew, or they are deleted
	gone   graves
	known  map[string]bool // volumes that were made sound since the pool was opened

	tidier  *tidier
	pace    pace // of the tidier
	trouble func(volume string, err error)
	byHand  bool
}

var _ driver.Driver = (*Pool)(nil)

// geometry is what the pool file holds: how all its volumes are cut, for good.
type geometry struct {
	Grain   int64 `json:"grain"`
	Segment int64 `json:"segment"`
}

// Open opens the pool in root and makes it if there is none. It removes what cut
// creates and deletes left behind. It fails with driver.ErrBusy if another process
// has it, with driver.ErrDamaged if its pool file makes no sense, with
// driver.ErrInvalid on a file system that cannot carry it.
func Open(root string, o Options) (_ *Pool, err error) {
	p := &Pool{root: root, segment: segmentSize, vols: map[string]*volume{}, broken: map[string]error{}, known: map[string]bool{}}
	p.disk = disk{step: func(s Step) { crash.At(string(s)) }, datasync: datasync, write: (*os.File).WriteAt}
	if o.AtStep != nil {
		p.disk.step = o.AtStep
	}
	if o.datasync != nil {
		p.disk.datasync = o.datasync
	}
	if o.write != nil {
		p.disk.write = o.write
	}
	if o.segment != 0 {
		p.segment = o.segment
	}
	p.disk.cache = &sumCache{}
	p.pace.rate = cmp.Or(o.MergeRate, defaultMergeRate)
	p.tidier, p.byHand = newTidier(p, cmp.Or(o.quiet, defaultQuiet)), o.byHand
	if p.trouble = o.Trouble; p.trouble == nil {
		p.trouble = func(string, error) {}
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("open pool: %w", err)
	}
	if p.lock, err = lockFile(filepath.Join(root, "lock")); err != nil {
		return nil, fmt.Errorf("open pool %s: %w", root, err)
	}
	if err := p.prepare(o.grain); err != nil {
		return nil, errors.Join(fmt.Errorf("open pool %s: %w", root, err), p.lock.Close())
	}
	p.shares = !keepsWhole(root)
	if p.disk.reserve, err = openReserve(filepath.Join(root, "reserve"), cmp.Or(o.Reserve, defaultReserve)); err != nil {
		return nil, errors.Join(fmt.Errorf("open pool %s: %w", root, err), p.lock.Close())
	}
	if !p.byHand {
		p.tidier.start()
	}
	return p, nil
}

// lockFile takes the lock that keeps a second process out. The kernel gives it
// back however this one ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	err = lockWhole(f)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another process holds %s", driver.ErrBusy, path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// prepare makes the folders, empties those that never keep anything, and settles the geometry.
func (p *Pool) prepare(leastGrain int64) error {
	for _, dir := range []string{"volumes", "staging", "trash"} {
		if err := os.Mkdir(filepath.Join(p.root, dir), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, dir := range []string{"staging", "trash"} {
		if err := emptyFolder(filepath.Join(p.root, dir)); err != nil {
			return err
		}
	}
	grain, err := probe(filepath.Join(p.root, "staging", "probe"))
	if err != nil {
		return err
	}
	return p.settleGeometry(max(grain, leastGrain))
}

// settleGeometry reads the pool file, or writes it when the pool is new.
func (p *Pool) settleGeometry(grain int64) error {
	path := filepath.Join(p.root, "pool")
	text, err := readSmall(path, 4096)
	if errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(filepath.Join(p.root, "volumes")); err != nil || len(entries) > 0 {
			return errors.Join(damaged(path, errors.New("it is missing, but there are volumes")), err)
		}
		p.grain = grain
		return p.writeGeometry(path)
	}
	var g geometry
	if err == nil {
		if text, err = unsealText(poolMagic, text); err == nil {
			err = unmarshalStrict(text, &g)
		}
		if err == nil && checkGeometry(g.Grain, g.Segment) != nil {
			err = fmt.Errorf("%w: %w", errFormat, checkGeometry(g.Grain, g.Segment))
		}
	}
	switch {
	case errors.Is(err, errFormat):
		return damaged(path, err)
	case err != nil:
		return err
	case grain > g.Grain:
		return fmt.Errorf("%w: the pool was made on a file system that allocates %d bytes at a time; here it is %d",
			driver.ErrInvalid, g.Grain, grain)
	}
	p.grain, p.segment = g.Grain, g.Segment
	return nil
}

func (p *Pool) writeGeometry(path string) error {
	body, err := json.Marshal(geometry{Grain: p.grain, Segment: p.segment})
	if err != nil {
		return err
	}
	err = p.disk.replaceFile(path, sealText(poolMagic, append(body, '\n')))
	return spaceError(errors.Join(err, syncDir(filepath.Dir(p.root))))
}

// Info tells of the file system beneath.
func (p *Pool) Info(ctx context.Context) (driver.Info, error) {
	if err := p.usable(ctx); err != nil {
		return driver.Info{}, err
	}
	total, free, err := space(p.root)
	if err != nil {
		return driver.Info{}, fmt.Errorf("info of pool: %w", err)
	}
	return driver.Info{Name: "layers", Place: p.root, Total: total, Free: free}, nil
}

// usable fails when the pool is closed or ctx has ended.
func (p *Pool) usable(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("pool %s: %w", p.root, fs.ErrClosed)
	}
	return ctx.Err()
}

// acquire locks a volume, there or not, for one call at a time; release ends it.
func (p *Pool) acquire(ctx context.Context, id string) (*volume, error) {
	if err := driver.CheckID(id); err != nil {
		return nil, err
	}
	if err := p.usable(ctx); err != nil {
		return nil, err
	}
	return p.take(ctx, id, guest)
}

// who takes a volume: a guest keeps the pool from being closed.
const (
	guest = 0
	staff = 1
)

// take is acquire for a guest or the tidier.
func (p *Pool) take(ctx context.Context, id string, who int) (*volume, error) {
	p.mu.Lock()
	v := p.vols[id]
	if v == nil {
		v = &volume{id: id, pool: p, lock: make(chan struct{}, 1), readers: map[string]int{}, cores: map[*core]bool{}}
		p.vols[id] = v
	}
	v.refs++
	v.back += who
	p.mu.Unlock()
	select {
	case v.lock <- struct{}{}:
		return v, nil
	case <-ctx.Done():
		p.drop(v, who)
		return nil, fmt.Errorf("wait for volume %s: %w", id, ctx.Err())
	}
}

func (p *Pool) release(v *volume) {
	<-v.lock
	p.drop(v, guest)
}

// hold keeps v in memory for an open device; drop gives it back.
func (p *Pool) hold(v *volume) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.refs++
}

func (p *Pool) drop(v *volume, who int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v.back -= who
	if v.refs--; v.refs == 0 {
		delete(p.vols, v.id)
	}
}

// List reads the manifests one after the other, a few names at a time.
func (p *Pool) List(ctx context.Context) iter.Seq2[driver.Ref, error] {
	return func(yield func(driver.Ref, error) bool) {
		dir, err := os.Open(filepath.Join(p.root, "volumes"))
		if err != nil {
			yield(driver.Ref{}, fmt.Errorf("list pool: %w", err))
			return
		}
		defer dir.Close()
		for {
			if err := p.usable(ctx); err != nil {
				yield(driver.Ref{}, err)
				return
			}
			entries, err := dir.ReadDir(256)
			for _, e := range entries {
				if driver.CheckID(e.Name()) == nil && !p.listOne(e.Name(), yield) {
					return
				}
			}
			if len(entries) == 0 {
				if err != nil && !errors.Is(err, io.EOF) {
					yield(driver.Ref{}, fmt.Errorf("list pool: %w", err))
				}
				return
			}
		}
	}
}

// listOne yields a volume and its snapshots. A manifest is replaced in one step,
// so it is read without the volume's lock.
func (p *Pool) listOne(id string, yield func(driver.Ref, error) bool) bool {
	m, err := p.readManifest(id)
	if errors.Is(err, driver.ErrNotFound) {
		return true // deleted meanwhile
	}
	if !yield(driver.Ref{Volume: id}, err) {
		return false
	}
	if err != nil {
		return true
	}
	for _, s := range m.Snapshots {
		if !yield(driver.Ref{Volume: id, Snapshot: s.ID}, nil) {
			return false
		}
	}
	return true
}

// Close ends background work and gives back the lock. It fails with driver.ErrBusy
// while a device is open or a call is on its way.
func (p *Pool) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	users := 0
	for _, v := range p.vols {
		users += v.refs - v.back
	}
	p.closed = users == 0
	p.mu.Unlock()
	if users > 0 {
		return fmt.Errorf("close pool %s: %d users: %w", p.root, users, driver.ErrBusy)
	}
	if !p.byHand {
		p.tidier.stop()
	}
	return errors.Join(p.disk.reserve.close(), p.lock.Close())
}
