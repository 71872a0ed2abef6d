package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/embedded"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/server"
)

// database is the PostgreSQL that a command other than serve works on.
type database struct {
	url     string
	pool    *pgxpool.Pool
	builtIn *embedded.Server // nil for one that others run
}

// openDatabase finds the database with or without a running server, and starts
// the built-in one where it does not run. It does not migrate: a command that only
// reads changes nothing.
func openDatabase(ctx context.Context, c config.Database) (*database, error) {
	if err := c.Check(); err != nil {
		return nil, misuse{err}
	}
	d := &database{url: c.URL}
	if d.url == "" {
		var err error
		if d.builtIn, err = embedded.Open(ctx, embedded.Options{DataDir: c.DataDir, Log: quiet()}); err != nil {
			return nil, err
		}
		d.url = d.builtIn.URL("")
	}
	var err error
	if d.pool, err = db.Open(d.url, db.Options{Timeout: server.MaxDeadline, Log: quiet()}); err != nil {
		d.close(ctx)
		return nil, misuse{err}
	}
	if err := reach(ctx, d.pool); err != nil {
		d.close(ctx)
		return nil, err
	}
	return d, nil
}

// openMigrated opens the database and brings it to this version.
func openMigrated(ctx context.Context, c config.Database) (*database, error) {
	d, err := openDatabase(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, d.url, quiet()); err != nil {
		d.close(ctx)
		return nil, err
	}
	return d, nil
}

// close lets go of the database; the built-in one stops, unless a server uses it.
func (d *database) close(ctx context.Context) {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.builtIn != nil {
		if !d.builtIn.Attached() {
			waitForOthers(ctx, d.url)
		}
		_ = d.builtIn.Stop(context.WithoutCancel(ctx)) // bounded; what was committed is safe either way
	}
}

// waitForOthers waits while another command uses the PostgreSQL that this one
// started. It ends with ctx, and where nobody can be asked.
func waitForOthers(ctx context.Context, url string) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var used bool
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())`).Scan(&used)
		if err != nil || !used {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// reach asks whether the database is there, and gives up long before the system
// would on a machine that does not answer.
func reach(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return pool.Ping(ctx)
}

// quiet is the log of commands that speak to a person: warnings and errors only.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
