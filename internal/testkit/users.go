package testkit

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/role"
)

var numbers atomic.Int64

// User stores a user who can sign in with [Password]. What partial leaves open gets
// a good default: a viewer with a name and an address that nobody else in this
// process has.
func User(t testing.TB, pool *pgxpool.Pool, partial dbsqlc.User) dbsqlc.User {
	t.Helper()
	return Users(t, pool, partial)[0]
}

// Users is [User] for many.
func Users(t testing.TB, pool *pgxpool.Pool, partials ...dbsqlc.User) []dbsqlc.User {
	t.Helper()
	var batch pgx.Batch
	stored := make([]dbsqlc.User, len(partials))
	for i, u := range partials {
		u = complete(u)
		stored[i] = u
		batch.Queue("INSERT INTO users (id, name, email, role, disabled, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			u.ID, u.Name, u.Email, string(u.Role), u.Disabled, u.CreatedAt, u.UpdatedAt)
		batch.Queue("INSERT INTO credentials (user_id, password_hash) VALUES ($1, $2)", u.ID, passwordHash)
	}
	if err := pool.SendBatch(t.Context(), &batch).Close(); err != nil {
		t.Fatal(err)
	}
	return stored
}

func complete(u dbsqlc.User) dbsqlc.User {
	n := numbers.Add(1)
	if u.ID == uuid.Nil {
		u.ID = uuid.Must(uuid.NewV7())
	}
	if u.Name == "" {
		u.Name = fmt.Sprintf("User %d", n)
	}
	if u.Email == "" {
		u.Email = fmt.Sprintf("user-%d@example.org", n)
	}
	if u.Role == "" {
		u.Role = role.Viewer
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = time.Now().UTC().Truncate(time.Microsecond)
	}
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = u.CreatedAt
	}
	return u
}
