package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lockFolder makes the data folder and locks it; the kernel gives the lock back
// whatever ends the process. The lock is on the folder itself, so that a start
// which is refused later leaves no file behind.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	if err := lockOwn(f, dir); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ErrFolderInUse is a data folder that a running server holds.
var ErrFolderInUse = errors.New("in use by another server")

func lockOwn(f *os.File, dir string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the data folder %s can be read by others (mode %04o): chmod 700 it", dir, info.Mode().Perm())
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("the data folder %s is %w%s", dir, ErrFolderInUse, holderOf(dir))
	}
	if err != nil {
		return fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	return nil
}

// holderFile tells people which process holds the folder; the lock is elsewhere.
const holderFile = "server.lock"

// noteHolder writes down this process. Nothing but a message depends on it, so a
// full disk does not keep a server from starting.
func noteHolder(dir string) {
	_ = os.WriteFile(filepath.Join(dir, holderFile), fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600)
}

func holderOf(dir string) string {
	f, err := os.Open(filepath.Join(dir, holderFile))
	if err != nil {
		return ""
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(text)); pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}

// writeFile puts a file in place whole, or not at all, for its owner's eyes only;
// on return it is there after a loss of power, too.
func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
