//go:build unix

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/embedded"
)

// outside is a PostgreSQL that others run, for DATABASE_URL.
func outside(t testing.TB) *embedded.Server {
	t.Helper()
	return start(t, data(t))
}

func start(t testing.TB, dir string) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *embedded.Server) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

// execute runs statements on the database of an address.
func execute(t testing.TB, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// with is the URL with another database or other parameters.
func with(t testing.TB, address string, change func(*url.URL, url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	change(u, q)
	u.RawQuery = q.Encode()
	return u.String()
}

// A database that is away at the start: Roster lives, says that it is not ready,
// and prepares it and serves once it is there.
func TestDatabaseComesLater(t *testing.T) {
	t.Parallel()
	dir := data(t)
	first := start(t, dir)
	execute(t, first.AdminURL(""), "CREATE DATABASE later OWNER roster")
	address := first.URL("later")
	stop(t, first)

	s := serve(t, "DATABASE_URL="+address)
	s.want(http.StatusOK, http.MethodGet, "/health", "")
	s.want(http.StatusServiceUnavailable, http.MethodGet, "/ready", "")
	s.want(http.StatusOK, http.MethodGet, "/openapi.yaml", "")
	a := s.want(http.StatusServiceUnavailable, http.MethodGet, "/api/users", "")
	if a.header.Get("Retry-After") == "" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("503 with %v", a.header)
	}
	s.await("the database is away")
	ready := []string{"ROSTER_ADDR=" + strings.TrimPrefix(s.base, "http://")}
	if r := roster(t, ready, "health"); r.status != 0 || r.stdout != "ok\n" {
		t.Errorf("roster health: %+v", r)
	}
	if r := roster(t, ready, "health", "--ready"); r.status != 1 || !strings.Contains(r.stderr, "503") {
		t.Errorf("roster health --ready: %+v", r)
	}

	start(t, dir)
	s.await("the database is there")
	s.known()
	must(t, ready, "health", "--ready")
	s.want(http.StatusCreated, http.MethodPost, "/api/users", ada)
	if strings.Count(s.said(), "the database is away") > 2 {
		t.Errorf("it repeats itself:\n%s", s.said())
	}
	secret(t, address, s.said())
}

// secret fails when the password of an address is in what was said.
func secret(t testing.TB, address, said string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if password, _ := u.User.Password(); strings.Contains(said, password) {
		t.Errorf("the password is in it: %s", said)
	}
}

// A database that answers with a refusal ends a server and a command with one
// line: trying again would change nothing.
func TestDatabaseRefuses(t *testing.T) {
	t.Parallel()
	pg := outside(t)
	execute(t, pg.AdminURL(""),
		"CREATE DATABASE newer OWNER roster", "CREATE DATABASE foreign_owner", "CREATE DATABASE old OWNER roster")
	execute(t, pg.URL("newer"),
		"CREATE TABLE goose_db_version (id int GENERATED ALWAYS AS IDENTITY, version_id bigint, is_applied boolean, tstamp timestamptz DEFAULT now())",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (99999, true)")
	// A server that says it is older than 15.
	execute(t, pg.URL("old"), "CREATE SCHEMA old",
		"CREATE FUNCTION old.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '140011' $$")

	for name, c := range map[string]struct{ url, want string }{
		"wrong password": {
			with(t, pg.URL(""), func(u *url.URL, _ url.Values) { u.User = url.UserPassword("roster", "Wr0ngSecret") }),
			"PostgreSQL refuses the password; check user and password in DATABASE_URL",
		},
		"no such database": {pg.URL("nosuch"), "PostgreSQL has no database of the name in DATABASE_URL"},
		"no such user": {
			with(t, pg.URL(""), func(u *url.URL, _ url.Values) { u.User = url.UserPassword("nosuch", "Wr0ngSecret") }),
			"PostgreSQL refuses the password",
		},
		"not the owner": {pg.URL("foreign_owner"), "make it the owner of the database"},
		"newer":         {pg.URL("newer"), "the database is at version 99999, made by a newer Roster"},
		"older PostgreSQL": {
			with(t, pg.URL("old"), func(_ *url.URL, q url.Values) { q.Set("search_path", "old,pg_catalog,public") }),
			"the database is PostgreSQL 14; Roster needs 15 or later",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			commands := [][]string{{"serve", "--log-format=text", "--log-level=error"}, {"migrate", "up"}}
			if name == "wrong password" {
				commands = append(commands, []string{"serve", "--log-level=error"}, []string{"user", "list"}, []string{"seed", "--users=1"})
			}
			for _, args := range commands {
				r := roster(t, []string{"DATABASE_URL=" + c.url, "ROSTER_ADDR=localhost:0"}, args...)
				if r.status != 1 || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
					t.Errorf("%v: status %d: %s", args, r.status, r.stderr)
				}
				secret(t, c.url, r.stderr)
			}
		})
	}
}

func TestMigrateStatusChangesNothing(t *testing.T) {
	t.Parallel()
	pg := outside(t)
	execute(t, pg.AdminURL(""), "CREATE DATABASE fresh OWNER roster")
	settings := []string{"DATABASE_URL=" + pg.URL("fresh")}
	count := func() (n int) {
		conn, err := pgx.Connect(t.Context(), pg.URL("fresh"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_class").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	if got := must(t, settings, "migrate", "status"); strings.Count(got, "not yet\n") != strings.Count(got, ".sql ") || !strings.Contains(got, "00001_users.sql ") {
		t.Errorf("migrate status of an empty database:\n%s", got)
	}
	r := roster(t, settings, "user", "list")
	if r.status != 1 || !strings.Contains(r.stderr, "roster migrate up makes them") || r.stdout != "" {
		t.Errorf("user list of an empty database: %+v", r)
	}
	if after := count(); after != before {
		t.Errorf("the catalog had %d entries and now has %d", before, after)
	}
	for _, args := range [][]string{{"migrate", "up"}, {"migrate", "up"}, {"migrate", "status"}} {
		if got := must(t, settings, args...); strings.Contains(got, "not yet") || !strings.Contains(got, "00001_users.sql") {
			t.Errorf("%v:\n%s", args, got)
		}
	}
}

// Several servers that start at once on an empty database prepare it once.
func TestDatabaseIsPreparedOnce(t *testing.T) {
	t.Parallel()
	pg := outside(t)
	execute(t, pg.AdminURL(""), "CREATE DATABASE crowd OWNER roster")
	var group sync.WaitGroup
	said := make([]string, 4)
	for i := range said {
		group.Go(func() {
			r := roster(t, []string{"DATABASE_URL=" + pg.URL("crowd")}, "migrate", "up")
			said[i] = fmt.Sprint(r.status, r.stderr)
		})
	}
	group.Wait()
	for _, s := range said {
		if s != "0" {
			t.Error(s)
		}
	}
}

// A server whose database goes away is back as soon as the database is.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	dir := data(t)
	pg := start(t, dir)
	s := serve(t, "DATABASE_URL="+pg.URL(""))
	s.want(http.StatusOK, http.MethodGet, "/ready", "")
	stop(t, pg)
	s.want(http.StatusOK, http.MethodGet, "/health", "")
	s.want(http.StatusServiceUnavailable, http.MethodGet, "/ready", "")
	a := s.want(http.StatusServiceUnavailable, http.MethodGet, "/api/users", "")
	if a.header.Get("Retry-After") == "" {
		t.Errorf("503 with %v", a.header)
	}
	start(t, dir)
	eventually(t, 2*time.Second, "it is ready", func() bool {
		a, err := s.get("/ready")
		return err == nil && a.status == http.StatusOK
	})
	s.want(http.StatusOK, http.MethodGet, "/api/users", "")
}
