package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// refusals checks counts for the only group.
func refusals(in plan.Input, target counts) []plan.Refusal {
	return plan.Check(in, map[string]map[region.Code]int{"web": target})
}

// Machines run as 3 in iad and 1 in fra; each decision breaks one rule.
func TestWhatADecisionBreaks(t *testing.T) {
	policy := func(change func(*plan.Policy)) func(*plan.Input) {
		return func(in *plan.Input) { change(&in.Policy) }
	}
	machines := func(code region.Code, change func(*fleet.Machine)) func(*plan.Input) {
		return func(in *plan.Input) {
			for i := range in.App.Machines {
				if m := &in.App.Machines[i]; m.Region == code {
					change(m)
				}
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*plan.Input)
		target counts
		want   string // "REGION RULE: TEXT"; "" for nothing
	}{
		{"nothing", nil, counts{"ams": 2, "iad": 1}, ""},
		{"what runs already", nil, counts{"iad": 3, "fra": 1, "ams": 0}, ""},
		{
			"a volume", machines("fra", func(m *fleet.Machine) { m.Config.Mounts = []string{"data"} }),
			counts{"iad": 3},
			"fra volume: 0 of 1 Machines would stay in fra, but 1 must: fra000 (has volume data: a Machine elsewhere would start with an empty one)",
		},
		{"a standby", machines("iad", func(m *fleet.Machine) {
			if m.ID == "iad000" {
				m.Config.Standbys = []string{"fra000"}
			}
		}), counts{"iad": 2}, "fra standby: 0 of 1 Machines would stay in fra, but 1 must: fra000 (a standby stands by for it)"},
		{
			"an egress IP of its own", func(in *plan.Input) { in.App.EgressMachines = map[string]bool{"fra000": true} },
			counts{"iad": 3},
			"fra egress-ip: 0 of 1 Machines would stay in fra, but 1 must: fra000 (has a static egress IP of its own, which would be lost with it)",
		},
		{
			"what somebody drained", machines("fra", func(m *fleet.Machine) { m.Cordoned = true }),
			counts{"iad": 3},
			"fra cordoned: 0 of 1 Machines would stay in fra, but 1 must: fra000 (is cordoned: somebody drained it)",
		},
		{
			"the last in the primary region", func(in *plan.Input) {
				for _, m := range in.App.Machines {
					m.Config.PrimaryRegion = "iad"
				}
			},
			counts{"fra": 4},
			"iad primary-region: 0 of 3 Machines would stay in iad, but 1 must: the primary region keeps its last Machine",
		},
		{"the group's last", nil, counts{"fra": 0}, " last-machine: no Machine would be left that serves: the group keeps its last one"},
		{
			"egress IPs elsewhere", func(in *plan.Input) { in.App.EgressRegions = []region.Code{"iad"} },
			counts{"iad": 3, "ams": 1},
			"ams egress-region: 1 Machine would serve in ams, barred by the app's static egress IPs",
		},
		{"what runs without an egress IP may grow", func(in *plan.Input) { in.App.EgressRegions = []region.Code{"iad"} }, counts{"iad": 3, "fra": 2}, ""},
		{
			"egress IPs that nobody can read", func(in *plan.Input) { in.App.Unread = map[string]string{"egress IPs": "403 Forbidden"} },
			counts{"iad": 3, "ams": 1},
			"ams egress: ams would open, but whether the app has static egress IPs could not be read: 403 Forbidden",
		},
		{"a retired region", nil, counts{"iad": 3, "hkg": 1}, "hkg region: hkg would run 1 Machine, but Fly starts no new Machines there"},
		{"what runs in a retired region may stay", func(in *plan.Input) {
			in.Catalog = in.Catalog.With(region.Region{Code: "fra", Status: region.Retired})
		}, counts{"iad": 4, "fra": 1}, ""},
		{"a region that nobody knows", nil, counts{"iad": 3, "iax": 1}, `iax region: unknown region "iax": did you mean iad (Ashburn, Virginia)?`},
		{
			"exclude-regions", policy(func(p *plan.Policy) { p.Exclude = []region.Code{"fra"} }),
			counts{"iad": 3, "fra": 1},
			"fra exclude-regions: 1 Machine would serve in fra, barred by exclude-regions",
		},
		{
			"an excluded area", policy(func(p *plan.Policy) { p.ExcludeAreas = []region.Area{region.APAC} }),
			counts{"iad": 3, "nrt": 2},
			"nrt exclude-regions: 2 Machines would serve in nrt, barred by exclude-regions",
		},
		{
			"allow-regions", policy(func(p *plan.Policy) { p.Allow = []region.Code{"fra", "iad"} }),
			counts{"iad": 3, "ams": 2},
			"ams allow-regions: 2 Machines would serve in ams, barred by allow-regions",
		},
		{
			"require-regions", policy(func(p *plan.Policy) { p.Require = []region.Code{"lhr"} }),
			counts{"iad": 3},
			"lhr require-regions: no Machine would serve in lhr, which require-regions names",
		},
		{
			"min-in-region", policy(func(p *plan.Policy) { p.MinInRegion = counts{"iad": 3} }),
			counts{"iad": 2},
			"iad min-in-region: 2 Machines would serve in iad, but min-in-region wants 3",
		},
		{"min-in-region counts what serves", func(in *plan.Input) {
			in.Policy.MinInRegion = counts{"iad": 3}
			in.App.Machines[slices.IndexFunc(in.App.Machines, func(m fleet.Machine) bool { return m.ID == "iad001" })].Cordoned = true
		}, counts{"iad": 3}, "iad min-in-region: 2 Machines would serve in iad, but min-in-region wants 3"},
		{
			"min-machines-per-region", policy(func(p *plan.Policy) { p.MinMachinesPerRegion = 2 }),
			counts{"iad": 2, "fra": 1},
			"fra min-machines-per-region: 1 Machine would serve in fra, but min-machines-per-region wants 2",
		},
		{"min-machines", nil, counts{"iad": 1}, " min-machines: 1 Machine would serve, but min-machines wants 2"},
		{"max-machines", policy(func(p *plan.Policy) { p.MaxMachines = 4 }), counts{"iad": 5}, " max-machines: 5 Machines would run, but max-machines allows 4"},
		{"min-regions", policy(func(p *plan.Policy) { p.MinRegions = 2 }), counts{"iad": 5}, " min-regions: 1 would be open, but min-regions wants 2"},
		{"max-regions", policy(func(p *plan.Policy) { p.MaxRegions = 1 }), counts{"iad": 1, "fra": 1}, " max-regions: 2 would be open, but max-regions allows 1"},
		{"survive", policy(func(p *plan.Policy) { p.Survive = placement.Region }), counts{"iad": 5}, " survive: no region would be left when one fails, but survive is region"},
		{
			"max-monthly-cost", policy(func(p *plan.Policy) { p.MaxMonthlyCost = 5 }),
			counts{"iad": 5},
			" max-monthly-cost: the Machines alone would cost $9.72 a month, but max-monthly-cost is $5.00",
		},
		{"LiteFS", machines("iad", func(m *fleet.Machine) { m.Config.LiteFS = true }), counts{"iad": 2}, " allow-litefs: the group uses LiteFS: one of its Machines leads"},
		{"LiteFS that stays", machines("iad", func(m *fleet.Machine) { m.Config.LiteFS = true }), counts{"iad": 3, "fra": 1, "nrt": 0}, ""},
		{"Postgres", func(in *plan.Input) { in.App.Role = "postgres_cluster" }, counts{"iad": 3}, " postgres: the app is a Postgres cluster, whose Machines are not interchangeable"},
		{"max-changes and the cost guard are the plan's", policy(func(p *plan.Policy) { p.MaxChanges, p.MaxCostIncrease = 1, 0 }), counts{"iad": 9, "nrt": 9}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := input(counts{"iad": 3, "fra": 1}, nil)
			if tt.change != nil {
				tt.change(&in)
			}
			var got []string
			for _, r := range refusals(in, tt.target) {
				got = append(got, fmt.Sprintf("%s %s: %s", r.Region, r.Rule, r.Text))
				if r.Group != "web" || r.Hint == "" {
					t.Errorf("group %q, hint %q", r.Group, r.Hint)
				}
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("refused for\n%s\nwant\n%s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

func TestTheOnlyMachineOfAGroup(t *testing.T) {
	in := input(counts{"iad": 1}, nil)
	for _, tt := range []struct {
		target counts
		set    bool // min-machines
		want   []string
	}{
		{counts{"iad": 1}, false, nil},
		{counts{"iad": 1, "ams": 1}, false, nil},
		{counts{"ams": 1}, false, []string{"last-machine"}},
		{counts{"ams": 1}, true, nil},
		{counts{}, true, []string{"last-machine"}},
	} {
		in.Policy.MinMachines, in.Policy.MinMachinesSet = 2, tt.set
		if tt.set {
			in.Policy.MinMachines = 1
		}
		var got []string
		for _, r := range refusals(in, tt.target) {
			got = append(got, r.Rule)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%v: refused for %v, want %v", tt.target, got, tt.want)
		}
	}
}

func TestAllThatIsBrokenIsTold(t *testing.T) {
	in := input(counts{"iad": 3}, nil)
	in.Policy.MaxMachines, in.Policy.Exclude = 3, []region.Code{"ams", "nrt"}
	var got []string
	for _, r := range plan.Check(in, map[string]map[region.Code]int{"web": {"ams": 2, "nrt": 2, "hkg": 1}, "api": {"iad": 1}}) {
		got = append(got, fmt.Sprintf("%s %s %s", r.Group, r.Region, r.Rule))
	}
	want := []string{"api  groups", "web ams exclude-regions", "web hkg region", "web nrt exclude-regions", "web  max-machines"}
	if !slices.Equal(got, want) {
		t.Errorf("refused for %q, want %q", got, want)
	}
}

// What a plan settles breaks nothing, whatever is pinned and wanted.
func TestPlansPassTheCheck(t *testing.T) {
	settled := 0
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 7))
		codes := []region.Code{"ams", "fra", "iad", "nrt", "sjc"}
		live, rps := counts{}, counts{}
		for range 2 + r.IntN(6) {
			live[codes[r.IntN(len(codes))]]++
			rps[codes[r.IntN(len(codes))]] += 20 * r.IntN(20)
		}
		load := map[region.Code]float64{"lhr": 50}
		for code, n := range rps {
			load[code] = float64(n)
		}
		in := input(live, load)
		for i := range in.App.Machines {
			m := &in.App.Machines[i]
			m.Config.PrimaryRegion = "iad"
			switch r.IntN(8) {
			case 0:
				m.Config.Mounts = []string{"data"}
			case 1:
				m.Cordoned = true
			}
		}
		pol := &in.Policy
		for _, change := range []func(){
			func() { pol.MinRegions = 2 }, func() { pol.MaxRegions = 2 }, func() { pol.MinInRegion = counts{"fra": 2} },
			func() { pol.Exclude = []region.Code{"ams"} }, func() { pol.MaxMachines = 9 }, func() { pol.MaxMonthlyCost = 40 },
			func() { pol.Survive = placement.Region }, func() { pol.MinMachinesPerRegion = 2 }, func() { in.App.EgressRegions = []region.Code{"iad", "lhr"} },
		} {
			if r.IntN(4) == 0 {
				change()
			}
		}
		p, err := plan.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range p.Groups {
			if g.Status != plan.Planned && g.Status != plan.NoChanges {
				continue
			}
			settled++
			for _, refusal := range refusals(in, g.Placement) {
				t.Errorf("seed %d: %v to %v: %+v", seed, g.Current, g.Placement, refusal)
			}
		}
	}
	if settled < 10 {
		t.Errorf("only %d plans settle a placement", settled)
	}
}
