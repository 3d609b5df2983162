package placement

import (
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// Two Machines of 40 USD that each carry 10, in one region; 1 USD a month for
// one that is stopped.
func idleShop() Problem {
	return Problem{
		ValuePerMS: 1, SoftLimit: 10,
		Candidates: []Candidate{{Region: "ams", MachineCost: 40, MinMachines: 2}},
		Edges:      []Edge{{Region: "ams", Demand: []float64{0, 4, 16, 0}}},
		LatencyMS:  [][]float64{{7}},
		Autostop:   &Autostop{StoppedCost: 1},
	}
}

func TestAutostopPaysForRunningHours(t *testing.T) {
	for name, tt := range map[string]struct {
		change              func(p *Problem)
		running, usd, share float64
	}{
		"0, 1, 2 and 0 Machines run": {func(*Problem) {}, 0.75, 0.75*40 + 1.25, 0},
		"twice as long as predicted": {func(p *Problem) { p.Autostop.Scale = 2 }, 1.5, 1.5*40 + 0.5, 0},
		"no more than there are":     {func(p *Problem) { p.Autostop.Scale = 9 }, 2, 80, 0},
		"one never stops":            {func(p *Problem) { p.Candidates[0].MinRunning = 1 }, 1.25, 1.25*40 + 0.75, 0},
		"three never stop":           {func(p *Problem) { p.Candidates[0].MinRunning = 3 }, 2, 80, 0},
		"the hard limit counts":      {func(p *Problem) { p.HardLimit = 8 }, 0.75, 31.25, 0},
		"one carries any load":       {func(p *Problem) { p.SoftLimit = 0 }, 0.5, 20 + 1.5, 0},
		"no hours are known":         {func(p *Problem) { p.Edges[0].Demand, p.Edges[0].Requests = nil, 1 }, 2, 80, 0},
		"a gap in two hours of four": {
			func(p *Problem) { p.Autostop.RequestsPerHour, p.Autostop.ColdStartMS = 9, 1000 },
			0.75, 31.25, (36*math.Exp(-3) + 144*math.Exp(-12)) / 180,
		},
		"one that runs takes them": {
			func(p *Problem) {
				p.Autostop.RequestsPerHour, p.Autostop.ColdStartMS = 9, 1000
				p.Candidates[0].MinRunning = 1
			},
			1.25, 50.75, 0,
		},
		"gaps in a tenth of the hours are few": {
			func(p *Problem) {
				p.Autostop.RequestsPerHour, p.Autostop.ColdStartMS = 1000, 1000
				p.Edges[0].Demand = []float64{0, 16, 16, 16, 16, 16, 16, 16, 16, 16}
			},
			1.8, 1.8*40 + 0.2, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := idleShop()
			tt.change(&p)
			sol := solve(t, p)
			got, err := Evaluate(p, sol.Placement)
			if err != nil {
				t.Fatal(err)
			}
			cold := tt.share * p.Autostop.ColdStartMS
			if sol.Placement["ams"] != 2 || !equal(got.Running["ams"], tt.running) || !equal(sol.MonthlyCost, tt.usd) ||
				!equal(got.ColdStarts["ams"], tt.share) || !equal(got.ColdMS, cold) || !equal(sol.MeanLatencyMS, 7+cold) ||
				sol.P95LatencyMS > 7 || !equal(sol.Objective, tt.usd+7+cold) {
				t.Errorf("%+v\n%+v\nwant %v running, %v USD, cold starts %v", sol, got, tt.running, tt.usd, tt.share)
			}
		})
	}
}

// A surplus Machine costs what it costs stopped, so that it stays where
// destroying one is dearer, and goes where it is cheaper.
func TestAutostopKeepsWhatIsCheapWhileStopped(t *testing.T) {
	p := idleShop()
	p.Candidates[0].MinMachines = 0
	p.Current = map[string]int{"ams": 4}
	for change, want := range map[float64]int{0.5: 2, 1: 4, 2: 4} {
		p.MachineChangeCost = change
		if got := solve(t, p).Placement["ams"]; got != want {
			t.Errorf("a change costs %v: %d Machines, want %d", change, got, want)
		}
	}
}

func TestAutostopMetamorphoses(t *testing.T) {
	idle := 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 15))
		p := randomProblem(r)
		for s := range p.Candidates {
			p.Candidates[s].MinRunning = 0
		}
		p.Autostop = nil
		plain := solve(t, p)
		same := func(why string, q Problem) {
			got := solve(t, q)
			if got.Status != plain.Status || !equal(got.Objective, plain.Objective) || !maps.Equal(got.Placement, plain.Placement) {
				t.Fatalf("seed %d, %s: %+v, without autostop %+v\n%s", seed, why, got, plain, dump(q))
			}
		}
		q := p
		q.Autostop = &Autostop{StoppedCost: float64(r.IntN(9)), RequestsPerHour: 1, ColdStartMS: 100}
		q.Candidates = append([]Candidate(nil), p.Candidates...)
		for s := range q.Candidates {
			q.Candidates[s].MinRunning = 1000
		}
		same("none ever stops", q)

		stopping := p
		stopping.Autostop = randomAutostop(r)
		first := solve(t, stopping)
		dearer := stopping
		a := *stopping.Autostop
		a.StoppedCost += 3
		dearer.Autostop = &a
		second := solve(t, dearer)
		worse := func(a, b Solution) bool {
			return b.Status == Infeasible || a.Status == Optimal && b.Objective >= a.Objective*(1-1e-9)
		}
		if !worse(first, second) {
			t.Fatalf("seed %d: %+v, with dearer stopped Machines %+v\n%s", seed, first, second, dump(stopping))
		}
		if first.Status == Optimal && second.Objective > first.Objective*(1+1e-9) {
			idle++
		}
		a = Autostop{}
		stopping.Autostop = &a // stopped Machines are free
		if free := solve(t, stopping); !worse(free, plain) {
			t.Fatalf("seed %d: %+v, with free stops %+v\n%s", seed, plain, free, dump(p))
		}
	}
	if idle < 100 {
		t.Errorf("in only %d problems Machines are stopped", idle)
	}
}

// Where every hour has the same load and the counts are just what it asks for,
// all Machines always run.
func TestFullLoadIsThePlainCost(t *testing.T) {
	full := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 16))
		p := randomProblem(r)
		p.Limits = Limits{}
		p.SoftLimit = 5
		for i := range p.Edges {
			p.Edges[i].Demand = []float64{1 + float64(r.IntN(20)), 0, 0}
			p.Edges[i].Demand[1], p.Edges[i].Demand[2] = p.Edges[i].Demand[0], p.Edges[i].Demand[0]
		}
		for s := range p.Candidates {
			p.Candidates[s].MinMachines, p.Candidates[s].MinRunning = 0, 0
		}
		var open []string
		for _, c := range p.Candidates {
			if r.IntN(2) == 0 {
				open = append(open, c.Region)
			}
		}
		counts, ok := p.Required(open)
		if !ok {
			continue
		}
		placement := map[string]int{}
		for code, c := range counts {
			placement[code] = c.Fill
		}
		p.Autostop = nil
		plain, err := Evaluate(p, placement)
		if err != nil {
			t.Fatal(err)
		}
		p.Autostop = &Autostop{Scale: 1, ColdStartMS: 100, RequestsPerHour: 1000}
		got, err := Evaluate(p, placement)
		if err != nil {
			t.Fatal(err)
		}
		served := true
		for _, load := range got.Load {
			served = served && load > 0
		}
		if !served {
			continue // nothing runs where nobody goes
		}
		full++
		if !equal(got.Objective, plain.Objective) || !equal(got.ComputeCost, plain.ComputeCost) || !maps.Equal(got.Running, plain.Running) {
			t.Fatalf("seed %d: %+v, without autostop %+v\n%s", seed, got, plain, dump(p))
		}
	}
	if full < 50 {
		t.Errorf("only %d placements were full", full)
	}
}

// The price of surplus Machines falls with their number where a scale or
// min_running asks for more than are there, so that the cheapest choice within
// limits on the whole is no matter of taking the cheapest one first.
func TestSurplusWithinLimitsEqualsBruteForce(t *testing.T) {
	parts := 0
	for seed := range uint64(2500) {
		r := rand.New(rand.NewPCG(seed, 17))
		p := randomProblem(r)
		if len(p.Candidates) > 5 {
			continue // the oracle looks at too many choices
		}
		p.Autostop = randomAutostop(r)
		p.Autostop.Scale = []float64{1, 1.5, 2, 3}[r.IntN(4)]
		p.Limits.MinMachinesPerRegion, p.Limits.MinMachines, p.Limits.MaxP95LatencyMS = 0, 0, 0
		p.Limits.MaxChanges = 1 + r.IntN(5)
		if r.IntN(2) == 0 {
			p.Limits.MaxMachines = 4 + r.IntN(8)
		}
		for s := range p.Candidates {
			p.Candidates[s].MinMachines = 0
			p.Candidates[s].MinRunning = max(0, r.IntN(8)-4)
			if len(p.Current) < 4 {
				p.Current[p.Candidates[s].Region] = r.IntN(5)
			}
		}
		o := newOracle(p)
		want, ok := o.solve()
		got := solve(t, p)
		if ok != (got.Status == Optimal) || ok && (!equal(got.Objective, want.objective) || !maps.Equal(got.Placement, want.count)) {
			t.Fatalf("seed %d: %s %v at %v; want %v at %v\n%s", seed, got.Status, got.Placement, got.Objective,
				want.count, want.objective, dump(p))
		}
		if !ok {
			continue
		}
		_, _, need := o.required(want.open)
		for s, n := range want.count {
			if n > need[s] && n < p.Current[s] {
				parts++
				break
			}
		}
	}
	if parts < 60 {
		t.Errorf("limits left only %d choices of surplus", parts)
	}
}

func TestAutostopIsCheckedWithTheRest(t *testing.T) {
	const file = `{"version": 1, "candidates": [{"region": "ams", "min_running": -1}, {"region": "fra", "min_running": 2.0}],
 "edges": [{"region": "ams"}], "latency_ms": [[1, 2]], "limits": {"shrink_margin": 1.5, "shrink_margins": 1},
 "autostop": {"stopped_machine_cost": -1, "running_scale": 1e-9, "cold_start_ms": "2s", "requests_per_hour": 1e16, "running_scales": 1}}`
	_, err := Decode([]byte(file))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"candidates[0].min_running is -1; it must be from 0 to 100000",
		"candidates[1].min_running is 2.0; it must be a whole number",
		"limits.shrink_margin is 1.5; it must be from 0.000001 to 1, or absent",
		"limits.shrink_margins is an unknown field; did you mean shrink_margin?",
		"autostop.stopped_machine_cost is -1; it must be a number from 0 to 1e15",
		"autostop.running_scale is 1e-09; it must be from 0.000001 to 1e+15, or absent",
		"autostop.cold_start_ms is a string; it must be a number",
		"autostop.requests_per_hour is 1e+16; it must be a number from 0 to 1e15",
		"autostop.running_scales is an unknown field; did you mean running_scale?",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	p := idleShop()
	p.Autostop, p.Candidates[0].MinRunning = nil, 1
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "candidates[0].min_running is 1, but without autostop") {
		t.Errorf("min_running alone: %v", err)
	}
	if _, err := Decode([]byte(strings.Replace(whole, `"autostop": {`, `"autostop": null, "other": {`, 1))); err == nil ||
		!strings.Contains(err.Error(), "autostop is null; it must be an object, or absent") {
		t.Errorf("null: %v", err)
	}
	if why := idleShop().entangled(); !strings.Contains(why, "autostop") {
		t.Errorf("autostop is said to be plain: %q", why)
	}
}
