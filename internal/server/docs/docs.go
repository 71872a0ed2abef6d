// Package docs is the page that shows the document: Swagger UI, from the binary.
package docs

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"

	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/server/packed"
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
		name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/docs"), "/")
		f, ok := files[name]
		if !ok {
			problem.New(problem.NotFound, "").Write(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache") // the same for everyone, until the binary is another
		f.Serve(w, r)
	})
}

// load reads all files, by their names under /docs/. The page itself has the
// empty name.
func load(from fs.FS) (map[string]packed.File, error) {
	page, err := fs.Glob(from, "page/*")
	if err != nil {
		return nil, err
	}
	assets, err := fs.Glob(from, "assets/*.gz")
	if err != nil {
		return nil, err
	}
	files := map[string]packed.File{}
	for _, path := range append(page, assets...) {
		name, file, err := packed.Read(from, path)
		if err != nil {
			return nil, err
		}
		files[name] = file
	}
	files[""] = files["index.html"]
	if len(assets) == 0 {
		files[""] = files["missing.html"]
	}
	delete(files, "index.html")
	delete(files, "missing.html")
	return files, nil
}
