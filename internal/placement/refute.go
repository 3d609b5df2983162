package placement

import (
	"math"
	"slices"
)

// A refuter shows which limits of a problem no placement keeps to.
type refuter struct {
	p      Problem
	limits []limit
	m      *model // nil for more candidates than sets in a machine word have
	left   int    // sets of regions that may still be looked at
	// known are sets of regions that were an answer, the last one first. Most
	// questions are answered by one of them.
	known []uint64
}

// newRefuter takes a valid p.
func newRefuter(p Problem, opt Options) *refuter {
	r := &refuter{p: p, left: opt.each(1)}
	var ms []float64
	if len(p.Candidates) <= maxCandidates {
		r.m = compile(p)
		ms = r.m.ms
	}
	r.limits = limitsOf(p, ms)
	return r
}

// loosened is the problem with one limit at another level.
func (r *refuter) loosened(l limit, level int) Problem {
	q := r.p
	q.Candidates = slices.Clone(q.Candidates)
	l.set(&q, level)
	return q
}

// only is the problem with these of its limits, in their order, and no others.
func (r *refuter) only(set []int) Problem {
	q := r.p
	q.Candidates = slices.Clone(q.Candidates)
	for i, l := range r.limits {
		if len(set) > 0 && set[0] == i {
			set = set[1:]
			continue
		}
		l.set(&q, l.to)
	}
	return q
}

// check says whether q, which differs from the problem by looser limits, is
// Feasible or Infeasible; Unknown when the work runs out.
func (r *refuter) check(q Problem) Status {
	if r.left <= 0 {
		return Unknown
	}
	if r.m == nil {
		r.left -= len(q.Candidates) // it looks at each, not at sets
		if q.possible() {
			return Feasible
		}
		return Infeasible
	}
	s := newSearch(r.m.limited(q), r.left)
	s.anyOne = true
	defer func() { r.left -= max(1, s.nodes) }()
	for i, set := range r.known {
		if s.try(set); s.found {
			copy(r.known[1:i+1], r.known[:i])
			r.known[0] = set
			return Feasible
		}
	}
	s.run()
	switch {
	case s.found:
		r.known = slices.Insert(r.known, 0, s.best.set)
		return Feasible
	case math.IsInf(s.unsolved, 1):
		return Infeasible
	}
	return Unknown
}

// maxSubsets is how many sets of limits are tried.
const maxSubsets = 20_000

// smallest finds a smallest set of limits that contradicts itself, and of
// several the one whose limits come first. It returns false when there are too
// many sets to try or the work ran out.
func (r *refuter) smallest() ([]int, bool) {
	tried := 0
	for size := range len(r.limits) + 1 {
		for set := first(size); set != nil; set = next(set, len(r.limits)) {
			if tried++; tried > maxSubsets {
				return nil, false
			}
			switch r.check(r.only(set)) {
			case Infeasible:
				return set, true
			case Unknown:
				return nil, false
			case Feasible, Optimal:
			}
		}
	}
	return nil, false
}

// first is the first set of so many limits, and next the one that follows among
// n limits; nil after the last.
func first(size int) []int {
	set := make([]int, size)
	for i := range set {
		set[i] = i
	}
	return set
}

func next(set []int, n int) []int {
	i := len(set) - 1
	for i >= 0 && set[i] == n-len(set)+i {
		i--
	}
	if i < 0 {
		return nil
	}
	set[i]++
	for j := i + 1; j < len(set); j++ {
		set[j] = set[j-1] + 1
	}
	return set
}

// irreducible takes limits away from all of them, the last first, as long as
// the others still contradict each other: many at once as long as that works,
// then one by one. Each one that is left is needed, or it could not be shown
// that it isn't.
func (r *refuter) irreducible() []int {
	set := first(len(r.limits))
	for many := len(set) / 2; many > 1; many /= 2 {
		for end := len(set); end > 0; end -= many {
			if rest := slices.Delete(slices.Clone(set), max(0, end-many), end); r.check(r.only(rest)) == Infeasible {
				set = rest
			}
		}
	}
	for again := true; again; { // limits that were needed may be so no more
		again = false
		for i := range slices.Backward(set) { // what is left before i stays as it is
			if rest := slices.Delete(slices.Clone(set), i, i+1); r.check(r.only(rest)) == Infeasible {
				set, again = rest, true
			}
		}
	}
	return set
}

// nearest is the nearest value of l with which there is a placement, all other
// limits kept; nil if none is known.
func (r *refuter) nearest(l limit) any {
	if r.m != nil && l.Region == "" {
		if at, ok := r.m.quantity(l.Limit); ok {
			return r.least(l, at)
		}
	}
	step := 1
	if l.to < l.from {
		step = -1
	}
	feasible := func(level int) bool { return r.check(r.loosened(l, level)) == Feasible }
	bad := l.from // no placement at this level, nor at those passed
	if !l.ordered {
		const patience = 100
		for range patience {
			if bad == l.to {
				return nil
			}
			if bad += step; feasible(bad) {
				return l.show(bad)
			}
		}
	}
	if bad == l.to || !feasible(l.to) {
		return nil
	}
	good := l.to
	for abs(good-bad) > 1 {
		if mid := bad + (good-bad)/2; feasible(mid) {
			good = mid
		} else {
			bad = mid
		}
	}
	return l.show(good)
}

// least is the least of the quantity that l bounds, without l.
func (r *refuter) least(l limit, at aim) any {
	s := newSearch(r.m.limited(r.loosened(l, l.to)).aimed(at), r.left)
	s.noTies = true
	s.run()
	if !s.found || !math.IsInf(s.unsolved, 1) {
		return nil
	}
	return s.best.objective
}
