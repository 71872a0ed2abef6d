package apitest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/roster-api/roster/db/dbsqlc"
)

// internals are what an answer never tells.
var internals = []string{"SQLSTATE", "pgx", "pgconn", "pgproto", "goroutine", ".go:", "/internal/", "runtime", "panic", "huma", "json:", "unmarshal", "postgres", "127.0.0.1", ".s.PGSQL", "users_email_key", "constraint"}

// TestNothingComesBack plants a marker in every part of a request that can hold
// one. No refusal repeats it.
func TestNothingComesBack(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t)
	u := a.user(t, dbsqlc.User{})
	const m = "MaRkEr7q"
	one := "/api/users/" + u.ID.String()

	bodies := []string{
		m, `"` + m + `"`, `{"` + m + `":1}`, `{"name":"` + m + `"}`, `{"name":"` + m, `{"name":{"` + m + `":"` + m + `"}}`, `{"name":["` + m + `"]}`,
		`{"name":"a","email":"` + m + `","password":"` + password + `"}`, `{"name":"a","email":"` + m + `@x","role":"viewer"}`, `{"name":"a","email":"a@x.io","password":"` + m + `"`,
		`{"name":"a","email":"a@x.io","password":"` + m[:7] + `"}`, `{"name":"a","email":"a@x.io","password":"` + password + `","role":"` + m + `"}`,
		`{"name":"a","email":"a@x.io","role":"viewer","` + m + `":"` + m + `"}`, `{"name":"` + strings.Repeat(m, 20) + `"}`, `{"role":"` + m + `"}`, `{"disabled":"` + m + `"}`,
		`{"name":"` + m + `\u0000"}`, "{\"name\":\"" + m + "\xff\"}", `{"name":"a","name":"` + m + `"}`, `{"Name":"` + m + `"}`, `{"name":null,"` + m + `.name":null}`, `[{"` + m + `":null}]`,
		`{"a.` + m + `[0]":1,"` + m + `/~":2}`, `{"name":"a"} ` + m, `{"email":"` + m + `@example.org","password":1}`,
	}
	var requests []*http.Request
	add := func(method, path, body string, header ...string) {
		r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		requests = append(requests, r)
	}
	for _, body := range bodies {
		add("POST", "/api/users", body)
		add("PUT", one, body)
		add("PATCH", one, body)
	}
	for _, query := range []string{
		m, m + "=1", "page=" + m, "limit=" + m, "sort=" + m, "role=" + m, "email=" + m, "q=" + m + "%00", "cursor=" + m, "cursor=" + m + "%ff", "%zz" + m, "q=" + m + "&q=" + m, "limit=1&" + m + "=" + m,
		"page=2&cursor=" + m, "q=" + strings.Repeat(m, 20), "email=" + m + "@x",
	} {
		add("GET", "/api/users?"+query, "")
		add("DELETE", one+"?"+query, "")
		add("POST", "/api/users?"+query, `{"name":"a"}`)
	}
	for _, path := range []string{"/" + m, "/api/" + m, "/api/users/" + m, one + "/" + m, "/api/users/" + m + "%00", "/api/users/%ff" + m, "/openapi.yaml/" + m, "/docs/" + m} {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "POST", m} {
			add(method, path, `{"name":"a"}`)
		}
	}
	for _, header := range []string{
		"If-Match", "Content-Type", "Content-Encoding", "X-Request-Id", "Accept", "Accept-Language", "User-Agent", "Origin", "Referer", "Cookie", "Authorization", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "X-Http-Method-Override", "Prefer", "Range", "Idempotency-Key", "Traceparent",
	} {
		value := m + " !" // no valid id of a request
		add("PATCH", one, `{"name":1}`, header, value)
		add("GET", "/api/users/nobody", "", header, value)
		add("GET", "/nothing", "", header, value)
	}
	add("GET", one, "", "If-None-Match", m)
	add("GET", "/api/users", "", "Host", m)
	requests[len(requests)-1].Host = m + ".example"

	refused := 0
	for _, r := range requests {
		if r.Method == m || r.Method == http.MethodGet {
			r.Body, r.ContentLength = nil, 0
		}
		got := a.do(t, r)
		if got.Status < 400 {
			continue
		}
		refused++
		answer := string(got.Body)
		for name, values := range got.Header {
			answer += "\n" + name + ": " + strings.Join(values, ", ")
		}
		answer = strings.ReplaceAll(answer, got.Header.Get("X-Request-Id"), "") // random letters may spell any word
		if strings.Contains(strings.ToLower(answer), strings.ToLower(m[:7])) {
			t.Errorf("%s %s repeats what was sent: %s", r.Method, r.URL.RequestURI(), answer)
		}
		for _, internal := range internals {
			if strings.Contains(strings.ToLower(answer), strings.ToLower(internal)) {
				t.Errorf("%s %s tells %q: %s", r.Method, r.URL.RequestURI(), internal, answer)
			}
		}
	}
	t.Logf("%d of %d requests were refused", refused, len(requests))
	if refused < len(requests)*8/10 {
		t.Error("most requests are meant to be refused")
	}
}
