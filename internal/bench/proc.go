package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc. Linux shows all programs 100 a second,
// whatever it counts in itself (proc(5), sysconf(_SC_CLK_TCK)).
const tick = 10 * time.Millisecond

// stat is what /proc/PID/stat says of a process.
type stat struct {
	name   string
	parent int
	own    time.Duration // CPU time, in user and kernel mode
	gone   time.Duration // that of children that have ended
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return stat{}, err
	}
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("/proc/%d/stat cannot be read", pid)
	}
	fields := strings.Fields(string(text[end+1:])) // from the third field on, the state
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("/proc/%d/stat is short", pid)
	}
	number := func(field int) int { n, _ := strconv.Atoi(fields[field-3]); return n }
	return stat{
		name: string(text[open+1 : end]), parent: number(4),
		own:  time.Duration(number(14)+number(15)) * tick,
		gone: time.Duration(number(16)+number(17)) * tick,
	}, nil
}

// processCPU is the CPU time of a process so far. The scheduler knows that of
// each thread to the nanosecond; a kernel without those statistics knows ticks.
func processCPU(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task", "*", "schedstat"))
	if err != nil || len(threads) == 0 {
		s, err := readStat(pid)
		return s.own, err
	}
	var all time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has just ended
		}
		on, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(on, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s cannot be read: %w", thread, err)
		}
		all += time.Duration(n)
	}
	return all, nil
}

// clusterCPU is the CPU time of a PostgreSQL since its start: the postmaster, its
// processes, and those that have ended.
func clusterCPU(postmaster int) (time.Duration, error) {
	if postmaster == 0 {
		return 0, nil
	}
	top, err := readStat(postmaster)
	if err != nil {
		return 0, err
	}
	all, err := processCPU(postmaster)
	if err != nil {
		return 0, err
	}
	all += top.gone
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		s, err := readStat(pid)
		if err != nil || s.parent != postmaster {
			continue // of another, or it has just ended
		}
		if cpu, err := processCPU(pid); err == nil {
			all += cpu
		}
	}
	return all, nil
}

// peakMemory is the most resident memory that a process ever had, in bytes.
func peakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) < 2 || fields[1] != "kB" {
		return 0, errors.New("/proc/PID/status says no VmHWM")
	}
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10, err
}
