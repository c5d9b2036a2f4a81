package layers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// volume is a volume in use: by a call, which holds its lock, or by open devices.
type volume struct {
	id   string
	pool *Pool
	lock chan struct{} // full: held
	refs int           // calls and devices; under the pool's mu
	back int           // of them those of the tidier

	// Under the lock:
	m       *manifest    // nil: not read yet, or not there
	fence   driver.Fence // the newest seen
	core    *core        // while a device is open on the volume itself
	users   int          // those devices
	writer  bool         // one of them writes
	readers map[string]int
	cores   map[*core]bool // of all devices
	chore   *running       // what the tidier does, if it does something
	pins    int            // checks on their way: no chore begins
}

func (p *Pool) volumeDir(id string) string { return filepath.Join(p.root, "volumes", id) }

func (v *volume) dir() string { return v.pool.volumeDir(v.id) }

// readManifest reads and checks the manifest of a volume. Without a folder it
// fails with driver.ErrNotFound, with a bad manifest with driver.ErrDamaged.
func (p *Pool) readManifest(id string) (*manifest, error) {
	path := filepath.Join(p.volumeDir(id), "manifest")
	text, err := readSmall(path, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		if _, gone := os.Lstat(p.volumeDir(id)); errors.Is(gone, fs.ErrNotExist) {
			return nil, driver.ErrNotFound
		}
		return nil, damaged(path, err)
	}
	var m *manifest
	if err == nil {
		m, err = parseManifest(text)
	}
	if err == nil && (m.Volume != id || m.Grain != p.grain || m.Segment != p.segment) {
		err = fmt.Errorf("%w: it is of volume %s with grain %d, segment %d", errFormat, m.Volume, m.Grain, m.Segment)
	}
	if errors.Is(err, errFormat) {
		return nil, damaged(path, err)
	}
	return m, err
}

// load reads the manifest unless it is in memory.
func (v *volume) load() error {
	v.pool.mu.Lock()
	err := v.pool.broken[v.id]
	v.pool.mu.Unlock()
	if err != nil || v.m != nil {
		return err
	}
	m, err := v.pool.readManifest(v.id)
	if err != nil {
		return err
	}
	v.m, v.fence = m, max(v.fence, driver.Fence(m.Fence))
	v.takeOut()
	if err := v.recover(); err != nil {
		v.m = nil
		return err
	}
	return nil
}

// admit refuses an older fence and notes a newer one, which save makes durable.
func (v *volume) admit(fence driver.Fence) error {
	if fence != 0 && fence < v.fence {
		return driver.ErrFenced
	}
	v.fence = max(v.fence, fence)
	return nil
}

// save makes m the manifest, durably. If it cannot be known whether it is, the
// volume is refused until the pool is opened anew.
func (v *volume) save(m *manifest) error {
	m.Fence = int64(v.fence)
	if err := m.check(); err != nil {
		return fmt.Errorf("a manifest that makes no sense was not written: %w", err)
	}
	text, err := m.encode()
	if err != nil {
		return err
	}
	err = v.pool.disk.replaceFile(filepath.Join(v.dir(), "manifest"), text)
	if errors.Is(err, errUncertain) {
		v.breakOff(err)
	}
	if err == nil || errors.Is(err, errUncertain) {
		v.m = m
	}
	if err != nil {
		return spaceError(err)
	}
	v.takeOut()
	return nil
}

// takeOut removes what the manifest has put in the trash. What stays, by a cut or an
// error, is removed when the volume is next used; that the trash is empty is
// written with the next change.
func (v *volume) takeOut() {
	if len(v.m.Trash) == 0 {
		return
	}
	v.pool.disk.step(StepTakeOut)
	if removeFiles(v.dir(), v.m.Trash) == nil {
		v.m = v.m.clone()
		v.m.Trash = nil
	}
}

// breakOff refuses the volume from now on.
func (v *volume) breakOff(why error) {
	v.pool.mu.Lock()
	defer v.pool.mu.Unlock()
	v.pool.broken[v.id] = fmt.Errorf("refused until the pool is opened anew: %w: %w", errUncertain, why)
}

// mutate runs change on a volume that is there, in turn, fenced.
func (p *Pool) mutate(ctx context.Context, what, id string, fence driver.Fence, change func(v *volume) error) error {
	v, err := p.acquire(ctx, id)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer p.release(v)
	if err = v.load(); err == nil {
		err = v.admit(fence)
	}
	if err == nil {
		err = v.settle(change)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, id, err)
	}
	p.tidier.add(id)
	return nil
}

// settle runs change and sees to what it leaves open when it saves nothing.
func (v *volume) settle(change func(v *volume) error) error {
	before := v.m
	err := change(v)
	switch {
	case errors.Is(err, errUncertain) || v.m != before:
		return err
	case int64(v.fence) > v.m.Fence: // seen, so an older one is refused from now on
		return errors.Join(err, v.save(v.m.clone()))
	case err == nil: // done before, by a call that may have been cut before it was durable
		return syncDir(v.dir())
	}
	return err
}

// Create makes an empty volume: a folder with a manifest and an empty head.
func (p *Pool) Create(ctx context.Context, spec driver.VolumeSpec, fence driver.Fence) error {
	v, err := p.acquire(ctx, spec.ID)
	if err != nil {
		return fmt.Errorf("create volume: %w", err)
	}
	defer p.release(v)
	err = v.make(spec, nil, fence, func(string) (*manifest, error) {
		return &manifest{Next: 2, Head: 1, Layers: []layer{{Number: 1, Size: spec.Size}}}, nil
	})
	if err != nil {
		return fmt.Errorf("create volume %s: %w", spec.ID, err)
	}
	return nil
}

// make makes the volume unless it is there. In a folder beside the volumes, fill
// puts the layers that are shared and tells layers, head and next; the rest is here.
func (v *volume) make(spec driver.VolumeSpec, from *origin, fence driver.Fence, fill func(dir string) (*manifest, error)) error {
	p := v.pool
	if err := driver.CheckSize(spec.Size); err != nil {
		return err
	}
	if segments(spec.Size, p.segment) > maxSegments {
		return fmt.Errorf("%w: %d bytes are more than %d segments of %d", driver.ErrInvalid, spec.Size, maxSegments, p.segment)
	}
	err := v.load()
	if err == nil {
		return v.confirm(spec, from, fence)
	}
	if !errors.Is(err, driver.ErrNotFound) {
		return err
	}
	p.mu.Lock()
	v.fence = max(v.fence, p.gone.fence(v.id))
	p.mu.Unlock()
	if err := v.admit(fence); err != nil {
		return err
	}
	staging := filepath.Join(p.root, "staging", v.id)
	p.disk.step(StepStage)
	if err := os.RemoveAll(staging); err != nil {
		return err
	}
	if err := os.Mkdir(staging, 0o700); err != nil {
		return spaceError(err)
	}
	if err := v.stage(staging, spec, from, fill); err != nil {
		return errors.Join(spaceError(err), os.RemoveAll(staging))
	}
	p.disk.step(StepPublish)
	if err := os.Rename(staging, v.dir()); err != nil {
		return errors.Join(spaceError(err), os.RemoveAll(staging))
	}
	p.disk.step(StepPublished)
	if err := syncDir(filepath.Dir(v.dir())); err != nil {
		v.breakOff(err)
		return fmt.Errorf("%w: %w", errUncertain, err)
	}
	return nil
}

// confirm answers for a volume that is there: it is what was asked for, or another.
func (v *volume) confirm(spec driver.VolumeSpec, from *origin, fence driver.Fence) error {
	if err := v.admit(fence); err != nil {
		return err
	}
	same := from == v.m.From || (from != nil && v.m.From != nil && *from == *v.m.From)
	if !same || v.m.Size != spec.Size {
		return fmt.Errorf("%w: there is a volume of this id that is another", driver.ErrInvalid)
	}
	if int64(v.fence) > v.m.Fence {
		return v.save(v.m.clone())
	}
	// The call that made it may have been cut before its name was durable.
	return syncDir(filepath.Dir(v.dir()))
}

// stage fills the folder of a new volume and makes it durable.
func (v *volume) stage(dir string, spec driver.VolumeSpec, from *origin, fill func(dir string) (*manifest, error)) error {
	m, err := fill(dir)
	if err != nil {
		return err
	}
	m.Volume, m.Size, m.From, m.Fence = v.id, spec.Size, from, int64(v.fence)
	m.Grain, m.Segment = v.pool.grain, v.pool.segment
	head := m.layer(m.Head)
	*head = m.newLayer(head.Number, head.Parent, head.Size)
	if err := m.check(); err != nil {
		return fmt.Errorf("a manifest that makes no sense was not written: %w", err)
	}
	l, err := createLayer(&v.pool.disk, dir, m, *m.layer(m.Head))
	if err != nil {
		return err
	}
	text, err := m.encode()
	if err == nil {
		err = writeDurable(filepath.Join(dir, "manifest"), text)
	}
	return errors.Join(err, l.close(), syncDir(dir))
}

// Extend lengthens the head, then tells so in the manifest.
func (p *Pool) Extend(ctx context.Context, id string, size int64, fence driver.Fence) error {
	if err := errors.Join(driver.CheckID(id), driver.CheckSize(size)); err != nil {
		return fmt.Errorf("extend volume: %w", err)
	}
	return p.mutate(ctx, "extend volume", id, fence, func(v *volume) error {
		switch {
		case size == v.m.Size:
			return nil
		case size < v.m.Size:
			return fmt.Errorf("%w: it has %d bytes and never shrinks", driver.ErrInvalid, v.m.Size)
		case segments(size, p.segment) > maxSegments:
			return fmt.Errorf("%w: %d bytes are more than %d segments of %d", driver.ErrInvalid, size, maxSegments, p.segment)
		}
		return v.extend(size)
	})
}

func (v *volume) extend(size int64) error {
	v.pool.disk.step(StepGrow)
	err := v.withHead(func(l *layerFile) error {
		if err := l.resize(size); err != nil {
			return spaceError(err)
		}
		if err := l.datasync(); err != nil {
			if v.core != nil { // bytes of the device went with it
				err = v.core.fail(err)
			}
			return spaceError(err)
		}
		return syncDir(v.dir())
	})
	if err != nil {
		return err
	}
	v.pool.disk.step(StepResize)
	m := v.m.clone()
	m.Size, m.layer(m.Head).Size = size, size
	if err := v.save(m); err != nil {
		return err
	}
	if v.core != nil {
		v.core.grow(size)
	}
	return nil
}

// withHead runs do on the head's file, which is open if the volume is.
func (v *volume) withHead(do func(l *layerFile) error) error {
	if v.core != nil {
		return do(v.core.headFile())
	}
	l, err := openLayer(&v.pool.disk, v.dir(), v.m, *v.m.layer(v.m.Head))
	if err != nil {
		return err
	}
	return errors.Join(do(l), l.close())
}
