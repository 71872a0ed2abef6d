//go:build torture

package apitest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureUsersTable: with a million users the console's table of them can be used
// within a second of opening it with an empty cache, on its first page and on its last,
// and so can another order, another page or a search in it.
func TestTortureUsersTable(t *testing.T) {
	const users, rounds, goal = 1_000_000, 20, time.Second
	chromium := findChromium()
	if chromium == "" {
		t.Skip("no browser: apt-get install chromium, or set CHROMIUM")
	}
	folder := must(filepath.Abs(filepath.Join("..", "..", "tests", "browser")))(t)
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "@playwright", "test")); err != nil {
		t.Fatal("@playwright/test is not there: npm ci in tests/browser, or make torture")
	}

	url := testkit.Database(t)
	pool := must(db.Open(url, db.Options{}))(t) // without a deadline
	t.Cleanup(pool.Close)
	began := time.Now()
	if err := db.SeedUsers(t.Context(), pool, users, nil); err != nil {
		t.Fatal(err)
	}
	// As in any database that has been there for a while; autovacuum would do it meanwhile.
	if _, err := pool.Exec(t.Context(), "VACUUM (ANALYZE)"); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d users are there after %v", users, time.Since(began).Round(time.Second))
	admin := testkit.User(t, pool, dbsqlc.User{Role: role.Admin})
	token := testkit.Session(t, pool, admin.ID)

	p := start(t, url, nil, "ROSTER_ADDR=localhost:0")
	if page := get(t, "http://"+p.addr+"/users"); !strings.Contains(page, `id="app"`) {
		t.Fatal("the binary has no console: make build")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "node", "users-table.js")
	c.Dir = folder
	c.Env = append(os.Environ(), "CHROMIUM="+chromium, "ROSTER_URL=http://"+p.addr, "ROSTER_TOKEN="+token, fmt.Sprint("ROUNDS=", rounds))
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v:\n%s", err, stderr.String())
	}
	var times map[string][]float64 // in ms
	if err := json.Unmarshal(out, &times); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, of := range []struct{ name, what string }{
		{"open", "opened, nothing cached: until rows are there and the search takes the focus"},
		{"last", "the last page, opened so"},
		{"sort", "sorted by email"},
		{"next", "the next page"},
		{"search", "a search, with the pause after the last letter"},
	} {
		all := times[of.name]
		if len(all) != rounds {
			t.Fatalf("%s: %d times of %d", of.name, len(all), rounds)
		}
		slices.Sort(all)
		at := func(q float64) time.Duration {
			return time.Duration(all[int(q*float64(rounds-1)+.5)] * float64(time.Millisecond)).Round(time.Millisecond)
		}
		t.Logf("%s: median %v, p95 %v, max %v of %d; the goal is p95 at most %v", of.what, at(.5), at(.95), at(1), rounds, goal)
		if at(.95) > goal {
			t.Error("too long")
		}
	}
}

// findChromium is where tests/browser finds it, or empty.
func findChromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer := must(http.Get(url))(t)
	defer answer.Body.Close()
	return string(must(io.ReadAll(answer.Body))(t))
}
