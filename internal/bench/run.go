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
			if err := r.size(ctx, users, false); err != nil {
				return err
			}
		}
	}
	if err := r.size(ctx, whole, true); err != nil {
		return err
	}
	return r.coldStarts(ctx, whole)
}

// size measures the lists at one size, and with all set all other operations, too.
func (r *runner) size(ctx context.Context, users int, all bool) error {
	r.say("%s users: filling the database", group(users))
	url, err := r.cluster.database(ctx, users, r.progress())
	if err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	b, err := newBed(ctx, r.cluster, url, users)
	if err != nil {
		return err
	}
	var running []*process
	defer func() {
		for _, p := range running {
			_ = p.stop()
		}
	}()
	for _, program := range r.programs {
		p, err := program.launch(r.dir, url)
		if err != nil {
			return err
		}
		running = append(running, p)
		if err := p.ready(ctx, "/api/users?limit=1"); err != nil {
			return err
		}
		_, body, err := p.ask("/api/users?limit=20")
		if err != nil {
			return err
		}
		if len(body.Data) != perPage || body.Pagination.Total != users {
			return fmt.Errorf("%s lists %d users of %d, not %d of %d", p.name, len(body.Data), body.Pagination.Total, perPage, users)
		}
		if err := pause(p.cmd.Process); err != nil {
			return err
		}
	}
	for _, op := range operations {
		if (all || op.list) && r.only.MatchString(op.name) {
			if err := r.operation(ctx, b, op, running); err != nil {
				return err
			}
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
	results := make([]*result, len(running))
	for i, p := range running {
		results[i] = &result{Users: b.users, Operation: op.name, Program: p.name}
	}
	for round := range r.rounds {
		var hash []float64
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
			if op.name == create && running[i].name != ours {
				seen, err := r.turn(ctx, b, hashAlone, running[i])
				if err != nil {
					return err
				}
				hash = append(hash, seen.CPU())
			}
		}
		for i := range results {
			results[i].Rounds[round].Hash = median(hash)
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
