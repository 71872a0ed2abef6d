package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// patience is how long a command may take, connecting included. A request asks
	// twice, for its limit and its cache, and waits 50 ms at most.
	patience = 24 * time.Millisecond
	// After a failure nothing is tried for shortest, and twice as long after each
	// further one, up to longest.
	shortest = 100 * time.Millisecond
	longest  = 2 * time.Second
)

// breaker keeps a Redis that does not answer from being asked. When its time is up,
// one command is let through to see whether Redis is back.
type breaker struct {
	now     func() time.Time
	changed []func(error)

	mu    sync.Mutex
	wait  time.Duration // 0: Redis answers
	until time.Time     // no command before
	trial bool          // one is let through
}

// inside marks the context of a command. The client sends some of its own to set up a
// connection, which are part of the command that needs it.
type inside struct{}

// DialHook leaves dialling as it is.
func (*breaker) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is around each command.
func (b *breaker) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := b.do(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
		if err != nil {
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook is around commands that go together.
func (b *breaker) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := b.do(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
		if errors.Is(err, ErrAway) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

func (b *breaker) do(ctx context.Context, command func(context.Context) error) error {
	if ctx.Value(inside{}) != nil {
		return command(ctx)
	}
	ok, trial := b.enter()
	if !ok {
		return ErrAway
	}
	within, cancel := context.WithTimeout(context.WithValue(ctx, inside{}, true), patience)
	defer cancel()
	err := command(within)
	gone := away(err)
	switch {
	case !gone:
		b.leave(nil, trial, true)
		return err
	case ctx.Err() != nil: // the caller went away, not Redis
		b.leave(nil, trial, false)
		return err
	}
	b.leave(err, trial, true)
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// enter reports whether a command is let through, and whether it is the trial.
func (b *breaker) enter() (ok, trial bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wait == 0 {
		return true, false
	}
	if b.trial || b.now().Before(b.until) {
		return false, false
	}
	b.trial = true
	return true, true
}

// leave notes how a command went, if that is known.
func (b *breaker) leave(err error, trial, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if trial {
		b.trial = false
	}
	was := b.wait
	switch {
	case !known:
		return
	case err == nil:
		b.wait = 0
	case was == 0 || trial: // not those that were on their way when the first one failed
		b.wait = min(max(2*was, shortest), longest)
		b.until = b.now().Add(b.wait)
	}
	if (was == 0) != (b.wait == 0) {
		for _, f := range b.changed {
			f(err)
		}
	}
}

// absent are the answers by which Redis says that it is not able to answer.
var absent = []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH", "WRONGPASS"}

// away reports whether a command failed because Redis did, and not by its own fault.
func away(err error) bool {
	var answer redis.Error
	var network net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return false
	case errors.As(err, &network):
		return true
	case errors.As(err, &answer):
		word, _, _ := strings.Cut(answer.Error(), " ")
		return slices.Contains(absent, word)
	}
	return true
}
