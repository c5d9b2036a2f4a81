//go:build !linux

package layers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// The driver runs on Linux alone; elsewhere it compiles, so that the rest can be
// worked on, and Open fails.

const noFollow, seekData, seekHole = 0, 0, 0

var errSystem = fmt.Errorf("the layers driver does not run on %s: %w", runtime.GOOS, errors.ErrUnsupported)

func datasync(*os.File) error                            { return errSystem }
func punchHole(*os.File, int64, int64) error             { return errSystem }
func shareRange(_, _ *os.File, _, _ int64) error         { return errSystem }
func allocate(*os.File, int64, int64) error              { return errSystem }
func seek(*os.File, int64, int) (int64, error)           { return 0, errSystem }
func lockWhole(*os.File) error                           { return errSystem }
func space(string) (total, free int64, err error)        { return 0, 0, errSystem }
func unwritten(*os.File, func(off, n int64) error) error { return errSystem }
func readMark(*os.File) ([]byte, error)                  { return nil, errSystem }
func writeMark(*os.File, []byte) error                   { return errSystem }
func inode(fs.FileInfo) uint64                           { return 0 }
func keepsWhole(string) bool                             { return true }
func blocks(info fs.FileInfo) (uint64, int64)            { return 1, info.Size() }
