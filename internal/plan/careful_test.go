package plan_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

func has(g plan.Group, want string) bool {
	return slices.ContainsFunc(g.Findings, func(f plan.Finding) bool { return strings.Contains(f.Text, want) })
}

func TestMachinesThatServeNothingCarryNothing(t *testing.T) {
	in := input(counts{"iad": 8}, rates{"iad": 1000}) // 100 in flight need 7
	for i := range 6 {
		in.App.Machines[i].Cordoned = true
	}
	g := make1(t, in)
	if g.Placement["iad"] < 6+7 {
		t.Errorf("%v: the six cordoned ones stay, and seven must serve", g.Placement)
	}
	if !has(g, "6 Machines of 8 serve nothing") {
		t.Errorf("findings %+v", g.Findings)
	}
	bill := 0.0
	for _, c := range g.Changes {
		bill += c.Rent
	}
	if want := g.After.Compute - g.Before.Compute; math.Abs(bill-want) > 1e-9 {
		t.Errorf("changes add up to $%v, the bill changes by $%v", bill, want)
	}

	// A region whose Machines are all out of service is not near anybody.
	in = input(counts{"iad": 4, "fra": 1}, rates{"fra": 100})
	in.App.Machines[slices.IndexFunc(in.App.Machines, func(m fleet.Machine) bool { return m.Region == "fra" })].State = "failed"
	if g := make1(t, in); g.Edges[0].FromBefore != "iad" {
		t.Errorf("fra's requests are served from %s, but its Machine failed", g.Edges[0].FromBefore)
	}

	in = input(counts{"iad": 2}, rates{"iad": 10})
	for i := range in.App.Machines {
		in.App.Machines[i].State = "stopped"
	}
	if g := make1(t, in); g.Status != plan.Held || g.Holds[0].Reason != plan.NothingServes {
		t.Errorf("%s, holds %+v", g.Status, g.Holds)
	}
}

func TestAMachineOfUnknownGroupHoldsThemAll(t *testing.T) {
	in := input(counts{"iad": 4, "fra": 1}, rates{"fra": 100})
	i := slices.IndexFunc(in.App.Machines, func(m fleet.Machine) bool { return m.Region == "fra" })
	in.App.Machines[i].Config, in.App.Machines[i].HostStatus = nil, "unreachable"
	g := make1(t, in)
	if g.Status != plan.Held || !slices.ContainsFunc(g.Holds, func(h plan.Hold) bool {
		return h.Reason == plan.Unreadable && strings.Contains(h.Detail, "fra000 in fra")
	}) {
		t.Errorf("%s, holds %+v: want the lost Machine by name", g.Status, g.Holds)
	}
}

// twoGroups is an app of api and web, which answer 3 to 1.
func twoGroups() plan.Input {
	in := input(counts{"iad": 4}, rates{"iad": 100, "fra": 900})
	in.History.ServedBy = map[string]float64{}
	for i := range in.App.Machines {
		group := []string{"api", "web"}[i/2]
		in.App.Machines[i].Config.Metadata["fly_process_group"] = group
		in.History.ServedBy[in.App.Machines[i].ID] = map[string]float64{"api": 300, "web": 100}[group]
	}
	return in
}

func TestAPickedGroupGetsItsOwnShare(t *testing.T) {
	in := twoGroups()
	both, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Policy.ProcessGroups = []string{"web"}
	if g := make1(t, in); math.Abs(g.Sizing.RequestsPerMonth-both.Groups[1].Sizing.RequestsPerMonth) > 1 {
		t.Errorf("web alone gets %v requests a month, beside api %v", g.Sizing.RequestsPerMonth, both.Groups[1].Sizing.RequestsPerMonth)
	}
	delete(in.History.ServedBy, "iad000") // api was just deployed blue-green
	delete(in.History.ServedBy, "iad001")
	if g := make1(t, in); math.Abs(g.Sizing.RequestsPerMonth-both.Groups[1].Sizing.RequestsPerMonth*2) > 1 {
		t.Errorf("web gets %v requests a month: want half, as nobody knows api's part", g.Sizing.RequestsPerMonth)
	}
}

func TestSeveralGroupsAreNeverShrunk(t *testing.T) {
	in := twoGroups()
	in.Policy.MaxCostIncrease, in.Policy.MaxChanges = 10, 40
	p, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range p.Groups {
		if g.Placement["iad"] < 2 {
			t.Errorf("%s goes to %v: the metrics do not tell its load", g.Name, g.Placement)
		}
		if !slices.ContainsFunc(g.Holds, func(h plan.Hold) bool { return h.Reason == plan.NoConcurrency }) {
			t.Errorf("%s: holds %+v", g.Name, g.Holds)
		}
	}
}

// The first Machine in a region draws all of its traffic.
func TestWithoutALoadFigureANewRegionGetsItsPart(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 2900, "iad": 100})
	h := &in.History
	h.Served, h.ConcurrencyMean, h.ConcurrencyMax = nil, nil, nil
	in.Policy.MaxCostIncrease, in.Policy.MaxChanges = 10, 40
	g := make1(t, in)
	near := 0
	for _, code := range []region.Code{"ams", "cdg", "fra", "lhr", "arn"} {
		near += g.Placement[code]
	}
	if near < 6 {
		t.Errorf("%v: Europe has 97%% of the requests that six Machines serve now", g.Placement)
	}
}

func TestABarredLiveRegionClosesAtOnce(t *testing.T) {
	in := input(counts{"iad": 3, "ord": 3}, rates{"iad": 100, "ord": 100})
	in.Policy.Exclude = []region.Code{"ord"}
	g := make1(t, in)
	if g.Status != plan.Planned || g.Placement["ord"] != 0 {
		t.Errorf("%s %v, holds %+v: the policy bars ord", g.Status, g.Placement, g.Holds)
	}
	if !has(g, "exclude-regions bars ord, where 3 Machines serve") {
		t.Errorf("findings %+v", g.Findings)
	}
}

func TestMinRegionsMayOpenRegionsForNobody(t *testing.T) {
	in := input(counts{"fra": 2}, rates{"fra": 20})
	in.Policy.MinRegions = 2
	if g := make1(t, in); g.Status != plan.Planned || len(g.Placement) != 2 {
		t.Errorf("%s %v %v: min-regions asks for two", g.Status, g.Placement, g.Conflict)
	}
}

func TestInfeasibleNamesTheTeamsLimitNotOurs(t *testing.T) {
	in := input(counts{"iad": 2}, rates{"iad": 4000}) // needs 25
	in.Policy.MaxMachines = 10
	g := make1(t, in)
	if g.Status != plan.Infeasible || len(g.Conflict) == 0 || g.Conflict[0].Limit != "max_machines" {
		t.Errorf("%s, conflict %+v: want max_machines", g.Status, g.Conflict)
	}
}

func TestTheDefaultOfMaxChangesGivesWayToTheTeamsCap(t *testing.T) {
	in := input(counts{"gru": 10}, rates{"iad": 1500}) // 150 in flight: 10 Machines
	in.Policy.MaxMonthlyCost = 22
	g := make1(t, in)
	if g.Status != plan.Planned || g.After.Total() > 22 {
		t.Errorf("%s %v $%.2f %v: the same Machines in iad keep to the cap", g.Status, g.Placement, g.After.Total(), g.Conflict)
	}
}

func TestALoadAboveTheGuardStillBuysLatency(t *testing.T) {
	g := make1(t, input(counts{"iad": 2}, rates{"fra": 2600, "iad": 1400}))
	if g.Status != plan.Planned || g.After.MeanMS > 40 {
		t.Errorf("%v, mean %.0f ms: a few dollars more would take 60 ms off", g.Placement, g.After.MeanMS)
	}
}

func TestAHeldGroupKnowsItsCost(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 300})
	in.History.Partial = true
	if g := make1(t, in); math.Abs(g.Before.Compute-6*1.944) > 0.01 || g.After != g.Before {
		t.Errorf("before %+v, after %+v: the Machines cost what they cost", g.Before, g.After)
	}
}

func TestWhatMinInRegionAsksForIsNotLoad(t *testing.T) {
	in := input(counts{"iad": 2}, rates{"fra": 20, "iad": 20})
	in.Policy.MinInRegion = map[region.Code]int{"fra": 4}
	in.Policy.MaxCostIncrease = 9
	g := make1(t, in)
	if !strings.Contains(g.Changes[0].Reason, "needs 1 Machine, 3 more that must be there") {
		t.Errorf("reason %q", g.Changes[0].Reason)
	}
	in.Policy.MinInRegion = map[region.Code]int{"scl": 2}
	if g := make1(t, in); g.Status != plan.Infeasible || !has(g, "min-in-region names scl") {
		t.Errorf("%s, findings %+v", g.Status, g.Findings)
	}
}

func TestARegionForNobodyIsTheBestOneWhereALimitWantsIt(t *testing.T) {
	in := input(counts{"iad": 3}, rates{"iad": 20})
	in.Policy.MinRegions, in.Policy.MaxCostIncrease = 2, 10
	g := make1(t, in)
	if len(g.Placement) != 2 || g.Placement["ewr"] == 0 {
		t.Errorf("%v: ewr is the cheapest and nearest second region", g.Placement)
	}
}

func TestWhatIsHeldIsNotInfeasible(t *testing.T) {
	for name, hold := range map[string]func(*plan.Input){
		"few requests": func(in *plan.Input) { in.Policy.MinRequests = 1e12 },
		"a deploy":     func(in *plan.Input) { in.App.Machines[0].State = "updating" },
		"a singleton":  func(in *plan.Input) { in.App.Machines = in.App.Machines[:1] },
	} {
		in := input(counts{"iad": 3}, rates{"syd": 100})
		in.Policy.MaxP95Latency = 1
		in.Policy.Allow = []region.Code{"iad"}
		hold(&in)
		if g := make1(t, in); g.Status != plan.Held {
			t.Errorf("%s: %s, want held: nothing would change anyway", name, g.Status)
		}
	}
}

func TestAreasHoldForRegionsThatOnlyTheAPIKnows(t *testing.T) {
	mad, _ := region.BuiltIn().Lookup("mad")
	mad.Status = region.Deployable
	for name, limit := range map[string]func(*plan.Policy){
		"exclude": func(p *plan.Policy) {
			p.ExcludeAreas = []region.Area{region.Europe}
			p.Exclude = []region.Code{"ams", "arn", "cdg", "fra", "lhr"}
		},
		"allow": func(p *plan.Policy) {
			p.AllowAreas = []region.Area{region.NorthAmerica}
			p.Allow = []region.Code{"iad", "ewr"}
		},
	} {
		in := input(counts{"iad": 6}, rates{"mad": 300})
		in.Catalog = in.Catalog.With(mad)
		prices, err := price.Parse([]byte(`{"regions": {"mad": 1}}`))
		if err != nil {
			t.Fatal(err)
		}
		in.Prices = prices
		in.Policy.MaxCostIncrease, in.Policy.MaxChanges = 9, 99
		if g := make1(t, in); g.Placement["mad"] == 0 {
			t.Fatalf("%v: without the policy mad is best", g.Placement)
		}
		limit(&in.Policy)
		if g := make1(t, in); g.Placement["mad"] != 0 {
			t.Errorf("%s: %v: mad is in Europe", name, g.Placement)
		}
	}
}

func TestLimitsOfTheWholeCountWhatServesNothing(t *testing.T) {
	in := input(counts{"iad": 8}, rates{"iad": 10})
	for i := range 5 {
		in.App.Machines[i].State = "stopped"
	}
	in.Policy.MaxMachines = 7
	if g := make1(t, in); g.Placement["iad"] != 7 {
		t.Errorf("%v: five stay, two serve", g.Placement)
	}
	in.Policy.MaxMachines, in.Policy.MaxMonthlyCost = 200, 5*1.944+1
	if g := make1(t, in); g.Status != plan.Infeasible {
		t.Errorf("%s %v: what stays leaves no money for two", g.Status, g.Placement)
	}
}

func TestWithoutALoadFigureABarredRegionIsHeldNotImpossible(t *testing.T) {
	in := input(counts{"iad": 3, "ord": 3}, rates{"iad": 100})
	in.History.Served, in.History.ConcurrencyMean = nil, nil
	in.Policy.Exclude = []region.Code{"ord"}
	if g := make1(t, in); g.Status != plan.Held {
		t.Errorf("%s, findings %+v", g.Status, g.Findings)
	}
}

func TestFailingHealthChecksHold(t *testing.T) {
	in := input(counts{"iad": 8}, rates{"iad": 10})
	in.App.Machines[3].Checks = []fleet.Check{{Name: "http", Status: "critical"}}
	g := make1(t, in)
	if g.Status != plan.Held || !slices.ContainsFunc(g.Holds, func(h plan.Hold) bool { return h.Reason == plan.FailingChecks }) {
		t.Errorf("%s, holds %+v", g.Status, g.Holds)
	}
}

func TestAFreshDeployTellsNoShare(t *testing.T) {
	in := twoGroups()
	for i := range in.App.Machines {
		in.App.Machines[i].Created = now.Add(-30 * 24 * time.Hour)
	}
	in.Policy.ProcessGroups = []string{"web"}
	before := make1(t, in).Sizing.RequestsPerMonth
	in.App.Machines[0].Created = now.Add(-time.Minute)
	if after := make1(t, in).Sizing.RequestsPerMonth; math.Abs(after-2*before) > 1 {
		t.Errorf("web gets %v requests a month, was %v of a quarter: want half", after, before)
	}
}
