package embedded

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

type conn = *pgx.Conn

// withConn runs f on a connection of its own and closes it.
func withConn(ctx context.Context, url string, f func(conn) error) error {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	return f(c)
}

// ping connects and asks once. Its own deadline keeps a server that hangs from holding a start.
func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return withConn(ctx, url, func(c conn) error { return c.Ping(ctx) })
}

func serverVersion(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var version string
	err := withConn(ctx, url, func(c conn) error {
		return c.QueryRow(ctx, "SHOW server_version").Scan(&version)
	})
	version, _, _ = strings.Cut(version, " ") // "15.8 (Debian 15.8-0)"
	return version, err
}
