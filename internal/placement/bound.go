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
	*model          // aimed at the objective plus what budgets charge
	goal        aim // the objective alone
	least, most int // regions that may open

	// Budgets that are set have a multiplier too: what exceeding one by its
	// whole limit costs, in USD. It is a price on Machines, changes or both.
	budgets  []budget
	fine     []float64 // [budget]
	used     []float64 // [budget] share of its limit that the last bound used
	bestFine []float64

	// The multipliers: a price per edge, and for each region a weighted mean of
	// the hours, which stands for all of them. Any values give a bound.
	edgePrice []float64
	size      []float64 // [s*edges+e] requests in flight of e in the mean hour of s
	lower     float64   // the best bound so far, at
	best      []float64 // these prices
	bestSize  []float64 // and these sizes

	// What the regions choose at the current multipliers.
	rho      []float64 // [s] the least that s adds when open
	order    [][]int   // [s] edges by gain per request in flight
	chosen   []bid     // [s]
	rank     []int     // regions by rho, required ones first
	served   []float64 // [edge] by the regions that the bound opens
	density  []float64 // scratch
	typical  []block   // [s*blocks+b] load that s chose in past rounds, added up
	rounds   int       // how many
	tangents *tangents // of what runs; nil where all do
}

func newRelaxation(m *model, least, most int) *relaxation {
	n, e := len(m.regions), len(m.edges)
	budgets := slices.DeleteFunc(m.budgets(), func(b budget) bool { return b.name == "max_regions" })
	r := &relaxation{
		model: m.aimed(m.aim), goal: m.aim, budgets: budgets, fine: make([]float64, len(budgets)),
		used: make([]float64, len(budgets)), bestFine: make([]float64, len(budgets)), least: least, most: most, lower: math.Inf(-1),
		edgePrice: make([]float64, e), size: make([]float64, n*e), best: make([]float64, e), bestSize: make([]float64, n*e),
		rho: make([]float64, n), order: make([][]int, n), chosen: make([]bid, n),
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

// gain is what serving edge e from s changes, beside Machines.
func (r *relaxation) gain(s, e int) float64 {
	return r.linear[e*len(r.regions)+s] - r.edgePrice[e]
}

// A duty is what a region must do: carry load, which adds usd, with at least
// count Machines, of which so many run on average for its flat hours.
type duty struct {
	load, usd float64
	count     int
	running   float64
}

// A bid is what a region chooses: what it adds to the bound, so many of its
// edges whole and a share of the next, and the Machines for that.
type bid struct {
	usd   float64
	whole int
	part  float64
	count int
}

// fill solves the subproblem of region s with a duty and the listed edges, of
// which it may take as much as its Machines carry, in the order of gain per
// request in flight. The result costs +Inf if s cannot do its duty.
func (r *relaxation) fill(s int, must duty, edges []int) bid {
	ceiling := min(r.ceiling[s], r.limits.MaxMachines)
	load, usd := must.load, must.usd
	_, count := r.own(s, load*(1-2*tol), false)
	count = max(count, must.count)
	best := bid{usd: math.Inf(1)}
	if count > ceiling {
		return best
	}
	size := r.size[s*len(r.edges):][:len(r.edges)]
	room := r.capacity(s, count) * (1 + 4*tol)
	spend := r.spend(s, count)
	for i, e := range edges {
		gain := r.gain(s, e)
		for load+size[e] > room {
			share := max(0, room-load) / size[e]
			if v := spend + usd + share*gain; v < best.usd {
				best = bid{v, i, share, count}
			}
			more := r.spend(s, count+1)
			// Later Machines cost no less, later edges gain no more, and no
			// Machine adds more room than the hard limit, beyond those that the
			// shrink margin may hold.
			if count == ceiling || count >= r.held(s) && more-spend+gain/size[e]*max(r.quota, r.hard) > 0 {
				return best
			}
			count = r.evenly(s, count, load+size[e])
			spend = r.spend(s, count)
			room = r.capacity(s, count) * (1 + 4*tol)
		}
		load += size[e]
		usd += gain
	}
	if v := spend + usd; v < best.usd {
		best = bid{v, len(edges), 0, count}
	}
	return best
}

// evenly is the next number of Machines of region s to look at on the way to so
// many as carry load. Where spend and capacity grow evenly, what is between two
// numbers is never better than both.
func (r *relaxation) evenly(s, count int, load float64) int {
	if count < max(2, r.held(s)) {
		return count + 1
	}
	_, to := r.own(s, load*(1-4*tol), false)
	to = min(to, r.ceiling[s], r.limits.MaxMachines)
	bends := [...]int{r.live[s], unlimited, unlimited}
	if r.limits.Survive == Machine && r.hard > r.quota { // where the target takes over from the hard limit
		turn := int(min(r.hard/(r.hard-r.quota), unlimited))
		bends[1], bends[2] = turn, turn+1
	}
	for _, at := range bends {
		if at > count {
			to = min(to, at)
		}
	}
	return max(to, count+1)
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

// constant is the part of the bound that no region changes.
func (r *relaxation) constant() float64 {
	usd := r.closedCost()
	for _, v := range r.edgePrice {
		usd += v
	}
	for _, v := range r.fine {
		usd -= v * (1 + 2*tol) // a limit is kept up to tol
	}
	return usd
}

// charge aims the model at the goal plus the budgets at their fines. Whoever
// keeps to the budgets pays at most the fines that constant takes off.
func (r *relaxation) charge() {
	if len(r.budgets) == 0 {
		return
	}
	at := r.goal
	at.price, at.running = slices.Clone(at.price), slices.Clone(at.running)
	for i, b := range r.budgets {
		each := r.fine[i] / b.limit
		for s := range at.price {
			at.price[s] += each * b.aim.price[s]
		}
		for s, usd := range b.aim.running {
			if at.running == nil {
				at.running = make([]float64, len(b.aim.running))
			}
			at.running[s] += each * usd
		}
		at.machineChange += each * b.aim.machineChange
		at.transfer += each * b.aim.transfer
	}
	r.aim = at
	r.relinear()
}

// bound lets every region choose and opens the regions that cost least.
func (r *relaxation) bound() float64 {
	for s := range r.rho {
		r.chosen[s] = r.serve(s, duty{}, r.wanted(s))
		r.rho[s] = r.chosen[s].usd
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
	lower := r.constant()
	opened := len(r.rank)
	clear(r.served)
	for i, s := range r.rank {
		if !r.must[s] && i >= r.least && (i >= r.most || r.rho[s] >= 0) {
			opened = i
			break
		}
		lower += r.rho[s]
		c := r.chosen[s]
		for _, e := range r.order[s][:c.whole] {
			r.served[e]++
		}
		if c.part > 0 {
			r.served[r.order[s][c.whole]] += c.part
		}
	}
	r.use(r.rank[:opened])
	if lower > r.lower {
		r.lower = lower
		copy(r.best, r.edgePrice)
		copy(r.bestSize, r.size)
		copy(r.bestFine, r.fine)
	}
	return lower
}

// use adds up how much of each budget the opened regions choose to use.
func (r *relaxation) use(opened []int) {
	n := len(r.regions)
	for i, b := range r.budgets {
		sum := b.aim.machineChange * float64(r.strayMachines+r.liveMachines)
		for _, s := range opened {
			c := r.chosen[s]
			count := c.count
			if count < r.live[s] && r.price[s] <= r.machineChange {
				count = r.live[s]
			}
			sum += b.aim.price[s]*float64(count) +
				b.aim.machineChange*float64(abs(count-r.live[s])-r.live[s])
			if b.aim.transfer == 0 {
				continue
			}
			carry := func(e int) float64 { return r.carry[e*n+s] }
			if r.tangents != nil {
				each := max(0, b.aim.running[s])
				sum += each * (r.tangents.always[s] + r.tangents.chosen[s])
				carry = func(e int) float64 { return r.carry[e*n+s] + each*r.usage[e*n+s] }
			}
			for _, e := range r.order[s][:c.whole] {
				sum += carry(e)
			}
			if c.part > 0 {
				sum += c.part * carry(r.order[s][c.whole])
			}
		}
		r.used[i] = sum / b.limit
	}
}
