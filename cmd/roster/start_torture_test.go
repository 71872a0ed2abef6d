//go:build torture && linux

package main

import (
	"testing"
	"time"
)

// TestTortureStarters starts 8 servers at once on an empty database, 20 times, and
// three times of four kills the one that migrates, at another stage of it each time.
func TestTortureStarters(t *testing.T) {
	pg := outside(t)
	n := rounds(t, 20)
	var whole, killed []time.Duration
	for round := range n {
		if round%4 == 0 {
			whole = append(whole, startMany(t, pg, round, ""))
		} else {
			killed = append(killed, startMany(t, pg, round, stages[round%4-1]))
		}
	}
	t.Logf("%d starters, %d rounds: until all were ready %s", starters, len(whole), took(whole))
	if len(killed) > 0 {
		t.Logf("the one that migrates was killed, %d rounds: until all others were ready %s", len(killed), took(killed))
	}
	if !t.Failed() {
		t.Logf("%d of %d rounds migrated once, with one first admin, and all others served; the goal is all", n, n)
	}
}
