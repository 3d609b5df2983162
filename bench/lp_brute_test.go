package bench

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/placement"
)

// twoWarehouses is docs/examples/facility-location.json: both open, 44 in all.
func twoWarehouses() placement.Problem {
	return placement.Problem{
		Version: 1, Name: "two warehouses, three customers", ValuePerMS: 3,
		Candidates: []placement.Candidate{{Region: "A", MachineCost: 20}, {Region: "B", MachineCost: 14}},
		Edges:      []placement.Edge{{Region: "1", Requests: 1}, {Region: "2", Requests: 1}, {Region: "3", Requests: 1}},
		LatencyMS:  [][]float64{{2, 30}, {5, 8}, {40, 3}},
	}
}

func TestTheProgramStatesTheProblem(t *testing.T) {
	p := twoWarehouses()
	p.Edges, p.LatencyMS, p.ValuePerMS = p.Edges[:2], p.LatencyMS[:2], 2
	p.Edges[0].Requests, p.Edges[1].Requests = 0, 0
	p.Edges[0].Demand, p.Edges[1].Demand = []float64{30}, []float64{10}
	p.SoftLimit, p.Limits.MinRegions, p.Limits.MaxRegions = 16, 2, 2
	want := `\ two warehouses, three customers
Minimize
 obj:
 + 20 n_0
 + 14 n_1
 + 3 x_0_0
 + 45 x_0_1
 + 2.5 x_1_0
 + 4 x_1_1
Subject To
 + x_0_0 + x_0_1 = 1
 x_0_0 - y_0 <= 0
 x_0_1 - y_1 <= 0
 + x_1_0 + x_1_1 = 1
 x_1_0 - y_0 <= 0
 x_1_1 - y_1 <= 0
 + y_0 + y_1 >= 2
 + y_0 + y_1 <= 2
 16 n_0
 - 30 x_0_0 - 10 x_1_0 >= 0
 n_0 - y_0 >= 0
 16 n_1
 - 30 x_0_1 - 10 x_1_1 >= 0
 n_1 - y_1 >= 0
 + x_0_0 - y_0 >= 0
 + x_0_0 + x_0_1 - y_1 >= 0
 + x_1_0 - y_0 >= 0
 + x_1_0 + x_1_1 - y_1 >= 0
Binaries
 y_0
 y_1
Generals
 n_0
 n_1
End
`
	var got strings.Builder
	if err := writeLP(&got, p); err != nil || got.String() != want {
		t.Errorf("%v\n%s", err, got.String())
	}
}

func TestTheProgramRefusesWhatItCannotState(t *testing.T) {
	for name, change := range map[string]func(*placement.Problem){
		"live Machines": func(p *placement.Problem) { p.Current = map[string]int{"A": 1} },
		"a minimum":     func(p *placement.Problem) { p.Candidates[1].MinMachines = 2 },
		"survival":      func(p *placement.Problem) { p.Limits.Survive = placement.Machine },
		"two hours":     func(p *placement.Problem) { p.SoftLimit, p.Edges[0].Demand = 5, []float64{1, 2} },
		"transfer":      func(p *placement.Problem) { p.Edges[2].GBOut = 3 },
	} {
		p := twoWarehouses()
		change(&p)
		if err := writeLP(&strings.Builder{}, p); err == nil {
			t.Errorf("%s: stated", name)
		}
	}
}

// enumerated is the least objective of all sets of regions, each with the
// Machines that it requires.
func enumerated(t *testing.T, p placement.Problem) float64 {
	t.Helper()
	least := math.Inf(1)
	for set := 1; set < 1<<len(p.Candidates); set++ {
		var open []string
		for j, c := range p.Candidates {
			if set>>j&1 == 1 {
				open = append(open, c.Region)
			}
		}
		if l := p.Limits; len(open) < l.MinRegions || l.MaxRegions > 0 && len(open) > l.MaxRegions {
			continue
		}
		_, e := priced(t, p, open)
		least = min(least, e.Objective)
	}
	return least
}

// The other solvers find what enumeration finds, so the program they read
// states our problem: with and without counts, and with limits on regions.
func TestOtherSolversFindTheEnumeratedOptimum(t *testing.T) {
	problems := []placement.Problem{twoWarehouses()}
	for seed := range uint64(2) {
		problems = append(problems, counted(seed, 7, 9), plain(seed, 8, 8, free), plain(seed, 8, 11, atMostFive), plain(seed, 8, 8, median))
	}
	for _, s := range peers(t, cbc(), glpk()) {
		for _, p := range problems {
			a, want := s.solve(t, write(t, p), 20*time.Second), enumerated(t, p)
			if !a.proven || !same(a.objective, want) {
				t.Errorf("%s, %s: %v, proven %v; enumeration finds %v", s.name, p.Name, a.objective, a.proven, want)
			}
		}
	}
}
