package placement

import (
	"math"
	"slices"
)

// NextRegion returns the smallest value of MaxChanges above p's with which the
// optimum has other regions than sol, the optimum of p, and a lower objective,
// and the regions that are open then. It returns false where no value does, as
// without a MaxChanges, where sol has no placement, and where the work that opt
// bounds for all it solves together is too little to prove the answer. The
// error is that of Validate.
//
// The optimum as a function of MaxChanges is a staircase that falls: an optimum
// that makes c changes is the optimum from c up to the value it was found with.
// So each step is found by halving, and only the steps that keep sol's regions
// are passed one by one.
func NextRegion(p Problem, sol Solution, opt Options) (maxChanges int, open []string, ok bool, err error) {
	if err := p.Validate(); err != nil {
		return 0, nil, false, err
	}
	if p.Limits.MaxChanges == 0 || len(sol.Placement) == 0 {
		return 0, nil, false, nil
	}
	left := opt.each(1)
	solved := func(most int) (Solution, bool) {
		q := p
		q.Limits.MaxChanges = most
		s, err := Solve(q, Options{MaxNodes: max(1, left), NoConflict: true})
		left -= s.Nodes
		return s, err == nil && s.Status == Optimal
	}
	last, proven := solved(0)
	for lowest, low := sol.Objective, p.Limits.MaxChanges; proven; {
		step := last // the lowest step that is known to be below lowest
		if !below(step.Objective, lowest) {
			return 0, nil, false, nil
		}
		high := p.changes(step.Placement)
		for high-low > 1 {
			var s Solution
			middle := low + (high-low)/2
			if s, proven = solved(middle); !proven {
				return 0, nil, false, nil
			}
			if below(s.Objective, lowest) {
				step, high = s, p.changes(s.Placement)
			} else {
				low = middle
			}
		}
		if !slices.Equal(step.Open, sol.Open) {
			return high, step.Open, true, nil
		}
		lowest, low = step.Objective, high
	}
	return 0, nil, false, nil
}

// below says whether an objective is lower than another by more than rounding.
func below(a, b float64) bool { return a < b-tol*math.Abs(b) }
