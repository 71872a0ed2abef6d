package testkit

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
)

// Password is that of every user that [User] and [Users] store.
const Password = "correct horse battery"

// passwordHash is a hash of Password, made once: a test that signs nobody in
// need not pay for it.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$WORaOZJqX8XCC805LsUO0A$fWutOcl+ybKjg4dncsDF8tA3cERP/uQkgJ84Ej0sBOY"

// Session starts a session of a user, as signing in does but without the cost of
// a hash, and returns its token.
func Session(t testing.TB, pool *pgxpool.Pool, user uuid.UUID) string {
	t.Helper()
	token := auth.NewSessionToken()
	hash := token.Hash()
	_, err := dbsqlc.New(pool).CreateSession(t.Context(), dbsqlc.CreateSessionParams{
		Hash: hash[:], ID: uuid.Must(uuid.NewV7()), UserID: user, Address: "127.0.0.1", UserAgent: "test",
		MaxSeconds: (24 * time.Hour).Seconds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

// Key makes a key of a user with these scopes that never expires, and returns its
// secret.
func Key(t testing.TB, pool *pgxpool.Pool, owner uuid.UUID, scopes ...auth.Permission) string {
	t.Helper()
	token := auth.NewKeyToken()
	hash := token.Hash()
	words := make([]string, len(scopes))
	for i, scope := range scopes {
		words[i] = string(scope)
	}
	_, err := pool.Exec(t.Context(), `
		WITH key AS (INSERT INTO keys (id, user_id, name, scopes) VALUES ($1, $2, 'test', $3))
		INSERT INTO key_secrets (hash, key_id) VALUES ($4, $1)`,
		uuid.Must(uuid.NewV7()), owner, words, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}
