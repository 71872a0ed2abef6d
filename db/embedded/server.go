package embedded

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Server is a PostgreSQL that answers. It is safe for use by several goroutines.
type Server struct {
	options  Options
	layout   layout
	account  *account
	binaries binaries
	lock     *lock
	sink     *sink
	log      *slog.Logger
	password string
	version  string // of a server that was attached to

	life context.Context // ends when Stop is called
	end  context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	process *process // nil for a server that was attached to
	address address
	pid     int // of a server that was attached to
	err     error
}

// URL is the connection string for a database of this server as the role that owns Database. An empty name
// means Database. It holds the password: do not log it.
func (s *Server) URL(database string) string {
	if database == "" {
		database = Database
	}
	return connString(s.at(), Database, s.password, database)
}

// AdminURL is the same as the superuser: for tests that make databases, and for backups.
func (s *Server) AdminURL(database string) string {
	return connString(s.at(), admin, s.password, database)
}

// Version is PostgreSQL's version, such as "18.4".
func (s *Server) Version() string {
	if s.version != "" {
		return s.version
	}
	return s.binaries.version
}

// PID is the process id of the server as it runs now; it changes when the server was brought up again.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return s.process.pid()
	}
	return s.pid
}

// DataDir is the folder that holds everything of this server.
func (s *Server) DataDir() string { return s.layout.root }

// Attached tells whether another process runs the server: Stop then leaves it alone.
func (s *Server) Attached() bool { return s.lock == nil }

// Done is closed when the server is down for good: after Stop, or when it died and its data folder is gone.
// A server that died otherwise is brought up again, and Done stays open meanwhile.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says why Done was closed; nil after Stop.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Stop ends the server: open transactions are rolled back and the data is left clean. When ctx ends first, it is
// ended at once, which costs the next start a recovery and loses nothing that was committed. Stopping an attached
// server only lets go of it. Stop may be called again.
func (s *Server) Stop(ctx context.Context) error {
	s.end()
	if s.Attached() {
		s.mu.Lock()
		defer s.mu.Unlock()
		select {
		case <-s.done:
		default:
			close(s.done)
		}
		return nil
	}
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	err := p.shutdown(ctx)
	<-s.done
	return err
}

func (s *Server) at() address {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}

// supervise brings a server that died up again, for as long as nobody asked it to stop.
func (s *Server) supervise(p *process) {
	defer close(s.done)
	defer s.release()
	for {
		<-p.done
		if s.life.Err() != nil {
			return
		}
		s.log.Error("PostgreSQL ended by itself, starting it again", "pid", p.pid(), "exit", p.exit())
		if p = s.revive(); p == nil {
			return
		}
	}
}

// revive tries until the server is up, Stop is called, or the data folder is gone. The pause between two tries
// stays short: a full disk, say, may have space again at any time, and callers wait.
func (s *Server) revive() *process {
	began := time.Now()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		p, err := s.launch(s.life)
		if err == nil {
			s.log.Info("PostgreSQL is up again", "pid", p.pid(), "took", time.Since(began).Round(time.Millisecond).String())
			return p
		}
		if s.life.Err() != nil {
			return nil
		}
		if _, missing := s.layout.dataVersion(); missing != nil {
			s.mu.Lock()
			s.err = errors.Join(missing, err)
			s.mu.Unlock()
			s.log.Error("PostgreSQL is down for good: its data folder is gone", "error", missing)
			return nil
		}
		s.log.Error("PostgreSQL did not start, trying again", "error", err, "pause", pause.String())
		select {
		case <-s.life.Done():
			return nil
		case <-time.After(pause):
		}
	}
}
