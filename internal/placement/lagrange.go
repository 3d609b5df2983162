package placement

import (
	"cmp"
	"math"
	"slices"
)

// firstPrices are the multipliers that the search starts from: with a limit on
// the number of regions the mean of what the two closest regions of the best
// set cost, else those of dual ascent.
func (l *location) firstPrices() []float64 {
	if l.most < l.n || l.least > 1 {
		prices := make([]float64, l.m)
		l.swaps.enter(l.set)
		for e := range prices {
			prices[e] = (l.swaps.first[e] + l.swaps.second[e]) / 2
		}
		return prices
	}
	return l.dualAscent()
}

// dualAscent raises the price of one edge after another to the next region's
// cost, as far as no region becomes profitable (Erlenkotter 1978).
func (l *location) dualAscent() []float64 {
	prices := make([]float64, l.m)
	rank := make([]int, l.m) // regions whose cost the price has reached
	slack := make([]float64, l.n)
	for s := range slack {
		switch l.fixed[s] {
		case undecided:
			slack[s] = max(0, l.opening[s])
		case closed:
			slack[s] = math.Inf(1)
		case opened: // takes whatever it can get: nobody pays more than its cost
		}
	}
	for e := range prices {
		prices[e] = l.cost[e*l.n]
	}
	for moved := true; moved; {
		moved = false
		for e := range prices {
			row, near := l.cost[e*l.n:][:l.n], l.near[e*l.n:][:l.n]
			for rank[e] < l.n && row[rank[e]] <= prices[e] {
				rank[e]++
			}
			if rank[e] == l.n {
				continue // the farthest region is as close as any
			}
			step := row[rank[e]] - prices[e]
			for _, s := range near[:rank[e]] {
				step = min(step, slack[s])
			}
			if step <= 0 {
				continue
			}
			for _, s := range near[:rank[e]] {
				slack[s] -= step
			}
			prices[e] += step
			moved = true
		}
	}
	return prices
}

// A pace says how long subgradient steps go on, and how long they are, as a
// share of what the bound lacks.
type pace struct {
	rounds      int
	step, least float64 // the first step, and where shorter ones are given up
	decay       float64 // of the step, after 20 that gained nothing
}

// Measured on random graphs, costs without geography and published instances:
// a node that starts from its parent's prices wants shorter steps than the
// root, and patience at the root saves more nodes than it costs.
var (
	rootPace = pace{rounds: 1500, step: 1.6, least: 0.002, decay: 0.65}
	nodePace = pace{rounds: 50, step: 0.6, least: 0.01, decay: 0.6}
)

// ascend raises the node's bound by subgradient steps and decides regions by
// their reduced costs. The result is +Inf when no set of the node is of
// interest any more; else the prices are left at the best bound's.
func (l *location) ascend(p pace) float64 {
	best, step, stalls := math.Inf(-1), p.step, 0
	bestPrice := slices.Clone(l.price)
	direction := make([]float64, l.m)
	for round := range p.rounds {
		lower := l.bound()
		if l.hopeless(lower) {
			return math.Inf(1)
		}
		// With -Inf there is no relative gain to compute: it would be NaN.
		if round == 0 || lower > best+1e-6*math.Abs(best) {
			stalls = 0
		} else {
			stalls++
		}
		if lower > best {
			best = lower
			copy(bestPrice, l.price)
		}
		if stalls == 0 || round%4 == 0 {
			if l.decide(lower); l.settled() {
				return math.Inf(1)
			}
			l.walk = l.walk.without(l.fixed)
		}
		for s := range l.usual {
			l.usual[s] *= 0.95
		}
		for _, s := range l.chosen {
			l.usual[s] += 0.05
		}
		if round%25 == 24 {
			l.swaps.from(l.chosen)
		}
		if stalls >= 20 {
			if step, stalls = step*p.decay, 0; step < p.least {
				break
			}
			copy(l.price, bestPrice)
			clear(direction)
			continue
		}
		if !slices.ContainsFunc(l.slope, func(v float64) bool { return v != 0 }) {
			l.consider(l.chosen) // it costs what the bound says
			if l.hopeless(lower) {
				return math.Inf(1)
			}
		}
		if l.work >= l.maxWork || !l.follow(direction, step, lower) {
			break
		}
	}
	copy(l.price, bestPrice)
	return best
}

// hopeless says whether no set with such a bound is of interest.
func (l *location) hopeless(lower float64) bool {
	if l.ties {
		return lower > l.cutoff()
	}
	return lower >= l.cutoff()
}

// follow moves the prices along direction, which it turns towards the slope; it
// says false at the top.
func (l *location) follow(direction []float64, step, lower float64) bool {
	norm := 0.0
	for e := range direction {
		direction[e] = l.slope[e] + 0.7*direction[e]
		norm += direction[e] * direction[e]
	}
	if norm < 1e-12 {
		return false
	}
	length := step * (l.lowest + 0.0005*math.Abs(l.lowest) - lower) / norm
	for e := range direction {
		l.price[e] += length * direction[e]
	}
	return true
}

// bound is the Lagrangian bound at the prices: every region opens if that pays
// at these prices, within the limits on the number of regions.
func (l *location) bound() float64 {
	lower := l.constant
	copy(l.rho, l.opening)
	for e, price := range l.price {
		lower += price
		row, near := l.walk.row(e)
		r := 0
		for ; r < len(row) && row[r] < price; r++ {
			l.rho[near[r]] += row[r] - price
		}
		l.work += r
	}
	l.choose()
	clear(l.in)
	for _, s := range l.chosen {
		l.in[s] = true
		lower += l.rho[s]
	}
	for e, price := range l.price {
		row, near := l.walk.row(e)
		served := 0
		for r, usd := range row {
			if usd >= price {
				break
			}
			if l.in[near[r]] {
				served++
			}
		}
		l.slope[e] = float64(1 - served)
	}
	return lower
}

// choose fills chosen with the regions that are open and the undecided ones
// with the lowest rho: those below 0, but at least and at most as many as the
// limits say. The undecided ones are in free, the taken ones first.
func (l *location) choose() {
	l.chosen, l.free = l.chosen[:0], l.free[:0]
	pays := 0
	for s, f := range l.fixed {
		switch f {
		case opened:
			l.chosen = append(l.chosen, s)
		case undecided:
			l.free = append(l.free, s)
			if l.rho[s] < 0 {
				pays++
			}
		case closed:
		}
	}
	l.taken = min(max(pays, l.least-len(l.chosen)), l.most-len(l.chosen), len(l.free))
	slices.SortFunc(l.free, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.rho[a], l.rho[b]), a-b)
	})
	l.chosen = append(l.chosen, l.free[:l.taken]...)
}

// decide closes the undecided regions that no interesting set opens, and opens
// those that every such set does, by the bound and what another choice would
// add to it.
func (l *location) decide(lower float64) {
	chosen := len(l.chosen)
	last, next := math.Inf(-1), math.Inf(1) // the worst taken, the best left
	if l.taken > 0 {
		last = l.rho[l.free[l.taken-1]]
	}
	if l.taken < len(l.free) {
		next = l.rho[l.free[l.taken]]
	}
	for i, s := range l.free {
		var with float64 // the bound when s has the other fate
		if i < l.taken {
			with = lower - l.rho[s]
			if chosen == l.least || next < 0 {
				with += next
			}
		} else {
			with = lower + l.rho[s]
			if chosen == l.most || last > 0 {
				with -= last
			}
		}
		if l.hopeless(with) {
			l.fixed[s] = closed
			if i < l.taken {
				l.fixed[s] = opened
			}
		}
	}
}

// settled says whether nothing is left to decide in the node, and then looks at
// its only set.
func (l *location) settled() bool {
	open, free := 0, 0
	for _, f := range l.fixed {
		switch f {
		case opened:
			open++
		case undecided:
			free++
		case closed:
		}
	}
	if open > l.most || open+free < l.least {
		return true
	}
	rest := undecided
	switch {
	case free == 0:
	case open == l.most:
		rest = closed
	case open+free == l.least:
		rest = opened
	default:
		return false
	}
	var set []int
	for s := range l.fixed {
		if l.fixed[s] == undecided {
			l.fixed[s] = rest
		}
		if l.fixed[s] == opened {
			set = append(set, s)
		}
	}
	l.consider(set)
	return true
}
