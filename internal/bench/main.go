// Command bench measures the release binary beside two programs of the same
// endpoints written by hand (package hand). `make bench` runs it.
//
// Each program runs alone, turn about, on the same PostgreSQL, which is Roster's
// own unless DATABASE_URL names another; there it makes databases and leaves them
// for the next run. It needs Linux: CPU times are read from /proc.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// runner is a run and its settings.
type runner struct {
	binary  string
	sizes   []int
	only    *regexp.Regexp
	rounds  int
	seconds float64
	conns   int
	profile string
	keep    string

	dir      string
	began    time.Time
	cluster  *cluster
	programs []*program
	hashless []*program
	report   report
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	r := &runner{began: time.Now()}
	sizes := flag.String("sizes", "10000,100000,1000000", "how many users, separated by commas; all but lists is measured at 100000, or else at the largest")
	only := flag.String("only", "", "a regular expression: what to measure, of the operations and cold starts")
	out := flag.String("json", "", "a file for all figures of all rounds")
	docs := flag.String("docs", "", "a Markdown file: the report takes the place of the one between its marks")
	flag.StringVar(&r.binary, "roster", "bin/roster", "the release binary")
	flag.IntVar(&r.rounds, "rounds", 5, "how many turns each program gets at each operation")
	flag.Float64Var(&r.seconds, "seconds", 0.8, "how long a turn takes, after a quarter of that to warm up")
	flag.IntVar(&r.conns, "conns", 16, "how many connections send requests")
	flag.StringVar(&r.profile, "profile", "", "a folder for profiles of Roster at each operation, by perf")
	flag.StringVar(&r.keep, "data", "", "a folder that keeps the PostgreSQL and its users for the next run")
	flag.Parse()
	if _, err := readStat(os.Getpid()); err != nil {
		return fmt.Errorf("CPU times are read from /proc, as Linux has it: %w", err)
	}
	var err error
	for text := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1000 {
			return fmt.Errorf("-sizes has %q; write numbers from 1000 on", text)
		}
		r.sizes = append(r.sizes, n)
	}
	slices.Sort(r.sizes)
	r.sizes = slices.Compact(r.sizes)
	if r.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	if r.rounds < 1 || r.seconds <= 0 || r.conns < 1 {
		return errors.New("-rounds, -seconds and -conns are above 0")
	}
	// The load must not take the cores that it shares with the programs.
	runtime.GOMAXPROCS(max(1, runtime.NumCPU()/4))

	if r.dir, err = os.MkdirTemp("", "roster-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	if err := os.Chmod(r.dir, 0o755); err != nil { // PostgreSQL may run as another user
		return err
	}
	if err := r.all(ctx); err != nil {
		return err
	}
	r.report.print(os.Stdout)
	if *out != "" {
		text, err := json.MarshalIndent(r.report, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if *docs != "" {
		return r.report.writeInto(*docs)
	}
	return nil
}

// say prints a line of progress.
func (r *runner) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%7s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// progress returns a function that says something every few seconds.
func (r *runner) progress() func(string) {
	last := time.Now()
	return func(text string) {
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			r.say("%s", text)
		}
	}
}
