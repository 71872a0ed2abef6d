//go:build torture && linux

package main

import (
	"os"
	"strconv"
	"testing"
)

// rounds is how often a long check does its harm: as was promised, or as often as
// TORTURE_ROUNDS says, for a first look.
func rounds(t *testing.T, promised int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("TORTURE_ROUNDS"))
	if err != nil || n >= promised {
		return promised
	}
	t.Logf("only %d rounds of %d, by TORTURE_ROUNDS", n, promised)
	return n
}

// TestTortureKill kills Roster 100 times and PostgreSQL 30 times under load, and
// compares what is there with what clients were told.
func TestTortureKill(t *testing.T) {
	for _, c := range []struct {
		name  string
		times int
		kill  func(testing.TB, int) []string
	}{
		{"Roster and its built-in PostgreSQL", 100, killRoster},
		{"Roster, PostgreSQL stays", 100, killRosterAlone},
		{"the built-in PostgreSQL", 30, killBuiltIn},
		{"PostgreSQL that others run", 30, killOthers},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, line := range c.kill(t, rounds(t, c.times)) {
				t.Log(line)
			}
		})
	}
}
