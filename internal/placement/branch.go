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
	constant  float64
	load, usd []float64 // [s] of settled edges
	edges     []int     // scratch
	values    []float64 // scratch
}

func newTree(r *relaxation, free []int) *tree {
	n, e := len(r.regions), len(r.edges)
	t := &tree{
		relaxation: r, free: free, rankOf: make([]uint8, n*e), wish: make([][]int, n),
		load: make([]float64, n), usd: make([]float64, n), constant: r.closedCost(),
		edges: make([]int, 0, e), values: make([]float64, 0, n),
	}
	for _, v := range r.edgePrice {
		t.constant += v
	}
	for i, s := range r.near {
		t.rankOf[i/n*n+int(s)] = uint8(i % n)
	}
	for s := range t.wish {
		t.wish[s] = slices.Clone(r.wanted(s))
	}
	// Attractive regions first: deciding them settles most.
	slices.SortFunc(t.free, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.rho[a], r.rho[b]), cmp.Compare(a, b))
	})
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

// below is a bound on every set that has exactly the regions of open, given by
// their number and set, and any of free[position:].
func (t *tree) below(set uint64, open, position int) float64 {
	n := len(t.regions)
	closest, undecided := t.closest[open], t.undecided[position]
	clear(t.load)
	clear(t.usd)
	for e, rank := range closest {
		if rank < undecided[e] {
			s := int(t.near[e*n+int(rank)])
			t.load[s] += t.size[s*len(closest)+e]
			t.usd[s] += t.gain(s, e)
		}
	}
	lower := t.constant
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
		v, _, _ := t.fill(s, t.load[s], t.usd[s], t.edges)
		lower += v
	}
	t.values = t.values[:0]
	for _, s := range t.free[position:] {
		t.edges = t.edges[:0]
		for _, e := range t.wish[s] {
			if t.rankOf[e*n+s] < closest[e] {
				t.edges = append(t.edges, e)
			}
		}
		if v, _, _ := t.fill(s, 0, 0, t.edges); v < 0 {
			t.values = append(t.values, v)
		}
	}
	if len(t.values) > t.most-open {
		slices.Sort(t.values)
		t.values = t.values[:t.most-open]
	}
	for _, v := range t.values {
		lower += v
	}
	if math.IsNaN(lower) {
		return math.Inf(-1)
	}
	return lower
}
