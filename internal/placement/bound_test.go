package placement

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// plain prices one set without any bound, as the definition says; +Inf if it
// breaks a limit.
func (s *search) plain(set uint64) float64 {
	k := bits.OnesCount64(set)
	if k < s.least || k > s.most || set == 0 {
		return math.Inf(1)
	}
	s.weigh(members(set))
	s.transferCost = s.carryCost()
	if !s.require() || !s.settle() || !s.reaches(0.95, s.limits.MaxP95LatencyMS) {
		return math.Inf(1)
	}
	s.cost()
	return s.objective
}

// enumerated is the lowest objective over all sets.
func enumerated(p Problem) float64 {
	s := newSearch(compile(p), 0)
	lowest := math.Inf(1)
	for set := s.needed; set < 1<<len(s.regions); set++ {
		if set&s.needed == s.needed && set&^s.may == 0 {
			lowest = min(lowest, s.plain(set))
		}
	}
	return lowest
}

// checkBound walks the whole tree below a node and compares every node's bound
// with the lowest objective below it, and what a cutoff decides with the lowest
// objective that this leaves out.
func checkBound(s *search, x, from *node, depth int, r *rand.Rand) (float64, error) {
	open, undecided := x.open, x.undecided
	bound := s.tree.below(x, from, math.Inf(1))
	lowest := math.Inf(1)
	if undecided == 0 {
		lowest = s.plain(open)
	} else {
		next := uint64(1) << members(undecided)[0]
		child := s.tree.at(depth + 1)
		for _, opens := range []uint64{next, 0} {
			child.open, child.undecided = open|opens, undecided&^next
			v, err := checkBound(s, child, x, depth+1, r)
			if err != nil {
				return 0, err
			}
			lowest = min(lowest, v)
		}
	}
	if bound > lowest+4*tol*math.Abs(lowest) {
		return 0, fmt.Errorf("open %b, undecided %b: bound %v is above %v", open, undecided, bound, lowest)
	}
	if bits.OnesCount64(undecided) > 5 || math.IsInf(lowest, 1) {
		return lowest, nil
	}
	cutoff := lowest * (0.8 + 0.7*r.Float64())
	y := s.tree.newNode()
	y.open, y.undecided = open, undecided
	pruned := !(s.tree.below(y, from, cutoff) <= cutoff)
	for bitsOf := undecided; ; bitsOf = (bitsOf - 1) & undecided {
		set := open | bitsOf
		left := !pruned && set&y.open == y.open && set&^(y.open|y.undecided) == 0
		if v := s.plain(set); !left && v < cutoff-4*tol*math.Abs(cutoff) {
			return 0, fmt.Errorf("open %b, undecided %b: %b at %v is left out below %v", open, undecided, set, v, cutoff)
		}
		if bitsOf == 0 {
			return lowest, nil
		}
	}
}

func TestEveryBoundIsAdmissible(t *testing.T) {
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := randomProblem(r)
		if seed%3 == 0 {
			p = geoProblem(seed, 8, 12, 24)
			p.Limits = randomLimits(r, 8)
			p.Limits.MaxMonthlyCost *= 20
			p.Limits.MaxMachines *= 8
			p.Limits.MaxChanges *= 8
			p.Limits.ShrinkMargin = float64(seed%2) / 10
		}
		if seed%5 == 0 {
			p = idleProblem(seed, 8, 12, 24, []float64{0.0003, 0.003, 0.1, 3, 30, 300}[r.IntN(6)])
			p.Autostop.Scale = []float64{0, 0.5, 1.5}[r.IntN(3)]
			p.Limits = randomLimits(r, 8)
			p.Candidates[r.IntN(8)].MinRunning = r.IntN(4)
		}
		s := newSearch(compile(p), defaultNodes)
		if s.needed&^s.may != 0 || s.least > s.most {
			continue
		}
		if seed%2 == 0 {
			s.warmUp()
		}
		s.prepareBound()
		s.plant()
		if seed%4 < 3 {
			s.tree.gather(s.needed, []int{2, 4, 12}[seed%4])
		}
		root := s.tree.at(0)
		root.open, root.undecided = s.needed, s.may&^s.needed
		lowest, err := checkBound(s, root, nil, 0, r)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, dump(p))
		}
		if s.relax.lower > lowest+4*tol*math.Abs(lowest) {
			t.Fatalf("seed %d: root bound %v is above %v", seed, s.relax.lower, lowest)
		}
	}
}

func TestCapacityInvertsOwn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for range 200 {
		m := compile(randomProblem(r))
		for count := m.floor[0]; count < 12; count++ {
			load := m.capacity(0, count)
			if math.IsInf(load, 1) {
				continue
			}
			if _, need := m.own(0, load, false); need > count {
				t.Fatalf("%d Machines carry %v, which asks for %d (quota %v, hard %v, %s)",
					count, load, need, m.quota, m.hard, m.limits.Survive)
			}
			if _, need := m.own(0, load*(1+1e-6)+1e-6, false); need <= count {
				t.Fatalf("%v asks for %d Machines, but %d carry only %v (quota %v, hard %v, %s)",
					load*(1+1e-6), need, count, load, m.quota, m.hard, m.limits.Survive)
			}
		}
	}
}

// A bound that stops working still gives right answers, slowly; so the number
// of sets looked at is pinned, with room for other roundings.
func TestSearchLooksAtFewSets(t *testing.T) {
	const seeds = 12
	for _, tt := range []struct {
		survive Survive
		most    int // mean of the sets looked at, of 262,143
	}{
		{None, 1200}, {Machine, 1250}, {Region, 2000},
	} {
		total := 0
		for seed := range uint64(seeds) {
			p := geoProblem(seed, 18, 40, 24)
			p.Limits.Survive = tt.survive
			sol, err := Solve(p, Options{})
			if err != nil || sol.Status != Optimal {
				t.Fatalf("survive %s, seed %d: %s, %v", tt.survive, seed, sol.Status, err)
			}
			total += sol.Nodes
		}
		t.Logf("survive %s: %d sets on average", tt.survive, total/seeds)
		if total/seeds > tt.most {
			t.Errorf("survive %s: looked at %d sets on average, want at most %d", tt.survive, total/seeds, tt.most)
		}
	}
}

// Regions that are bounded together spare most of the sets, and with many more
// candidates what the work proves.
func TestGroupsSpareSets(t *testing.T) {
	total := 0
	for seed := range uint64(4) {
		sol, err := Solve(cityProblem(seed, 22, 60, Region), Options{})
		if err != nil || sol.Status != Optimal {
			t.Fatalf("22 candidates, seed %d: %s, %v", seed, sol.Status, err)
		}
		total += sol.Nodes / 4
	}
	t.Logf("%d sets on average", total)
	if total > 80000 {
		t.Errorf("looked at %d sets on average, want at most 80000", total)
	}
	for seed := range uint64(2) {
		sol, err := Solve(cityProblem(seed, 60, 60, Machine), Options{MaxNodes: 60_000})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("60 candidates, seed %d: gap %.2f %%", seed, 100*sol.Gap)
		if sol.Gap > 0.025 {
			t.Errorf("60 candidates, seed %d: gap %.2f %%, want at most 2.5 %%", seed, 100*sol.Gap)
		}
	}
}

// So is it with autostop, where what runs depends on every hour.
func TestSearchLooksAtFewSetsWithAutostop(t *testing.T) {
	const seeds = 8
	for inFlight, most := range map[float64]int{0.1: 700, 1: 900, 10: 900} {
		total := 0
		for seed := range uint64(seeds) {
			sol, err := Solve(idleProblem(seed, 18, 20, 24, inFlight), Options{})
			if err != nil || sol.Status != Optimal {
				t.Fatalf("%v in flight, seed %d: %s, %v", inFlight, seed, sol.Status, err)
			}
			total += sol.Nodes
		}
		t.Logf("%v in flight: %d sets on average", inFlight, total/seeds)
		if total/seeds > most {
			t.Errorf("%v in flight: looked at %d sets on average, want at most %d", inFlight, total/seeds, most)
		}
	}
}

// The same where a limit is tight: the bound of the objective doesn't see it.
func TestSearchLooksAtFewSetsUnderTightLimits(t *testing.T) {
	for _, tt := range []struct {
		name string
		most int // mean of the sets looked at, of 262,143
		set  func(l *Limits, best Solution, machines int)
	}{
		{"max_machines", 40000, func(l *Limits, _ Solution, machines int) { l.MaxMachines = max(2, machines*3/4) }},
		{"max_changes", 300, func(l *Limits, _ Solution, machines int) { l.MaxChanges = max(1, machines/8) }},
		{"max_monthly_cost", 30000, func(l *Limits, best Solution, _ int) { l.MaxMonthlyCost = best.MonthlyCost * 0.8 }},
		{"max_p95_latency_ms", 3000, func(l *Limits, best Solution, _ int) { l.MaxP95LatencyMS = best.P95LatencyMS * 0.7 }},
	} {
		const seeds = 6
		total := 0
		for seed := range uint64(seeds) {
			p := geoProblem(seed, 18, 40, 24)
			best, err := Solve(p, Options{})
			if err != nil {
				t.Fatal(err)
			}
			machines := 0
			for _, count := range best.Placement {
				machines += count
			}
			tt.set(&p.Limits, best, machines)
			sol, err := Solve(p, Options{NoConflict: true})
			if err != nil || sol.Status != Optimal && sol.Status != Infeasible {
				t.Fatalf("%s, seed %d: %s, %v", tt.name, seed, sol.Status, err)
			}
			total += sol.Nodes
		}
		t.Logf("%s: %d sets on average", tt.name, total/seeds)
		if total/seeds > tt.most {
			t.Errorf("%s: looked at %d sets on average, want at most %d", tt.name, total/seeds, tt.most)
		}
	}
}

func TestSolveEqualsEnumerationAtMiddleSize(t *testing.T) {
	for seed := range uint64(30) {
		p := geoProblem(seed, 12, 24, 24)
		p.Limits.Survive = []Survive{None, Machine, Region}[seed%3]
		if seed%5 == 0 {
			p.Limits.MaxChanges = 12
		}
		if seed%4 == 0 {
			p.Limits.MinMachines = 30
		}
		if seed%3 == 0 {
			p = idleProblem(seed, 12, 16, 24, []float64{0.001, 0.1, 10, 100}[seed/3%4])
		}
		want := enumerated(p)
		sol, err := Solve(p, Options{})
		if err != nil || math.IsInf(want, 1) != (sol.Status == Infeasible) ||
			sol.Status == Optimal && !equal(sol.Objective, want) {
			t.Errorf("seed %d: %s %v, %v; want %v", seed, sol.Status, sol.Objective, err, want)
		}
	}
}

func TestWorkLimitGivesACertifiedBound(t *testing.T) {
	feasible, unknown := 0, 0
	for seed := range uint64(40) {
		p := geoProblem(seed, 12, 20, 12)
		if seed%4 == 0 {
			p.Limits.MaxMachines = 12
		}
		whole, err := Solve(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, nodes := range []int{1, 10, 40, 160, 320, 640} {
			sol, err := Solve(p, Options{MaxNodes: nodes})
			if err != nil {
				t.Fatal(err)
			}
			switch sol.Status {
			case Optimal:
				if !equal(sol.Objective, whole.Objective) || sol.Gap != 0 {
					t.Errorf("seed %d, %d nodes: optimal %v, want %v", seed, nodes, sol.Objective, whole.Objective)
				}
			case Feasible:
				feasible++
				if whole.Objective > sol.Objective*(1+1e-9) || sol.Bound > whole.Objective*(1+1e-9) || sol.Gap < 0 {
					t.Errorf("seed %d, %d nodes: %v with bound %v around %v", seed, nodes, sol.Objective, sol.Bound, whole.Objective)
				}
			case Infeasible:
				if whole.Status != Infeasible {
					t.Errorf("seed %d, %d nodes: infeasible, but %v", seed, nodes, whole.Placement)
				}
			case Unknown:
				unknown++
			}
			if sol.Nodes > nodes+100 {
				t.Errorf("seed %d: looked at %d sets, limit %d", seed, sol.Nodes, nodes)
			}
		}
	}
	if feasible < 20 {
		t.Errorf("only %d searches were cut short (%d unknown)", feasible, unknown)
	}
}

// Few candidates never need a certificate, but any problem may have one: what
// it says of small problems can be compared with all that there is.
func TestCertificateEqualsBruteForce(t *testing.T) {
	count := map[Status]int{}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 33))
		p := randomProblem(r)
		nodes := []int{5, 20, 60, 200, defaultNodes}[r.IntN(5)]
		s := newSearch(compile(p), nodes)
		if s.needed&^s.may != 0 || s.least > s.most {
			continue
		}
		if s.warmUp(); !s.found {
			continue
		}
		s.explore()
		s.prepareBound()
		s.plant()
		s.tree.gather(s.needed, int(seed%4))
		s.certify()
		got := s.solution()
		want, _ := newOracle(p).solve()
		count[got.Status]++
		same := slices.Equal(got.Open, want.open) && maps.Equal(got.Placement, want.count)
		if nodes == defaultNodes && (got.Status != Optimal || !same) || // with less, ties may be left
			got.Status == Optimal && !equal(got.Objective, want.objective) || got.Objective < want.objective*(1-1e-9) || got.Bound > want.objective*(1+1e-9) {
			t.Fatalf("seed %d: %s %v at %v with bound %v, want %v at %v\n%s",
				seed, got.Status, got.Placement, got.Objective, got.Bound, want.count, want.objective, dump(p))
		}
	}
	if count[Optimal] < 1000 || count[Feasible] < 100 {
		t.Errorf("the problems are one-sided: %v", count)
	}
}

// With more candidates the rest of the work goes into a certificate: it must
// hold, and be better than the bound of the root.
func TestCertifiedGapHolds(t *testing.T) {
	cut := 0
	for seed := range uint64(6) {
		p := geoProblem(seed, 24, 30, 12)
		p.Limits.Survive = []Survive{None, Machine, Region}[seed%3]
		whole, err := Solve(p, Options{})
		if err != nil || whole.Status != Optimal {
			t.Fatalf("seed %d: %s, %v", seed, whole.Status, err)
		}
		for _, nodes := range []int{200, 1000, 2000, 4000} {
			sol, err := Solve(p, Options{MaxNodes: nodes})
			if err != nil || len(sol.Placement) == 0 {
				t.Fatalf("seed %d, %d nodes: %s, %v", seed, nodes, sol.Status, err)
			}
			if whole.Objective > sol.Objective*(1+1e-9) || sol.Bound > whole.Objective*(1+1e-9) ||
				sol.Status == Optimal && !equal(sol.Objective, whole.Objective) {
				t.Errorf("seed %d, %d nodes: %s %v with bound %v around %v", seed, nodes, sol.Status, sol.Objective, sol.Bound, whole.Objective)
			}
			if sol.Status != Feasible {
				continue
			}
			cut++
			m := newSearch(compile(p), nodes)
			m.warmUp()
			m.prepareBound()
			if nodes > 1000 && sol.Bound <= m.relax.lower {
				t.Errorf("seed %d, %d nodes: bound %v is that of the root", seed, nodes, sol.Bound)
			}
		}
	}
	if cut < 6 {
		t.Errorf("only %d searches were cut short", cut)
	}
}

// The bound goes over whole Machines, but not over every one of 50,000.
func TestManyMachines(t *testing.T) {
	for seed := range uint64(9) {
		p := geoProblem(seed, 10, 16, 12)
		p.Limits.Survive = []Survive{None, Machine, Region}[seed%3]
		p.Limits.MaxMachines = 0
		p.ValuePerMS *= 1000
		for i := range p.Edges {
			for h := range p.Edges[i].Demand {
				p.Edges[i].Demand[h] *= 1000
			}
		}
		for code := range p.Current {
			p.Current[code] *= []int{1, 1000}[seed%2]
		}
		machines := 0
		sol := solve(t, p)
		for _, count := range sol.Placement {
			machines += count
		}
		if want := enumerated(p); sol.Status != Optimal || !equal(sol.Objective, want) || machines < 2000 {
			t.Errorf("seed %d: %s %v with %d Machines; want %v", seed, sol.Status, sol.Objective, machines, want)
		}
	}
}
