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
	var set []budget
	add := func(name string, limit float64) {
		if at, ok := m.quantity(name); ok && limit < unlimited {
			set = append(set, budget{name, limit, at})
		}
	}
	add("max_regions", float64(m.limits.MaxRegions))
	add("max_machines", float64(m.limits.MaxMachines))
	add("max_changes", float64(m.limits.MaxChanges))
	add("max_monthly_cost", m.limits.MaxMonthlyCost)
	return set
}

// quantity is what a limit bounds, where that has the form of the objective.
func (m *model) quantity(limit string) (aim, bool) {
	free := make([]float64, len(m.regions))
	switch limit {
	case "max_regions":
		return aim{price: free, fixed: 1}, true
	case "max_machines":
		return aim{price: slices.Repeat([]float64{1}, len(m.regions))}, true
	case "max_changes":
		return aim{price: free, machineChange: 1}, true
	case "max_monthly_cost":
		return aim{price: m.rent, running: m.extra, transfer: 1}, true
	}
	return aim{}, false
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
	tightest.plant()
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

// conflicts names the smallest set of limits that no placement keeps to
// together, and the nearest value of each that alone would do. Of the work, a
// half goes into trying sets by size, a quarter into the set that stands in
// when that takes too long, and a quarter into the values.
func (r *refuter) conflicts() []Conflict {
	quarter := r.left / 4
	r.left = 2 * quarter
	set, ok := r.smallest()
	if !ok {
		r.left = quarter
		set = r.irreducible()
	}
	list := make([]Conflict, len(set))
	for i, at := range set {
		r.left = quarter / len(set)
		list[i] = r.limits[at].Conflict
		list[i].Nearest = r.nearest(r.limits[at])
	}
	return list
}

// Nearest returns the nearest value of one limit of the infeasible p, all
// others kept, with which there is a placement. The limit is named as in
// Limits' JSON form and has a number as its value. It returns false where no
// value of it helps, within the work that opt bounds, and where p doesn't set
// it. It does not matter whether the limit is in the smallest set that
// contradicts itself. The error is that of Validate.
func Nearest(p Problem, name string, opt Options) (float64, bool, error) {
	if err := p.Validate(); err != nil {
		return 0, false, err
	}
	r := newRefuter(p, opt)
	for _, l := range r.limits {
		if l.Limit == name && l.Region == "" {
			v, ok := r.nearest(l).(float64)
			return v, ok, nil
		}
	}
	return 0, false, nil
}
