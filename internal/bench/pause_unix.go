//go:build unix

package main

import (
	"os"
	"syscall"
)

// pause stops a process until resume: what it would do by itself is not to be
// counted among what another program does.
func pause(p *os.Process) error  { return p.Signal(syscall.SIGSTOP) }
func resume(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
