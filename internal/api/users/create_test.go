package users_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/api/users"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/email"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/name"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func good() users.UserCreate {
	return users.UserCreate{Name: "Ada", Email: "ada@example.org", Password: "correct horse battery", Role: role.Viewer}
}

// TestATakenEmailIsNotHashedFor has no hasher: whoever asks it panics.
func TestATakenEmailIsNotHashedFor(t *testing.T) {
	t.Parallel()
	pool := testkit.Pool(t)
	testkit.User(t, pool, dbsqlc.User{Email: "ada@example.org"})
	u := users.New(pool, nil, nil, limit.SignIn{})
	_, err := u.Create(t.Context(), good())
	var e *problem.Error
	if !errors.As(err, &e) || e.Code != problem.EmailTaken {
		t.Errorf("got %v, want email_taken", err)
	}

	defer func() {
		if recover() == nil {
			t.Error("a free address is not hashed for: this test shows nothing")
		}
	}()
	free := good()
	free.Email = "grace@example.org"
	_, _ = u.Create(t.Context(), free)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*users.UserCreate)
		pointer string // to what breaks a rule; "": it is good
	}{
		{"good", func(*users.UserCreate) {}, ""},
		{"an address in another form", func(u *users.UserCreate) { u.Email = "ADA@Example.org" }, ""},
		{"no name", func(u *users.UserCreate) { u.Name = "" }, "/name"},
		{"a blank name", func(u *users.UserCreate) { u.Name = " \u3000" }, "/name"},
		{"a long name", func(u *users.UserCreate) { u.Name = name.Name(strings.Repeat("a", 101)) }, "/name"},
		{"a name of two lines", func(u *users.UserCreate) { u.Name = "Ada\nLovelace" }, "/name"},
		{"no address", func(u *users.UserCreate) { u.Email = "" }, "/email"},
		{"no such address", func(u *users.UserCreate) { u.Email = "ada@localhost" }, "/email"},
		{"a short password", func(u *users.UserCreate) { u.Password = "1234567" }, "/password"},
		{"a long password", func(u *users.UserCreate) { u.Password = auth.Password(strings.Repeat("a", 129)) }, "/password"},
		{"a password that no terminal types", func(u *users.UserCreate) { u.Password = "12345678\x00" }, "/password"},
		{"a role that is none", func(u *users.UserCreate) { u.Role = "root" }, "/role"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := good()
			c.change(&in)
			err := in.Check()
			if c.pointer == "" {
				if err != nil || in.Email != email.Address("ada@example.org") {
					t.Errorf("%+v, %v", in, err)
				}
				return
			}
			var e *problem.Error
			if !errors.As(err, &e) || len(e.Errors) != 1 || e.Errors[0].Pointer != c.pointer {
				t.Fatalf("got %v, want a rule of %s", err, c.pointer)
			}
			if strings.Contains(fmt.Sprint(err, e.Errors), string(in.Password)) {
				t.Errorf("it tells the password: %v %v", err, e.Errors)
			}
		})
	}
}
