package problem

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// away holds the SQLSTATE classes and codes that say "not now", not "never".
// https://www.postgresql.org/docs/current/errcodes-appendix.html
var away = []string{
	"08",    // connection exception
	"53",    // insufficient resources: disk full, out of memory, too many connections
	"57",    // operator intervention: shutdown, crash, statement timeout
	"58",    // system error: an I/O error
	"25006", // read-only transaction: a standby, or a server put to read-only
	"25P03", // idle in transaction too long
	"40001", // serialization failure
	"40P01", // deadlock
	"55P03", // lock not available
}

// databaseAway reports whether err means that the database, or the way to it, is
// not able to answer just now.
func databaseAway(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && len(pg.Code) == 5 {
		return slices.Contains(away, pg.Code[:2]) || slices.Contains(away, pg.Code)
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err)
}
