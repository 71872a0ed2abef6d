-- GetCredential finds what it takes to sign in. hash is null for a user who has
-- no password.
-- name: GetCredential :one
SELECT sqlc.embed(u), c.password_hash
FROM users u LEFT JOIN credentials c ON c.user_id = u.id
WHERE u.email = $1;

-- name: GetPasswordHash :one
SELECT c.password_hash FROM credentials c WHERE c.user_id = $1;

-- name: SetPasswordHash :exec
INSERT INTO credentials (user_id, password_hash) VALUES (sqlc.arg(user_id), sqlc.arg(password_hash))
ON CONFLICT (user_id) DO UPDATE SET password_hash = EXCLUDED.password_hash, updated_at = clock_timestamp();

-- Rehash raises the cost of a hash, unless the password has changed meanwhile.
-- name: Rehash :exec
UPDATE credentials SET password_hash = sqlc.arg(password_hash)
WHERE user_id = sqlc.arg(user_id) AND password_hash = sqlc.arg(old_hash);

-- name: PutPasswordReset :one
INSERT INTO password_resets (user_id, hash, expires_at)
VALUES (sqlc.arg(user_id), sqlc.arg(hash), statement_timestamp() + make_interval(secs => sqlc.arg(seconds)::float8))
ON CONFLICT (user_id) DO UPDATE SET hash = EXCLUDED.hash, expires_at = EXCLUDED.expires_at
RETURNING expires_at;

-- FindPasswordReset finds whose a token is; a disabled user's is nobody's.
-- name: FindPasswordReset :one
SELECT r.user_id FROM password_resets r JOIN users u ON u.id = r.user_id
WHERE r.hash = $1 AND r.expires_at > statement_timestamp() AND NOT u.disabled;

-- RedeemPasswordReset uses a token up. Of any number at once, one finds a row.
-- name: RedeemPasswordReset :execrows
DELETE FROM password_resets WHERE user_id = sqlc.arg(user_id) AND hash = sqlc.arg(hash) AND expires_at > statement_timestamp();

-- name: DeletePasswordReset :exec
DELETE FROM password_resets WHERE user_id = $1;

-- name: AnAdminCanSignIn :one
SELECT EXISTS (
  SELECT FROM users u JOIN credentials c ON c.user_id = u.id WHERE u.role = 'admin' AND NOT u.disabled
);
