package apitest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
)

// requestsEnv sets how many requests TestGeneratedRequests makes; the torture tests
// make two hundred thousand.
const requestsEnv = "ROSTER_TEST_REQUESTS"

// TestGeneratedRequests makes requests up, good and bad ones, from a fixed seed.
// The transport looks at each answer: none is a 500, all are in the document, and
// what is accepted is what the document lets in.
func TestGeneratedRequests(t *testing.T) {
	t.Parallel()
	count := 3000
	if text := os.Getenv(requestsEnv); text != "" {
		count = must(strconv.Atoi(text))(t)
	}
	a := newAPI(t)
	a.admin(t)
	g := &generator{Rand: rand.New(rand.NewPCG(20260314, 92653))}
	for range 5 {
		g.ids = append(g.ids, a.user(t, dbsqlc.User{}).ID.String())
	}
	seen := map[int]int{}
	for n := range count {
		r := g.request(t, a)
		said := fmt.Sprintf("%s %s %v %q", r.Method, r.URL.RequestURI(), r.Header, g.body)
		got := a.do(t, r)
		seen[got.Status]++
		if got.Status >= 500 {
			t.Errorf("request %d: %s: %s", n, said, got)
		}
		if got.Status == http.StatusNoContent {
			for i, id := range g.ids {
				if strings.Contains(r.URL.Path, id) {
					g.ids[i] = a.user(t, dbsqlc.User{}).ID.String()
				}
			}
		}
		if t.Failed() {
			t.Fatalf("request %d was %s", n, said)
		}
	}
	t.Logf("answers by status: %v", seen)
	for _, status := range []int{200, 201, 204, 400, 404, 409, 412, 415, 422} {
		if seen[status] == 0 {
			t.Errorf("no answer is a %d: the requests are not mixed enough", status)
		}
	}
}

type generator struct {
	*rand.Rand
	ids  []string
	made int
	body string
}

func pick[T any](g *generator, all ...T) T { return all[g.IntN(len(all))] }

func (g *generator) rarely() bool { return g.IntN(12) == 0 }

func (g *generator) seldom() bool { return g.IntN(144) == 0 }

func (g *generator) request(t *testing.T, a *api) *http.Request {
	t.Helper()
	method := pick(g, "GET", "GET", "GET", "HEAD", "PUT", "PATCH", "PATCH", "POST", "DELETE")
	path := "/api/users"
	if method != "POST" && (method != "GET" || g.IntN(2) == 0) {
		path += "/" + pick(g, append(g.ids, g.ids...)...)
	}
	if g.rarely() {
		path = pick(g, path+"/", path+"x", "/api/users/"+uuid.NewString(), "/api/users/%00", "/api/users/%ff", path+"%2f", "/api//users", strings.ToUpper(path))
	}
	if query := g.query(path); query != "" {
		path += "?" + query
	}
	g.body = ""
	if method == "PUT" || method == "PATCH" || method == "POST" || g.rarely() {
		g.body = g.object(method)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, strings.NewReader(g.body))
	if err != nil {
		t.Fatal(err)
	}
	if method == "GET" || method == "HEAD" {
		r.Body, r.ContentLength = nil, 0
	}
	if !g.rarely() {
		r.Header.Set("Content-Type", "application/json")
	} else if g.rarely() {
		r.Header.Set("Content-Type", pick(g, "text/plain", "application/merge-patch+json", "application/json; charset=latin1", "", "\u00e9"))
	}
	for _, name := range []string{"If-Match", "If-None-Match", "Accept", "Accept-Encoding", "X-Request-Id", "Content-Encoding"} {
		if g.rarely() {
			r.Header.Set(name, pick(g, "*", `"x"`, `W/"x"`, "gzip", `"1y2p0ij32e8e7"`, `"-1y2p0ij32e8e7"`, "\u00e9", strings.Repeat(`"a",`, 100), "identity", "", `"hgn9nkcdup"`))
		}
	}
	return r
}

func (g *generator) query(path string) string {
	var parts []string
	if strings.HasPrefix(path, "/api/users/") && !g.rarely() {
		return ""
	}
	for _, name := range []string{"page", "limit", "sort", "role", "email", "q", "cursor", "x"} {
		if g.IntN(5) > 0 || name == "x" && g.IntN(5) > 0 {
			continue
		}
		good := map[string][]string{
			"page": {"1", "2", "3"}, "limit": {"1", "20", "100"}, "sort": {"name", "-name", "email", "-createdAt"}, "role": {"admin", "viewer"},
			"email": {"a@x.io", "A%40X.io"}, "q": {"user", "%25%25%25", "%C3%A9%C3%A9%C3%A9", "'''"}, "cursor": {"AQEyAAAB"}, "x": {"1"},
		}[name]
		value := pick(g, good...)
		if g.rarely() {
			value = pick(g, "", "0", "-1", "101", "1.5", "1e9", "99999999999999999999", "NaN", "null", "%00", "%ff", "%zz", "%0a", "a%20b", strings.Repeat("a", 2000), "%F0%9F%91%A9", "Name")
		}
		parts = append(parts, name+"="+value)
		if g.rarely() {
			parts = append(parts, name+"="+value)
		}
	}
	return strings.Join(parts, "&")
}

func (g *generator) object(method string) string {
	if g.rarely() {
		return pick(g, "", "null", "[]", "{}", `""`, "1", "{", "}", `{"a"}`, "\ufeff{}", "{}{}", "\xff", strings.Repeat("[", 20_000), `{"name":"a"}`+strings.Repeat(" ", 70_000))
	}
	g.made++
	fields := map[string][]string{
		"name":     {`"Ada"`, `"\u00c9lodie"`, `"👩"`, `" a "`},
		"email":    {fmt.Sprintf(`"made-%d@example.org"`, g.made), fmt.Sprintf(`"MADE-%d@Example.org"`, g.IntN(g.made)), `"a@b.co"`},
		"role":     {`"viewer"`, `"editor"`, `"viewer"`},
		"password": {`"` + password + `"`},
		"disabled": {"true", "false"},
		"id":       {`"` + uuid.Nil.String() + `"`},
		"Name":     {`"Ada"`},
		"":         {"1"},
	}
	wanted := map[string]string{"POST": "name email password role", "PUT": "name email role", "PATCH": "name email role disabled"}[method]
	var parts []string
	for _, name := range []string{"name", "email", "role", "password", "disabled", "id", "Name", ""} {
		want := name != "" && strings.Contains(wanted, name)
		if method == "PATCH" && want {
			want = g.IntN(2) == 0
		}
		if method == "POST" && name == "password" && g.IntN(8) > 0 {
			want = false // a hash is dear
		}
		if g.rarely() && g.IntN(2) == 0 {
			want = !want
		}
		if !want {
			continue
		}
		value := pick(g, fields[name]...)
		if g.rarely() {
			value = pick(g, "null", "1", "-1", "1e999", "true", `""`, "[]", "{}", `"\u0000"`, `"\ud800"`, `"\ud83d\udc69"`, `"`+strings.Repeat("a", 300)+`"`, `{"a":null}`, `[null]`, `"a@localhost"`, "\"\xff\"", `"\n"`, `"   "`)
		}
		parts = append(parts, strconv.Quote(name)+":"+value)
		if g.seldom() {
			parts = append(parts, strconv.Quote(name)+":"+value)
		}
	}
	body := "{" + strings.Join(parts, ",") + "}"
	if g.seldom() {
		b := []byte(body)
		b[g.IntN(len(b))] = byte(g.Uint32())
		body = string(b)
	}
	return body
}
