package placement

import (
	"math"
	"math/bits"
)

// A tally is the one place where a set of regions is routed, counted and
// priced. Its buffers are used again from set to set. Slots number the open
// regions in the order of their codes.
type tally struct {
	*model
	open  []int   // [slot] candidate
	slot  []int   // [candidate] of open regions; -1 is closed
	first []int   // [edge] slot of the closest open region
	load  []block // [b*n+slot] requests in flight
	peak  []float64

	// Overflow: pair i is the traffic that moves from slot from[i] to to[i],
	// the next closest, when from[i] is lost.
	pair     []int // [edge]
	from, to []int
	pairAt   []int   // [from*n+to] pair+1; 0 is none
	moved    []block // [pair] one block of to's load with what moves there
	surge    []float64

	base, survive, fill []int     // [slot] Machines after each step
	count               []int     // [slot] Machines with those that are kept
	asked               []float64 // [slot] Machines that would run on average, however many there are
	cold                []float64 // [slot] share of the requests that wait for a start
	costs
}

// costs are what a placement costs, in its parts.
type costs struct {
	objective     float64
	mean          float64 // ms, with
	coldMS        float64 // what starts of stopped Machines add
	compute       float64 // USD a month
	transferCost  float64 // USD a month
	changes       int     // Machines created and destroyed
	regionChanges int     // regions opened and closed
}

func newTally(m *model) *tally {
	n, e := len(m.regions), len(m.edges)
	return &tally{
		model: m,
		open:  make([]int, 0, n), slot: make([]int, n), first: make([]int, e),
		load: make([]block, n*m.blocks()), peak: make([]float64, n),
		pair: make([]int, e), from: make([]int, 0, e), to: make([]int, 0, e),
		surge: make([]float64, n),
		base:  make([]int, n), survive: make([]int, n), fill: make([]int, n), count: make([]int, n),
		asked: make([]float64, n), cold: make([]float64, n),
	}
}

// members lists the candidates of set.
func members(set uint64) []int {
	var open []int
	for ; set != 0; set &= set - 1 {
		open = append(open, bits.TrailingZeros64(set))
	}
	return open
}

// route opens the regions of set and sends every edge to its closest one.
func (t *tally) route(set uint64) {
	t.open = t.open[:0]
	for ; set != 0; set &= set - 1 {
		t.open = append(t.open, bits.TrailingZeros64(set))
	}
	t.assign()
}

// assign sends every edge to the closest region of t.open.
func (t *tally) assign() {
	for s := range t.slot {
		t.slot[s] = -1
	}
	for i, s := range t.open {
		t.slot[s] = i
	}
	n := len(t.regions)
	for e := range t.first {
		for _, s := range t.near[e*n : e*n+n] {
			if i := t.slot[s]; i >= 0 {
				t.first[e] = i
				break
			}
		}
	}
	clear(t.peak[:len(t.open)])
	clear(t.surge[:len(t.open)])
}

// pairUp finds where each edge moves when its region is lost.
func (t *tally) pairUp() {
	n := len(t.regions)
	if t.pairAt == nil {
		t.pairAt, t.moved = make([]int, n*n), make([]block, len(t.edges))
	}
	t.from, t.to = t.from[:0], t.to[:0]
	clear(t.pairAt)
	for e := range t.first {
		mine := t.open[t.first[e]]
		for _, s := range t.near[e*n : e*n+n] {
			if t.slot[s] < 0 || int(s) == mine {
				continue
			}
			at := &t.pairAt[mine*n+int(s)]
			if *at == 0 {
				t.from = append(t.from, t.first[e])
				t.to = append(t.to, t.slot[s])
				*at = len(t.from)
			}
			t.pair[e] = *at - 1
			break
		}
	}
}

// addLoad adds up the hours of block b.
func (t *tally) addLoad(b int) {
	load := t.load[b*len(t.regions):][:len(t.open)]
	clear(load)
	for e, d := range t.demand[b*len(t.edges):][:len(t.edges)] {
		add(&load[t.first[e]], &d)
	}
	for i := range load {
		t.peak[i] = max(t.peak[i], highest(&load[i]))
	}
}

// addSurge adds up, in block b, the load of the regions that take over. With
// small only, just regions of one Machine are lost; the others' own spare
// Machine carries the loss.
func (t *tally) addSurge(b int, smallOnly bool) {
	load := t.load[b*len(t.regions):][:len(t.open)]
	for i, to := range t.to {
		t.moved[i] = load[to]
	}
	for e, d := range t.demand[b*len(t.edges):][:len(t.edges)] {
		if !smallOnly || t.base[t.first[e]] == 1 {
			add(&t.moved[t.pair[e]], &d)
		}
	}
	for i, to := range t.to {
		if !smallOnly || t.base[t.from[i]] == 1 {
			t.surge[to] = max(t.surge[to], highest(&t.moved[i]))
		}
	}
}

func add(to, more *block) {
	to[0] += more[0]
	to[1] += more[1]
	to[2] += more[2]
	to[3] += more[3]
	to[4] += more[4]
	to[5] += more[5]
	to[6] += more[6]
	to[7] += more[7]
}

func highest(b *block) float64 {
	top := b[0]
	for _, v := range b[1:] {
		if v > top {
			top = v
		}
	}
	return top
}

// weigh adds up everything that requires needs, for the regions of open, in the
// order of their codes.
func (t *tally) weigh(open []int) {
	t.open = append(t.open[:0], open...)
	t.assign()
	region := t.limits.Survive == Region && len(t.open) > 1
	if region {
		t.pairUp()
	}
	for b := range t.blocks() {
		t.addLoad(b)
		if region {
			t.addSurge(b, false)
		}
	}
}

// require computes the counts of the weighed set in the four steps of the
// model: base, survive (from base counts only), fill. It says false where no
// counts would do: one region cannot survive its own loss, or every region is
// full below the minimum.
func (t *tally) require() bool {
	k := len(t.open)
	possible := t.limits.Survive != Region || k >= 2
	small := false
	for i, s := range t.open {
		t.base[i], t.survive[i] = t.own(s, t.peak[i], k == 1)
		small = small || t.base[i] == 1
	}
	if t.limits.Survive == Machine && k > 1 && small && !math.IsInf(t.hard, 1) {
		t.pairUp()
		for b := range t.blocks() {
			t.addSurge(b, true)
		}
	}
	t.ask(nil)
	total := 0
	for i, s := range t.open {
		t.survive[i] = max(t.survive[i], t.overflow(i, s))
		t.fill[i] = t.survive[i]
		total += t.fill[i]
	}
	for ; total < t.limits.MinMachines; total++ {
		busiest := -1
		for i, s := range t.open {
			if t.fill[i] < t.ceiling[s] && (busiest < 0 ||
				t.peak[i]*float64(t.fill[busiest]) > t.peak[busiest]*float64(t.fill[i])*(1+tol)) {
				busiest = i
			}
		}
		if busiest < 0 {
			return false
		}
		t.fill[busiest]++
	}
	return possible
}

// overflow is how many Machines slot i needs when another region is lost. The
// shrink margin holds none of those that a neighbour of one Machine asks for.
func (t *tally) overflow(i, s int) int {
	if t.limits.Survive == Region {
		return t.withstand(s, t.surge[i])
	}
	return machines(t.surge[i], t.hard)
}

// settle decides which live Machines stay beyond the required ones, and says
// whether the result keeps to the limits on Machines, changes and cost.
//
// Every surplus Machine saves the same machineChange and counts for one change
// less and one Machine more, so for any number kept, keeping the cheapest ones
// is best for the objective and the monthly cost at once and no worse for the
// other limits: exchanging a kept one for a cheaper one breaks nothing. In
// that order the objective first falls (price below machineChange), then
// rises, while the number that limits allow is an interval. So: keep as many
// as max_changes forces, then go on while it pays or costs nothing (fewer
// changes win ties) and limits allow.
func (t *tally) settle() bool {
	total, changes, cost := 0, t.strayMachines, t.transferCost
	for _, live := range t.live {
		changes += live
	}
	for i, s := range t.open {
		t.count[i] = t.fill[i]
		if t.fill[i] > t.ceiling[s] {
			return false
		}
		total += t.fill[i]
		changes += abs(t.fill[i]-t.live[s]) - t.live[s]
		cost += t.monthly(i, t.fill[i])
	}
	if t.stops != nil {
		return t.keep(total, changes, cost)
	}
	for _, s := range t.byRent {
		i := t.slot[s]
		if i < 0 {
			continue
		}
		for t.count[i] < min(t.live[s], t.ceiling[s]) && total < t.limits.MaxMachines {
			pays := t.price[s] <= t.machineChange*(1+tol)
			if !pays && changes <= t.limits.MaxChanges || !within(cost+t.rent[s], t.limits.MaxMonthlyCost) {
				break
			}
			t.count[i]++
			total++
			changes--
			cost += t.rent[s]
		}
	}
	return total <= t.limits.MaxMachines && changes <= t.limits.MaxChanges &&
		within(cost, t.limits.MaxMonthlyCost)
}

// carryCost sums the transfer of the routed set.
func (t *tally) carryCost() float64 {
	usd := 0.0
	n := len(t.regions)
	for e, i := range t.first {
		usd += t.carry[e*n+t.open[i]]
	}
	return usd
}

// cost prices the routed set with t.count Machines. Everything that is ever
// said about a placement's cost comes from here.
func (t *tally) cost() {
	n := len(t.regions)
	c := costs{transferCost: t.carryCost(), changes: t.strayMachines, regionChanges: t.strayRegions}
	for e, i := range t.first {
		c.mean += t.weight[e] * t.ms[e*n+t.open[i]]
	}
	c.coldMS = t.waits()
	c.mean += c.coldMS
	next, machineUSD := 0, 0.0
	for s, live := range t.live {
		count := 0
		if next < len(t.open) && t.open[next] == s {
			count = t.count[next]
			c.compute += t.monthly(next, count)
			machineUSD += t.pays(next, count)
			next++
		}
		c.changes += abs(count - live)
		if (count > 0) != (live > 0) {
			c.regionChanges++
		}
	}
	c.objective = t.value*c.mean + machineUSD + t.transfer*c.transferCost + t.fixed*float64(len(t.open)) +
		t.change*float64(c.regionChanges) + t.machineChange*float64(c.changes)
	t.costs = c
}

// reaches says whether the given share of requests has at most ms of latency.
func (t *tally) reaches(share, ms float64) bool {
	n := len(t.regions)
	sum, all := 0.0, 0.0
	for e, i := range t.first {
		all += t.weight[e]
		if within(t.ms[e*n+t.open[i]], ms) {
			sum += t.weight[e]
		}
	}
	return sum >= share*all*(1-tol)
}
