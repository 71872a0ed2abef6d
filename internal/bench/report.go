package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
)

// report is all that a run has found out.
type report struct {
	Machine      string     `json:"machine"`
	Cores        int        `json:"cores"`
	Settings     string     `json:"settings"`
	Results      []*result  `json:"results"`
	Programs     []footings `json:"programs"`
	BuiltInStart float64    `json:"builtInStartMilliseconds"` // with data that is there
	FirstStart   float64    `json:"firstStartMilliseconds"`   // from nothing

	noCPU bool // PostgreSQL runs elsewhere
}

// footings are what a program takes before and beside its requests.
type footings struct {
	Program string  `json:"program"`
	Start   float64 `json:"coldStartMilliseconds"` // to the first list, with a database that runs
	Memory  int64   `json:"peakMemoryBytes"`
	Size    int64   `json:"binaryBytes"`
}

func (r *report) machine(run *runner) {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := bytes.Cut(text, []byte("model name")); ok {
			line, _, _ := bytes.Cut(after, []byte("\n"))
			model = string(bytes.TrimLeft(line, "\t :"))
		}
	}
	r.Cores = runtime.NumCPU()
	r.Machine = fmt.Sprintf("%d cores (%s), %s/%s, %s, PostgreSQL %s", r.Cores, model, runtime.GOOS, runtime.GOARCH,
		runtime.Version(), run.cluster.version)
	r.Settings = fmt.Sprintf("%d rounds of %g s, %d connections", run.rounds, run.seconds, run.conns)
	r.noCPU = run.cluster.postmaster == 0
}

func (r *report) footings(program string) *footings {
	for i := range r.Programs {
		if r.Programs[i].Program == program {
			return &r.Programs[i]
		}
	}
	r.Programs = append(r.Programs, footings{Program: program})
	return &r.Programs[len(r.Programs)-1]
}

func (r *report) memory(program string, bytes int64) {
	f := r.footings(program)
	f.Memory = max(f.Memory, bytes)
}

func (r *report) start(program string, milliseconds float64, size int64) {
	f := r.footings(program)
	f.Start, f.Size = milliseconds, size
}

// find returns the medians of one program at one operation.
func (r *report) find(users int, operation, program string) (figures, bool) {
	if seen := r.result(users, operation, program); seen != nil {
		return seen.median(), true
	}
	return figures{}, false
}

func (r *report) result(users int, operation, program string) *result {
	for _, seen := range r.Results {
		if seen.Users == users && seen.Operation == operation && seen.Program == program {
			return seen
		}
	}
	return nil
}

// base is what others are compared to: a program, and of best what both of its
// processes did, round by round, since one of two measurements alone is noisier.
func (r *report) base(users int, operation, program string) *result {
	one := r.result(users, operation, program)
	if one == nil || program != best {
		return one
	}
	other := r.result(users, operation, again)
	if other == nil {
		return one
	}
	both := *one
	both.Rounds = nil
	for i, f := range one.Rounds {
		g := other.Rounds[i]
		both.Rounds = append(both.Rounds, figures{
			Rate: (f.Rate + g.Rate) / 2, P50: (f.P50 + g.P50) / 2, P99: (f.P99 + g.P99) / 2,
			Server: (f.Server + g.Server) / 2, Database: (f.Database + g.Database) / 2,
		})
	}
	return &both
}

// sizes are those that were measured, in order.
func (r *report) sizes() []int {
	var all []int
	for _, seen := range r.Results {
		if len(all) == 0 || all[len(all)-1] != seen.Users {
			all = append(all, seen.Users)
		}
	}
	// The size that has all operations was measured last.
	for i := len(all) - 1; i > 0 && all[i] < all[i-1]; i-- {
		all[i], all[i-1] = all[i-1], all[i]
	}
	return all
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n%s; medians; CPU is that of a request, in microseconds\n", r.Machine, r.Settings)
	if r.noCPU {
		fmt.Fprintln(w, "PostgreSQL runs elsewhere: its CPU time is not known, and not in these figures")
	}
	for _, users := range r.sizes() {
		r.printSize(w, users)
	}
	r.printFootings(w)
	r.printNoise(w)
	r.printReferences(w)
	r.printGoals(w)
}

// The marks between which a Markdown file has the report of the last run.
const (
	reportBegin = "<!-- make bench -->\n"
	reportEnd   = "<!-- /make bench -->\n"
)

// writeInto puts the report between the marks of a file.
func (r *report) writeInto(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := bytes.Cut(text, []byte(reportBegin))
	_, after, ends := bytes.Cut(rest, []byte(reportEnd))
	if !begins || !ends {
		return fmt.Errorf("%s has no line %swith a line %safter it", path, reportBegin, reportEnd)
	}
	var own bytes.Buffer
	r.print(&own)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%s```\n%s\n```\n%s%s", before, reportBegin, bytes.TrimSpace(own.Bytes()), reportEnd, after)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func (r *report) printSize(w io.Writer, users int) {
	t := table{{"operation", "program", "req/s", "p50 ms", "p99 ms", "CPU", "server", "database", "CPU / best", "req/s / seedway"}}
	last := ""
	for _, seen := range r.Results {
		if seen.Users != users {
			continue
		}
		f := seen.median()
		name := seen.Operation
		if name == last {
			name = ""
		} else if last != "" {
			t = append(t, nil)
		}
		last = seen.Operation
		var byBest figures
		if base := r.base(users, seen.Operation, best); base != nil {
			byBest = base.median()
		}
		bySeed, _ := r.find(users, seen.Operation, seedWay)
		t = append(t, []string{
			name, seen.Program, group(round(f.Rate)), fmt.Sprintf("%.2f", f.P50), fmt.Sprintf("%.2f", f.P99),
			group(round(f.CPU())), group(round(f.Server)), group(round(f.Database)),
			ratio(f.CPU(), byBest.CPU()), ratio(f.Rate, bySeed.Rate),
		})
	}
	fmt.Fprintf(w, "\n%s users\n\n", group(users))
	t.print(w, 2)
}

func (r *report) printFootings(w io.Writer) {
	if len(r.Programs) == 0 {
		return
	}
	if r.Programs[0].Start == 0 {
		return // not measured
	}
	t := table{{"program", "cold start ms", "peak memory MB", "binary MB"}}
	for _, p := range r.Programs {
		if p.Program != again {
			t = append(t, []string{p.Program, fmt.Sprintf("%.0f", p.Start), fmt.Sprintf("%.1f", float64(p.Memory)/1e6), fmt.Sprintf("%.1f", float64(p.Size)/1e6)})
		}
	}
	fmt.Fprint(w, "\nCold start is from the start of the process to its first list.\n\n")
	t.print(w, 1)
	fmt.Fprintf(w, "\nroster with its built-in PostgreSQL: %.0f ms on data that is there, %.0f ms from nothing, where the first admin signs in\n", r.BuiltInStart, r.FirstStart)
}

// table is rows of cells, the first of them the head; a nil row is a blank line.
type table [][]string

// print aligns the first so many columns to the left, the others to the right.
func (t table) print(w io.Writer, left int) {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range t {
		line := []byte{}
		for i, cell := range row {
			if i > 0 {
				line = append(line, "  "...)
			}
			width := widths[i]
			if i < left {
				width = -width
			}
			line = fmt.Appendf(line, "%*s", width, cell)
		}
		fmt.Fprintf(w, "%s\n", bytes.TrimRight(line, " "))
	}
}

// ratio of a to b as text; empty when there is no b.
func ratio(a, b float64) string {
	switch r := a / b; {
	case b == 0:
		return ""
	case r >= 10:
		return group(round(r))
	default:
		return fmt.Sprintf("%.2f", r)
	}
}

func round(x float64) int { return int(math.Round(x)) }

// group writes a number with commas.
func group(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
