package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// figures are what is known of one program doing one operation.
type figures struct {
	Rate     float64 `json:"requestsPerSecond"`
	P50      float64 `json:"p50Milliseconds"`
	P99      float64 `json:"p99Milliseconds"`
	Server   float64 `json:"serverCPUMicroseconds"`   // of a request
	Database float64 `json:"databaseCPUMicroseconds"` // of a request, in all of PostgreSQL
}

// CPU is the CPU time of a request in server and database, in microseconds.
func (f figures) CPU() float64 { return f.Server + f.Database }

// result is what one program did at one operation, round by round.
type result struct {
	Users     int       `json:"users"`
	Operation string    `json:"operation"`
	Program   string    `json:"program"`
	Rounds    []figures `json:"rounds"`
}

// median is the middle of the rounds, figure by figure.
func (r *result) median() figures {
	of := func(get func(figures) float64) float64 {
		values := make([]float64, len(r.Rounds))
		for i, f := range r.Rounds {
			values[i] = get(f)
		}
		return median(values)
	}
	return figures{
		Rate: of(func(f figures) float64 { return f.Rate }),
		P50:  of(func(f figures) float64 { return f.P50 }), P99: of(func(f figures) float64 { return f.P99 }),
		Server:   of(func(f figures) float64 { return f.Server }),
		Database: of(func(f figures) float64 { return f.Database }),
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

const (
	warmUp    = 0.25 // the part of a turn that goes before it, uncounted
	slowConns = 4    // of an operation that hashes
	slower    = 2    // how much longer its turns take
	// longer is how much longer turns take where callers take turns: 30 s of the usual
	// 0.8, in which Roster looks at each of them by itself once. There are few such turns.
	longer     = 37.5
	longRounds = 2
)

// turn lets one program, all others paused, do one operation, and measures it.
func (r *runner) turn(ctx context.Context, b *bed, op operation, p *process) (figures, error) {
	if err := resume(p.cmd.Process); err != nil {
		return figures{}, err
	}
	defer func() { _ = pause(p.cmd.Process) }()
	if err := p.forget(); err != nil {
		return figures{}, err
	}
	next, err := op.requests(ctx, b, p)
	if err != nil {
		return figures{}, err
	}
	l := load{conns: r.conns, seconds: r.seconds, also: op.also}
	if op.slow {
		l.conns, l.seconds = min(r.conns, slowConns), r.seconds*slower
	}
	if op.long {
		l.seconds *= longer
	}
	measured := l.seconds
	l.seconds *= warmUp
	if _, err := l.run(p.addr, op.status, next); err != nil {
		return figures{}, fmt.Errorf("%s, %s: %w", p.name, op.name, err)
	}
	seal := op.hashless && p.name == ours
	if seal { // what the warm-up has left is not the turn's
		if err := b.sealed(ctx); err != nil {
			return figures{}, err
		}
	}

	server, database, err := r.cpu(p)
	if err != nil {
		return figures{}, err
	}
	l.seconds = measured
	seen, err := l.run(p.addr, op.status, next)
	if err != nil {
		return figures{}, fmt.Errorf("%s, %s: %w", p.name, op.name, err)
	}
	if seal {
		if err := b.sealed(ctx); err != nil {
			return figures{}, err
		}
	}
	serverAfter, databaseAfter, err := r.cpu(p)
	if err != nil {
		return figures{}, err
	}
	if seen.requests == 0 {
		return figures{}, fmt.Errorf("%s, %s: no request was answered", p.name, op.name)
	}
	n := float64(seen.requests)
	milliseconds := func(d time.Duration) float64 { return float64(d) / 1e6 }
	return figures{
		Rate: n / seen.elapsed.Seconds(),
		P50:  milliseconds(seen.latencies.percentile(0.50)), P99: milliseconds(seen.latencies.percentile(0.99)),
		Server:   float64(serverAfter-server) / 1e3 / n,
		Database: float64(databaseAfter-database) / 1e3 / n,
	}, nil
}

// cpu reads the CPU times of a program and of PostgreSQL.
func (r *runner) cpu(p *process) (server, database time.Duration, err error) {
	if server, err = processCPU(p.pid()); err != nil {
		return 0, 0, err
	}
	database, err = clusterCPU(r.cluster.postmaster)
	return server, database, err
}
