package placement

import (
	"cmp"
	"math"
	"slices"
)

// A location is plain facility location with a limit on the number of regions:
// find the set S, least ≤ |S| ≤ most, that minimises
//
//	constant + Σ over S of opening[s] + Σ over edges of the least linear[e][s] in S
//
// doc.go states the method.
type location struct {
	n, m        int       // regions, edges
	near        []uint16  // [e*n+rank] regions, the cheapest for the edge first
	linear      []float64 // [e*n+s]
	cost        []float64 // [e*n+rank] linear in the order of near: ascending
	opening     []float64 // [s] may be negative
	changes     []int     // [s] Machines created and destroyed if s opens
	constant    float64
	least, most int
	unit        float64 // objectives differ by whole multiples of it; 0 is none
	ties        bool    // look at every set as good as the best
	tied        bool    // there were too many of them

	fixed []fate // [s] what the node has decided

	// The best set so far.
	found     bool
	lowest    float64 // the lowest objective seen
	objective float64 // of the best
	set       []int
	shift     int // its changes

	work, maxWork   int     // entries of cost walked
	nodes, maxNodes int     // maxNodes only while ties are looked at
	unsolved        float64 // lowest bound of what a limit left out

	walk lists // of the regions that the node has not closed, and maybe others

	// Of the bound at the node: prices, and what regions choose at them.
	price  []float64 // [e] what serving the edge may cost
	rho    []float64 // [s] what opening s adds at these prices
	chosen []int     // the set that is cheapest at these prices
	in     []bool    // [s] chosen
	free   []int     // undecided regions, the first of them chosen
	taken  int       // how many
	slope  []float64 // [e] 1 - how often the edge is served
	usual  []float64 // [s] how often s has been chosen lately
	swaps  *exchange
}

// lists hold, for each edge, some regions and what they cost it, the cheapest
// first. Most regions are closed soon, and then walked past no more.
type lists struct {
	width int
	near  []uint16  // [e*width+rank]
	cost  []float64 // [e*width+rank]
}

// row is the list of edge e.
func (w lists) row(e int) ([]float64, []uint16) {
	return w.cost[e*w.width:][:w.width], w.near[e*w.width:][:w.width]
}

// without leaves the closed regions out if they are a quarter or more.
func (w lists) without(fixed []fate) lists {
	width := 0
	for _, f := range fixed {
		if f != closed {
			width++
		}
	}
	if width*4 > w.width*3 {
		return w
	}
	edges := len(w.near) / w.width
	short := lists{width, make([]uint16, 0, edges*width), make([]float64, 0, edges*width)}
	for i, s := range w.near {
		if fixed[s] != closed {
			short.near = append(short.near, s)
			short.cost = append(short.cost, w.cost[i])
		}
	}
	return short
}

// A fate is what a node has decided about a region.
type fate int8

const (
	undecided fate = iota
	opened
	closed
)

// entriesPerNode is the work that a node of Options.MaxNodes stands for.
const entriesPerNode = 100

// tiedNodes is how many nodes the search may look at for the preferred one of
// equally good sets before one of them is enough.
const tiedNodes = 3000

func newLocation(m *model, maxNodes int) *location {
	n, e := len(m.regions), len(m.edges)
	l := &location{
		n: n, m: e, near: m.near, linear: m.linear, cost: make([]float64, n*e),
		opening: make([]float64, n), changes: make([]int, n), constant: m.closedCost(),
		fixed: make([]fate, n), lowest: math.Inf(1), objective: math.Inf(1), unsolved: math.Inf(1),
		maxWork: min(maxNodes, 1<<40) * entriesPerNode,
		price:   make([]float64, e), rho: make([]float64, n), in: make([]bool, n),
		slope: make([]float64, e), usual: make([]float64, n),
	}
	for i, s := range m.near {
		l.cost[i] = m.linear[i/n*n+int(s)]
	}
	return l
}

// run finds the best set and proves it: up to maxCandidates regions, the
// preferred one of equally good ones, if there are not too many.
func (l *location) run() {
	l.swaps = newExchange(l)
	l.swaps.greedy()
	l.swaps.improve()
	root, prices := slices.Clone(l.fixed), l.firstPrices()
	begin := func(ties bool, nodes int) {
		l.ties, l.maxNodes, l.unsolved = ties, l.nodes+nodes, math.Inf(1)
		copy(l.fixed, root)
		l.walk = lists{l.n, l.near, l.cost}
		copy(l.price, prices)
		for s := range l.usual {
			l.usual[s] = 0.5
		}
		l.explore(rootPace, math.Inf(-1))
	}
	if l.n <= maxCandidates {
		begin(true, tiedNodes)
		l.tied = !math.IsInf(l.unsolved, 1)
		if l.proven() || l.work >= l.maxWork {
			return
		}
	}
	begin(false, math.MaxInt/2)
}

// proven says whether no set is better than the best.
func (l *location) proven() bool {
	return l.unsolved >= l.lowest-tol*math.Abs(l.lowest)
}

// cutoff is the bound from which on a set is of no interest.
func (l *location) cutoff() float64 {
	switch slack := tol * math.Abs(l.lowest); {
	case l.ties:
		return l.lowest + 4*slack
	case l.unit > 10*slack:
		return l.lowest - l.unit*0.99
	default:
		return l.lowest - slack/2
	}
}

// offer takes a set, sorted, if it is better than the best, or preferred to it
// by the same rules as search.offer.
func (l *location) offer(set []int, objective float64, changes int) {
	slack := tol * math.Abs(min(l.lowest, objective))
	if l.found && objective > l.lowest+slack {
		return
	}
	l.lowest = min(l.lowest, objective)
	if l.found && l.objective <= l.lowest+slack &&
		cmp.Or(cmp.Compare(changes, l.shift), cmp.Compare(len(set), len(l.set)), slices.Compare(set, l.set)) >= 0 {
		return
	}
	l.found, l.objective, l.shift = true, objective, changes
	l.set = append(l.set[:0], set...)
}

// consider prices a set, in any order, and offers it.
func (l *location) consider(set []int) {
	set = slices.Sorted(slices.Values(set))
	usd, changes := l.constant, 0
	clear(l.in)
	for _, s := range set {
		usd += l.opening[s]
		changes += l.changes[s]
		l.in[s] = true
	}
	for e := range l.m {
		for r, s := range l.near[e*l.n:][:l.n] {
			if l.in[s] {
				usd += l.cost[e*l.n+r]
				break
			}
		}
	}
	l.offer(set, usd, changes)
}

// explore looks at every set that the node's decisions allow, by branch and
// bound, depth first. lower is a bound that the parent knows.
func (l *location) explore(p pace, lower float64) {
	l.nodes++
	lower = max(lower, l.ascend(p))
	if l.hopeless(lower) {
		return
	}
	s := l.split()
	if s < 0 {
		return // all is decided, and ascend has looked at it
	}
	if l.exhausted() {
		l.unsolved = min(l.unsolved, lower)
		return
	}
	fixed, prices, walk := slices.Clone(l.fixed), slices.Clone(l.price), l.walk
	order := [2]fate{closed, opened}
	if l.usual[s] > 0.5 {
		order = [2]fate{opened, closed}
	}
	for _, f := range order {
		copy(l.fixed, fixed)
		copy(l.price, prices)
		l.walk = walk
		l.fixed[s] = f
		if l.exhausted() {
			l.unsolved = min(l.unsolved, lower)
			continue
		}
		l.explore(nodePace, lower)
	}
}

func (l *location) exhausted() bool { return l.work >= l.maxWork || l.nodes >= l.maxNodes }

// split picks the undecided region that was chosen nearest to half the time; -1
// if there is none.
func (l *location) split() int {
	best := -1
	for s, f := range l.fixed {
		if f == undecided && (best < 0 || math.Abs(l.usual[s]-0.5) < math.Abs(l.usual[best]-0.5)) {
			best = s
		}
	}
	return best
}
