package plan_test

import (
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

type counts = map[region.Code]int

type rates = map[region.Code]float64

func TestMachinesMoveToWhereRequestsEnter(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"ams": 200, "fra": 300, "iad": 20})
	in.Policy.MaxChanges = 20
	g := make1(t, in)
	if g.Status != plan.Planned {
		t.Fatalf("Status = %s, holds %v, conflict %v", g.Status, g.Holds, g.Conflict)
	}
	if g.Placement["fra"] == 0 {
		t.Errorf("Placement = %v: fra has most requests", g.Placement)
	}
	if g.After.MeanMS >= g.Before.MeanMS {
		t.Errorf("mean latency %v → %v", g.Before.MeanMS, g.After.MeanMS)
	}
	first := g.Changes[0]
	if first.From != 0 || first.MS >= 0 || first.Share <= 0 || !strings.Contains(first.Reason, "of requests") {
		t.Errorf("first change %+v: want an opened region that lowers latency, with its reason", first)
	}
	if g.Solved != placement.Optimal || g.Objective > g.Bound*(1+1e-9) {
		t.Errorf("objective %v, bound %v, %s: want it proven", g.Objective, g.Bound, g.Solved)
	}
	bill := 0.0
	for _, c := range g.Changes {
		bill += c.Rent
	}
	if want := g.After.Compute - g.Before.Compute; math.Abs(bill-want) > 1e-9 {
		t.Errorf("changes add up to $%v, the bill changes by $%v", bill, want)
	}
}

func TestTheBestPlacementStays(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"ams": 200, "fra": 300, "iad": 20})
	in.Policy.MaxChanges, in.Policy.MaxMonthlyCost = 20, 14
	first := make1(t, in)
	in.App.Machines = input(first.Placement, nil).App.Machines
	g := make1(t, in)
	if g.Status != plan.NoChanges || len(g.Changes) != 0 {
		t.Errorf("%s, changes %+v: a plan's own result must be kept", g.Status, g.Changes)
	}
}

func TestNoRegionOpensToServeNobody(t *testing.T) {
	// One Machine in fra and a spare in ewr would be $0.30 cheaper than two in fra.
	g := make1(t, input(counts{"fra": 2}, rates{"fra": 20}))
	if g.Status != plan.NoChanges {
		t.Errorf("%s, %v: nobody is near any other region", g.Status, g.Placement)
	}
	in := input(counts{"fra": 2}, rates{"fra": 20})
	in.Policy.Require = []region.Code{"ewr"}
	if g := make1(t, in); g.Placement["ewr"] == 0 {
		t.Errorf("%v: ewr is required", g.Placement)
	}
}

func TestHolds(t *testing.T) {
	live, rps := counts{"iad": 6}, rates{"fra": 300}
	tests := []struct {
		name string
		make func(*plan.Input)
		want plan.HoldReason
	}{
		{"too few requests", func(in *plan.Input) { in.Policy.MinRequests = 1e9 }, plan.TooFewRequests},
		{"partial answer", func(in *plan.Input) { in.History.Partial = true }, plan.PartialMetrics},
		{"no series of the app", func(in *plan.Input) { in.History.Known, in.History.Responses = false, nil }, plan.NoSeries},
		{"newest sample too old", func(in *plan.Input) { in.History.Newest = now.Add(-61 * time.Minute) }, plan.StaleMetrics},
		{"nothing of the organization", func(in *plan.Input) { in.History.Newest = time.Time{} }, plan.GappyMetrics},
		{"a tenth of the hours missing", func(in *plan.Input) {
			for i := range 17 {
				in.History.OrgUp[i*3] = false
			}
		}, plan.GappyMetrics},
		{"lease held", func(in *plan.Input) {
			in.App.Machines[2].Lease = &fleet.Lease{Owner: "ann@tokens.fly.io", Expires: now.Add(time.Second)}
		}, plan.DeployInProgress},
		{"two releases just now", func(in *plan.Input) {
			in.App.Machines[2].Config.Metadata["fly_release_version"] = "8"
			in.App.Machines[2].Updated = now.Add(-14 * time.Minute)
		}, plan.DeployInProgress},
		{"marks of an apply", func(in *plan.Input) { in.Unfinished = []string{in.App.Machines[2].ID, "another-app's"} }, plan.UnfinishedApply},
		{"canary", func(in *plan.Input) { in.App.Machines[2].Config.Metadata["fly_canary"] = "true" }, plan.DeployInProgress},
		{"two blue-green deployments", func(in *plan.Input) {
			in.App.Machines[2].Config.Metadata["fly_bluegreen_deployment_tag"] = "17"
		}, plan.DeployInProgress},
		{"Machine being replaced", func(in *plan.Input) { in.App.Machines[2].State = "replacing" }, plan.DeployInProgress},
		{"single Machine", func(in *plan.Input) { in.App.Machines = in.App.Machines[:1] }, plan.Singleton},
		{"LiteFS", func(in *plan.Input) { in.App.Machines[0].Config.LiteFS = true }, plan.LiteFS},
		{"volumes", func(in *plan.Input) {
			for _, m := range in.App.Machines {
				m.Config.Mounts = []string{"data"}
			}
		}, plan.Volumes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(live, rps)
			tt.make(&in)
			g := make1(t, in)
			if g.Status != plan.Held || !slices.ContainsFunc(g.Holds, func(h plan.Hold) bool { return h.Reason == tt.want && h.Hint != "" }) {
				t.Errorf("%s, holds %+v: want %s with a next step", g.Status, g.Holds, tt.want)
			}
			if len(g.Changes) != 0 || !maps.Equal(g.Placement, g.Current) {
				t.Errorf("a held group changes: %v → %v", g.Current, g.Placement)
			}
		})
	}
}

func TestWhatDoesNotHold(t *testing.T) {
	tests := []struct {
		name string
		make func(*plan.Input)
	}{
		{"an expired lease", func(in *plan.Input) {
			in.App.Machines[2].Lease = &fleet.Lease{Owner: "ann@tokens.fly.io", Expires: now.Add(-time.Second)}
		}},
		{"two releases for long", func(in *plan.Input) { in.App.Machines[2].Config.Metadata["fly_release_version"] = "8" }},
		{"an app younger than the window", func(in *plan.Input) {
			for i := range 150 {
				in.History.Responses["fra"][i] = 0
			}
		}},
		{"autostop starts a Machine", func(in *plan.Input) {
			for _, m := range in.App.Machines {
				m.Config.Services[0].Autostop = "stop"
			}
			in.App.Machines[2].State = "starting"
		}},
		{"a single Machine with min-machines set", func(in *plan.Input) {
			in.App.Machines = in.App.Machines[:1]
			in.Policy.MinMachines, in.Policy.MinMachinesSet = 1, true
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(counts{"iad": 6}, rates{"fra": 300})
			tt.make(&in)
			if g := make1(t, in); g.Status != plan.Planned {
				t.Errorf("%s, holds %+v: want a plan", g.Status, g.Holds)
			}
		})
	}
}

func TestAHeldDeployShowsWhatIsWithheld(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 300})
	in.App.Machines[0].State = "updating"
	g := make1(t, in)
	if g.Withheld == nil || g.Withheld.Placement["fra"] == 0 {
		t.Errorf("Withheld = %+v: want the placement that waits for the deploy", g.Withheld)
	}
}

func TestWithoutConcurrencyNothingIsRemoved(t *testing.T) {
	in := input(counts{"iad": 6, "ord": 3}, rates{"fra": 3000, "iad": 1})
	h := &in.History
	h.Served, h.ConcurrencyMean, h.ConcurrencyMax = nil, nil, nil
	in.Policy.MaxCostIncrease = 10
	g := make1(t, in)
	for code, n := range g.Current {
		if g.Placement[code] < n {
			t.Errorf("%s goes from %d to %d without a concurrency figure", code, n, g.Placement[code])
		}
	}
	if g.Placement["fra"] == 0 || g.Status != plan.Planned {
		t.Errorf("%s, %v: growth must go on", g.Status, g.Placement)
	}
	if !slices.ContainsFunc(g.Holds, func(h plan.Hold) bool { return h.Reason == plan.NoConcurrency }) {
		t.Errorf("holds %+v: want no-concurrency", g.Holds)
	}
}

func TestADifferentRegionOnFewDaysIsHeld(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 0.001, "iad": 100})
	for h := range 72 { // three days of seven from Frankfurt, much more than the rest
		in.History.Responses["fra"][h] = 135 * 3600
		in.History.Responses["iad"][h] = 0
	}
	in.Policy.MinMachines = 2
	in.Policy.Survive = placement.None
	in.Policy.MaxRegions, in.Policy.MaxChanges = 1, 20
	in.Policy.ValuePerMS = 1
	g := make1(t, in)
	if g.Status != plan.Held || g.Holds[0].Reason != plan.Unsteady {
		t.Errorf("%s %v, holds %+v: want unsteady", g.Status, g.Placement, g.Holds)
	}
}

func TestPinsStayWhereTheyAre(t *testing.T) {
	in := input(counts{"iad": 4, "ord": 2}, rates{"fra": 500})
	in.App.VolumeOn = map[string]string{"ord001": "vol_1"}
	for i := range in.App.Machines {
		in.App.Machines[i].Config.PrimaryRegion = "iad"
		in.App.Machines[i].Config.Services[0].MinMachinesRunning = 2
	}
	in.Policy.MaxChanges = 50
	in.Policy.MaxCostIncrease = 9
	g := make1(t, in)
	if g.Placement["ord"] < 1 || g.Placement["iad"] < 2 || g.Placement["fra"] == 0 {
		t.Errorf("Placement = %v: the volume in ord and two Machines in the primary region stay", g.Placement)
	}
	var reasons []fleet.PinReason
	for _, p := range g.Pins {
		reasons = append(reasons, p.Reason)
	}
	for _, want := range []fleet.PinReason{fleet.PinVolume, fleet.PinPrimary} {
		if !slices.Contains(reasons, want) {
			t.Errorf("pins %v lack %s", reasons, want)
		}
	}
}

func TestABarredPinIsAContradiction(t *testing.T) {
	in := input(counts{"iad": 4, "ord": 2}, rates{"fra": 500})
	in.App.VolumeOn = map[string]string{"ord001": "vol_1"}
	in.Policy.Exclude = []region.Code{"ord"}
	g := make1(t, in)
	if g.Status != plan.Infeasible || !slices.ContainsFunc(g.Findings, func(f plan.Finding) bool {
		return strings.Contains(f.Text, "ord") && strings.Contains(f.Text, "exclude-regions")
	}) {
		t.Errorf("%s, findings %+v: want the contradiction by name", g.Status, g.Findings)
	}
}

func TestEgressIPsLimitTheRegions(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 500, "ams": 20})
	in.App.EgressRegions = []region.Code{"ams", "iad"}
	g := make1(t, in)
	for code := range g.Placement {
		if code != "ams" && code != "iad" {
			t.Errorf("%s opens without an egress IP", code)
		}
	}
}

func TestTheCostGuardBindsAndTheOptimumIsShown(t *testing.T) {
	in := input(counts{"iad": 2}, rates{"fra": 100, "nrt": 100, "gru": 100, "syd": 100, "iad": 100, "jnb": 100})
	in.Policy.ValuePerMS, in.Policy.Survive, in.Policy.MinMachines = 1, placement.None, 1
	in.History.ConcurrencyMean, in.History.ConcurrencyMax = repeat(168, 1), repeat(168, 1)
	g := make1(t, in)
	if g.After.Total() > 1.25*g.Before.Total()*(1+1e-6) {
		t.Errorf("$%.2f → $%.2f: more than a quarter dearer", g.Before.Total(), g.After.Total())
	}
	if g.Unrestricted == nil || g.Unrestricted.Figures.MeanMS >= g.After.MeanMS {
		t.Errorf("Unrestricted = %+v: want the faster, dearer optimum beside", g.Unrestricted)
	}
}

func TestTheLoadMayExceedTheGuardAndTheDefaultOfMaxChanges(t *testing.T) {
	g := make1(t, input(counts{"iad": 2}, rates{"iad": 4000})) // 400 in flight need 25 Machines
	if g.Status != plan.Planned || g.Placement["iad"] < 25 {
		t.Fatalf("%s %v %v: the load needs 25 Machines", g.Status, g.Placement, g.Conflict)
	}
	var texts []string
	for _, f := range g.Findings {
		texts = append(texts, f.Text)
	}
	text := strings.Join(texts, "\n")
	for _, want := range []string{"cost guard", "created or destroyed", "the live placement has 2 Machines in iad"} {
		if !strings.Contains(text, want) {
			t.Errorf("findings lack %q:\n%s", want, text)
		}
	}
}

func TestAMaxChangesThatWasSetIsKept(t *testing.T) {
	in := input(counts{"iad": 2}, rates{"iad": 4000})
	in.Policy.MaxChanges = 4
	g := make1(t, in)
	if g.Status != plan.Infeasible || len(g.Conflict) == 0 || g.Conflict[0].Limit != "max_changes" {
		t.Errorf("%s, conflict %+v: want max_changes", g.Status, g.Conflict)
	}
}

func TestRefusedApps(t *testing.T) {
	tests := []struct {
		name string
		make func(*plan.Input)
		want string
	}{
		{"Postgres", func(in *plan.Input) { in.App.Role = "postgres_cluster" }, "Postgres cluster"},
		{"no Machines", func(in *plan.Input) { in.App.Machines = nil }, "no Machines"},
		{"private", func(in *plan.Input) { in.App.IPs = []string{"fdaa:0:1::3"} }, "no public IP"},
		{"worker", func(in *plan.Input) {
			for _, m := range in.App.Machines {
				m.Config.Services = nil
			}
		}, "no process group has a public HTTP service (groups: web)"},
		{"group that does not exist", func(in *plan.Input) { in.Policy.ProcessGroups = []string{"wep"} }, `no process group "wep"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(counts{"iad": 2}, rates{"iad": 10})
			tt.make(&in)
			_, err := plan.Make(in)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(hint.Of(err)) == 0 {
				t.Errorf("error %v, hints %q: want %q and a next step", err, hint.Of(err), tt.want)
			}
		})
	}
}

func TestGroupsShareTheTrafficByWhatTheyServed(t *testing.T) {
	in := input(counts{"iad": 4}, rates{"iad": 100})
	in.History.ServedBy = map[string]float64{}
	for i := range in.App.Machines {
		group := []string{"api", "web"}[i/2]
		in.App.Machines[i].Config.Metadata["fly_process_group"] = group
		in.History.ServedBy[in.App.Machines[i].ID] = map[string]float64{"api": 300, "web": 100}[group]
	}
	p, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	api, web := p.Groups[0].Sizing.RequestsPerMonth, p.Groups[1].Sizing.RequestsPerMonth
	if p.Groups[0].Name != "api" || math.Abs(api/web-3) > 1e-9 {
		t.Errorf("api gets %v, web %v a month: want three times as much", api, web)
	}
}

func TestUnknownCodesAreReportedNotDropped(t *testing.T) {
	g := make1(t, input(counts{"iad": 4}, rates{"iad": 90, "qqq": 10, "lga": 10}))
	if math.Abs(g.Unmapped["qqq"]-1.0/11) > 1e-9 {
		t.Errorf("Unmapped = %v", g.Unmapped)
	}
	if i := slices.IndexFunc(g.Edges, func(e plan.Edge) bool { return e.Code == "lga" }); i < 0 || g.Edges[i].StandIn != "ewr" {
		t.Errorf("Edges = %+v: lga enters at ewr's place", g.Edges)
	}
}

func TestSameInputSameBytes(t *testing.T) {
	in := input(counts{"iad": 4, "ord": 3}, rates{"iad": 90, "fra": 100, "nrt": 70, "gru": 30, "ams": 11})
	var first []byte
	for range 5 {
		p, err := plan.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = b
		}
		if string(b) != string(first) {
			t.Fatal("two runs differ")
		}
		slices.Reverse(in.App.Machines)
	}
}

// The next step costs less than the whole way to the optimum.
func TestSaysWhatMaxChangesOpensTheNextRegion(t *testing.T) {
	in := input(counts{"iad": 6}, rates{"fra": 300, "nrt": 250, "gru": 150, "syd": 100, "iad": 100, "jnb": 80})
	in.Policy.ValuePerMS, in.Policy.MaxCostIncrease, in.Policy.MaxChanges = 1, 9, 2
	g := make1(t, in)
	said := regexp.MustCompile(`max-changes: (\d+); max-changes: (\d+) is enough to (.+)$`)
	var whole, least int
	var regions string
	for _, f := range g.Findings {
		if m := said.FindStringSubmatch(f.Hint); m != nil {
			whole, _ = strconv.Atoi(m[1])
			least, _ = strconv.Atoi(m[2])
			regions = m[3]
		}
	}
	if least <= 2 || least >= whole {
		t.Fatalf("%v: next %d, whole %d: %+v", g.Placement, least, whole, g.Findings)
	}
	open := func(maxChanges int) []region.Code {
		in.Policy.MaxChanges = maxChanges
		return slices.Sorted(maps.Keys(make1(t, in).Placement))
	}
	before, after := open(least-1), open(least)
	if !slices.Equal(before, open(2)) || slices.Equal(before, after) {
		t.Errorf("max-changes %d has %v, %d %v; want %d to %s first", least-1, before, least, after, least, regions)
	}
	for _, code := range after {
		if !slices.Contains(before, code) && !strings.Contains(regions, string(code)) {
			t.Errorf("max-changes %d opens %s too, not only %s", least, code, regions)
		}
	}
}
