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

-- A write moves updated_at forward even when the clock stands still or goes
-- back, since the ETag is made from it. if_match: the versions the caller
-- accepts; null: any.
-- name: ReplaceUser :one
UPDATE users
SET name = sqlc.arg(name), email = sqlc.arg(email), role = sqlc.arg(role),
    updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
WHERE id = sqlc.arg(id)
  AND (sqlc.narg(if_match)::timestamptz[] IS NULL OR updated_at = ANY (sqlc.narg(if_match)::timestamptz[]))
RETURNING *;

-- name: UpdateUser :one
UPDATE users
SET name = coalesce(sqlc.narg(name), name), email = coalesce(sqlc.narg(email), email),
    role = coalesce(sqlc.narg(role), role), disabled = coalesce(sqlc.narg(disabled), disabled),
    updated_at = greatest(clock_timestamp(), updated_at + interval '1 microsecond')
WHERE id = sqlc.arg(id)
  AND (sqlc.narg(if_match)::timestamptz[] IS NULL OR updated_at = ANY (sqlc.narg(if_match)::timestamptz[]))
RETURNING *;

-- name: DeleteUser :execrows
DELETE FROM users
WHERE id = sqlc.arg(id)
  AND (sqlc.narg(if_match)::timestamptz[] IS NULL OR updated_at = ANY (sqlc.narg(if_match)::timestamptz[]));

-- name: UserExists :one
SELECT EXISTS (SELECT FROM users WHERE id = $1);
