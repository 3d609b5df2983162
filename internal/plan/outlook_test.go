package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// What Look finds is what Make holds for, or fails with.
func TestLookSeesWhatHoldsAPlan(t *testing.T) {
	for name, change := range map[string]func(*plan.Input){
		"nothing":   func(*plan.Input) {},
		"stale":     func(in *plan.Input) { in.History.Newest = now.Add(-2 * time.Hour) },
		"partial":   func(in *plan.Input) { in.History.Partial = true },
		"no series": func(in *plan.Input) { in.History.Known = false },
		"gaps":      func(in *plan.Input) { clear(in.History.OrgUp[:100]) },
		"thin":      func(in *plan.Input) { in.Policy.MinRequests = 1e12 },
		"litefs":    func(in *plan.Input) { in.App.Machines[0].Config.LiteFS = true },
		"singleton": func(in *plan.Input) { in.App.Machines = in.App.Machines[:1] },
		"a lease": func(in *plan.Input) {
			in.App.Machines[0].Lease = &fleet.Lease{Owner: "ann", Expires: now.Add(time.Hour)}
		},
		"nothing runs":  func(in *plan.Input) { in.App.Machines = nil },
		"postgres":      func(in *plan.Input) { in.App.Role = "postgres_cluster" },
		"private":       func(in *plan.Input) { in.App.IPs = []string{"fdaa:0:1::3"} },
		"another group": func(in *plan.Input) { in.Policy.ProcessGroups = []string{"nosuch"} },
		"no price":      func(in *plan.Input) { in.App.Machines[0].Config.Guest.CPUKind = "abacus" },
	} {
		t.Run(name, func(t *testing.T) {
			in := input(map[region.Code]int{"iad": 3, "fra": 2}, map[region.Code]float64{"iad": 50, "lhr": 20})
			change(&in)
			out, err := plan.Look(in)
			made, makeErr := plan.Make(in)
			if (err != nil) != (makeErr != nil) && (len(out.Groups) == 0 || out.Groups[0].Unpriced == nil) {
				t.Fatalf("Look: %v, Make: %v", err, makeErr)
			}
			if err != nil && err.Error() != makeErr.Error() {
				t.Errorf("Look: %v, Make: %v", err, makeErr)
			}
			if makeErr != nil {
				return
			}
			want := made.Groups[0].Holds
			if made.Groups[0].Status != plan.Held {
				want = nil
			}
			got := slices.Concat(plan.MetricHolds(in), out.Groups[0].Thin, out.Groups[0].Holds)
			for _, hold := range want {
				if !slices.Contains(got, hold) {
					t.Errorf("Make holds for %+v, Look finds %+v", hold, got)
				}
			}
			if (len(want) > 0) != (len(got) > 0) {
				t.Errorf("Look finds %+v, Make holds for %+v", got, want)
			}
		})
	}
}

func TestLookWithoutMetricsSpeaksOfMachinesOnly(t *testing.T) {
	in := input(map[region.Code]int{"iad": 1}, map[region.Code]float64{"iad": 50})
	in.History = demand.History{}
	out, err := plan.Look(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Groups) != 1 || len(out.Groups[0].Thin) > 0 || out.Groups[0].Holds[0].Reason != plan.Singleton {
		t.Errorf("%+v", out)
	}
}

func TestLookNamesEdgesThatNobodyKnows(t *testing.T) {
	in := input(map[region.Code]int{"iad": 2}, map[region.Code]float64{"iad": 50, "zzz": 1, "qqq": 0.5})
	out, err := plan.Look(in)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out.Unmapped, []region.Code{"qqq", "zzz"}) || out.Mapped != 50*3600*168 {
		t.Errorf("unmapped %v, mapped %v", out.Unmapped, out.Mapped)
	}
}
