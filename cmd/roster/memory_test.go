package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGrowth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 400}, {12 << 20, 400}, {24 << 20, 200}, {48 << 20, 100}, {96 << 20, 50}, {48 << 30, 50}} {
		if got := growth(c.live); got != c.want {
			t.Errorf("%d octets live: %d %%, want %d", c.live, got, c.want)
		}
	}
}

// TestTuneMemory: what lives says how far the heap grows, up and down again, but where
// GOGC does.
func TestTuneMemory(t *testing.T) {
	gogc := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	await := func(what string, is func(percent uint64) bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); ; {
			runtime.GC()
			metrics.Read(gogc)
			if percent := gogc[0].Value.Uint64(); is(percent) {
				return
			} else if time.Now().After(end) {
				t.Fatalf("%s: %d %%", what, percent)
			}
		}
	}
	t.Setenv("GOGC", "77")
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	tuneMemory()
	await("GOGC is set", func(percent uint64) bool { return percent == 77 })

	t.Setenv("GOGC", "")
	tuneMemory()
	func() {
		lives := make([]byte, 96<<20)
		await("96 MiB live", func(percent uint64) bool { return percent == leastPercent })
		runtime.KeepAlive(lives)
	}()
	await("they are gone", func(percent uint64) bool { return percent > leastPercent })
}
