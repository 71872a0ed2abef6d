package console

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-chi/chi/v5"

	files "github.com/roster-api/roster/clients/console"
)

func pack(text string) *fstest.MapFile {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return &fstest.MapFile{Data: out.Bytes()}
}

// without is a binary that was built without the console, with is one after it.
func without(t *testing.T) fstest.MapFS {
	t.Helper()
	missing, err := fs.ReadFile(files.Files, "page/missing.html")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"page/missing.html": {Data: missing}, "packed/README.md": {Data: []byte("a placeholder")}}
}

func with(t *testing.T) fstest.MapFS {
	t.Helper()
	built := without(t)
	built["packed/index.html.gz"] = pack("<title>the console</title>")
	built["packed/theme.js.gz"] = pack("theme()")
	built["packed/assets/index-Ab12.js.gz"] = pack("console()")
	built["packed/assets/inter-Ab12.woff2.gz"] = pack("a font")
	return built
}

func handler(t *testing.T, from fs.FS) http.Handler {
	t.Helper()
	loaded, err := load(from)
	if err != nil {
		t.Fatal(err)
	}
	r := chi.NewRouter()
	mount(r, loaded)
	return r
}

func ask(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	t.Parallel()
	h := handler(t, with(t))
	for _, path := range []string{"/", "/?next=x", "/sign-in", "/choose-password", "/users", "/users/new", "/users/019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21", "/keys", "/sessions", "/audit", "/settings"} {
		w := ask(h, path)
		if w.Code != 200 || w.Body.String() != "<title>the console</title>" || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		again := ask(h, path, "If-None-Match", w.Header().Get("ETag"))
		if again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s, with its tag: %d", path, again.Code)
		}
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	h := handler(t, with(t))
	for path, want := range map[string]struct{ text, contentType, keep string }{
		"/assets/index-Ab12.js":    {"console()", "text/javascript; charset=utf-8", forever},
		"/assets/inter-Ab12.woff2": {"a font", "font/woff2", forever},
		"/theme.js":                {"theme()", "text/javascript; charset=utf-8", "no-cache"},
	} {
		w := ask(h, path)
		if w.Code != 200 || w.Body.String() != want.text || w.Header().Get("Content-Type") != want.contentType || w.Header().Get("Cache-Control") != want.keep {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	for _, path := range []string{"/assets/", "/assets/index-Cd34.js", "/assets/../theme.js", "/assets/theme.js", "/assets/index-Ab12.js.gz", "/assets/index-Ab12.js/"} {
		w := ask(h, path)
		var e struct{ Code string }
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != 404 || e.Code != "not_found" || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
	for _, path := range []string{"/index.html", "/README.md", "/packed/README.md", "/nothing", "/users/new/more"} {
		if w := ask(h, path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for _, from := range []fs.FS{with(t), without(t)} {
		got := ask(handler(t, from), "/").Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(got, want) {
				t.Errorf("the policy %q lacks %q", got, want)
			}
		}
		for _, bad := range []string{"unsafe", "http", "*", "data:", "blob:"} {
			if strings.Contains(got, bad) {
				t.Errorf("the policy %q has %q", got, bad)
			}
		}
	}
}

func TestWithoutTheConsole(t *testing.T) {
	t.Parallel()
	h := handler(t, without(t))
	if w := ask(h, "/"); w.Code != 200 || !strings.Contains(w.Body.String(), "make build") || !strings.Contains(w.Body.String(), `href="/docs"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(h, "/README.md"); w.Code != 404 {
		t.Errorf("the placeholder: %d", w.Code)
	}
}

// Each path of the console's router can be opened and reloaded, and no other.
func TestPagesAreTheRouters(t *testing.T) {
	t.Parallel()
	router, err := os.ReadFile("../../../clients/console/src/router.ts")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, match := range regexp.MustCompile(`path: '([^']*)'`).FindAllStringSubmatch(string(router), -1) {
		if path := regexp.MustCompile(`:(\w+)`).ReplaceAllString(match[1], "{$1}"); !strings.Contains(path, "*") {
			paths = append(paths, path)
		}
	}
	want := slices.Sorted(slices.Values(pages))
	if slices.Sort(paths); !slices.Equal(paths, want) {
		t.Errorf("the router has %q, the server %q", paths, want)
	}
}
