package apitest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
)

func TestCreateUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	before := time.Now().Add(-time.Second)
	got := a.send(t, "POST", "/api/users", `{"name":"  Ada  Lovelace ","email":"ADA@Example.org","password":"`+password+`","role":"editor"}`)
	if got.Status != 201 {
		t.Fatal(got)
	}
	u := got.user(t)
	if u.Name != "  Ada  Lovelace " || u.Email != "ada@example.org" || u.Role != roster.RoleEditor || u.Disabled {
		t.Errorf("got %+v", u)
	}
	if u.ID.Version() != 7 || !u.CreatedAt.Equal(u.UpdatedAt) || u.CreatedAt.Before(before) || u.CreatedAt.After(time.Now().Add(time.Second)) {
		t.Errorf("id %v, created %v, updated %v", u.ID, u.CreatedAt, u.UpdatedAt)
	}
	if strings.Contains(string(got.Body), password) || strings.Contains(string(got.Body), "argon2") {
		t.Errorf("the answer holds a secret: %s", got.Body)
	}

	location := got.Header.Get("Location")
	if want := "/api/users/" + u.ID.String(); location != want {
		t.Fatalf("Location is %q, want %q", location, want)
	}
	read := a.send(t, "GET", location, "")
	if read.user(t) != u || read.Header.Get("ETag") != got.Header.Get("ETag") {
		t.Errorf("GET of its Location gives %s, ETag %s", read, read.Header.Get("ETag"))
	}
	var hash string
	if err := a.Pool.QueryRow(t.Context(), "SELECT password_hash FROM credentials WHERE user_id = $1", u.ID).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("the password is kept as %q", hash)
	}
}

func TestCreateUserBySDK(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made, err := a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: "ada@example.org", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if made.Role != roster.RoleViewer || made.ETag == "" {
		t.Errorf("without a role: %+v", made)
	}
	read, err := a.GetUser(t.Context(), made.ID)
	if err != nil || *read != *made {
		t.Errorf("read as %+v, %v", read, err)
	}
	_, err = a.CreateUser(t.Context(), roster.UserCreate{Name: "Other", Email: "ADA@example.ORG", Password: password})
	wantCode(t, err, roster.ErrorCodeEmailTaken)
}

// field is a rule of one field: a JSON value and what is said about it; "": it
// goes through.
type field struct{ name, field, value, rule string }

func quoted(s string) string { return fmt.Sprintf("%q", s) }

// nameRules are the same wherever a name can be written.
var nameRules = []field{
	{"one letter", "name", `"a"`, ""},
	{"100 code points of four octets", "name", quoted(strings.Repeat("👩", 100)), ""},
	{"101 code points", "name", quoted(strings.Repeat("a", 101)), "too_long"},
	{"empty", "name", `""`, "too_short"},
	{"spaces", "name", `"   "`, "blank"},
	{"spaces of other kinds", "name", `"\u00a0\u2003\u3000"`, "blank"},
	{"nothing to see", "name", `"\u200b\u2060\ufeff"`, "blank"},
	{"right to left", "name", `"דוד"`, ""},
	{"markup is text", "name", `"<b>&amp;\"'\\</b>"`, ""},
	{"U+0000", "name", `"a\u0000b"`, "control_character"},
	{"line break", "name", `"a\nb"`, "control_character"},
	{"escape", "name", `"\u001b[31m"`, "control_character"},
	{"delete", "name", `"\u007f"`, "control_character"},
	{"a number", "name", `7`, "invalid_type"},
	{"a list", "name", `["a"]`, "invalid_type"},
	{"an object", "name", `{"a":"b"}`, "invalid_type"},
	{"null", "name", `null`, "null"},
}

var roleRules = []field{
	{"admin", "role", `"admin"`, ""},
	{"editor", "role", `"editor"`, ""},
	{"viewer", "role", `"viewer"`, ""},
	{"unknown", "role", `"root"`, "not_allowed"},
	{"another case", "role", `"Admin"`, "not_allowed"},
	{"empty", "role", `""`, "not_allowed"},
	{"a number", "role", `1`, "invalid_type"},
	{"a list", "role", `["admin"]`, "invalid_type"},
	{"null", "role", `null`, "null"},
}

func TestCreateUserRules(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	passwords := []field{
		{"8 code points", "password", `"päßwörtē"`, ""},
		{"7 code points of 4 octets", "password", quoted(strings.Repeat("👩", 7)), "too_short"},
		{"128 code points of 4 octets", "password", quoted(strings.Repeat("👩", 128)), ""},
		{"129 code points", "password", quoted(strings.Repeat("a", 129)), "too_long"},
		{"empty", "password", `""`, "too_short"},
		{"a control character", "password", `"a\u0007bcdefgh"`, "control_character"},
		{"a number", "password", `12345678`, "invalid_type"},
		{"null", "password", `null`, "null"},
	}
	for i, c := range append(append(passwords, nameRules...), roleRules...) {
		t.Run(c.field+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			body := map[string]string{"name": `"Ada"`, "email": fmt.Sprintf(`"create-%d@example.org"`, i), "password": quoted(password)}
			body[c.field] = c.value
			got := a.send(t, "POST", "/api/users", object(body))
			if c.rule == "" {
				if got.Status != 201 {
					t.Errorf("got %s, want 201", got)
				}
				return
			}
			got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/"+c.field+" "+c.rule)
		})
	}
}

// object writes JSON of fields that are JSON already.
func object(fields map[string]string) string {
	var parts []string
	for name, value := range fields {
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// bodyCase is a body as a whole, with its answer.
type bodyCase struct {
	name, body string
	status     int
	code       roster.ErrorCode
	rules      []string
}

// notObjects are refused wherever a body is an object.
var notObjects = []bodyCase{
	{"null", `null`, 422, roster.ErrorCodeValidationFailed, []string{" null"}},
	{"a list", `[]`, 422, roster.ErrorCodeValidationFailed, []string{" invalid_type"}},
	{"a list of objects", `[{"name":"Ada"}]`, 422, roster.ErrorCodeValidationFailed, []string{" invalid_type"}},
	{"a text", `"Ada"`, 422, roster.ErrorCodeValidationFailed, []string{" invalid_type"}},
	{"a number", `7`, 422, roster.ErrorCodeValidationFailed, []string{" invalid_type"}},
	{"true", `true`, 422, roster.ErrorCodeValidationFailed, []string{" invalid_type"}},
	{"no JSON", `name=Ada`, 400, roster.ErrorCodeMalformed, nil},
	{"half of it", `{"name":"Ada"`, 400, roster.ErrorCodeMalformed, nil},
	{"blank", ` `, 400, roster.ErrorCodeMalformed, nil},
	{"a trailing comma", `{"name":"Ada",}`, 400, roster.ErrorCodeMalformed, nil},
	{"a comment", `{"name":"Ada"/**/}`, 400, roster.ErrorCodeMalformed, nil},
	{"a lone surrogate", `{"name":"\ud800"}`, 400, roster.ErrorCodeMalformed, nil},
	{"a number that no float holds", `{"name":1e999}`, 400, roster.ErrorCodeMalformed, nil},
	{"10,001 levels", strings.Repeat("[", 10_001), 400, roster.ErrorCodeMalformed, nil},
}

func TestCreateUserBodies(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	rest := `"name":"Ada","email":"ada@example.org","password":"` + password + `"`
	for _, c := range append([]bodyCase{
		{"nothing", `{}`, 422, roster.ErrorCodeValidationFailed, []string{"/email required", "/name required", "/password required"}},
		{"without a name", `{"email":"ada@example.org","password":"` + password + `"}`, 422, roster.ErrorCodeValidationFailed, []string{"/name required"}},
		{"an unknown field", `{` + rest + `,"phone":"1"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"a field that is not the caller's", `{` + rest + `,"id":"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21","createdAt":"2026-03-14T09:26:53Z"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"disabled from the start", `{` + rest + `,"disabled":true}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"several rules", `{"name":"","email":"x","password":"y"}`, 422, roster.ErrorCodeValidationFailed, []string{"/email invalid_format", "/name too_short", "/password too_short"}},
	}, notObjects...) {
		t.Run(c.name, func(t *testing.T) {
			a.send(t, "POST", "/api/users", c.body).wantProblem(t, c.status, c.code, c.rules...)
		})
	}
	if n := a.count(t); n != 0 {
		t.Errorf("%d users came of it", n)
	}
}

// count is how many users there are, without the one who calls.
func (a *api) count(t *testing.T) (n int) {
	t.Helper()
	if err := a.Pool.QueryRow(t.Context(), "SELECT count(*) FROM users WHERE email <> $1", rootEmail).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Nobody gets a user without a password, or a password without a user.
func TestCreateUserIsOneStatement(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.user(t, dbsqlc.User{Email: "taken@example.org"})
	a.send(t, "POST", "/api/users", `{"name":"Ada","email":"taken@example.org","password":"`+password+`"}`).
		wantProblem(t, 409, roster.ErrorCodeEmailTaken)
	var orphans int
	if err := a.Pool.QueryRow(t.Context(), "SELECT count(*) FROM credentials").Scan(&orphans); err != nil || orphans != 1 {
		t.Errorf("%d passwords, %v", orphans, err)
	}
	if n := a.count(t); n != 1 {
		t.Errorf("%d users", n)
	}
}
