package layers

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	noFollow = unix.O_NOFOLLOW
	seekData = unix.SEEK_DATA
	seekHole = unix.SEEK_HOLE

	markAttribute = "user.breezeblock"
)

func pathError(op string, f *os.File, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: f.Name(), Err: err}
}

// datasync makes a file's bytes durable, and its size.
func datasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return pathError("fdatasync", f, err)
		}
	}
}

// punchHole frees n bytes at off; they read as zeroes.
func punchHole(f *os.File, off, n int64) error {
	return pathError("punch hole", f, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n))
}

// allocate takes the space of n bytes at off, which read as before.
func allocate(f *os.File, off, n int64) error {
	return pathError("allocate", f, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, off, n))
}

// shareRange makes n bytes at off of to the same as those of from, if the file
// system lets files share blocks.
func shareRange(from, to *os.File, off, n int64) error {
	return pathError("share blocks of", from, unix.IoctlFileCloneRange(int(to.Fd()), &unix.FileCloneRange{
		Src_fd: int64(from.Fd()), Src_offset: uint64(off), Src_length: uint64(n), Dest_offset: uint64(off),
	}))
}

// seek is lseek, for data and holes; past the last data it fails with ENXIO.
func seek(f *os.File, off int64, whence int) (int64, error) {
	at, err := unix.Seek(int(f.Fd()), off, whence)
	return at, pathError("look for data", f, err)
}

// lockWhole takes the file's lock or fails with EWOULDBLOCK.
func lockWhole(f *os.File) error {
	return pathError("lock", f, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB))
}

// space tells the bytes of the file system at path, in all and left.
func space(path string) (total, free int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(s.Blocks) * s.Bsize, int64(s.Bavail) * s.Bsize, nil
}

// keepsWhole tells whether the file system at path keeps a piece of a file for as
// long as any part of it is shared, so that sharing parts gives no space back. On
// btrfs 4 MiB of a file kept the 64 MiB around them when it was deleted (measured).
func keepsWhole(path string) bool {
	var s unix.Statfs_t
	return unix.Statfs(path, &s) == nil && s.Type == unix.BTRFS_SUPER_MAGIC
}

// readMark reads the attribute in which layers' files are marked; none is no bytes.
func readMark(f *os.File) ([]byte, error) {
	p := make([]byte, 256)
	n, err := unix.Fgetxattr(int(f.Fd()), markAttribute, p)
	switch {
	case errors.Is(err, unix.ENODATA):
		return nil, nil
	case errors.Is(err, unix.ERANGE): // longer than any of ours
		return p, nil
	case err != nil:
		return nil, pathError("read the mark of", f, err)
	}
	return p[:n], nil
}

func writeMark(f *os.File, text []byte) error {
	return pathError("mark", f, unix.Fsetxattr(int(f.Fd()), markAttribute, text, 0))
}

// inode tells a file's number within its file system.
func inode(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ino
	}
	return 0
}

// blocks tells how many names a file has and the bytes it takes.
func blocks(info fs.FileInfo) (links uint64, bytes int64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1, info.Size()
	}
	return uint64(stat.Nlink), stat.Blocks * 512
}
