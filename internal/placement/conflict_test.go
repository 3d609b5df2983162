package placement

import (
	"math"
	"math/rand/v2"
	"testing"
)

// wantConflicts finds by brute force the limits without which p is feasible,
// and the nearest values that would do.
func wantConflicts(p Problem) map[string]float64 {
	want := map[string]float64{}
	nearest := func(name string, q Problem, quantity func(*oracle, option) float64) {
		least := math.Inf(1)
		o := newOracle(q)
		for _, a := range o.options() {
			least = min(least, quantity(o, a))
		}
		if !math.IsInf(least, 1) {
			want[name] = least
		}
	}
	relaxed := func(change func(*Limits)) Problem {
		q := p
		change(&q.Limits)
		return q
	}
	if p.Limits.MaxRegions > 0 {
		nearest("max_regions", relaxed(func(l *Limits) { l.MaxRegions = 0 }),
			func(_ *oracle, a option) float64 { return float64(len(a.open)) })
	}
	if p.Limits.MaxMachines > 0 {
		nearest("max_machines", relaxed(func(l *Limits) { l.MaxMachines = 0 }), func(_ *oracle, a option) float64 {
			total := 0
			for _, n := range a.count {
				total += n
			}
			return float64(total)
		})
	}
	if p.Limits.MaxChanges > 0 {
		nearest("max_changes", relaxed(func(l *Limits) { l.MaxChanges = 0 }),
			func(_ *oracle, a option) float64 { return float64(a.changes) })
	}
	if p.Limits.MaxMonthlyCost > 0 {
		nearest("max_monthly_cost", relaxed(func(l *Limits) { l.MaxMonthlyCost = 0 }), func(o *oracle, a option) float64 {
			_, _, usd := o.price(a.open, a.count)
			return usd
		})
	}
	if p.Limits.MaxP95LatencyMS > 0 {
		nearest("max_p95_latency_ms", relaxed(func(l *Limits) { l.MaxP95LatencyMS = 0 }),
			func(o *oracle, a option) float64 { return o.percentile(0.95, a.open) })
	}
	if p.Limits.Survive != "" && p.Limits.Survive != None {
		if len(newOracle(relaxed(func(l *Limits) { l.Survive = None })).options()) > 0 {
			want["survive"] = 0
		}
	}
	lower := func(name string, value int, set func(*Limits, int)) {
		for v := value - 1; v >= 1; v-- {
			if len(newOracle(relaxed(func(l *Limits) { set(l, v) })).options()) > 0 {
				want[name] = float64(v)
				return
			}
		}
	}
	lower("min_regions", p.Limits.MinRegions, func(l *Limits, v int) { l.MinRegions = v })
	lower("min_machines", p.Limits.MinMachines, func(l *Limits, v int) { l.MinMachines = v })
	lower("min_machines_per_region", p.Limits.MinMachinesPerRegion, func(l *Limits, v int) { l.MinMachinesPerRegion = v })
	return want
}

func TestConflictNamesTheLimitsThatAloneAreTooTight(t *testing.T) {
	named := map[string]int{}
	for seed := range uint64(900) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 2)))
		sol, err := Solve(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if sol.Status != Infeasible {
			if sol.Conflict != nil {
				t.Fatalf("seed %d: %s with conflicts %v", seed, sol.Status, sol.Conflict)
			}
			continue
		}
		want := wantConflicts(p)
		if len(want) != len(sol.Conflict) {
			t.Fatalf("seed %d: conflicts %v, want %v\n%s", seed, sol.Conflict, want, dump(p))
		}
		for _, c := range sol.Conflict {
			if nearest, ok := want[c.Limit]; !ok || !equal(nearest, c.Nearest) {
				t.Fatalf("seed %d: %+v, want %v\n%s", seed, c, want, dump(p))
			}
			named[c.Limit]++
		}
	}
	for _, limit := range []string{
		"max_regions", "max_machines", "max_changes", "max_monthly_cost", "max_p95_latency_ms",
		"min_regions", "min_machines", "min_machines_per_region", "survive",
	} {
		if named[limit] == 0 {
			t.Errorf("no problem has %s as a conflict; named %v", limit, named)
		}
	}
}
