// Package docs is the page that shows the document: Swagger UI, from the binary.
package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/problem"
)

// The page is ours; the assets are Swagger UI, put there by pack.
//
//go:embed page assets
var embedded embed.FS

// policy lets the page have what this server has, and nothing else: no script or
// style inside the page, no other origin. Swagger UI's style sheet has its icons
// as data.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
	"connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler serves the page under /docs.
func Handler() http.Handler {
	return handler(embedded)
}

func handler(from fs.FS) http.Handler {
	files, err := load(from)
	if err != nil {
		panic(err) // the files are in the binary: any test that makes a server sees it
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			problem.New(problem.MethodNotAllowed, "").Write(w, r)
			return
		}
		name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/docs"), "/")
		f, ok := files[name]
		if !ok {
			problem.New(problem.NotFound, "").Write(w, r)
			return
		}
		f.serve(w, r)
	})
}

// types are written down here because the system's own table may differ.
var types = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
}

// file is one file of the page, as it is sent to a client that takes gzip.
type file struct {
	contentType string
	packed      []byte
	tag         string // of the content, without quotes
}

// load reads all files, by their names under /docs/. The page itself has the
// empty name.
func load(from fs.FS) (map[string]file, error) {
	page, err := fs.Glob(from, "page/*")
	if err != nil {
		return nil, err
	}
	assets, err := fs.Glob(from, "assets/*.gz")
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	for _, name := range append(page, assets...) {
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		name, packed := strings.CutSuffix(path.Base(name), ".gz")
		if !packed {
			b = pack(b)
		}
		sum := sha256.Sum256(b)
		files[name] = file{
			contentType: types[path.Ext(name)],
			packed:      b,
			tag:         base64.RawURLEncoding.EncodeToString(sum[:12]),
		}
	}
	files[""] = files["index.html"]
	if len(assets) == 0 {
		files[""] = files["missing.html"]
	}
	delete(files, "index.html")
	delete(files, "missing.html")
	return files, nil
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-cache") // the same for everyone, until the binary is another
	if !slices.Contains(h.Values("Vary"), "Accept-Encoding") {
		h.Add("Vary", "Accept-Encoding")
	}
	packed, suffix := takesGzip(r.Header), ""
	if packed {
		suffix = etag.Suffix
	}
	h.Set("ETag", `"`+f.tag+suffix+`"`)
	if etag.Matches(strings.Join(r.Header.Values("If-None-Match"), ","), `"`+f.tag+`"`) {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	h.Set("Content-Type", f.contentType)
	if packed {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(f.packed)))
		_, _ = w.Write(f.packed)
		return
	}
	plain, err := gzip.NewReader(bytes.NewReader(f.packed))
	if err != nil {
		panic(err) // pack has made it
	}
	_, _ = io.Copy(w, plain)
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3).
func takesGzip(h http.Header) bool {
	takes := false
	for _, coding := range strings.Split(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		weight = strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			return err != nil || q > 0
		case "*":
			takes = err != nil || q > 0
		}
	}
	return takes
}
