package placement

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// strictProblem is a random problem with many limits.
func strictProblem(r *rand.Rand) Problem {
	maybe := func(p float64) bool { return r.Float64() < p }
	p := randomProblem(r)
	l, n := &p.Limits, len(p.Candidates)
	if maybe(0.3) {
		l.MaxRegions = max(1, l.MinRegions)
	}
	if maybe(0.3) {
		l.MaxMachines = max(1, l.MinMachines) + r.IntN(3)
	}
	if maybe(0.3) {
		l.MaxChanges = 1 + r.IntN(4)
	}
	if maybe(0.2) {
		l.MaxMonthlyCost = 5 + float64(r.IntN(20))*5
	}
	if maybe(0.3) {
		l.MaxP95LatencyMS = 10 + float64(r.IntN(10))*10
	}
	for range r.IntN(4) {
		c := &p.Candidates[r.IntN(n)]
		switch r.IntN(3) {
		case 0:
			c.Required = true
		case 1:
			c.MinMachines = 1 + r.IntN(max(4, c.MaxMachines))
			c.MaxMachines = cmp.Or(c.MaxMachines, c.MinMachines+r.IntN(2))
			c.MinMachines = min(c.MinMachines, c.MaxMachines)
		case 2:
			c.MaxMachines = max(1, c.MinMachines)
		}
	}
	return p
}

// A loosening is what the definition of a limit says about making it looser:
// set gives it another value, and after is the next one that is looser than
// before, false beyond the last.
type loosening struct {
	Conflict
	set   func(p *Problem, value any)
	after func(value any) (any, bool)
	// quantity is what the limit bounds; its least value is the nearest.
	quantity func(o *oracle, a option) float64
}

func loosenings(p Problem) []loosening {
	var list []loosening
	add := func(set bool, name, region string, value any, x loosening) {
		if set {
			x.Conflict = Conflict{Limit: name, Region: region, Value: value}
			list = append(list, x)
		}
	}
	down := func(last float64, at func(*Problem) *int) loosening {
		return loosening{
			set: func(p *Problem, v any) { *at(p) = int(v.(float64)) },
			after: func(v any) (any, bool) {
				next := v.(float64) - 1
				return next, next >= last
			},
		}
	}
	least := func(quantity func(*oracle, option) float64, drop func(*Problem)) loosening {
		return loosening{set: func(p *Problem, _ any) { drop(p) }, quantity: quantity}
	}
	l := p.Limits
	add(l.MinRegions > 1, "min_regions", "", float64(l.MinRegions), down(1, func(p *Problem) *int { return &p.Limits.MinRegions }))
	add(l.MaxRegions > 0, "max_regions", "", float64(l.MaxRegions), least(
		func(_ *oracle, a option) float64 { return float64(len(a.open)) }, func(p *Problem) { p.Limits.MaxRegions = 0 },
	))
	add(l.MinMachines > 1, "min_machines", "", float64(l.MinMachines), down(1, func(p *Problem) *int { return &p.Limits.MinMachines }))
	add(l.MaxMachines > 0, "max_machines", "", float64(l.MaxMachines), least(func(_ *oracle, a option) float64 {
		total := 0
		for _, n := range a.count {
			total += n
		}
		return float64(total)
	}, func(p *Problem) { p.Limits.MaxMachines = 0 }))
	add(l.MinMachinesPerRegion > 1, "min_machines_per_region", "", float64(l.MinMachinesPerRegion),
		down(1, func(p *Problem) *int { return &p.Limits.MinMachinesPerRegion }))
	add(l.MaxChanges > 0, "max_changes", "", float64(l.MaxChanges), least(
		func(_ *oracle, a option) float64 { return float64(a.changes) }, func(p *Problem) { p.Limits.MaxChanges = 0 },
	))
	add(l.MaxMonthlyCost > 0, "max_monthly_cost", "", l.MaxMonthlyCost, least(func(o *oracle, a option) float64 {
		_, _, usd := o.price(a.open, a.count)
		return usd
	}, func(p *Problem) { p.Limits.MaxMonthlyCost = 0 }))
	add(l.MaxP95LatencyMS > 0, "max_p95_latency_ms", "", l.MaxP95LatencyMS, least(
		func(o *oracle, a option) float64 { return o.percentile(0.95, a.open) }, func(p *Problem) { p.Limits.MaxP95LatencyMS = 0 },
	))
	add(l.TargetUtilization > 0 && l.TargetUtilization < 1, "target_utilization", "", l.TargetUtilization, loosening{
		set: func(p *Problem, v any) { p.Limits.TargetUtilization = v.(float64) },
		after: func(v any) (any, bool) {
			next := math.Round(v.(float64)*1000+1) / 1000
			return next, next <= 1
		},
	})
	add(l.Survive == Machine || l.Survive == Region, "survive", "", l.Survive, loosening{
		set: func(p *Problem, v any) { p.Limits.Survive = v.(Survive) },
		after: func(v any) (any, bool) {
			weaker, ok := map[Survive]Survive{Region: Machine, Machine: None}[v.(Survive)]
			return weaker, ok
		},
	})
	add(l.ShrinkMargin > 0, "shrink_margin", "", l.ShrinkMargin, loosening{
		set:   func(p *Problem, v any) { p.Limits.ShrinkMargin = v.(float64) },
		after: func(v any) (any, bool) { return 0.0, v.(float64) > 0 },
	})
	order := byRegion(p.Candidates)
	for _, i := range order {
		c := p.Candidates[i]
		add(c.Required, "required", c.Region, true, loosening{
			set:   func(p *Problem, v any) { p.Candidates[i].Required = v.(bool) },
			after: func(v any) (any, bool) { return false, v.(bool) },
		})
		add(c.MinMachines > 0, "min_machines", c.Region, float64(c.MinMachines), down(0, func(p *Problem) *int { return &p.Candidates[i].MinMachines }))
		add(c.MaxMachines > 0, "max_machines", c.Region, float64(c.MaxMachines), loosening{
			set: func(p *Problem, v any) { p.Candidates[i].MaxMachines = int(v.(float64)) },
			after: func(v any) (any, bool) {
				const most = 60 // no load of these problems asks for more
				return v.(float64) + 1, v.(float64) < most
			},
		})
	}
	return list
}

// with is p with one limit at another value.
func (x loosening) with(p Problem, value any) Problem {
	p.Candidates = slices.Clone(p.Candidates)
	x.set(&p, value)
	return p
}

// dropped is p without the limit.
func (x loosening) dropped(p Problem) Problem {
	if x.quantity != nil {
		return x.with(p, nil)
	}
	last := x.Value
	for v, ok := x.after(last); ok; v, ok = x.after(v) {
		last = v
	}
	return x.with(p, last)
}

// feasible says by brute force whether any placement keeps to every limit.
func feasible(p Problem) bool {
	o := newOracle(p)
	for set := 1; set < 1<<len(o.codes); set++ {
		var open []string
		for i, s := range o.codes {
			if set>>i&1 == 1 {
				open = append(open, s)
			}
		}
		if !o.mayOpen(open) {
			continue // the sizes of most sets need not be known
		}
		if _, _, need := o.required(open); need != nil && len(o.surplus(nil, open, need, 0)) > 0 {
			return true
		}
	}
	return false
}

// mayOpen says whether a set keeps to the limits that no count decides.
func (o *oracle) mayOpen(open []string) bool {
	l := o.p.Limits
	for _, c := range o.p.Candidates {
		if (c.Required || c.MinMachines > 0) && !slices.Contains(open, c.Region) {
			return false
		}
	}
	return len(open) >= l.MinRegions && (l.MaxRegions == 0 || len(open) <= l.MaxRegions) &&
		(l.MaxP95LatencyMS == 0 || o.percentile(0.95, open) <= l.MaxP95LatencyMS*(1+1e-9))
}

// smallestContradiction is the first of the smallest sets of limits of p that
// no placement keeps to, by trying all of them.
func smallestContradiction(p Problem, all []loosening) []int {
	for size := range len(all) + 1 {
		var found []int
		var choose func(set []int, from int)
		choose = func(set []int, from int) {
			if found != nil {
				return
			}
			if len(set) == size {
				q := p
				for i, x := range all {
					if !slices.Contains(set, i) {
						q = x.dropped(q)
					}
				}
				if !feasible(q) {
					found = append([]int{}, set...)
				}
				return
			}
			for i := from; i < len(all); i++ {
				choose(append(slices.Clone(set), i), i+1)
			}
		}
		if choose(nil, 0); found != nil {
			return found
		}
	}
	return nil
}

// checkNearest says what is wrong with the nearest value of a conflict.
func checkNearest(p Problem, x loosening, got any) string {
	if x.quantity != nil {
		least := math.Inf(1)
		o := newOracle(x.dropped(p))
		for _, a := range o.options() {
			least = min(least, x.quantity(o, a))
		}
		if v, ok := got.(float64); ok != !math.IsInf(least, 1) || ok && !equal(v, least) {
			return fmt.Sprintf("%v, want %v", got, least)
		}
		return ""
	}
	const patience = 4 // then only the last value before it is tried: there are too many
	v, ok := x.after(x.Value)
	for steps := 0; ok && v != got; v, ok = x.after(v) {
		if next, more := x.after(v); steps >= patience && more && next != got {
			continue
		}
		steps++
		if feasible(x.with(p, v)) {
			return fmt.Sprintf("%v, but %v would do", got, v)
		}
	}
	if ok != (got != nil) || ok && !feasible(x.with(p, got)) {
		return fmt.Sprintf("%v would not do", got)
	}
	return ""
}

func TestConflictIsTheSmallestContradiction(t *testing.T) {
	named, helps, sizes := map[string]int{}, map[string]int{}, map[int]int{}
	for seed := range uint64(700) {
		p := strictProblem(rand.New(rand.NewPCG(seed, 2)))
		sol := solve(t, p)
		if sol.Status != Infeasible {
			if sol.Conflict != nil {
				t.Fatalf("seed %d: %s with conflicts %v", seed, sol.Status, sol.Conflict)
			}
			continue
		}
		all := loosenings(p)
		want := smallestContradiction(p, all)
		sizes[len(want)]++
		if len(want) != len(sol.Conflict) {
			t.Fatalf("seed %d: conflicts %+v, want %d\n%s", seed, sol.Conflict, len(want), dump(p))
		}
		for i, c := range sol.Conflict {
			x := all[want[i]]
			if x.Limit != c.Limit || x.Region != c.Region || x.Value != c.Value {
				t.Fatalf("seed %d: %+v, want %+v\n%s", seed, c, x.Conflict, dump(p))
			}
			if wrong := checkNearest(p, x, c.Nearest); wrong != "" {
				t.Fatalf("seed %d: nearest %s %s: %s\n%s", seed, c.Limit, c.Region, wrong, dump(p))
			}
			name := c.Limit
			if c.Region != "" {
				name += " of a region"
			}
			named[name]++
			if c.Nearest != nil {
				helps[name]++
			}
		}
	}
	t.Logf("sizes %v, named %v, of which one value alone helps %v", sizes, named, helps)
	for _, limit := range []string{
		"min_regions", "max_regions", "min_machines", "max_machines", "min_machines_per_region", "max_changes", "max_monthly_cost",
		"max_p95_latency_ms", "target_utilization", "survive", "required of a region", "min_machines of a region", "max_machines of a region",
	} {
		if named[limit] == 0 || helps[limit] == 0 {
			t.Errorf("%s is named %d times, and helps %d times", limit, named[limit], helps[limit])
		}
	}
	if sizes[1] == 0 || sizes[2] == 0 || sizes[3] == 0 || sizes[4] == 0 {
		t.Errorf("the contradictions are one-sided: %v", sizes)
	}
}

// A margin that holds live Machines can stand against a limit on Machines.
func TestConflictNamesTheShrinkMargin(t *testing.T) {
	p := Problem{
		Version: 1, SoftLimit: 20, Current: map[string]int{"ams": 3},
		Candidates: []Candidate{{Region: "ams", MachineCost: 10}}, Edges: []Edge{{Region: "ams", Demand: []float64{40}}},
		LatencyMS: [][]float64{{1}}, Limits: Limits{MaxMachines: 2, ShrinkMargin: 0.1}, // 44 in flight need three
	}
	want := []Conflict{
		{Limit: "max_machines", Value: 2.0, Nearest: 3.0},
		{Limit: "shrink_margin", Value: 0.1, Nearest: 0.0},
	}
	if got := solve(t, p).Conflict; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestWithTooManyLimitsEachOfTheConflictIsNeeded(t *testing.T) {
	checked := 0
	for seed := range uint64(200) {
		p := strictProblem(rand.New(rand.NewPCG(seed, 3)))
		if solve(t, p).Status != Infeasible {
			continue
		}
		r := newRefuter(p, Options{})
		set := r.irreducible()
		all := loosenings(p)
		without := func(kept []int) Problem {
			q := p
			for i, x := range all {
				if !slices.Contains(kept, i) {
					q = x.dropped(q)
				}
			}
			return q
		}
		if feasible(without(set)) {
			t.Fatalf("seed %d: %v do not contradict each other\n%s", seed, set, dump(p))
		}
		for i := range set {
			if rest := slices.Delete(slices.Clone(set), i, i+1); !feasible(without(rest)) {
				t.Fatalf("seed %d: %v contradict each other without all of %v\n%s", seed, rest, set, dump(p))
			}
			checked++
		}
	}
	if checked < 100 {
		t.Errorf("only %d limits checked", checked)
	}

	// 30 of 40 required regions where 29 may open: no smaller set than 31
	// limits, and far too many sets to try.
	p := scattered(1, 40, 5, 29)
	for i := range 40 {
		p.Candidates[i].Required = true
	}
	sol := solve(t, p)
	if len(sol.Conflict) != 31 || sol.Conflict[0].Limit != "max_regions" || sol.Conflict[0].Nearest != 40.0 {
		t.Errorf("%d limits, %+v first; want 31, max_regions first with 40", len(sol.Conflict), sol.Conflict[0])
	}
	for _, c := range sol.Conflict[1:] {
		if c.Nearest != nil {
			t.Errorf("%+v: ten more are required all the same", c)
		}
	}
}

func TestNearestAnswersForOneLimit(t *testing.T) {
	p := Problem{
		Candidates: []Candidate{{Region: "ams", MachineCost: 10}, {Region: "fra", MachineCost: 10, MinMachines: 2}},
		Edges:      []Edge{{Region: "ams", Requests: 1}}, LatencyMS: [][]float64{{1, 7}},
		Limits: Limits{MinMachines: 4, MaxMonthlyCost: 15, MaxChanges: 9, MaxP95LatencyMS: 8},
	}
	for name, want := range map[string]float64{"max_monthly_cost": 40, "min_machines": 0, "max_changes": 0, "max_p95_latency_ms": 0, "max_machines": 0, "survive": 0} {
		got, ok, err := Nearest(p, name, Options{})
		if err != nil || got != want || ok != (want > 0) {
			t.Errorf("%s: %v, %t, %v; want %v", name, got, ok, err, want)
		}
	}
	p.Edges = nil
	if _, _, err := Nearest(p, "max_monthly_cost", Options{}); err == nil {
		t.Error("an invalid problem is taken")
	}
}
