package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/api"
	"github.com/roster-api/roster/internal/etag"
)

// serveDocument serves the forms of the OpenAPI document. They are made once, at the
// first request for one: that takes longer than all else at a start.
func serveDocument(r chi.Router, described huma.API) {
	forms := sync.OnceValue(func() map[string]http.HandlerFunc {
		yaml, json31, yaml30, err := api.Document(described)
		if err != nil {
			panic(err) // of the program, not of the request
		}
		return map[string]http.HandlerFunc{
			"/openapi.yaml":     file("application/yaml", yaml),
			"/openapi.json":     file("application/json", json31),
			"/openapi-3.0.yaml": file("application/yaml", yaml30),
		}
	})
	for _, path := range []string{"/openapi.yaml", "/openapi.json", "/openapi-3.0.yaml"} {
		r.Get(path, func(w http.ResponseWriter, r *http.Request) { forms()[path](w, r) })
	}
}

// file serves bytes that stay the same for the life of the process.
func file(contentType string, body []byte) http.HandlerFunc {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("ETag", tag)
		if sent := r.Header.Get("If-None-Match"); sent != "" && etag.Matches(sent, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}
