-- +goose Up

-- audit says who did what, and what it changed. It holds exactly what the API
-- publishes, and no secret. Nothing refers to users: a row outlives whom it names.
CREATE TABLE audit (
  id         uuid PRIMARY KEY,
  created_at timestamptz NOT NULL DEFAULT statement_timestamp() CHECK (isfinite(created_at)),
  actor      text NOT NULL CHECK (actor IN ('user', 'key', 'system', 'anonymous')),
  actor_id   uuid,
  actor_name text NOT NULL,
  operation  text NOT NULL,
  target     text NOT NULL,
  target_id  uuid,
  before     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(before) = 'object'),
  after      jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(after) = 'object'),
  address    text NOT NULL,
  request_id text NOT NULL
);

-- One index for each thing that a list is asked by, newest first.
CREATE INDEX audit_created_at_idx ON audit (created_at, id);
CREATE INDEX audit_actor_idx ON audit (actor_id, created_at, id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_target_idx ON audit (target_id, created_at, id) WHERE target_id IS NOT NULL;
CREATE INDEX audit_operation_idx ON audit (operation, created_at, id);
CREATE INDEX audit_kind_idx ON audit (target, created_at, id);

-- Rows that are not in the chain yet. A transaction that commits late puts its
-- rows here late, and so they are sealed late, but never passed over.
CREATE TABLE audit_unsealed (
  id uuid PRIMARY KEY
);

-- The chain: mac is an HMAC over the row and the mac before it, with a key that the
-- database does not know. It refers to audit in words only: a row that somebody took
-- away must not take its entry along.
CREATE TABLE audit_chain (
  seq      bigint PRIMARY KEY,
  audit_id uuid NOT NULL CONSTRAINT audit_chain_audit_id_key UNIQUE,
  mac      bytea NOT NULL
);

-- Where the chain begins (the last entry that retention dropped) and where it ends.
-- proof is an HMAC over all of it, so that neither can be moved without the key; key
-- tells one key from another. Whoever seals or drops holds this row.
CREATE TABLE audit_seal (
  one         boolean PRIMARY KEY DEFAULT true CHECK (one),
  key         bytea NOT NULL DEFAULT '', -- empty: nothing was sealed yet
  dropped_seq bigint NOT NULL DEFAULT 0,
  dropped_mac bytea NOT NULL DEFAULT '',
  sealed_seq  bigint NOT NULL DEFAULT 0,
  sealed_mac  bytea NOT NULL DEFAULT '',
  proof       bytea NOT NULL DEFAULT ''
) WITH (fillfactor = 50);
INSERT INTO audit_seal DEFAULT VALUES;

-- +goose StatementBegin
CREATE FUNCTION audit_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_unsealed VALUES (NEW.id);
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION audit_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only ever added to'
    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_append_only', TABLE = 'audit';
END
$$;
-- +goose StatementEnd

-- Only what the chain has let go of may be deleted.
-- +goose StatementBegin
CREATE FUNCTION audit_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM before b
    WHERE NOT EXISTS (SELECT FROM audit_chain c, audit_seal s WHERE c.audit_id = b.id AND c.seq <= s.dropped_seq)
  ) THEN
    RAISE EXCEPTION 'the audit log is only ever added to'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_append_only', TABLE = 'audit';
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER audit_inserted AFTER INSERT ON audit
  FOR EACH ROW EXECUTE FUNCTION audit_inserted();
CREATE TRIGGER audit_updated BEFORE UPDATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refused();
CREATE TRIGGER audit_deleted AFTER DELETE ON audit
  REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION audit_deleted();
CREATE TRIGGER audit_truncated BEFORE TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refused();
