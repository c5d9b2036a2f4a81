package backuptest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
)

// Memory is a store of objects in memory. Its zero value is empty and uses the
// machine's clock.
type Memory struct {
	Now func() time.Time
	// Before is asked before each call, by its name; an error is the call's answer.
	Before func(call, name string) error

	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	data     []byte
	modified time.Time
}

var _ backup.Objects = (*Memory)(nil)

func (m *Memory) begin(ctx context.Context, call, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if call != "flush" {
		if err := backup.CheckName(name); err != nil {
			return err
		}
	}
	if m.Before != nil {
		return m.Before(call, name)
	}
	return nil
}

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

// Put stores an object.
func (m *Memory) Put(ctx context.Context, name string, data []byte) error {
	if err := m.begin(ctx, "put", name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(name, data)
	return nil
}

func (m *Memory) set(name string, data []byte) {
	if m.objects == nil {
		m.objects = map[string]object{}
	}
	m.objects[name] = object{slices.Clone(data), m.now()}
}

// Create is Put, but fails with ErrExists when the name is taken.
func (m *Memory) Create(ctx context.Context, name string, data []byte) error {
	if err := m.begin(ctx, "create", name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.objects[name]; taken {
		return fmt.Errorf("create %s: %w", name, backup.ErrExists)
	}
	m.set(name, data)
	return nil
}

// Flush does nothing.
func (m *Memory) Flush(ctx context.Context) error { return m.begin(ctx, "flush", "") }

// Get reads an object.
func (m *Memory) Get(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := m.begin(ctx, "get", name); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, found := m.objects[name]
	if !found {
		return nil, fmt.Errorf("get %s: %w", name, backup.ErrNotFound)
	}
	if int64(len(o.data)) > limit {
		return nil, fmt.Errorf("get %s: %w", name, backup.ErrDamaged)
	}
	return slices.Clone(o.data), nil
}

// Stat fails with ErrNotFound.
func (m *Memory) Stat(ctx context.Context, name string) (backup.ObjectInfo, error) {
	if err := m.begin(ctx, "stat", name); err != nil {
		return backup.ObjectInfo{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, found := m.objects[name]
	if !found {
		return backup.ObjectInfo{}, fmt.Errorf("stat %s: %w", name, backup.ErrNotFound)
	}
	return backup.ObjectInfo{Name: name, Size: int64(len(o.data)), Modified: o.modified}, nil
}

// List yields what was there when it began.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[backup.ObjectInfo, error] {
	return func(yield func(backup.ObjectInfo, error) bool) {
		if err := m.begin(ctx, "list", strings.TrimSuffix(prefix, "/")); err != nil {
			yield(backup.ObjectInfo{}, err)
			return
		}
		for _, name := range m.Names(prefix) {
			m.mu.Lock()
			o, found := m.objects[name]
			m.mu.Unlock()
			if found && !yield(backup.ObjectInfo{Name: name, Size: int64(len(o.data)), Modified: o.modified}, nil) {
				return
			}
		}
	}
}

// Delete removes an object.
func (m *Memory) Delete(ctx context.Context, name string) error {
	if err := m.begin(ctx, "delete", name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, name)
	return nil
}

// Names are those of all objects below a prefix, in order.
func (m *Memory) Names(prefix string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name := range m.objects {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Change lets a test damage what an object holds.
func (m *Memory) Change(name string, change func([]byte) []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.objects[name]
	o.data = change(slices.Clone(o.data))
	m.objects[name] = o
}
