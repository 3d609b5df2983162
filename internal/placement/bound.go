package placement

import (
	"cmp"
	"math"
	"slices"
)

// A relaxation is the Lagrangian bound: with a price per edge, every region
// decides alone which edges to serve and how many Machines to run, so a set of
// regions costs at least constant + Σ reduced[s] over the set. doc.go says why
// this holds with every feature on.
type relaxation struct {
	*model
	size     []float64 // [s*edges+e] requests in flight of e in the hour that stands for s
	reduced  []float64 // [s] of the best prices; +Inf where s cannot open
	constant float64
	lower    float64 // the best bound over all sets

	edgePrice, best []float64
	rho, density    []float64
	order           [][]int // [s] edges by density in the last round; nearly right in the next
	served          []float64
	whole           []int     // [s] edges of order that s serves whole
	part            []float64 // [s] share that s serves of the edge after them
	rank            []int
	least, most     int // regions that may open
}

func newRelaxation(m *model, least, most int) *relaxation {
	n, e := len(m.regions), len(m.edges)
	r := &relaxation{
		model: m, size: make([]float64, n*e), reduced: make([]float64, n), lower: math.Inf(-1),
		edgePrice: make([]float64, e), best: make([]float64, e), rho: make([]float64, n), density: make([]float64, e),
		served: make([]float64, e), whole: make([]int, n), part: make([]float64, n), rank: make([]int, n),
		order: make([][]int, n), least: least, most: most,
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
// inverse of own, which is the least that any set asks of it.
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

// region solves the subproblem of s: the least of spend plus Σ (linear - price)
// over the edges that it takes, whole or in part, with the count that the
// hour of s asks for. It returns +Inf where s cannot open.
func (r *relaxation) region(s int) float64 {
	n, e := len(r.regions), len(r.edges)
	size, order := r.size[s*e:][:e], r.order[s]
	for i := range e {
		gain := r.linear[i*n+s] - r.edgePrice[i]
		switch {
		case gain >= 0:
			r.density[i] = math.Inf(1)
		case size[i] <= 0 || math.IsInf(r.quota, 1):
			r.density[i] = math.Inf(-1)
		default:
			r.density[i] = gain / size[i]
		}
	}
	for i := 1; i < e; i++ {
		x := order[i]
		j := i
		for ; j > 0 && r.density[order[j-1]] > r.density[x]; j-- {
			order[j] = order[j-1]
		}
		order[j] = x
	}
	best := math.Inf(1)
	next, load, total := 0, 0.0, 0.0
	for count := r.floor[s]; count <= r.ceiling[s]; count++ {
		room := r.capacity(s, count) * (1 + 4*tol)
		part, extra := 0.0, 0.0
		for ; next < e; next++ {
			i := order[next]
			d := r.density[i]
			if d >= 0 {
				break
			}
			gain := r.linear[i*n+s] - r.edgePrice[i]
			if !math.IsInf(d, -1) && load+size[i] > room {
				part = (room - load) / size[i]
				extra = part * gain
				break
			}
			if !math.IsInf(d, -1) {
				load += size[i]
			}
			total += gain
		}
		if v := r.spend(s, count) + total + extra; v < best {
			best = v
			r.whole[s], r.part[s] = next, part
		}
		if part == 0 && (next == e || r.density[order[next]] >= 0) {
			break
		}
	}
	return best
}

// bound solves every region's subproblem and picks the set that costs least.
// It fills served with the share of each edge that the picked regions take.
func (r *relaxation) bound() float64 {
	for s := range r.rho {
		r.rho[s] = r.region(s)
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
		copy(r.reduced, r.rho)
		r.constant = r.closedCost()
		for _, v := range r.edgePrice {
			r.constant += v
		}
	}
	return lower
}

// ascend raises the bound by subgradient steps towards upper, the objective of
// a known placement (or a guess; the bound holds for any prices).
func (r *relaxation) ascend(upper float64, rounds int) {
	step, stalls := 1.2, 0
	direction := make([]float64, len(r.edges))
	for range rounds {
		before := r.lower
		lower := r.bound()
		if !(r.lower < upper) || math.IsInf(lower, 1) {
			return
		}
		if r.lower > before+1e-4*math.Abs(before) {
			stalls = 0
		} else if stalls++; stalls >= 8 {
			step, stalls = step*0.6, 0
			copy(r.edgePrice, r.best)
			clear(direction)
		}
		norm := 0.0
		for e := range direction {
			direction[e] = 1 - r.served[e] + 0.6*direction[e]
			norm += direction[e] * direction[e]
		}
		if norm < 1e-12 {
			return
		}
		length := step * (upper - lower) / norm
		for e := range direction {
			r.edgePrice[e] += length * direction[e]
		}
	}
}

// stand lets block lane (b, lane) of the hours stand for region s.
func (r *relaxation) stand(s, b, lane int) {
	for e := range r.edges {
		r.size[s*len(r.edges)+e] = r.demand[b*len(r.edges)+e][lane]
	}
}

// sharpen looks, for each region, for an hour that raises its reduced cost at
// the best prices. Each hour's value is a bound, so the highest is one.
func (r *relaxation) sharpen() {
	copy(r.edgePrice, r.best)
	for s := range r.regions {
		top, at, lane := r.region(s), -1, 0
		keep := slices.Clone(r.size[s*len(r.edges):][:len(r.edges)])
		for b := range r.blocks() {
			for l := range lanes {
				r.stand(s, b, l)
				if v := r.region(s); v > top {
					top, at, lane = v, b, l
				}
			}
		}
		copy(r.size[s*len(r.edges):], keep)
		if at >= 0 {
			r.stand(s, at, lane)
		}
	}
	r.lower = math.Inf(-1)
}
