package placement

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
)

func equal(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

func dump(p Problem) string {
	b, _ := json.Marshal(p)
	return string(b)
}

func TestSolveEqualsBruteForce(t *testing.T) {
	count := map[Status]int{}
	changed, surplus := 0, 0
	for seed := range uint64(2400) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 1)))
		got, err := Solve(p, Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want, ok := newOracle(p).solve()
		count[got.Status]++
		if !ok {
			if got.Status != Infeasible {
				t.Fatalf("seed %d: status %s, %v; want infeasible\n%s", seed, got.Status, got.Placement, dump(p))
			}
			continue
		}
		if got.Status != Optimal || !equal(got.Objective, want.objective) || !maps.Equal(got.Placement, want.count) {
			t.Fatalf("seed %d: %s %v at %v; want %v at %v\n%s", seed, got.Status, got.Placement, got.Objective,
				want.count, want.objective, dump(p))
		}
		if want.changes > 0 {
			changed++
		}
		_, _, need := newOracle(p).required(want.open)
		if !maps.Equal(need, want.count) {
			surplus++
		}
		ev, err := Evaluate(p, got.Placement)
		if err != nil || len(ev.Broken) > 0 || ev.Objective != got.Objective ||
			ev.MeanLatencyMS != got.MeanLatencyMS || ev.P95LatencyMS != got.P95LatencyMS ||
			!maps.Equal(ev.Assignment, got.Assignment) || ev.Changes != want.changes {
			t.Fatalf("seed %d: evaluate says %+v, %v of %+v\n%s", seed, ev, err, got, dump(p))
		}
	}
	t.Logf("%v; changed %d, surplus kept %d", count, changed, surplus)
	if count[Optimal] < 1400 || count[Infeasible] < 300 || surplus < 100 {
		t.Errorf("the problems are one-sided: %v, surplus kept %d", count, surplus)
	}
}

// Rare together by chance: every feature and every limit at once, each limit
// near to what the optimum without it has, so that it is likely to bind.
func TestEverythingTogetherEqualsBruteForce(t *testing.T) {
	count, bound := map[Status]int{}, map[string]int{}
	for seed := range uint64(700) {
		r := rand.New(rand.NewPCG(seed, 41))
		p := withEverything(r)
		free, err := Solve(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if free.Status != Optimal {
			continue
		}
		ev, err := Evaluate(p, free.Placement)
		if err != nil {
			t.Fatal(err)
		}
		machines := 0
		for _, n := range free.Placement {
			machines += n
		}
		near := func(v float64) float64 { return v * (0.8 + 0.5*r.Float64()) }
		p.Limits.MaxMonthlyCost = 0.01 + near(free.MonthlyCost)
		p.Limits.MaxP95LatencyMS = 1 + near(free.P95LatencyMS)
		p.Limits.MaxChanges = max(1, int(near(float64(ev.Changes+1))))
		p.Limits.MaxMachines = max(p.Limits.MinMachines, int(near(float64(machines+1))))
		got, err := Solve(p, Options{NoConflict: true})
		if err != nil {
			t.Fatal(err)
		}
		count[got.Status]++
		want, ok := newOracle(p).solve()
		if ok != (got.Status == Optimal) || ok && (!equal(got.Objective, want.objective) || !maps.Equal(got.Placement, want.count)) {
			t.Fatalf("seed %d: %s %v at %v; want %v at %v\n%s", seed, got.Status, got.Placement, got.Objective,
				want.count, want.objective, dump(p))
		}
		if ev, err = Evaluate(p, free.Placement); err != nil {
			t.Fatal(err)
		}
		for _, b := range ev.Broken {
			bound[b.Limit]++
		}
	}
	t.Logf("%v; without them the optimum breaks %v", count, bound)
	if count[Optimal] < 150 || count[Infeasible] < 100 {
		t.Errorf("the problems are one-sided: %v", count)
	}
	for _, limit := range []string{"max_monthly_cost", "max_p95_latency_ms", "max_changes", "max_machines"} {
		if bound[limit] < 40 {
			t.Errorf("%s binds %d times", limit, bound[limit])
		}
	}
}

// withEverything has each feature on but the limits that are set by its optimum.
func withEverything(r *rand.Rand) Problem {
	p := randomProblem(r)
	for len(p.Candidates) < 4 || len(p.Edges) < 3 || len(p.Edges[0].Demand) == 0 || p.SoftLimit == 0 {
		p = randomProblem(r)
	}
	p.ValuePerMS, p.ChangeCost, p.MachineChangeCost = 1+r.Float64()*3, 1+r.Float64()*10, 1+r.Float64()*5
	p.TransferUSDPerGB = nil
	for i := range p.Edges {
		p.Edges[i].GBOut = 1 + r.Float64()*50
		row := make([]float64, len(p.Candidates))
		for c := range row {
			row[c] = r.Float64() * 0.2
		}
		p.TransferUSDPerGB = append(p.TransferUSDPerGB, row)
	}
	for c := range p.Candidates {
		at := &p.Candidates[c]
		at.BackendMS, at.Required, at.MinMachines, at.MaxMachines, at.MinRunning = r.Float64()*60, false, 0, 4+r.IntN(6), r.IntN(3)
		p.Current[at.Region] = max(0, r.IntN(7)-2)
	}
	p.Candidates[0].MinMachines = 1 // a pin
	p.Current[p.Candidates[0].Region] = 1 + r.IntN(3)
	p.Candidates[1].Required = r.IntN(2) == 0
	p.Autostop = randomAutostop(r)
	p.Autostop.ColdStartMS, p.Autostop.RequestsPerHour = 300, 5
	p.Limits = Limits{
		MinRegions: 2, MaxRegions: 3 + r.IntN(4), MinMachines: 2 + r.IntN(4), MinMachinesPerRegion: 1 + r.IntN(2),
		TargetUtilization: 0.8, Survive: []Survive{Machine, Region}[r.IntN(2)], ShrinkMargin: []float64{0, 0.1}[r.IntN(2)],
	}
	return p
}
