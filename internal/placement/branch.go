package placement

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// A tree is the branch and bound over sets of regions at fixed multipliers. A
// node has decided some regions: open, or closed; the rest is undecided. What
// is decided tells where edges can go, because an edge never passes an open
// region for one farther away, and that is what tightens the bound on the way
// down: an edge whose closest region that isn't closed is open is settled.
type tree struct {
	*relaxation
	free   []int   // regions to decide, in this order
	wish   [][]int // [s] edges that gain, by gain per request in flight
	base   float64 // the bound's constant
	nodes  []*node // by depth
	peaks  *peakCache
	words  int        // of a set of edges
	moves  []edgeSet  // [from*n+to] settled edges that move to another open region
	moved  []int      // which of these hold any
	intime []edgeSet  // [s] edges that s serves in time, where there is a limit
	prompt edgeSet    // scratch: edges that some region may still serve in time
	joined edgeSet    // scratch
	edges  []int      // scratch: edges that may come
	stays  []int      // scratch: held edges
	others []int      // scratch: edges that may come, whether they gain or not
	tried  []estimate // what undecided regions add, the least first
	spare  *node      // scratch

	groups  []group // regions that are bounded together; none where they are few
	grouped uint64  // the regions in them
	other   []int   // free in another order

	single            float64 // the last bound with each region by itself
	taken             int     // how many of tried the bound opens
	dropped, replaced float64 // what take says
}

// An edgeSet holds edges by position.
type edgeSet []uint64

func (a edgeSet) has(e int) bool { return a[e>>6]>>(e&63)&1 == 1 }
func (a edgeSet) add(e int)      { a[e>>6] |= 1 << (e & 63) }

func (a edgeSet) empty() bool {
	for _, word := range a {
		if word != 0 {
			return false
		}
	}
	return true
}

// A node is what the bound knows of one node. Its slices are used again.
type node struct {
	open, undecided uint64
	reach           []edgeSet // [s] edges that no open region is closer to than s
	held            []edgeSet // [s] of these, edges that go to s if it opens, whatever else does
	need            []int     // [s] Machines for the held edges
	adds            []float64 // [s] the least that s adds to the bound when open
}

// An estimate is what an undecided region adds to the bound when it opens.
type estimate struct {
	usd float64
	s   int
}

func newTree(r *relaxation, peaks *peakCache, free []int) *tree {
	n, e := len(r.regions), len(r.edges)
	t := &tree{
		relaxation: r, free: free, wish: make([][]int, n), base: r.constant(), peaks: peaks, words: (e + 63) / 64,
		edges: make([]int, 0, e), tried: make([]estimate, 0, n),
	}
	t.moves = t.edgeSets(n * n)
	t.spare = t.newNode()
	t.prompt, t.joined = make(edgeSet, t.words), make(edgeSet, t.words)
	for s := range t.wish {
		t.wish[s] = slices.Clone(r.wanted(s))
	}
	if limit := r.limits.MaxP95LatencyMS; !math.IsInf(limit, 1) {
		t.intime = t.edgeSets(n)
		for i, ms := range r.ms {
			if within(ms, limit) {
				t.intime[i%n].add(i / n)
			}
		}
	}
	// Regions that edges wish for most come first: deciding them settles most,
	// and looks at half as many sets as the order of rho.
	pull := make([]float64, n)
	for s, edges := range t.wish {
		for _, e := range edges {
			pull[s] += r.gain(s, e)
		}
	}
	slices.SortFunc(t.free, func(a, b int) int {
		return cmp.Or(cmp.Compare(pull[a], pull[b]), cmp.Compare(a, b))
	})
	return t
}

// edgeSets makes so many empty sets of edges.
func (t *tree) edgeSets(count int) []edgeSet {
	words := make(edgeSet, count*t.words)
	sets := make([]edgeSet, count)
	for i := range sets {
		sets[i] = words[i*t.words:][:t.words:t.words]
	}
	return sets
}

// at is the node of a depth; its slices are those of the last one there.
func (t *tree) at(depth int) *node {
	for len(t.nodes) <= depth {
		t.nodes = append(t.nodes, t.newNode())
	}
	return t.nodes[depth]
}

func (t *tree) newNode() *node {
	n := len(t.regions)
	return &node{reach: t.edgeSets(n), held: t.edgeSets(n), need: make([]int, n), adds: make([]float64, n)}
}

// look finds which edges each region that isn't closed can serve, which of
// them it holds, and where held edges of open regions move when theirs is lost.
func (t *tree) look(x *node) {
	n := len(t.regions)
	left := x.open | x.undecided
	for b := left; b != 0; b &= b - 1 {
		s := bits.TrailingZeros64(b)
		clear(x.reach[s])
		clear(x.held[s])
	}
	for _, pair := range t.moved {
		clear(t.moves[pair])
	}
	t.moved = t.moved[:0]
	spare := t.limits.Survive == Machine || t.limits.Survive == Region
	for e := range t.model.edges {
		row := t.near[e*n:][:n]
		i := 0
		for left>>row[i]&1 == 0 {
			i++
		}
		s := int(row[i])
		x.reach[s].add(e)
		x.held[s].add(e)
		for i++; i < n && x.open>>s&1 == 0; i++ {
			if to := int(row[i]); left>>to&1 == 1 {
				x.reach[to].add(e)
				if x.open>>to&1 == 1 {
					break
				}
			}
		}
		if !spare || x.open>>s&1 == 0 {
			continue
		}
		for i < n && left>>row[i]&1 == 0 {
			i++
		}
		if i == n || x.open>>row[i]&1 == 0 {
			continue
		}
		pair := s*n + int(row[i])
		if t.moves[pair].empty() {
			t.moved = append(t.moved, pair)
		}
		t.moves[pair].add(e)
	}
}

// late says whether too many requests go where they come too late, whatever
// opens: an edge is in time only if a region that it may yet go to is.
func (t *tree) late(x *node) bool {
	if t.intime == nil {
		return false
	}
	clear(t.prompt)
	for b := x.open | x.undecided; b != 0; b &= b - 1 {
		s := bits.TrailingZeros64(b)
		for w := range t.prompt {
			t.prompt[w] |= x.reach[s][w] & t.intime[s][w]
		}
	}
	late := 0.0
	for e, weight := range t.weight {
		if !t.prompt.has(e) {
			late += weight
		}
	}
	return late > 0.05+tol
}

// count finds the Machines that held edges need: by their busiest hour, and in
// open regions by what moves there when another is lost. Where one Machine
// survives the loss of a Machine only with its neighbours' help, that is known
// once all of its edges are.
func (t *tree) count(x *node) {
	n := len(t.regions)
	alone := x.undecided == 0 && bits.OnesCount64(x.open) == 1
	for b := x.open | x.undecided; b != 0; b &= b - 1 {
		s := bits.TrailingZeros64(b)
		_, x.need[s] = t.own(s, t.peak(x.held[s])*(1-2*tol), alone)
	}
	if math.IsInf(t.hard, 1) {
		return
	}
	for _, pair := range t.moved {
		from, to := pair/n, pair%n
		if t.limits.Survive == Machine {
			if !slices.Equal(x.held[from], x.reach[from]) {
				continue
			}
			if base, _ := t.own(from, t.peak(x.held[from])*(1+2*tol), false); base > 1 {
				continue
			}
		}
		for w := range t.joined {
			t.joined[w] = x.held[to][w] | t.moves[pair][w]
		}
		asks := machines(t.peak(t.joined)*(1-2*tol), t.hard)
		if t.limits.Survive == Region {
			asks = t.withstand(to, t.peak(t.joined)*(1-2*tol))
		}
		x.need[to] = max(x.need[to], asks)
	}
}

// peak is the busiest hour of the edges together.
func (t *tree) peak(edges edgeSet) float64 {
	if math.IsInf(t.hard, 1) {
		return 0 // no load asks for Machines
	}
	return t.peaks.of(t.model, edges)
}

// overdrawn says whether what is held alone needs more than a limit allows. A
// closed region destroys its live Machines, an open one creates those that it
// lacks, and an undecided one does what is less.
func (t *tree) overdrawn(x *node) bool {
	total, usd, changes := 0, 0.0, t.strayMachines
	for s, live := range t.live {
		lacks := max(0, x.need[s]-live)
		switch {
		case x.open>>s&1 == 1:
			total += x.need[s]
			usd += t.rent[s] * float64(x.need[s])
			changes += lacks
		case x.undecided>>s&1 == 1:
			changes += min(live, lacks)
		default:
			changes += live
		}
	}
	return total > t.limits.MaxMachines || changes > t.limits.MaxChanges || !within(usd, t.limits.MaxMonthlyCost)
}

// price finds what region s adds to the bound when open.
func (t *tree) price(x *node, s int) {
	size := t.size[s*len(t.model.edges):]
	must := duty{count: x.need[s]}
	reach, held := x.reach[s], x.held[s]
	t.stays = t.stays[:0]
	for w, word := range held {
		for ; word != 0; word &= word - 1 {
			e := w<<6 + bits.TrailingZeros64(word)
			must.load += size[e]
			must.usd += t.gain(s, e)
			t.stays = append(t.stays, e)
		}
	}
	if t.tangents != nil {
		must.running = t.tangents.settled(s, t.stays)
	}
	t.edges = t.edges[:0]
	for _, e := range t.wish[s] {
		if reach.has(e) && !held.has(e) {
			t.edges = append(t.edges, e)
		}
	}
	x.adds[s] = t.serve(s, must, t.edges).usd
	if t.tangents == nil {
		return
	}
	t.others = t.others[:0]
	for w, word := range reach {
		for word &^= held[w]; word != 0; word &= word - 1 {
			t.others = append(t.others, w<<6+bits.TrailingZeros64(word))
		}
	}
	x.adds[s] += t.missing(s, x.need[s], t.stays, t.others)
}

// below is a bound on every set that opens the regions of x.open and any of
// x.undecided. Where it doesn't exceed cutoff, it decides the regions whose
// opening, or closing, would make it, and begins again. What is found in x is
// compared with from, the node above, to compute only what has changed.
func (t *tree) below(x, from *node, cutoff float64) float64 {
	for {
		if bits.OnesCount64(x.open) >= t.most {
			x.undecided = 0
		}
		if !t.allowed(x) {
			return math.Inf(1)
		}
		lower := t.bounded(x, from, cutoff)
		if !(lower <= cutoff) {
			return lower
		}
		open, undecided := t.fix(x, cutoff)
		if open == x.open && undecided == x.undecided {
			return lower
		}
		from = t.spare
		*from, *x = *x, *from
		x.open, x.undecided = open, undecided
	}
}

// allowed says whether so many regions may open.
func (t *tree) allowed(x *node) bool {
	opened := bits.OnesCount64(x.open)
	return opened <= t.most && opened+bits.OnesCount64(x.undecided) >= max(1, t.least)
}

// looked finds what x decides about edges and Machines, and says whether that
// breaks no limit by itself.
func (t *tree) looked(x *node) bool {
	if t.look(x); t.late(x) {
		return false
	}
	t.count(x)
	return !t.overdrawn(x)
}

// bounded is the bound of x, or less where that exceeds cutoff already.
func (t *tree) bounded(x, from *node, cutoff float64) float64 {
	if !t.looked(x) {
		return math.Inf(1)
	}
	lower, hope := t.base, 0.0
	for b := x.open; b != 0; b &= b - 1 {
		s := bits.TrailingZeros64(b)
		t.update(x, from, s)
		lower += x.adds[s]
	}
	if from != nil { // which adds less than x does
		for b := x.undecided; b != 0; b &= b - 1 {
			hope += min(0, from.adds[bits.TrailingZeros64(b)])
		}
		if lower+hope > cutoff {
			return lower + hope
		}
		if v := t.together(x, from.adds); v > cutoff {
			return v
		}
	}
	t.tried = t.tried[:0]
	for b := x.undecided; b != 0; b &= b - 1 {
		s := bits.TrailingZeros64(b)
		t.update(x, from, s)
		t.tried = append(t.tried, estimate{x.adds[s], s})
	}
	t.single = lower + t.take(bits.OnesCount64(x.open))
	return max(t.single, t.together(x, x.adds))
}

// update prices s in x, or takes the price from the node above if nothing that
// it depends on has changed.
func (t *tree) update(x, from *node, s int) {
	if from != nil && x.need[s] == from.need[s] && slices.Equal(x.reach[s], from.reach[s]) && slices.Equal(x.held[s], from.held[s]) {
		x.adds[s] = from.adds[s]
		return
	}
	t.price(x, s)
}

// take opens the regions of t.tried that add least, beside so many open ones,
// and returns what they add: those that gain, but as many as must and not more
// than may open. It also finds what opening one that it doesn't take would
// save at most, and what closing one that it takes would add at least.
func (t *tree) take(opened int) float64 {
	sorted := t.tried
	for i := 1; i < len(sorted); i++ {
		v := sorted[i]
		j := i
		for ; j > 0 && sorted[j-1].usd > v.usd; j-- {
			sorted[j] = sorted[j-1]
		}
		sorted[j] = v
	}
	must, may := max(0, t.least-opened), t.most-opened
	sum, k := 0.0, 0
	for k < len(sorted) && k < may && (k < must || sorted[k].usd < 0) {
		sum += sorted[k].usd
		k++
	}
	t.taken, t.dropped, t.replaced = k, 0, 0
	if k > 0 && (k == may || k == must) {
		if t.dropped = sorted[k-1].usd; k < may {
			t.dropped = max(0, t.dropped)
		}
	}
	switch {
	case k < len(sorted) && k <= must:
		t.replaced = sorted[k].usd
	case k < len(sorted):
		t.replaced = min(0, sorted[k].usd)
	case k <= must:
		t.replaced = math.Inf(1)
	}
	return sum
}

// fix closes the undecided regions that lift the bound of x, which has just been
// found, above cutoff when they open, and opens those that do so when they are
// closed.
func (t *tree) fix(x *node, cutoff float64) (open, undecided uint64) {
	open, undecided = x.open, x.undecided
	for i, v := range t.tried {
		switch {
		case i >= t.taken && t.single+v.usd-t.dropped > cutoff:
			undecided &^= 1 << v.s
		case i < t.taken && t.single-v.usd+t.replaced > cutoff:
			undecided &^= 1 << v.s
			open |= 1 << v.s
		}
	}
	return open, undecided
}

// next is the region to decide.
func (t *tree) next(x *node) int {
	for _, s := range t.free {
		if x.undecided>>s&1 == 1 {
			return s
		}
	}
	return -1
}
