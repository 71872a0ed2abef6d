package apitest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

func TestGetUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	u := a.user(t, dbsqlc.User{Name: "Ada", Email: "ada@example.org", Role: role.Editor, Disabled: true, CreatedAt: at, UpdatedAt: at.Add(time.Microsecond)})
	got := a.send(t, "GET", "/api/users/"+u.ID.String(), "")
	want := `{"id":"` + u.ID.String() + `","name":"Ada","email":"ada@example.org","role":"editor","disabled":true,` +
		`"createdAt":"2026-01-02T03:04:05Z","updatedAt":"2026-01-02T03:04:05.000001Z"}`
	if got.Status != 200 || strings.TrimSpace(string(got.Body)) != want {
		t.Errorf("got  %s\nwant 200 %s", got, want)
	}
	// An id has one form, and capitals are the same one (RFC 9562, section 4).
	if upper := a.send(t, "GET", "/api/users/"+strings.ToUpper(u.ID.String()), ""); string(upper.Body) != string(got.Body) {
		t.Errorf("with the id in capitals: %s", upper)
	}
}

// TestIDs: an id that is none is 422, one that nobody has 404, on every operation.
func TestIDs(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t)
	bodies := map[string]string{
		"GET": "", "DELETE": "", "PATCH": `{"name":"Ada"}`, "PUT": `{"name":"Ada","email":"ada@example.org","role":"viewer"}`,
	}
	u := uuid.NewString()
	for method, body := range bodies {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			for _, nobody := range []string{u, uuid.Nil.String(), uuid.Max.String()} {
				a.send(t, method, "/api/users/"+nobody, body).wantProblem(t, 404, roster.ErrorCodeNotFound)
			}
			for _, wrong := range []string{
				"1", "null", "%00", "%0a", "%ff", strings.ReplaceAll(u, "-", ""), "{" + u + "}", "urn:uuid:" + u, u + "0", u[:35],
				strings.Repeat("z", 36), "%20" + u[1:], strings.Repeat("a", 5000), "..", "%2e%2e", "*",
			} {
				got := a.send(t, method, "/api/users/"+wrong, body)
				if got.Status == 404 || got.Status == 405 { // what is cleaned away names another path
					continue
				}
				got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/path/id invalid_format")
			}
			a.send(t, method, "/api/users/"+u+"/", body).wantProblem(t, 404, roster.ErrorCodeNotFound)
			a.send(t, method, "/api/users/"+u+"/x", body).wantProblem(t, 404, roster.ErrorCodeNotFound)
			a.send(t, method, "/api/users/"+u+"?x=1", body).
				wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/query unknown_parameter")
		})
	}
}

func TestReplaceUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Disabled: true})
	got, err := a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: "Ada", Email: "ADA@example.org", Role: roster.RoleEditor})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Ada" || got.Email != "ada@example.org" || got.Role != roster.RoleEditor || !got.Disabled || !got.CreatedAt.Equal(u.CreatedAt) || !got.UpdatedAt.After(u.UpdatedAt) {
		t.Errorf("%+v became %+v", u, got)
	}
	read, err := a.GetUser(t.Context(), u.ID)
	if err != nil || *read != *got {
		t.Errorf("read as %+v, %v", read, err)
	}
	// Its own address, in any form, is not taken.
	if _, err := a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: "Ada", Email: "Ada@Example.org", Role: roster.RoleEditor}); err != nil {
		t.Error(err)
	}
	other := a.user(t, dbsqlc.User{Email: "other@example.org"})
	_, err = a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: "Ada", Email: "OTHER@example.org", Role: roster.RoleEditor})
	wantCode(t, err, roster.ErrorCodeEmailTaken)
	_, err = a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Email: roster.Ptr("Other@Example.Org")})
	wantCode(t, err, roster.ErrorCodeEmailTaken)
	if again, err := a.GetUser(t.Context(), other.ID); err != nil || !again.UpdatedAt.Equal(other.UpdatedAt) {
		t.Errorf("the other was written: %+v, %v", again, err)
	}
}

func TestReplaceUserRules(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, c := range append(nameRules, roleRules...) {
		t.Run(c.field+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			u := a.user(t, dbsqlc.User{})
			body := map[string]string{"name": `"Ada"`, "email": quoted(u.Email), "role": `"viewer"`}
			body[c.field] = c.value
			got := a.send(t, "PUT", "/api/users/"+u.ID.String(), object(body))
			if c.rule == "" {
				got.user(t)
				return
			}
			got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/"+c.field+" "+c.rule)
		})
	}
	u := a.user(t, dbsqlc.User{})
	for _, c := range append([]bodyCase{
		{"nothing", `{}`, 422, roster.ErrorCodeValidationFailed, []string{"/email required", "/name required", "/role required"}},
		{"without a name", `{"email":"ada@example.org","role":"viewer"}`, 422, roster.ErrorCodeValidationFailed, []string{"/name required"}},
		{"without an email", `{"name":"Ada","role":"viewer"}`, 422, roster.ErrorCodeValidationFailed, []string{"/email required"}},
		{"without a role", `{"name":"Ada","email":"ada@example.org"}`, 422, roster.ErrorCodeValidationFailed, []string{"/role required"}},
		{"a user as it was read", ada, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"a password", `{"name":"Ada","email":"ada@example.org","role":"viewer","password":"` + password + `"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
	}, notObjects...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a.send(t, "PUT", "/api/users/"+u.ID.String(), c.body).wantProblem(t, c.status, c.code, c.rules...)
		})
	}
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t)
	for _, c := range []struct {
		name, body string
		change     func(*dbsqlc.User)
	}{
		{"the name", `{"name":"Grace"}`, func(u *dbsqlc.User) { u.Name = "Grace" }},
		{"the email", `{"email":"GRACE@example.org"}`, func(u *dbsqlc.User) { u.Email = "grace@example.org" }},
		{"the role", `{"role":"admin"}`, func(u *dbsqlc.User) { u.Role = role.Admin }},
		{"disabled", `{"disabled":true}`, func(u *dbsqlc.User) { u.Disabled = true }},
		{"nothing", `{}`, func(*dbsqlc.User) {}},
		{"all", `{"name":"Hedy","email":"hedy@example.org","role":"editor","disabled":true}`, func(u *dbsqlc.User) {
			u.Name, u.Email, u.Role, u.Disabled = "Hedy", "hedy@example.org", role.Editor, true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := a.user(t, dbsqlc.User{})
			for _, media := range []string{"application/json", "application/merge-patch+json"} {
				want := u
				c.change(&want)
				before := a.send(t, "GET", "/api/users/"+u.ID.String(), "")
				after := a.send(t, "PATCH", "/api/users/"+u.ID.String(), c.body, "Content-Type: "+media)
				got := after.user(t)
				if got.Name != want.Name || got.Email != want.Email || string(got.Role) != string(want.Role) || got.Disabled != want.Disabled || !got.CreatedAt.Equal(want.CreatedAt) {
					t.Errorf("%s gave %+v, want %+v", c.body, got, want)
				}
				if !got.UpdatedAt.After(before.user(t).UpdatedAt) || after.Header.Get("ETag") == before.Header.Get("ETag") {
					t.Errorf("a write left the version as it was: %v", got.UpdatedAt)
				}
			}
		})
	}
}

func TestUpdateUserEnables(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Disabled: true})
	got, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: roster.Ptr(false)})
	if err != nil || got.Disabled {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestUpdateUserRules(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.admin(t)
	others := []field{
		{"null", "email", `null`, "null"},
		{"a number", "email", `7`, "invalid_type"},
		{"empty", "email", `""`, "invalid_format"},
		{"null", "disabled", `null`, "null"},
		{"a text", "disabled", `"true"`, "invalid_type"},
		{"a number", "disabled", `1`, "invalid_type"},
		{"a list", "disabled", `[true]`, "invalid_type"},
	}
	for _, c := range append(append(others, nameRules...), roleRules...) {
		t.Run(c.field+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			u := a.user(t, dbsqlc.User{})
			got := a.send(t, "PATCH", "/api/users/"+u.ID.String(), object(map[string]string{c.field: c.value}))
			if c.rule == "" {
				got.user(t)
				return
			}
			got.wantProblem(t, 422, roster.ErrorCodeValidationFailed, "/"+c.field+" "+c.rule)
			if read, err := a.GetUser(t.Context(), u.ID); err != nil || !read.UpdatedAt.Equal(u.UpdatedAt) {
				t.Errorf("it was written all the same: %+v, %v", read, err)
			}
		})
	}
	u := a.user(t, dbsqlc.User{})
	for _, c := range append([]bodyCase{
		{"all null", `{"name":null,"email":null,"role":null,"disabled":null}`, 422, roster.ErrorCodeValidationFailed, []string{"/disabled null", "/email null", "/name null", "/role null"}},
		{"an unknown field", `{"name":"Ada","nick":"ada"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"its id", `{"id":"` + uuid.NewString() + `"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"its times", `{"createdAt":"2026-03-14T09:26:53Z","updatedAt":"2026-03-14T09:26:53Z"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
		{"a password", `{"password":"` + password + `"}`, 422, roster.ErrorCodeValidationFailed, []string{" unknown_field"}},
	}, notObjects...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a.send(t, "PATCH", "/api/users/"+u.ID.String(), c.body).wantProblem(t, c.status, c.code, c.rules...)
		})
	}
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	made, err := a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: "ada@example.org", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	got := a.send(t, "DELETE", "/api/users/"+made.ID.String(), "")
	if got.Status != http.StatusNoContent || len(got.Body) > 0 || got.Header.Get("ETag") != "" {
		t.Fatalf("got %s, %v", got, got.Header)
	}
	_, err = a.GetUser(t.Context(), made.ID)
	wantCode(t, err, roster.ErrorCodeNotFound)
	wantCode(t, a.DeleteUser(t.Context(), made.ID), roster.ErrorCodeNotFound)
	var left int
	if err := a.Pool.QueryRow(t.Context(), "SELECT count(*) FROM credentials").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d passwords are left, %v", left, err)
	}
	// Its address is free again.
	if _, err := a.CreateUser(t.Context(), roster.UserCreate{Name: "Ada", Email: "ada@example.org", Password: password}); err != nil {
		t.Error(err)
	}
}
