package placement

import (
	"math"
	"math/bits"
)

// few is so many free regions that the search always ends, and fewest so many
// that it ends soon without groups.
const few, fewest = 22, 18

// many says whether the proof may take too long.
func (s *search) many() bool { return bits.OnesCount64(s.may&^s.needed) > few }

// gatherFor puts regions into groups, with about so many choices to look at.
func (s *search) gatherFor(work int) {
	if free := len(s.tree.free); free > fewest {
		s.nodes += s.tree.gather(s.needed, inGroup(free, min(work, (s.maxNodes-s.nodes)/8)))
	}
}

// certify proves as much as the work allows. The search for sets that are better
// than the best by some share of what the bound lacks is much smaller than that
// for all, and when it ends, there are none. So the share falls step by step, as
// far as the work that is left will do: the sets to look at grow by a constant
// factor for each dollar, or by less.
func (s *search) certify() {
	const first, step, use = 0.3, 0.25, 0.75
	limit := s.maxNodes
	s.gatherFor((limit - s.nodes) / 8)
	s.redecide((limit - s.nodes) / 8)
	root := s.relax.lower
	proven, looked := root, 1.0
	next, most := root+first*(s.lowest-root), (limit-s.nodes)/8
	for most > 0 {
		begun := s.nodes
		if s.searched(next, begun+most) {
			s.maxNodes = limit
			return
		}
		if math.IsInf(s.unsolved, 1) {
			sets := s.nodes - begun
			if sets < limit/40 {
				sets = s.race(next, sets)
			}
			now := max(2*looked, float64(sets))
			each := (next - proven) / math.Log(now/looked)
			proven, looked, most = next, now, limit-s.nodes
			next += min(each*math.Log(use*float64(most)/looked), step*(s.lowest-root))
		} else { // too far
			proven = max(proven, s.unsolved)
			next, most = proven+(next-proven)/2, (limit-s.nodes)/4
		}
		if !(next > proven) {
			break
		}
	}
	s.unsolved, s.maxNodes = proven, limit
}

// race searches below a ceiling again, with the regions decided in the other
// order, and goes on with the order that looks at fewer sets: on some problems
// one order looks at ten times as many as the other, and small searches tell.
// It returns how many the better one looks at.
func (s *search) race(ceiling float64, sets int) int {
	t := s.tree
	if t.other == nil {
		return sets
	}
	begun := s.nodes
	t.free, t.other = t.other, t.free
	s.searched(ceiling, begun+sets)
	if !math.IsInf(s.unsolved, 1) {
		t.free, t.other = t.other, t.free
		s.unsolved = math.Inf(1)
		return sets
	}
	return s.nodes - begun
}

// redecide looks for better sets that differ from the best in two groups only,
// then in three, as long as that finds some, with so much work.
func (s *search) redecide(work int) {
	limit, last := s.maxNodes, s.nodes+work
	for size := 2; size <= min(3, len(s.tree.groups)); size++ {
		for pick := first(size); pick != nil && s.nodes < last; {
			free := uint64(0)
			for _, i := range pick {
				for _, c := range s.tree.groups[i].regions {
					free |= 1 << c
				}
			}
			before := s.lowest
			s.maxNodes = min(last, s.nodes+work/8)
			s.branch(s.root(s.best.set&^free, free), nil, 0)
			if pick = next(pick, len(s.tree.groups)); s.lowest < before {
				size, pick = 2, first(2)
			}
		}
	}
	s.unsolved, s.maxNodes = math.Inf(1), limit
}

// searched looks at all sets below a ceiling, and says whether there is nothing
// beyond it to look at.
func (s *search) searched(ceiling float64, maxNodes int) bool {
	all := ceiling >= s.lowest-4*tol*math.Abs(s.lowest)
	if !all {
		s.interest = ceiling
	}
	s.unsolved, s.maxNodes = math.Inf(1), maxNodes
	s.enumerate()
	s.interest = math.Inf(1)
	return math.IsInf(s.unsolved, 1) && (all || ceiling >= s.cutoff())
}

// explore looks for better sets with more and with fewer regions than the best,
// one number after the other: between them and the best there may be none that
// is as good. It leaves half of the work for the proof.
func (s *search) explore() {
	const worse = 3 // so many numbers in vain
	limit := s.maxNodes
	s.maxNodes -= (limit - s.nodes) / 2
	defer func() { s.maxNodes = limit }()
	for _, step := range []int{1, -1} {
		at := s.best.set
		for vain := 0; vain < worse; vain++ {
			m := *s.model
			m.limits.MinRegions = bits.OnesCount64(at) + step
			m.limits.MaxRegions = m.limits.MinRegions
			near := newSearch(&m, s.maxNodes)
			near.start, near.nodes = at, s.nodes
			if near.least > near.most || m.limits.MinRegions < s.least || m.limits.MaxRegions > s.most {
				break
			}
			near.warmUp()
			if s.nodes = near.nodes; !near.found {
				break
			}
			at = near.best.set
			before := s.lowest
			if s.try(at); s.lowest < before {
				vain = -1
			}
		}
	}
	s.improve()
}
