package placement

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// The oracle recomputes the model from its definition, with maps and without
// any of the package's own functions, and enumerates every set of regions and
// every choice of surplus Machines.

type option struct {
	objective float64
	changes   int
	open      []string
	count     map[string]int
}

type oracle struct {
	p     Problem
	lat   map[string]map[string]float64 // [edge][candidate]
	carry map[string]map[string]float64
	cand  map[string]Candidate
	edge  map[string]Edge
	share map[string]float64
	codes []string
	edges []string
	hours int
	loads map[string]map[string][]float64 // [open regions][region][hour]
}

func newOracle(p Problem) *oracle {
	o := &oracle{
		p: p, lat: map[string]map[string]float64{}, carry: map[string]map[string]float64{},
		cand: map[string]Candidate{}, edge: map[string]Edge{}, share: map[string]float64{},
		loads: map[string]map[string][]float64{},
	}
	for _, c := range p.Candidates {
		o.cand[c.Region] = c
		o.codes = append(o.codes, c.Region)
	}
	slices.Sort(o.codes)
	requests, demand := 0.0, 0.0
	for i, e := range p.Edges {
		o.edge[e.Region] = e
		o.edges = append(o.edges, e.Region)
		o.hours = len(e.Demand)
		o.lat[e.Region], o.carry[e.Region] = map[string]float64{}, map[string]float64{}
		for j, c := range p.Candidates {
			o.lat[e.Region][c.Region] = p.LatencyMS[i][j]
			if p.TransferUSDPerGB != nil {
				o.carry[e.Region][c.Region] = p.TransferUSDPerGB[i][j]
			}
		}
		requests += e.Requests
		for _, d := range e.Demand {
			demand += d
		}
	}
	for _, e := range p.Edges {
		if requests > 0 {
			o.share[e.Region] = e.Requests / requests
		} else if demand > 0 {
			for _, d := range e.Demand {
				o.share[e.Region] += d / demand
			}
		}
	}
	slices.Sort(o.edges)
	return o
}

// closest is the region of open that serves edge.
func (o *oracle) closest(edge string, open []string) string {
	best := ""
	for _, s := range open { // sorted, so that ties go to the lower code
		if best == "" || o.lat[edge][s] < o.lat[edge][best] {
			best = s
		}
	}
	return best
}

func without(open []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(open), func(t string) bool { return t == s })
}

// loadOf is the load of s in hour h when open serves.
func (o *oracle) loadOf(s string, h int, open []string) float64 {
	set := strings.Join(open, " ")
	if o.loads[set] == nil { // the sums are asked for again and again
		o.loads[set] = map[string][]float64{}
		for _, t := range open {
			o.loads[set][t] = make([]float64, o.hours)
		}
		for _, e := range o.edges {
			to := o.loads[set][o.closest(e, open)]
			for h, d := range o.edge[e].Demand {
				to[h] += d
			}
		}
	}
	return o.loads[set][s][h]
}

func (o *oracle) peakOf(s string, open []string) float64 {
	top := 0.0
	for h := range o.hours {
		top = max(top, o.loadOf(s, h, open))
	}
	return top
}

// smallest n from at on with n*each >= load.
func smallest(at int, each, load float64) int {
	for float64(at)*each < load*(1-1e-9) {
		at++
	}
	return at
}

// required is the model's sizing, read word by word; nil if impossible.
func (o *oracle) required(open []string) (base, survive, fill map[string]int) {
	p, l := o.p, o.p.Limits
	hard := p.HardLimit
	if hard == 0 {
		hard = p.SoftLimit
	}
	utilization := l.TargetUtilization
	if utilization == 0 {
		utilization = 1
	}
	quota := utilization * min(p.SoftLimit, hard)
	base, survive, fill = map[string]int{}, map[string]int{}, map[string]int{}
	for _, s := range open {
		base[s] = max(1, l.MinMachinesPerRegion, o.cand[s].MinMachines)
		if p.SoftLimit > 0 {
			base[s] = smallest(base[s], quota, o.peakOf(s, open))
		}
		survive[s] = base[s]
	}
	// carries raises t so that it holds its own load and what s sends there.
	carries := func(s string) {
		rest := without(open, s)
		for _, t := range rest {
			for h := range o.hours {
				load := o.loadOf(t, h, open)
				for _, e := range o.edges {
					if o.closest(e, open) == s && o.closest(e, rest) == t {
						load += o.edge[e].Demand[h]
					}
				}
				survive[t] = smallest(survive[t], hard, load)
			}
		}
	}
	switch l.Survive {
	case Machine:
		for _, s := range open {
			switch {
			case p.SoftLimit == 0:
				if len(open) == 1 {
					survive[s] = max(survive[s], 2)
				}
			case base[s] >= 2 || len(open) == 1:
				survive[s] = max(survive[s], smallest(base[s]-1, hard, o.peakOf(s, open))+1)
			default:
				carries(s)
			}
		}
	case Region:
		if len(open) < 2 {
			return nil, nil, nil
		}
		if p.SoftLimit > 0 {
			for _, s := range open {
				carries(s)
			}
		}
	}
	for _, s := range open {
		survive[s] = max(survive[s], o.held(s, open, quota, hard))
	}
	total := 0
	for _, s := range open {
		fill[s] = survive[s]
		total += fill[s]
	}
	for ; total < l.MinMachines; total++ {
		to, most := "", 0.0
		for _, s := range open {
			if most0 := o.cand[s].MaxMachines; most0 > 0 && fill[s] >= most0 {
				continue
			}
			each := o.peakOf(s, open) / float64(fill[s])
			if to == "" || each > most*(1+1e-9) {
				to, most = s, each
			}
		}
		if to == "" {
			return nil, nil, nil
		}
		fill[to]++
	}
	return base, survive, fill
}

// held is how many live Machines of s stay because of the shrink margin: those
// that its grown load asks for, but one more at most than the load itself does,
// for what it serves and for what moves to it when another region is lost.
func (o *oracle) held(s string, open []string, quota, hard float64) int {
	p, l := o.p, o.p.Limits
	if l.ShrinkMargin == 0 {
		return 0
	}
	most := p.Current[s]
	if top := o.cand[s].MaxMachines; top > 0 {
		most = min(most, top)
	}
	own := func(grow float64) int {
		n := max(1, l.MinMachinesPerRegion, o.cand[s].MinMachines)
		if p.SoftLimit > 0 {
			n = smallest(n, quota, grow*o.peakOf(s, open))
		}
		switch {
		case l.Survive != Machine:
		case p.SoftLimit == 0 && len(open) == 1:
			n = max(n, 2)
		case p.SoftLimit > 0 && (n >= 2 || len(open) == 1):
			n = max(n, smallest(n-1, hard, grow*o.peakOf(s, open))+1)
		}
		return n
	}
	moved := func(grow float64) int {
		n := 0
		if l.Survive != Region || p.SoftLimit == 0 {
			return n
		}
		for _, lost := range open {
			for h := range o.hours {
				load := o.loadOf(s, h, open)
				for _, e := range o.edges {
					if lost != s && o.closest(e, open) == lost && o.closest(e, without(open, lost)) == s {
						load += o.edge[e].Demand[h]
					}
				}
				if lost != s {
					n = smallest(n, hard, grow*load)
				}
			}
		}
		return n
	}
	n := 0
	for _, asks := range []func(float64) int{own, moved} {
		n = max(n, min(asks(1+l.ShrinkMargin), asks(1)+1))
	}
	return min(most, n)
}

// price is the objective, the changes and the monthly cost of any placement.
func (o *oracle) price(open []string, count map[string]int) (objective float64, changes int, monthly float64) {
	p := o.p
	for _, e := range o.edges {
		s := o.closest(e, open)
		objective += p.ValuePerMS * o.share[e] * o.paid(e, open)
		monthly += o.edge[e].GBOut * o.carry[e][s]
	}
	regions := slices.Clone(open)
	for s := range p.Current {
		if !slices.Contains(open, s) {
			regions = append(regions, s)
		}
	}
	for _, s := range open {
		monthly += o.compute(s, count[s], open)
	}
	objective += monthly
	for _, s := range regions {
		before, after := p.Current[s], 0
		if slices.Contains(open, s) {
			after = count[s]
		}
		if (before > 0) != (after > 0) {
			objective += p.ChangeCost
		}
		changes += max(before-after, after-before)
	}
	return objective + p.MachineChangeCost*float64(changes), changes, monthly
}

// compute is the price of n Machines of s, in USD a month.
func (o *oracle) compute(s string, n int, open []string) float64 {
	running, _ := o.running(s, n, open)
	usd := running * o.cand[s].MachineCost
	if o.p.Autostop != nil {
		usd += (float64(n) - running) * o.p.Autostop.StoppedCost
	}
	return usd
}

// paid is the mean latency that the requests of an edge pay.
func (o *oracle) paid(edge string, open []string) float64 {
	s := o.closest(edge, open)
	ms := o.lat[edge][s] + o.cand[s].BackendMS
	if o.p.Autostop != nil {
		_, cold := o.running(s, 1, open)
		ms += cold * o.p.Autostop.ColdStartMS
	}
	return ms
}

// running is how many of n Machines of s run on average, and the share of its
// requests that wait for a start.
func (o *oracle) running(s string, n int, open []string) (machines, cold float64) {
	a, all := o.p.Autostop, float64(n)
	if a == nil || o.hours == 0 {
		return all, 0
	}
	soft, kept := o.p.SoftLimit, min(n, o.cand[s].MinRunning)
	if o.p.HardLimit > 0 {
		soft = min(soft, o.p.HardLimit)
	}
	sum, quiet, late, requests := 0.0, 0.0, 0.0, 0.0
	for h := range o.hours {
		load := o.loadOf(s, h, open)
		run := 0
		if load > 0 {
			run = 1
			if soft > 0 {
				run = smallest(1, soft, load)
			}
		}
		sum += float64(min(n, max(run, kept)))
		r := load * a.RequestsPerHour
		gap := math.Exp(-r * 5 / 60)
		if load == 0 {
			quiet++
		} else {
			quiet += min(1, r*gap)
		}
		late += r * gap
		requests += r
	}
	scale := a.Scale
	if scale == 0 {
		scale = 1
	}
	machines = min(all, max(float64(kept), scale*sum/float64(o.hours)))
	if a.RequestsPerHour == 0 || kept > 0 || quiet <= 0.1*float64(o.hours)*(1+1e-9) {
		return machines, 0
	}
	if requests == 0 {
		return machines, 1
	}
	return machines, late / requests
}

// allowed says whether a placement keeps to the limits that are not counts per
// region's load.
func (o *oracle) allowed(open []string, count map[string]int) bool {
	l := o.p.Limits
	total := 0
	for _, s := range open {
		total += count[s]
		if most := o.cand[s].MaxMachines; most > 0 && count[s] > most {
			return false
		}
	}
	for _, c := range o.p.Candidates {
		if (c.Required || c.MinMachines > 0) && !slices.Contains(open, c.Region) {
			return false
		}
	}
	_, changes, monthly := o.price(open, count)
	over := func(v, limit float64) bool { return limit > 0 && v > limit*(1+1e-9) }
	return len(open) >= l.MinRegions && !over(float64(len(open)), float64(l.MaxRegions)) &&
		!over(float64(total), float64(l.MaxMachines)) && !over(float64(changes), float64(l.MaxChanges)) &&
		!over(monthly, l.MaxMonthlyCost) &&
		(l.MaxP95LatencyMS == 0 || !over(o.percentile(0.95, open), l.MaxP95LatencyMS))
}

func (o *oracle) percentile(share float64, open []string) float64 {
	latency := func(e string) float64 {
		s := o.closest(e, open)
		return o.lat[e][s] + o.cand[s].BackendMS
	}
	best := math.Inf(1)
	for _, e := range o.edges {
		reached := 0.0
		for _, f := range o.edges {
			if latency(f) <= latency(e) {
				reached += o.share[f]
			}
		}
		if o.share[e] > 0 && reached >= share*(1-1e-9) {
			best = min(best, latency(e))
		}
	}
	if math.IsInf(best, 1) {
		return 0 // nothing weighs
	}
	return best
}

// solve returns the preferred of all options; ok is false if there is none.
func (o *oracle) solve() (best option, ok bool) {
	all := o.options()
	lowest := math.Inf(1)
	for _, a := range all {
		lowest = min(lowest, a.objective)
	}
	for _, a := range all {
		if a.objective <= lowest+1e-9*math.Abs(lowest) && (!ok || prefer(a, best) < 0) {
			best, ok = a, true
		}
	}
	return best, ok
}

// options lists every feasible placement.
func (o *oracle) options() []option {
	var all []option
	for set := 1; set < 1<<len(o.codes); set++ {
		var open []string
		for i, s := range o.codes {
			if set>>i&1 == 1 {
				open = append(open, s)
			}
		}
		if _, _, need := o.required(open); need != nil {
			all = o.surplus(all, open, need, 0)
		}
	}
	return all
}

// surplus appends every allowed choice of kept Machines from region i on.
func (o *oracle) surplus(all []option, open []string, count map[string]int, i int) []option {
	if i == len(open) {
		if !o.allowed(open, count) {
			return all
		}
		objective, changes, _ := o.price(open, count)
		return append(all, option{objective, changes, open, maps.Clone(count)})
	}
	s := open[i]
	need := count[s]
	for n := need; n <= max(need, o.p.Current[s]); n++ {
		count[s] = n
		all = o.surplus(all, open, count, i+1)
	}
	count[s] = need
	return all
}

// prefer orders equal objectives: fewer changes, fewer regions, lower codes;
// then more Machines kept in lower codes.
func prefer(a, b option) int {
	if c := cmp.Or(cmp.Compare(a.changes, b.changes), cmp.Compare(len(a.open), len(b.open)),
		slices.Compare(a.open, b.open)); c != 0 {
		return c
	}
	for _, s := range a.open {
		if c := cmp.Compare(b.count[s], a.count[s]); c != 0 {
			return c
		}
	}
	return 0
}
