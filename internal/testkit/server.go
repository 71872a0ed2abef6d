package testkit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/db"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/middleware"
	"github.com/roster-api/roster/internal/server"
	"github.com/roster-api/roster/internal/tally"
)

// Server is Roster on a loopback port, with a database of the test's own.
type Server struct {
	URL         string
	DatabaseURL string
	Pool        *pgxpool.Pool   // the server's own
	HTTP        *http.Client    // follows no redirects
	Log         *Log            // all that the server logged, from info on
	Cache       *cache.Cache    // the server's own
	Failures    *tally.Failures // sign-ins that failed, until the test flushes them
}

// Option is a setting of a [Server].
type Option func(*settings)

type settings struct {
	server.Options
	database   string
	statements *slog.Logger
}

// Deadline bounds the work on a request; else it is the usual one.
func Deadline(d time.Duration) Option { return func(s *settings) { s.Deadline = d } }

// PublicURL is the outside address; else there is none.
func PublicURL(address string) Option {
	return func(s *settings) {
		u, err := url.Parse(address)
		if err != nil {
			panic(err)
		}
		s.PublicURL = u
	}
}

// Lifetimes bound the sessions; else they are the usual ones.
func Lifetimes(idle, max time.Duration) Option {
	return func(s *settings) { s.Sessions = auth.Lifetimes{Idle: idle, Max: max} }
}

// Rates limit requests; else nothing does.
func Rates(address, caller string) Option {
	return func(s *settings) {
		s.Rates = middleware.Rates{Address: rate(address), Caller: rate(caller)}
	}
}

func rate(text string) limit.Rate {
	r, err := limit.ParseRate(text)
	if err != nil {
		panic(err)
	}
	return r
}

// Proxies are trusted with the client's address; else nobody is.
func Proxies(prefixes ...string) Option {
	return func(s *settings) {
		for _, p := range prefixes {
			s.Proxies = append(s.Proxies, netip.MustParsePrefix(p))
		}
	}
}

// Origins are the other origins whose pages may call; else there are none.
func Origins(origins ...string) Option {
	return func(s *settings) { s.Origins = origins }
}

// WithRedis is what servers share their limits in; else each counts for itself.
func WithRedis(c *redis.Client) Option { return func(s *settings) { s.Redis = c } }

// WithGate is the gate that the test opens; else it is open.
func WithGate(g *server.Gate) Option { return func(s *settings) { s.Gate = g } }

// WithDatabase is where the data is, such as a [Proxy] in front of it; else a new
// database.
func WithDatabase(url string) Option { return func(s *settings) { s.database = url } }

// New starts a server. It ends with the test.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	log := &Log{}
	o := settings{Options: server.Options{Deadline: server.MaxDeadline}}
	for _, option := range options {
		option(&o)
	}
	if o.database == "" {
		o.database = Database(t)
	}
	o.Log = slog.New(slog.NewJSONHandler(log, nil))
	pool, err := db.Open(o.database, db.Options{Timeout: o.Deadline, Log: o.statements})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	o.Pool, o.Failures, o.Cache = pool, tally.NewFailures(), cache.New(cache.Options{})
	t.Cleanup(o.Cache.Close)
	handler, err := server.New(o.Options)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)
	s.Start()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		s.Close()
	})
	return &Server{
		URL: s.URL, DatabaseURL: o.database, Pool: pool, Log: log, Failures: o.Failures, Cache: o.Cache,
		HTTP: &http.Client{
			Transport:     transport,
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}
