package placement

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// randomPlain is a small plain problem with every feature that those may have.
func randomPlain(r *rand.Rand) Problem {
	for {
		p := randomProblem(r)
		if r.IntN(4) == 0 {
			for i := range p.Edges {
				clear(p.Edges[i].Demand) // a soft limit without any load
			}
		} else {
			p.SoftLimit = 0
		}
		for i := range p.Candidates {
			p.Candidates[i].BackendMS = p.Candidates[0].BackendMS
		}
		for _, row := range p.TransferUSDPerGB {
			for s := range row {
				row[s] = row[0]
			}
		}
		l := &p.Limits
		l.MaxChanges, l.MaxMonthlyCost, l.MaxP95LatencyMS = 0, 0, 0
		l.MinMachines = min(l.MinMachines, 2*max(1, l.MinMachinesPerRegion))
		if p.entangled() == "" {
			return p
		}
	}
}

func TestPlainProblemsEqualBruteForceAndTheSearchOfOthers(t *testing.T) {
	count := map[Status]int{}
	tied := 0
	for seed := range uint64(2500) {
		p := randomPlain(rand.New(rand.NewPCG(seed, 21)))
		got := solve(t, p)
		count[got.Status]++
		o := newOracle(p)
		want, ok := o.solve()
		if p.possible() != ok {
			t.Fatalf("seed %d: possible is %t\n%s", seed, !ok, dump(p))
		}
		if !ok {
			more := &refuter{p: p, limits: limitsOf(p, nil), left: defaultNodes} // as beyond 64 candidates
			if list := more.conflicts(); got.Status != Infeasible || !reflect.DeepEqual(list, got.Conflict) {
				t.Fatalf("seed %d: more candidates would get %+v, not %s with %+v\n%s", seed, list, got.Status, got.Conflict, dump(p))
			}
			continue
		}
		if got.Status != Optimal || !equal(got.Objective, want.objective) || !maps.Equal(got.Placement, want.count) {
			t.Fatalf("seed %d: %s %v at %v; want %v at %v\n%s", seed, got.Status, got.Placement, got.Objective,
				want.count, want.objective, dump(p))
		}
		equals := 0
		for _, a := range o.options() {
			if equal(a.objective, want.objective) {
				equals++
			}
		}
		if equals > 1 {
			tied++
		}
		s := newSearch(compile(p), defaultNodes)
		s.run()
		other := s.solution()
		other.Nodes = got.Nodes
		if !reflect.DeepEqual(other, got) {
			t.Fatalf("seed %d: %+v\nbut the search of other problems finds %+v\n%s", seed, got, other, dump(p))
		}
	}
	if count[Optimal] < 1800 || count[Infeasible] < 50 || tied < 150 {
		t.Errorf("the problems are one-sided: %v, tied %d", count, tied)
	}
}

func TestSaysWhatMakesAProblemMoreThanPlain(t *testing.T) {
	plain := func() Problem {
		p := scattered(1, 5, 6, 0)
		for i := range p.Edges {
			p.Edges[i].GBOut = 1
			p.Edges[i].Demand = []float64{3}
			p.TransferUSDPerGB = append(p.TransferUSDPerGB, []float64{float64(i), float64(i), float64(i), float64(i), float64(i)})
		}
		p.Current = map[string]int{"c0001": 4, "elsewhere": 2}
		p.Candidates[2].Required = true
		return p
	}
	for _, c := range []struct {
		name, why string
		change    func(*Problem)
	}{
		{"nothing", "", func(*Problem) {}},
		{"a soft limit on demand", "soft_limit", func(p *Problem) { p.SoftLimit = 20 }},
		{"a soft limit without demand", "", func(p *Problem) {
			p.SoftLimit = 20
			for i := range p.Edges {
				p.Edges[i].Demand = nil
			}
		}},
		{"changes", "max_changes", func(p *Problem) { p.Limits.MaxChanges = 9 }},
		{"money", "max_monthly_cost", func(p *Problem) { p.Limits.MaxMonthlyCost = 9 }},
		{"p95", "max_p95_latency_ms", func(p *Problem) { p.Limits.MaxP95LatencyMS = 9 }},
		{"one backend for all", "", func(p *Problem) {
			for i := range p.Candidates {
				p.Candidates[i].BackendMS = 8
			}
		}},
		{"a backend nearer to some", "backend_ms", func(p *Problem) { p.Candidates[3].BackendMS = 1 }},
		{"transfer", "transfer_usd_per_gb of edge e0002", func(p *Problem) { p.TransferUSDPerGB[2][1] = 9 }},
		{"transfer of nothing", "", func(p *Problem) { p.TransferUSDPerGB[2][1], p.Edges[2].GBOut = 9, 0 }},
		{"regions", "", func(p *Problem) { p.Limits.MinRegions, p.Limits.MaxRegions = 2, 3 }},
		{"survive", "", func(p *Problem) { p.Limits.Survive = Machine }},
		{"a Machine per region in all", "", func(p *Problem) { p.Limits.MinMachines = 2 }},
		{"Machines in all", "min_machines 3", func(p *Problem) { p.Limits.MinMachines = 3 }},
		{"Machines of more regions", "", func(p *Problem) { p.Limits.MinMachines, p.Limits.MinRegions = 3, 3 }},
		{"as many Machines as can ever be", "", func(p *Problem) { p.Limits.MaxMachines = 8 }},
		{"fewer Machines than live", "max_machines 7", func(p *Problem) { p.Limits.MaxMachines = 7 }},
		{"few Machines for few regions", "", func(p *Problem) { p.Limits.MaxMachines, p.Limits.MaxRegions = 5, 2 }},
	} {
		p := plain()
		c.change(&p)
		if got := p.entangled(); c.why == "" && got != "" || !strings.Contains(got, c.why) {
			t.Errorf("%s: %q, want %q", c.name, got, c.why)
		}
	}
}

func TestThousandsOfTiesAreStillDecidedByFewerChanges(t *testing.T) {
	p := scattered(1, 14, 6, 0)
	for i := range p.Candidates {
		p.Candidates[i].MachineCost = 0
	}
	for _, row := range p.LatencyMS {
		for s := range row {
			row[s] = 10 // any of 16,383 sets is as good
		}
	}
	p.Current = map[string]int{"c0003": 1, "c0009": 1}
	if sol := solve(t, p); sol.Status != Optimal || !maps.Equal(sol.Placement, p.Current) {
		t.Errorf("%s %v, want what runs", sol.Status, sol.Placement)
	}
	p = scattered(1, 64, 6, 0)
	for i := range p.Candidates {
		p.Candidates[i].MachineCost = 0
	}
	if sol := solve(t, p); sol.Status != Optimal || sol.Nodes > 2*tiedNodes {
		t.Errorf("ties that nobody can count: %s, %d nodes", sol.Status, sol.Nodes)
	}
}

func TestMoreCandidatesThanAWordHoldsMustBePlain(t *testing.T) {
	p := scattered(1, 70, 20, 4)
	sol := solve(t, p)
	if sol.Status != Optimal || len(sol.Open) > 4 {
		t.Errorf("70 candidates: %s with %v", sol.Status, sol.Open)
	}
	if e, err := Evaluate(p, sol.Placement); err != nil || e.Objective != sol.Objective || len(e.Broken) > 0 {
		t.Errorf("evaluate: %+v, %v", e, err)
	}
	p.Limits.MaxChanges = 3
	want := "candidates has 70 regions; it must have 1 to 64, because max_changes is set"
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err := scattered(1, 1001, 1, 0).Validate(); err == nil || !strings.Contains(err.Error(), "1 to 1000") {
		t.Errorf("1001 candidates: %v", err)
	}
}

func TestManyCandidatesWithoutAPlacement(t *testing.T) {
	p := scattered(1, 100, 5, 3)
	p.Limits.MinRegions = 3
	for i := range 5 {
		p.Candidates[i*20].Required = true
	}
	sol := solve(t, p)
	want := []Conflict{
		{Limit: "max_regions", Value: 3.0, Nearest: 5.0},
		{Limit: "required", Region: "c0000", Value: true},
		{Limit: "required", Region: "c0020", Value: true},
		{Limit: "required", Region: "c0040", Value: true},
		{Limit: "required", Region: "c0060", Value: true},
	}
	if sol.Status != Infeasible || !reflect.DeepEqual(sol.Conflict, want) {
		t.Errorf("%s, %+v; want %+v", sol.Status, sol.Conflict, want)
	}
}

func TestPlainWithoutEdgesOpensTheCheapest(t *testing.T) {
	p := scattered(3, 80, 0, 0)
	p.Candidates[17].MachineCost = 1
	if sol := solve(t, p); sol.Status != Optimal || !maps.Equal(sol.Placement, map[string]int{"c0017": 1}) {
		t.Errorf("%s %v", sol.Status, sol.Placement)
	}
}

func TestOrderOfALargeFileDoesNotMatter(t *testing.T) {
	for seed := range uint64(8) {
		p := scattered(seed, 90, 60, int(seed)%4*3)
		if seed >= 4 { // many ties
			for _, row := range p.LatencyMS {
				for s := range row {
					row[s] = float64(int(row[s]) / 20)
				}
			}
			for i := range p.Candidates {
				p.Candidates[i].MachineCost = 40
			}
		}
		q := shuffled(p, rand.New(rand.NewPCG(seed, 5)))
		if a, b := solve(t, p), solve(t, q); a.Status != Optimal || !reflect.DeepEqual(a, b) {
			t.Errorf("seed %d: %+v\nbut in another order %+v", seed, a, b)
		}
	}
}

func TestWorkLimitOfAPlainProblemGivesACertifiedBound(t *testing.T) {
	feasible := 0
	for seed := range uint64(20) {
		p := scattered(seed, 50, 50, 0)
		for _, row := range p.LatencyMS {
			for s := range row {
				row[s] = 10 + 100*rand.New(rand.NewPCG(seed, uint64(row[s]*1e6))).Float64() // no geography: a wide gap
			}
		}
		whole := solve(t, p)
		for _, nodes := range []int{1, 30, 100, 1000, 4000} {
			sol, err := Solve(p, Options{MaxNodes: nodes})
			if err != nil {
				t.Fatal(err)
			}
			if sol.Objective < whole.Objective*(1-1e-9) || sol.Bound > whole.Objective*(1+1e-9) || sol.Gap < 0 {
				t.Errorf("seed %d, %d nodes: %v with bound %v around %v", seed, nodes, sol.Objective, sol.Bound, whole.Objective)
			}
			switch {
			case sol.Status == Feasible:
				feasible++
			case sol.Status != Optimal || !equal(sol.Objective, whole.Objective) || sol.Gap != 0:
				t.Errorf("seed %d, %d nodes: %s %v, want %v", seed, nodes, sol.Status, sol.Objective, whole.Objective)
			}
		}
	}
	if feasible < 20 {
		t.Errorf("only %d searches were cut short", feasible)
	}
}

// The counts of nodes show what values cannot: a bound that is too weak, or
// multipliers that get lost, still end in the right answer.
func TestPublishedInstances(t *testing.T) {
	dir := instances(t)
	for name, nodes := range map[string]int{
		"cap71": 20, "cap72": 20, "cap101": 20, "cap103": 20, "cap131": 20, "cap133": 20,
		"pmed1": 20, "pmed2": 50, "pmed3": 50, "pmed6": 100,
		"111EuclS.txt": 20, "211EuclS.txt": 20, "B_B1.1": 20, "B_B1.2": 20, "B_B1.3": 20, "MO1": 150,
	} {
		p, want := published(t, dir, name)
		sol := solve(t, p)
		if diff := sol.Objective - want; sol.Status != Optimal || diff < -1e-3 || diff > 1e-3 || sol.Nodes > nodes {
			t.Errorf("%s: %s %v, optimum %v, %d nodes", name, sol.Status, sol.Objective, want, sol.Nodes)
		}
	}
}

// The work is that of the command, which gives each of these 10 seconds.
func TestProvesTheMedianOf400Vertices(t *testing.T) {
	for _, most := range []int{5, 40, 80, 133} {
		p := graph(1, 400, most)
		sol, err := Solve(p, Within(p, 10*time.Second))
		if err != nil || sol.Status != Optimal || len(sol.Open) != most || sol.Nodes > 300 {
			t.Errorf("%s: %s with %d regions, %d nodes, %v", p.Name, sol.Status, len(sol.Open), sol.Nodes, err)
		}
	}
}

func TestPlainSearchLooksAtFewNodes(t *testing.T) {
	worst := 0
	for seed := range uint64(100) {
		sol := solve(t, scattered(seed, 60, 60, int(seed)%3*4))
		if sol.Status != Optimal {
			t.Errorf("seed %d: %s", seed, sol.Status)
		}
		worst = max(worst, sol.Nodes)
	}
	if worst > 60 {
		t.Errorf("the worst problem took %d nodes", worst)
	}
}
