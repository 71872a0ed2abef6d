package users

import (
	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/role"
)

// These rules are about the user that is asked for; what an operation asks of
// every caller stands in the table in package auth.

// mayChange says whether a caller may change anything of a user at all.
func mayChange(caller *auth.Principal, id uuid.UUID) error {
	if !caller.May(auth.UsersWrite) && !self(caller, id) {
		return problem.Missing(string(auth.UsersWrite))
	}
	return nil
}

// mayMake says whether a caller may make of a user what after is: admins are
// changed and made by admins, and so is who is disabled; anyone changes their own
// name; nobody their own role, by a key of theirs neither.
func mayMake(caller *auth.Principal, before, after dbsqlc.User) error {
	self := self(caller, before.ID)
	onlyName := after.Email == before.Email && after.Role == before.Role && after.Disabled == before.Disabled
	switch {
	case caller.Own(before.ID) && after.Role != before.Role:
		return problem.New(problem.Forbidden, "Nobody changes their own role.")
	case self && onlyName:
		return nil
	case !caller.May(auth.UsersWrite):
		return problem.Missing(string(auth.UsersWrite))
	case (before.Role == role.Admin && !self || after.Role == role.Admin && before.Role != role.Admin || after.Disabled != before.Disabled) &&
		!caller.May(auth.UsersAdmin):
		return problem.Missing(string(auth.UsersAdmin))
	}
	return nil
}

// mayRemove says whether a caller may delete a user.
func mayRemove(caller *auth.Principal, user dbsqlc.User) error {
	if user.Role == role.Admin && !caller.May(auth.UsersAdmin) {
		return problem.Missing(string(auth.UsersAdmin))
	}
	return nil
}

// mayReset says whether a caller may let a user choose a new password: who can,
// can become that user.
func mayReset(caller *auth.Principal, user dbsqlc.User) error {
	if user.Role == role.Admin && !caller.May(auth.UsersAdmin) {
		return problem.Missing(string(auth.UsersAdmin))
	}
	return nil
}

// mayCreate says whether a caller may make a user of a role.
func mayCreate(caller *auth.Principal, r role.Role) error {
	if r == role.Admin && !caller.May(auth.UsersAdmin) {
		return problem.Missing(string(auth.UsersAdmin))
	}
	return nil
}

// self reports whether a user calls with a session of their own.
func self(caller *auth.Principal, id uuid.UUID) bool {
	return caller.Own(id) && caller.Kind == auth.SessionKind
}
