package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// register adds an operation that does nothing, as a resource adds its own.
func register(api huma.API, id string) {
	huma.Register(api, huma.Operation{
		OperationID: id, Method: http.MethodPost, Path: "/api/" + id, Summary: "Do nothing", Description: "Does nothing.",
		DefaultStatus: http.StatusNoContent, Responses: problem.Responses(),
	}, func(context.Context, *struct{}) (*struct{}, error) { return nil, nil })
}

// An operation that nobody has thought about does not start.
func TestAnOperationNeedsARow(t *testing.T) {
	t.Parallel()
	router := chi.NewMux()
	api := New(router, Needs{})
	said := func() (said string) {
		defer func() { said = fmt.Sprint(recover()) }()
		register(api, "burnUsers")
		return
	}()
	if !strings.Contains(said, "burnUsers") || !strings.Contains(said, "internal/auth/permission.go") {
		t.Errorf("it started, or does not say what to do: %q", said)
	}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/burnUsers", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("it is served all the same: %d", w.Code)
	}
}

// An operation that came past the declaration lets nobody in.
func TestTheGuardNeedsARule(t *testing.T) {
	t.Parallel()
	router := chi.NewMux()
	c := config()
	c.OnAddOperation = nil
	api := humachi.New(router, c)
	api.UseMiddleware(guard(nil))
	register(api, "burnUsers")
	r := httptest.NewRequest(http.MethodPost, "/api/burnUsers", nil)
	admin := auth.SessionOf(uuid.New(), dbsqlc.User{ID: uuid.New(), Role: role.Admin})
	for name, ctx := range map[string]context.Context{"anonymous": r.Context(), "an admin": auth.NewContext(r.Context(), admin)} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r.WithContext(ctx))
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "burnUsers") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
