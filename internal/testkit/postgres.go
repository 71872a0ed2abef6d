// Package testkit is for tests only: a real PostgreSQL, and what stands on it.
package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/embedded"
)

// PostgresEnv names a folder with bin/postgres, so that the same tests run on another version:
//
//	ROSTER_TEST_POSTGRES=/usr/lib/postgresql/15 go test ./...
const PostgresEnv = "ROSTER_TEST_POSTGRES"

// testSettings trade what a crash would lose for speed: the data is gone after the test anyway.
// synchronous_commit stays on: VACUUM passes over rows whose commit has not been flushed, and a
// count by an index alone then reads them all from the table. Without fsync it costs little.
var testSettings = map[string]string{
	"fsync": "off", "full_page_writes": "off",
	"wal_level": "minimal", "max_wal_senders": "0", "min_wal_size": "32MB",
	"autovacuum": "off", "checkpoint_timeout": "1h",
	"max_connections": "500", // many tests at once, each with its pools
	// Shared memory as files in the data folder: a test that is killed leaves none behind.
	"dynamic_shared_memory_type": "mmap",
}

const folderPrefix = "roster-test-"

// postgres is the one server of this test binary, and how to end it.
type postgres struct {
	server *embedded.Server
	admin  *pgxpool.Pool
	folder string
	number atomic.Int64
}

var (
	mainCalled bool
	started    atomic.Pointer[postgres]
	once       = sync.OnceValues(startPostgres)
)

// Main runs the tests and then ends the server that they used and removes its folder. Every test binary that
// needs a database has it:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
//
// When the process is killed instead, the server ends by itself and the next test run removes the folder.
func Main(m *testing.M) {
	mainCalled = true
	code := m.Run()
	if p := started.Load(); p != nil {
		if err := p.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "testkit:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Database makes a migrated database of the test's own and returns its URL. It is dropped when the test ends,
// with whatever is still connected. Tests that have one can run in parallel.
func Database(t testing.TB) string {
	t.Helper()
	return newDatabase(t, templateName)
}

// EmptyDatabase is Database without the migrations.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	return newDatabase(t, "template0")
}

// Pool is a pool, as the server's own, on a database of the test's own. It is closed when the test ends.
func Pool(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := db.Open(Database(t), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func newDatabase(t testing.TB, template string) string {
	t.Helper()
	if !mainCalled {
		t.Fatal("testkit: this package's tests need  func TestMain(m *testing.M) { testkit.Main(m) }")
	}
	p, err := once()
	if err != nil {
		t.Fatalf("testkit: start PostgreSQL: %v", err)
	}
	name := "test_" + strconv.FormatInt(p.number.Add(1), 10)
	// FILE_COPY copies the template's files; the other way writes each page to the log first.
	statement := fmt.Sprintf("CREATE DATABASE %s OWNER %s TEMPLATE %s STRATEGY FILE_COPY", name, embedded.Database, template)
	if _, err := p.admin.Exec(t.Context(), statement); err != nil {
		t.Fatalf("testkit: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // the test's own context ended
		defer cancel()
		if _, err := p.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("testkit: %v", err)
		}
	})
	return p.server.URL(name)
}

func startPostgres() (*postgres, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	base := scratch()
	sweep(base)
	folder, err := os.MkdirTemp(base, folderPrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, err
	}
	p := &postgres{folder: folder}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	started.Store(p)
	return p, nil
}

func (p *postgres) start(ctx context.Context) error {
	o, err := options()
	if err != nil {
		return err
	}
	from, err := template(ctx, o)
	if err != nil {
		return err
	}
	o.DataDir = filepath.Join(p.folder, "data")
	// The folder of a temporary file is closed to others, and root's server runs as another user.
	if err := os.Chmod(p.folder, 0o711); err != nil {
		return err
	}
	if err := copyTree(from, o.DataDir); err != nil {
		return err
	}
	if p.server, err = embedded.Start(ctx, o); err != nil {
		return err
	}
	p.admin, err = pgxpool.New(ctx, p.server.AdminURL("postgres")+"&pool_max_conns=4")
	return err
}

func (p *postgres) stop() error {
	if p.admin != nil {
		p.admin.Close()
	}
	var err error
	if p.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = p.server.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(p.folder))
}

// scratch is memory where there is room for it, and else the folder for temporary files.
func scratch() string {
	if roomInMemory() > 1<<30 {
		return "/dev/shm"
	}
	return os.TempDir()
}

// sweep removes the folders of test runs that were killed; their servers ended with them.
func sweep(base string) {
	found, _ := filepath.Glob(filepath.Join(base, folderPrefix+"*-*"))
	for _, dir := range found {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folderPrefix), "-")
		pid, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		process, err := os.FindProcess(pid)
		if err == nil {
			err = process.Signal(syscall.Signal(0))
		}
		if errors.Is(err, os.ErrProcessDone) {
			_ = os.RemoveAll(dir) // another user's stays
		}
	}
}
