package placement

import (
	"cmp"
	"maps"
	"slices"
)

// tol is the relative tolerance of every comparison: of objectives, of limits,
// and in rounding up, so that an exact 48/16 stays 3 whatever the order in
// which its 48 was added up.
const tol = 1e-9

// within says whether v keeps to limit.
func within(v, limit float64) bool { return v <= limit*(1+tol) }

// lanes hours are added up together.
const lanes = 8

type block [lanes]float64

// A model is a valid Problem in the form that the search reads: candidates and
// edges sorted by code, so that the order of the file changes no bit of the
// answer, matrices flat, hours in blocks.
type model struct {
	limits  Limits
	regions []string       // candidate codes, sorted
	index   map[string]int // position in regions
	edges   []string       // edge codes, sorted
	near    []uint16       // [edge*n+rank] candidates by latency, then code
	weight  []float64      // [edge] share of the requests; sums to 1 or to 0
	ms      []float64      // [edge*n+s] latency with backend
	carry   []float64      // [edge*n+s] USD of transfer
	linear  []float64      // [edge*n+s] what serving the edge from s adds to the objective
	demand  []block        // [b*len(edges)+edge] in flight, by block of hours
	rent    []float64      // [s] USD a month per Machine, running or stopped: the lower price
	extra   []float64      // [s] USD a month that running costs beyond stopped; nil where all run
	stops   *autostop      // nil where all run
	usage   []float64      // [edge*n+s] Machines that run on average because s serves the edge, at least
	floor   []int          // [s] fewest Machines when open
	ceiling []int          // [s] most Machines
	minimum []int          // [s] fewest Machines that the candidate itself asks for
	must    []bool         // [s] required
	live    []int          // [s] Machines now
	byRent  []int          // candidates by rent, then code
	// strayRegions and strayMachines run where no candidate is: every solution
	// closes them.
	strayRegions, strayMachines int
	liveMachines                int     // in candidates
	quota                       float64 // requests in flight per Machine that sizing allows
	hard                        float64 // requests in flight per Machine before overload
	aim
}

// An aim holds the coefficients of the objective. They are apart from rent and
// carry, because a conflict is explained by minimising something else under
// the same limits.
type aim struct {
	value         float64   // USD per ms of mean latency
	transfer      float64   // USD per USD of transfer
	price         []float64 // [s] USD per Machine; in the order of byRent
	running       []float64 // [s] USD that running costs beyond stopped; nil is 0
	fixed         float64   // USD per open region
	change        float64   // USD per region opened or closed
	machineChange float64   // USD per Machine created or destroyed
}

const unlimited = 1 << 30

func orUnlimited(limit int) int {
	if limit == 0 {
		return unlimited
	}
	return limit
}

// compile turns a valid p into a model.
func compile(p Problem) *model {
	m := &model{index: map[string]int{}}
	column := m.addCandidates(p)
	m.setLimits(p)
	m.addAutostop(p, column)
	m.addEdges(p, column)
	m.aim = aim{
		value: p.ValuePerMS, transfer: 1, price: m.rent, running: m.extra,
		change: p.ChangeCost, machineChange: p.MachineChangeCost,
	}
	m.relinear()
	return m
}

// addCandidates fills what is known per candidate, limits aside, and returns
// the file's column of each.
func (m *model) addCandidates(p Problem) []int {
	column := make([]int, len(p.Candidates))
	for i := range column {
		column[i] = i
	}
	slices.SortFunc(column, func(a, b int) int {
		return cmp.Compare(p.Candidates[a].Region, p.Candidates[b].Region)
	})
	for i, j := range column {
		c := p.Candidates[j]
		m.regions = append(m.regions, c.Region)
		m.index[c.Region] = i
		m.rent = append(m.rent, c.MachineCost)
		m.live = append(m.live, p.Current[c.Region])
		m.liveMachines += p.Current[c.Region]
		m.byRent = append(m.byRent, i)
	}
	slices.SortStableFunc(m.byRent, func(a, b int) int { return cmp.Compare(m.rent[a], m.rent[b]) })
	for code, count := range p.Current {
		if _, ok := m.index[code]; !ok && count > 0 {
			m.strayRegions++
			m.strayMachines += count
		}
	}
	return column
}

// A reach is how far a candidate is from an edge.
type reach struct {
	ms float64
	s  uint16
}

// addEdges fills what is known per edge.
func (m *model) addEdges(p Problem, column []int) {
	rows := make([]int, len(p.Edges))
	for i := range rows {
		rows[i] = i
	}
	slices.SortFunc(rows, func(a, b int) int { return cmp.Compare(p.Edges[a].Region, p.Edges[b].Region) })
	n := len(column)
	demand := make([][]float64, len(rows))
	m.near = make([]uint16, 0, n*len(rows))
	m.ms, m.carry = make([]float64, 0, n*len(rows)), make([]float64, 0, n*len(rows))
	row := make([]reach, n)
	for i, r := range rows {
		e := p.Edges[r]
		m.edges = append(m.edges, e.Region)
		demand[i] = e.Demand
		for s, c := range column {
			row[s] = reach{p.LatencyMS[r][c], uint16(s)}
			m.ms = append(m.ms, p.LatencyMS[r][c]+p.Candidates[c].BackendMS)
			carry := 0.0
			if p.TransferUSDPerGB != nil {
				carry = e.GBOut * p.TransferUSDPerGB[r][c]
			}
			m.carry = append(m.carry, carry)
		}
		slices.SortFunc(row, func(a, b reach) int {
			switch { // no number is NaN, and cmp.Compare would look for it
			case a.ms < b.ms:
				return -1
			case a.ms > b.ms:
				return 1
			}
			return int(a.s) - int(b.s)
		})
		for _, at := range row {
			m.near = append(m.near, at.s)
		}
	}
	m.weight = weights(p, rows)
	if m.stops == nil {
		m.setHours(demand, peakHours(demand))
		return
	}
	every := make([]int, m.stops.hours)
	for h := range every {
		every[h] = h
	}
	m.setHours(demand, every)
	m.usage = make([]float64, len(m.ms))
	for e := range m.edges {
		usage := m.linearUsage(e, nil)
		for s := range n {
			m.usage[e*n+s] = usage
		}
	}
}

// weights are the edges' shares of all requests; where no requests are given,
// of the demand summed over the hours; all 0 if there is none.
func weights(p Problem, row []int) []float64 {
	w := make([]float64, len(row))
	total := 0.0
	for i, r := range row {
		w[i] = p.Edges[r].Requests
		total += w[i]
	}
	if total == 0 {
		for i, r := range row {
			for _, d := range p.Edges[r].Demand {
				w[i] += d
			}
			total += w[i]
		}
	}
	if total > 0 {
		for i := range w {
			w[i] /= total
		}
	}
	return w
}

// peakHours lists the hours that can be the busiest of some set of edges: an
// hour in which no edge has more demand than in one other hour never decides a
// count. Of equal hours the first stays. This is exact, in floating point too,
// because rounding keeps the order of sums.
func peakHours(demand [][]float64) []int {
	var hours []int
	if len(demand) == 0 {
		return hours
	}
	covers := func(a, b int) bool { // no edge has more demand in b than in a
		for _, d := range demand {
			if d[b] > d[a] {
				return false
			}
		}
		return true
	}
	total := len(demand[0])
	for h := range total {
		dominated := false
		for g := 0; g < total && !dominated; g++ {
			dominated = g != h && covers(g, h) && (g < h || !covers(h, g))
		}
		if !dominated {
			hours = append(hours, h)
		}
	}
	return hours
}

// setHours lays the demand of the given hours out in blocks.
func (m *model) setHours(demand [][]float64, hours []int) {
	m.demand = make([]block, (len(hours)+lanes-1)/lanes*len(m.edges))
	for i, h := range hours {
		for e := range m.edges {
			m.demand[i/lanes*len(m.edges)+e][i%lanes] = demand[e][h]
		}
	}
}

// blocks is the number of blocks of hours.
func (m *model) blocks() int {
	if len(m.edges) == 0 {
		return 0
	}
	return len(m.demand) / len(m.edges)
}

// aimed is m with another objective under the same limits.
func (m *model) aimed(at aim) *model {
	c := *m
	c.aim = at
	c.relinear()
	return &c
}

// relinear computes what depends on the aim.
func (m *model) relinear() {
	m.linear = make([]float64, len(m.ms))
	n := len(m.regions)
	for i := range m.linear {
		m.linear[i] = m.value*m.weight[i/n]*m.ms[i] + m.transfer*m.carry[i]
	}
	if m.running == nil {
		return
	}
	for i, usage := range m.usage {
		m.linear[i] += max(0, m.running[i%n]) * usage
	}
}

// closedCost is the objective's change terms when every region is closed.
func (m *model) closedCost() float64 {
	regions, count := m.strayRegions, m.strayMachines
	for _, live := range m.live {
		if live > 0 {
			regions++
			count += live
		}
	}
	return m.change*float64(regions) + m.machineChange*float64(count)
}

func abs(n int) int {
	return max(n, -n)
}

func sortedKeys[V any](of map[string]V) []string {
	return slices.Sorted(maps.Keys(of))
}
