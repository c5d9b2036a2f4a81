//go:build !linux

package main

import (
	"errors"
	"os"
	"time"
)

// errLinuxOnly is what measuring says elsewhere; the program builds everywhere, so
// that every check of the tree runs everywhere.
var errLinuxOnly = errors.New("the measurements read /proc, which only Linux has")

func (p *process) cpu() (time.Duration, error) { return 0, errLinuxOnly }

func (p *process) memory() (resident, anonymous int64, err error) { return 0, 0, errLinuxOnly }

func (p *process) reads() (int64, error) { return 0, errLinuxOnly }

func ownCPU() (time.Duration, error) { return 0, errLinuxOnly }

func fdatasync(*os.File) error { return errLinuxOnly }

func fileSystem(string) (name string, memory bool, err error) { return "", false, errLinuxOnly }

func here() (processor, kernel string) { return "", "" }
