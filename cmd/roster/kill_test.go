//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/roster-api/roster/db/embedded"
)

// writers is how many clients write while something is killed.
const writers = 6

// Roster, or its database, is killed while it writes: nothing that was acknowledged is
// lost, and nothing is there in part.
func TestKilledWhileItWrites(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(testing.TB, int) []string{
		"Roster": killRoster, "Roster, the database is others'": killRosterAlone,
		"PostgreSQL": killBuiltIn, "PostgreSQL, it is others'": killOthers,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kill(t, 3)
		})
	}
}

// killRoster kills Roster, whose built-in PostgreSQL then ends by itself; every second
// time that one is killed, too.
func killRoster(t testing.TB, cycles int) []string {
	dir := data(t)
	return killing(t, cycles, []string{"ROSTER_DATA_DIR=" + dir}, func(n int) {
		if n%2 == 1 {
			killPostgres(t, dir)
		}
	})
}

// killRosterAlone kills Roster; PostgreSQL stays, and what Roster had asked of it may
// still take place.
func killRosterAlone(t testing.TB, cycles int) []string {
	pg := outside(t)
	return killing(t, cycles, []string{"DATABASE_URL=" + pg.URL(""), "ROSTER_DATA_DIR=" + pg.DataDir()}, func(int) {})
}

// killing kills Roster so many times while clients write, and starts it again.
func killing(t testing.TB, cycles int, settings []string, too func(n int)) []string {
	t.Helper()
	began := time.Now()
	s := unlimited(t, settings)
	j := startJournal(t, s, writers)
	var down []time.Duration
	for n := range cycles {
		j.progress(10)
		time.Sleep(rand.N(100 * time.Millisecond)) // any moment
		dead := time.Now()
		s.signal(syscall.SIGKILL)
		too(n)
		s.wait()
		s = unlimited(t, settings)
		j.follow(s)
		j.progress(1)
		down = append(down, time.Since(dead))
	}
	j.progress(10)
	j.stop()
	return wrongs(t, j, settings, fmt.Sprintf("kill -9 %d times in %v", cycles, time.Since(began).Round(time.Second)), down)
}

// wrongs is what came of it all.
func wrongs(t testing.TB, j *journal, settings []string, did string, down []time.Duration) []string {
	t.Helper()
	lines := []string{did + "; from there to the next acknowledged write " + took(down)}
	lines = append(lines, j.verify(databaseOf(t, settings))...)
	rows, _ := sealed(t, settings)
	return append(lines, fmt.Sprintf("roster audit verify: all %d rows are sealed and in order; the goal is all", rows))
}

// unlimited is a server that takes what comes, and is ready.
func unlimited(t testing.TB, settings []string) *serving {
	t.Helper()
	s := serve(t, append(settings, "ROSTER_RATE_LIMIT=off")...)
	s.awaitReady(t, 30*time.Second)
	return s
}

// awaitReady waits until /ready says yes.
func (s *serving) awaitReady(t testing.TB, within time.Duration) {
	t.Helper()
	eventually(t, within, "it is ready", func() bool {
		a, err := s.get("/ready")
		return err == nil && a.status == http.StatusOK
	})
}

// took is the spread of some times.
func took(times []time.Duration) string {
	slices.Sort(times)
	at := func(i int) time.Duration { return times[i].Round(time.Millisecond) }
	return fmt.Sprintf("median %v, max %v of %d", at(len(times)/2), at(len(times)-1), len(times))
}

// databaseOf is the address of the database that a server with these settings uses.
func databaseOf(t testing.TB, settings []string) string {
	t.Helper()
	for _, setting := range settings {
		if url, ok := strings.CutPrefix(setting, "DATABASE_URL="); ok {
			return url
		}
	}
	a, err := embedded.Attach(t.Context(), embedded.Options{DataDir: strings.TrimPrefix(settings[0], "ROSTER_DATA_DIR=")})
	if err != nil {
		t.Fatal(err)
	}
	return a.URL("")
}

// killBuiltIn kills the built-in PostgreSQL of a Roster that goes on: its main process,
// a process that serves a connection, or all.
func killBuiltIn(t testing.TB, cycles int) []string {
	dir := data(t)
	settings := []string{"ROSTER_DATA_DIR=" + dir}
	return killingPostgres(t, cycles, settings, dir, func() {})
}

// killOthers kills a PostgreSQL that others run, and start again.
func killOthers(t testing.TB, cycles int) []string {
	p := newPlain(t, data(t))
	settings := []string{"DATABASE_URL=" + p.url, "ROSTER_DATA_DIR=" + p.dir}
	return killingPostgres(t, cycles, settings, p.dir, func() { p.watch() })
}

func killingPostgres(t testing.TB, cycles int, settings []string, dir string, restart func()) []string {
	t.Helper()
	began := time.Now()
	s := unlimited(t, settings)
	j := startJournal(t, s, writers)
	var down []time.Duration
	for n := range cycles {
		j.progress(20)
		time.Sleep(rand.N(100 * time.Millisecond)) // any moment
		main := postmaster(t, dir)
		all := postgresProcesses(dir)
		dead := time.Now()
		switch n % 3 {
		case 0:
			_ = syscall.Kill(main, syscall.SIGKILL)
		case 1:
			signalPostgres(t, dir, syscall.SIGKILL)
		case 2: // any one of its processes, so that its main process starts all anew
			_ = syscall.Kill(all[rand.N(len(all))], syscall.SIGKILL)
		}
		restart()
		if a, err := s.get("/health"); err != nil || a.status != http.StatusOK {
			t.Errorf("/health: %v, %v", a.status, err)
		}
		s.awaitReady(t, 30*time.Second)
		j.progress(1)
		down = append(down, time.Since(dead))
	}
	j.progress(20)
	j.stop()
	return wrongs(t, j, settings, fmt.Sprintf("kill -9 %d times in %v", cycles, time.Since(began).Round(time.Second)), down)
}
