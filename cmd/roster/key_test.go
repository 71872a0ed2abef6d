//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var secretLine = regexp.MustCompile(`^rst_[0-9A-Za-z]{49}\n$`)

// who asks a server who calls with a secret.
func (s *serving) who(secret string) (status int, may []string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.base+"/api/session", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(secret))
	response, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	var body struct{ Permissions []string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, body.Permissions
}

// A key made beside a running server works there, and does not any more a second
// after it was revoked.
func TestKeyBesideAServer(t *testing.T) {
	t.Parallel()
	dir := data(t)
	here := []string{"ROSTER_DATA_DIR=" + dir}
	s := serve(t, "ROSTER_DATA_DIR="+dir)

	secrets := map[string]string{}
	for role, want := range map[string][]string{
		"viewer": {"users:read", "stats:read"},
		"editor": {"users:read", "users:write", "stats:read"},
		"admin":  {"users:read", "users:write", "users:admin", "users:delete", "passwords:reset", "stats:read", "audit:read", "sessions:admin"},
	} {
		secret := must(t, here, "key", "create", "--name=for "+role, "--role="+role, "--expires=90d")
		if !secretLine.MatchString(secret) {
			t.Fatalf("key create prints %q", secret)
		}
		secrets[role] = secret
		if status, may := s.who(secret); status != http.StatusOK || !slices.Equal(may, want) {
			t.Errorf("the key for %s: %d, it may %q, want %q", role, status, may, want)
		}
	}

	list := must(t, here, "key", "list")
	if strings.Count(list, "\n") != 5 || !strings.HasPrefix(list, "ID ") || !strings.Contains(list, "  "+rootEmail+" ") || !strings.Contains(list, "users:read,stats:read\n") {
		t.Errorf("key list:\n%s", list)
	}
	var id string
	for lines := bufio.NewScanner(strings.NewReader(must(t, here, "key", "list", "--json", "--limit=3"))); lines.Scan(); {
		var key struct {
			ID, Name             string
			CreatedAt, ExpiresAt time.Time
		}
		if err := json.Unmarshal(lines.Bytes(), &key); err != nil {
			t.Fatal(err)
		}
		if works := key.ExpiresAt.Sub(key.CreatedAt); works > 90*24*time.Hour || works < 90*24*time.Hour-time.Minute {
			t.Errorf("%s works for %v", key.Name, works)
		}
		if key.Name == "for admin" {
			id = key.ID
		}
	}
	for name, secret := range secrets {
		if strings.Contains(list, secret[:20]) {
			t.Errorf("key list shows the secret for %s", name)
		}
	}

	if got := must(t, here, "key", "revoke", id); got != "" {
		t.Errorf("key revoke prints %q", got)
	}
	eventually(t, 2*time.Second, "the revoked key is dead", func() bool {
		status, _ := s.who(secrets["admin"])
		return status == http.StatusUnauthorized
	})
	if r := roster(t, here, "key", "revoke", id); r.status != 1 || r.stderr != "roster: There is no such key.\n" {
		t.Errorf("revoke again: %+v", r)
	}
	if got := must(t, here, "key", "list", "--limit=1"); strings.Count(got, "\n") != 2 {
		t.Errorf("--limit=1:\n%s", got)
	}

	var rows int
	err := query(t, dir).QueryRow(t.Context(), `SELECT count(*) FROM audit WHERE actor = 'system' AND actor_name = 'command line'
		AND operation IN ('createKey', 'revokeKey')`).Scan(&rows)
	if err != nil || rows != 5 { // the key of all tests is one
		t.Errorf("%d rows in the audit log, %v", rows, err)
	}
}

// Who may own a key, and who does where nobody is named: the oldest admin who can
// sign in.
func TestKeyOwner(t *testing.T) {
	t.Parallel()
	dir := data(t)
	here := []string{"ROSTER_DATA_DIR=" + dir}
	serve(t, "ROSTER_DATA_DIR="+dir)
	db := query(t, dir)
	for _, u := range []struct{ email, role, disabled, since string }{
		{"ed@example.org", "editor", "false", "2020-01-01"},
		{"off@example.org", "admin", "true", "2020-01-01"},     // disabled
		{"nopass@example.org", "admin", "false", "2020-01-01"}, // cannot sign in
		{"young@example.org", "admin", "false", "2100-01-01"},
	} {
		_, err := db.Exec(t.Context(), `INSERT INTO users (id, name, email, role, disabled, created_at)
			VALUES (gen_random_uuid(), 'X', $1, $2::text::role, $3::text::boolean, $4::text::timestamptz)`, u.email, u.role, u.disabled, u.since)
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Exec(t.Context(), "INSERT INTO credentials (user_id, password_hash) SELECT id, 'x' FROM users WHERE email IN ('off@example.org', 'young@example.org')"); err != nil {
		t.Fatal(err)
	}

	must(t, here, "key", "create", "--name=a", "--role=admin")
	must(t, here, "key", "create", "--name=b", "--role=editor", "--owner=ED@Example.org")
	must(t, here, "key", "create", "--name=c", "--role=viewer", "--owner=ed@example.org")
	rows, err := db.Query(t.Context(), "SELECT k.name || ' ' || u.email FROM keys k JOIN users u ON u.id = k.user_id WHERE k.name <> 'tests' ORDER BY k.name")
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		owners = append(owners, line)
	}
	if want := []string{"a " + rootEmail, "b ed@example.org", "c ed@example.org"}; !slices.Equal(owners, want) || rows.Err() != nil {
		t.Errorf("owners %q, want %q (%v)", owners, want, rows.Err())
	}
	if got := must(t, here, "key", "list", "--owner=ed@example.org", "--json"); strings.Count(got, "\n") != 2 {
		t.Errorf("the keys of one:\n%s", got)
	}

	for args, want := range map[string]string{
		"--role=admin --owner=ed@example.org":      "ed@example.org is editor, and a key is never wider than its owner; choose --role editor or another owner",
		"--role=viewer --owner=off@example.org":    "off@example.org is disabled",
		"--role=viewer --owner=nobody@example.org": "there is no user with the address nobody@example.org",
	} {
		r := roster(t, here, append([]string{"key", "create", "--name=x"}, strings.Fields(args)...)...)
		if r.status != 2 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v, want %q", args, r, want)
		}
	}
	if r := roster(t, here, "key", "list", "--owner=nobody@example.org"); r.status != 2 || r.stdout != "" {
		t.Errorf("the keys of nobody: %+v", r)
	}
}

// Without a server, and without an admin who could own the key.
func TestKeyWithoutAnAdmin(t *testing.T) {
	t.Parallel()
	r := roster(t, []string{"ROSTER_DATA_DIR=" + emptyData(t)}, "key", "create", "--name=x", "--role=viewer")
	if r.status != 1 || r.stdout != "" || !strings.Contains(r.stderr, "name another user with --owner, or make an admin") {
		t.Errorf("%+v", r)
	}
}

func TestKeyRefuses(t *testing.T) {
	t.Parallel()
	nowhere := []string{"ROSTER_DATA_DIR=" + filepath.Join(t.TempDir(), "none")} // nothing gets that far
	create := []string{"key", "create", "--name=x", "--role=viewer"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no name":         {[]string{"key", "create", "--role=viewer"}, "--name"},
		"no role":         {[]string{"key", "create", "--name=x"}, "--role"},
		"unknown role":    {[]string{"key", "create", "--name=x", "--role=owner"}, "--role must be one of"},
		"blank name":      {[]string{"key", "create", "--name= ", "--role=viewer"}, "name must not be blank"},
		"long name":       {[]string{"key", "create", "--name=" + strings.Repeat("x", 101), "--role=viewer"}, "name must have at most 100 characters"},
		"control in name": {[]string{"key", "create", "--name=a\x1b[2J", "--role=viewer"}, "name must not contain control characters"},
		"no address":      {append(create, "--owner=a\x1b[2J"), "is no email address"},
		"no time":         {append(create, "--expires=soon"), "write a time such as 90d"},
		"no time at all":  {append(create, "--expires=0s"), "write a time such as 90d"},
		"11 years":        {append(create, "--expires=4015d"), "write a time such as 90d"},
		"no id":           {[]string{"key", "revoke", "x"}, "invalid UUID"},
		"a secret":        {[]string{"key", "revoke", "rst_" + strings.Repeat("S3cret", 8)}, "invalid UUID"},
		"below 0":         {[]string{"key", "list", "--limit=-1"}, "or 0 for all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := roster(t, nowhere, c.args...)
			if r.status != 2 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, c.want) {
				t.Errorf("%+v, want status 2 and %q", r, c.want)
			}
			if strings.Contains(r.stderr, "\x1b") || strings.Contains(r.stderr, "S3cret") {
				t.Errorf("it repeats what it was given: %s", r.stderr)
			}
		})
	}
}
