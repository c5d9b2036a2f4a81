package backup_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breezeblock/breezeblock/internal/backup"
	"github.com/breezeblock/breezeblock/internal/backup/backuptest"
)

func TestObjectsKeepTheirContract(t *testing.T) {
	t.Run("Directory", func(t *testing.T) {
		backuptest.Run(t, func(t testing.TB) backup.Objects { return backup.NewDirectory(filepath.Join(t.TempDir(), "a", "b")) })
	})
	t.Run("Memory", func(t *testing.T) {
		backuptest.Run(t, func(testing.TB) backup.Objects { return &backuptest.Memory{} })
	})
}

func TestFullDiskLeavesNoPartOfABackup(t *testing.T) {
	k, d := newKit(), randomDisk(seeded(7), 4*mib)
	fill(seeded(1), d.data)
	k.objects.Before = func(call, name string) error {
		if call == "put" && strings.HasPrefix(name, "chunks/") {
			return backup.ErrNoSpace
		}
		return nil
	}
	if _, err := k.Write(t.Context(), sourceOf("b", d)); !errors.Is(err, backup.ErrNoSpace) {
		t.Errorf("got %v, want ErrNoSpace", err)
	}
	if _, err := k.Manifest(t.Context(), "b"); !errors.Is(err, backup.ErrNotFound) {
		t.Errorf("there is a manifest, or %v", err)
	}
}

func TestDirectoryLeavesNoTemporaryFilesAndIsItsOwnersAlone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "backups")
	k := backup.New(backup.Config{Objects: backup.NewDirectory(root), Secret: secret, Random: rand.Reader, Now: time.Now})
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is made before it is used")
	}
	d := randomDisk(seeded(11), 6*mib)
	if _, err := k.Write(t.Context(), sourceOf("b", d)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if strings.Contains(path, "/tmp/") && strings.HasPrefix(path, filepath.Join(root, "tmp")+"/") {
			t.Errorf("%s is left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	into := &disk{data: make([]byte, 6*mib)}
	if err := k.Restore(t.Context(), backup.Restoration{ID: "b", Into: into, Fresh: true}); err != nil || !bytes.Equal(into.data, d.data) {
		t.Error(err)
	}
	cut := filepath.Join(root, "tmp", "1-1")
	if err := os.WriteFile(cut, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(cut, time.Now(), time.Now().Add(-48*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cut); !errors.Is(err, os.ErrNotExist) {
		t.Error("what a dead writer left is still there")
	}
}
