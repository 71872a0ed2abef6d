-- GetStats reads counters only, of one snapshot: the users by user_counts, the days
-- by day_counts, sessions and keys by access_counts, less those that an index finds
-- to be dead: what is swept every minute, and keys for 30 days.
-- name: GetStats :one
SELECT statement_timestamp()::timestamptz AS now,
       to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD')::text AS today,
       u.admins, u.editors, u.viewers, u.disabled,
       ((SELECT coalesce(sum(n), 0) FROM access_counts WHERE kind = 'sessions')
         - (SELECT count(*) FROM sessions WHERE expires_at <= statement_timestamp())
         - (SELECT count(*) FROM sessions
            WHERE last_used_at <= statement_timestamp() - make_interval(secs => sqlc.arg(idle_seconds)::float8)
              AND expires_at > statement_timestamp()))::bigint AS sessions,
       ((SELECT coalesce(sum(n), 0) FROM access_counts WHERE kind = 'keys')
         - (SELECT count(*) FROM keys WHERE expires_at <= statement_timestamp()))::bigint AS keys,
       d.ago, d.sign_ups, d.sign_ins, d.sign_in_failures
FROM (SELECT coalesce(sum(admins), 0)::bigint AS admins, coalesce(sum(editors), 0)::bigint AS editors,
             coalesce(sum(viewers), 0)::bigint AS viewers, coalesce(sum(disabled), 0)::bigint AS disabled
      FROM user_counts) u,
     (SELECT coalesce(array_agg(day.ago), '{}')::bigint[] AS ago,
             coalesce(array_agg(day.sign_ups), '{}')::bigint[] AS sign_ups,
             coalesce(array_agg(day.sign_ins), '{}')::bigint[] AS sign_ins,
             coalesce(array_agg(day.sign_in_failures), '{}')::bigint[] AS sign_in_failures
      FROM (SELECT ((statement_timestamp() AT TIME ZONE 'UTC')::date - c.day)::bigint AS ago,
                   sum(c.sign_ups) AS sign_ups, sum(c.sign_ins) AS sign_ins, sum(c.sign_in_failures) AS sign_in_failures
            FROM day_counts c
            WHERE c.day > (statement_timestamp() AT TIME ZONE 'UTC')::date - sqlc.arg(days)::integer
              AND c.day <= (statement_timestamp() AT TIME ZONE 'UTC')::date
            GROUP BY c.day) day) d;

-- CountSignInFailures adds what happened in the last moments, to the day on which it
-- began. One statement for any number of them, and its slot is that of its connection.
-- name: CountSignInFailures :exec
INSERT INTO day_counts (day, slot, sign_in_failures)
VALUES (((statement_timestamp() - make_interval(secs => sqlc.arg(seconds_ago)::float8)) AT TIME ZONE 'UTC')::date,
        pg_backend_pid() % 16, sqlc.arg(n)::bigint)
ON CONFLICT (day, slot) DO UPDATE SET sign_in_failures = day_counts.sign_in_failures + excluded.sign_in_failures;
