package placement

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// An Evaluation is what one given placement costs and which limits it breaks.
type Evaluation struct {
	// Objective is the same function that Solve minimises, in USD a month.
	Objective float64 `json:"objective"`
	// The latencies include the backend's, in ms, weighted by requests. P50 and
	// P95 are the smallest latencies that 50 and 95 % of the requests keep to.
	MeanLatencyMS float64 `json:"mean_latency_ms"`
	P50LatencyMS  float64 `json:"p50_latency_ms"`
	P95LatencyMS  float64 `json:"p95_latency_ms"`
	// ComputeCost and TransferCost are USD a month; the monthly cost is their sum.
	ComputeCost  float64 `json:"compute_cost"`
	TransferCost float64 `json:"transfer_cost"`
	// Changes counts the Machines created and destroyed, RegionChanges the
	// regions opened and closed, both from the current placement.
	Changes       int `json:"changes"`
	RegionChanges int `json:"region_changes"`
	// Running is how many Machines of each open region run on average: all of
	// them without Problem.Autostop.
	Running map[string]float64 `json:"running"`
	// ColdStarts is the share of the requests of an open region that wait for a
	// Machine to start, where it has any, and ColdMS what that adds to
	// MeanLatencyMS.
	ColdStarts map[string]float64 `json:"cold_starts,omitempty"`
	ColdMS     float64            `json:"cold_ms,omitempty"`
	// Assignment maps each edge's region to the open region that serves it.
	Assignment map[string]string `json:"assignment"`
	// Load is each open region's requests in flight in its busiest hour.
	Load map[string]float64 `json:"load"`
	// Broken lists the limits that the placement breaks; empty if Solve could
	// have returned it.
	Broken []Breach `json:"broken,omitempty"`
}

// A Breach is one limit that a placement breaks. Limit is its name in
// problem.json, or "load": fewer Machines than the region's own busiest hour
// asks for at the target utilization. Region is set where the limit is a
// region's. Value is what the placement has, Bound what the limit wants.
type Breach struct {
	Limit  string  `json:"limit"`
	Region string  `json:"region,omitempty"`
	Value  float64 `json:"value"`
	Bound  float64 `json:"bound"`
}

// Evaluate prices any placement, Machines by region, optimal or not, feasible
// or not: the live one, yesterday's, a reviewed one. Regions with 0 Machines
// are closed. It returns an error if p is invalid, if the placement names a
// region that is no candidate (its latency is not known), or if no Machine is
// left to serve.
func Evaluate(p Problem, placement map[string]int) (Evaluation, error) {
	if err := p.Validate(); err != nil {
		return Evaluation{}, err
	}
	m := compile(p)
	open, err := m.open(placement)
	if err != nil {
		return Evaluation{}, fmt.Errorf("evaluate placement: %w", err)
	}
	t := newTally(m)
	t.weigh(open)
	possible := t.require()
	for i, s := range t.open {
		t.count[i] = placement[m.regions[s]]
	}
	t.ask(t.count)
	t.cost()
	e := Evaluation{
		Objective: t.objective, MeanLatencyMS: t.mean,
		P50LatencyMS: t.percentile(0.5), P95LatencyMS: t.percentile(0.95),
		ComputeCost: t.compute, TransferCost: t.transferCost,
		Changes: t.changes, RegionChanges: t.regionChanges,
		ColdMS: t.coldMS, ColdStarts: map[string]float64{}, Running: map[string]float64{},
		Assignment: t.assignment(), Load: map[string]float64{},
	}
	for i, s := range t.open {
		e.Load[m.regions[s]] = t.peak[i]
		e.Running[m.regions[s]] = t.runs(i, t.count[i])
		if t.cold[i] > 0 {
			e.ColdStarts[m.regions[s]] = t.cold[i]
		}
	}
	e.Broken = append(t.brokenPerRegion(), t.brokenTotals(possible, e.P95LatencyMS)...)
	return e, nil
}

// open lists the open regions of a placement.
func (m *model) open(placement map[string]int) ([]int, error) {
	var open []int
	var errs []error
	for _, code := range sortedKeys(placement) {
		count := placement[code]
		s, ok := m.index[code]
		switch {
		case count < 0 || count > maxCount:
			errs = append(errs, fmt.Errorf("region %s has %d Machines; it must be from 0 to %d", code, count, maxCount))
		case count > 0 && !ok:
			errs = append(errs, fmt.Errorf("region %s is no candidate; add it to the candidates to price it", code))
		case count > 0:
			open = append(open, s)
		}
	}
	if open == nil && errs == nil {
		errs = append(errs, errors.New("no region has a Machine"))
	}
	return open, errors.Join(errs...)
}

// assignment names the region that serves each edge.
func (t *tally) assignment() map[string]string {
	to := make(map[string]string, len(t.edges))
	for e, code := range t.edges {
		to[code] = t.regions[t.open[t.first[e]]]
	}
	return to
}

// percentile is the smallest latency that the given share of requests keeps
// to, the backend's included; 0 where nothing weighs.
func (t *tally) percentile(share float64) float64 {
	n := len(t.regions)
	type part struct{ ms, weight float64 }
	var parts []part
	all := 0.0
	for e, i := range t.first {
		if t.weight[e] > 0 {
			parts = append(parts, part{t.ms[e*n+t.open[i]], t.weight[e]})
			all += t.weight[e]
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.ms, b.ms) })
	sum := 0.0
	for _, p := range parts {
		if sum += p.weight; sum >= share*all*(1-tol) {
			return p.ms
		}
	}
	return 0
}

// brokenPerRegion lists the limits that single regions break with t.count
// Machines.
func (t *tally) brokenPerRegion() []Breach {
	var broken []Breach
	next := 0
	for s, code := range t.regions {
		if next == len(t.open) || t.open[next] != s {
			if t.must[s] {
				broken = append(broken, Breach{Limit: "required", Region: code, Bound: 1})
			}
			continue
		}
		count := t.count[next]
		least := func(limit string, bound int) {
			if count < bound {
				broken = append(broken, Breach{limit, code, float64(count), float64(bound)})
			}
		}
		least("load", machines(t.peak[next], t.quota))
		_, bare := t.bare(s, t.peak[next], len(t.open) == 1)
		bare = max(bare, machines(t.surge[next], t.hard))
		if bare > t.base[next] {
			least("survive", bare)
		}
		if t.survive[next] > bare {
			least("shrink_margin", t.survive[next])
		}
		least("min_machines", t.minimum[s])
		least("min_machines_per_region", t.limits.MinMachinesPerRegion)
		if count > t.ceiling[s] {
			broken = append(broken, Breach{"max_machines", code, float64(count), float64(t.ceiling[s])})
		}
		next++
	}
	return broken
}

// brokenTotals lists the limits that the placement as a whole breaks.
func (t *tally) brokenTotals(possible bool, p95 float64) []Breach {
	var broken []Breach
	check := func(ok bool, limit string, value, bound float64) {
		if !ok {
			broken = append(broken, Breach{Limit: limit, Value: value, Bound: bound})
		}
	}
	count := func(limit string, v, low, high int) {
		check(v >= low, "min_"+limit, float64(v), float64(low))
		check(v <= high, "max_"+limit, float64(v), float64(high))
	}
	total := 0
	for _, c := range t.count[:len(t.open)] {
		total += c
	}
	count("regions", len(t.open), t.limits.MinRegions, t.limits.MaxRegions)
	count("machines", total, t.limits.MinMachines, t.limits.MaxMachines)
	count("changes", t.changes, 0, t.limits.MaxChanges)
	cost := t.compute + t.transferCost
	check(within(cost, t.limits.MaxMonthlyCost), "max_monthly_cost", cost, t.limits.MaxMonthlyCost)
	check(within(p95, t.limits.MaxP95LatencyMS), "max_p95_latency_ms", p95, t.limits.MaxP95LatencyMS)
	if t.limits.Survive == Region && len(t.open) == 1 {
		check(possible, "survive", 1, 2)
	}
	return broken
}

// Counts are one open region's Machines after each step of sizing, each
// including the ones before, and the load that asks for them.
type Counts struct {
	// PeakLoad is the requests in flight of the busiest hour.
	PeakLoad float64 `json:"peak_load"`
	// Base carries PeakLoad at the target utilization and keeps to the minima
	// per region.
	Base int `json:"base"`
	// Survive carries the failure that limits.survive names, and has the live
	// Machines that limits.shrink_margin holds.
	Survive int `json:"survive"`
	// Fill is what is required in all, after filling up to limits.min_machines.
	Fill int `json:"fill"`
}

// Required returns the Machines that each open region needs when exactly the
// regions of open serve, step by step, for explanations. Upper limits are not
// applied, except that filling up skips regions that are full. It returns
// false if p is invalid, if open is empty or names a region that is no
// candidate, if a single region would have to survive its own loss, or if
// every open region is full before limits.min_machines is reached.
func (p Problem) Required(open []string) (map[string]Counts, bool) {
	if p.Validate() != nil {
		return nil, false
	}
	m := compile(p)
	ones := make(map[string]int, len(open))
	for _, code := range open {
		ones[code] = 1
	}
	list, err := m.open(ones)
	if err != nil {
		return nil, false
	}
	t := newTally(m)
	t.weigh(list)
	if !t.require() {
		return nil, false
	}
	counts := make(map[string]Counts, len(t.open))
	for i, s := range t.open {
		counts[m.regions[s]] = Counts{PeakLoad: t.peak[i], Base: t.base[i], Survive: t.survive[i], Fill: t.fill[i]}
	}
	return counts, true
}
