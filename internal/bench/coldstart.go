package main

import (
	"context"
	"encoding/json"
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
func (r *runner) coldStarts(ctx context.Context, b *bed) error {
	for _, p := range r.programs {
		if p.name == again {
			continue
		}
		r.say("cold starts of %s", p.name)
		var times []float64
		for range coldStarts {
			took, err := r.coldStart(p, b.url, func(run *process) error { return run.ready(ctx, b.admin(run)) })
			if err != nil {
				return err
			}
			times = append(times, took)
		}
		info, err := os.Stat(p.binary)
		if err != nil {
			return err
		}
		r.report.start(p.name, median(times), info.Size())
	}
	return r.builtInStarts(ctx)
}

// builtInStarts measures Roster with its own PostgreSQL. From nothing, the first
// list is one for which the first admin has been made and has signed in: that is
// two hashes of a password.
func (r *runner) builtInStarts(ctx context.Context) error {
	r.say("cold starts of roster with the built-in PostgreSQL")
	const email, password = "admin@" + benchDomain, "correct horse battery"
	var fromNothing, fromData []float64
	for i := range firstStarts {
		data := filepath.Join(r.dir, fmt.Sprintf("first-%d", i))
		p := &program{ours, r.binary, func(p *program, addr, _ string) *exec.Cmd {
			cmd := exec.Command(p.binary, "serve")
			cmd.Env = append(os.Environ(), "ROSTER_ADDR="+addr, "DATABASE_URL=", "ROSTER_DATA_DIR="+data, "ROSTER_LOG_FORMAT=json",
				"ROSTER_ADMIN_EMAIL="+email, "ROSTER_ADMIN_PASSWORD="+password)
			return cmd
		}}
		var signedIn struct{ Token string }
		took, err := r.coldStart(p, "", func(run *process) error {
			request := appendRequest(nil, "POST", "/api/session", "", fmt.Appendf(nil, `{"email":%q,"password":%q,"token":true}`, email, password))
			answer, err := run.answer(ctx, request, 201)
			if err != nil {
				return err
			}
			if err := json.Unmarshal(answer, &signedIn); err != nil {
				return err
			}
			return run.ready(ctx, signedIn.Token)
		})
		if err != nil {
			return err
		}
		fromNothing = append(fromNothing, took)
		for range 2 {
			took, err := r.coldStart(p, "", func(run *process) error { return run.ready(ctx, signedIn.Token) })
			if err != nil {
				return err
			}
			fromData = append(fromData, took)
		}
	}
	r.report.BuiltInStart, r.report.FirstStart = median(fromData), median(fromNothing)
	return nil
}

// coldStart starts a program once, and returns the milliseconds until it is ready.
func (r *runner) coldStart(p *program, url string, ready func(*process) error) (float64, error) {
	begin := time.Now()
	run, err := p.launch(r.dir, url)
	if err != nil {
		return 0, err
	}
	err = ready(run)
	took := float64(time.Since(begin)) / 1e6
	if stopped := run.stop(); err == nil {
		err = stopped
	}
	return took, err
}
