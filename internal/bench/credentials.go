package main

import (
	"context"
	"sync/atomic"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
)

// manySessions is how many callers there are where they come in turn.
const manySessions = 10_000

// credentials are what Roster asks for. The programs by hand ask for nothing, and
// are sent nothing.
type credentials struct {
	session, key string   // an admin's, and a service's with every scope
	sessions     []string // of other users
	turn         atomic.Int64
}

// next is the session whose turn it is.
func (c *credentials) next() string {
	return c.sessions[int(c.turn.Add(1)-1)%len(c.sessions)]
}

// issue stores them as signing in and making a key would, without the hashes. What
// an earlier run has left goes.
func (c *credentials) issue(ctx context.Context, conn *pgx.Conn) error {
	// Roster starts only where an admin could sign in. Nobody does here, so any text
	// is hash enough.
	var admin uuid.UUID
	err := conn.QueryRow(ctx, `
		WITH first AS (SELECT id FROM users ORDER BY created_at, id LIMIT 1),
		promoted AS (UPDATE users SET role = 'admin', disabled = false WHERE id = (TABLE first))
		INSERT INTO credentials (user_id, password_hash) SELECT id, 'nobody signs in' FROM first
		ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash RETURNING user_id`).Scan(&admin)
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "TRUNCATE sessions, keys CASCADE"); err != nil {
		return err
	}

	rows, _ := conn.Query(ctx, "SELECT id FROM users WHERE NOT disabled ORDER BY random() LIMIT $1", manySessions)
	owners, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	c.session = string(auth.NewSessionToken())
	tokens, users := []string{c.session}, []uuid.UUID{admin}
	for i := range manySessions {
		tokens, users = append(tokens, string(auth.NewSessionToken())), append(users, owners[i%len(owners)])
	}
	c.sessions = tokens[1:]
	hashes, ids := make([][]byte, len(tokens)), make([]uuid.UUID, len(tokens))
	for i, token := range tokens {
		hash := auth.Token(token).Hash()
		hashes[i], ids[i] = hash[:], uuid.Must(uuid.NewV7())
	}
	_, err = conn.Exec(ctx, `
		WITH given AS (SELECT * FROM unnest($1::bytea[], $2::uuid[], $3::uuid[]) AS given (hash, id, user_id)),
		made AS (
		  INSERT INTO sessions (id, user_id, address, user_agent, expires_at)
		  SELECT id, user_id, '127.0.0.1', 'roster-bench', statement_timestamp() + interval '1 day' FROM given)
		INSERT INTO session_tokens (hash, session_id) SELECT hash, id FROM given`, hashes, ids, users)
	if err != nil {
		return err
	}

	key := auth.NewKeyToken()
	hash := key.Hash()
	c.key = string(key)
	_, err = conn.Exec(ctx, `
		WITH key AS (INSERT INTO keys (id, user_id, name, scopes) VALUES ($1, $2, 'bench', $3))
		INSERT INTO key_secrets (hash, key_id) VALUES ($4, $1)`,
		uuid.Must(uuid.NewV7()), admin, auth.Scopes(role.Admin), hash[:])
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "VACUUM (ANALYZE) users, credentials, sessions, session_tokens, keys, key_secrets")
	return err
}
