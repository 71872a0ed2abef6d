package apitest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/testkit"
)

// TestErrors is a request for every code that a request alone can bring about. The
// transport holds each answer to the document.
func TestErrors(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	admin := a.admin(t)
	u := a.user(t, dbsqlc.User{Email: "taken@example.org"})
	good := `{"name":"Ada","email":"taken@example.org","password":"` + password + `"}`
	large := `{"name":"` + strings.Repeat("a", 64<<10) + `"}`
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code                     roster.ErrorCode
		rules                    []string
	}{
		{"body that is no JSON", "POST", "/api/users", `{`, nil, 400, roster.ErrorCodeMalformed, nil},
		{"query that does not parse", "GET", "/api/users?q=%zz", "", nil, 400, roster.ErrorCodeMalformed, nil},
		{"no such user", "GET", "/api/users/" + uuid.NewString(), "", nil, 404, roster.ErrorCodeNotFound, nil},
		{"no such path", "GET", "/api/nothing", "", nil, 404, roster.ErrorCodeNotFound, nil},
		{"no such path at all", "POST", "/nothing", good, nil, 404, roster.ErrorCodeNotFound, nil},
		{"no such method", "DELETE", "/api/users", "", nil, 405, roster.ErrorCodeMethodNotAllowed, nil},
		{"no method at all", "PROPFIND", "/api/users", "", nil, 405, roster.ErrorCodeMethodNotAllowed, nil},
		{"taken", "POST", "/api/users", good, nil, 409, roster.ErrorCodeEmailTaken, nil},
		{"last admin", "DELETE", "/api/users/" + admin.ID.String(), "", nil, 409, roster.ErrorCodeLastAdmin, nil},
		{"stale", "DELETE", "/api/users/" + u.ID.String(), "", []string{`If-Match: "stale"`}, 412, roster.ErrorCodePreconditionFailed, nil},
		{"too large", "POST", "/api/users", large, nil, 413, roster.ErrorCodeTooLarge, nil},
		{"no media type", "POST", "/api/users", good, []string{"Content-Type:"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"text", "POST", "/api/users", good, []string{"Content-Type: text/plain"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"a form", "POST", "/api/users", "name=Ada", []string{"Content-Type: application/x-www-form-urlencoded"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"UTF-16", "POST", "/api/users", good, []string{"Content-Type: application/json; charset=utf-16"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"another JSON", "POST", "/api/users", good, []string{"Content-Type: application/vnd.api+json"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"a patch where none is", "POST", "/api/users", good, []string{"Content-Type: application/merge-patch+json"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"a patch of another kind", "PATCH", "/api/users/" + u.ID.String(), `[]`, []string{"Content-Type: application/json-patch+json"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"a type that does not parse", "POST", "/api/users", good, []string{"Content-Type: application/json; charset"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"two types", "POST", "/api/users", good, []string{"Content-Type: application/json, text/plain"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"compressed", "POST", "/api/users", good, []string{"Content-Encoding: gzip"}, 415, roster.ErrorCodeUnsupportedMediaType, nil},
		{"another host", "GET", "/api/users", "", []string{"Host: evil.example"}, 421, roster.ErrorCodeMisdirected, nil},
		{"a rule", "GET", "/api/users?limit=0", "", nil, 422, roster.ErrorCodeValidationFailed, []string{"/query/limit out_of_range"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := a.send(t, c.method, c.path, c.body, c.header...)
			got.wantProblem(t, c.status, c.code, c.rules...)
			p := decode[roster.Problem](t, got.Body)
			if p.RequestID == "" || p.RequestID != got.Header.Get("X-Request-Id") || int(p.Status) != got.Status || p.Title != http.StatusText(got.Status) || p.Type != "about:blank" || p.Errors == nil {
				t.Errorf("got %s, X-Request-Id %s", got, got.Header.Get("X-Request-Id"))
			}
			if got.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control is %q", got.Header.Get("Cache-Control"))
			}
			if (got.Header.Get("Allow") != "") != (got.Status == 405) {
				t.Errorf("Allow is %q", got.Header.Get("Allow"))
			}
		})
	}
}

func TestGoodMediaTypes(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	for _, media := range []string{
		"application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8", `application/json; charset="utf-8"`,
		"application/merge-patch+json", "application/merge-patch+json; charset=utf-8",
	} {
		a.send(t, "PATCH", "/api/users/"+u.ID.String(), `{"name":"Ada"}`, "Content-Type: "+media, "Content-Encoding: identity").user(t)
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for path, allow := range map[string]string{
		"/api/users": "GET, HEAD, POST", "/api/users/" + uuid.NewString(): "GET, HEAD, PUT, PATCH, DELETE", "/health": "GET, HEAD", "/openapi.json": "GET, HEAD",
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LOCK"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				continue
			}
			got := a.send(t, method, path, "")
			got.wantProblem(t, 405, roster.ErrorCodeMethodNotAllowed)
			if got.Header.Get("Allow") != allow {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got.Header.Get("Allow"), allow)
			}
		}
	}
}

// TestBodySize: 64 KiB go through and one octet more does not, whether the length
// is told or not, compressed or not.
func TestBodySize(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	const limit = 64 << 10
	body := func(size int) []byte {
		text := []byte(`{"name":"Ada"}`)
		return append(text, bytes.Repeat([]byte(" "), size-len(text))...)
	}
	for _, c := range []struct {
		size, status int
	}{{limit, 200}, {limit + 1, 413}, {limit + 2, 413}, {1 << 20, 413}} {
		for _, chunked := range []bool{false, true} {
			var content io.Reader = bytes.NewReader(body(c.size))
			if chunked {
				content = io.MultiReader(content) // of which no length is known
			}
			r := must(http.NewRequestWithContext(t.Context(), "PATCH", a.URL+"/api/users/"+u.ID.String(), content))(t)
			r.Header.Set("Content-Type", "application/json")
			got := a.do(t, r)
			if got.Status != c.status {
				t.Errorf("%d octets, chunked %t: %s, want %d", c.size, chunked, got, c.status)
			}
			if c.status == 413 {
				got.wantProblem(t, 413, roster.ErrorCodeTooLarge)
			}
		}
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	z.Write(body(10 << 20))
	z.Close()
	a.send(t, "PATCH", "/api/users/"+u.ID.String(), bomb.String(), "Content-Encoding: gzip").wantProblem(t, 415, roster.ErrorCodeUnsupportedMediaType)
}

// TestLargeBodyWhereNoneIsRead: also what takes no body refuses a large one, and
// the document says so.
func TestLargeBodyWhereNoneIsRead(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{})
	for _, r := range [][2]string{{"DELETE", "/api/users/" + u.ID.String()}, {"GET", "/api/users/" + u.ID.String()}, {"GET", "/api/users"}} {
		a.send(t, r[0], r[1], strings.Repeat(" ", 64<<10+1)).wantProblem(t, 413, roster.ErrorCodeTooLarge)
	}
}

// talk says something on a connection of its own, and returns the first line of
// what comes back.
func talk(t *testing.T, a *api, said string) string {
	t.Helper()
	c := must(net.Dial("tcp", strings.TrimPrefix(a.URL, "http://")))(t)
	defer c.Close()
	if _, err := io.WriteString(c, said); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatalf("after %q: %v", said, err)
	}
	return strings.TrimSpace(line)
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	head := func(size int, more string) string {
		return fmt.Sprintf("POST /api/users HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n%s\r\n", a.token, size, more)
	}
	for _, c := range []struct{ name, said, want string }{
		{"what is read is invited", head(100, ""), "HTTP/1.1 100 Continue"},
		{"what is too large is not", head(99<<20, ""), "HTTP/1.1 413 Request Entity Too Large"},
		{"nor what is no JSON", strings.Replace(head(100, ""), "application/json", "text/plain", 1), "HTTP/1.1 415 Unsupported Media Type"},
		{"nor what has another host", strings.Replace(head(100, ""), "localhost", "evil.example", 1), "HTTP/1.1 421 Misdirected Request"},
		{"nor what is compressed", head(100, "Content-Encoding: gzip\r\n"), "HTTP/1.1 415 Unsupported Media Type"},
	} {
		if got := talk(t, a, c.said); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		public  string
		refused []string
		taken   []string
	}{
		{"", []string{"roster.example.org", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "0.0.0.0"}, nil},
		{"https://roster.example.org", []string{"evil.example", "roster.example.org:8080", "www.roster.example.org"}, []string{"roster.example.org", "roster.example.org:443"}},
	} {
		var options []testkit.Option
		if c.public != "" {
			options = append(options, testkit.PublicURL(c.public))
		}
		a := newAPI(t, options...)
		for _, host := range append(c.taken, "localhost", "localhost:1", "LOCALHOST:65535", "127.0.0.1", "127.0.0.2:99", "[::1]", "[::1]:8080") {
			a.send(t, "GET", "/api/users", "", "Host: "+host).page(t)
		}
		for _, host := range c.refused {
			for _, path := range []string{"/api/users", "/health", "/openapi.json", "/nothing"} {
				a.send(t, "GET", path, "", "Host: "+host, "X-Forwarded-Host: localhost", "Forwarded: host=localhost").
					wantProblem(t, 421, roster.ErrorCodeMisdirected)
			}
		}
		// The target's host counts, not the header's (RFC 9112, section 3.2.2).
		if got := talk(t, a, "GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != "HTTP/1.1 421 Misdirected Request" {
			t.Errorf("with a whole URL: %q", got)
		}
		if got := talk(t, a, "GET /health HTTP/1.0\r\n\r\n"); got != "HTTP/1.0 421 Misdirected Request" {
			t.Errorf("without a host: %q", got)
		}
	}
}
