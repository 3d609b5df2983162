package placement

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// A group is a few free regions that are close to each other, with the least
// that every choice among them adds to the bound. That is found at the node
// that has decided these regions and nothing else: there no edge goes to two of
// them, nor by parts to several, as it may while they are undecided. A node
// below adds no less, because a part of the bound never falls on the way down.
type group struct {
	regions []int       // in the order in which the tree decides them
	least   [][]float64 // [decided][which of these open, as bits] the least over the others' choices
}

// inGroup is how many of count regions are bounded together, so that there are
// no more choices than work, about.
func inGroup(count, work int) int {
	most := 12
	for most > 1 && count<<most/most > work {
		most--
	}
	return most
}

// gather puts the regions to decide into groups of so many at most, and prices
// every choice in each. From then on they are decided group by group, those
// first that edges wish for most; the order without groups is kept as the other
// one. It returns how many choices it looked at.
func (t *tree) gather(needed uint64, most int) int {
	if most < 2 {
		return 0
	}
	looked := 0
	all := uint64(0)
	for _, s := range t.free {
		all |= 1 << s
	}
	x := t.newNode()
	for _, regions := range t.neighbours(most) {
		g := group{regions: regions, least: make([][]float64, len(regions)+1)}
		mask := uint64(0)
		for _, s := range regions {
			mask |= 1 << s
		}
		choices := make([]float64, 1<<len(regions))
		for choice := range choices {
			x.open, x.undecided = needed, all&^mask
			for i, s := range regions {
				x.open |= uint64(choice>>i&1) << s
			}
			choices[choice] = t.choose(x, mask)
		}
		looked += len(choices)
		g.least[len(regions)] = choices
		for d := range slices.Backward(regions) {
			g.least[d] = make([]float64, 1<<d)
			for choice := range g.least[d] {
				g.least[d][choice] = min(g.least[d+1][choice], g.least[d+1][choice|1<<d])
			}
		}
		t.groups = append(t.groups, g)
	}
	t.other, t.free = t.free, make([]int, 0, len(t.free))
	for _, g := range t.groups {
		t.free = append(t.free, g.regions...)
	}
	t.grouped = all
	return looked
}

// choose is what the open regions of mask add at x.
func (t *tree) choose(x *node, mask uint64) float64 {
	if !t.allowed(x) || !t.looked(x) {
		return math.Inf(1)
	}
	usd := 0.0
	for b := x.open & mask; b != 0; b &= b - 1 {
		s := bits.TrailingZeros64(b)
		t.price(x, s)
		usd += x.adds[s]
	}
	return usd
}

// neighbours groups the regions to decide by the mean distance between them,
// seen from the edge on the shortest way.
func (t *tree) neighbours(most int) [][]int {
	n := len(t.regions)
	way := make([]float64, n*n)
	pull := make([]float64, n) // less is more
	list := make([][]int, len(t.free))
	for i, a := range t.free {
		list[i] = []int{a}
		pull[a] = float64(i)
		for _, b := range t.free {
			way[a*n+b] = math.Inf(1)
			for e := range t.model.edges {
				way[a*n+b] = min(way[a*n+b], t.ms[e*n+a]+t.ms[e*n+b])
			}
		}
	}
	for {
		i, j := nearest(list, most, func(a, b int) float64 { return way[a*n+b] })
		if j < 0 {
			break
		}
		list[i] = append(list[i], list[j]...)
		list = slices.Delete(list, j, j+1)
	}
	place := func(regions []int) float64 {
		sum := 0.0
		for _, s := range regions {
			sum += pull[s]
		}
		return sum / float64(len(regions))
	}
	for _, regions := range list {
		slices.SortFunc(regions, func(a, b int) int { return cmp.Compare(pull[a], pull[b]) })
	}
	slices.SortFunc(list, func(a, b []int) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a[0], b[0]))
	})
	return list
}

// nearest is the two groups with the least mean distance that together have no
// more than so many regions; b is -1 where there are none.
func nearest(list [][]int, most int, way func(a, b int) float64) (a, b int) {
	a, b = -1, -1
	best := math.Inf(1)
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			if len(list[i])+len(list[j]) > most {
				continue
			}
			sum := 0.0
			for _, s := range list[i] {
				for _, r := range list[j] {
					sum += way(s, r)
				}
			}
			if sum /= float64(len(list[i]) * len(list[j])); sum < best {
				a, b, best = i, j, sum
			}
		}
	}
	return a, b
}

// together is a bound of x where there are groups: its open regions add what
// they do, the undecided ones at least adds, and each group no less than the
// least of its choices.
func (t *tree) together(x *node, adds []float64) float64 {
	if t.groups == nil {
		return math.Inf(-1)
	}
	sum := t.base
	for b := x.open &^ t.grouped; b != 0; b &= b - 1 {
		sum += x.adds[bits.TrailingZeros64(b)]
	}
	for i := range t.groups {
		g := &t.groups[i]
		decided, choice, known := 0, 0, true
		usd := 0.0
		for d, s := range g.regions {
			switch {
			case x.open>>s&1 == 1:
				usd += x.adds[s]
				if known {
					choice |= 1 << d
				}
			case x.undecided>>s&1 == 1:
				usd += min(0, adds[s])
				known = false
			}
			if known {
				decided++
			}
		}
		sum += max(usd, g.least[decided][choice])
	}
	return sum
}
