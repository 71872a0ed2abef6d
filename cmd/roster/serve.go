package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/db/embedded"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/config"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/middleware"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/storage"
	"github.com/roster-api/roster/internal/tally"
)

type serveCmd struct {
	config.Config

	rates middleware.Rates
}

// Help is what roster serve --help adds.
func (serveCmd) Help() string {
	return `Secrets come from the environment or from a file, never from a flag: DATABASE_URL, or DATABASE_URL_FILE for the path of a file that holds it, is postgres://user:password@host:5432/database, a PostgreSQL from 15 on. Empty: the built-in PostgreSQL.

REDIS_URL (or REDIS_URL_FILE) is redis://user:password@host:6379/0, a Redis or Valkey in which several servers share their limits and their cache. Empty: each has its own. While it is away, each has its own, too.

At the start the database is brought to this version. While it cannot be reached, /health answers 200, /ready and all requests 503, and Roster tries again; a database that answers with a refusal (a wrong password, no such database, a version that does not fit) ends Roster with a line that says so.

ROSTER_ADMIN_PASSWORD and ROSTER_AUDIT_KEY are such secrets, too: the password of the first admin, who is made when no admin can sign in (without it one is made up, and shown once on the terminal), and the key that seals the audit log (without it one is made in the data folder).

SIGTERM or Ctrl+C: /ready says no, what is in flight ends, then Roster does. A second one ends it at once.`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context) error {
	tuneMemory()
	if err := c.Check(); err != nil {
		return misuse{err}
	}
	var err error
	if c.rates, err = rates(&c.Config); err != nil {
		return misuse{err}
	}
	if err := checkAdmin(&c.Config); err != nil {
		return misuse{err}
	}
	log, flush := newLog(ctx, os.Stderr, c.Log)
	defer flush()
	var wrong misuse
	switch err := c.serve(ctx, log); {
	case err == nil, errors.Is(err, context.Canceled):
		log.Info("stopped")
		return nil
	case textual(os.Stderr, c.Log), errors.As(err, &wrong):
		return err
	default:
		log.Error("stopped", "error", explain(err))
		return errSaid
	}
}

// serve builds everything, and takes everything down in the opposite order.
func (c *serveCmd) serve(ctx context.Context, log *slog.Logger) error {
	var shared *redis.Client
	if c.RedisURL != "" {
		var err error
		if shared, err = storage.OpenRedis(c.RedisURL, redisChanged(log)); err != nil {
			return misuse{err}
		}
		defer shared.Close()
	}
	url, where, dataDir := c.URL, "the database of DATABASE_URL", ""
	var builtIn *embedded.Server
	if url == "" {
		var err error
		builtIn, err = embedded.Start(ctx, embedded.Options{DataDir: c.DataDir, Log: log})
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err() // told to stop while it started
		case err != nil:
			return err
		}
		defer stopDatabase(ctx, builtIn, log)
		dataDir = builtIn.DataDir()
		url, where = builtIn.URL(""), fmt.Sprintf("%s (PostgreSQL %s)", builtIn.DataDir(), builtIn.Version())
	}

	pool, err := db.Open(url, db.Options{Timeout: server.MaxDeadline, Log: log})
	if err != nil {
		return misuse{err}
	}
	defer pool.Close()

	kept := cache.New(cache.Options{Redis: shared, Log: log})
	defer kept.Close()
	failures := tally.NewFailures()

	var gate server.Gate
	handler, err := server.New(server.Options{
		Pool: pool, Log: log, Gate: &gate,
		PublicURL: c.Public, Exposed: c.Exposed(), HTTPS: c.HTTPS(), Proxies: c.Proxies, Origins: c.Origins,
		Sessions: auth.Lifetimes(c.Sessions),
		Rates:    c.rates,
		Redis:    shared, Cache: kept, Failures: failures,
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; stop what does, or choose another address with ROSTER_ADDR", c.Addr, cause(err))
	}

	if c.TLSCert != "" {
		if listener, err = server.TLS(listener, c.TLSCert, c.TLSKey, log); err != nil {
			return err
		}
	}

	// The first of these to fail ends the others.
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		serving, end := context.WithCancel(context.WithoutCancel(ctx))
		defer end()
		go func() {
			<-ctx.Done()
			drain(&gate, log)
			end()
		}()
		err := server.Serve(serving, listener, handler, log, config.Grace)
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = failures.Flush(last, pool) // of requests that were in flight
		return err
	})
	all.Go(func() error {
		announce := func(made *newAdmin) { c.announce(log, listener.Addr(), where, made) }
		prepare := func(ctx context.Context) (*newAdmin, error) {
			if err := db.Migrate(ctx, url, log); err != nil {
				return nil, err
			}
			return firstAdmin(ctx, pool, &c.Config, dataDir, textual(os.Stderr, c.Log) && term.IsTerminal(int(os.Stderr.Fd())))
		}
		if err := open(ctx, &gate, pool, prepare, log, announce); err != nil {
			return err
		}
		all.Go(func() error { return sweep(ctx, pool, c.Sessions.Idle, log) })
		all.Go(func() error { failures.Run(ctx, pool, log); return nil })
		sealAudit(ctx, pool, &c.Config, log)
		return nil
	})
	if builtIn != nil {
		all.Go(func() error {
			select {
			case <-builtIn.Done():
				return fmt.Errorf("the built-in PostgreSQL is gone for good: %w", builtIn.Err())
			case <-ctx.Done():
				return nil
			}
		})
	}
	return all.Wait()
}

// redisChanged says when Redis goes and when it is back.
func redisChanged(log *slog.Logger) func(error) {
	return func(err error) {
		if err != nil {
			log.Warn("Redis is away: the cache is each server's own", "error", err)
			return
		}
		log.Info("Redis is back")
	}
}

// rates reads the limits. Without one for addresses there are none at all: a
// credential that is worth less than none would be absurd.
func rates(c *config.Config) (middleware.Rates, error) {
	address, err := limit.ParseRate(c.RateLimit)
	if err != nil {
		return middleware.Rates{}, fmt.Errorf("ROSTER_RATE_LIMIT: %w", err)
	}
	caller, err := limit.ParseRate(c.RateLimitCaller)
	if err != nil {
		return middleware.Rates{}, fmt.Errorf("ROSTER_RATE_LIMIT_CALLER: %w", err)
	}
	if address.Off() {
		return middleware.Rates{}, nil
	}
	return middleware.Rates{Address: address, Caller: caller}, nil
}

// open prepares the database and then lets requests in. A database that is away at the start
// is no different from one that goes away later: it may take its time.
func open(ctx context.Context, gate *server.Gate, pool *pgxpool.Pool, prepare func(context.Context) (*newAdmin, error), log *slog.Logger, announce func(*newAdmin)) error {
	var said string
	for try := 0; ; try++ {
		var made *newAdmin
		err := reach(ctx, pool)
		if err == nil {
			made, err = prepare(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			gate.Open()
			if try > 0 {
				log.Info("the database is there")
			}
		case problem.From(err).Code != problem.Unavailable:
			return err
		}
		if try == 0 || made != nil {
			announce(made)
		}
		if err == nil {
			return nil
		}
		if text := explain(err); text != said {
			log.Warn("the database is away; trying again until it is there", "error", text)
			said = text
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// sweep removes what has expired, every minute. What fails is tried again.
func sweep(ctx context.Context, pool *pgxpool.Pool, idle time.Duration, log *slog.Logger) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := errors.Join(db.Sweep(ctx, pool), db.SweepIdleSessions(ctx, pool, idle)); err != nil && ctx.Err() == nil {
			log.Debug("what has expired could not be removed", "error", explain(err))
		}
	}
}

// drain gives those who ask /ready the time to hear no, and to send requests
// elsewhere, before the port closes. Where nobody asks, nobody waits.
func drain(gate *server.Gate, log *slog.Logger) {
	asked := gate.Drain()
	log.Info("stopping", "drain", asked)
	if asked {
		time.Sleep(config.Drain)
	}
}

// announce says where things are: to a person in lines, to a log in one. A
// password is shown to a person only.
func (c *serveCmd) announce(log *slog.Logger, at net.Addr, data string, made *newAdmin) {
	host, _, _ := net.SplitHostPort(c.Addr)
	_, port, _ := net.SplitHostPort(at.String())
	scheme := "http://"
	if c.TLSCert != "" {
		scheme = "https://"
	}
	base := scheme + net.JoinHostPort(host, port)
	if c.Public != nil {
		base = c.Public.Scheme + "://" + c.Public.Host
	}
	if textual(os.Stderr, c.Log) {
		fmt.Fprintf(os.Stderr, "\n  Roster %s is serving\n\n    Console   %s/\n    API       %s/api/users\n    Docs      %s/docs\n    Document  %s/openapi.yaml\n    Data      %s\n", version(), base, base, base, base, data)
		if made != nil && made.password != "" {
			fmt.Fprintf(os.Stderr, "\n  The first admin; the password is shown this once:\n\n    Email     %s\n    Password  %s\n", made.email, made.password)
		}
		if made != nil && made.file != "" {
			fmt.Fprintf(os.Stderr, "\n  The first admin is %s; the password is in %s: keep it elsewhere and remove the file.\n", made.email, made.file)
		}
		fmt.Fprint(os.Stderr, "\n  Ctrl+C stops it.\n\n")
		return
	}
	log.Info("serving", "version", version(), "console", base+"/", "api", base+"/api/users", "docs", base+"/docs", "document", base+"/openapi.yaml", "data", data)
	if made != nil && made.file != "" {
		log.Warn("the first admin was made; keep the password and remove the file", "email", made.email, "file", made.file)
	}
}

func stopDatabase(ctx context.Context, s *embedded.Server, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		log.Warn("the built-in PostgreSQL did not stop cleanly; its next start will recover", "error", err)
	}
}

// cause is what the system said, without the address that [net] puts around it.
func cause(err error) error {
	var system *os.SyscallError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}
