package main

import (
	"fmt"
	"io"
	"math"
)

// mostCPU is how much of best's CPU time a request to Roster may take.
const mostCPU = 1.25

// goal is one figure that Roster shall reach.
type goal struct {
	text     string
	atMost   bool // else at least
	wanted   float64
	measured float64
}

func (g goal) met() bool {
	if g.atMost {
		return g.measured <= g.wanted
	}
	return g.measured >= g.wanted
}

// goals are those that this run has measured.
func (r *report) goals() []goal {
	var all []goal
	for _, users := range r.sizes() {
		for _, name := range []string{"health", "get", listFirst, listCursor} {
			our, ok := r.find(users, name, ours)
			hand, _ := r.find(users, name, best)
			if ok && hand.CPU() > 0 {
				all = append(all, goal{fmt.Sprintf("%s, %s users: CPU / best", name, group(users)), true, mostCPU, our.CPU() / hand.CPU()})
			}
		}
	}
	for _, g := range []struct {
		users int
		times float64
	}{{100_000, 25}, {1_000_000, 300}} {
		our, ok := r.find(g.users, listFirst, ours)
		seed, _ := r.find(g.users, listFirst, seedWay)
		if ok && seed.Rate > 0 {
			all = append(all, goal{fmt.Sprintf("%s, %s users: req/s / seedway", listFirst, group(g.users)), false, g.times, our.Rate / seed.Rate})
		}
	}
	return all
}

func (r *report) printGoals(w io.Writer) {
	goals := r.goals()
	if len(goals) == 0 {
		return
	}
	t := table{{"goal", "wanted", "measured", ""}}
	for _, g := range goals {
		wanted, verdict := fmt.Sprintf(">= %g", g.wanted), "MISSED"
		if g.atMost {
			wanted = fmt.Sprintf("<= %g", g.wanted)
		}
		if g.met() {
			verdict = "met"
		}
		t = append(t, []string{g.text, wanted, ratio(g.measured, 1), verdict})
	}
	fmt.Fprintln(w)
	t.print(w, 1)
}

// known are the requests a second of good references, as measured on 2 cores.
var known = []struct {
	users     int
	operation string
	program   string
	rate      float64
}{
	{100_000, listFirst, seedWay, 204},
	{100_000, listFirst, best, 6900},
	{1_000_000, listFirst, seedWay, 16},
	{1_000_000, listFirst, best, 6700},
	{100_000, "get", best, 11000},
}

// farBelow is the part of a known figure under which a reference is not the one
// that it should be, or not on the machine that it should be on.
const farBelow = 0.7

// printReferences says how good the references were: to be faster than a slow
// program is nothing.
func (r *report) printReferences(w io.Writer) {
	t := table{{"reference", "known on 2 cores", "here", ""}}
	below := 0
	for _, k := range known {
		f, ok := r.find(k.users, k.operation, k.program)
		if !ok {
			continue
		}
		verdict := "good"
		if f.Rate < farBelow*k.rate {
			verdict = "FAR BELOW"
			below++
		}
		t = append(t, []string{fmt.Sprintf("%s, %s, %s users", k.program, k.operation, group(k.users)),
			group(round(k.rate)) + "/s", group(round(f.Rate)) + "/s", verdict})
	}
	if len(t) == 1 {
		return
	}
	fmt.Fprintln(w)
	t.print(w, 1)
	if below > 0 {
		fmt.Fprintf(w, "\n%d references are far below what is known of them: this machine is slow or busy, and the ratios above say less than they seem to.\n", below)
	}
}

// printNoise says how much a program differs from itself.
func (r *report) printNoise(w io.Writer) {
	var off []float64
	worst, where := 0.0, ""
	for _, seen := range r.Results {
		if seen.Program != again {
			continue
		}
		one, _ := r.find(seen.Users, seen.Operation, best)
		if one.CPU() == 0 {
			continue
		}
		d := math.Abs(seen.median().CPU()/one.CPU()-1) * 100
		if off = append(off, d); d >= worst {
			worst, where = d, fmt.Sprintf("%s, %s users", seen.Operation, group(seen.Users))
		}
	}
	if len(off) > 0 {
		fmt.Fprintf(w, "\nNoise: in CPU, best differed from itself by %.1f %% in the middle, %.1f %% at most (%s)\n", median(off), worst, where)
	}
}

// printCreate tells the cost of a create from that of hashing its password, which
// is the same work in every program, and a hundred times as much. What is left is
// a small difference of large numbers: it is worth what +- leaves of it.
func (r *report) printCreate(w io.Writer) {
	var rows []*result
	for _, seen := range r.Results {
		if seen.Operation == create {
			rows = append(rows, seen)
		}
	}
	if len(rows) == 0 {
		return
	}
	byBest, errBest := withoutHash(rows, best)
	t := table{{"create less its hash", "CPU", "+-", "database", "CPU / best"}}
	for _, seen := range rows {
		rest, off := withoutHash(rows, seen.Program)
		compared, margin := "lost in noise", "?"
		if !math.IsInf(off, 1) {
			margin = group(round(off))
		}
		if off < rest/3 && errBest < byBest/3 {
			compared = ratio(rest, byBest)
		}
		t = append(t, []string{seen.Program, group(round(rest)), margin, group(round(seen.median().Database)), compared})
	}
	fmt.Fprintf(w, "\nA create hashes a password, which took %s us of CPU in this run.\n\n", group(round(rows[0].median().Hash)))
	t.print(w, 1)
}

// withoutHash is the mean over the rounds of a create's CPU time less that of the
// hash, and the standard error of that mean.
func withoutHash(rows []*result, program string) (mean, off float64) {
	var squares, n float64
	for _, seen := range rows {
		if seen.Program != program {
			continue
		}
		n = float64(len(seen.Rounds))
		for _, f := range seen.Rounds {
			mean += (f.CPU() - f.Hash) / n
		}
		for _, f := range seen.Rounds {
			squares += math.Pow(f.CPU()-f.Hash-mean, 2)
		}
	}
	if n < 2 {
		return mean, math.Inf(1)
	}
	return mean, math.Sqrt(squares / (n - 1) / n)
}
