-- VerifyKeys finds whose keys these secrets are; see VerifySessions.
-- name: VerifyKeys :many
SELECT x.hash, k.id, k.user_id, k.name, k.scopes, u.email, u.role,
       (k.last_used_at IS NULL OR k.last_used_at < statement_timestamp() - interval '1 minute')::boolean AS touch,
       least(extract(epoch FROM k.expires_at - statement_timestamp()), extract(epoch FROM x.expires_at - statement_timestamp()),
             sqlc.arg(most_seconds)::float8)::float8 AS holds,
       (SELECT sum(n) FROM access_changes)::bigint AS changes
FROM key_secrets x
JOIN keys k ON k.id = x.key_id
JOIN users u ON u.id = k.user_id
WHERE x.hash = ANY (sqlc.arg(hashes)::bytea[])
  AND (x.expires_at IS NULL OR x.expires_at > statement_timestamp())
  AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
  AND NOT u.disabled;

-- name: TouchKeys :exec
UPDATE keys SET last_used_at = statement_timestamp()
WHERE id = ANY (sqlc.arg(ids)::uuid[])
  AND (last_used_at IS NULL OR last_used_at < statement_timestamp() - interval '1 minute');

-- GetKeyIdentity finds who owns a key, and how long it lasts.
-- name: GetKeyIdentity :one
SELECT u.id, u.name, u.email, u.role, k.expires_at
FROM keys k JOIN users u ON u.id = k.user_id
WHERE k.id = $1;

-- LockKeyOwner keeps a user as they are until a key of theirs is made.
-- name: LockKeyOwner :one
SELECT sqlc.embed(u), statement_timestamp()::timestamptz AS now FROM users u WHERE u.id = $1 FOR SHARE;

-- FindKeyOwner finds the user whom the command line names.
-- name: FindKeyOwner :one
SELECT sqlc.embed(u), statement_timestamp()::timestamptz AS now FROM users u WHERE u.email = $1;

-- OldestAdmin finds who answers for what the command line makes.
-- name: OldestAdmin :one
SELECT sqlc.embed(u), statement_timestamp()::timestamptz AS now
FROM users u JOIN credentials c ON c.user_id = u.id
WHERE u.role = 'admin' AND NOT u.disabled
ORDER BY u.created_at, u.id
LIMIT 1;

-- KeyOwners finds the addresses of those whose keys are shown.
-- name: KeyOwners :many
SELECT id, email FROM users WHERE id = ANY (sqlc.arg(ids)::uuid[]);

-- CreateKey makes the key and its secret in one statement, so that neither is
-- ever without the other.
-- name: CreateKey :one
WITH secret AS (
  INSERT INTO key_secrets (hash, key_id)
  SELECT sqlc.arg(hash)::bytea, sqlc.arg(id)::uuid
)
INSERT INTO keys (id, user_id, name, scopes, expires_at)
VALUES (sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(name), sqlc.arg(scopes), sqlc.narg(expires_at))
RETURNING *;

-- LockKey finds a key to rotate: anybody's, or only this owner's.
-- name: LockKey :one
SELECT sqlc.embed(k), coalesce(k.expires_at <= statement_timestamp(), false)::boolean AS expired
FROM keys k
WHERE k.id = sqlc.arg(id) AND k.user_id = coalesce(sqlc.narg(owner_id)::uuid, k.user_id)
FOR UPDATE;

-- ExpireKeySecrets lets what secrets a key has work for so many seconds more, and
-- none that ends before for longer. It says how long any of them works.
-- name: ExpireKeySecrets :one
WITH older AS (
  UPDATE key_secrets
  SET expires_at = least(expires_at, statement_timestamp() + make_interval(secs => sqlc.arg(seconds)::float8))
  WHERE key_id = sqlc.arg(key_id)
  RETURNING expires_at
)
SELECT coalesce(max(expires_at), statement_timestamp())::timestamptz FROM older;

-- name: DeleteKeySecrets :exec
DELETE FROM key_secrets WHERE key_id = $1;

-- name: AddKeySecret :exec
INSERT INTO key_secrets (hash, key_id) VALUES (sqlc.arg(hash), sqlc.arg(key_id));

-- DeleteKey deletes anybody's key, or only this owner's.
-- name: DeleteKey :one
DELETE FROM keys
WHERE id = sqlc.arg(id) AND user_id = coalesce(sqlc.narg(owner_id)::uuid, user_id)
RETURNING *;
