// Package audit keeps the audit log: a row in the same transaction as the change it
// tells of, and a keyed chain over the rows, made a few seconds later, by which one
// sees whether any of them was changed, taken away or put in between.
//
// The chain is an HMAC over each row and the entry before it, with a key that lies
// outside the database. So whoever has the database, but not the key, cannot change
// what is sealed without its being found. They can still: change a row in the
// seconds before it is sealed, add rows (which is what the log is for), stop the
// sealing (Roster says so in its own log), or put back an older state of the whole
// database or begin anew, which only a [Head] kept elsewhere shows.
package audit

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/problem"
)

// Entry is a row of the log as the API and the export show it. It has the columns of
// the table, no more and no less, so that a row becomes one by a conversion.
type Entry struct {
	ID        uuid.UUID       `json:"id" format:"uuid" doc:"The entry's id: a UUID of version 7." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	CreatedAt time.Time       `json:"createdAt" doc:"When it was done, in UTC, to the microsecond." example:"2026-03-14T09:26:53.589793Z"`
	Actor     string          `json:"actor" enum:"user,key,system,anonymous" doc:"Who did it: a user, a service by its key, Roster itself or its command line, or somebody who did not sign in." example:"user"`
	ActorID   *uuid.UUID      `json:"actorId" format:"uuid" doc:"The user's or the key's id; null for the others." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	ActorName string          `json:"actorName" doc:"The user's email or the key's name at that time." example:"ada@example.org"`
	Operation string          `json:"operation" doc:"The operation, as this document names it, or a word of the command line's." example:"updateUser"`
	Target    string          `json:"target" doc:"What kind of thing it was done to." example:"user"`
	TargetID  *uuid.UUID      `json:"targetId" format:"uuid" doc:"Which one; null where it was none, or many." example:"019a8b1e-7c1f-7d3a-9c55-0a5b7e6f4d21"`
	Before    json.RawMessage `json:"before" doc:"What was changed, as it was before. Never a secret."`
	After     json.RawMessage `json:"after" doc:"What was changed, as it was then. Never a secret."`
	Address   string          `json:"address" doc:"The address it came from; empty for the command line." example:"203.0.113.7"`
	RequestID string          `json:"requestId" doc:"The request's id, as in its answer and in the server's log." example:"0h3v7k2m9q4t8s1n"`
}

// Change is what is to be recorded.
type Change struct {
	Operation string    // the operation's id, such as updateUser
	Target    string    // what kind of thing: user, session, key, password
	TargetID  uuid.UUID // which one; the zero value: none, or many
	// Before and After are the thing as the API shows it, a struct or a map; nil:
	// it was not there, or is not there any more. Where both are given, only the
	// fields in which they differ are kept, and not updatedAt, which every write
	// moves. Nothing here may be a secret.
	Before, After any
}

// Record adds a row to the log, in the transaction of queries: that of the change.
func Record(ctx context.Context, queries *dbsqlc.Queries, c Change) error {
	row, err := Row(ctx, c)
	if err != nil {
		return err
	}
	return queries.InsertAudit(ctx, row)
}

// Row is what [Record] inserts, for a statement that makes the change and its row in
// one. An error is one of the program: Before or After has no JSON form.
func Row(ctx context.Context, c Change) (dbsqlc.InsertAuditParams, error) {
	before, after, err := beforeAfter(c.Before, c.After)
	if err != nil {
		return dbsqlc.InsertAuditParams{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return dbsqlc.InsertAuditParams{}, err
	}
	request := problem.RequestFrom(ctx)
	row := dbsqlc.InsertAuditParams{
		ID: id, Operation: c.Operation, Target: c.Target, Before: before, After: after,
		Address: request.Address(), RequestID: request.ID,
	}
	if c.TargetID != uuid.Nil {
		row.TargetID = &c.TargetID
	}
	row.Actor, row.ActorID, row.ActorName = actor(ctx)
	return row, nil
}

// The kinds of actors.
const (
	user      = "user"
	key       = "key"
	system    = "system"
	anonymous = "anonymous"
)

func actor(ctx context.Context) (kind string, id *uuid.UUID, name string) {
	if name, ok := ctx.Value(systemKey{}).(string); ok {
		return system, nil, name
	}
	p := auth.From(ctx)
	switch {
	case p == nil:
		return anonymous, nil, ""
	case p.Kind == auth.KeyKind:
		return key, &p.ID, p.Name
	default:
		return user, &p.UserID, p.Email
	}
}

type systemKey struct{}

// CommandLine is the name of the actor of changes that were made by a command.
const CommandLine = "command line"

// System says that what is done within ctx is done by no caller, but by Roster
// itself or whoever runs it, under this name.
func System(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, systemKey{}, name)
}
