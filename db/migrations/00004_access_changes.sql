-- +goose Up

-- access_changes counts what changes for those who call: sessions and keys that end,
-- users whose role, address or standing changes. Whoever remembers a credential sees
-- by the sum that it still holds, without a look at each. A transaction moves the
-- count as the last thing that it does, and in the slot of its connection: so those
-- who do not meet elsewhere seldom meet here, and no two can wait for each other.
CREATE TABLE access_changes (
  slot  smallint PRIMARY KEY,
  n     bigint NOT NULL DEFAULT 0,
  moved xid8 -- by which transaction: it counts once, however much it changes
) WITH (fillfactor = 50);
INSERT INTO access_changes (slot) SELECT generate_series(0, 15);

-- +goose StatementBegin
CREATE FUNCTION access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE access_changes SET n = n + 1, moved = pg_current_xact_id()
  WHERE slot = pg_backend_pid() % 16 AND moved IS DISTINCT FROM pg_current_xact_id();
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Noting the use of a session or a key is no change. That a use is taken back
-- happens by hand only.
CREATE CONSTRAINT TRIGGER access_changed_users AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((OLD.email, OLD.role, OLD.disabled) IS DISTINCT FROM (NEW.email, NEW.role, NEW.disabled))
  EXECUTE FUNCTION access_changed();
CREATE CONSTRAINT TRIGGER access_changed_sessions AFTER UPDATE ON sessions DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((OLD.id, OLD.user_id, OLD.expires_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.expires_at) OR NEW.last_used_at < OLD.last_used_at)
  EXECUTE FUNCTION access_changed();
CREATE CONSTRAINT TRIGGER access_changed_keys AFTER UPDATE ON keys DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((OLD.id, OLD.user_id, OLD.name, OLD.scopes, OLD.expires_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.name, NEW.scopes, NEW.expires_at))
  EXECUTE FUNCTION access_changed();
-- A session or a key that goes takes its secrets along.
CREATE CONSTRAINT TRIGGER access_changed_tokens AFTER UPDATE OR DELETE ON session_tokens DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION access_changed();
CREATE CONSTRAINT TRIGGER access_changed_secrets AFTER UPDATE OR DELETE ON key_secrets DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION access_changed();
