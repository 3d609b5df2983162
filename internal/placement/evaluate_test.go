package placement

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestEvaluatePricesAnyPlacementByDefinition(t *testing.T) {
	clean := 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 9))
		p := randomProblem(r)
		o := newOracle(p)
		placement := map[string]int{o.codes[0]: 1 + r.IntN(9)}
		for _, s := range o.codes[1:] {
			placement[s] = max(0, r.IntN(14)-4)
		}
		var open []string
		for _, s := range o.codes {
			if placement[s] > 0 {
				open = append(open, s)
			}
		}
		got, err := Evaluate(p, placement)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		objective, changes, monthly := o.price(open, placement)
		ok := o.allowed(open, placement)
		_, survive, _ := o.required(open)
		total := 0
		for _, s := range open {
			total += placement[s]
			ok = ok && survive != nil && placement[s] >= survive[s]
			if !equal(got.Load[s], o.peakOf(s, open)) {
				t.Errorf("seed %d: load of %s is %v", seed, s, got.Load[s])
			}
			running, cold := o.running(s, placement[s], open)
			if !equal(got.Running[s], running) || !equal(got.ColdStarts[s], cold) {
				t.Errorf("seed %d: %v Machines of %s run, cold starts %v; want %v and %v\n%s", seed,
					got.Running[s], s, got.ColdStarts[s], running, cold, dump(p))
			}
		}
		ok = ok && total >= p.Limits.MinMachines
		if !equal(got.Objective, objective) || got.Changes != changes || !equal(got.ComputeCost+got.TransferCost, monthly) ||
			got.P95LatencyMS != o.percentile(0.95, open) || got.P50LatencyMS != o.percentile(0.5, open) ||
			ok != (len(got.Broken) == 0) {
			t.Fatalf("seed %d: %+v; want objective %v, changes %d, monthly %v, all limits kept %v\n%s",
				seed, got, objective, changes, monthly, ok, dump(p))
		}
		if ok {
			clean++
		}
	}
	if clean < 100 {
		t.Errorf("only %d placements keep to all limits", clean)
	}
}

func TestEvaluateNamesEveryBrokenLimit(t *testing.T) {
	p := workedExample(Machine)
	p.Current = map[string]int{"ams": 9, "gone": 2}
	p.Candidates[0].MachineCost = 10
	p.Candidates[2].MaxMachines = 2
	p.Candidates[2].MinMachines = 2
	p.Candidates = append(p.Candidates, Candidate{Region: "lhr", Required: true})
	for i := range p.LatencyMS {
		p.LatencyMS[i] = append(p.LatencyMS[i], 50)
	}
	p.Limits.MinRegions, p.Limits.MinMachines, p.Limits.MinMachinesPerRegion = 4, 8, 2
	p.Limits.MaxChanges, p.Limits.MaxMonthlyCost, p.Limits.MaxP95LatencyMS = 5, 15, 4
	got, err := Evaluate(p, map[string]int{"ams": 2, "fra": 1, "iad": 3, "lhr": 0})
	if err != nil {
		t.Fatal(err)
	}
	want := []Breach{
		{"survive", "ams", 2, 3},
		{"min_machines_per_region", "fra", 1, 2},
		{"load", "iad", 3, 4},
		{"max_machines", "iad", 3, 2},
		{"required", "lhr", 0, 1},
		{"min_regions", "", 3, 4},
		{"min_machines", "", 6, 8},
		{"max_changes", "", 13, 5},
		{"max_monthly_cost", "", 20, 15},
		{"max_p95_latency_ms", "", 5, 4},
	}
	if !slices.Equal(got.Broken, want) {
		t.Errorf("broken limits are\n%v, want\n%v", got.Broken, want)
	}
}

func TestEvaluateRefusesWhatCannotBePriced(t *testing.T) {
	p := workedExample(None)
	for name, tt := range map[string]struct {
		placement map[string]int
		want      string
	}{
		"nothing runs":      {map[string]int{"ams": 0}, "no region has a Machine"},
		"no candidate":      {map[string]int{"ams": 1, "xyz": 1}, "region xyz is no candidate"},
		"negative":          {map[string]int{"ams": -1}, "region ams has -1 Machines"},
		"all that is wrong": {map[string]int{"ams": -1, "xyz": 1}, "xyz"},
	} {
		if _, err := Evaluate(p, tt.placement); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if _, ok := p.Required([]string{"xyz"}); ok {
		t.Error("counts for a region that is no candidate")
	}
	if _, ok := workedExample(Region).Required([]string{"ams"}); ok {
		t.Error("counts for one region that should survive its own loss")
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	p := Problem{
		Version: 2, Name: "shop/web", ValuePerMS: math.NaN(), ChangeCost: -1, MachineChangeCost: math.Inf(1),
		SoftLimit: -20, HardLimit: -1,
		Current: map[string]int{"ams": -3},
		Candidates: []Candidate{
			{Region: "ams", MachineCost: -1, MinMachines: 3, MaxMachines: 2},
			{Region: "ams", BackendMS: -4, MaxMachines: -1},
			{},
		},
		Edges: []Edge{
			{Region: "lhr", Demand: []float64{1, 2}, Requests: -1},
			{Region: "lhr", Demand: []float64{-1}, GBOut: math.NaN()},
		},
		LatencyMS:        [][]float64{{1, -2, 3}, {1}},
		TransferUSDPerGB: [][]float64{{1, 2, math.Inf(1)}},
		Limits: Limits{
			MinRegions: 3, MaxRegions: 2, MinMachines: 9, MaxMachines: 1, MinMachinesPerRegion: 2, MaxChanges: -1,
			MaxMonthlyCost: -1, MaxP95LatencyMS: math.NaN(), TargetUtilization: 1.5, Survive: "zone",
		},
	}
	err := p.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`check problem "shop/web"`, "version is 2", "value_per_ms is NaN", "change_cost is -1", "machine_change_cost is +Inf",
		"soft_limit is -20", "hard_limit is -1", `current["ams"] is -3`, "candidates[0].machine_cost is -1",
		"candidates[0].min_machines 3 is above max_machines 2", "candidates[1].backend_ms is -4", "candidates[1].max_machines is -1",
		`candidates[1].region is "ams", as that of candidates[0]`, "candidates[2].region is missing", "edges[0].requests is -1",
		`edges[1].region is "lhr", as that of edges[0]`, "edges[1].demand has 1 hours, edges[0].demand 2", "edges[1].demand[0] is -1",
		"edges[1].gb_out is NaN", "latency_ms[0][1] is -2", "latency_ms[1] has 1 columns for 3 candidates",
		"transfer_usd_per_gb has 1 rows for 2 edges", "transfer_usd_per_gb[0][2] is +Inf", "limits.min_regions 3 is above max_regions 2",
		"limits.min_machines 9 is above max_machines 1", "limits.max_changes is -1",
		"limits.max_monthly_cost is -1", "limits.max_p95_latency_ms is NaN", "limits.target_utilization is 1.5", `limits.survive is "zone"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if _, err := Solve(p, Options{}); err == nil {
		t.Error("an invalid problem is solved")
	}
	if err := (Problem{}).Validate(); err == nil || !strings.Contains(err.Error(), "candidates has 0 regions") {
		t.Errorf("no candidates: %v", err)
	}
	if err := workedExample(Machine).Validate(); err != nil {
		t.Errorf("the worked example: %v", err)
	}
}
