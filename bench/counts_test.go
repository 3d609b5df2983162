package bench

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/placement"
)

// countsLimit is what each solver gets: CBC counts its processor time, GLPK
// the time, and ours the work that it takes for as much.
const countsLimit = 10 * time.Second

// TestProblemsWithCounts gives every solver the same time. Ours must not be
// worse than any: neither in the objective nor in what it proves. What any of
// them proves must be true of what the others found.
func TestProblemsWithCounts(t *testing.T) {
	caption := measured(t)
	solvers := append([]solver{ours(t)}, peers(t, cbc(), glpk())...)
	tab := table{head: []string{"problem", "candidates × edges", "regions, Machines", "objective"}}
	for i, s := range solvers {
		if i > 0 {
			tab.head = append(tab.head, s.name+": above ours")
		}
		tab.head = append(tab.head, s.name+": gap", "s")
	}
	proven := make([]int, len(solvers))
	for _, n := range []int{18, 35, 60} {
		seeds := uint64(3)
		switch {
		case *quick:
			seeds = 1
		case n == 60:
			seeds = 5
		}
		for seed := range seeds {
			p := counted(seed, n, n)
			f := write(t, p)
			var answers []answer
			for i, s := range solvers {
				a := s.solve(t, f, countsLimit)
				answers = append(answers, a)
				if a.proven {
					proven[i]++
				}
			}
			compare(t, p, solvers, answers)
			tab.row(countsRow(p, answers)...)
		}
	}
	var names []string
	for i, s := range solvers {
		names = append(names, fmt.Sprintf("%s %d", s.name, proven[i]))
	}
	publish(t, "counts", fmt.Sprintf("%s\nProven within %s, of %d: %s.\n\n%s and %s after; %s.\n",
		tab.String(), countsLimit, len(tab.rows), strings.Join(names, ", "), caption, load(), versions()))
}

// compare checks the answers against each other.
func compare(t *testing.T, p placement.Problem, solvers []solver, answers []answer) {
	t.Helper()
	mine := answers[0]
	if math.IsNaN(mine.objective) {
		t.Errorf("%s, %d candidates: %s finds nothing", p.Name, len(p.Candidates), solvers[0].name)
	}
	for i, a := range answers {
		for j, b := range answers {
			if a.bound > b.objective && !same(a.bound, b.objective) {
				t.Errorf("%s: %s proves %v, but %s finds %v", p.Name, solvers[i].name, a.bound, solvers[j].name, b.objective)
			}
		}
		if mine.objective > a.objective && !same(mine.objective, a.objective) {
			t.Errorf("%s, %d candidates: %s finds %v, better than our %v", p.Name, len(p.Candidates), solvers[i].name, a.objective, mine.objective)
		}
		if a.gap() < mine.gap()-1e-6 {
			t.Errorf("%s, %d candidates: %s proves a gap of %.3g %%, ours is %.3g %%", p.Name, len(p.Candidates), solvers[i].name, 100*a.gap(), 100*mine.gap())
		}
	}
}

func countsRow(p placement.Problem, answers []answer) []string {
	machines := 0
	for _, n := range answers[0].placement {
		machines += n
	}
	cells := []string{
		p.Name, fmt.Sprintf("%d × %d", len(p.Candidates), len(p.Edges)),
		fmt.Sprintf("%d, %d", len(answers[0].placement), machines), fmt.Sprintf("%.2f", answers[0].objective),
	}
	for i, a := range answers {
		if i > 0 {
			cells = append(cells, percent(a.objective/answers[0].objective-1))
		}
		gap := percent(a.gap())
		if a.proven {
			gap = "proven"
		}
		cells = append(cells, gap, fmt.Sprintf("%.1f", a.took.Seconds()))
	}
	return cells
}

// percent writes a share; nothing found is a dash.
func percent(share float64) string {
	switch {
	case math.IsNaN(share):
		return "–"
	case math.Abs(share) < 1e-6:
		return "0"
	}
	return fmt.Sprintf("%.2f %%", 100*share)
}
