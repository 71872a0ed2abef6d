package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// How often each kind of cold start is tried.
const (
	coldStarts  = 7
	firstStarts = 3 // from nothing
)

// coldStarts measures how long a program takes from its start to the first list
// that it answers.
func (r *runner) coldStarts(ctx context.Context, users int) error {
	url, err := r.cluster.url(fmt.Sprintf("roster_bench_%d", users))
	if err != nil {
		return err
	}
	for _, p := range r.programs {
		if p.name == again {
			continue
		}
		r.say("cold starts of %s", p.name)
		var times []float64
		for range coldStarts {
			if times, err = r.coldStart(ctx, p, url, times); err != nil {
				return err
			}
		}
		info, err := os.Stat(p.binary)
		if err != nil {
			return err
		}
		r.report.start(p.name, median(times), info.Size())
	}
	return r.builtInStarts(ctx)
}

// builtInStarts measures Roster with its own PostgreSQL.
func (r *runner) builtInStarts(ctx context.Context) error {
	r.say("cold starts of roster with the built-in PostgreSQL")
	var fromNothing, fromData []float64
	var err error
	for i := range firstStarts {
		data := filepath.Join(r.dir, fmt.Sprintf("first-%d", i))
		p := &program{ours, r.binary, func(p *program, addr, _ string) *exec.Cmd {
			cmd := exec.Command(p.binary, "serve")
			cmd.Env = append(os.Environ(), "ROSTER_ADDR="+addr, "DATABASE_URL=", "ROSTER_DATA_DIR="+data, "ROSTER_LOG_FORMAT=json")
			return cmd
		}}
		if fromNothing, err = r.coldStart(ctx, p, "", fromNothing); err != nil {
			return err
		}
		if fromData, err = r.coldStart(ctx, p, "", fromData); err != nil {
			return err
		}
		if fromData, err = r.coldStart(ctx, p, "", fromData); err != nil {
			return err
		}
	}
	r.report.BuiltInStart, r.report.FirstStart = median(fromData), median(fromNothing)
	return nil
}

// coldStart starts a program once, and appends the milliseconds that it took.
func (r *runner) coldStart(ctx context.Context, p *program, url string, times []float64) ([]float64, error) {
	begin := time.Now()
	run, err := p.launch(r.dir, url)
	if err != nil {
		return times, err
	}
	err = run.ready(ctx, "/api/users?limit=1")
	times = append(times, float64(time.Since(begin))/1e6)
	if stopped := run.stop(); err == nil {
		err = stopped
	}
	return times, err
}
