package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A small heap is collected hundreds of times a second under load: letting it grow
// to five times what lives takes some 5 us off a request of 70. Where more lives, as with
// thousands of connections or while passwords are hashed, it grows by this much garbage,
// or by half. A limit of all memory, instead, would leave the less room for garbage the
// more lives, until hardly anything but collecting is done.
const (
	mostPercent  = 400
	garbage      = 48 << 20
	leastPercent = 50
)

// tuneMemory says how often memory is collected. GOGC, where it is set, is left alone, and
// GOMEMLIMIT is the runtime's own matter.
func tuneMemory() {
	// A library brings the profiler of memory along, and nobody asks it here: each
	// sample of it costs the trace of a stack.
	runtime.MemProfileRate = 0
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(mostPercent)
		c := &collector{percent: mostPercent, lives: []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}}
		runtime.SetFinalizer(c, (*collector).collected)
	}
}

// collector is garbage itself, and so is told of each collection.
type collector struct {
	percent int
	lives   []metrics.Sample
}

func (c *collector) collected() {
	metrics.Read(c.lives)
	if percent := growth(c.lives[0].Value.Uint64() + c.lives[1].Value.Uint64()); percent != c.percent {
		c.percent = percent
		debug.SetGCPercent(percent)
	}
	runtime.SetFinalizer(c, (*collector).collected)
}

// growth is by how many percent a heap may grow in which so many octets live.
func growth(live uint64) int {
	return int(min(max(100*garbage/max(live, 1), leastPercent), mostPercent))
}
