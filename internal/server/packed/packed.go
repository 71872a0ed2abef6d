// Package packed serves files that lie compressed in the binary.
package packed

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
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

// types are written down here because the system's own table may differ.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
}

// File is one file, as it is sent to a client that takes gzip.
type File struct {
	contentType string
	packed      []byte
	tag         string // of the content, without quotes
}

// Read reads a file, whose name ends in .gz if it is packed already, and gives the
// name it is served by, without folders.
func Read(from fs.FS, name string) (string, File, error) {
	b, err := fs.ReadFile(from, name)
	if err != nil {
		return "", File{}, err
	}
	name, isPacked := strings.CutSuffix(path.Base(name), ".gz")
	if !isPacked {
		b = pack(b)
	}
	sum := sha256.Sum256(b)
	return name, File{
		contentType: types[path.Ext(name)],
		packed:      b,
		tag:         base64.RawURLEncoding.EncodeToString(sum[:12]),
	}, nil
}

func pack(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// Serve answers GET and HEAD with the file, and others with 405. How long the file
// may be kept, and what it may do, is the caller's to say.
func (f File) Serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		problem.New(problem.MethodNotAllowed, "").Write(w, r)
		return
	}
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
		panic(err) // it was packed when Roster was built
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
