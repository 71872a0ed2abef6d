//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roster-api/roster/internal/audit"
)

var auditWell = regexp.MustCompile(`^(\d+) rows sealed, (\d+) waiting, 0 dropped by retention\n(?:head (\d+:[0-9a-f]{64})\n)?$`)

// sealed waits until the server has sealed every row, and returns how many there are
// and the head.
func sealed(t testing.TB, settings []string) (rows int, head string) {
	t.Helper()
	eventually(t, time.Minute, "all rows are sealed", func() bool {
		r := roster(t, settings, "audit", "verify")
		said := auditWell.FindStringSubmatch(r.stdout)
		if r.status != 0 || said == nil {
			return false
		}
		rows, _ = strconv.Atoi(said[1])
		head = said[3]
		return rows > 0 && said[2] == "0"
	})
	return rows, head
}

// The log of what was done is sealed by the server, and a command finds what is done
// to it behind its back.
func TestAudit(t *testing.T) {
	t.Parallel()
	dir := data(t)
	here := []string{"ROSTER_DATA_DIR=" + dir}
	serve(t, here...)
	r := create(t, here, "--name=Ada Lovelace", "--email=ada@example.org")
	if r.status != 0 {
		t.Fatalf("user create: %+v", r)
	}
	id := strings.TrimSpace(r.stdout)
	rows, head := sealed(t, here)
	if info, err := os.Stat(filepath.Join(dir, audit.KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key: %v, %v", info, err)
	}
	if got := must(t, here, "audit", "verify", "--head="+head); !strings.Contains(got, "head "+head) {
		t.Errorf("audit verify --head:\n%s", got)
	}

	// What is exported is what was done, in the API's names.
	lines := export(t, here)
	if len(lines) != rows {
		t.Errorf("%d lines, %d rows", len(lines), rows)
	}
	last := lines[len(lines)-1]
	after, _ := last["after"].(map[string]any)
	if last["operation"] != "createUser" || last["actor"] != "system" || last["actorName"] != "command line" || last["target"] != "user" ||
		last["targetId"] != id || last["actorId"] != nil || after["email"] != "ada@example.org" || after["role"] != "viewer" {
		t.Errorf("the last line is %v", last)
	}
	for name, value := range last {
		if strings.Contains(fmt.Sprint(value), "argon2") || strings.Contains(fmt.Sprint(value), password) {
			t.Errorf("%s tells a secret: %v", name, value)
		}
	}
	at, _ := last["createdAt"].(string)
	if got := export(t, here, "--from="+at); len(got) != 1 || got[0]["id"] != last["id"] {
		t.Errorf("from the last one on: %v", got)
	}
	if got := export(t, here, "--to="+at); len(got) != rows-1 {
		t.Errorf("before the last one: %v", got)
	}
	if got := export(t, here, "--from=2026-03-14", "--to=2026-03-15T12:00"); len(got) != 0 {
		t.Errorf("of other days: %v", got)
	}

	// A hand on the database.
	conn := query(t, dir)
	for _, sql := range []string{
		"ALTER TABLE audit DISABLE TRIGGER audit_updated",
		`UPDATE audit SET actor_name = E'eve\u202e\x1b[2J' WHERE target_id = '` + id + `'`,
		"ALTER TABLE audit ENABLE TRIGGER audit_updated",
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"audit", "verify"}, {"audit", "verify", "--head=" + head}} {
		r := roster(t, here, args...)
		if r.status != 1 || !strings.Contains(r.stdout, last["id"].(string)) || strings.Count(r.stdout, "\n") != 2 || strings.Contains(r.stdout, "head ") ||
			r.stderr != "roster: the audit log is not as it was written: 1 findings\n" {
			t.Errorf("%v of a changed row: %+v", args, r)
		}
	}
	if got := must(t, here, "audit", "export"); !strings.Contains(got, `"actorName":"eve\u202e\u001b[2J"`) {
		t.Errorf("audit export shows %q", got)
	}

	// Begun anew, all is well, but not what the head was of.
	if r := roster(t, here, "audit", "restart"); r.status != 2 || !strings.Contains(r.stderr, "add --yes") {
		t.Errorf("audit restart: %+v", r)
	}
	if got := must(t, here, "audit", "restart", "--yes"); got != fmt.Sprintf("%d rows wait to be sealed anew\n", rows) {
		t.Errorf("audit restart --yes prints %q", got)
	}
	if n, _ := sealed(t, here); n != rows+1 {
		t.Errorf("%d rows are sealed, want %d", n, rows+1)
	}
	if r := roster(t, here, "audit", "verify", "--head="+head); r.status != 1 || !strings.Contains(r.stdout, "another one than when its head was kept") {
		t.Errorf("audit verify --head after a restart: %+v", r)
	}
}

// export runs roster audit export and reads what it printed.
func export(t testing.TB, settings []string, args ...string) (entries []map[string]any) {
	t.Helper()
	for lines := bufio.NewScanner(strings.NewReader(must(t, settings, append([]string{"audit", "export"}, args...)...))); lines.Scan(); {
		var e map[string]any
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || len(e) != 12 {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		entries = append(entries, e)
	}
	return entries
}

// A replica with another key seals nothing, and says what to do.
func TestAuditOtherKey(t *testing.T) {
	t.Parallel()
	const one, other = "ROSTER_AUDIT_KEY=0123456789abcdef0123456789abcdef", "ROSTER_AUDIT_KEY=fedcba9876543210fedcba9876543210"
	pg := outside(t)
	database := "DATABASE_URL=" + pg.URL("")
	nowhere := "ROSTER_DATA_DIR=" + filepath.Join(t.TempDir(), "none")
	first := serve(t, database, nowhere, one, "ROSTER_ADMIN_PASSWORD="+password)
	_, head := sealed(t, []string{database, one})
	first.signal(os.Interrupt)
	first.wait()

	second := serve(t, database, nowhere, other, "ROSTER_ADMIN_PASSWORD="+password)
	if line := second.await("sealed with another key"); !strings.Contains(line, "give this Roster the same ROSTER_AUDIT_KEY") || strings.Contains(line, "fedcba98") {
		t.Errorf("it says %s", line)
	}
	if got := must(t, []string{database, one}, "audit", "verify", "--head="+head); !strings.Contains(got, "head "+head) {
		t.Errorf("audit verify:\n%s", got)
	}
	r := roster(t, []string{database, other}, "audit", "verify")
	if r.status != 1 || !strings.Contains(r.stderr, "sealed with another key") || r.stdout != "" {
		t.Errorf("audit verify with another key: %+v", r)
	}
	r = roster(t, []string{database, nowhere}, "audit", "verify")
	if r.status != 2 || !strings.Contains(r.stderr, "neither ROSTER_AUDIT_KEY nor the file") || r.stdout != "" {
		t.Errorf("audit verify without a key: %+v", r)
	}
}

// Where no key can be kept, Roster serves and seals nothing.
func TestAuditWithoutKey(t *testing.T) {
	t.Parallel()
	pg := outside(t)
	file := filepath.Join(emptyData(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "DATABASE_URL="+pg.URL(""), "ROSTER_DATA_DIR="+file, "ROSTER_ADMIN_PASSWORD="+password)
	s.await("the audit log is not sealed: there is no key for it")
	s.want(200, "GET", "/ready", "")
}

func TestAuditRefuses(t *testing.T) {
	t.Parallel()
	nowhere := "ROSTER_DATA_DIR=" + filepath.Join(t.TempDir(), "none") // nothing gets that far
	for name, c := range map[string]struct {
		setting string
		args    []string
		want    string
	}{
		"no head":     {"", []string{"verify", "--head=12"}, "write SEQ:MAC"},
		"short key":   {"ROSTER_AUDIT_KEY=short", []string{"verify"}, "ROSTER_AUDIT_KEY has 5 characters"},
		"key as flag": {"", []string{"verify", "--key=x"}, "unknown flag"},
		"no time":     {"", []string{"export", "--from=yesterday"}, "write it as 2026-03-14"},
		"no such day": {"", []string{"export", "--to=2026-02-30"}, "write it as 2026-03-14"},
		"no yes":      {"", []string{"restart"}, "add --yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := roster(t, []string{nowhere, c.setting}, append([]string{"audit"}, c.args...)...)
			if r.status != 2 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.want) {
				t.Errorf("%+v, want status 2 and %q", r, c.want)
			}
		})
	}
}
