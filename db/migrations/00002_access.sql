-- +goose Up

-- Tables hold what the API publishes. The secrets lie beside them, as the SHA-256
-- of random tokens of 256 bits: whoever reads the database cannot call the API.

CREATE TABLE sessions (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  address      text NOT NULL CHECK (octet_length(address) <= 64),
  user_agent   text NOT NULL CHECK (char_length(user_agent) <= 256),
  created_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
  last_used_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  expires_at   timestamptz NOT NULL
);
CREATE INDEX sessions_created_at_idx ON sessions (created_at, id);
CREATE INDEX sessions_user_idx ON sessions (user_id, created_at, id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

CREATE TABLE session_tokens (
  hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  session_id uuid NOT NULL UNIQUE REFERENCES sessions ON DELETE CASCADE
);

-- A key ends with its owner.
CREATE TABLE keys (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  name         text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  scopes       text[] NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT statement_timestamp(),
  last_used_at timestamptz,
  expires_at   timestamptz
);
CREATE INDEX keys_created_at_idx ON keys (created_at, id);
CREATE INDEX keys_user_idx ON keys (user_id, created_at, id);
CREATE INDEX keys_expires_at_idx ON keys (expires_at);

-- While a key is being rotated it has more than one secret; the older ones expire.
CREATE TABLE key_secrets (
  hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  key_id     uuid NOT NULL REFERENCES keys ON DELETE CASCADE,
  expires_at timestamptz
);
CREATE INDEX key_secrets_key_idx ON key_secrets (key_id);
CREATE INDEX key_secrets_expires_at_idx ON key_secrets (expires_at);

-- The newest reset of a user is the only one that holds.
CREATE TABLE password_resets (
  user_id    uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  hash       bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_expires_at_idx ON password_resets (expires_at);

-- What a request with an Idempotency-Key did, for 24 hours. caller is a user's
-- or a key's id. The fingerprint is of the request without its password; the
-- password is compared to the hash that the request made.
CREATE TABLE idempotency_keys (
  caller        uuid NOT NULL,
  key           text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
  fingerprint   bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
  password_hash text,
  resource_id   uuid NOT NULL,
  answer        jsonb,
  created_at    timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- An admin who has no password cannot sign in, and so is no admin to rely on.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION users_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE last_admin SET turns = turns + 1;
  IF NOT EXISTS (
    SELECT FROM users u JOIN credentials c ON c.user_id = u.id
    WHERE u.role = 'admin' AND NOT u.disabled
  ) THEN
    RAISE EXCEPTION 'the last enabled admin stays'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'users_last_admin', TABLE = 'users';
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd
