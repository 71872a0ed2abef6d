-- What has expired is dead already; sweeping makes room. A thousand rows a
-- statement, so that none takes long.

-- name: SweepSessions :execrows
DELETE FROM sessions WHERE id IN (
  SELECT s.id FROM sessions s WHERE s.expires_at < statement_timestamp() ORDER BY s.expires_at LIMIT 1000
);

-- SweepIdleSessions removes those that nobody used for so long.
-- name: SweepIdleSessions :execrows
DELETE FROM sessions WHERE id IN (
  SELECT s.id FROM sessions s
  WHERE s.last_used_at < statement_timestamp() - make_interval(secs => sqlc.arg(idle_seconds)::float8)
  ORDER BY s.last_used_at LIMIT 1000
);

-- name: SweepKeys :execrows
DELETE FROM keys WHERE id IN (
  SELECT k.id FROM keys k WHERE k.expires_at < statement_timestamp() - interval '30 days' ORDER BY k.expires_at LIMIT 1000
);

-- name: SweepKeySecrets :execrows
DELETE FROM key_secrets WHERE hash IN (
  SELECT x.hash FROM key_secrets x WHERE x.expires_at < statement_timestamp() ORDER BY x.expires_at LIMIT 1000
);

-- name: SweepPasswordResets :execrows
DELETE FROM password_resets WHERE user_id IN (
  SELECT r.user_id FROM password_resets r WHERE r.expires_at < statement_timestamp() ORDER BY r.expires_at LIMIT 1000
);

-- name: SweepIdempotencyKeys :execrows
DELETE FROM idempotency_keys WHERE (caller, key) IN (
  SELECT i.caller, i.key FROM idempotency_keys i
  WHERE i.created_at < statement_timestamp() - interval '24 hours' ORDER BY i.created_at LIMIT 1000
);
