-- +goose Up

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Lower-casing must give the same answer on every server, whatever locale its
-- database was made with: "É" and "é" are one letter to a search. From 17 on
-- PostgreSQL brings such a collation itself. Before, it is the C library's,
-- which differs only in letters that came with Unicode 16; where that library
-- has no C.UTF-8 (Windows, some BSDs) it is ICU's root, which knows the same
-- letters. Only lower() uses it: every order is that of "C".
-- +goose StatementBegin
DO $$
BEGIN
  IF current_setting('server_version_num')::int >= 170000 THEN
    CREATE COLLATION roster (provider = builtin, locale = 'C.UTF-8');
  ELSE
    BEGIN
      CREATE COLLATION roster (provider = libc, locale = 'C.UTF-8');
    EXCEPTION WHEN undefined_object OR invalid_parameter_value OR undefined_file THEN
      CREATE COLLATION roster (provider = icu, locale = 'und');
    END;
  END IF;
END
$$;
-- +goose StatementEnd

CREATE TYPE role AS ENUM ('admin', 'editor', 'viewer');

-- users holds exactly what the API publishes; whatever is private lives beside
-- it, so that a row is its wire type.
CREATE TABLE users (
  id         uuid PRIMARY KEY,
  name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
  email      text COLLATE "C" NOT NULL CONSTRAINT users_email_key UNIQUE CHECK (octet_length(email) BETWEEN 3 AND 254),
  role       role NOT NULL,
  disabled   boolean NOT NULL DEFAULT false,
  -- of the statement, so that both are one moment
  created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT statement_timestamp()
);

-- One index for each order a list can have, with and without a role; an address
-- is unique, so it needs no id to break ties. Names sort without regard to case;
-- "C" makes the order that of code points everywhere. The name itself rides
-- along because a scan of an index alone is only planned where the index has the
-- column, not just what was made of it: so a deep page is found.
CREATE INDEX users_created_at_idx ON users (created_at, id);
CREATE INDEX users_name_idx ON users (lower(name COLLATE roster) COLLATE "C", id) INCLUDE (name);
CREATE INDEX users_role_created_at_idx ON users (role, created_at, id);
CREATE INDEX users_role_name_idx ON users (role, lower(name COLLATE roster) COLLATE "C", id) INCLUDE (name);
CREATE INDEX users_role_email_idx ON users (role, email);

-- q searches name and email as one text; a line break cannot stand in either. Two
-- small letters have one capital, sigma: they are one to a search. New entries
-- wait in a list that each search reads and that one insert in many sorts in: at
-- 2 MB a search reads it in under 1 ms.
CREATE INDEX users_search_idx ON users
  USING gin (replace(lower(name COLLATE roster) || E'\n' || email, 'ς', 'σ') gin_trgm_ops)
  WITH (gin_pending_list_limit = 2048);

-- credentials: argon2id in PHC form. No row: the user cannot sign in.
CREATE TABLE credentials (
  user_id       uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  password_hash text NOT NULL,
  updated_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- user_counts answers "how many users, and of each role" without counting. The
-- number is the sum over slots; one slot alone may be below zero. A writer takes
-- the slot of its connection, so that writers do not queue on one row, and one
-- row is all that a statement takes, after the users that it changed: no two
-- statements can wait for each other. Half of the page is left to the versions
-- that a row goes through between two sweeps of it.
CREATE TABLE user_counts (
  slot    smallint PRIMARY KEY,
  admins  integer NOT NULL DEFAULT 0,
  editors integer NOT NULL DEFAULT 0,
  viewers integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

INSERT INTO user_counts (slot) SELECT generate_series(0, 15);

-- +goose StatementBegin
CREATE FUNCTION user_counts_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts c
  SET admins = c.admins + n.admins, editors = c.editors + n.editors, viewers = c.viewers + n.viewers
  FROM (SELECT count(*) FILTER (WHERE role = 'admin') AS admins,
               count(*) FILTER (WHERE role = 'editor') AS editors,
               count(*) FILTER (WHERE role = 'viewer') AS viewers FROM after) n
  WHERE slot = pg_backend_pid() % 16;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION user_counts_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts c
  SET admins = c.admins - n.admins, editors = c.editors - n.editors, viewers = c.viewers - n.viewers
  FROM (SELECT count(*) FILTER (WHERE role = 'admin') AS admins,
               count(*) FILTER (WHERE role = 'editor') AS editors,
               count(*) FILTER (WHERE role = 'viewer') AS viewers FROM before) n
  WHERE slot = pg_backend_pid() % 16;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Most updates leave the roles as they are, and take no slot.
-- +goose StatementBegin
CREATE FUNCTION user_counts_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts c
  SET admins = c.admins + n.admins, editors = c.editors + n.editors, viewers = c.viewers + n.viewers
  FROM (SELECT coalesce(sum(n) FILTER (WHERE role = 'admin'), 0) AS admins,
               coalesce(sum(n) FILTER (WHERE role = 'editor'), 0) AS editors,
               coalesce(sum(n) FILTER (WHERE role = 'viewer'), 0) AS viewers
        FROM (SELECT role, 1 AS n FROM after UNION ALL SELECT role, -1 FROM before) changed) n
  WHERE slot = pg_backend_pid() % 16 AND (n.admins <> 0 OR n.editors <> 0 OR n.viewers <> 0);
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION user_counts_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts SET admins = 0, editors = 0, viewers = 0;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER user_counts_inserted AFTER INSERT ON users
  REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION user_counts_inserted();
CREATE TRIGGER user_counts_deleted AFTER DELETE ON users
  REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION user_counts_deleted();
CREATE TRIGGER user_counts_updated AFTER UPDATE ON users
  REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION user_counts_updated();
CREATE TRIGGER user_counts_truncated AFTER TRUNCATE ON users
  FOR EACH STATEMENT EXECUTE FUNCTION user_counts_truncated();

-- There is always one enabled admin. Two connections may each take away the
-- other's last one, unless they do it one after the other: so who takes an admin
-- away updates this row first. It is a row and not a lock so that a transaction
-- of any isolation notices. No other write comes here.
CREATE TABLE last_admin (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  turns bigint NOT NULL DEFAULT 0
);
INSERT INTO last_admin DEFAULT VALUES;

CREATE INDEX users_enabled_admins_idx ON users (id) WHERE role = 'admin' AND NOT disabled;

-- +goose StatementBegin
CREATE FUNCTION users_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE last_admin SET turns = turns + 1;
  IF NOT EXISTS (SELECT FROM users WHERE role = 'admin' AND NOT disabled) THEN
    RAISE EXCEPTION 'the last enabled admin stays'
      USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'users_last_admin', TABLE = 'users';
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER users_keep_an_admin_update AFTER UPDATE OF role, disabled ON users
  FOR EACH ROW WHEN (OLD.role = 'admin' AND NOT OLD.disabled AND (NEW.role <> 'admin' OR NEW.disabled))
  EXECUTE FUNCTION users_keep_an_admin();
CREATE TRIGGER users_keep_an_admin_delete AFTER DELETE ON users
  FOR EACH ROW WHEN (OLD.role = 'admin' AND NOT OLD.disabled)
  EXECUTE FUNCTION users_keep_an_admin();
