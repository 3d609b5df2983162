package placement

import "math"

// An exchange improves sets of regions by the best of all moves of one region
// in, out, or one for another, priced by what the closest and second closest
// open regions cost each edge (Teitz and Bart 1968; Whitaker 1983; Resende and
// Werneck 2004).
type exchange struct {
	*location
	root   []fate // what every set keeps to
	open   []int  // the set
	slot   []int  // [s] position in open; -1 is closed
	serves []int  // [e] slot of the closest open region
	first  []float64
	second []float64 // [e] what the next closest costs; the farthest if there is none
	gain   []float64 // [s] saved by one more region, before opening it
	loss   []float64 // [slot] lost by one less, before what its opening costs
	extra  []float64 // [s*len(open)+slot] what gain and loss of a swap count twice
}

func newExchange(l *location) *exchange {
	x := &exchange{
		location: l, root: make([]fate, l.n), slot: make([]int, l.n), serves: make([]int, l.m),
		first: make([]float64, l.m), second: make([]float64, l.m), gain: make([]float64, l.n),
	}
	copy(x.root, l.fixed)
	return x
}

// enter sets what the edges pay in set.
func (x *exchange) enter(set []int) {
	x.open = append(x.open[:0], set...)
	for s := range x.slot {
		x.slot[s] = -1
	}
	for i, s := range x.open {
		x.slot[s] = i
	}
	x.refresh()
}

func (x *exchange) refresh() {
	for e := range x.m {
		row, near := x.cost[e*x.n:][:x.n], x.near[e*x.n:][:x.n]
		r := 0
		for x.slot[near[r]] < 0 {
			r++
		}
		x.serves[e], x.first[e] = x.slot[near[r]], row[r]
		for r++; r < x.n && x.slot[near[r]] < 0; r++ {
		}
		x.second[e] = row[min(r, x.n-1)]
		x.work += r
	}
}

// greedy opens what must open and the best single region, then adds the region
// that saves most while that pays or the least number is not reached.
func (x *exchange) greedy() {
	var set []int
	for s, f := range x.root {
		if f == opened {
			set = append(set, s)
		}
	}
	if set == nil {
		best, lowest := -1, math.Inf(1)
		for s, f := range x.root {
			if f == closed {
				continue
			}
			usd := x.opening[s]
			for e := range x.m {
				usd += x.linear[e*x.n+s]
			}
			if usd < lowest {
				best, lowest = s, usd
			}
		}
		set = append(set, best)
	}
	x.enter(set)
	for len(x.open) < x.most {
		x.weighGains()
		best, most := -1, math.Inf(-1)
		for s, f := range x.root {
			if f != closed && x.slot[s] < 0 && x.gain[s]-x.opening[s] > most {
				best, most = s, x.gain[s]-x.opening[s]
			}
		}
		if best < 0 || most <= 0 && len(x.open) >= x.least {
			break
		}
		x.slot[best] = len(x.open)
		x.open = append(x.open, best)
		x.refresh()
	}
}

// weighGains computes gain.
func (x *exchange) weighGains() {
	clear(x.gain)
	for e, first := range x.first {
		row, near := x.cost[e*x.n:][:x.n], x.near[e*x.n:][:x.n]
		for r, usd := range row {
			if usd >= first {
				break
			}
			x.gain[near[r]] += first - usd
		}
	}
}

// from improves a set that keeps to the number of regions.
func (x *exchange) from(set []int) {
	x.enter(set)
	x.improve()
}

// improve moves to better neighbours until there is none, and offers the last.
func (x *exchange) improve() {
	enough := 1e-12 * math.Abs(x.lowest)
	if math.IsInf(enough, 1) {
		enough = 0
	}
	for range 1000 { // far more than any set takes
		x.weighMoves()
		in, out, most := x.bestMove()
		if !(most > enough) {
			break
		}
		if out >= 0 {
			last := len(x.open) - 1
			left, moved := x.open[out], x.open[last]
			x.open[out], x.slot[moved] = moved, out
			x.slot[left] = -1
			x.open = x.open[:last]
		}
		if in >= 0 {
			x.slot[in] = len(x.open)
			x.open = append(x.open, in)
		}
		x.refresh()
	}
	x.consider(x.open)
}

// weighMoves computes gain, loss and extra.
func (x *exchange) weighMoves() {
	k := len(x.open)
	x.loss = append(x.loss[:0], make([]float64, k)...)
	if cap(x.extra) < x.n*k {
		x.extra = make([]float64, x.n*k)
	}
	x.extra = x.extra[:x.n*k]
	clear(x.extra)
	clear(x.gain)
	for e, first := range x.first {
		second, at := x.second[e], x.serves[e]
		x.loss[at] += second - first
		row, near := x.cost[e*x.n:][:x.n], x.near[e*x.n:][:x.n]
		for r, usd := range row {
			if usd >= second {
				break
			}
			s := int(near[r])
			if usd < first {
				x.gain[s] += first - usd
			}
			x.extra[s*k+at] += second - max(usd, first)
		}
	}
	x.work += x.n * k
}

// bestMove is the move that saves most: a region in, the slot of a region out,
// or both; -1 is none.
func (x *exchange) bestMove() (in, out int, most float64) {
	k := len(x.open)
	in, out = -1, -1
	try := func(s, slot int, saves float64) {
		if saves > most {
			in, out, most = s, slot, saves
		}
	}
	for i, s := range x.open {
		x.loss[i] -= x.opening[s]
		if x.root[s] == opened {
			x.loss[i] = math.Inf(1)
		} else if k > x.least && k > 1 {
			try(-1, i, -x.loss[i])
		}
	}
	for s, f := range x.root {
		if f == closed || x.slot[s] >= 0 {
			continue
		}
		gain := x.gain[s] - x.opening[s]
		if k < x.most {
			try(s, -1, gain)
		}
		for i, loss := range x.loss {
			if saves := gain - loss + x.extra[s*k+i]; saves > most {
				in, out, most = s, i, saves
			}
		}
	}
	return in, out, most
}
