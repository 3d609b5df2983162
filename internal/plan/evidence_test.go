package plan_test

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// evident are inputs whose plans open, keep and close regions, or none; some
// regions must stay, and some limits bind.
func evident() map[string]plan.Input {
	world := rates{"ams": 60, "fra": 90, "iad": 40, "lax": 25, "nrt": 50, "ord": 15, "sin": 45}
	required := input(counts{"iad": 5, "ord": 3}, world)
	required.Policy.Require, required.Policy.MaxChanges = []region.Code{"gru", "jnb", "lax"}, 16
	dear := input(counts{"iad": 5, "ord": 3}, world)
	dear.Policy.ValuePerMS, dear.Policy.MaxChanges = 0.1, 30
	few := input(counts{"fra": 3, "sin": 2}, world)
	few.Policy.MaxRegions = 2
	return map[string]plan.Input{
		"usual limits": input(counts{"iad": 5, "ord": 3}, world), "a required region": required,
		"latency is worth much": dear, "two regions at most": few,
		"nothing better": input(counts{"fra": 2, "iad": 2}, rates{"fra": 60, "iad": 60}),
	}
}

// flipped is p with one region decided the other way than in open: without it,
// or with it required.
func flipped(p placement.Problem, code string, open bool) placement.Problem {
	i := slices.IndexFunc(p.Candidates, func(c placement.Candidate) bool { return c.Region == code })
	p.Candidates = slices.Clone(p.Candidates)
	if !open {
		p.Candidates[i].Required = true
		return p
	}
	p.Candidates = slices.Delete(p.Candidates, i, i+1)
	for _, rows := range []*[][]float64{&p.LatencyMS, &p.TransferUSDPerGB} {
		kept := slices.Clone(*rows)
		for e, row := range kept {
			kept[e] = slices.Delete(slices.Clone(row), i, i+1)
		}
		*rows = kept
	}
	return p
}

func evaluate(t *testing.T, p placement.Problem, counts map[string]int) placement.Evaluation {
	t.Helper()
	e, err := placement.Evaluate(p, counts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func strs(m counts) map[string]int {
	out := map[string]int{}
	for code, n := range m {
		out[string(code)] = n
	}
	return out
}

// Each figure is the difference of two placements: the planned one, and what
// the solver finds when the region is decided the other way; where the limits
// forbid that, the planned one with nothing but the region changed.
func TestComparisonsAreDifferencesOfTwoPlacements(t *testing.T) {
	kinds := map[placement.Status]int{}
	for name, in := range evident() {
		g := make1(t, in)
		planned := evaluate(t, g.Problem, strs(g.Placement))
		check := func(c plan.Comparison, sign float64) {
			t.Helper()
			open := g.Placement[c.Region] > 0
			sol, err := placement.Solve(flipped(g.Problem, string(c.Region), open), placement.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if open && slices.ContainsFunc(g.Problem.Candidates, func(x placement.Candidate) bool {
				return x.Region == string(c.Region) && (x.Required || x.MinMachines > 0)
			}) {
				sol = placement.Solution{Status: placement.Infeasible}
			}
			kinds[sol.Status]++
			other := sol.Placement
			if sol.Status == placement.Infeasible {
				other = strs(g.Placement)
				delete(other, string(c.Region))
			}
			e := evaluate(t, g.Problem, other)
			if c.Status != sol.Status || !near(c.Objective, e.Objective) || !near(c.MS, sign*(planned.MeanLatencyMS-e.MeanLatencyMS)) ||
				!near(c.Compute, sign*(planned.ComputeCost-e.ComputeCost)) || !near(c.Transfer, sign*(planned.TransferCost-e.TransferCost)) {
				t.Errorf("%s: %+v is not %+v less %+v", name, c, planned, e)
			}
			serving := e
			if open {
				serving = planned
			}
			share := 0.0
			for _, edge := range g.Edges {
				if serving.Assignment[string(edge.Code)] == string(c.Region) {
					share += edge.Share
				}
			}
			if !near(c.Share, share) {
				t.Errorf("%s: %s has %v of requests, want %v", name, c.Region, c.Share, share)
			}
		}
		var explained []region.Code
		for _, c := range g.Why {
			explained = append(explained, c.Region)
			check(c, 1)
		}
		both := maps.Clone(g.Current)
		maps.Copy(both, g.Placement)
		if want := slices.Sorted(maps.Keys(both)); !slices.Equal(explained, want) {
			t.Errorf("%s: explained are %v, want %v", name, explained, want)
		}
		for _, c := range g.NotAdded {
			check(c, -1)
			if both[c.Region] > 0 || c.Objective < g.Objective*(1-1e-9) {
				t.Errorf("%s: not added is %+v, from %v to %v", name, c, g.Current, g.Placement)
			}
		}
		for _, x := range g.Changes {
			i := slices.IndexFunc(g.Why, func(c plan.Comparison) bool { return c.Region == x.Region })
			if c := g.Why[i]; x.Share != c.Share || x.MS != c.MS || x.Compute != c.Compute || x.Transfer != c.Transfer {
				t.Errorf("%s: the change %+v is not told as in %+v", name, x, c)
			}
		}
	}
	if kinds[placement.Optimal] < 20 || kinds[placement.Infeasible] < 3 {
		t.Errorf("the inputs are one-sided: %v", kinds)
	}
}

func TestRunnerUpIsTheNextBestSet(t *testing.T) {
	for name, in := range evident() {
		g := make1(t, in)
		up := g.RunnerUp
		if up == nil || up.Regret < -1e-9 || !near(up.Regret, up.Objective-g.Objective) || slices.Equal(up.Open, slices.Sorted(maps.Keys(g.Placement))) {
			t.Errorf("%s: runner-up %+v of %v at %v", name, up, g.Placement, g.Objective)
			continue
		}
		for _, c := range append(slices.Clone(g.Why), g.NotAdded...) {
			if c.Status == placement.Optimal && c.Objective < up.Objective*(1-1e-9) {
				t.Errorf("%s: %v is better than the runner-up %+v", name, c, up)
			}
		}
		if live := slices.Equal(up.Open, slices.Sorted(maps.Keys(g.Current))); live != up.Live {
			t.Errorf("%s: runner-up %+v of what runs in %v", name, up, g.Current)
		}
	}
	// Moving two Machines from ewr to iad pays, and staying is next.
	in := input(counts{"ewr": 2}, rates{"iad": 60})
	in.Policy.MaxRegions, in.Policy.ValuePerMS, in.Policy.Allow = 1, 1, []region.Code{"ewr", "iad"}
	if g := make1(t, in); g.RunnerUp == nil || !g.RunnerUp.Live {
		t.Errorf("%v → %v, runner-up %+v: want what runs", g.Current, g.Placement, g.RunnerUp)
	}
}

func TestFrontierHasTheBestOfEachNumberOfRegions(t *testing.T) {
	none, unproven := 0, 0
	for name, in := range evident() {
		g := make1(t, in)
		if len(g.Frontier) != len(g.Problem.Candidates) {
			t.Errorf("%s: %d points for %d candidates", name, len(g.Frontier), len(g.Problem.Candidates))
		}
		for i, x := range g.Frontier {
			p := g.Problem
			p.Limits.MinRegions, p.Limits.MaxRegions = i+1, i+1
			sol, err := placement.Solve(p, placement.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if x.Status == placement.Feasible && x.Objective >= sol.Objective*(1-1e-9) {
				unproven++
				continue
			}
			if x.Regions != i+1 || x.Status != sol.Status || !near(x.Objective, sol.Objective) || !near(x.MeanMS, sol.MeanLatencyMS) || !near(x.Cost, sol.MonthlyCost) {
				t.Errorf("%s: %+v, want %+v", name, x, sol)
			}
			if x.Regions == len(g.Placement) && (x.Objective != g.Objective || !maps.Equal(x.Placement, g.Placement)) {
				t.Errorf("%s: %+v is not the plan %v at %v", name, x, g.Placement, g.Objective)
			}
			if x.Cost > 1.25*g.Before.Total()*(1+1e-6) {
				t.Errorf("%s: %+v is beyond the cost guard", name, x)
			}
			if len(x.Placement) == 0 {
				none++
			}
		}
	}
	if none == 0 || unproven > 3 {
		t.Errorf("%d numbers of regions that the limits forbid, want some; %d unproven points, want hardly any", none, unproven)
	}
}

func TestNothingIsComparedWithRegionsForNobody(t *testing.T) {
	// A spare in any other region would serve none of the requests.
	g := make1(t, input(counts{"fra": 2}, rates{"fra": 20}))
	if len(g.NotAdded) != 0 {
		t.Errorf("not added: %+v", g.NotAdded)
	}
	if up := g.RunnerUp; up != nil && slices.Contains(up.Open, "fra") {
		t.Errorf("runner-up %+v has a region for nobody", up)
	}
}

func TestEvidenceCountsWhatServesNothing(t *testing.T) {
	in := input(counts{"fra": 3, "iad": 3}, rates{"fra": 60, "iad": 60})
	in.App.Machines[0].Cordoned = true
	idle := in.App.Machines[0].Region
	g := make1(t, in)
	for _, x := range g.Frontier {
		if len(x.Placement) == 0 {
			continue
		}
		cost := 0.0
		for code, n := range x.Placement {
			usd, err := in.Prices.Monthly(g.Guest, code)
			if err != nil {
				t.Fatal(err)
			}
			cost += float64(n) * usd
		}
		if x.Placement[idle] == 0 || !near(x.Cost, cost) {
			t.Errorf("%+v: want the idle Machine in %s in it, and $%v", x, idle, cost)
		}
	}
}

func TestOnlyWhatIsDecidedIsExplained(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 300})
	in.App.Machines[0].State = "updating"
	if g := make1(t, in); g.Status != plan.Held || len(g.Why)+len(g.NotAdded)+len(g.Frontier) > 0 || g.RunnerUp != nil {
		t.Errorf("%s explains %+v", g.Status, g.Why)
	}
	// A barred region closes whatever it would be worth: it is compared with
	// the plan and the Machines that it has.
	in = input(counts{"iad": 3, "ord": 3}, rates{"iad": 100, "ord": 100})
	in.Policy.Exclude = []region.Code{"ord"}
	g := make1(t, in)
	usd, err := in.Prices.Monthly(g.Guest, "ord")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(g.Why, func(c plan.Comparison) bool { return c.Region == "ord" })
	if c := g.Why[i]; c.Status != placement.Infeasible || !near(c.Share, 0.5) || !near(c.Compute, -3*usd) || c.MS <= 0 || len(c.Open) != len(g.Placement)+1 {
		t.Errorf("%+v: want what keeping three Machines in ord would do", c)
	}
	// Where no other region is allowed there is nothing to compare with.
	in = input(counts{"iad": 3}, rates{"iad": 100})
	in.Policy.Allow = []region.Code{"iad"}
	g = make1(t, in)
	if c := g.Why[0]; len(g.Why) != 1 || c.Open != nil || c.Share != 1 || math.Abs(c.MS)+math.Abs(c.Compute) > 0 || g.RunnerUp != nil || len(g.Frontier) != 1 {
		t.Errorf("why %+v, runner-up %+v, frontier %+v", g.Why, g.RunnerUp, g.Frontier)
	}
}
