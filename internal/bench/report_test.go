package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// results are what two programs did in two rounds, by their CPU times.
func results(operation string, best, our [2]float64) []*result {
	of := func(program string, cpu [2]float64) *result {
		return &result{Users: 10_000, Operation: operation, Program: program,
			Rounds: []figures{{Rate: 1, Server: cpu[0]}, {Rate: 1, Server: cpu[1]}}}
	}
	return []*result{of("best", best), of(ours, our)}
}

func TestGoals(t *testing.T) {
	t.Parallel()
	r := &report{Results: append(results(getKey, [2]float64{10, 30}, [2]float64{14, 36}), results(createHashless, [2]float64{10, 10}, [2]float64{16, 17})...)}
	goals := r.goals()
	if len(goals) != 2 {
		t.Fatalf("%d goals: %+v", len(goals), goals)
	}
	get, create := goals[0], goals[1]
	if get.wanted != 1.4 || get.measured != 1.25 || get.least != 1.2 || get.most != 1.4 || !get.met() {
		t.Errorf("get: %+v", get)
	}
	if create.wanted != 1.6 || create.measured != 1.65 || create.met() {
		t.Errorf("create: %+v", create)
	}
}

// Both processes of best are the base, round by round.
func TestGoalsByBothOfBest(t *testing.T) {
	t.Parallel()
	r := &report{Results: results(getKey, [2]float64{10, 30}, [2]float64{14, 36})}
	other := *r.Results[0]
	other.Program, other.Rounds = again, []figures{{Rate: 1, Server: 18}, {Rate: 1, Server: 50}}
	r.Results = append(r.Results, &other)
	get := r.goals()[0]
	if get.measured != 25./27 || get.least != 0.9 || get.most != 1 { // 14 to 14, 36 to 40
		t.Errorf("get: %+v", get)
	}
}

func TestWriteInto(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "figures.md")
	if err := os.WriteFile(path, []byte("# Figures\n"+reportBegin+"old\n"+reportEnd+"the end\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := &report{Machine: "a machine", Results: results(getKey, [2]float64{10, 10}, [2]float64{12, 12})}
	for range 2 { // what is written can be written over
		if err := r.writeInto(path); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "# Figures\n"+reportBegin+"```\na machine\n") || !strings.HasSuffix(got, "\n```\n"+reportEnd+"the end\n") ||
		strings.Contains(got, "old") || strings.Count(got, "a machine") != 1 {
		t.Errorf("got %s", got)
	}
	if err := os.WriteFile(path, []byte("# Figures\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.writeInto(path); err == nil {
		t.Error("a file without marks was written")
	}
}
