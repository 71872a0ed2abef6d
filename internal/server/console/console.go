// Package console serves the web console: its pages, which are all the one document,
// and the files that this asks for.
package console

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	files "github.com/roster-api/roster/clients/console"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/server/packed"
)

// pages are the paths of the console's router (clients/console/src/router.ts), so
// that each can be opened and reloaded.
var pages = []string{
	"/", "/sign-in", "/choose-password", "/settings",
	"/users", "/users/new", "/users/{id}", "/keys", "/sessions", "/audit",
}

// styles are the hashes of what the console's parts put into the page as <style>,
// which is the same for everybody. tests/browser/console-foundation.test.js collects
// them and says so when they differ.
var styles = []string{
	"'sha256-oS/FmsCwTQrI1iXuG5XYEqoK0R0JuczChhwACgM3hnE='", // Nuxt UI: the colours that vite.config.ts chooses
}

// policy lets the console have what this server has, and nothing else.
var policy = "default-src 'none'; script-src 'self'; style-src " + strings.Join(append([]string{"'self'"}, styles...), " ") +
	"; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// A file of assets/ has the hash of its content in its name: what it holds never changes.
const forever = "public, max-age=31536000, immutable"

// The embedded files are read and hashed once, for all servers of a process.
var embedded = sync.OnceValue(func() map[string]packed.File {
	loaded, err := load(files.Files)
	if err != nil {
		panic(err) // the files are in the binary: any test that makes a server sees it
	}
	return loaded
})

// Mount serves the console's pages and files on r.
func Mount(r chi.Router) {
	mount(r, embedded())
}

func mount(r chi.Router, loaded map[string]packed.File) {
	for _, page := range pages {
		r.Get(page, serve(loaded[""], "no-cache"))
	}
	for name, file := range loaded {
		if name != "" && !strings.HasPrefix(name, "assets/") {
			r.Get("/"+name, serve(file, "no-cache"))
		}
	}
	r.Get("/assets/*", func(w http.ResponseWriter, r *http.Request) {
		file, ok := loaded[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			problem.New(problem.NotFound, "").Write(w, r)
			return
		}
		serve(file, forever)(w, r)
	})
}

func serve(f packed.File, keep string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", keep)
		f.Serve(w, r)
	}
}

// load reads all files, by their paths. The page itself has the empty name.
func load(from fs.FS) (map[string]packed.File, error) {
	_, missing, err := packed.Read(from, "page/missing.html")
	if err != nil {
		return nil, err
	}
	loaded := map[string]packed.File{"": missing}
	err = fs.WalkDir(from, "packed", func(at string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(at, ".gz") {
			return err
		}
		name, file, err := packed.Read(from, at)
		if err != nil {
			return err
		}
		if name = path.Join(strings.TrimPrefix(path.Dir(at), "packed"), name); name == "index.html" {
			name = ""
		}
		loaded[strings.TrimPrefix(name, "/")] = file
		return nil
	})
	return loaded, err
}
