package plan_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// judged plans the only group with a decision on it.
func judged(t *testing.T, in plan.Input, decided counts) (plan.Group, plan.Judged) {
	t.Helper()
	in.Decided = map[string]map[region.Code]int{"web": decided}
	g := make1(t, in)
	if g.Decided == nil {
		t.Fatal("the decision is not judged")
	}
	return g, *g.Decided
}

func equal(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// busy is an app in iad and fra with most of its requests in Europe and Asia.
func busy() plan.Input {
	in := input(counts{"fra": 2, "iad": 4}, rates{"ams": 200, "fra": 300, "iad": 120, "nrt": 260})
	in.Policy.MaxChanges, in.Policy.MaxCostIncrease = 30, 2
	return in
}

func TestADecisionForThePlanIsTheOptimum(t *testing.T) {
	want := make1(t, busy())
	if want.Status != plan.Planned {
		t.Fatalf("%s, want something to plan", want.Status)
	}
	g, j := judged(t, busy(), want.Placement)
	if !j.IsOptimum() || j.Regret != 0 || len(j.Breaks)+len(j.Beyond) > 0 || j.ToOptimum != (plan.Difference{}) {
		t.Errorf("regret %v, breaks %v, beyond %v, %+v beside the optimum: want nothing", j.Regret, j.Breaks, j.Beyond, j.ToOptimum)
	}
	if j.Figures != g.After || !equal(j.Objective, g.Objective) {
		t.Errorf("%+v at %v, want the plan's %+v at %v", j.Figures, j.Objective, g.After, g.Objective)
	}
	if err := g.DecisionHolds(); err != nil {
		t.Errorf("it does not hold: %v", err)
	}
}

func TestADecisionForWhatRunsChangesNothing(t *testing.T) {
	g, j := judged(t, busy(), counts{"fra": 2, "iad": 4, "nrt": 0})
	if j.Figures != g.Before || j.ToLive != (plan.Difference{}) || len(j.Changes) > 0 {
		t.Errorf("%+v, %+v beside what runs, changes %v: want %+v and nothing", j.Figures, j.ToLive, j.Changes, g.Before)
	}
	if j.Regret <= j.ChangeCost || j.IsOptimum() {
		t.Errorf("regret %v: the plan is better by more than %v", j.Regret, j.ChangeCost)
	}
}

func TestADecisionHoldsWithinChangeCostOfTheOptimum(t *testing.T) {
	in := busy()
	in.Policy.ChangeCost = plan.ChangeCost{USD: 3}
	best := make1(t, in).Placement
	for more, holds := range map[int]bool{0: true, 2: true, 3: false} { // of those that run: each costs $1.94, and saves a quarter of change-cost
		decided := maps.Clone(best)
		decided["iad"] += more
		g, j := judged(t, in, decided)
		err := g.DecisionHolds()
		if (err == nil) != holds || len(j.Breaks) > 0 {
			t.Errorf("%v with regret %v: error %v, breaks %v", decided, j.Regret, err, j.Breaks)
		}
		if err != nil && (!strings.Contains(err.Error(), "more than change-cost, $3.00") || len(hint.Of(err)) != 1) {
			t.Errorf("error %v, hints %q", err, hint.Of(err))
		}
	}
}

// The plan is the same whether or not something else was decided.
func TestADecisionDoesNotChangeThePlan(t *testing.T) {
	in := busy()
	in.Full = map[string][]region.Code{"web": {"sin"}}
	want := make1(t, in)
	in.InForce = map[string]plan.InForce{"web": {Placement: counts{"iad": 1}}}
	for _, decided := range []counts{{"iad": 1}, {"hkg": 2, "fra": 3}, {"sin": 3, "iad": 4, "xyz": 1}, {}} {
		g, _ := judged(t, in, decided)
		if diff := cmp.Diff(want, g, cmpopts.IgnoreUnexported(plan.Group{}), cmpopts.IgnoreFields(plan.Group{}, "Decided", "Drift", "Findings"), cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%v: %s", decided, diff)
		}
		if !slices.Equal(slices.DeleteFunc(slices.Clone(g.Findings), func(f plan.Finding) bool { return !slices.Contains(want.Findings, f) }), want.Findings) {
			t.Errorf("%v: the plan's findings are %v", decided, g.Findings)
		}
	}
}

// Whatever is decided is priced by the function that the solver minimises, and
// what keeps to the limits of the solved problem is no better than its optimum.
func TestWhatIsDecidedIsPricedAsTheSolverDoes(t *testing.T) {
	codes := []region.Code{"ams", "fra", "iad", "nrt", "sin", "sjc"}
	feasible := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		live, rps, decided := counts{"iad": 1 + r.IntN(4)}, rates{"lhr": 60}, counts{}
		for range 2 + r.IntN(4) {
			live[codes[r.IntN(len(codes))]]++
			rps[codes[r.IntN(len(codes))]] += float64(30 * r.IntN(12))
			decided[codes[r.IntN(len(codes))]] += 1 + r.IntN(4)
		}
		in := input(live, rps)
		if r.IntN(2) == 0 {
			in.Policy.MaxChanges, in.Policy.MaxCostIncrease = 40, 5
		}
		g, j := judged(t, in, decided)
		if g.Status == plan.Held || g.Status == plan.Infeasible {
			continue
		}
		e, err := placement.Evaluate(withEveryRegion(t, in, g), names(decided))
		if err != nil {
			t.Fatal(err)
		}
		if !equal(j.Objective, e.Objective) || !equal(j.Figures.MeanMS, e.MeanLatencyMS) || !equal(j.Figures.P95MS, e.P95LatencyMS) || !equal(j.Figures.Total(), e.ComputeCost+e.TransferCost) {
			t.Errorf("seed %d: %v is judged %+v at %v, and evaluated %+v", seed, decided, j.Figures, j.Objective, e)
		}
		plans, err := placement.Evaluate(withEveryRegion(t, in, g), names(g.Placement))
		if err != nil {
			t.Fatal(err)
		}
		if !equal(j.Regret, e.Objective-plans.Objective) {
			t.Errorf("seed %d: regret %v, want %v", seed, j.Regret, e.Objective-plans.Objective)
		}
		if solved, err := placement.Evaluate(g.Problem, names(decided)); err == nil && len(solved.Broken) == 0 {
			feasible++
			if len(j.Breaks)+len(j.Beyond) > 0 {
				t.Errorf("seed %d: %v keeps to every limit of the problem, and breaks %v, beyond %v", seed, decided, j.Breaks, j.Beyond)
			}
			if g.Solved == placement.Optimal && j.Objective < g.Objective-1e-9*math.Abs(g.Objective) || g.Kept == 0 && j.Regret < -1e-9*math.Abs(g.Objective) {
				t.Errorf("seed %d: %v at %v with regret %v beats the optimum %v", seed, decided, j.Objective, j.Regret, g.Objective)
			}
		}
		for other, d := range map[plan.Figures]plan.Difference{g.Before: j.ToLive, g.After: j.ToOptimum} {
			if !equal(d.MeanMS, j.Figures.MeanMS-other.MeanMS) || !equal(d.USD(), j.Figures.Total()-other.Total()) {
				t.Errorf("seed %d: difference %+v between %+v and %+v", seed, d, j.Figures, other)
			}
		}
	}
	if feasible < 5 {
		t.Errorf("only %d random decisions are feasible", feasible)
	}
}

// withEveryRegion is the group's problem as if no region had been left out of it.
func withEveryRegion(t *testing.T, in plan.Input, g plan.Group) placement.Problem {
	t.Helper()
	in.Policy.ChangeCost = plan.ChangeCost{USD: g.Problem.ChangeCost}
	in.Policy.MinRegions, in.Policy.Require = 0, []region.Code{"ams", "fra", "iad", "nrt", "sin", "sjc"} // the solver leaves out none of these
	in.Policy.MaxChanges, in.Policy.MaxCostIncrease = 1000, 100
	return make1(t, in).Problem
}

func names(c counts) map[string]int {
	out := map[string]int{}
	for code, n := range c {
		out[string(code)] = n
	}
	return out
}

func TestWhatOnlyTheTrafficTells(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*plan.Input)
		decided counts
		want    []string // "REGION RULE"
	}{
		{"it carries the load", nil, counts{"fra": 5, "iad": 3, "nrt": 3}, nil},
		{"too few for the busiest hour", nil, counts{"fra": 2, "iad": 3, "nrt": 3}, []string{"fra target-utilization"}},
		{"none may fail", nil, counts{"fra": 4, "iad": 1, "nrt": 2}, []string{"nrt survive"}},
		{"where nothing must survive", func(in *plan.Input) { in.Policy.Survive = placement.None }, counts{"fra": 4, "iad": 1, "nrt": 2}, nil},
		{"no other region", func(in *plan.Input) { in.Policy.Survive = placement.Region }, counts{"fra": 12}, []string{" survive"}},
		{"p95", func(in *plan.Input) { in.Policy.MaxP95Latency = 40 * time.Millisecond }, counts{"fra": 5, "iad": 7}, []string{" max-p95-latency"}},
		{"what traffic adds to the cost", func(in *plan.Input) {
			in.Policy.MaxMonthlyCost = 60
			in.History.EdgeBytes = map[region.Code]float64{"nrt": 1e12}
		}, counts{"fra": 5, "iad": 7}, []string{" max-monthly-cost"}},
		{"the Machines alone cost too much", func(in *plan.Input) { in.Policy.MaxMonthlyCost = 10 }, counts{"fra": 5, "iad": 3, "nrt": 3}, []string{" max-monthly-cost"}},
		{"what Check knows", func(in *plan.Input) { in.Policy.Exclude = []region.Code{"nrt"} }, counts{"fra": 5, "iad": 3, "nrt": 3}, []string{"nrt exclude-regions"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := busy()
			if tt.change != nil {
				tt.change(&in)
			}
			g, j := judged(t, in, tt.decided)
			var got []string
			for _, r := range j.Breaks {
				got = append(got, fmt.Sprintf("%s %s", r.Region, r.Rule))
				if r.Hint == "" || !slices.ContainsFunc(g.Findings, func(f plan.Finding) bool {
					return f.Level == plan.Error && strings.Contains(f.Text, r.Text) && strings.Contains(f.Text, r.Rule)
				}) {
					t.Errorf("%+v is no error with its option among %+v", r, g.Findings)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("breaks %q, want %q: %+v", got, tt.want, j.Breaks)
			}
			if err := g.DecisionHolds(); (err == nil) != (len(tt.want) == 0 && j.Regret <= j.ChangeCost) {
				t.Errorf("it holds: %v", err)
			}
		})
	}
}

// max-changes and the cost guard are limits of plans: a decision may go beyond
// them, and then be better than the plan.
func TestADecisionMayGoBeyondThePlansOwnLimits(t *testing.T) {
	in := busy()
	in.Policy.MaxCostIncrease = 0.25
	free := busy()
	free.Policy.MaxCostIncrease, free.Policy.MaxChanges = 5, 40
	best := make1(t, free).Placement
	in.Policy.MaxChanges = 3
	g, j := judged(t, in, best)
	if !slices.Contains(j.Beyond, "max-changes") || j.Regret >= 0 || len(j.Breaks) > 0 {
		t.Errorf("%v beside %v: beyond %v, regret %v, breaks %v", j.Placement, g.Placement, j.Beyond, j.Regret, j.Breaks)
	}
	if err := g.DecisionHolds(); err != nil {
		t.Error(err)
	}
}

func TestAHeldGroupIsJudgedAsFarAsThereIsDemand(t *testing.T) {
	decided := counts{"fra": 5, "iad": 3, "nrt": 3}
	for _, tt := range []struct {
		name     string
		change   func(*plan.Input)
		weighed  bool
		optimum  bool
		whyFails string
	}{
		{"few requests", func(in *plan.Input) { in.Policy.MinRequests = 1e12 }, true, true, ""},
		{"old metrics", func(in *plan.Input) { in.History.Newest = now.Add(-2 * time.Hour) }, false, false, "stale metrics, the newest sample is"},
		{"no requests", func(in *plan.Input) { in.History.Responses = nil }, false, false, "too few requests, none in 7 days"},
		{"contradicting limits", func(in *plan.Input) { in.Policy.MaxP95Latency = time.Microsecond }, true, false, "max-p95-latency"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := busy()
			tt.change(&in)
			g, j := judged(t, in, decided)
			if (j.Unweighed == "") != tt.weighed || (j.Optimum != nil) != tt.optimum || j.Figures.Compute == 0 || (j.Figures.MeanMS > 0) != tt.weighed {
				t.Errorf("%s: %+v", g.Status, j)
			}
			err := g.DecisionHolds()
			if tt.whyFails == "" && j.Regret <= j.ChangeCost {
				if err != nil {
					t.Error(err)
				}
			} else if tt.whyFails != "" && (err == nil || !strings.Contains(err.Error(), tt.whyFails)) {
				t.Errorf("error %v, want %q", err, tt.whyFails)
			}
		})
	}
}

func TestADecisionOnAGroupThatIsNotPlanned(t *testing.T) {
	in := busy()
	for i := range 2 {
		m := machine(fmt.Sprintf("worker%d", i), "iad")
		m.Config.Services = nil
		m.Config.Metadata["fly_process_group"] = "worker"
		in.App.Machines = append(in.App.Machines, m)
	}
	in.Decided = map[string]map[region.Code]int{"nosuch": {"iad": 2}, "worker": {"fra": 2}}
	p, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Refused) != 1 || p.Refused[0].Group != "nosuch" || !slices.Equal(p.Unjudged, []string{"worker"}) {
		t.Errorf("refused %+v, unjudged %q", p.Refused, p.Unjudged)
	}
	levels := map[plan.Level]int{}
	for _, f := range p.Findings {
		levels[f.Level]++
	}
	if diff := cmp.Diff(map[plan.Level]int{plan.Error: 1, plan.Warning: 1}, levels); diff != "" {
		t.Error(diff)
	}
	err = p.DecisionHolds()
	if err == nil || !strings.Contains(err.Error(), "nosuch") || !strings.Contains(err.Error(), "worker") || len(hint.Of(err)) != 2 {
		t.Errorf("error %v, hints %q", err, hint.Of(err))
	}
	if g := p.Groups[0]; g.Decided != nil || g.DecisionHolds() != nil {
		t.Errorf("web has no decision: %+v", g.Decided)
	}
}

// What nobody could read is no limit that is broken.
func TestUnreadEgressAddressesBreakNothing(t *testing.T) {
	in := busy()
	in.App.Unread = map[string]string{"egress IPs": "403 Forbidden"}
	g, j := judged(t, in, counts{"fra": 5, "iad": 3, "nrt": 3})
	if len(j.Breaks) > 0 || !slices.ContainsFunc(g.Findings, func(f plan.Finding) bool {
		return f.Level == plan.Warning && strings.Contains(f.Text, "the decision: nrt would open")
	}) {
		t.Errorf("breaks %+v, findings %+v", j.Breaks, g.Findings)
	}
}

func TestRegionsWithoutRoomOrPlaceAreJudged(t *testing.T) {
	in := busy()
	in.Full = map[string][]region.Code{"web": {"nrt"}}
	g, j := judged(t, in, counts{"fra": 5, "iad": 3, "nrt": 3})
	if j.Unweighed != "" || j.Figures.MeanMS == 0 || !slices.ContainsFunc(g.Findings, func(f plan.Finding) bool { return strings.Contains(f.Text, "no room for more Machines in nrt") }) {
		t.Errorf("%+v, findings %v", j, g.Findings)
	}
	if g.Placement["nrt"] > 0 {
		t.Errorf("planned %v, and nrt is full", g.Placement)
	}
	_, j = judged(t, in, counts{"fra": 5, "xyz": 3})
	if !strings.Contains(j.Unweighed, "xyz") || len(j.Breaks) != 1 || j.Breaks[0].Rule != "region" {
		t.Errorf("%+v", j)
	}
}

func TestStoppedMachinesStayOutOfAJudgedLoad(t *testing.T) {
	in := busy()
	i := slices.IndexFunc(in.App.Machines, func(m fleet.Machine) bool { return m.Region == "iad" })
	in.App.Machines[i].Cordoned = true
	g, j := judged(t, in, counts{"fra": 2, "iad": 4})
	if j.Figures != g.Before || j.ToLive != (plan.Difference{}) {
		t.Errorf("%+v, want %+v", j.Figures, g.Before)
	}
	want := make1(t, in)
	if _, j = judged(t, in, want.Placement); !j.IsOptimum() || j.Regret != 0 || !maps.Equal(j.Optimum.Placement, want.Placement) {
		t.Errorf("%v is the plan, with regret %v beside %v", want.Placement, j.Regret, j.Optimum.Placement)
	}
}

// Who applies a decision waits for leases.
func TestLeasesAreNoReasonAgainstADecision(t *testing.T) {
	in := busy()
	in.App.Machines[0].Lease = &fleet.Lease{Owner: "ann@tokens.fly.io", Expires: now.Add(time.Minute)}
	if _, j := judged(t, in, counts{"ams": 5, "iad": 4, "nrt": 3}); len(j.Breaks) > 0 {
		t.Errorf("breaks %+v", j.Breaks)
	}
}

func TestHoldsTellsEachReasonOnce(t *testing.T) {
	in := busy()
	in.Policy.Exclude, in.Policy.MaxMachines = []region.Code{"nrt"}, 6
	g, j := judged(t, in, counts{"fra": 5, "iad": 3, "nrt": 3})
	err := g.DecisionHolds()
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 2 || len(j.Breaks) != 2 {
		t.Errorf("error %v, breaks %+v", err, j.Breaks)
	}
}
