package idempotency_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"github.com/roster-api/roster/internal/idempotency"
)

// FuzzKey: a key is taken if it stands once and is 1 to 255 visible ASCII characters,
// and then it is the one that was sent; all else is a 422, but for none at all.
func FuzzKey(f *testing.F) {
	router := chi.NewRouter()
	api := humachi.New(router, huma.DefaultConfig("test", "1"))
	var seen string
	huma.Register(api, huma.Operation{OperationID: "test", Method: http.MethodGet, Path: "/"},
		func(_ context.Context, in *struct{ idempotency.Key }) (*struct{}, error) {
			seen = in.Header
			return nil, nil
		})
	f.Add("8e03978e-40d5-43dd-bc93-6894a57f9324", "", uint8(1))
	f.Add("", "", uint8(1))
	f.Add("a", "b", uint8(2))
	f.Add("", "b", uint8(2))
	f.Add("a b", "", uint8(1))
	f.Add("\u00e9\xff", "", uint8(1))
	f.Add("~!", "", uint8(0))
	f.Fuzz(func(t *testing.T, first, second string, lines uint8) {
		sent := []string{first, second}[:lines%3]
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Idempotency-Key"] = sent
		seen = "the handler was not reached"
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)

		may := len(sent) == 1 && len(first) >= 1 && len(first) <= 255
		for _, c := range []byte(first) {
			may = may && c >= '!' && c <= '~'
		}
		want, key := http.StatusUnprocessableEntity, "the handler was not reached"
		switch {
		case len(sent) == 0:
			want, key = http.StatusNoContent, ""
		case may:
			want, key = http.StatusNoContent, first
		}
		if w.Code != want || seen != key {
			t.Errorf("%q: %d with the key %q, want %d with %q", sent, w.Code, seen, want, key)
		}
	})
}
