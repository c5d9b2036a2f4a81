package layers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// Delete renames the volume's folder away in one step, then removes it. Clones
// have links of their own to the layers that they share. A volume that is damaged
// can be deleted like any other.
func (p *Pool) Delete(ctx context.Context, id string, fence driver.Fence) error {
	v, err := p.acquire(ctx, id)
	if err != nil {
		return fmt.Errorf("delete volume: %w", err)
	}
	defer p.release(v)
	if err := v.delete(fence); err != nil {
		return fmt.Errorf("delete volume %s: %w", id, err)
	}
	return nil
}

func (v *volume) delete(fence driver.Fence) error {
	p := v.pool
	if v.users > 0 || len(v.readers) > 0 {
		return driver.ErrBusy
	}
	err := v.load()
	there := !errors.Is(err, driver.ErrNotFound)
	if err != nil && there && !errors.Is(err, driver.ErrDamaged) && !errors.Is(err, errUncertain) {
		return err
	}
	if err := v.admit(fence); err != nil {
		return err
	}
	trash := filepath.Join(p.root, "trash", v.id)
	if there {
		v.stopChore()
		// What an earlier delete that was cut left under this name goes first.
		if err := os.RemoveAll(trash); err != nil {
			return err
		}
		p.disk.step(StepTrash)
		if err := os.Rename(v.dir(), trash); err != nil {
			return err
		}
		v.m = nil
	}
	p.mu.Lock()
	delete(p.broken, v.id)
	delete(p.known, v.id)
	p.gone.bury(v.id, v.fence)
	p.mu.Unlock()
	p.disk.step(StepTrashed)
	if err := errors.Join(syncDir(filepath.Dir(v.dir())), syncDir(filepath.Dir(trash))); err != nil {
		return err
	}
	p.disk.step(StepRemove)
	if err := os.RemoveAll(trash); err != nil {
		return err
	}
	p.disk.reserve.refill()
	p.tidier.addSharers()
	return nil
}

// maxGraves bounds how many deleted volumes are remembered.
const maxGraves = 1 << 16

// graves remembers the fences of deleted volumes, so that a worker that lost its
// lease does not make one anew. They need not outlive the process: nor do its
// workers, and no other process has the pool. The zero value is ready.
type graves struct {
	fences map[string]driver.Fence
	ids    []string // in a ring, oldest at next
	next   int
}

func (g *graves) fence(id string) driver.Fence { return g.fences[id] }

// bury notes a deleted volume; the oldest is forgotten when there are too many.
func (g *graves) bury(id string, fence driver.Fence) {
	if fence == 0 {
		return
	}
	if g.fences == nil {
		g.fences = map[string]driver.Fence{}
	}
	if _, found := g.fences[id]; !found {
		if len(g.ids) < maxGraves {
			g.ids = append(g.ids, id)
		} else {
			delete(g.fences, g.ids[g.next])
			g.ids[g.next] = id
			g.next = (g.next + 1) % maxGraves
		}
	}
	g.fences[id] = max(g.fences[id], fence)
}
