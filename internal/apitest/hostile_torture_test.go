//go:build torture

package apitest

import (
	"testing"
	"time"
)

// TestTortureHostile is TestHostile at length.
func TestTortureHostile(t *testing.T) {
	const lives, each, goal = 400, 500, 10 * time.Minute
	start := time.Now()
	liveHostile(t, lives, each)
	took := time.Since(start)
	verdict := "no answer broke the document"
	if t.Failed() {
		verdict = "some answers broke the document"
	}
	t.Logf("%d requests with %d fixed seeds in %v, %s; the goal is 200000, none, in about %v", lives*each, lives, took.Round(time.Second), verdict, goal)
}
