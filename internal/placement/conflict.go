package placement

import (
	"math"
	"slices"
)

// A budget is a limit on a quantity that has the form of the objective, so
// that the least of it under the other limits can be found by the same search.
type budget struct {
	name  string
	limit float64
	aim   aim
}

// budgets lists the limits of m that are set and have that form.
func (m *model) budgets() []budget {
	free := make([]float64, len(m.regions))
	ones := slices.Repeat([]float64{1}, len(m.regions))
	var set []budget
	add := func(name string, limit float64, at aim) {
		if limit < unlimited {
			set = append(set, budget{name, limit, at})
		}
	}
	add("max_regions", float64(m.limits.MaxRegions), aim{price: free, fixed: 1})
	add("max_machines", float64(m.limits.MaxMachines), aim{price: ones})
	add("max_changes", float64(m.limits.MaxChanges), aim{price: free, machineChange: 1})
	add("max_monthly_cost", m.limits.MaxMonthlyCost, aim{price: m.rent, running: m.extra, transfer: 1})
	return set
}

// findAny looks for any placement when the warm-up found none, and says
// whether one exists (or the question is left to the search, where no limit is
// a budget). It minimises the budget that is tightest by its bound: there the
// bound sees what makes sets infeasible, while that of the objective does not.
func (s *search) findAny() bool {
	var tightest *search
	ratio := math.Inf(-1)
	for _, b := range s.budgets() {
		if b.name == "max_regions" {
			continue // the search never opens more
		}
		t := newSearch(s.aimed(b.aim), s.maxNodes)
		t.nodes, t.anyOne = s.nodes, true
		t.lowest = b.limit * (1 + 4*tol)
		t.prepareBound()
		if t.relax.lower > t.cutoff() {
			return false
		}
		if r := t.relax.lower / b.limit; tightest == nil || r > ratio {
			tightest, ratio = t, r
		}
	}
	if tightest == nil {
		return true
	}
	tightest.enumerate()
	s.nodes, s.unsolved = tightest.nodes, tightest.unsolved
	if !tightest.found {
		return false
	}
	s.unsolved = math.Inf(1)
	s.visit(tightest.best.set)
	s.improve()
	return true
}

// conflicts names each limit without which, all others kept, the infeasible p
// has a placement, and the nearest value of it that would do. Limits that only
// fail together are not named.
func conflicts(p Problem, maxNodes int) []Conflict {
	var list []Conflict
	m := compile(p)
	for _, b := range m.budgets() {
		q := p
		drop(&q.Limits, b.name)
		s := newSearch(compile(q).aimed(b.aim), maxNodes)
		s.noTies = true
		s.run()
		if s.found && math.IsInf(s.unsolved, 1) {
			list = append(list, Conflict{Limit: b.name, Value: b.limit, Nearest: s.best.objective})
		}
	}
	feasible := func(l Limits) bool {
		q := p
		q.Limits = l
		s := newSearch(compile(q), maxNodes)
		s.anyOne = true
		s.run()
		return s.found
	}
	list = append(list, minima(p.Limits, feasible)...)
	if at := p.Limits.MaxP95LatencyMS; at > 0 {
		if nearest, ok := nearestP95(p.Limits, m.ms, feasible); ok {
			list = append(list, Conflict{Limit: "max_p95_latency_ms", Value: at, Nearest: nearest})
		}
	}
	if l := p.Limits; l.Survive == Machine || l.Survive == Region {
		if l.Survive = None; feasible(l) {
			list = append(list, Conflict{Limit: "survive"})
		}
	}
	return list
}

func drop(l *Limits, name string) {
	switch name {
	case "max_regions":
		l.MaxRegions = 0
	case "max_machines":
		l.MaxMachines = 0
	case "max_changes":
		l.MaxChanges = 0
	case "max_monthly_cost":
		l.MaxMonthlyCost = 0
	}
}

// minima finds, for each lower limit, the largest value from 1 on (0 means no
// more than 1 does) that is feasible. It steps down one by one: a lower min_machines_per_region can ask for more
// Machines in all, because a region with two doesn't burden its neighbours.
func minima(l Limits, feasible func(Limits) bool) []Conflict {
	const steps = 100 // who is farther off than that has no use for a figure
	var list []Conflict
	for _, lower := range []struct {
		name string
		at   func(*Limits) *int
	}{
		{"min_regions", func(l *Limits) *int { return &l.MinRegions }},
		{"min_machines", func(l *Limits) *int { return &l.MinMachines }},
		{"min_machines_per_region", func(l *Limits) *int { return &l.MinMachinesPerRegion }},
	} {
		value := *lower.at(&l)
		for v := value - 1; v >= max(1, value-steps); v-- {
			q := l
			*lower.at(&q) = v
			if feasible(q) {
				list = append(list, Conflict{Limit: lower.name, Value: float64(value), Nearest: float64(v)})
				break
			}
		}
	}
	return list
}

// nearestP95 finds the smallest latency of any pair that is feasible as the
// limit.
func nearestP95(l Limits, ms []float64, feasible func(Limits) bool) (float64, bool) {
	steps := slices.DeleteFunc(slices.Clone(ms), func(v float64) bool { return within(v, l.MaxP95LatencyMS) })
	slices.Sort(steps)
	steps = slices.Compact(steps)
	l.MaxP95LatencyMS = 0
	if len(steps) == 0 || !feasible(l) {
		return 0, false
	}
	i, _ := slices.BinarySearchFunc(steps, true, func(v float64, _ bool) int {
		if l.MaxP95LatencyMS = v; feasible(l) {
			return 0
		}
		return -1
	})
	return steps[min(i, len(steps)-1)], true
}
