package placement

// keep is settle for Machines that fly-proxy stops, from the required counts
// and what they come to. There a surplus Machine may cost less the more there
// are: the first ones run, because min_running or a scale above 1 asks for
// them, the others are stopped. So the cheapest number in each region by itself
// is looked for first. Where that breaks a limit on the whole, the cheapest way
// to keep any number in all is computed, region by region.
func (t *tally) keep(total, changes int, cost float64) bool {
	sum, usd := 0, cost
	for i := range t.open {
		t.count[i] = t.fill[i] + t.cheapest(i)
		sum += t.count[i] - t.fill[i]
		usd += t.monthly(i, t.count[i]) - t.monthly(i, t.fill[i])
	}
	if t.keeps(total+sum, changes-sum, usd) {
		return true
	}
	return t.keepWithin(total, changes, cost)
}

// keeps says whether a placement keeps to the limits on Machines, changes and cost.
func (t *tally) keeps(total, changes int, usd float64) bool {
	return total <= t.limits.MaxMachines && changes <= t.limits.MaxChanges && within(usd, t.limits.MaxMonthlyCost)
}

// surplus is how many live Machines of slot i may stay beyond the required ones.
func (t *tally) surplus(i int) int {
	s := t.open[i]
	return max(0, min(t.live[s], t.ceiling[s])-t.fill[i])
}

// worth is what x surplus Machines of slot i add to the objective, and how large
// the sums are that it is the difference of.
func (t *tally) worth(i, x int) (usd, size float64) {
	add, saved := t.pays(i, t.fill[i]+x)-t.pays(i, t.fill[i]), t.machineChange*float64(x)
	return add - saved, add + saved
}

// cheapest is how many surplus Machines of slot i are best by themselves; of
// equally good numbers the largest.
func (t *tally) cheapest(i int) int {
	x, lowest := 0, 0.0
	for more := 1; more <= t.surplus(i); more++ {
		if usd, size := t.worth(i, more); usd <= lowest+tol*size {
			x, lowest = more, min(lowest, usd)
		}
	}
	return x
}

// keepWithin finds the best choice of surplus Machines that keeps to the limits
// on the whole. For any number kept, the choice with the lowest monthly cost is
// best for the objective too: whatever is minimised, Machines count in it by
// their price, or all the same. Of equally cheap ones more stay in regions
// whose codes come first.
func (t *tally) keepWithin(total, changes int, cost float64) bool {
	most := 0
	for i := range t.open {
		most += t.surplus(i)
	}
	most = min(most, t.limits.MaxMachines-total)
	if most < 0 {
		return false
	}
	k := len(t.open)
	cheapest := make([]float64, most+1) // [kept] USD a month, in the regions from i on
	next := make([]float64, most+1)
	pick := make([]int, k*(most+1)) // [i*(most+1)+kept] kept in i
	room := 0
	for i := k - 1; i >= 0; i-- {
		cheapest, next = next, cheapest
		before := room
		room = min(most, room+t.surplus(i))
		base := t.monthly(i, t.fill[i])
		for kept := range room + 1 {
			first := true
			for x := min(kept, t.surplus(i)); x >= max(0, kept-before); x-- {
				usd := next[kept-x] + t.monthly(i, t.fill[i]+x) - base
				if first || usd < cheapest[kept]-tol*usd {
					first = false
					cheapest[kept], pick[i*(most+1)+kept] = usd, x
				}
			}
		}
	}
	best, lowest := -1, 0.0
	for kept := range room + 1 {
		if !t.keeps(total+kept, changes-kept, cost+cheapest[kept]) {
			continue
		}
		usd, size, left := 0.0, 0.0, kept
		for i := range k {
			x := pick[i*(most+1)+left]
			v, of := t.worth(i, x)
			usd, size, left = usd+v, size+of, left-x
		}
		if best < 0 || usd <= lowest+tol*size {
			if best < 0 || usd < lowest {
				lowest = usd
			}
			best = kept
		}
	}
	if best < 0 {
		return false
	}
	for i := range k {
		x := pick[i*(most+1)+best]
		t.count[i] = t.fill[i] + x
		best -= x
	}
	return true
}
