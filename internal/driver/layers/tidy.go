package layers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/driver"
)

const (
	// defaultMergeRate is how much a pool reads or copies in the background, in
	// bytes per second: what even one slow disk has to spare.
	defaultMergeRate = 64 << 20
	// defaultQuiet is how long a pool waits before it tidies up, so that what
	// follows at once is done together.
	defaultQuiet = time.Second
	// sweepEvery is how often volumes in use are looked at without being asked to:
	// a head grows without a call.
	sweepEvery = time.Minute
)

// tidier does what can wait, one volume after the other: it counts the sums of
// sealed layers, merges layers that are only seen together, removes what was let
// go. All of it goes on after a cut, as the manifests tell what is left to do.
type tidier struct {
	pool   *Pool
	quiet  time.Duration
	cancel context.CancelFunc
	done   chan struct{}
	wake   chan struct{} // of one

	mu     sync.Mutex
	queue  []string // of volumes, each once
	queued map[string]bool
	all    bool // look at every volume: what they share may be one's alone now
}

func newTidier(p *Pool, quiet time.Duration) *tidier {
	return &tidier{pool: p, quiet: quiet, cancel: func() {}, done: make(chan struct{}), wake: make(chan struct{}, 1), queued: map[string]bool{}}
}

// start begins, with all volumes that the pool holds.
func (t *tidier) start() {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	go func() {
		defer close(t.done)
		t.run(ctx)
	}()
}

// stop ends what is on its way and waits for it.
func (t *tidier) stop() {
	t.cancel()
	<-t.done
}

// add asks for a volume to be looked at.
func (t *tidier) add(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.queued[id] {
		t.queued[id] = true
		t.queue = append(t.queue, id)
	}
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// addSharers asks for the volumes to be looked at that may have shared something
// with one that was deleted.
func (t *tidier) addSharers() {
	t.mu.Lock()
	t.all = true
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// next takes the volume that has waited longest.
func (t *tidier) next() (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		return "", false
	}
	id := t.queue[0]
	t.queue = t.queue[1:]
	delete(t.queued, id)
	return id, true
}

func (t *tidier) run(ctx context.Context) {
	t.addSharers()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			t.addUsed()
		case <-t.wake:
		}
		if !sleep(ctx, t.quiet) {
			return
		}
		t.mu.Lock()
		all := t.all
		t.all = false
		t.mu.Unlock()
		if all {
			t.addAll(ctx)
		}
		for id, found := t.next(); found && ctx.Err() == nil; id, found = t.next() {
			if err := t.pool.tidy(ctx, id); err != nil && ctx.Err() == nil {
				t.pool.trouble(id, err)
			}
		}
	}
}

// sleep waits; false when ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// addUsed adds the volumes in use.
func (t *tidier) addUsed() {
	t.pool.mu.Lock()
	var ids []string
	for id := range t.pool.vols {
		ids = append(ids, id)
	}
	t.pool.mu.Unlock()
	for _, id := range ids {
		t.add(id)
	}
}

// addAll adds the volumes in which a cut may have left work.
func (t *tidier) addAll(ctx context.Context) {
	dir, err := os.Open(filepath.Join(t.pool.root, "volumes"))
	if err != nil {
		t.pool.trouble("", err)
		return
	}
	defer dir.Close()
	for ctx.Err() == nil {
		entries, err := dir.ReadDir(256)
		for _, e := range entries {
			if driver.CheckID(e.Name()) != nil {
				continue
			}
			if m, err := t.pool.readManifest(e.Name()); err == nil && m.untidy() {
				t.add(e.Name())
			}
		}
		if len(entries) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				t.pool.trouble("", err)
			}
			return
		}
	}
}

// untidy tells whether there may be something to do.
func (m *manifest) untidy() bool {
	if m.Merge != nil || len(m.Trash) > 0 || m.sealing() != nil {
		return true
	}
	for _, l := range m.Layers {
		if l.sealed() && (l.Sums == "" || m.onlyChild(l.Number) != nil) {
			return true
		}
	}
	return false
}

// chore is a piece of background work. run goes without the volume's lock, for
// long; commit has it.
type chore interface {
	run(ctx context.Context) error
	commit(v *volume) error
	close() error
}

// running is a chore on its way.
type running struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
}

// tidy does all there is to do for a volume.
func (p *Pool) tidy(ctx context.Context, id string) error {
	for {
		did, err := p.tidyOnce(ctx, id)
		if err != nil {
			return fmt.Errorf("tidy up volume %s: %w", id, err)
		}
		if !did {
			return nil
		}
	}
}

// tidyOnce does the next piece of work; false when there is none.
func (p *Pool) tidyOnce(ctx context.Context, id string) (did bool, err error) {
	v, err := p.take(ctx, id, staff)
	if err != nil {
		return false, err
	}
	defer p.drop(v, staff)
	locked := true
	defer func() {
		if locked {
			<-v.lock
		}
	}()
	c, err := v.nextChore()
	if err != nil || c == nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	job := &running{ctx: ctx, cancel: cancel, done: make(chan struct{})}
	defer close(job.done)
	v.chore = job
	<-v.lock
	locked = false
	err = c.run(ctx)
	select {
	case v.lock <- struct{}{}:
		locked = true
		v.chore = nil
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return false, nil // whoever ended it knows
	}
	if err == nil {
		err = c.commit(v)
	}
	return err == nil, err
}

// stopChore ends background work on the volume. The caller has the lock.
func (v *volume) stopChore() {
	if v.chore != nil {
		v.chore.cancel()
		<-v.chore.done
		v.chore = nil
	}
}

// nextChore decides what is to be done. The caller has the lock.
func (v *volume) nextChore() (chore, error) {
	v.pool.disk.reserve.refill()
	if v.pins > 0 {
		return nil, nil
	}
	if err := v.load(); errors.Is(err, driver.ErrNotFound) || errors.Is(err, driver.ErrDamaged) || errors.Is(err, errUncertain) {
		return nil, nil // told to whoever asks for the volume
	} else if err != nil {
		return nil, err
	}
	v.takeOut()
	for _, l := range v.m.Layers {
		if l.sealed() && l.Sums == "" {
			return v.newSumming(l)
		}
	}
	return v.nextMerge()
}

// pace keeps background work to a rate.
type pace struct {
	rate int64 // bytes per second; not above 0: as fast as it goes

	mu   sync.Mutex
	free time.Time
}

// wait lets the time pass that n bytes take.
func (p *pace) wait(ctx context.Context, n int) error {
	if p.rate <= 0 {
		return ctx.Err()
	}
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	ahead := p.free.Sub(now)
	p.mu.Unlock()
	if ahead > 10*time.Millisecond && !sleep(ctx, ahead) {
		return ctx.Err()
	}
	return ctx.Err()
}

// summing counts the sums of one layer.
type summing struct {
	v    *volume
	rec  layer
	file *layerFile
	held *table
	path string
	sum  string
}

func (v *volume) newSumming(rec layer) (chore, error) {
	held, err := v.holds(nil, rec)
	if err != nil {
		return nil, err
	}
	l, err := openLayer(&v.pool.disk, v.dir(), v.m, rec)
	if err != nil {
		return nil, err
	}
	return &summing{v: v, rec: rec, file: l, held: held, path: filepath.Join(v.dir(), sumsName(rec))}, nil
}

func (s *summing) run(ctx context.Context) error {
	d := &s.v.pool.disk
	d.step(StepSums)
	return d.reserve.essential(func() (err error) { // no merge without them
		s.sum, err = s.file.countSums(ctx, &s.v.pool.pace, s.path, s.v.pool.grain, s.held)
		return err
	})
}

func (s *summing) commit(v *volume) error {
	if err := v.load(); err != nil {
		return err
	}
	rec := v.m.layer(s.rec.Number)
	if rec == nil || *rec != s.rec {
		return removeFiles(v.dir(), []string{filepath.Base(s.path)})
	}
	if err := syncDir(v.dir()); err != nil {
		return err
	}
	v.pool.disk.step(StepSumsRecord)
	err := v.pool.disk.reserve.essential(func() error {
		m := v.m.clone()
		m.layer(s.rec.Number).Sums = s.sum
		return v.save(m)
	})
	if err != nil {
		return err
	}
	for c := range v.cores {
		if err := c.knowSums(&v.pool.disk, v.dir(), *v.m.layer(s.rec.Number)); err != nil {
			return err
		}
	}
	return nil
}

func (s *summing) close() error { return s.file.close() }
