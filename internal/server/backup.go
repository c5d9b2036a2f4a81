package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
)

// backups is where backups are kept: a folder beside the volumes, which is made
// with the first backup, under a key in the folder of keys.
func (s *Server) backups() *backup.Repository {
	return backup.New(backup.Config{
		Objects: backup.NewDirectory(filepath.Join(s.config.Data, "backups")),
		Secret:  func() ([]byte, error) { return backupSecret(filepath.Join(s.config.Data, "keys"), s.parts.Random) },
		Random:  s.parts.Random, Now: s.parts.Now,
	})
}

// backupKey is the file of the key that opens all backups of this folder.
const backupKey = "backup"

// backupSecret reads the key, or makes it: 32 bytes in hexadecimal digits.
func backupSecret(dir string, random io.Reader) ([]byte, error) {
	path := filepath.Join(dir, backupKey)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		drawn := make([]byte, 32)
		if _, err := io.ReadFull(random, drawn); err != nil {
			return nil, err
		}
		text = []byte(hex.EncodeToString(drawn) + "\n")
		err = writeFile(path, text)
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s holds no key of 64 hexadecimal digits", path)
	}
	return key, nil
}

// sweepEvery is how often chunks that no backup refers to are looked for.
const sweepEvery = 6 * time.Hour

// sweepBackups removes now and then what deleted backups have left. What fails is
// tried again the next time: nothing waits for it.
func (s *Server) sweepBackups(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		swept, err := s.blocks.SweepBackups(ctx)
		switch {
		case errors.Is(err, backup.ErrBusy) || ctx.Err() != nil:
		case err != nil:
			s.parts.Log.ErrorContext(ctx, "chunks of deleted backups were not looked for", "err", err)
		case swept.Removed > 0:
			s.parts.Log.InfoContext(ctx, "chunks of deleted backups were removed", "chunks", swept.Removed, "bytes", swept.Freed)
		}
	}
}
