package db

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// tracer logs every statement at debug: its text, which holds no values, and how
// long it took.
type tracer struct{ log *slog.Logger }

type traced struct {
	sql   string
	start time.Time
}

type tracedKey struct{}

// TraceQueryStart notes the statement.
func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, tracedKey{}, traced{data.SQL, time.Now()})
}

// TraceQueryEnd logs it.
func (t tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if q, ok := ctx.Value(tracedKey{}).(traced); ok {
		t.log.DebugContext(ctx, "query", "sql", q.sql, "us", time.Since(q.start).Microseconds(),
			"rows", data.CommandTag.RowsAffected(), "failed", data.Err != nil)
	}
}
