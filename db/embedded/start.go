package embedded

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Start runs a server on the data folder and returns once it answers and the database exists. The first start
// makes the data folder. ctx bounds only the start; it has no deadline of its own, since a recovery after a
// crash takes as long as it takes.
//
// Errors: *RunningError when another process has the folder, *VersionError when the folder belongs to another
// major version, and else what went wrong with PostgreSQL's last lines.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	o, err = o.withDefaults()
	if err != nil {
		return nil, err
	}
	l := layout{o.DataDir}
	if err := l.makeRoot(); err != nil {
		return nil, err
	}
	// The lock comes first: whoever has it may judge and change everything else.
	lock, err := acquire(l)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, layout: l, lock: lock, log: o.Log, done: make(chan struct{})}
	s.life, s.end = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.end()
			s.release()
		}
	}()

	began := time.Now()
	if s.account, err = chooseAccount(l); err != nil {
		return nil, err
	}
	l.removeLeftovers()
	if s.binaries, err = findBinaries(ctx, o, l, s.account); err != nil {
		return nil, err
	}
	made, err := l.makeCluster(ctx, s.binaries, s.account)
	if err != nil {
		return nil, err
	}
	if s.password, err = l.readPassword(); err != nil {
		return nil, err
	}
	if s.sink, err = openSink(l.logFile(), o.Log); err != nil {
		return nil, err
	}
	p, err := s.launch(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.makeDatabase(ctx); err != nil {
		_ = p.shutdown(context.WithoutCancel(ctx)) // the error below matters more
		return nil, fmt.Errorf("make the database %s: %w", Database, err)
	}
	l.removeOldBinaries(s.binaries)
	o.Log.Info("PostgreSQL is up", "version", s.Version(), "from", s.binaries.source, "data", l.data(),
		"new", made, "took", time.Since(began).Round(time.Millisecond).String())
	go s.supervise(p)
	return s, nil
}

// launch clears what an earlier server left, starts one and waits until it answers.
func (s *Server) launch(ctx context.Context) (*process, error) {
	if err := s.layout.clear(ctx, s.log); err != nil {
		return nil, err
	}
	at, err := s.layout.listen(s.account)
	if err != nil {
		return nil, err
	}
	if err := s.layout.writeSettings(s.binaries.major); err != nil {
		return nil, err
	}
	p, err := startProcess(s.binaries, s.account, serverArgs(s.layout, at, s.options.Settings), s.sink)
	if err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx, p, at); err != nil {
		_ = p.shutdown(context.WithoutCancel(ctx)) // the error below matters more
		return nil, fmt.Errorf("start PostgreSQL: %w%s", err, s.sink.tail())
	}
	s.mu.Lock()
	s.process, s.address = p, at
	s.mu.Unlock()
	// Stop ends s.life first and then takes s.process: one of the two always sees the other.
	if err := s.life.Err(); err != nil {
		_ = p.shutdown(context.WithoutCancel(ctx)) // the error below matters more
		return nil, err
	}
	return p, nil
}

// waitReady polls PostgreSQL's own status file, which costs nothing, and only then connects: an earlier attempt
// would leave an error in the server's log.
func (s *Server) waitReady(ctx context.Context, p *process, at address) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		state, err := readPIDFile(s.layout.pidFile())
		if err == nil && state.pid == p.pid() && state.ready {
			if err = ping(ctx, connString(at, admin, s.password, "postgres")); err == nil {
				return nil
			}
		}
		select {
		case <-p.done:
			return p.exit()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// release gives back what Start took, in the opposite order.
func (s *Server) release() {
	if s.sink != nil {
		s.sink.close()
	}
	if dir := s.address.dir; dir != "" && dir != s.layout.run() {
		_ = os.RemoveAll(dir) // the private folder for a socket that did not fit into the data folder
	}
	s.lock.release()
}
