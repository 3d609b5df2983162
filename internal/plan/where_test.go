package plan_test

import (
	"testing"

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
