package placement

import (
	"cmp"
	"math"
	"math/bits"
)

// A search holds the best placement found and walks the sets of regions that
// may beat it.
type search struct {
	*tally
	relax    *relaxation
	needed   uint64 // required regions
	may      uint64 // regions that can open at all
	least    int    // regions that must open, at least
	most     int    // and at most
	nodes    int
	maxNodes int

	// Of a search for a variant of a problem whose answer is known:
	start uint64      // a set that is near to the best ones; 0 if there is none
	prior *relaxation // multipliers to begin with

	noTies bool // one of the best is enough
	anyOne bool // any placement is enough

	found  bool
	lowest float64 // the lowest objective seen
	best   choice

	// Of the enumeration:
	tree     *tree
	interest float64 // sets above it are of none
	unsolved float64 // lowest bound of what the work limit left out
}

// A choice is one set of regions with its Machines.
type choice struct {
	set       uint64
	objective float64
	changes   int
	count     []int // [slot]
}

func newSearch(m *model, maxNodes int) *search {
	s := &search{
		tally: newTally(m), maxNodes: maxNodes, lowest: math.Inf(1), interest: math.Inf(1), unsolved: math.Inf(1),
		best: choice{count: make([]int, 0, len(m.regions))},
	}
	for i := range m.regions {
		if m.must[i] {
			s.needed |= 1 << i
		}
		if m.floor[i] <= m.ceiling[i] {
			s.may |= 1 << i
		}
	}
	s.least = max(m.limits.MinRegions, bits.OnesCount64(s.needed))
	if m.limits.Survive == Region {
		s.least = max(s.least, 2)
	}
	s.most = min(m.limits.MaxRegions, bits.OnesCount64(s.may))
	return s
}

// run finds the best placement, or shows that there is none.
func (s *search) run() {
	if s.needed&^s.may != 0 || s.least > s.most {
		return
	}
	s.warmUp()
	if !s.found && !s.findAny() || s.found && s.anyOne {
		return
	}
	hard := s.found && s.many() && !s.noTies
	if hard {
		s.explore()
	}
	if s.relax == nil {
		s.prepareBound()
	}
	if s.plant(); hard {
		s.certify()
		return
	}
	s.gatherFor(256) // more takes longer than it saves
	s.enumerate()
}

// cutoff is the bound above which a set is of no interest: above every tie
// with the best, with a margin for rounding in the bound; or, where ties do not
// matter, above what is a little better; and above what is of interest anyway.
func (s *search) cutoff() float64 {
	if s.noTies {
		return min(s.interest, s.lowest-tol*math.Abs(s.lowest))
	}
	return min(s.interest, s.lowest+4*tol*math.Abs(s.lowest))
}

// visit looks at one set: it counts and prices it in stages and stops as soon
// as it cannot be among the best or breaks a limit.
func (s *search) visit(set uint64) {
	s.nodes++
	s.route(set)
	n := len(s.regions)
	linear := s.closedCost()
	for e, i := range s.first {
		linear += s.linear[e*n+s.open[i]]
	}
	s.transferCost = s.carryCost()
	if !math.IsInf(s.limits.MaxP95LatencyMS, 1) && !s.reaches(0.95, s.limits.MaxP95LatencyMS) {
		return
	}
	if s.hopeless(linear) {
		return
	}
	region := s.limits.Survive == Region && !math.IsInf(s.hard, 1)
	if region {
		s.pairUp()
	}
	for b := range s.blocks() {
		s.addLoad(b)
		if region {
			s.addSurge(b, false)
		}
		if s.hopeless(linear) {
			return
		}
	}
	if !s.require() || !s.settle() {
		return
	}
	s.cost()
	s.offer(set)
}

// hopeless says whether the routed set cannot be among the best, or must break
// a limit, with the load added up so far. Counts only grow with more hours.
func (s *search) hopeless(linear float64) bool {
	total, changes, usd := 0, s.strayMachines+s.liveMachines, s.transferCost
	cheapest := math.Inf(1)
	for i, c := range s.open {
		_, count := s.own(c, s.peak[i], len(s.open) == 1)
		if s.surge[i] > 0 {
			count = max(count, s.withstand(c, s.surge[i]))
		}
		if count > s.ceiling[c] {
			return true
		}
		total += count
		changes += max(count-s.live[c], 0) - s.live[c]
		usd += float64(count) * s.rent[c]
		linear += s.spend(c, count)
		cheapest = min(cheapest, s.spend(c, count+1)-s.spend(c, count))
	}
	if missing := s.limits.MinMachines - total; missing > 0 {
		total += missing
		linear += float64(missing) * cheapest
	}
	return linear > s.cutoff() || total > s.limits.MaxMachines || changes > s.limits.MaxChanges ||
		!within(usd, s.limits.MaxMonthlyCost)
}

// offer takes the priced set if it is better than the best: a lower objective
// or, among equal ones, fewer Machines created and destroyed, then fewer
// regions, then the set whose sorted codes come first.
func (s *search) offer(set uint64) {
	if s.found && s.objective > s.lowest+tol*math.Abs(s.lowest) {
		return
	}
	s.lowest = min(s.lowest, s.objective)
	stale := s.best.objective > s.lowest+tol*math.Abs(s.lowest)
	if s.found && !stale && !s.preferred(set) {
		return
	}
	s.found = true
	s.best.set, s.best.objective, s.best.changes = set, s.objective, s.changes
	s.best.count = append(s.best.count[:0], s.count[:len(s.open)]...)
}

// preferred breaks the tie between the priced set and the best.
func (s *search) preferred(set uint64) bool {
	lowestBit := func(x uint64) uint64 { return x & -x }
	differ := lowestBit(set ^ s.best.set)
	order := cmp.Or(
		cmp.Compare(s.changes, s.best.changes),
		cmp.Compare(bits.OnesCount64(set), bits.OnesCount64(s.best.set)),
	)
	return order < 0 || order == 0 && differ&set != 0
}

// warmUp finds good placements quickly: the neighbours of start or, without
// any, the live regions, each region alone with the required ones, and all
// together; then the best one's neighbours.
func (s *search) warmUp() {
	if s.start != 0 {
		s.try(s.start)
		s.tryNeighbours(s.start)
	}
	if !s.found {
		var live uint64
		for i, count := range s.live {
			if count > 0 {
				live |= 1 << i
			}
		}
		s.try(live&s.may | s.needed)
		s.try(s.may)
		for i := range s.regions {
			s.try(s.needed | 1<<i)
		}
	}
	s.improve()
}

// try visits set if it is allowed and work is left.
func (s *search) try(set uint64) {
	k := bits.OnesCount64(set)
	if set != 0 && set&^s.may == 0 && set&s.needed == s.needed && k >= s.least && k <= s.most && s.nodes < s.maxNodes {
		s.visit(set)
	}
}

// improve moves from the best set to the best of its neighbours until none is
// better.
func (s *search) improve() {
	for s.found && !s.anyOne {
		at := s.best.set
		if s.tryNeighbours(at); s.best.set == at {
			return
		}
	}
}

// tryNeighbours tries the sets with one region more than at, one less, or one
// for another.
func (s *search) tryNeighbours(at uint64) {
	for in := s.may &^ at; in != 0; in &= in - 1 {
		s.try(at | in&-in)
	}
	for out := at &^ s.needed; out != 0; out &= out - 1 {
		s.try(at &^ (out & -out))
		for in := s.may &^ at; in != 0; in &= in - 1 {
			s.try(at&^(out&-out) | in&-in)
		}
	}
}

// prepareBound chooses the multipliers: those of prior, or at first the busiest
// hour of each region in the best set with the region added, and what each edge
// costs at its closest region.
func (s *search) prepareBound() {
	rounds, more := 150, 40
	if s.many() {
		rounds, more = 500, 150
	}
	r := newRelaxation(s.model, s.least, s.most)
	upper := s.lowest
	if math.IsInf(upper, 1) {
		upper = s.guess()
	}
	s.relax = r
	s.layTangents(r)
	if s.prior != nil && len(s.prior.fine) == len(r.fine) {
		r.startAt(s.prior)
		r.ascend(upper, more)
		return
	}
	for c := range s.regions {
		if s.may>>c&1 == 0 || s.blocks() == 0 || math.IsInf(s.quota, 1) {
			continue
		}
		s.route(s.best.set | s.needed | 1<<c)
		load := make([]block, s.blocks())
		for b := range load {
			s.addLoad(b)
			load[b] = s.load[b*len(s.regions)+int(s.slot[c])]
		}
		r.stand(c, load, 1)
	}
	n := len(s.regions)
	for e := range s.edges {
		r.edgePrice[e] = s.linear[e*n+int(s.near[e*n])]
	}
	r.ascend(upper, rounds)
}

// guess is a target for the bound when no placement is known yet: the price of
// opening everything, limits aside.
func (s *search) guess() float64 {
	s.weigh(members(s.may))
	s.require()
	copy(s.count, s.fill[:len(s.open)])
	s.cost()
	return s.objective
}

// plant makes the tree.
func (s *search) plant() {
	s.tree = newTree(s.relax, newPeakCache(s.model), members(s.may&^s.needed))
}

// enumerate decides region by region and visits the sets that may be best.
func (s *search) enumerate() {
	s.branch(s.root(s.needed, s.may&^s.needed), nil, 0)
}

// root is a node to begin at.
func (s *search) root(open, undecided uint64) *node {
	x := s.tree.at(0)
	x.open, x.undecided = open, undecided
	return x
}

// branch looks at the sets that open the regions of x.open and any of
// x.undecided.
func (s *search) branch(x, from *node, depth int) {
	if s.anyOne && s.found {
		return
	}
	lower := s.tree.below(x, from, s.cutoff())
	if lower > s.cutoff() || math.IsInf(lower, 1) {
		s.nodes++
		return
	}
	if s.nodes >= s.maxNodes {
		s.unsolved = min(s.unsolved, lower)
		return
	}
	if x.undecided == 0 {
		s.visit(x.open)
		return
	}
	s.nodes++
	next := uint64(1) << s.tree.next(x)
	child := s.tree.at(depth + 1)
	child.open, child.undecided = x.open|next, x.undecided&^next
	s.branch(child, x, depth+1)
	child.open, child.undecided = x.open, x.undecided&^next
	s.branch(child, x, depth+1)
}
