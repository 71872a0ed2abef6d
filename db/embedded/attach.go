package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// attachPatience bounds how long Attach waits for a server that is being started, when ctx has no deadline.
const attachPatience = 30 * time.Second

// Attach connects to the server that another process runs on the data folder. It waits while that one is still
// starting. ErrNotRunning when nobody runs one. Stop on the result leaves the server alone.
func Attach(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, attachPatience)
	defer cancel()
	l := layout{o.DataDir}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := l.attach(ctx, o)
		if err == nil {
			return s, nil
		}
		// A process that starts a server holds the lock well before there is anything to connect to.
		held, lockErr := l.held()
		switch {
		case errors.Is(err, fs.ErrPermission), errors.Is(lockErr, fs.ErrPermission):
			return nil, explainFolder(o.DataDir, err)
		case lockErr != nil:
			return nil, lockErr
		case !held:
			return nil, fmt.Errorf("%w: %s", ErrNotRunning, o.DataDir)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("attach to the database in %s: %w (%w)", o.DataDir, ctx.Err(), err)
		case <-tick.C:
		}
	}
}

func (l layout) attach(ctx context.Context, o Options) (*Server, error) {
	state, err := readPIDFile(l.pidFile())
	if err != nil {
		return nil, err
	}
	if !state.ready {
		return nil, errors.New("it is still starting")
	}
	password, err := l.readPassword()
	if err != nil {
		return nil, err
	}
	version, err := serverVersion(ctx, connString(state.address, Database, password, Database))
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, layout: l, log: o.Log, password: password, version: version,
		address: state.address, pid: state.pid, done: make(chan struct{})}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}
