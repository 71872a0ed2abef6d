package apitest

import (
	"strings"
	"testing"
	"unicode"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/testkit"
)

// TestLogHoldsNoSecrets plants secrets in all that a log must leave out, and looks
// for them and for what could forge a line.
func TestLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	a.admin(t)
	const secret = "sEcReT-7q"
	var ids []string
	send := func(method, path, body string, header ...string) {
		header = append(header, "Authorization: Bearer "+secret, "Cookie: __Host-roster="+secret, "User-Agent: "+secret, "Referer: http://x/"+secret, "Origin: "+secret)
		ids = append(ids, a.send(t, method, path, body, header...).Header.Get("X-Request-Id"))
	}
	send("POST", "/api/users", `{"name":"`+secret+`","email":"`+secret+`@example.org","password":"`+secret+secret+`"}`)
	send("POST", "/api/users", `{"name":"`+secret+`","email":"`+secret+`@example.org","password":"`+secret+secret+`"}`)
	send("POST", "/api/users", `{"password":"`+secret)
	send("PATCH", "/api/users/"+u.ID.String(), `{"name":"`+secret+`"}`, `If-Match: "`+secret+`"`)
	send("PUT", "/api/users/"+u.ID.String(), `{"password":"`+secret+`"}`)
	send("GET", "/api/users?q="+secret+"&email="+secret+"@example.org", "")
	send("GET", "/api/users?"+secret+"="+secret, "")
	send("GET", "/api/users?cursor="+secret, "")
	send("GET", "/api/users", "", "X-Request-Id: "+secret+" ")
	ids = ids[:len(ids)-1] // that one is a valid id, and so in the log: the next is not
	send("GET", "/api/users", "", "X-Request-Id: "+secret+"!")
	for _, id := range ids {
		a.Log.Await(t, id)
	}
	for _, line := range a.Log.Lines(t) {
		if line["requestId"] == secret {
			continue
		}
		for key, value := range line {
			if text, ok := value.(string); ok && strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("%s is in the log: %v", key, line)
			}
		}
	}
}

func TestLogIsALineARequest(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	one := "/api/users/" + u.ID.String()
	for _, c := range []struct {
		method, path, route string
		status              float64
	}{
		{"GET", "/api/users?limit=1", "/api/users", 200},
		{"HEAD", one, "/api/users/{id}", 200},
		{"DELETE", one + "?x=1", "/api/users/{id}", 422},
		{"GET", "/nothing", "", 404},
		{"TRACE", "/api/users", "", 405},
		// What could start a line of its own, colour a terminal or turn the text around.
		{"GET", "/a%0A%7B%22level%22%3A%22ERROR%22%7D%0D%1b%5B31m%00%7F%C2%85%E2%80%AE", "", 404},
	} {
		got := a.send(t, c.method, c.path, "")
		id := got.Header.Get("X-Request-Id")
		line := a.Log.Await(t, id)
		path, _, _ := strings.Cut(c.path, "?")
		if line["method"] != c.method || line["path"] != path || line["status"] != c.status || line["level"] != "INFO" || line["client"] != "127.0.0.1" {
			t.Errorf("%s %s is logged as %v", c.method, c.path, line)
		}
		if c.route != "" && line["route"] != c.route {
			t.Errorf("%s %s has the route %v, want %s", c.method, c.path, line["route"], c.route)
		}
		n := 0
		for _, other := range a.Log.Lines(t) {
			if other["requestId"] == id {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s %s has %d lines", c.method, c.path, n)
		}
	}
	for _, c := range a.Log.String() {
		if c != '\n' && !unicode.IsPrint(c) {
			t.Fatalf("%U is in the log", c)
		}
	}
}

// TestLogHasTheCause: what an answer does not tell, the log does.
func TestLogHasTheCause(t *testing.T) {
	t.Parallel()
	a := &api{Server: testkit.New(t)} // without the document's check, for which a 500 is a fault
	a = a.as(t, root(t, a.Pool))
	if _, err := a.Pool.Exec(t.Context(), "ALTER TABLE users RENAME COLUMN name TO nom"); err != nil {
		t.Fatal(err)
	}
	got := a.send(t, "GET", "/api/users", "")
	got.wantProblem(t, 500, "internal")
	for _, internal := range append(internals, "nom", "column", "42703") {
		if strings.Contains(strings.ToLower(string(got.Body)), strings.ToLower(internal)) {
			t.Errorf("the answer tells %q: %s", internal, got)
		}
	}
	line := a.Log.Await(t, got.Header.Get("X-Request-Id"))
	cause, _ := line["error"].(string)
	if line["level"] != "ERROR" || !strings.Contains(cause, "42703") {
		t.Errorf("logged %v", line)
	}
}
