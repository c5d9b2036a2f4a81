package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Directory keeps objects as files below one folder, which it makes when the first
// is put. A file is written under another name, synced and renamed, so no reader
// ever sees a part of one; Flush syncs the folders.
type Directory struct {
	root string

	mu       sync.Mutex
	unsynced map[string]bool // folders with names that are not durable yet
	flushing sync.Mutex      // held by a Flush, so that another waits for what it took over
}

var (
	_ Objects = (*Directory)(nil)
	_ Tidier  = (*Directory)(nil)
)

// scratch is the folder of files that are being written.
const scratch = "tmp"

// NewDirectory is a store below root. It touches nothing yet.
func NewDirectory(root string) *Directory {
	return &Directory{root: root, unsynced: map[string]bool{}}
}

func (d *Directory) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// Put stores an object.
func (d *Directory) Put(ctx context.Context, name string, data []byte) error {
	return d.put(ctx, name, data, os.Rename)
}

// Create is Put, but fails with ErrExists when the name is taken.
func (d *Directory) Create(ctx context.Context, name string, data []byte) error {
	return d.put(ctx, name, data, func(from, to string) error {
		if err := os.Link(from, to); err != nil {
			return err
		}
		return os.Remove(from)
	})
}

func (d *Directory) put(ctx context.Context, name string, data []byte, place func(from, to string) error) error {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return err
	}
	to := d.path(name)
	if err := d.makeFolders(filepath.Dir(to)); err != nil {
		return fileError("put", name, err)
	}
	from, err := d.write(data)
	if err != nil {
		return fileError("put", name, err)
	}
	if err := place(from, to); err != nil {
		_ = os.Remove(from)
		return fileError("put", name, err)
	}
	d.note(filepath.Dir(to))
	return nil
}

// write writes a file of its own and syncs what it holds. Its name is by chance: other
// nodes may share the folder, and their process have the same number as this.
func (d *Directory) write(data []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Join(d.root, scratch), "new-*") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
	}
	return f.Name(), err
}

// makeFolders makes a folder of objects, and the one of files being written.
func (d *Directory) makeFolders(folder string) error {
	for _, dir := range []string{filepath.Join(d.root, scratch), folder} {
		if _, err := os.Stat(dir); err == nil {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		for ; dir != filepath.Dir(d.root) && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			d.note(filepath.Dir(dir))
		}
	}
	return nil
}

// note says that the names in a folder are not durable.
func (d *Directory) note(folder string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsynced[folder] = true
}

// Flush syncs the folders in which names came or went.
func (d *Directory) Flush(ctx context.Context) error {
	d.flushing.Lock()
	defer d.flushing.Unlock()
	d.mu.Lock()
	folders := d.unsynced
	d.unsynced = map[string]bool{}
	d.mu.Unlock()
	var failed error
	for folder := range folders {
		err := ctx.Err()
		if err == nil {
			err = syncFolder(folder)
		}
		if err != nil {
			d.note(folder)
			failed = fileError("flush", folder, err)
		}
	}
	return failed
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get reads an object.
func (d *Directory) Get(ctx context.Context, name string, limit int64) ([]byte, error) {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return nil, err
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		return nil, fileError("get", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileError("get", name, err)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes, more than the %d it can have", ErrDamaged, name, info.Size(), limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fileError("get", name, err)
	}
	return data, nil
}

// Stat fails with ErrNotFound. What it finds may have been put by a process that was
// killed before its Flush: the folders above it are not taken for durable.
func (d *Directory) Stat(ctx context.Context, name string) (ObjectInfo, error) {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return ObjectInfo{}, err
	}
	info, err := os.Stat(d.path(name))
	if err != nil {
		return ObjectInfo{}, fileError("stat", name, err)
	}
	for dir := filepath.Dir(d.path(name)); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if d.note(dir); dir == d.root {
			break
		}
	}
	return ObjectInfo{name, info.Size(), info.ModTime()}, nil
}

// Delete removes an object.
func (d *Directory) Delete(ctx context.Context, name string) error {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fileError("delete", name, err)
	}
	d.note(filepath.Dir(d.path(name)))
	return nil
}

// errStopped ends a walk whose reader has seen enough.
var errStopped = errors.New("enough")

// List yields the files below a folder; what is no object's name is passed over.
func (d *Directory) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		folder := strings.TrimSuffix(prefix, "/")
		if err := CheckName(folder); err != nil {
			yield(ObjectInfo{}, err)
			return
		}
		err := filepath.WalkDir(d.path(folder), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it, or all of the folder, is not there, or not any more
			}
			if err = errors.Join(err, ctx.Err()); err != nil || !e.Type().IsRegular() {
				return err
			}
			relative, err := filepath.Rel(d.root, path)
			name := filepath.ToSlash(relative)
			if err != nil || CheckName(name) != nil {
				return err
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err == nil && !yield(ObjectInfo{name, info.Size(), info.ModTime()}, nil) {
				return errStopped
			}
			return err
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(ObjectInfo{}, fileError("list", folder, err))
		}
	}
}

// Tidy removes files that were being written when something cut them off.
func (d *Directory) Tidy(ctx context.Context, before time.Time) error {
	entries, err := os.ReadDir(filepath.Join(d.root, scratch))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		info, gone := e.Info()
		if gone != nil || !info.ModTime().Before(before) {
			continue
		}
		if removed := os.Remove(filepath.Join(d.root, scratch, e.Name())); !errors.Is(removed, fs.ErrNotExist) {
			err = errors.Join(err, removed, ctx.Err())
		}
	}
	return err
}

// fileError gives an error of the file system the name that callers know it by.
func fileError(what, name string, err error) error {
	var known error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		known = ErrNotFound
	case errors.Is(err, fs.ErrExist):
		known = ErrExists
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		known = ErrNoSpace
	default:
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	return fmt.Errorf("%s %s: %w: %w", what, name, known, err)
}
