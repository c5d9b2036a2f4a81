package layers

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the kernel calls it. Source: Linux, include/uapi/linux/fiemap.h.
const (
	ioctlFiemap     = 0xC020660B // _IOWR('f', 11, struct fiemap)
	fiemapSync      = 1          // what is dirty is written first
	extentLast      = 1
	extentUnwritten = 0x800
)

// fiemap asks for the pieces of a file from start on, some at a time.
type fiemap struct {
	start, length           uint64
	flags, mapped, count, _ uint32
	extents                 [128]fiemapExtent
}

type fiemapExtent struct {
	logical, physical, length uint64
	_                         [2]uint64
	flags                     uint32
	_                         [3]uint32
}

// unwritten calls do with each piece of the file that takes space and was never
// written: reserved, or a power cut kept the bytes from it. Whether SEEK_DATA calls
// it data depends on what happens to be in the kernel's cache. A file system that
// does not tell has no such pieces as far as we know: tmpfs outlives no power cut.
func unwritten(f *os.File, do func(off, n int64) error) error {
	for start := uint64(0); ; {
		m := &fiemap{start: start, length: 1<<63 - 1 - start, flags: fiemapSync, count: uint32(len(fiemap{}.extents))}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), ioctlFiemap, uintptr(unsafe.Pointer(m)))
		switch {
		case errno == unix.EINTR:
			continue
		case errors.Is(errno, unix.EOPNOTSUPP) || errno == unix.ENOTTY:
			return nil
		case errno != 0:
			return pathError("look for unwritten space", f, errno)
		}
		for _, e := range m.extents[:m.mapped] {
			if e.flags&extentUnwritten != 0 {
				if err := do(int64(e.logical), int64(e.length)); err != nil {
					return err
				}
			}
			if e.flags&extentLast != 0 {
				return nil
			}
			start = e.logical + e.length
		}
		if m.mapped == 0 {
			return nil
		}
	}
}
