package docs

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// without is a binary that was built without pack, with is one after it.
func without(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	pages, err := fs.Glob(embedded, "page/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pages {
		b, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: b}
	}
	return files
}

func with(t *testing.T) fstest.MapFS {
	t.Helper()
	files := without(t)
	for _, name := range []string{"swagger-ui-bundle.js", "swagger-ui.css", "licences.txt"} {
		files["assets/"+name+".gz"] = &fstest.MapFile{Data: pack([]byte("the content of " + name))}
	}
	return files
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func ask(h http.Handler, method, path string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	return string(b)
}

func TestFiles(t *testing.T) {
	t.Parallel()
	h := handler(with(t))
	for path, want := range map[string]struct{ contentType, text string }{
		"/docs":                      {"text/html; charset=utf-8", `<div id="swagger-ui">`},
		"/docs/":                     {"text/html; charset=utf-8", `<div id="swagger-ui">`},
		"/docs/page.js":              {"text/javascript; charset=utf-8", "SwaggerUIBundle({"},
		"/docs/page.css":             {"text/css; charset=utf-8", "body {"},
		"/docs/icon.svg":             {"image/svg+xml", "<svg"},
		"/docs/swagger-ui-bundle.js": {"text/javascript; charset=utf-8", "the content of swagger-ui-bundle.js"},
		"/docs/swagger-ui.css":       {"text/css; charset=utf-8", "the content of swagger-ui.css"},
		"/docs/licences.txt":         {"text/plain; charset=utf-8", "the content of licences.txt"},
	} {
		for _, accept := range []string{"", "gzip", "identity", "gzip;q=0", "br, gzip;q=0.5", "*", "*;q=0"} {
			r := ask(h, http.MethodGet, path, "Accept-Encoding", accept)
			packed := r.Header.Get("Content-Encoding") == "gzip"
			if wantPacked := accept == "gzip" || accept == "br, gzip;q=0.5" || accept == "*"; packed != wantPacked {
				t.Errorf("GET %s with Accept-Encoding %q: packed %v", path, accept, packed)
			}
			if got := r.Header.Get("Content-Type"); r.StatusCode != http.StatusOK || got != want.contentType {
				t.Errorf("GET %s: %d, %s", path, r.StatusCode, got)
			}
			if got := body(t, r); !strings.Contains(got, want.text) {
				t.Errorf("GET %s with Accept-Encoding %q: %.100s", path, accept, got)
			}
			if got := r.Header.Get("Content-Security-Policy"); got != policy || strings.Contains(got, "unsafe") {
				t.Errorf("GET %s: policy %q", path, got)
			}
			if got := r.Header.Values("Vary"); len(got) != 1 || got[0] != "Accept-Encoding" {
				t.Errorf("GET %s: Vary %q", path, got)
			}
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	h := handler(with(t))
	plain := ask(h, http.MethodGet, "/docs/swagger-ui.css").Header.Get("ETag")
	packed := ask(h, http.MethodGet, "/docs/swagger-ui.css", "Accept-Encoding", "gzip").Header.Get("ETag")
	if plain == packed || plain == "" || packed == "" {
		t.Fatalf("two forms, tags %s and %s", plain, packed)
	}
	for tag, want := range map[string]int{
		plain: 304, packed: 304, "W/" + packed: 304, `"other", ` + plain: 304, "*": 304, `"other"`: 200, "": 200,
	} {
		r := ask(h, http.MethodGet, "/docs/swagger-ui.css", "If-None-Match", tag, "Accept-Encoding", "gzip")
		if r.StatusCode != want || r.Header.Get("ETag") != packed {
			t.Errorf("If-None-Match: %s: %d with ETag %s", tag, r.StatusCode, r.Header.Get("ETag"))
		}
		if got := body(t, r); want == 304 && got != "" {
			t.Errorf("a 304 has the body %q", got)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	h := handler(with(t))
	for _, path := range []string{
		"/docs/index.html", "/docs/missing.html", "/docs/README.md", "/docs/page/page.js", "/docs//page.js",
		"/docs/../docs.go", "/docs/swagger-ui.css.gz", "/docs/swagger-ui.css/", "/docs/%2e%2e/docs.go",
	} {
		isProblem(t, ask(h, http.MethodGet, path), http.StatusNotFound, "not_found")
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		r := ask(h, method, "/docs")
		isProblem(t, r, http.StatusMethodNotAllowed, "method_not_allowed")
		if got := r.Header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("%s: Allow %q", method, got)
		}
	}
}

func isProblem(t *testing.T, r *http.Response, status int, code string) {
	t.Helper()
	var e struct {
		Status int
		Code   string
	}
	if err := json.Unmarshal([]byte(body(t, r)), &e); err != nil {
		t.Fatal(err)
	}
	if got := r.Header.Get("Content-Type"); r.StatusCode != status || e.Status != status || e.Code != code || got != "application/problem+json" {
		t.Errorf("%d, %s, %+v, want %d %s", r.StatusCode, got, e, status, code)
	}
}

func TestWithoutSwaggerUI(t *testing.T) {
	t.Parallel()
	h := handler(without(t))
	for _, path := range []string{"/docs", "/docs/"} {
		r := ask(h, http.MethodGet, path)
		if got := body(t, r); r.StatusCode != http.StatusOK || !strings.Contains(got, "make build") || !strings.Contains(got, `href="/openapi.yaml"`) {
			t.Errorf("GET %s: %d, %s", path, r.StatusCode, got)
		}
	}
	isProblem(t, ask(h, http.MethodGet, "/docs/swagger-ui-bundle.js"), http.StatusNotFound, "not_found")
}

// The policy allows nothing inside a page, so the pages must have nothing there.
func TestPagesHaveNothingInline(t *testing.T) {
	t.Parallel()
	for name, file := range without(t) {
		page := strings.ToLower(string(file.Data))
		for _, bad := range []string{"<script>", "<style", " style=", " onload=", " onclick=", "javascript:", "//cdn", "@import"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s has %q", name, bad)
			}
		}
	}
}
