package placement

import (
	"fmt"
	"math"
	"slices"
)

// entangled says what makes p more than plain facility location, or "" for a
// plain problem. In a plain problem a region that opens has the same Machines
// whatever else is open (but for a region that is alone, which is priced
// apart), every edge's closest region is its cheapest one too, and only the
// number of regions is limited. Then a set of regions costs a constant, a price
// per open region, and for each edge the least of its row.
func (p Problem) entangled() string {
	l := p.Limits
	switch {
	case p.Autostop != nil:
		return "autostop makes the cost depend on the demand"
	case p.SoftLimit > 0 && slices.ContainsFunc(p.Edges, func(e Edge) bool {
		return slices.ContainsFunc(e.Demand, func(d float64) bool { return d > 0 })
	}):
		return "soft_limit makes counts depend on the demand"
	case l.MaxChanges > 0:
		return "max_changes is set"
	case l.MaxMonthlyCost > 0:
		return "max_monthly_cost is set"
	case l.MaxP95LatencyMS > 0:
		return "max_p95_latency_ms is set"
	case slices.ContainsFunc(p.Candidates, func(c Candidate) bool { return c.BackendMS != p.Candidates[0].BackendMS }):
		return "backend_ms differs between candidates"
	}
	for e, row := range p.TransferUSDPerGB {
		if p.Edges[e].GBOut > 0 && slices.ContainsFunc(row, func(usd float64) bool { return usd != row[0] }) {
			return fmt.Sprintf("transfer_usd_per_gb of edge %s differs between candidates", p.Edges[e].Region)
		}
	}
	return p.entangledTotals()
}

// entangledTotals says which limit on all Machines together may bind.
func (p Problem) entangledTotals() string {
	l := p.Limits
	var floors, tops []int
	required := 0
	for _, c := range p.Candidates {
		floor := max(1, c.MinMachines, l.MinMachinesPerRegion)
		floors = append(floors, floor)
		tops = append(tops, max(floor, p.Current[c.Region]))
		if c.Required || c.MinMachines > 0 {
			required++
		}
	}
	slices.Sort(floors)
	slices.Sort(tops)
	fewest := 0 // Machines of two regions or more
	for _, floor := range floors[:min(len(floors), max(2, l.MinRegions, required))] {
		fewest += floor
	}
	if len(floors) > 1 && l.MinMachines > fewest {
		return fmt.Sprintf("min_machines %d may ask for more than the regions' own minima", l.MinMachines)
	}
	most := 0
	for i, top := range slices.Backward(tops) {
		if len(tops)-i <= orUnlimited(l.MaxRegions) {
			most += top
		}
	}
	if l.MaxMachines > 0 && max(most, l.MinMachines, 2) > l.MaxMachines {
		return fmt.Sprintf("max_machines %d may bind", l.MaxMachines)
	}
	return ""
}

// enumerable is the most candidates whose sets the other search can look at one
// by one, however many are equally good.
const enumerable = 20

// solvePlain is Solve for a plain problem.
func solvePlain(p Problem, opt Options) Solution {
	m, l := newPlain(p, opt.MaxNodes)
	sol := Solution{Version: 1, Nodes: l.nodes, Status: Infeasible}
	switch {
	case l.found:
	case opt.NoConflict:
		return sol
	default:
		sol.Conflict = newRefuter(p, opt).conflicts()
		return sol
	}
	if l.tied && l.proven() && l.n <= enumerable {
		s := newSearch(m, opt.MaxNodes)
		s.run()
		return s.solution()
	}
	t := newTally(m)
	t.weigh(l.set)
	t.require()
	t.settle()
	t.cost()
	t.describe(&sol)
	if !l.proven() {
		sol.fallShort(l.unsolved)
	}
	return sol
}

// newPlain states a plain problem as a location and solves it.
func newPlain(p Problem, maxNodes int) (*model, *location) {
	m := compile(p)
	l := newLocation(m, maxNodes)
	needed, may := 0, 0
	for s := range l.n {
		_, l.opening[s], l.changes[s] = m.opens(s, m.floor[s])
		if m.floor[s] > m.ceiling[s] {
			l.fixed[s] = closed
			continue
		}
		may++
		if m.must[s] {
			l.fixed[s] = opened
			needed++
		}
	}
	for s := range l.n {
		if m.must[s] && l.fixed[s] == closed {
			return m, l
		}
	}
	l.least, l.most = max(m.limits.MinRegions, needed, 1), min(m.limits.MaxRegions, may)
	if m.limits.Survive == Region {
		l.least = max(l.least, 2)
	}
	l.unit = p.unit(l.opening)
	if l.least <= 1 && l.most >= 1 && l.pricedApart(m) {
		l.least, l.unit = 2, 0
	}
	if l.least <= l.most {
		l.run()
	}
	return m, l
}

// opens says how many Machines region s runs when it opens with at least
// count, what that adds to the objective beside what it costs closed, and to
// the Machines created and destroyed.
func (m *model) opens(s, count int) (kept int, usd float64, changes int) {
	live := m.live[s]
	if m.price[s] <= m.machineChange*(1+tol) {
		count = max(count, min(live, m.ceiling[s]))
	}
	changes = abs(count-live) - live
	usd = m.price[s]*float64(count) + m.machineChange*float64(changes)
	if live == 0 {
		return count, usd + m.change, changes
	}
	return count, usd - m.change, changes
}

// pricedApart offers every set of one region if one region alone needs other
// Machines than beside others, and says whether it did.
func (l *location) pricedApart(m *model) bool {
	floor := func(s int) int {
		_, survive := m.own(s, 0, true)
		return max(survive, m.limits.MinMachines)
	}
	differs, needed := false, 0
	for s := range l.n {
		if m.must[s] {
			needed++
		}
		differs = differs || floor(s) != m.floor[s]
	}
	if !differs {
		return false
	}
	for s := range l.n {
		if l.fixed[s] == closed || floor(s) > m.ceiling[s] || needed > 1 || needed == 1 && !m.must[s] {
			continue
		}
		_, usd, changes := m.opens(s, floor(s))
		usd += l.constant
		for e := range l.m {
			usd += l.linear[e*l.n+s]
		}
		l.offer([]int{s}, usd, changes)
	}
	return true
}

// unit is a number of USD that the objectives of any two sets differ by a whole
// multiple of, up to rounding; 0 if none is known.
func (p Problem) unit(opening []float64) float64 {
	requests := 0.0
	whole := func(v float64) bool { return v == math.Trunc(v) && v < 1e9 }
	for _, e := range p.Edges {
		if !whole(e.Requests) {
			return 0
		}
		requests += e.Requests
	}
	for i := range p.LatencyMS {
		for j, ms := range p.LatencyMS[i] {
			if !whole(ms + p.Candidates[j].BackendMS) {
				return 0
			}
		}
	}
	if requests == 0 || p.ValuePerMS == 0 {
		return 0
	}
	unit := p.ValuePerMS / requests
	for _, usd := range opening {
		if share := usd / unit; math.Abs(share-math.Round(share)) > 1e-12*math.Abs(share) {
			return 0
		}
	}
	return unit
}

// possible says whether p has a placement. It is a plain problem, or one with
// fewer limits; then false is still right, and true nearly always: it might be
// that min_machines wants regions that may have many, max_machines others.
func (p Problem) possible() bool {
	limits := p.Limits
	m := &model{index: map[string]int{}}
	m.addCandidates(p)
	m.setLimits(p)
	needed, few, many := 0, 0, 0 // what must open, and the Machines that it runs
	alone := map[bool]bool{}     // some required region can be alone, some other can
	var floors, room []int       // of the others
	for s := range m.regions {
		switch fits := m.floor[s] <= m.ceiling[s]; {
		case m.must[s] && !fits:
			return false
		case m.must[s]:
			needed++
			few += m.floor[s]
			many += m.ceiling[s]
		case fits:
			floors = append(floors, m.floor[s])
			room = append(room, m.ceiling[s])
		}
		_, survive := m.own(s, 0, true)
		fits := max(survive, limits.MinMachines) <= min(m.ceiling[s], orUnlimited(limits.MaxMachines))
		alone[m.must[s]] = alone[m.must[s]] || fits
	}
	least, most := max(1, limits.MinRegions, needed), min(orUnlimited(limits.MaxRegions), needed+len(room))
	if limits.Survive == Region {
		least = max(least, 2)
	}
	if least > most {
		return false
	}
	if least == 1 && alone[needed == 1] {
		return true
	}
	least = max(least, 2)
	slices.Sort(floors)
	slices.Sort(room)
	for i := range max(0, min(least, most)-needed) {
		few += floors[i]
	}
	for i := range most - needed {
		many += room[len(room)-1-i]
	}
	return least <= most && many >= limits.MinMachines && few <= orUnlimited(limits.MaxMachines)
}
