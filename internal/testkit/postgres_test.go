package testkit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestEveryTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			pool := Pool(t)
			var users int
			// A table of the migrations is there, and a table of another test is not.
			if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM users").Scan(&users); err != nil || users != 0 {
				t.Errorf("users: %d %v", users, err)
			}
			if _, err := pool.Exec(t.Context(), "CREATE TABLE mine (x int)"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	admin := func(sql string, args ...any) (n int) {
		p, err := once()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.admin.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var name string
	t.Run("inner", func(t *testing.T) {
		pool := Pool(t) // and a connection that is never given back
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
		c.Hijack()
		if admin("SELECT count(*) FROM pg_database WHERE datname = $1", name) != 1 {
			t.Error("the database is not there")
		}
	})
	if admin("SELECT count(*) FROM pg_database WHERE datname = $1", name) != 0 {
		t.Errorf("%s was left", name)
	}
}

func TestEmptyDatabase(t *testing.T) {
	t.Parallel()
	if !strings.HasPrefix(EmptyDatabase(t), "postgres://") {
		t.Error("no URL")
	}
}

// A killed test run leaves a folder, and the next one removes it. One that lives keeps its own.
func TestSweep(t *testing.T) {
	t.Parallel()
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	for _, c := range []struct {
		name string
		kept bool
	}{
		{fmt.Sprintf("%s%d-1", folderPrefix, ended.Process.Pid), false},
		{fmt.Sprintf("%s%d-1", folderPrefix, os.Getpid()), true},
		{folderPrefix + "x-1", true},
		{"other", true},
	} {
		dir := filepath.Join(base, c.name)
		if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		sweep(base)
		if _, err := os.Stat(dir); (err == nil) != c.kept {
			t.Errorf("%s: kept %t, want %t", c.name, err == nil, c.kept)
		}
	}
}

func BenchmarkDatabase(b *testing.B) {
	Database(b) // the server's start is not counted
	began := time.Now()
	for b.Loop() {
		_ = Database(b)
	}
	b.ReportMetric(float64(time.Since(began).Milliseconds())/float64(b.N), "ms/database")
}
