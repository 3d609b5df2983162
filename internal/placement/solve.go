package placement

import "math"

// Options bound the work of Solve. The zero value is the default.
type Options struct {
	// MaxNodes is how many sets of regions the search may look at; 0 means
	// 9 million, more than 22 candidates have. A plain problem (doc.go) may do
	// the same work in fewer nodes.
	MaxNodes int

	// NoConflict leaves the Conflict of an infeasible problem empty, which
	// saves the work of finding it.
	NoConflict bool
}

const defaultNodes = 9_000_000

// Solve returns the placement with the lowest objective that keeps to every
// limit, and proves it: doc.go states the model and the method. The error is
// that of Validate. A problem without any placement has status Infeasible, and
// Conflict then names the limits that contradict each other. Naming them takes
// up to as much work again.
func Solve(p Problem, opt Options) (Solution, error) {
	if err := p.Validate(); err != nil {
		return Solution{}, err
	}
	return solveValid(p, opt), nil
}

// solveValid is Solve for a problem that is known to be valid.
func solveValid(p Problem, opt Options) Solution {
	opt.MaxNodes = opt.each(1)
	if p.entangled() == "" {
		return solvePlain(p, opt)
	}
	s := newSearch(compile(p), opt.MaxNodes)
	s.run()
	sol := s.solution()
	if sol.Status == Infeasible && !opt.NoConflict {
		sol.Conflict = newRefuter(p, opt).conflicts()
	}
	return sol
}

// solution writes the best placement down.
func (s *search) solution() Solution {
	sol := Solution{Version: 1, Nodes: s.nodes, Status: Infeasible}
	stopped := !math.IsInf(s.unsolved, 1)
	if !s.found {
		if stopped {
			sol.Status = Unknown // and no bound but 0: no cost is negative
		}
		return sol
	}
	s.weigh(members(s.best.set))
	s.require()
	copy(s.count, s.best.count)
	s.cost()
	s.describe(&sol)
	// Beyond the ties, only what was left out may be lower.
	if stopped && s.unsolved < s.lowest {
		sol.fallShort(s.unsolved)
	}
	return sol
}

// describe writes the priced placement down as an optimum.
func (t *tally) describe(sol *Solution) {
	sol.Status = Optimal
	sol.Placement = map[string]int{}
	for i, c := range t.open {
		sol.Open = append(sol.Open, t.regions[c])
		sol.Placement[t.regions[c]] = t.count[i]
	}
	sol.Assignment = t.assignment()
	sol.Objective, sol.Bound = t.objective, t.objective
	sol.MeanLatencyMS, sol.P95LatencyMS = t.mean, t.percentile(0.95)
	sol.MonthlyCost, sol.TransferCost = t.compute+t.transferCost, t.transferCost
}

// fallShort says that only bound is proven.
func (sol *Solution) fallShort(bound float64) {
	sol.Status = Feasible
	sol.Bound = min(bound, sol.Objective)
	sol.Gap = (sol.Objective - sol.Bound) / max(math.Abs(sol.Objective), math.SmallestNonzeroFloat64)
}
