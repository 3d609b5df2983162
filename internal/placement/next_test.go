package placement

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// nextRegion tries every value of max_changes from the next one on.
func nextRegion(t *testing.T, p Problem, sol Solution) (int, []string) {
	t.Helper()
	all, moved := 0, 0
	for _, n := range p.Current {
		all += n
	}
	q := p
	q.Limits.MaxChanges = 0
	for _, n := range solve(t, q).Placement {
		moved += n
	}
	for q.Limits.MaxChanges = p.Limits.MaxChanges + 1; q.Limits.MaxChanges <= all+moved; q.Limits.MaxChanges++ {
		best, ok := newOracle(q).solve()
		if ok && best.objective < sol.Objective*(1-1e-9) && !slices.Equal(best.open, sol.Open) {
			return q.Limits.MaxChanges, best.open
		}
	}
	return 0, nil
}

func TestNextRegionIsTheFirstThatMoreChangesAllow(t *testing.T) {
	near, never, far := 0, 0, 0
	for seed := range uint64(600) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 31)))
		p.Limits.MaxChanges = 1 + int(seed%4)
		sol := solve(t, p)
		if sol.Status != Optimal {
			continue
		}
		got, open, ok, err := NextRegion(p, sol, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want, wantOpen := nextRegion(t, p, sol)
		if ok != (want > 0) || got != want || !slices.Equal(open, wantOpen) {
			t.Fatalf("seed %d: %d opens %v, %t; want %d, %v\n%s", seed, got, open, ok, want, wantOpen, dump(p))
		}
		switch {
		case !ok:
			never++
		case got == p.Limits.MaxChanges+1:
			near++
		default:
			far++
		}
	}
	t.Logf("one more change suffices %d times, more %d times, none %d times", near, far, never)
	if near < 20 || far < 40 || never < 100 {
		t.Errorf("the problems are one-sided: %d, %d, %d", near, far, never)
	}
}

func TestNextRegionNeedsALimitAPlacementAndWork(t *testing.T) {
	p := geoProblem(3, 8, 10, 4)
	p.Limits.MaxRegions = 1
	p.Current = solve(t, p).Placement
	p.Limits.MaxRegions, p.Limits.MaxChanges = 0, 1
	sol := solve(t, p)
	if _, _, ok, err := NextRegion(p, sol, Options{}); !ok || err != nil {
		t.Fatalf("%t, %v; want one from %s %v on", ok, err, sol.Status, sol.Placement)
	}
	if _, _, ok, _ := NextRegion(p, sol, Options{MaxNodes: 1}); ok {
		t.Error("an answer that no work can prove")
	}
	if _, _, ok, _ := NextRegion(p, Solution{Status: Infeasible}, Options{}); ok {
		t.Error("a next region beside none")
	}
	p.Limits.MaxChanges = 0
	if _, _, ok, _ := NextRegion(p, sol, Options{}); ok {
		t.Error("a value of a limit that is not set")
	}
	p.Candidates = nil
	if _, _, _, err := NextRegion(p, sol, Options{}); err == nil {
		t.Error("an invalid problem is taken")
	}
}
