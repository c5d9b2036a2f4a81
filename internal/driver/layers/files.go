package layers

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/breezeblock/breezeblock/internal/driver"
)

// disk is how the driver touches the disk where tests want a word in it.
type disk struct {
	step     func(Step)
	datasync func(f *os.File) error
	write    func(f *os.File, p []byte, off int64) (int, error)
	cache    *sumCache
	reserve  *reserve
}

// spaceError puts driver.ErrNoSpace in front of what a full disk or quota answers.
func spaceError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", driver.ErrNoSpace, err)
	}
	return err
}

// damaged names the file that fails its checks.
func damaged(path string, why error) error {
	return fmt.Errorf("%w: %s: %w", driver.ErrDamaged, path, why)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// writeDurable makes or overwrites a file; its name is durable after syncDir.
func writeDurable(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|noFollow, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// errUncertain is a rename that happened but may not outlive a power cut.
var errUncertain = errors.New("it is not known whether the change is durable")

// replaceFile puts text in the place of a file in one step. If it fails with
// errUncertain the new text is there; otherwise the old one is.
func (d *disk) replaceFile(path string, text []byte) error {
	next := path + ".new"
	if err := writeDurable(next, text); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	d.step(StepManifestRename)
	if err := os.Rename(next, path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	d.step(StepManifestSync)
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: %w", errUncertain, err)
	}
	return nil
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%w: it is longer than %d bytes", errFormat, limit)
	}
	return text, errors.Join(err, f.Close())
}

// openRegular opens a plain file, never through a link and never a device or pipe.
func openRegular(path string, flags int) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is no plain file", errFormat, path)
	}
	return os.OpenFile(path, flags|noFollow, 0)
}

// emptyFolder removes what is in dir.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
