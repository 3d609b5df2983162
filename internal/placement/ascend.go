package placement

import "math"

// ascend raises the bound by subgradient steps (Held, Wolfe and Crowder 1974)
// towards upper, the objective of a known placement or a guess.
func (r *relaxation) ascend(upper float64, rounds int) {
	const weight = 4 // a fine is for a whole limit, a price for one edge
	step, stalls := 1.2, 0
	direction := make([]float64, len(r.edges)+len(r.budgets))
	for range rounds {
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
			copy(r.fine, r.bestFine)
			clear(direction)
		}
		r.rounds++
		r.follow(1 / float64(r.rounds+1))
		norm := 0.0
		for i := range direction {
			slope := 0.0
			if i < len(r.edges) {
				slope = 1 - r.served[i]
			} else {
				slope = weight * (r.used[i-len(r.edges)] - 1)
			}
			direction[i] = slope + 0.6*direction[i]
			norm += direction[i] * direction[i]
		}
		if norm < 1e-12 {
			break
		}
		length := step * (upper - lower) / norm
		for i := range direction {
			if i < len(r.edges) {
				r.edgePrice[i] += length * direction[i]
			} else {
				fine := &r.fine[i-len(r.edges)]
				*fine = max(0, *fine+length*weight*direction[i])
			}
		}
		r.charge()
	}
	copy(r.edgePrice, r.best)
	copy(r.size, r.bestSize)
	copy(r.fine, r.bestFine)
	r.charge()
	r.bound() // what the regions choose is that of the best multipliers again
}

// startAt takes the multipliers of another relaxation of the same candidates,
// edges and budgets, and what its regions have chosen.
func (r *relaxation) startAt(prior *relaxation) {
	copy(r.edgePrice, prior.edgePrice)
	copy(r.size, prior.size)
	copy(r.fine, prior.fine)
	for i := range prior.typical {
		for l, v := range prior.typical[i] {
			r.typical[i][l] = v / 2
		}
	}
	r.rounds = prior.rounds / 2
	r.charge()
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
		c := r.chosen[s]
		for i, e := range r.order[s][:min(c.whole+1, len(r.edges))] {
			share := 1.0
			if i == c.whole {
				share = c.part
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
