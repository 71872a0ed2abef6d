package db_test

import (
	"log/slog"
	"testing"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/testkit"
)

// TestURLSizesThePool: a setting of the pool is none of the server's, for no connection.
func TestURLSizesThePool(t *testing.T) {
	t.Parallel()
	url := testkit.Database(t) + "&pool_max_conns=3"
	if err := db.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	if _, err := db.Migrations(t.Context(), url); err != nil {
		t.Error(err)
	}
	pool, err := db.Open(url, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if n := pool.Config().MaxConns; n != 3 {
		t.Errorf("the pool takes %d connections", n)
	}
	if err := db.Ping(t.Context(), pool); err != nil {
		t.Error(err)
	}
}
