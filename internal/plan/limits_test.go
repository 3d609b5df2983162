package plan_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

const iadUSD = 1.944 // a month for a shared-cpu-1x in iad, 256 MB

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Max(1, math.Abs(b)) }

// reason is why code changes; "" when it does not.
func reason(g plan.Group, code region.Code) string {
	i := slices.IndexFunc(g.Changes, func(c plan.Change) bool { return c.Region == code })
	if i < 0 {
		return ""
	}
	return g.Changes[i].Reason
}

func TestLimitsAreWhatTheyAreSaidToBe(t *testing.T) {
	world := rates{"fra": 100, "nrt": 100, "gru": 100, "syd": 100, "iad": 100, "jnb": 100, "sin": 100, "lax": 100}
	tests := []struct {
		name  string
		live  counts
		rps   rates
		make  func(*plan.Input)
		check func(*testing.T, plan.Group)
	}{
		{"the guard is the live cost and an increase of nothing", counts{"iad": 4}, world, guard(0), guardIs(4 * iadUSD)},
		{"the guard is the live cost and a tenth", counts{"iad": 4}, world, guard(0.1), guardIs(4 * iadUSD * 1.1)},
		{"the guard is the live cost and a half", counts{"iad": 4}, world, guard(0.5), guardIs(4 * iadUSD * 1.5)},
		{
			"the usual number of changes gives way where it would keep an app in the wrong region",
			counts{"iad": 20},
			rates{"fra": 1500, "ams": 900, "iad": 100},
			func(in *plan.Input) { in.Policy.ValuePerMS = 0.5 },
			func(t *testing.T, g plan.Group) {
				if g.Status != plan.Planned || g.Placement["fra"]+g.Placement["ams"] < 10 || !has(g, "more than the usual 10: with fewer no region would open") {
					t.Errorf("%s %v, findings %+v", g.Status, g.Placement, g.Findings)
				}
			},
		},
		{
			"the team's number of changes does not",
			counts{"iad": 20},
			rates{"fra": 1500, "ams": 900, "iad": 100},
			func(in *plan.Input) { in.Policy.ValuePerMS, in.Policy.MaxChanges = 0.5, 10 },
			func(t *testing.T, g plan.Group) {
				if moved := moves(g); moved > 10 || !has(g, "the optimum without our own limits") {
					t.Errorf("%v moves %d Machines, findings %+v", g.Placement, moved, g.Findings)
				}
			},
		},
		{
			"the usual number of changes gives way where old Machines would stay beside the new ones",
			counts{"fra": 12, "iad": 12},
			rates{"iad": 1600, "sjc": 1200, "fra": 20}, // fra's are idle, sjc needs as many
			func(in *plan.Input) { in.Policy.ValuePerMS, in.Policy.MaxCostIncrease = 0.5, 2 },
			func(t *testing.T, g plan.Group) {
				if g.Placement["fra"] > 3 || g.Placement["sjc"] < 8 || !has(g, "more than the usual 12: with fewer it would cost ") {
					t.Errorf("%s %v, findings %+v", g.Status, g.Placement, g.Findings)
				}
			},
		},
		{
			"it does not where fewer Machines are only cheaper still",
			counts{"iad": 20},
			rates{"iad": 20},
			nil,
			func(t *testing.T, g plan.Group) {
				if moved := moves(g); moved != 10 {
					t.Errorf("%v moves %d Machines, want half of them", g.Placement, moved)
				}
			},
		},
		{
			"where the guard gives way the team's limit is kept",
			counts{"iad": 2},
			rates{"fra": 2600, "iad": 1400}, // 400 in flight need 25 Machines, $48.60 at least
			func(in *plan.Input) { in.Policy.MaxMonthlyCost = 52 },
			func(t *testing.T, g plan.Group) {
				if g.Status != plan.Planned || g.After.Total() > 52 || !near(g.Problem.Limits.MaxMonthlyCost, 52) {
					t.Errorf("%s, $%.2f by a limit of $%.2f: want 52 at most", g.Status, g.After.Total(), g.Problem.Limits.MaxMonthlyCost)
				}
				if !has(g, "more than the cost guard's $4.86") {
					t.Errorf("findings %+v", g.Findings)
				}
			},
		},
		{"six changes of eleven Machines", counts{"iad": 11}, rates{"iad": 1500}, nil, changesAre(6)},
		{"six changes of twelve Machines", counts{"iad": 12}, rates{"iad": 1500}, nil, changesAre(6)},
		{"seven changes of thirteen Machines", counts{"iad": 13}, rates{"iad": 1500}, nil, changesAre(7)},
		{"eight changes of fifteen Machines", counts{"iad": 15}, rates{"iad": 1500}, nil, changesAre(8)},
		{
			"the optimum without our limits opens nothing for nobody either",
			counts{"fra": 2},
			rates{"fra": 20}, // a spare in ewr would be cheaper, but takes two changes
			func(in *plan.Input) { in.Policy.MaxChanges = 1 },
			func(t *testing.T, g plan.Group) {
				if g.Status != plan.NoChanges || g.Unrestricted != nil {
					t.Errorf("%s, without our limits %+v: want nothing to change", g.Status, g.Unrestricted)
				}
			},
		},
		{
			"no new Machine starts in a retired region",
			counts{"mad": 2},
			rates{"mad": 1000}, // 100 in flight need 7 Machines
			func(in *plan.Input) {
				in.Prices = cheapMadrid(t)
				in.Policy.MaxCostIncrease, in.Policy.MaxChanges = 9, 99
			},
			func(t *testing.T, g plan.Group) {
				if g.Status != plan.Planned || g.Placement["mad"] > 2 {
					t.Errorf("%s %v: mad keeps what it has at most", g.Status, g.Placement)
				}
			},
		},
		{
			"what has no price costs as much as the dearest",
			counts{"mad": 2},
			rates{"mad": 20},
			nil,
			func(t *testing.T, g plan.Group) {
				if want := 2 * iadUSD * 1.615384615; !near(g.Before.Compute, want) {
					t.Errorf("$%v, want $%v as in gru", g.Before.Compute, want)
				}
				for _, c := range g.Problem.Candidates {
					if c.Region == "mad" && !near(c.MachineCost, iadUSD*1.615384615) {
						t.Errorf("a Machine in mad is taken to cost $%v", c.MachineCost)
					}
				}
				if !has(g, "no price is known for mad: the dearest known price is taken") {
					t.Errorf("findings %+v", g.Findings)
				}
			},
		},
		{
			"a region that is open needs no egress IP to stay",
			counts{"iad": 3},
			rates{"iad": 300},
			func(in *plan.Input) { in.App.EgressRegions = []region.Code{"ams"} },
			func(t *testing.T, g plan.Group) {
				if g.Placement["iad"] < 3 || has(g, "static egress IPs bars iad") {
					t.Errorf("%s %v, findings %+v: iad serves everybody", g.Status, g.Placement, g.Findings)
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := input(tt.live, tt.rps)
			if tt.make != nil {
				tt.make(&in)
			}
			tt.check(t, make1(t, in))
		})
	}
}

// moves counts the Machines that a plan creates and destroys.
func moves(g plan.Group) int {
	n := 0
	for _, c := range g.Changes {
		n += max(c.Delta(), -c.Delta())
	}
	return n
}

// guard makes latency worth much, so that the cost guard alone bounds the cost.
func guard(increase float64) func(*plan.Input) {
	return func(in *plan.Input) {
		in.Policy.ValuePerMS, in.Policy.MaxCostIncrease, in.Policy.MaxChanges = 1, increase, 99
		in.Policy.Survive = placement.None
		in.History.ConcurrencyMean, in.History.ConcurrencyMax = repeat(168, 1), repeat(168, 1) // one Machine carries it
	}
}

func guardIs(usd float64) func(*testing.T, plan.Group) {
	return func(t *testing.T, g plan.Group) {
		t.Helper()
		if !near(g.Problem.Limits.MaxMonthlyCost, usd) || g.After.Total() > usd*(1+1e-6) {
			t.Errorf("$%v by a limit of $%v, want $%v", g.After.Total(), g.Problem.Limits.MaxMonthlyCost, usd)
		}
		if g.Unrestricted == nil || !slices.Equal(g.Unrestricted.Limits, []string{"max-cost-increase"}) {
			t.Errorf("Unrestricted = %+v: the guard alone keeps from it", g.Unrestricted)
		}
	}
}

func changesAre(n int) func(*testing.T, plan.Group) {
	return func(t *testing.T, g plan.Group) {
		t.Helper()
		if got := g.Problem.Limits.MaxChanges; got != n {
			t.Errorf("max-changes is %d, want %d", got, n)
		}
	}
}

func cheapMadrid(t *testing.T) price.Table {
	t.Helper()
	table, err := price.Parse([]byte(`{"regions": {"mad": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestWhatServesNothingIsPaidFor(t *testing.T) {
	in := input(counts{"iad": 8}, rates{"iad": 1000}) // 100 in flight need 7
	for i := range 6 {
		in.App.Machines[i].Cordoned = true
	}
	in.Policy.MaxCostIncrease = 9
	g := make1(t, in)
	if !near(g.Before.Compute, 8*iadUSD) {
		t.Errorf("$%v now, want $%v for eight Machines", g.Before.Compute, 8*iadUSD)
	}
	if want := float64(g.Placement["iad"]) * iadUSD; !near(g.After.Compute, want) {
		t.Errorf("$%v as planned, want $%v for %d Machines", g.After.Compute, want, g.Placement["iad"])
	}
}

func TestASingleMachineIsNotToldWhatItLacks(t *testing.T) {
	for _, set := range []bool{false, true} {
		in := input(counts{"iad": 1}, rates{"iad": 400}) // 40 in flight need 3
		in.Policy.MinMachinesSet = set
		if g := make1(t, in); has(g, "the live placement ") != set {
			t.Errorf("min-machines set: %t, findings %+v", set, g.Findings)
		}
	}
}

func TestReasonsNameWhatDecided(t *testing.T) {
	t.Run("a region that closes had its part", func(t *testing.T) {
		in := input(counts{"iad": 3, "ord": 3}, rates{"iad": 100, "ord": 100})
		in.Policy.Exclude = []region.Code{"ord"}
		g := make1(t, in)
		i := slices.IndexFunc(g.Changes, func(c plan.Change) bool { return c.Region == "ord" })
		if i < 0 || !near(g.Changes[i].Share, 0.5) || !strings.Contains(g.Changes[i].Reason, "the others take the 50% of requests that it served") {
			t.Errorf("changes %+v: ord served half of the requests", g.Changes)
		}
	})
	t.Run("what max-changes keeps", func(t *testing.T) {
		g := make1(t, input(counts{"iad": 20}, rates{"iad": 20}))
		if got := reason(g, "iad"); !strings.HasSuffix(got, "8 more kept: max-changes allows no more to go") {
			t.Errorf("%v, reason %q", g.Placement, got)
		}
	})
	t.Run("what change-cost keeps", func(t *testing.T) {
		in := input(counts{"iad": 10}, rates{"iad": 20})
		in.Policy.ChangeCost = plan.ChangeCost{USD: 100} // 25 for each Machine
		in.Policy.MaxMachines = 8
		g := make1(t, in)
		if got := reason(g, "iad"); !strings.HasSuffix(got, "6 more kept: removing costs more than it saves (change-cost)") {
			t.Errorf("%v, reason %q", g.Placement, got)
		}
	})
	t.Run("a hard limit below the soft one", func(t *testing.T) {
		in := input(counts{"iad": 2}, rates{"iad": 400}) // 40 in flight, 8 of 10 for each
		for _, m := range in.App.Machines {
			m.Config.Services[0].SoftLimit, m.Config.Services[0].HardLimit = 20, 10
		}
		g := make1(t, in)
		if got := reason(g, "iad"); !strings.HasPrefix(got, "its peak of 40 in flight needs 5 Machines") || strings.Contains(got, "must be there") {
			t.Errorf("%v, reason %q", g.Placement, got)
		}
	})
}

// Moving pays on every day, on the quiet ones less than the move itself costs.
// That was weighed once, for the whole window: no day has to pay for it alone.
func TestAQuietDayNeedNotPayForTheChange(t *testing.T) {
	in := input(counts{"iad": 2}, rates{"fra": 10})
	for h := range 4 * 24 {
		in.History.Responses["fra"][h] = 6.2 * 3600
	}
	in.Policy.MaxRegions, in.Policy.Survive = 1, placement.None
	in.Policy.ChangeCost = plan.ChangeCost{USD: 2.5} // 7.50 for two regions and four Machines
	g := make1(t, in)
	if g.Status != plan.Planned || g.Placement["fra"] != 2 {
		t.Errorf("%s %v, holds %+v: fra is better on every day", g.Status, g.Placement, g.Holds)
	}
}
