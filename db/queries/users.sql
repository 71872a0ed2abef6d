-- name: GetUser :one
SELECT * FROM users WHERE id = $1;

-- name: EmailTaken :one
SELECT EXISTS (SELECT FROM users WHERE email = $1);

-- CreateUser makes the user and the password in one statement, so that neither
-- is ever without the other.
-- name: CreateUser :one
WITH credential AS (
  INSERT INTO credentials (user_id, password_hash)
  SELECT sqlc.arg(id)::uuid, sqlc.arg(password_hash)::text
)
INSERT INTO users (id, name, email, role)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(email), sqlc.arg(role))
RETURNING *;

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
