package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// all measures everything there is to measure.
func (r *runner) all(ctx context.Context) error {
	var err error
	r.say("building the programs by hand")
	if r.programs, err = programs(ctx, r.dir, r.binary, r.profile != ""); err != nil {
		return err
	}
	if slices.ContainsFunc(operations, func(op operation) bool { return op.hashless && r.only.MatchString(op.name) }) {
		r.say("building all programs with hashes that cost nothing")
		if r.hashless, err = hashless(ctx, r.dir, r.profile != ""); err != nil {
			return err
		}
	}
	data := r.dir
	if r.keep != "" {
		data = r.keep
	}
	r.say("starting PostgreSQL")
	if r.cluster, err = openCluster(ctx, data, os.Getenv("DATABASE_URL")); err != nil {
		return err
	}
	defer r.cluster.close()
	r.report.machine(r)

	// The size at which there are writes comes last, so that what they leave to do
	// falls into no other's turn.
	whole := r.sizes[len(r.sizes)-1]
	if slices.Contains(r.sizes, 100_000) {
		whole = 100_000
	}
	for _, users := range r.sizes {
		if users != whole {
			if _, err := r.size(ctx, users, false); err != nil {
				return err
			}
		}
	}
	b, err := r.size(ctx, whole, true)
	if err != nil {
		return err
	}
	if !r.only.MatchString("cold starts") {
		return nil
	}
	return r.coldStarts(ctx, b)
}

// size measures the lists at one size, and with all set all other operations, too.
func (r *runner) size(ctx context.Context, users int, all bool) (*bed, error) {
	r.say("%s users: filling the database", group(users))
	url, err := r.cluster.database(ctx, users, r.progress())
	if err != nil {
		return nil, fmt.Errorf("fill the database: %w", err)
	}
	b, err := newBed(ctx, r.cluster, url, users)
	if err != nil {
		return nil, err
	}
	var whole, hashless []operation
	for _, op := range operations {
		switch {
		case !all && !op.list || !r.only.MatchString(op.name):
		case op.hashless:
			hashless = append(hashless, op)
		default:
			whole = append(whole, op)
		}
	}
	if err := r.operations(ctx, b, whole, r.programs); err != nil {
		return nil, err
	}
	return b, r.operations(ctx, b, hashless, r.hashless)
}

// operations lets programs do operations, one after the other.
func (r *runner) operations(ctx context.Context, b *bed, all []operation, programs []*program) error {
	if len(all) == 0 {
		return nil
	}
	var running []*process
	defer func() {
		for _, p := range running {
			_ = p.stop()
		}
	}()
	for _, program := range programs {
		p, err := program.launch(r.dir, b.url)
		if err != nil {
			return err
		}
		running = append(running, p)
		if err := p.ready(ctx, b.admin(p)); err != nil {
			return err
		}
		_, body, err := p.ask("/api/users?limit=20", b.admin(p))
		if err != nil {
			return err
		}
		// Creates of another program may be there.
		if len(body.Data) != perPage || body.Pagination.Total < b.users {
			return fmt.Errorf("%s lists %d users of %d, not %d of %d", p.name, len(body.Data), body.Pagination.Total, perPage, b.users)
		}
		if err := pause(p.cmd.Process); err != nil {
			return err
		}
	}
	for _, op := range all {
		if err := r.operation(ctx, b, op, running); err != nil {
			return err
		}
	}
	for _, p := range running {
		bytes, err := peakMemory(p.pid())
		if err != nil {
			return err
		}
		r.report.memory(p.name, bytes)
	}
	return nil
}

// operation lets the programs do one operation turn about; each round another one
// begins.
func (r *runner) operation(ctx context.Context, b *bed, op operation, running []*process) error {
	if op.ours {
		running = slices.DeleteFunc(slices.Clone(running), func(p *process) bool { return p.name != ours })
	}
	results := make([]*result, len(running))
	for i, p := range running {
		results[i] = &result{Users: b.users, Operation: op.name, Program: p.name}
	}
	rounds := r.rounds
	if op.long {
		rounds = min(rounds, longRounds)
	}
	for round := range rounds {
		for i := range running {
			if err := ctx.Err(); err != nil {
				return err
			}
			i = (i + round) % len(running)
			seen, err := r.turn(ctx, b, op, running[i])
			if err != nil {
				return err
			}
			results[i].Rounds = append(results[i].Rounds, seen)
		}
	}
	line := fmt.Sprintf("%s users, %s:", group(b.users), op.name)
	for _, seen := range results {
		line += fmt.Sprintf("  %s %s/s", seen.Program, group(round(seen.median().Rate)))
	}
	r.say("%s", line)
	r.report.Results = append(r.report.Results, results...)
	if r.profile != "" {
		return r.perf(ctx, b, op, running)
	}
	return nil
}

// perf records where Roster's time goes during one more turn.
func (r *runner) perf(ctx context.Context, b *bed, op operation, running []*process) error {
	for _, p := range running {
		if p.name != ours && p.name != best {
			continue
		}
		if err := os.MkdirAll(r.profile, 0o755); err != nil {
			return err
		}
		name := strings.NewReplacer(", ", "-", " ", "-").Replace(fmt.Sprintf("%s-%s-%d.perf", p.name, op.name, b.users))
		record := exec.CommandContext(ctx, "perf", "record", "-q", "-F", "999", "-g", "-p", strconv.Itoa(p.pid()),
			"-o", filepath.Join(r.profile, name))
		record.Stderr = os.Stderr
		if err := record.Start(); err != nil {
			return fmt.Errorf("-profile: %w", err)
		}
		_, err := r.turn(ctx, b, op, p)
		_ = record.Process.Signal(os.Interrupt)
		_ = record.Wait() // it was interrupted
		if err != nil {
			return err
		}
	}
	return nil
}
