package placement

import "math"

// missing is what region s costs at a node beyond what serve says, when it runs
// at least count Machines, serves the held edges, and none beside them but some
// of the others. Whatever it does with those, it runs at least what the held
// ones keep running, while the tangents count no more than all of them make
// together; the difference is missing, and so is the waiting for Machines to
// start.
func (r *relaxation) missing(s, count int, held, others []int) float64 {
	counted, weight := r.gather(s, held, others)
	usd := r.value * r.stops.coldMS * weight * r.mustWait(s, weight)
	if r.running != nil && r.running[s] > 0 {
		usd += r.running[s] * max(0, r.mustRun(s, count)-counted)
	}
	return usd
}

// gather adds up the load of the held edges and of all of them, and finds what
// the tangents count for all at most, and the held ones' share of the requests.
func (r *relaxation) gather(s int, held, others []int) (counted, weight float64) {
	t, n, e := r.tangents, len(r.regions), len(r.edges)
	t.clear()
	clear(t.possible)
	counted = t.always[s]
	take := func(edges []int) {
		for _, i := range edges {
			counted += r.usage[i*n+s]
			t.settle(s, i)
			for b := range t.possible {
				add(&t.possible[b], &r.demand[b*e+i])
			}
		}
	}
	take(held)
	copy(t.held, t.possible)
	for _, i := range held {
		weight += r.weight[i]
	}
	take(others)
	return counted + t.running(s), weight
}

// mustRun is how many of at least count Machines the gathered held edges keep
// running in s.
func (r *relaxation) mustRun(s, count int) float64 {
	a, sum := r.stops, 0
	count = max(count, r.floor[s])
	kept := min(a.atLeast[s], count)
	for h := range a.hours {
		run := kept
		if load := r.tangents.held[h/lanes][h%lanes]; load > 0 {
			run = max(run, 1, machines(load*(1-2*tol), a.soft))
		}
		sum += run
	}
	return min(float64(count), max(float64(kept), a.scale*float64(sum)/float64(a.hours)))
}

// mustWait is the least share of its requests that wait in s, where the held
// edges are so much of all. Of r requests in an hour r·exp(-r/12) come after a
// gap, which rises with r and then falls: between two rates it is no less than
// at both.
func (r *relaxation) mustWait(s int, weight float64) float64 {
	a := r.stops
	if a.perHour*a.coldMS*r.value*weight == 0 || a.atLeast[s] > 0 {
		return 0
	}
	hours, cold, all := 0.0, 0.0, 0.0
	for h := range a.hours {
		least := r.tangents.held[h/lanes][h%lanes] * a.perHour
		most := r.tangents.possible[h/lanes][h%lanes] * a.perHour
		all += most
		switch {
		case most == 0:
			hours++
		case least > 0: // else there may be few requests, and hardly a gap
			gaps := min(least*math.Exp(-least/12), most*math.Exp(-most/12))
			hours += min(1, gaps)
			cold += gaps
		}
	}
	switch {
	case hours <= 0.1*float64(a.hours)*(1+2*tol):
		return 0
	case all == 0:
		return 1
	}
	return cold / all
}
