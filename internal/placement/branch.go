package placement

import (
	"cmp"
	"math"
	"slices"
)

// A tree is the branch and bound over sets of regions at fixed multipliers. A
// node has decided some regions: open, or closed; the rest is undecided. What
// is decided tells where edges can go, because an edge never passes an open
// region for one farther away, and that is what tightens the bound on the way
// down: an edge with no undecided region closer than its closest open one is
// settled.
type tree struct {
	*relaxation
	free      []int     // regions to decide, in this order
	rankOf    []uint8   // [e*n+s] position of s in near
	wish      [][]int   // [s] edges that gain, by gain per request in flight
	undecided [][]uint8 // [position][edge] closest rank among free[position:]
	closest   [][]uint8 // [open regions][edge] closest rank among the open ones
	second    [][]uint8 // [open regions][edge] next closest
	base      float64   // the bound's constant
	saving    []float64 // [position] what free[position:] can save at most
	settled   []duty    // [s] of settled edges
	late      float64   // share of the requests that are settled beyond max_p95_latency_ms
	moved     []float64 // [to*n+from] settled load that moves when from is lost
	edges     []int     // scratch
	values    []float64 // scratch: what undecided regions gain
	losses    []float64 // scratch: what the others lose
	held      []int     // scratch: edges that are settled at a region
	others    []int     // scratch: edges that may stay with it
}

func newTree(r *relaxation, free []int) *tree {
	n, e := len(r.regions), len(r.edges)
	t := &tree{
		relaxation: r, free: free, rankOf: make([]uint8, n*e), wish: make([][]int, n),
		settled: make([]duty, n), moved: make([]float64, n*n), base: r.constant(),
		edges: make([]int, 0, e), values: make([]float64, 0, n), losses: make([]float64, 0, n),
	}
	for i, s := range r.near {
		t.rankOf[i/n*n+int(s)] = uint8(i % n)
	}
	for s := range t.wish {
		t.wish[s] = slices.Clone(r.wanted(s))
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
	t.saving = make([]float64, len(t.free)+1)
	for i, s := range slices.Backward(t.free) {
		t.saving[i] = t.saving[i+1] + min(0, t.rho[s])
	}
	row := func() []uint8 {
		return slices.Repeat([]uint8{uint8(n)}, e)
	}
	t.undecided = append(t.undecided, row())
	for _, s := range slices.Backward(t.free) {
		t.undecided = append(t.undecided, t.closer(row(), t.undecided[len(t.undecided)-1], s))
	}
	slices.Reverse(t.undecided)
	for range n + 1 {
		t.closest = append(t.closest, row())
		t.second = append(t.second, row())
	}
	return t
}

// closer writes to row the ranks of from with region s added.
func (t *tree) closer(row, from []uint8, s int) []uint8 {
	n := len(t.regions)
	for e, rank := range from {
		row[e] = min(rank, t.rankOf[e*n+s])
	}
	return row
}

// add opens region s beside so many open ones.
func (t *tree) add(s, open int) {
	n := len(t.regions)
	for e, first := range t.closest[open] {
		rank := t.rankOf[e*n+s]
		t.closest[open+1][e] = min(rank, first)
		t.second[open+1][e] = min(t.second[open][e], max(rank, first))
	}
}

// settle adds up what the settled edges of the node ask of each open region.
func (t *tree) settle(open, position int) {
	n := len(t.regions)
	undecided, second := t.undecided[position], t.second[open]
	region := t.limits.Survive == Region
	clear(t.settled)
	t.late = 0
	if region {
		clear(t.moved)
	}
	if t.tangents != nil {
		t.tangents.clear()
	}
	for e, rank := range t.closest[open] {
		if rank >= undecided[e] {
			continue
		}
		s := int(t.near[e*n+int(rank)])
		t.settled[s].load += t.size[s*len(undecided)+e]
		t.settled[s].usd += t.gain(s, e)
		if t.tangents != nil {
			t.tangents.settle(s, e)
		}
		if !within(t.ms[e*n+s], t.limits.MaxP95LatencyMS) {
			t.late += t.weight[e]
		}
		if region && second[e] < undecided[e] {
			to := int(t.near[e*n+int(second[e])])
			t.moved[to*n+s] += t.size[to*len(undecided)+e]
		}
	}
	if t.tangents != nil {
		for s := range t.settled {
			t.settled[s].running = t.tangents.running(s)
		}
	}
	if !region {
		return
	}
	for to := range t.settled {
		d := &t.settled[to]
		d.count = t.withstand(to, (d.load+slices.Max(t.moved[to*n:][:n]))*(1-2*tol))
	}
}

// overdrawn says whether what is settled alone needs more than a limit allows.
func (t *tree) overdrawn(set uint64) bool {
	total, usd := 0, 0.0
	for s := range t.regions {
		if set>>s&1 == 0 {
			continue
		}
		d := &t.settled[s]
		_, count := t.own(s, d.load*(1-2*tol), false)
		d.count = max(d.count, count)
		total += d.count
		usd += t.rent[s] * float64(d.count)
	}
	return total > t.limits.MaxMachines || !within(usd, t.limits.MaxMonthlyCost)
}

// shortfall is what the bound of a node lacks of the cost of what runs in its
// open regions.
func (t *tree) shortfall(set uint64, open, position int) float64 {
	n, usd := len(t.regions), 0.0
	closest, undecided := t.closest[open], t.undecided[position]
	for s := range t.regions {
		if set>>s&1 == 0 {
			continue
		}
		t.held, t.others = t.held[:0], t.others[:0]
		for e, rank := range closest {
			switch {
			case rank != t.rankOf[e*n+s]:
			case rank < undecided[e]:
				t.held = append(t.held, e)
			default:
				t.others = append(t.others, e)
			}
		}
		usd += t.missing(s, t.settled[s].count, t.held, t.others)
	}
	return usd
}

// below is a bound on every set that has exactly the regions of open, given by
// their number and set, and any of free[position:].
func (t *tree) below(set uint64, open, position int, cutoff float64) float64 {
	n := len(t.regions)
	closest, undecided := t.closest[open], t.undecided[position]
	if t.settle(open, position); t.late > 0.05+tol {
		return math.Inf(1) // too many requests are settled beyond the limit
	}
	if t.overdrawn(set) {
		return math.Inf(1)
	}
	lower := t.base + t.saving[position]
	for s := range t.regions {
		if set>>s&1 == 0 {
			continue
		}
		t.edges = t.edges[:0]
		for _, e := range t.wish[s] {
			if closest[e] == t.rankOf[e*n+s] && undecided[e] < closest[e] {
				t.edges = append(t.edges, e)
			}
		}
		lower += t.serve(s, t.settled[s], t.edges).usd
	}
	if !(lower <= cutoff) {
		return lower
	}
	t.values, t.losses = t.values[:0], t.losses[:0]
	for i, s := range t.free[position:] {
		t.edges = t.edges[:0]
		for _, e := range t.wish[s] {
			if t.rankOf[e*n+s] < closest[e] {
				t.edges = append(t.edges, e)
			}
		}
		v := t.serve(s, duty{}, t.edges).usd
		if v < 0 {
			t.values = append(t.values, v)
		} else {
			t.losses = append(t.losses, v)
		}
		lower += min(v, 0) - (t.saving[position+i] - t.saving[position+i+1])
		if lower > cutoff {
			return lower
		}
	}
	if len(t.values) > t.most-open {
		slices.Sort(t.values)
		for _, v := range t.values[t.most-open:] {
			lower -= v
		}
	}
	if missing := t.least - open - len(t.values); missing > 0 && missing <= len(t.losses) {
		slices.Sort(t.losses) // so many more must open, though none of them gains
		for _, v := range t.losses[:missing] {
			lower += v
		}
	}
	if t.tangents != nil && lower <= cutoff {
		lower += t.shortfall(set, open, position)
	}
	return lower
}
