package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the time the process has used so far, user and system, the collector's
// included: the sum over its threads. Source: proc(5), /proc/pid/task/tid/schedstat.
func (p *process) cpu() (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.pid))
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("process %d has no schedstat: %w", p.pid, errors.Join(err, os.ErrNotExist))
	}
	var total int64
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread ended meanwhile
		}
		first, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		total += n
	}
	return time.Duration(total), nil
}

// memory is the resident memory of a process in bytes, and the part of it that no
// file backs. Source: proc(5), /proc/pid/status.
func (p *process) memory() (resident, anonymous int64, err error) {
	return statusFields(fmt.Sprintf("/proc/%d/status", p.pid), "VmRSS:", "RssAnon:", 1024)
}

// reads is how many bytes the process has read by system calls. Source: proc(5), /proc/pid/io.
func (p *process) reads() (int64, error) {
	n, _, err := statusFields(fmt.Sprintf("/proc/%d/io", p.pid), "rchar:", "rchar:", 1)
	return n, err
}

func statusFields(name, first, second string, unit int64) (a, b int64, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || (fields[0] != first && fields[0] != second) {
			continue
		}
		n, err := strconv.ParseInt(fields[1], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", name, err)
		}
		if fields[0] == first {
			a = n * unit
		}
		if fields[0] == second {
			b = n * unit
		}
	}
	return a, b, lines.Err()
}

// ownCPU is what this process has used so far, user and system.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}

func fdatasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// fileSystem names what a folder lies on, and tells whether it is memory.
func fileSystem(dir string) (name string, memory bool, err error) {
	var at, mount unix.Stat_t
	if err := unix.Stat(dir, &at); err != nil {
		return "", false, err
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) > 2 && unix.Stat(f[1], &mount) == nil && mount.Dev == at.Dev {
			name = f[2] // the last one lies on top
		}
	}
	if name == "" {
		name = "a file system that /proc/mounts does not name"
	}
	return name, name == "tmpfs" || name == "ramfs", nil
}

// here describes the machine.
func here() (processor, kernel string) {
	processor = "a processor without a name"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
				processor = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = strings.TrimSpace(string(text))
	}
	return processor, kernel
}
