package cache_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/cache"
)

// What a client sees: the headers, and 304 with its tag.
func TestAnswers(t *testing.T) {
	t.Parallel()
	c := cache.New(cache.Options{})
	t.Cleanup(c.Close)
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private, no-cache") // as on all answers
			w.Header().Set("Vary", "Origin")
			next.ServeHTTP(w, r)
		})
	})
	api := humachi.New(r, huma.DefaultConfig("test", "1"))
	computed := 0
	huma.Register(api, huma.Operation{OperationID: "getStats", Method: http.MethodGet, Path: "/stats"},
		cache.Handler(c, cache.Policy[statsInput]{Name: "site-stats", MaxAge: time.Minute, For: cache.Shared},
			func(_ context.Context, in *statsInput) (Stats, error) {
				computed++
				return Stats{Users: in.Days}, nil
			}))
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	ask := func(path, tag string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tag != "" {
			request.Header.Set("If-None-Match", tag)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(body)
	}
	first, body := ask("/stats?days=90", "")
	tag := first.Header.Get("ETag")
	if first.StatusCode != http.StatusOK || body == "" || tag == "" {
		t.Fatalf("%s %s %s", first.Status, tag, body)
	}
	again, same := ask("/stats?days=90", `"other"`)
	if again.StatusCode != http.StatusOK || same != body {
		t.Errorf("%s %s", again.Status, same)
	}
	known, none := ask("/stats?days=90", tag)
	if known.StatusCode != http.StatusNotModified || none != "" {
		t.Errorf("%s %q", known.Status, none)
	}
	for _, r := range []*http.Response{first, again, known} {
		h := r.Header
		if h.Get("ETag") != tag || h.Get("Cache-Control") != "private, max-age=60" || h.Get("Age") != "0" ||
			!slices.Equal(h.Values("Vary"), []string{"Origin", "Authorization, Cookie"}) {
			t.Errorf("%s: %v", r.Status, h)
		}
	}
	if other, _ := ask("/stats", tag); other.StatusCode != http.StatusOK {
		t.Errorf("other days: %s", other.Status)
	}
	if computed != 2 {
		t.Errorf("%d computations", computed)
	}
}
