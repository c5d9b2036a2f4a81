package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// maxSocketPath is how long the path of a socket may be, in bytes. Source: unix(7), sun_path.
	maxSocketPath = 107
	socketFile    = "nbd.sock"
	socketFolder  = "nbd"

	// sharedSocket are the rights of a socket at a place that the operator named: its
	// folder says who may come. Our own folder is nobody else's, nor is what is in it,
	// whatever the umask.
	sharedSocket = 0o660
	ownSocket    = 0o600
)

// listenOwnSocket opens the socket in a folder of its own below the data folder;
// where that path is too long, in one with a short name among the temporary files.
func (s *Server) listenOwnSocket() (string, error) {
	data, err := filepath.Abs(s.config.Data)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(data, socketFolder)
	if len(filepath.Join(dir, socketFile)) > maxSocketPath {
		sum := sha256.Sum256([]byte(data))
		dir = filepath.Join(os.TempDir(), "breezeblock-"+hex.EncodeToString(sum[:6]))
		s.data.remove = dir
	}
	if err := ownFolder(dir); err != nil {
		s.data.remove = ""
		return "", err
	}
	path := filepath.Join(dir, socketFile)
	return path, s.listenSocket(path, ownSocket)
}

// ownFolder makes a folder that is nobody else's, or fails.
func ownFolder(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the folder of the socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("make the folder of the socket: %w", err)
	}
	stat, known := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || (known && int(stat.Uid) != os.Geteuid()) {
		return fmt.Errorf("the folder of the socket, %s, is not this user's alone: remove it, or name another place", dir)
	}
	return nil
}

// listenSocket opens a unix socket with these rights. One that a server which died left behind is
// taken away first; one that somebody still serves is left alone.
func (s *Server) listenSocket(path string, rights fs.FileMode) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("the path of the socket has %d bytes, and may have %d: %s", len(path), maxSocketPath, path)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return fmt.Errorf("%s is there, and is no socket", path)
		}
		if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
			_ = conn.Close()
			return fmt.Errorf("%s is served by another process", path)
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("take away an old socket: %w", err)
		}
	}
	listener, err := s.parts.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	s.data.listener = listener
	if _, real := listener.(*net.UnixListener); !real {
		return nil // a test's, which is no file
	}
	if err := os.Chmod(path, rights); err != nil {
		return fmt.Errorf("set the rights of %s: %w", path, err)
	}
	return nil
}

// listenSharedSocket opens a socket at a place that the operator named.
func (s *Server) listenSharedSocket(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return path, s.listenSocket(path, sharedSocket)
}
