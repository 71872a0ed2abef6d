-- FindIdempotencyKey finds what a request with a key did. What is older than a day
-- does not count, swept or not.
-- name: FindIdempotencyKey :one
SELECT * FROM idempotency_keys
WHERE caller = sqlc.arg(caller) AND key = sqlc.arg(key) AND created_at > statement_timestamp() - interval '24 hours';

-- ClaimIdempotencyKey lets one transaction at a time work under a key, on whatever
-- replica. It does not wait: who comes second is told so.
-- name: ClaimIdempotencyKey :one
SELECT pg_try_advisory_xact_lock(sqlc.arg(lock)::bigint);

-- PutIdempotencyKey takes the place of a row that is too old to count, and of no
-- other.
-- name: PutIdempotencyKey :execrows
INSERT INTO idempotency_keys (caller, key, fingerprint, password_hash, resource_id, answer)
VALUES (sqlc.arg(caller), sqlc.arg(key), sqlc.arg(fingerprint), sqlc.narg(password_hash), sqlc.arg(resource_id), sqlc.narg(answer))
ON CONFLICT (caller, key) DO UPDATE
SET fingerprint = EXCLUDED.fingerprint, password_hash = EXCLUDED.password_hash,
    resource_id = EXCLUDED.resource_id, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at
WHERE idempotency_keys.created_at <= statement_timestamp() - interval '24 hours';
