-- +goose Up

-- Statistics are counted as things happen, in slots as user_counts is: a writer
-- takes the slot of its connection, after the rows that it changed. Whoever takes
-- more than one counter takes user_counts first, then access_counts, and day_counts
-- last, as a user who is deleted with all sessions and keys does: no two can wait for
-- each other. What is there already is counted here, once, while nobody writes.
LOCK TABLE users, sessions, keys IN SHARE ROW EXCLUSIVE MODE;

-- What happened on each day, by UTC. Nothing is ever taken off it: a user who is
-- deleted did sign up on that day.
CREATE TABLE day_counts (
  day              date NOT NULL,
  slot             smallint NOT NULL,
  sign_ups         bigint NOT NULL DEFAULT 0,
  sign_ins         bigint NOT NULL DEFAULT 0,
  sign_in_failures bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (day, slot)
) WITH (fillfactor = 50);

INSERT INTO day_counts (day, slot, sign_ups)
SELECT (created_at AT TIME ZONE 'UTC')::date, 0, count(*) FROM users GROUP BY 1;
-- Those that the audit log still knows of.
INSERT INTO day_counts (day, slot, sign_ins)
SELECT (created_at AT TIME ZONE 'UTC')::date, 0, count(*) FROM audit WHERE operation = 'signIn' GROUP BY 1
ON CONFLICT (day, slot) DO UPDATE SET sign_ins = excluded.sign_ins;

-- How many sessions and keys have a row, expired or not: those that have expired are
-- few, because they are swept, and an index finds them. Each kind has rows of its
-- own, so that who ends the sessions of a user and then waits for one of the user's
-- keys holds nothing that whoever has the key could wait for.
CREATE TABLE access_counts (
  kind text NOT NULL,
  slot smallint NOT NULL,
  n    bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, slot)
) WITH (fillfactor = 50);
INSERT INTO access_counts (kind, slot) SELECT kind, generate_series(0, 15) FROM unnest(ARRAY['sessions', 'keys']) kind;
UPDATE access_counts SET n = (SELECT count(*) FROM sessions) WHERE kind = 'sessions' AND slot = 0;
UPDATE access_counts SET n = (SELECT count(*) FROM keys) WHERE kind = 'keys' AND slot = 0;

-- Sessions that nobody used for long are dead before they end.
CREATE INDEX sessions_last_used_at_idx ON sessions (last_used_at);

ALTER TABLE user_counts ADD disabled integer NOT NULL DEFAULT 0;
UPDATE user_counts SET disabled = (SELECT count(*) FROM users WHERE disabled) WHERE slot = 0;

-- A new user takes one row of each table. In one function, since each trigger has
-- its price.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION user_counts_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts c
  SET admins = c.admins + n.admins, editors = c.editors + n.editors, viewers = c.viewers + n.viewers,
      disabled = c.disabled + n.disabled
  FROM (SELECT count(*) FILTER (WHERE role = 'admin') AS admins,
               count(*) FILTER (WHERE role = 'editor') AS editors,
               count(*) FILTER (WHERE role = 'viewer') AS viewers,
               count(*) FILTER (WHERE disabled) AS disabled FROM after) n
  WHERE slot = pg_backend_pid() % 16;
  INSERT INTO day_counts (day, slot, sign_ups)
  SELECT (created_at AT TIME ZONE 'UTC')::date, pg_backend_pid() % 16, count(*) FROM after GROUP BY 1 ORDER BY 1
  ON CONFLICT (day, slot) DO UPDATE SET sign_ups = day_counts.sign_ups + excluded.sign_ups;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION user_counts_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts c
  SET admins = c.admins - n.admins, editors = c.editors - n.editors, viewers = c.viewers - n.viewers,
      disabled = c.disabled - n.disabled
  FROM (SELECT count(*) FILTER (WHERE role = 'admin') AS admins,
               count(*) FILTER (WHERE role = 'editor') AS editors,
               count(*) FILTER (WHERE role = 'viewer') AS viewers,
               count(*) FILTER (WHERE disabled) AS disabled FROM before) n
  WHERE slot = pg_backend_pid() % 16;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION user_counts_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts c
  SET admins = c.admins + n.admins, editors = c.editors + n.editors, viewers = c.viewers + n.viewers,
      disabled = c.disabled + n.disabled
  FROM (SELECT coalesce(sum(n) FILTER (WHERE role = 'admin'), 0) AS admins,
               coalesce(sum(n) FILTER (WHERE role = 'editor'), 0) AS editors,
               coalesce(sum(n) FILTER (WHERE role = 'viewer'), 0) AS viewers,
               coalesce(sum(n) FILTER (WHERE disabled), 0) AS disabled
        FROM (SELECT role, disabled, 1 AS n FROM after UNION ALL SELECT role, disabled, -1 FROM before) changed) n
  WHERE slot = pg_backend_pid() % 16 AND (n.admins <> 0 OR n.editors <> 0 OR n.viewers <> 0 OR n.disabled <> 0);
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION user_counts_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE user_counts SET admins = 0, editors = 0, viewers = 0, disabled = 0;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION access_counts_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE access_counts SET n = n + (SELECT count(*) FROM after)
  WHERE kind = TG_TABLE_NAME AND slot = pg_backend_pid() % 16;
  IF TG_TABLE_NAME = 'sessions' THEN -- each is a sign-in
    INSERT INTO day_counts (day, slot, sign_ins)
    SELECT (created_at AT TIME ZONE 'UTC')::date, pg_backend_pid() % 16, count(*) FROM after GROUP BY 1 ORDER BY 1
    ON CONFLICT (day, slot) DO UPDATE SET sign_ins = day_counts.sign_ins + excluded.sign_ins;
  END IF;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Many a user who goes has none, and takes no slot.
-- +goose StatementBegin
CREATE FUNCTION access_counts_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE access_counts c SET n = c.n - gone.n
  FROM (SELECT count(*) AS n FROM before) gone
  WHERE c.kind = TG_TABLE_NAME AND c.slot = pg_backend_pid() % 16 AND gone.n > 0;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION access_counts_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE access_counts SET n = 0 WHERE kind = TG_TABLE_NAME;
  RETURN NULL;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER access_counts_inserted AFTER INSERT ON sessions
  REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION access_counts_inserted();
CREATE TRIGGER access_counts_deleted AFTER DELETE ON sessions
  REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION access_counts_deleted();
CREATE TRIGGER access_counts_truncated AFTER TRUNCATE ON sessions
  FOR EACH STATEMENT EXECUTE FUNCTION access_counts_truncated();
CREATE TRIGGER access_counts_inserted AFTER INSERT ON keys
  REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION access_counts_inserted();
CREATE TRIGGER access_counts_deleted AFTER DELETE ON keys
  REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION access_counts_deleted();
CREATE TRIGGER access_counts_truncated AFTER TRUNCATE ON keys
  FOR EACH STATEMENT EXECUTE FUNCTION access_counts_truncated();
