-- VerifySessions finds who holds these tokens, on the database's own clock, for how
-- long if nothing changes, and what the count of changes was then.
-- name: VerifySessions :many
SELECT t.hash, s.id, s.user_id, u.email, u.role,
       (s.last_used_at < statement_timestamp() - make_interval(secs => sqlc.arg(touch_seconds)::float8))::boolean AS touch,
       least(extract(epoch FROM s.expires_at - statement_timestamp()), sqlc.arg(most_seconds)::float8)::float8 AS holds,
       (SELECT sum(n) FROM access_changes)::bigint AS changes
FROM session_tokens t
JOIN sessions s ON s.id = t.session_id
JOIN users u ON u.id = s.user_id
WHERE t.hash = ANY (sqlc.arg(hashes)::bytea[])
  AND s.expires_at > statement_timestamp()
  AND s.last_used_at > statement_timestamp() - make_interval(secs => sqlc.arg(idle_seconds)::float8)
  AND NOT u.disabled;

-- Once in that many seconds at most, however many replicas ask. A session that
-- somebody writes to just now is left alone: nobody waits for a touch in a ring.
-- name: TouchSessions :exec
UPDATE sessions SET last_used_at = statement_timestamp()
WHERE id IN (
  SELECT s.id FROM sessions s
  WHERE s.id = ANY (sqlc.arg(ids)::uuid[])
    AND s.last_used_at < statement_timestamp() - make_interval(secs => sqlc.arg(touch_seconds)::float8)
  FOR NO KEY UPDATE SKIP LOCKED
);

-- name: CreateSession :one
WITH token AS (
  INSERT INTO session_tokens (hash, session_id)
  SELECT sqlc.arg(hash)::bytea, sqlc.arg(id)::uuid
)
INSERT INTO sessions (id, user_id, address, user_agent, expires_at)
VALUES (sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(address), sqlc.arg(user_agent),
        statement_timestamp() + make_interval(secs => sqlc.arg(max_seconds)::float8))
RETURNING *;

-- name: GetSession :one
SELECT * FROM sessions WHERE id = $1;

-- name: DeleteSession :one
DELETE FROM sessions WHERE id = $1 RETURNING *;

-- RevokeSession ends a live session: anybody's, or only this user's.
-- name: RevokeSession :one
DELETE FROM sessions
WHERE id = sqlc.arg(id) AND user_id = coalesce(sqlc.narg(user_id)::uuid, user_id)
  AND expires_at > statement_timestamp()
  AND last_used_at > statement_timestamp() - make_interval(secs => sqlc.arg(idle_seconds)::float8)
RETURNING *;

-- name: DeleteUserSessions :many
DELETE FROM sessions
WHERE user_id = sqlc.arg(user_id) AND id IS DISTINCT FROM sqlc.narg(except_id)::uuid
RETURNING *;

-- GetSessionIdentity finds who a session belongs to, and how long it lasts.
-- name: GetSessionIdentity :one
SELECT u.id, u.name, u.email, u.role, s.expires_at
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.id = $1;
