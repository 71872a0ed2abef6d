package server

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/problem"
)

// Gate says whether requests are let in. A new one is closed: until the database
// was brought to this version, nothing can be answered from it.
type Gate struct {
	open, draining atomic.Bool
	asked          atomic.Int64 // when /ready was last asked, in Unix seconds
}

// Open lets requests in.
func (g *Gate) Open() { g.open.Store(true) }

// Drain makes /ready say no, while requests are still answered. It reports whether
// anybody has asked /ready in the last minute, and so will hear of it.
func (g *Gate) Drain() (heard bool) {
	g.draining.Store(true)
	return time.Since(time.Unix(g.asked.Load(), 0)) < time.Minute
}

// guard refuses requests while the gate is closed.
func (g *Gate) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.open.Load() {
			problem.New(problem.Unavailable, "The database is not prepared yet; try again.").Write(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readyTimeout bounds the question to the database: who asks whether a replica is
// ready has little patience.
const readyTimeout = 2 * time.Second

// ready says whether requests can be answered, and shall come here: the gate is
// open, and the database is there and ours to write to.
func (g *Gate) ready(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.asked.Store(time.Now().Unix())
		switch {
		case g.draining.Load():
			problem.New(problem.Unavailable, "The server is stopping.").Write(w, r)
			return
		case !g.open.Load():
			problem.New(problem.Unavailable, "The database is not prepared yet; try again.").Write(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := db.Ping(ctx, pool); err != nil {
			problem.New(problem.Unavailable, "The database is away.").WithCause(err).Write(w, r)
			return
		}
		answerOK(w)
	}
}
