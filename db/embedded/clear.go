package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// How long an earlier server may take to end by itself, and then after each harder word.
const (
	fastPatience = 30 * time.Second
	quitPatience = 5 * time.Second
)

// clear makes sure that no other server uses the data folder. The caller holds the lock, so a server that is
// there lost its Roster: it is about to end, since its parent's death told it so, or its own main process was
// killed and the rest has not noticed yet. What names a stranger or a zombie is stale.
func (l layout) clear(ctx context.Context, log *slog.Logger) error {
	state, err := readPIDFile(l.pidFile())
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err == nil && serves(state.pid, l.data()) {
		log.Info("an earlier PostgreSQL still runs on the data folder, ending it", "pid", state.pid)
		if err := end(ctx, state.pid); err != nil {
			return err
		}
	}
	for _, pid := range strays(l.data()) {
		log.Info("a process of an earlier PostgreSQL was left, ending it", "pid", pid)
		if err := sendSignal(pid, kill); err == nil {
			if err := waitGone(ctx, pid, quitPatience); err != nil {
				return err
			}
		}
	}
	// PostgreSQL would refuse to start when a stranger has the process id by now. Without this file it still
	// checks that no process is attached to the data folder's shared memory.
	if err := os.Remove(l.pidFile()); err == nil {
		log.Info("removed a stale postmaster.pid", "pid", state.pid)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// end asks a server that is no child of this process to end, ever harder.
func end(ctx context.Context, pid int) error {
	for _, step := range []struct {
		word     word
		patience time.Duration
	}{{interrupt, fastPatience}, {quit, quitPatience}, {kill, quitPatience}} {
		if err := sendSignal(pid, step.word); err != nil && alive(pid) {
			return fmt.Errorf("end the earlier PostgreSQL (process %d): %w", pid, err)
		}
		err := waitGone(ctx, pid, step.patience)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("the earlier PostgreSQL (process %d) does not end", pid)
}

// waitGone polls: the process is not ours, so the system does not tell us when it ends.
func waitGone(ctx context.Context, pid int, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for alive(pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d still runs: %w", pid, ctx.Err())
		case <-tick.C:
		}
	}
	return nil
}
