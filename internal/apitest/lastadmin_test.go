package apitest

import (
	"sync"
	"testing"

	roster "github.com/roster-api/roster/clients/go"
	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

// demotions are all the ways in which a user stops being an enabled admin.
func demotions(a *api, t *testing.T, u dbsqlc.User) map[string]func() error {
	return map[string]func() error{
		"PUT": func() error {
			_, err := a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: u.Name, Email: u.Email, Role: roster.RoleEditor})
			return err
		},
		"PATCH role": func() error {
			_, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleViewer)})
			return err
		},
		"PATCH disabled": func() error {
			_, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Disabled: roster.Ptr(true)})
			return err
		},
		"DELETE": func() error { return a.DeleteUser(t.Context(), u.ID) },
	}
}

func TestTheLastAdminStays(t *testing.T) {
	t.Parallel()
	for name := range demotions(nil, nil, dbsqlc.User{}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			u := a.admin(t)
			a.user(t, dbsqlc.User{Role: role.Admin, Disabled: true}) // does not count
			a.user(t, dbsqlc.User{Role: role.Editor})
			wantCode(t, demotions(a, t, u)[name](), roster.ErrorCodeLastAdmin)
			read, err := a.GetUser(t.Context(), u.ID)
			if err != nil || read.Role != roster.RoleAdmin || read.Disabled || !read.UpdatedAt.Equal(u.UpdatedAt) {
				t.Errorf("left as %+v, %v", read, err)
			}
			// With another one it may go.
			a.admin(t)
			if err := demotions(a, t, u)[name](); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheLastAdminMayBeWritten(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.admin(t)
	if _, err := a.ReplaceUser(t.Context(), u.ID, roster.UserReplace{Name: "Ada", Email: "ada@example.org", Role: roster.RoleAdmin}); err != nil {
		t.Error(err)
	}
	if _, err := a.UpdateUser(t.Context(), u.ID, roster.UserUpdate{Role: roster.Ptr(roster.RoleAdmin), Disabled: roster.Ptr(false)}); err != nil {
		t.Error(err)
	}
}

// TestADisabledAdminMayGo: it is no enabled one, whether it is the only admin or
// not.
func TestADisabledAdminMayGo(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.user(t, dbsqlc.User{Role: role.Admin, Disabled: true})
	if err := a.DeleteUser(t.Context(), u.ID); err != nil {
		t.Error(err)
	}
}

// Whether the condition holds is looked at before the rule: a stale caller is told
// to read again.
func TestLastAdminAndIfMatch(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	u := a.admin(t)
	wantCode(t, a.DeleteUser(t.Context(), u.ID, roster.IfMatch(`"stale"`)), roster.ErrorCodePreconditionFailed)
	read, err := a.GetUser(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, a.DeleteUser(t.Context(), u.ID, roster.IfUnchanged(read)), roster.ErrorCodeLastAdmin)
}

// Two admins go at once, in every pair of ways: one stays. The long form of this
// race is in the torture tests.
func TestTwoAdminRace(t *testing.T) {
	t.Parallel()
	for first := range demotions(nil, nil, dbsqlc.User{}) {
		for second := range demotions(nil, nil, dbsqlc.User{}) {
			t.Run(first+" and "+second, func(t *testing.T) {
				t.Parallel()
				a := newAPI(t)
				u := a.admin(t)
				for range 5 {
					v := a.admin(t)
					var errs [2]error
					var both sync.WaitGroup
					both.Go(func() { errs[0] = demotions(a, t, u)[first]() })
					both.Go(func() { errs[1] = demotions(a, t, v)[second]() })
					both.Wait()
					if (errs[0] == nil) == (errs[1] == nil) {
						t.Errorf("one of two must stay: %v, %v", errs[0], errs[1])
					}
					for _, err := range errs {
						if err != nil {
							wantCode(t, err, roster.ErrorCodeLastAdmin)
						}
					}
					if errs[0] == nil {
						u = v // the one who stayed meets the next
					}
				}
			})
		}
	}
}
