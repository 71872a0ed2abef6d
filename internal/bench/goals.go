package main

import (
	"fmt"
	"io"
	"math"
)

// goal is one figure that Roster shall reach.
type goal struct {
	text        string
	atMost      bool // else at least
	wanted      float64
	measured    float64
	least, most float64 // of the rounds
}

func (g goal) met() bool {
	if g.atMost {
		return g.measured <= g.wanted
	}
	return g.measured >= g.wanted
}

// mostCPU is how much of best's CPU time an operation of Roster's may take. best
// knows no callers, so where Roster asks who is calling, that is in it.
var mostCPU = []struct {
	operation string
	times     float64
}{
	{"health", 1.25},
	{getSession, 1.4}, {getKey, 1.4}, {getSessions, 1.4},
	{listFirst, 1.25}, {listCursor, 1.25},
	{createHashless, 1.6},
}

// leastRate is how many times as many first pages as the seed's way Roster gives.
var leastRate = []struct {
	users int
	times float64
}{{100_000, 25}, {1_000_000, 300}}

// goals are those that this run has measured.
func (r *report) goals() []goal {
	var all []goal
	for _, users := range r.sizes() {
		for _, most := range mostCPU {
			g := goal{text: fmt.Sprintf("%s, %s users: CPU / best", most.operation, group(users)), atMost: true, wanted: most.times}
			if r.compare(&g, users, most.operation, best, figures.CPU) {
				all = append(all, g)
			}
		}
	}
	for _, least := range leastRate {
		g := goal{text: fmt.Sprintf("%s, %s users: req/s / seedway", listFirst, group(least.users)), wanted: least.times}
		if r.compare(&g, least.users, listFirst, seedWay, func(f figures) float64 { return f.Rate }) {
			all = append(all, g)
		}
	}
	return all
}

// compare fills in a goal's figures: that of the medians, and the least and the
// most that any round alone would give. It says whether there are any.
func (r *report) compare(g *goal, users int, operation, other string, of func(figures) float64) bool {
	our, their := r.result(users, operation, ours), r.base(users, operation, other)
	if our == nil || their == nil || of(their.median()) == 0 {
		return false
	}
	g.measured = of(our.median()) / of(their.median())
	g.least, g.most = math.Inf(1), 0
	for i := range our.Rounds {
		x := of(our.Rounds[i]) / of(their.Rounds[i])
		g.least, g.most = min(g.least, x), max(g.most, x)
	}
	return true
}

func (r *report) printGoals(w io.Writer) {
	goals := r.goals()
	if len(goals) == 0 {
		return
	}
	t := table{{"goal", "wanted", "measured", "in a round", ""}}
	for _, g := range goals {
		wanted, verdict := fmt.Sprintf(">= %g", g.wanted), "MISSED"
		if g.atMost {
			wanted = fmt.Sprintf("<= %g", g.wanted)
		}
		if g.met() {
			verdict = "met"
		}
		t = append(t, []string{g.text, wanted, ratio(g.measured, 1),
			ratio(g.least, 1) + " to " + ratio(g.most, 1), verdict})
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
	{100_000, getSession, best, 11000},
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
