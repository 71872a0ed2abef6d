package main

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/roster-api/roster/internal/problem"
)

// refusals are PostgreSQL's answers that another try does not change, and what to
// do about them. https://www.postgresql.org/docs/current/errcodes-appendix.html
var refusals = map[string]string{
	"28P01": "PostgreSQL refuses the password; check user and password in DATABASE_URL",
	"28000": "PostgreSQL refuses this user or this way to connect; check user and sslmode in DATABASE_URL, and the server's pg_hba.conf",
	"3D000": "PostgreSQL has no database of the name in DATABASE_URL; make it (createdb), or name another",
	"42501": "the database user may not do this; make it the owner of the database",
	"42P01": "the database has no tables of Roster yet; roster migrate up makes them",
}

// explain puts an error into words for a person.
func explain(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && refusals[pg.Code] != "" {
		return refusals[pg.Code] + " (" + pg.Message + ")"
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		// A line for each address that was tried; the password is in none of them.
		return strings.Join(strings.Fields(connect.Error()), " ")
	}
	p := problem.From(err)
	if p.Code == problem.Internal || p.Code == problem.Unavailable {
		return err.Error()
	}
	if len(p.Errors) == 0 {
		return p.Detail
	}
	var rules []string
	for _, f := range p.Errors {
		rules = append(rules, strings.TrimPrefix(f.Pointer, "/")+" "+f.Message)
	}
	return strings.Join(rules, "; ")
}
