-- GetUsers answers for all who ask at once.
-- name: GetUsers :many
SELECT * FROM users WHERE id = ANY(sqlc.arg(ids)::uuid[]);

-- name: EmailsTaken :many
SELECT email FROM users WHERE email = ANY(sqlc.arg(emails)::text[]);

-- CreateUser makes the user, the password and the audit log's row in one statement:
-- none is ever without the others, and it is one round trip.
-- name: CreateUser :one
WITH made AS (
  INSERT INTO users (id, name, email, role)
  VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(email), sqlc.arg(role))
  RETURNING *
), credential AS (
  INSERT INTO credentials (user_id, password_hash) SELECT made.id, sqlc.arg(password_hash)::text FROM made
), recorded AS (
  INSERT INTO audit (id, actor, actor_id, actor_name, operation, target, target_id, after, address, request_id)
  SELECT sqlc.arg(audit_id)::uuid, sqlc.arg(actor)::text, sqlc.narg(actor_id)::uuid, sqlc.arg(actor_name)::text,
         sqlc.arg(operation)::text, sqlc.arg(target)::text, made.id,
         sqlc.arg(after)::jsonb, sqlc.arg(address)::text, sqlc.arg(request_id)::text
  FROM made
)
SELECT * FROM made;

-- name: LockUser :one
SELECT * FROM users WHERE id = $1 FOR UPDATE;

-- A write moves updated_at forward even when the clock stands still or goes
-- back, since the ETag is made from it.
-- name: WriteUser :one
UPDATE users
SET name = sqlc.arg(name), email = sqlc.arg(email), role = sqlc.arg(role), disabled = sqlc.arg(disabled),
    updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: DeleteUser :exec
DELETE FROM users WHERE id = $1;

-- LockAdmins lets one at a time find out whether there is an admin and make one.
-- name: LockAdmins :exec
UPDATE last_admin SET turns = turns + 1;
