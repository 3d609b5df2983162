package plan_test

import (
	"math"
	"testing"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

func TestTrafficBetweenRegionsIsPaid(t *testing.T) {
	in := input(counts{"iad": 4}, rates{"iad": 100, "fra": 100, "nrt": 10})
	// 7 of 30 days, in bytes.
	in.History.EdgeBytes = map[region.Code]float64{"iad": 700e9, "fra": 700e9, "nrt": 70e9}
	in.Policy.MaxRegions = 1
	in.Policy.ValuePerMS = 0
	in.Policy.ChangeCost = plan.ChangeCost{USD: 1000}
	g := make1(t, in)
	// 3 TB to fra at $0.006, 0.3 TB to nrt at its own higher rate of $0.015; iad's own are free.
	if want := 3000*0.006 + 300*0.015; !near(g.Before.Transfer, want) || !near(g.After.Transfer, want) {
		t.Errorf("transfer $%v → $%v, want $%v", g.Before.Transfer, g.After.Transfer, want)
	}
	in.Policy.FlatTransfer = true
	if g, want := make1(t, in), 3000*0.02+300*0.04; !near(g.Before.Transfer, want) {
		t.Errorf("flat: transfer $%v, want $%v", g.Before.Transfer, want)
	}
	// Two more Machines in fra cost less than what they save.
	in.Policy.MaxRegions, in.Policy.ChangeCost = 0, plan.ChangeCost{USD: 0.1}
	g = make1(t, in)
	if g.Placement["fra"] == 0 || g.After.Transfer > 15 || g.After.Total() >= g.Before.Total() {
		t.Errorf("%v: transfer $%v, total $%v → $%v", g.Placement, g.After.Transfer, g.Before.Total(), g.After.Total())
	}
	in.Policy.MaxMonthlyCost = g.Before.Total() - g.Before.Transfer // compute alone would keep to it
	in.Policy.MaxRegions = 1
	if g := make1(t, in); g.Status == plan.NoChanges {
		t.Errorf("%s for $%v: max-monthly-cost $%v counts transfer too", g.Status, g.After.Total(), in.Policy.MaxMonthlyCost)
	}
}

func TestTheBackendsDistanceCounts(t *testing.T) {
	in := input(counts{"iad": 4}, rates{"fra": 100, "iad": 20})
	in.Policy.BackendRegion, in.Policy.BackendRoundTrips, in.Policy.MinMachines = "iad", 3, 4
	g := make1(t, in)
	if g.Status != plan.NoChanges {
		t.Errorf("%s %v: three trips to iad cost more than one", g.Status, g.Placement)
	}
	without := in
	without.Policy.BackendRegion = ""
	near1, far := make1(t, in), make1(t, without)
	if want := far.Before.MeanMS + 3*1; !near(near1.Before.MeanMS, want) {
		t.Errorf("mean %v ms, want %v: inside a city a round trip takes 1 ms", near1.Before.MeanMS, want)
	}
	if far.Placement["fra"] == 0 {
		t.Errorf("%v: without a backend fra is best", far.Placement)
	}
}

func TestAFullRegionTakesNoMachines(t *testing.T) {
	in := input(counts{"iad": 4, "lhr": 1}, rates{"fra": 300, "lhr": 100, "iad": 20})
	first := make1(t, in)
	if first.Placement["fra"] == 0 {
		t.Fatalf("%v: fra has most requests", first.Placement)
	}
	in.Full = map[string][]region.Code{"web": {"fra", "lhr"}}
	g := make1(t, in)
	if g.Placement["fra"] != 0 || g.Placement["lhr"] > 1 {
		t.Errorf("%v: fra and lhr are full", g.Placement)
	}
	in.Policy.Require = []region.Code{"fra"}
	if g := make1(t, in); g.Status != plan.Infeasible || !has(g, "require-regions names fra, but Fly has no room for them there now") {
		t.Errorf("%s, findings %+v", g.Status, g.Findings)
	}
	in.Policy.Require, in.Policy.MinInRegion = nil, counts{"lhr": 2}
	if g := make1(t, in); g.Status != plan.Infeasible || !has(g, "min-in-region wants 2 Machines in lhr, but Fly has no room for them there now") {
		t.Errorf("%s, findings %+v", g.Status, g.Findings)
	}
	in.Policy.MinInRegion = nil
	in.Full = map[string][]region.Code{"worker": {"fra", "lhr"}}
	if g := make1(t, in); g.Placement["fra"] == 0 {
		t.Errorf("%v: only another group's size does not fit", g.Placement)
	}
}

func TestSurvivingARegionTakesTwo(t *testing.T) {
	in := input(counts{"iad": 4}, rates{"iad": 300})
	in.Policy.Survive = "region"
	g := make1(t, in)
	if len(g.Placement) < 2 {
		t.Fatalf("%v: one region cannot be lost", g.Placement)
	}
	for code, n := range g.Placement { // 30 in flight, 25 a Machine
		if rest := total(g.Placement) - n; rest < 2 {
			t.Errorf("%v: without %s, %d Machines carry 30 requests in flight", g.Placement, code, rest)
		}
	}
}

func total(c counts) int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

func TestRoundTripsAreScaledToTheAppsOwn(t *testing.T) {
	in := input(counts{"iad": 4}, rates{"iad": 100, "fra": 100, "nrt": 50, "lax": 50})
	plain := make1(t, in)
	if c := plain.Calibration; c.Used || c.Factor != 1 || c.Reason == "" {
		t.Errorf("%+v without response times", c)
	}
	// Every request takes 40 ms at the Machine, 3 ms at the proxies, and 1.3
	// times what the table says on the way.
	h := &in.History
	h.AppTime = map[region.Code]demand.Mean{"iad": {Seconds: 0.040 * 1e6, Count: 1e6}}
	h.EdgeTime = map[region.Code]demand.Mean{}
	for _, e := range plain.Edges {
		ms := 1.3 * e.BeforeMS
		if e.BeforeMS == 1 {
			ms = 1
		}
		h.EdgeTime[e.Code] = demand.Mean{Seconds: (0.043 + ms/1000) * 1e5, Count: 1e5}
	}
	g := make1(t, in)
	if c := g.Calibration; !c.Used || math.Abs(c.Factor-1.3) > 0.01 || c.Edges != 4 {
		t.Fatalf("%+v: want a factor of 1.3", c)
	}
	for i, e := range g.Edges {
		if want := g.Calibration.Factor * plain.Edges[i].BeforeMS; e.Code != "iad" && !near(e.BeforeMS, want) {
			t.Errorf("%s: %v ms, want %v", e.Code, e.BeforeMS, want)
		}
	}
	if g.Before.MeanMS <= plain.Before.MeanMS {
		t.Errorf("mean %v ms, and %v as the table has it", g.Before.MeanMS, plain.Before.MeanMS)
	}
}
