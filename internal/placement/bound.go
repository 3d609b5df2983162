package placement

import (
	"cmp"
	"math"
	"slices"
)

// A relaxation is the Lagrangian bound: with a price per edge, every region
// decides alone which edges to serve and how many Machines to run. doc.go says
// why no placement costs less, with every feature on.
type relaxation struct {
	*model
	least, most int // regions that may open

	// The multipliers: a price per edge, and for each region a weighted mean of
	// the hours, which stands for all of them. Any values give a bound.
	edgePrice []float64
	size      []float64 // [s*edges+e] requests in flight of e in the mean hour of s
	lower     float64   // the best bound so far, at
	best      []float64 // these prices
	bestSize  []float64 // and these sizes

	// What the regions choose at the current multipliers.
	rho     []float64 // [s] the least that s adds when open
	order   [][]int   // [s] edges by gain per request in flight
	whole   []int     // [s] so many of them are served whole,
	part    []float64 // [s] and this share of the next
	rank    []int     // regions by rho, required ones first
	served  []float64 // [edge] by the regions that the bound opens
	density []float64 // scratch
	typical []block   // [s*blocks+b] mean load that s chose in past rounds
}

func newRelaxation(m *model, least, most int) *relaxation {
	n, e := len(m.regions), len(m.edges)
	r := &relaxation{
		model: m, least: least, most: most, lower: math.Inf(-1),
		edgePrice: make([]float64, e), size: make([]float64, n*e), best: make([]float64, e), bestSize: make([]float64, n*e),
		rho: make([]float64, n), order: make([][]int, n), whole: make([]int, n), part: make([]float64, n),
		rank: make([]int, n), served: make([]float64, e), density: make([]float64, e), typical: make([]block, n*m.blocks()),
	}
	for s := range r.order {
		r.order[s] = make([]int, e)
		for i := range r.order[s] {
			r.order[s][i] = i
		}
		r.rank[s] = s
	}
	return r
}

// capacity is the most load that count Machines of region s may carry: the
// inverse of own, for a region that is not alone.
func (m *model) capacity(s, count int) float64 {
	if m.limits.Survive != Machine {
		return float64(count) * m.quota
	}
	load := 0.0
	if m.floor[s] == 1 {
		load = m.quota
	}
	if count > 1 {
		load = max(load, min(float64(count)*m.quota, float64(count-1)*m.hard))
	}
	return load
}

// gain is what serving edge e from s changes, beside Machines.
func (r *relaxation) gain(s, e int) float64 {
	return r.linear[e*len(r.regions)+s] - r.edgePrice[e]
}

// A duty is what a region must do: carry load, which adds usd, with at least
// count Machines.
type duty struct {
	load, usd float64
	count     int
}

// fill solves the subproblem of region s with a duty and the listed edges, of
// which it may take as much as its Machines carry, in the order of gain per
// request in flight. It returns the least of spend plus gains, how many edges
// are taken whole, and which share of the next. The result is +Inf if s cannot
// do its duty.
func (r *relaxation) fill(s int, must duty, edges []int) (least float64, whole int, part float64) {
	ceiling := min(r.ceiling[s], r.limits.MaxMachines)
	load, usd := must.load, must.usd
	_, count := r.own(s, load*(1-2*tol), false)
	count = max(count, must.count)
	least = math.Inf(1)
	if count > ceiling {
		return least, 0, 0
	}
	size := r.size[s*len(r.edges):][:len(r.edges)]
	room := r.capacity(s, count) * (1 + 4*tol)
	spend := r.spend(s, count)
	for i, e := range edges {
		gain := r.gain(s, e)
		for load+size[e] > room {
			share := max(0, room-load) / size[e]
			if v := spend + usd + share*gain; v < least {
				least, whole, part = v, i, share
			}
			more := r.spend(s, count+1)
			// Later Machines cost no less, later edges gain no more, and no
			// Machine adds more room than the hard limit.
			if count == ceiling || more-spend+gain/size[e]*max(r.quota, r.hard) > 0 {
				return least, whole, part
			}
			count++
			spend = more
			room = r.capacity(s, count) * (1 + 4*tol)
		}
		load += size[e]
		usd += gain
	}
	if v := spend + usd; v < least {
		least, whole, part = v, len(edges), 0
	}
	return least, whole, part
}

// wanted sorts the edges of s by gain per request in flight at the current
// multipliers and returns those that gain something.
func (r *relaxation) wanted(s int) []int {
	size, order := r.size[s*len(r.edges):], r.order[s]
	wanted := 0
	for e := range r.edges {
		gain := r.gain(s, e)
		switch {
		case gain >= 0:
			r.density[e] = math.Inf(1)
			continue
		case size[e] <= 0:
			r.density[e] = math.Inf(-1)
		default:
			r.density[e] = gain / size[e]
		}
		wanted++
	}
	// Insertion: the order is nearly that of the last round.
	for i := 1; i < len(order); i++ {
		e := order[i]
		j := i
		for ; j > 0 && r.density[order[j-1]] > r.density[e]; j-- {
			order[j] = order[j-1]
		}
		order[j] = e
	}
	return order[:wanted]
}

// bound lets every region choose and opens the regions that cost least.
func (r *relaxation) bound() float64 {
	for s := range r.rho {
		r.rho[s], r.whole[s], r.part[s] = r.fill(s, duty{}, r.wanted(s))
	}
	slices.SortFunc(r.rank, func(a, b int) int {
		if r.must[a] != r.must[b] {
			if r.must[a] {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(r.rho[a], r.rho[b]), cmp.Compare(a, b))
	})
	lower := r.closedCost()
	for _, v := range r.edgePrice {
		lower += v
	}
	clear(r.served)
	for i, s := range r.rank {
		if !r.must[s] && i >= r.least && (i >= r.most || r.rho[s] >= 0) {
			break
		}
		lower += r.rho[s]
		for _, e := range r.order[s][:r.whole[s]] {
			r.served[e]++
		}
		if r.part[s] > 0 {
			r.served[r.order[s][r.whole[s]]] += r.part[s]
		}
	}
	if lower > r.lower {
		r.lower = lower
		copy(r.best, r.edgePrice)
		copy(r.bestSize, r.size)
	}
	return lower
}

// ascend raises the bound by subgradient steps (Held, Wolfe and Crowder 1974)
// towards upper, the objective of a known placement or a guess.
func (r *relaxation) ascend(upper float64, rounds int) {
	step, stalls := 1.2, 0
	direction := make([]float64, len(r.edges))
	for round := range rounds {
		before := r.lower
		lower := r.bound()
		if r.lower >= upper || math.IsInf(lower, 1) {
			break
		}
		if r.lower > before+1e-4*math.Abs(r.lower) {
			stalls = 0
		} else if stalls++; stalls >= 8 {
			step, stalls = step*0.6, 0
			copy(r.edgePrice, r.best)
			clear(direction)
		}
		r.follow(1 / float64(round+2))
		norm := 0.0
		for e := range direction {
			direction[e] = 1 - r.served[e] + 0.6*direction[e]
			norm += direction[e] * direction[e]
		}
		if norm < 1e-12 {
			break
		}
		length := step * (upper - lower) / norm
		for e := range direction {
			r.edgePrice[e] += length * direction[e]
		}
	}
	copy(r.edgePrice, r.best)
	copy(r.size, r.bestSize)
	r.bound() // rho and the rest are those of the best multipliers again
}

// follow moves each region's mean hour towards the busiest hour of what the
// region has chosen so far: fictitious play between the region, which avoids
// the hours that count, and the hours, which count where the region is busy.
func (r *relaxation) follow(pace float64) {
	blocks := r.blocks()
	if blocks == 0 || math.IsInf(r.quota, 1) {
		return
	}
	for s := range r.regions {
		load := r.typical[s*blocks:][:blocks]
		for b := range load {
			for l := range load[b] {
				load[b][l] *= 1 - pace
			}
		}
		for i, e := range r.order[s][:min(r.whole[s]+1, len(r.edges))] {
			share := pace
			if i == r.whole[s] {
				share *= r.part[s]
			}
			if share == 0 {
				continue
			}
			for b := range load {
				d := &r.demand[b*len(r.edges)+e]
				for l := range load[b] {
					load[b][l] += share * d[l]
				}
			}
		}
		r.stand(s, load, pace)
	}
}

// stand moves the mean hour of region s by pace towards the busiest of load.
func (r *relaxation) stand(s int, load []block, pace float64) {
	top, at, lane := -1.0, 0, 0
	for b := range load {
		for l, v := range load[b] {
			if v > top {
				top, at, lane = v, b, l
			}
		}
	}
	for e := range r.edges {
		size := &r.size[s*len(r.edges)+e]
		*size += pace * (r.demand[at*len(r.edges)+e][lane] - *size)
	}
}
