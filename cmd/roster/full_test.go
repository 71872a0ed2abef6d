//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// full is a small disk in memory with a data folder of Roster on it.
type full struct {
	t    testing.TB
	dir  string
	fill string
}

// newFull mounts the disk, which takes root, and copies the template there.
func newFull(t testing.TB) *full {
	t.Helper()
	at := emptyData(t)
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, "size=128m,mode=0711"); err != nil {
		t.Skipf("no small disk can be mounted here, which takes root: %v", err)
	}
	t.Cleanup(func() {
		eventually(t, 20*time.Second, "the disk is not in use", func() bool { return syscall.Unmount(at, 0) == nil })
	})
	if out, err := exec.Command("cp", "-a", data(t)+"/.", at).CombinedOutput(); err != nil {
		t.Fatalf("copy the data folder: %v: %s", err, out)
	}
	// Else PostgreSQL may keep more of its log than the disk has room for, and the disk
	// stays full when it is given room.
	conf, err := os.OpenFile(filepath.Join(postgresFolder(at), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = conf.WriteString("\nmin_wal_size = 32MB\nmax_wal_size = 48MB\n")
		err = errors.Join(err, conf.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &full{t, at, filepath.Join(at, "fill")}
}

// free is how much fits on the disk.
func (f *full) free() uint64 {
	f.t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(f.dir, &s); err != nil {
		f.t.Fatal(err)
	}
	return s.Bavail * uint64(s.Bsize)
}

// take fills the disk but for so many bytes.
func (f *full) take(but uint64) {
	f.t.Helper()
	file, err := os.OpenFile(f.fill, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	if free := f.free(); free > but {
		if _, err := io.CopyN(file, zeros{}, int64(free-but)); err != nil && !errors.Is(err, syscall.ENOSPC) {
			f.t.Fatal(err)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// give makes room again.
func (f *full) give() {
	f.t.Helper()
	if err := os.Remove(f.fill); err != nil {
		f.t.Fatal(err)
	}
}

// The disk under the database is full: writes are refused for now, reads go on where
// PostgreSQL can, nothing acknowledged is lost, and all is well when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, line := range fullBuiltIn(t, 2) {
		t.Log(line)
	}
}

// fullBuiltIn fills the disk of the built-in PostgreSQL.
func fullBuiltIn(t testing.TB, rounds int) []string {
	f := newFull(t)
	return fullDisk(t, f, []string{"ROSTER_DATA_DIR=" + f.dir}, rounds, func() bool { return false })
}

// fullDisk fills the disk and gives it room, while clients write. Every second time the
// write-ahead log has no room either, without which PostgreSQL cannot go on at all. It
// ends then; watch starts it again, where Roster does not, and says whether it had to.
func fullDisk(t testing.TB, f *full, settings []string, rounds int, watch func() bool) []string {
	t.Helper()
	s := unlimited(t, settings)
	var lines []string
	var healed []time.Duration
	j := startJournal(t, s, writers)
	defer j.stop()
	for round := range rounds {
		j.progress(20)
		f.take(0)
		// Until a write does not fit any more: what PostgreSQL had set aside is used up.
		refusedAt := time.Now()
		refused := j.refused()
		eventually(t, 2*time.Minute, "a write is refused", func() bool {
			f.take(0) // what a checkpoint has freed meanwhile
			return j.refused() > refused+20
		})
		what := "full"
		if round%2 == 1 {
			what = "full, and the write-ahead log, too"
			f.useUpLog(databaseOf(t, settings))
		}
		acked := j.progress(0)
		reads := map[string]int{}
		longest := time.Duration(0)
		for range 100 { // for long enough that the pauses between two tries to start PostgreSQL are at their longest
			began := time.Now()
			a, err := s.get("/api/users")
			longest = max(longest, time.Since(began))
			if err != nil || a.status != http.StatusOK && (round%2 == 0 || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "") {
				t.Errorf("a read: %d, %v, %s", a.status, err, a.body)
			}
			reads[fmt.Sprint(a.status)]++
			f.take(0)
			time.Sleep(40 * time.Millisecond)
		}
		if a, err := s.get("/health"); err != nil || a.status != http.StatusOK {
			t.Errorf("/health: %d, %v", a.status, err)
		}
		lines = append(lines, fmt.Sprintf("round %d, %s: refused after %v; then %d writes still fitted; reads %v, the longest %v",
			round, what, time.Since(refusedAt).Round(time.Millisecond), j.progress(0)-acked, reads, longest.Round(time.Millisecond)))
		f.give()
		began := time.Now()
		if watch() {
			lines = append(lines, "PostgreSQL had ended, and was started again")
		}
		s.awaitReady(t, 30*time.Second)
		j.progress(1)
		took := time.Since(began)
		if healed = append(healed, took); took > mostHeal {
			t.Errorf("round %d: it took %v to heal", round, took)
		}
	}
	j.progress(20)
	j.stop()
	return append(lines, wrongs(t, j, settings, fmt.Sprintf("the disk was full %d times, and was given room", rounds), healed)...)
}

// useUpLog writes to the write-ahead log until it has no room.
func (f *full) useUpLog(url string) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), url)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for range 500 {
		f.take(0)
		if _, err := conn.Exec(f.t.Context(), "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 1000000))"); err != nil {
			f.t.Logf("the write-ahead log is full: %v", err)
			return
		}
	}
	f.t.Error("the write-ahead log does not get full")
}

// refused is how many writes got a 503.
func (j *journal) refused() (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, what := range []string{"create 503", "update 503", "delete 503"} {
		n += j.counts[what]
	}
	return n
}
