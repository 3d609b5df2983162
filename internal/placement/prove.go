package placement

import (
	"math"
	"math/bits"
)

// few is so many free regions that the search always ends.
const few = 22

// prove enumerates what may beat the best placement. When a quarter of the work
// isn't enough for that, the rest goes into a certificate: the search for sets
// that are better by some share is much smaller, and when it ends, no set is
// better by that share. It is found by halving between a share that was proven
// and one that took too long.
func (s *search) prove() {
	const passes = 4
	limit := s.maxNodes
	free := bits.OnesCount64(s.may &^ s.needed)
	if !s.found || s.anyOne || s.noTies || free <= few {
		s.enumerate()
		return
	}
	s.explore()
	s.maxNodes = s.nodes + (limit-s.nodes)/4
	s.enumerate()
	proven, failed := s.unsolved, 0.0
	for pass := range passes {
		share := (s.lowest - proven) / math.Abs(s.lowest)
		if !(share > failed) || s.lowest == 0 {
			break
		}
		s.slack, s.unsolved = (share+failed)/2, math.Inf(1)
		s.maxNodes = s.nodes + (limit-s.nodes)/(passes-pass)
		s.enumerate()
		if math.IsInf(s.unsolved, 1) {
			proven = max(proven, s.cutoff())
		} else {
			failed = s.slack
			proven = max(proven, s.unsolved)
		}
	}
	s.slack, s.maxNodes, s.unsolved = 0, limit, proven
}

// explore looks for better sets with more and with fewer regions than the best,
// one number after the other: between them and the best there may be none that
// is as good.
func (s *search) explore() {
	const worse = 3 // so many numbers in vain
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
