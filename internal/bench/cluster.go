package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/embedded"
)

// cluster is the PostgreSQL that all programs use.
type cluster struct {
	builtIn    *embedded.Server // nil when DATABASE_URL names another
	admin      string           // a URL whose role may make databases
	version    string
	postmaster int // 0: it runs elsewhere, so its CPU time is unknown
}

// openCluster starts a PostgreSQL with Roster's own settings in dir, or takes the
// one at url.
func openCluster(ctx context.Context, dir, url string) (*cluster, error) {
	c := &cluster{admin: url}
	if url == "" {
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		var err error
		if c.builtIn, err = embedded.Start(ctx, embedded.Options{DataDir: filepath.Join(dir, "postgres"), Log: log}); err != nil {
			return nil, err
		}
		c.admin = c.builtIn.AdminURL("postgres")
	}
	err := c.with(ctx, c.admin, func(conn *pgx.Conn) error {
		if err := conn.QueryRow(ctx, "SHOW server_version").Scan(&c.version); err != nil {
			return err
		}
		var backend int
		if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
			return err
		}
		// On another machine, or in another container, that id means nothing here.
		if s, err := readStat(backend); err == nil && strings.HasPrefix(s.name, "postgres") {
			c.postmaster = s.parent
		}
		return nil
	})
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *cluster) close() {
	if c.builtIn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = c.builtIn.Stop(ctx) // its folder is thrown away
	}
}

func (c *cluster) with(ctx context.Context, url string, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// database returns the URL of a database with so many users, and makes it unless
// an earlier run has left it.
func (c *cluster) database(ctx context.Context, users int, say func(string)) (string, error) {
	name := fmt.Sprintf("roster_bench_%d", users)
	where, err := c.url(name)
	if err != nil {
		return "", err
	}
	var there bool
	err = c.with(ctx, c.admin, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there)
	})
	if err != nil {
		return "", err
	}
	if there {
		if there, err = c.holds(ctx, where, users); err != nil {
			return "", err
		}
	}
	if !there {
		if err := c.fill(ctx, name, where, users, say); err != nil {
			return "", err
		}
	}
	return where, c.settle(ctx, where)
}

// holds reports whether the database is of this version and has about so many users.
func (c *cluster) holds(ctx context.Context, where string, users int) (bool, error) {
	steps, err := db.Migrations(ctx, where)
	if err != nil {
		return false, err
	}
	for _, step := range steps {
		if step.Applied == nil {
			return false, nil
		}
	}
	var count, kept int
	err = c.with(ctx, where, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DELETE FROM users WHERE email LIKE '%@"+benchDomain+"'")
		if err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT count(*), (SELECT sum(admins + editors + viewers) FROM user_counts) FROM users").Scan(&count, &kept)
	})
	return count == users && kept == users, err
}

func (c *cluster) fill(ctx context.Context, name, where string, users int, say func(string)) error {
	err := c.with(ctx, c.admin, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name); err != nil {
			return err
		}
		create := "CREATE DATABASE " + name
		if c.builtIn != nil {
			create += " OWNER " + embedded.Database
		}
		_, err := conn.Exec(ctx, create)
		return err
	})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, where, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	pool, err := db.Open(where, db.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	return db.SeedUsers(ctx, pool, users, func(done int) { say(fmt.Sprintf("%d of %d users", done, users)) })
}

// settle does what PostgreSQL would else do in the background while it is measured.
func (c *cluster) settle(ctx context.Context, where string) error {
	err := c.with(ctx, where, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "VACUUM (ANALYZE)")
		return err
	})
	if err != nil {
		return err
	}
	return c.with(ctx, c.admin, func(conn *pgx.Conn) error {
		_, _ = conn.Exec(ctx, "CHECKPOINT") // the role of a DATABASE_URL may not be allowed to
		return nil
	})
}

// url is the URL of another database.
func (c *cluster) url(database string) (string, error) {
	if c.builtIn != nil {
		return c.builtIn.URL(database), nil
	}
	u, err := url.Parse(c.admin)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("DATABASE_URL must be a postgres:// URL")
	}
	u.Path = "/" + database
	return u.String(), nil
}
