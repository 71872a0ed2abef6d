package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/bench/hand"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/middleware"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// handlers are the three programs on one database with so many users.
func handlers(tb testing.TB, users int) map[string]http.Handler {
	tb.Helper()
	programs, _ := handlersOn(tb, users)
	return programs
}

// handlersOn also returns the pool that Roster has. It is asked with the session of
// an admin where a request has no other.
func handlersOn(tb testing.TB, users int) (map[string]http.Handler, *pgxpool.Pool) {
	tb.Helper()
	url := testkit.Database(tb)
	pool, err := db.Open(url, db.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	if err := db.SeedUsers(tb.Context(), pool, users, func(int) {}); err != nil {
		tb.Fatal(err)
	}
	if _, err := pool.Exec(tb.Context(), "VACUUM (ANALYZE)"); err != nil {
		tb.Fatal(err)
	}
	admin := testkit.User(tb, pool, dbsqlc.User{Role: role.Admin})
	token := testkit.Session(tb, pool, admin.ID)
	rate := limit.Rate{Quota: 1_000_000, Window: time.Second} // counted, and never reached
	roster, err := server.New(server.Options{
		Pool: pool, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Rates: middleware.Rates{Address: rate, Caller: rate},
	})
	if err != nil {
		tb.Fatal(err)
	}
	our := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Authorization"] == nil {
			r.Header["Authorization"] = []string{"Bearer " + token}
		}
		roster.ServeHTTP(w, r)
	})
	byHand, err := hand.Open(url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(byHand.Close)
	return map[string]http.Handler{ours: our, best: hand.Best(byHand), seedWay: hand.SeedWay(byHand)}, pool
}

// object is an answer, or a part of one.
type object = map[string]any

func ask(t testing.TB, h http.Handler, method, path, body string) (int, object) {
	t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Host = "localhost"
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	if w.Code >= 400 || w.Body.Len() == 0 {
		return w.Code, nil // Roster says more of an error than others do
	}
	var answer object
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code, answer
}

// comparable replaces each cursor by whether there is one: every program has its
// own kind, and the seed's way has none.
func comparable(answer object, cursors bool) object {
	if p, ok := answer["pagination"].(object); ok {
		for _, name := range []string{"next", "prev"} {
			p[name] = cursors && p[name] != nil
		}
	}
	return answer
}

// The programs by hand answer what Roster answers, so that they are measured at
// the same work.
func TestReadsAreTheSame(t *testing.T) {
	t.Parallel()
	programs := handlers(t, 300)
	_, list := ask(t, programs[ours], "GET", "/api/users", "")
	one := list["data"].([]any)[7].(object)["id"].(string)
	for _, path := range []string{
		"/health",
		"/api/users/" + one,
		"/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21",
		"/api/users",
		"/api/users?limit=20",
		"/api/users?page=1&limit=7",
		"/api/users?page=3&limit=7",
		"/api/users?page=15",
		"/api/users?page=12&limit=21",
		"/api/users?page=14&limit=22",
		"/api/users?role=editor&limit=5",
		"/api/users?role=editor&limit=5&page=2&sort=name",
		"/api/users?role=admin",
		"/api/users?sort=createdAt&page=2", "/api/users?sort=-createdAt&page=2",
		"/api/users?sort=name&page=2", "/api/users?sort=-name&page=2",
		"/api/users?sort=email&page=2", "/api/users?sort=-email&page=2",
		"/api/users?limit=0", "/api/users?page=x", "/api/users?sort=age",
	} {
		status, want := ask(t, programs[ours], "GET", path, "")
		for name, program := range programs {
			got, answer := ask(t, program, "GET", path, "")
			cursors := name != seedWay
			want := comparable(clone(t, want), cursors)
			if got != status || !reflect.DeepEqual(comparable(answer, cursors), want) {
				t.Errorf("%s %s: %d %v\nroster: %d %v", name, path, got, answer, status, want)
			}
		}
	}
}

// Both kinds of cursors lead over the same pages, there and back.
func TestWalksAreTheSame(t *testing.T) {
	t.Parallel()
	programs := handlers(t, 60)
	for _, list := range []string{"sort=-createdAt", "sort=createdAt", "sort=name", "sort=-name", "sort=email", "sort=-email", "sort=name&role=viewer"} {
		list = "/api/users?limit=9&" + list
		paths := map[string]string{ours: list, best: list}
		for step := range 10 {
			_, want := ask(t, programs[ours], "GET", paths[ours], "")
			_, got := ask(t, programs[best], "GET", paths[best], "")
			way := "next"
			if step >= 5 {
				way = "prev"
			}
			for name, answer := range map[string]object{ours: want, best: got} {
				cursor, ok := answer["pagination"].(object)[way].(string)
				if !ok {
					cursor = "none"
				}
				paths[name] = list + "&cursor=" + cursor
			}
			if !reflect.DeepEqual(comparable(got, true), comparable(want, true)) {
				t.Fatalf("%s, step %d: best %v\nroster %v", list, step, got, want)
			}
		}
	}
}

func TestWritesAreTheSame(t *testing.T) {
	t.Parallel()
	programs := handlers(t, 20)
	transcript := func(name string) (said []string) {
		mine := name + "@example.org"
		var id string
		note := func(method, path, body string) {
			status, answer := ask(t, programs[name], method, strings.ReplaceAll(path, "{id}", id), strings.ReplaceAll(body, "MINE", mine))
			if id == "" {
				id, _ = answer["id"].(string)
			}
			if answer != nil {
				answer["id"], answer["email"] = answer["id"] == id, answer["email"] == mine
				answer["createdAt"], answer["updatedAt"] = nil, nil
			}
			said = append(said, fmt.Sprintf("%s %s %s: %d %v", method, path, body, status, answer))
		}
		note("POST", "/api/users", `{"name":"Ada","email":"MINE","password":"correct horse battery"}`)
		note("POST", "/api/users", `{"name":"Bob","email":"MINE","password":"correct horse battery","role":"editor"}`)
		note("GET", "/api/users/{id}", "")
		note("PATCH", "/api/users/{id}", `{"name":"Ada L."}`)
		note("PATCH", "/api/users/{id}", `{"disabled":true,"role":"editor"}`)
		note("PUT", "/api/users/{id}", `{"name":"Ada","email":"MINE","role":"viewer"}`)
		note("PUT", "/api/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21", `{"name":"Ada","email":"new@example.org","role":"viewer"}`)
		note("POST", "/api/users", `{`)
		note("DELETE", "/api/users/{id}", "")
		note("DELETE", "/api/users/{id}", "")
		return said
	}
	want := transcript(ours)
	for _, name := range []string{best, seedWay} {
		for i, got := range transcript(name) {
			if got != want[i] {
				t.Errorf("%s: %s\nroster: %s", name, got, want[i])
			}
		}
	}
}

func clone(t *testing.T, answer object) object {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var copied object
	if err := json.Unmarshal(text, &copied); err != nil {
		t.Fatal(err)
	}
	return copied
}
