package middleware

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/roster-api/roster/internal/problem"
)

// Log writes one line for each request once it is answered: no body, no query,
// no header. Server errors are logged as errors with their cause, refusals that have
// a cause as warnings, and a 503 by which Roster sheds load as any other answer.
func Log(log *slog.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			start := time.Now()
			seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() { line(log, r, seen, start) }() // of an answer that broke off, too
			next.ServeHTTP(seen, r)
		})
	}
}

func line(log *slog.Logger, r *http.Request, seen middleware.WrapResponseWriter, start time.Time) {
	request := problem.RequestFrom(r.Context())
	level := slog.LevelInfo
	caused := request.Fail != nil && request.Fail.Unwrap() != nil
	switch {
	case seen.Status() == http.StatusServiceUnavailable && !caused && !probe(r.URL.Path):
		// Shed on purpose, and in a flood by the thousand: an error is written at once.
	case seen.Status() >= 500:
		level = slog.LevelError
	case caused:
		level = slog.LevelWarn // a refusal that somebody should look into
	case probe(r.URL.Path):
		level = slog.LevelDebug
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	now := time.Now()
	attrs := [10]slog.Attr{
		slog.String("method", r.Method),
		slog.String("path", r.URL.EscapedPath()), // as sent: nothing in it can act on a terminal
		slog.String("route", chi.RouteContext(r.Context()).RoutePattern()),
		slog.Int("status", seen.Status()),
		slog.Int("bytes", seen.BytesWritten()),
		slog.Int64("us", now.Sub(start).Microseconds()),
		slog.String("client", request.Address()),
		slog.String("requestId", request.ID),
	}
	n := 8
	if request.Caller != nil {
		attrs[n] = slog.String("caller", request.Caller.Caller())
		n++
	}
	if request.Fail != nil && (caused || seen.Status() >= 500) {
		attrs[n] = slog.String("error", request.Fail.Error())
		n++
	}
	// Not log.LogAttrs: it looks up the caller, which is this line, each time.
	record := slog.NewRecord(now, level, "request", 0)
	record.AddAttrs(attrs[:n]...)
	_ = log.Handler().Handle(r.Context(), record) // as the logger itself does
}

// probe reports whether a path is one that machines ask every few seconds.
func probe(path string) bool { return path == "/health" || path == "/ready" || path == "/metrics" }
