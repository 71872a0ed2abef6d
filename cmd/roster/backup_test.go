//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db/embedded"
)

// clientTools is the folder of a PostgreSQL that has pg_dump, which the built-in one
// has not, or "".
func clientTools() string {
	for _, folder := range []string{os.Getenv("ROSTER_TEST_POSTGRES"), "/usr/lib/postgresql/15"} {
		bin := filepath.Join(folder, "bin")
		_, err := os.Stat(filepath.Join(bin, "pg_dump"))
		if _, server := os.Stat(filepath.Join(bin, "postgres")); err == nil && server == nil {
			return bin
		}
	}
	return ""
}

// A backup with pg_dump while clients write, restored into a new database: what was
// acknowledged before is in it, nothing in part, its users sign in, and its audit log
// verifies.
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	backupUnderLoad(t, 60)
}

func backupUnderLoad(t *testing.T, writes int) []string {
	t.Helper()
	bin := clientTools()
	if bin == "" {
		t.Skip("no pg_dump here: install postgresql-15, or name a PostgreSQL with ROSTER_TEST_POSTGRES")
	}
	dir := emptyData(t)
	pg, err := embedded.Start(t.Context(), embedded.Options{DataDir: dir, Binaries: filepath.Dir(bin)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, pg) })
	execute(t, pg.AdminURL(""), "CREATE DATABASE restored OWNER roster")
	settings := []string{"DATABASE_URL=" + pg.URL(""), "ROSTER_DATA_DIR=" + dir}
	s := unlimited(t, settings)
	j := startJournal(t, s, writers)
	before := j.progress(writes)
	known := j.acknowledged() // before the dump begins
	head := headOf(t, settings)

	dump := filepath.Join(dir, "roster.dump")
	began := time.Now()
	tool(t, pg.URL(""), filepath.Join(bin, "pg_dump"), "--format=custom", "--file="+dump)
	dumped := time.Since(began)
	during := j.progress(0) - before
	j.stop()

	began = time.Now()
	tool(t, pg.URL("restored"), filepath.Join(bin, "pg_restore"), "--exit-on-error", "--no-owner", "--dbname=restored", dump)
	restored := time.Since(began)

	// The counts agree, and whoever was acknowledged is there.
	conn := connect(t, pg.URL("restored"))
	lost := 0
	for email, id := range known {
		var there bool
		if err := conn.QueryRow(t.Context(), `
			SELECT EXISTS (SELECT FROM users WHERE id = $1 AND email = $2)
			    OR EXISTS (SELECT FROM audit WHERE target_id = $1 AND operation = 'deleteUser')`, id, email).Scan(&there); err != nil {
			t.Fatal(err)
		}
		if !there {
			lost++
		}
	}
	users, halved, miscounted := wholeUsers(t, conn)
	if lost+halved+miscounted > 0 {
		t.Errorf("%d lost, %d in part, counts wrong by %d", lost, halved, miscounted)
	}

	// A server on it, with the key that sealed the log.
	here := []string{"DATABASE_URL=" + pg.URL("restored"), "ROSTER_DATA_DIR=" + dir}
	again := serve(t, here...)
	again.token = ""
	again.want(http.StatusCreated, http.MethodPost, "/api/session", fmt.Sprintf(`{"email":%q,"password":%q}`, rootEmail, password))
	rows, _ := sealed(t, here)
	if r := roster(t, here, "audit", "verify", "--head="+head); r.status != 0 {
		t.Errorf("audit verify with the head of before: %+v", r)
	}
	return []string{
		fmt.Sprintf("pg_dump of %d users in %v while %d writes were acknowledged; pg_restore in %v", users, dumped.Round(time.Millisecond), during, restored.Round(time.Millisecond)),
		fmt.Sprintf("of %d users acknowledged before, lost %d; the goal is 0", len(known), lost),
		fmt.Sprintf("users in part: %d, counts wrong by %d; the goal is 0", halved, miscounted),
		fmt.Sprintf("the first admin signs in; roster audit verify: %d rows in order, and the head of before is among them; the goal is both", rows),
	}
}

// acknowledged are the users that are known to be there, or to have been.
func (j *journal) acknowledged() map[string]string {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := map[string]string{}
	for _, w := range j.written {
		if w.acked != "" {
			all[w.email] = w.acked
		}
	}
	return all
}

// headOf is the head of what is sealed by now; rows may wait.
func headOf(t testing.TB, settings []string) (head string) {
	t.Helper()
	eventually(t, time.Minute, "a row is sealed", func() bool {
		if said := auditWell.FindStringSubmatch(roster(t, settings, "audit", "verify").stdout); said != nil {
			head = said[3]
		}
		return head != ""
	})
	return head
}

// wholeUsers counts users, those that are there in part, and how far the counts are off.
func wholeUsers(t testing.TB, conn *pgx.Conn) (users, halved, miscounted int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `
		SELECT count(*),
		       count(*) FILTER (WHERE c.user_id IS NULL OR NOT EXISTS (SELECT FROM audit a WHERE a.target_id = u.id AND a.operation = 'createUser')),
		       abs(count(*) - (SELECT sum(admins + editors + viewers) FROM user_counts))
		FROM users u LEFT JOIN credentials c ON c.user_id = u.id`).Scan(&users, &halved, &miscounted); err != nil {
		t.Fatal(err)
	}
	return users, halved, miscounted
}

// tool runs one of PostgreSQL's programs on a database.
func tool(t testing.TB, address, program string, args ...string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	secret, _ := u.User.Password()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = []string{"PGHOST=" + u.Query().Get("host"), "PGUSER=" + u.User.Username(), "PGPASSWORD=" + secret, "PGDATABASE=" + strings.TrimPrefix(u.Path, "/")}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", filepath.Base(program), err, out)
	}
}

// The data folder of a Roster that has stopped, copied: a server on the copy has all of
// it, the key of the audit log, too.
func TestBackupOfTheFolder(t *testing.T) {
	t.Parallel()
	dir, to := data(t), emptyData(t)
	s := unlimited(t, []string{"ROSTER_DATA_DIR=" + dir})
	j := startJournal(t, s, writers)
	j.progress(40)
	j.stop()
	s.signal(syscall.SIGTERM)
	if status := s.wait(); status != 0 {
		t.Fatalf("status %d", status)
	}
	if out, err := exec.Command("cp", "-a", dir+"/.", to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	here := []string{"ROSTER_DATA_DIR=" + to}
	again := serve(t, here...)
	again.token = ""
	again.want(http.StatusCreated, http.MethodPost, "/api/session", fmt.Sprintf(`{"email":%q,"password":%q}`, rootEmail, password))
	for _, line := range wrongs(t, j, here, "copied", []time.Duration{0}) {
		t.Log(line)
	}
}
