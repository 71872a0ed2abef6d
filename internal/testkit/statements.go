package testkit

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// Statements counts what is asked of a database, by the names that the queries
// have. It is the log of the pool that it counts: hand it to db.Open with
// [Statements.Log], or to a server with [CountStatements]. The zero value is ready.
type Statements struct {
	// Each, if it is set, is called after each statement with its name.
	Each func(name string)

	mu     sync.Mutex
	counts map[string]int
}

// CountStatements counts what a server asks of its database.
func CountStatements(s *Statements) Option {
	return func(o *settings) { o.statements = s.Log() }
}

// Log is a log that counts.
func (s *Statements) Log() *slog.Logger { return slog.New(counting{s}) }

// Of is how often the queries of these names were asked so far.
func (s *Statements) Of(names ...string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, name := range names {
		n += s.counts[name]
	}
	return n
}

// All is how often each was asked so far. A statement without a name is called by
// its first word.
func (s *Statements) All() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int, len(s.counts))
	for name, n := range s.counts {
		all[name] = n
	}
	return all
}

type counting struct{ *Statements }

// Enabled lets statements through, which are logged at debug.
func (counting) Enabled(context.Context, slog.Level) bool { return true }

// Handle counts a statement.
func (c counting) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "sql" {
			return true
		}
		name := nameOf(a.Value.String())
		c.mu.Lock()
		if c.counts == nil {
			c.counts = map[string]int{}
		}
		c.counts[name]++
		c.mu.Unlock()
		if c.Each != nil {
			c.Each(name)
		}
		return false
	})
	return nil
}

// WithAttrs is not used by a pool.
func (c counting) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup is not used by a pool.
func (c counting) WithGroup(string) slog.Handler { return c }

// nameOf reads the comment that generated queries begin with.
func nameOf(sql string) string {
	words := strings.Fields(sql)
	if len(words) > 2 && words[0] == "--" && words[1] == "name:" {
		return words[2]
	}
	if len(words) == 0 {
		return ""
	}
	return strings.ToLower(words[0])
}
