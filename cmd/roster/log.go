package main

import (
	"context"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/roster-api/roster/internal/config"
)

// newLog makes the log of a server that runs until ctx ends. From then on every
// line is written at once, as warnings and errors always are. flush writes what
// still waits.
func newLog(ctx context.Context, file *os.File, c config.Log) (log *slog.Logger, flush func()) {
	options := &slog.HandlerOptions{Level: c.SlogLevel()}
	if textual(file, c) {
		return slog.New(slog.NewTextHandler(file, options)), func() {}
	}
	out := &gathered{file: file}
	context.AfterFunc(ctx, out.direct)
	return slog.New(urgent{jsonLines{slog.NewJSONHandler(out, options), out}, out}), out.flush
}

// textual reports whether a person reads the log.
func textual(file *os.File, c config.Log) bool {
	return c.Format == "text" || c.Format == "auto" && term.IsTerminal(int(file.Fd()))
}

// urgent writes warnings and errors at once.
type urgent struct {
	slog.Handler
	out *gathered
}

// Handle hands the record on, and lets no warning wait.
func (u urgent) Handle(ctx context.Context, r slog.Record) error {
	err := u.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		u.out.flush()
	}
	return err
}

// WithAttrs keeps what it makes urgent, too.
func (u urgent) WithAttrs(attrs []slog.Attr) slog.Handler {
	return urgent{u.Handler.WithAttrs(attrs), u.out}
}

// WithGroup does as WithAttrs.
func (u urgent) WithGroup(name string) slog.Handler {
	return urgent{u.Handler.WithGroup(name), u.out}
}
