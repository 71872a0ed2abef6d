// Package db holds what Roster asks of PostgreSQL: the migrations, the pool, and
// the few statements that sqlc cannot write.
package db

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/roster-api/roster/db/dbsqlc"
)

// MinVersion is the oldest PostgreSQL that Roster runs on.
const MinVersion = 15

//go:embed migrations/*.sql
var migrations embed.FS

// Options say how a pool behaves.
type Options struct {
	// Timeout bounds a connection's start and each statement, on the server's side
	// too, so that a client that gave up leaves no work behind. 0: no bound.
	Timeout time.Duration
	// Log gets every statement at debug, without its values.
	Log *slog.Logger
}

// maxConns is the size of the pool unless the URL's pool_max_conns says another:
// more than the cores of a small server, so that a slow statement does not hold
// up the others, and few enough for many replicas on one PostgreSQL.
const maxConns = 10

// Open makes the one pool of the process. It does not connect: a database that is
// away at the start is no different from one that goes away later.
func Open(url string, o Options) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errURL
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = maxConns
	}
	set := config.ConnConfig.RuntimeParams
	if _, named := set["application_name"]; !named {
		set["application_name"] = "roster"
	}
	set["timezone"] = "UTC"
	// Every statement is written for one plan, which the tests hold it to; planning
	// again by the values costs more than the statement and may be worse.
	set["plan_cache_mode"] = "force_generic_plan"
	set["jit"] = "off"
	if o.Timeout > 0 {
		config.ConnConfig.ConnectTimeout = o.Timeout
		set["statement_timeout"] = fmt.Sprint(o.Timeout.Milliseconds())
		set["idle_in_transaction_session_timeout"] = fmt.Sprint(o.Timeout.Milliseconds())
	}
	if o.Log != nil && o.Log.Enabled(context.Background(), slog.LevelDebug) {
		config.ConnConfig.Tracer = tracer{o.Log}
	}
	config.AfterConnect = prepare
	return pgxpool.NewWithConfig(context.Background(), config)
}

// errURL stands for the parser's own error, whose text repeats the URL and so the
// password in it.
var errURL = errors.New("DATABASE_URL is not a PostgreSQL address; write it as postgres://user:password@host:5432/database")

// prepare teaches a connection Roster's types.
func prepare(_ context.Context, conn *pgx.Conn) error {
	// Times leave in UTC, whatever the zone of this machine.
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	conn.TypeMap().RegisterType(&pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}})
	return nil
}

// Ping reports whether the database answers a statement and is ours to write to.
func Ping(ctx context.Context, pool *pgxpool.Pool) error {
	var readOnly bool
	if err := pool.QueryRow(ctx, "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean").Scan(&readOnly); err != nil {
		return err
	}
	if readOnly {
		return errors.New("the database is read-only")
	}
	return nil
}

// InTx runs a function in one transaction (read committed). What it returns ends
// the transaction: an error takes everything back.
func InTx(ctx context.Context, pool *pgxpool.Pool, run func(ctx context.Context, q *dbsqlc.Queries) error) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return run(ctx, dbsqlc.New(tx)) })
}

// Migrate brings the database at url to the newest version. Any number of
// processes may call it at once: one works, the others wait.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	return withProvider(ctx, url, func(p *goose.Provider, _ bool) error {
		results, err := p.Up(ctx)
		for _, r := range results {
			log.Info("migrated", "version", r.Source.Version, "took", r.Duration.Round(time.Millisecond).String())
		}
		return err
	})
}

// Migration is one step of the schema, and when it was taken; a nil time: not yet.
type Migration struct {
	Version int64
	Name    string
	Applied *time.Time
}

// Migrations lists every step in order. It changes nothing.
func Migrations(ctx context.Context, url string) ([]Migration, error) {
	var steps []Migration
	err := withProvider(ctx, url, func(p *goose.Provider, begun bool) error {
		if !begun { // p.Status would make goose's table
			for _, s := range p.ListSources() {
				steps = append(steps, Migration{Version: s.Version, Name: s.Path})
			}
			return nil
		}
		status, err := p.Status(ctx)
		for _, s := range status {
			step := Migration{Version: s.Source.Version, Name: s.Source.Path}
			if s.State == goose.StateApplied {
				step.Applied = &s.AppliedAt
			}
			steps = append(steps, step)
		}
		return err
	})
	return steps, err
}

// withProvider runs a function on the database at url once it is known to be one
// that this Roster can work with; begun tells whether one has worked on it before.
func withProvider(ctx context.Context, url string, run func(p *goose.Provider, begun bool) error) error {
	config, err := pgxpool.ParseConfig(url) // which knows the pool's settings from the server's
	if err != nil {
		return errURL
	}
	sqlDB := stdlib.OpenDB(*config.ConnConfig)
	defer sqlDB.Close()

	var version int
	if err := sqlDB.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int / 10000").Scan(&version); err != nil {
		return err
	}
	if version < MinVersion {
		return fmt.Errorf("the database is PostgreSQL %d; Roster needs %d or later", version, MinVersion)
	}

	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	// Whoever waits asks again every second, so that all are soon there once the one
	// that works is done, or was killed; and for an hour, as long as the work may take.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 3600))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, sqlDB, dir, goose.WithSessionLocker(locker))
	if err != nil {
		return err
	}

	var begun bool
	if err := sqlDB.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", goose.DefaultTablename).Scan(&begun); err != nil {
		return err
	}
	if begun {
		var have int64
		if err := sqlDB.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+goose.DefaultTablename).Scan(&have); err != nil {
			return err
		}
		sources := provider.ListSources()
		if know := sources[len(sources)-1].Version; have > know {
			return fmt.Errorf("the database is at version %d, made by a newer Roster; this one knows versions up to %d: run the newer one", have, know)
		}
	}
	return run(provider, begun)
}

// Violates reports whether err is the database's refusal by the constraint of
// that name.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && len(pg.Code) == 5 && pg.Code[:2] == "23" && pg.ConstraintName == constraint
}
