// Package server puts the parts behind one port: the order of middleware, health,
// the document and its page, the console, the API.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/klauspost/compress/gzhttp"
	"github.com/redis/go-redis/v9"

	"github.com/roster-api/roster/internal/api"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/cache"
	"github.com/roster-api/roster/internal/etag"
	"github.com/roster-api/roster/internal/limit"
	"github.com/roster-api/roster/internal/middleware"
	"github.com/roster-api/roster/internal/problem"
	"github.com/roster-api/roster/internal/server/console"
	"github.com/roster-api/roster/internal/server/docs"
	"github.com/roster-api/roster/internal/tally"
)

// Bounds of a connection. A request has MaxDeadline to be worked on; the rest is
// for slow readers and writers.
const (
	MaxDeadline    = 10 * time.Second
	headerTimeout  = 5 * time.Second
	readTimeout    = 15 * time.Second
	writeTimeout   = 30 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
)

// inFlight is several times the connections to the database, so that they never idle
// and sign-ins that wait to be hashed leave room, and no more: what is worked on at once
// shares the processor's caches, and with twice as many a tenth less is answered where more
// comes than can be (TestTortureOverload).
var inFlight = middleware.Crowd{Turns: 48, Queue: 80, Wait: 500 * time.Millisecond}

// Options is what a server works with.
type Options struct {
	Pool      *pgxpool.Pool
	Log       *slog.Logger
	PublicURL *url.URL       // the outside address, or nil
	Exposed   bool           // other machines reach it: it listens off loopback
	HTTPS     bool           // the outside speaks HTTPS, here or at a proxy
	Proxies   []netip.Prefix // whose X-Forwarded-For counts
	Origins   []string       // other origins whose pages may call with the cookie
	Sessions  auth.Lifetimes
	Rates     middleware.Rates // without a rate for addresses, sign-ins are not limited either
	Deadline  time.Duration    // for the work on a request; 0: MaxDeadline
	InFlight  middleware.Crowd // how many requests are worked on at once; the zero value: inFlight
	Failures  *tally.Failures  // counts the sign-ins that fail; nil: nobody does
	Cache     *cache.Cache     // of the cached operations; nil: one of its own
	Redis     *redis.Client    // in which all servers count their callers; nil: each for itself
	Gate      *Gate            // who opens it lets requests in; nil: open from the start
}

// New makes the handler of everything. It does not touch the database.
func New(o Options) (http.Handler, error) {
	if o.Deadline == 0 {
		o.Deadline = MaxDeadline
	}
	if o.Gate == nil {
		o.Gate = new(Gate)
		o.Gate.Open()
	}
	if o.Cache == nil {
		o.Cache = cache.New(cache.Options{Log: o.Log})
	}
	if o.InFlight == (middleware.Crowd{}) {
		o.InFlight = inFlight
	}
	if o.Sessions == (auth.Lifetimes{}) {
		o.Sessions = auth.Lifetimes{Idle: time.Hour, Max: 24 * time.Hour}
	}
	cors, err := middleware.CORS(o.Origins)
	if err != nil {
		return nil, err
	}
	compress, err := gzhttp.NewWrapper(gzhttp.MinSize(1024), gzhttp.EnableZstd(false), gzhttp.SuffixETag(etag.Suffix))
	if err != nil {
		return nil, err
	}

	r := chi.NewRouter()
	r.Use(
		middleware.RequestID,
		middleware.Client(o.Proxies),
		middleware.Log(o.Log),
		middleware.Recover(o.Log),
		middleware.Headers(o.HTTPS),
		middleware.Host(o.PublicURL, o.Exposed),
		cors,
		middleware.Body(api.MaxBody),
		func(next http.Handler) http.Handler { return compress(next) },
		chimiddleware.GetHead,
	)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		problem.New(problem.NotFound, "").Write(w, r)
	})
	r.MethodNotAllowed(methodNotAllowed)

	r.Get("/health", health)
	r.Get("/ready", o.Gate.ready(o.Pool))
	r.Mount("/docs", docs.Handler())
	console.Mount(r)

	crowd := middleware.NewInFlight(o.InFlight)
	verifier := auth.NewVerifier(o.Pool, o.Sessions, o.Log)
	limiter := limit.New()
	if o.Redis != nil {
		limiter = limit.Shared(o.Redis, o.Log)
	}
	signIns := limit.SignIn{Limiter: limiter}
	if !o.Rates.Address.Off() {
		signIns.Address, signIns.Account = limit.SignInAddress, limit.SignInAccount
	}
	var described huma.API
	r.Group(func(r chi.Router) {
		r.Use(
			o.Gate.guard,
			crowd.Wrap,
			middleware.Deadline(o.Deadline),
			middleware.CrossOrigin(o.PublicURL, o.Origins),
			middleware.Credential(verifier),
		)
		described = api.New(r, api.Needs{
			Pool: o.Pool, Passwords: auth.NewPasswords(), Verifier: verifier, Lifetimes: o.Sessions,
			SignIns: signIns, Limits: middleware.NewLimits(limiter, o.Rates), Failures: o.Failures, Cache: o.Cache,
		})
	})
	serveDocument(r, described)

	// A probe asks every few seconds and needs nothing of the above but this.
	answers, live := middleware.Answers(o.PublicURL, o.Exposed), middleware.Headers(o.HTTPS)(http.HandlerFunc(health))
	shed := newShed(crowd, answers, middleware.Headers(o.HTTPS)(middleware.Body(api.MaxBody)(http.HandlerFunc(middleware.Refuse))), o.Log)
	return &handler{shed: shed, Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		grow()

		switch {
		case req.URL.Path == "/health" && (req.Method == http.MethodGet || req.Method == http.MethodHead) && answers(req.Host, req.URL.Path):
			middleware.SetRequestID(w, req)
			live.ServeHTTP(w, req)
		case shed.takes(req):
			shed.ServeHTTP(w, req)
		default:
			r.ServeHTTP(w, req)
		}
	})}, nil
}

// handler is what New makes: it can do a part of its work before net/http does.
type handler struct {
	http.Handler
	shed *shed
}

// Serve answers on l, which may be one of [TLS], until ctx ends; then it lets what
// is in flight end, for as long as grace, and returns.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger, grace time.Duration) error {
	if h, ok := h.(*handler); ok {
		l = shedding{l, h.shed}
	}
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// Else OPTIONS * is answered before the handler: no id, no headers, no log.
		DisableGeneralOptionsHandler: true,
		// Else a client that reads nothing keeps its connection for ever: there,
		// WriteTimeout ends only the stream.
		HTTP2:    &http.HTTP2Config{WriteByteTimeout: writeTimeout},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	// The context has ended; what is in flight gets a time of its own.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(bounded)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close()
	}
	return err
}

// methodNotAllowed answers 405 with the methods that the path does have. A method
// that HTTP does not know comes here for every path, so there may be none.
func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes := chi.RouteContext(r.Context()).Routes
	var allowed []string
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		asked := method
		if method == http.MethodHead {
			asked = http.MethodGet
		}
		if routes.Match(chi.NewRouteContext(), asked, r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	if allowed == nil {
		problem.New(problem.NotFound, "").Write(w, r)
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	problem.New(problem.MethodNotAllowed, "").Write(w, r)
}
