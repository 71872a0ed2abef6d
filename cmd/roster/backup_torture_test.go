//go:build torture && linux

package main

import "testing"

// TestTortureBackup: a backup under load, three times, each restored and looked at.
func TestTortureBackup(t *testing.T) {
	for range rounds(t, 3) {
		for _, line := range backupUnderLoad(t, 400) {
			t.Log(line)
		}
	}
}
