package server

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/api"
	"github.com/roster-api/roster/internal/etag"
)

// serveDocument serves the forms of the OpenAPI document, made once.
func serveDocument(r chi.Router, described huma.API) error {
	yaml, json31, yaml30, err := api.Document(described)
	if err != nil {
		return err
	}
	r.Get("/openapi.yaml", file("application/yaml", yaml))
	r.Get("/openapi.json", file("application/json", json31))
	r.Get("/openapi-3.0.yaml", file("application/yaml", yaml30))
	return nil
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
