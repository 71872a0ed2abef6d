//go:build torture

package apitest

import "testing"

// TestTortureRestarts: twenty rolling restarts of two replicas under load.
func TestTortureRestarts(t *testing.T) { restarts(t, 20) }
