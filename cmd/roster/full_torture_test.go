//go:build torture && linux

package main

import "testing"

// TestTortureFullDisk fills the disk under PostgreSQL ten times, and every second time
// its write-ahead log as well.
func TestTortureFullDisk(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(testing.TB, int) []string
	}{
		{"the built-in PostgreSQL", fullBuiltIn},
		{"PostgreSQL that others run", fullOthers},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, line := range c.fill(t, rounds(t, 10)) {
				t.Log(line)
			}
		})
	}
}

// fullOthers fills the disk of a PostgreSQL that others run, and that a watcher starts
// again where it ended, as systemd does.
func fullOthers(t testing.TB, rounds int) []string {
	f := newFull(t)
	p := newPlain(t, f.dir)
	return fullDisk(t, f, []string{"DATABASE_URL=" + p.url, "ROSTER_DATA_DIR=" + emptyData(t)}, rounds, p.watch)
}
