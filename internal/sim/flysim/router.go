package flysim

import (
	"maps"
	"slices"
)

// A Router sends requests where fly-proxy would: all of an edge region's to
// the closest region that has a serving Machine. Requests above the hard limit
// stay there, so that the load shows what a region is asked for.
type Router struct {
	// Demand is what comes in by edge region, in requests in flight.
	Demand map[string]float64
	// Closest lists the regions for each edge region, the closest first.
	Closest map[string][]string
	// PerMachine is how many requests in flight one Machine takes.
	PerMachine float64
}

// Load returns what each region gets; "" gets what no region serves.
func (r Router) Load(serving map[string]int) map[string]float64 {
	load := map[string]float64{}
	for _, edge := range slices.Sorted(maps.Keys(r.Demand)) {
		to := ""
		if i := slices.IndexFunc(r.Closest[edge], func(region string) bool { return serving[region] > 0 }); i >= 0 {
			to = r.Closest[edge][i]
		}
		load[to] += r.Demand[edge]
	}
	return load
}

// Overloaded returns the regions, in order of their codes, that get more than
// their serving Machines take; "" among them when some demand has nowhere to
// go.
func (r Router) Overloaded(serving map[string]int) []string {
	var over []string
	for region, load := range r.Load(serving) {
		if load > r.PerMachine*float64(serving[region])*(1+1e-9) {
			over = append(over, region)
		}
	}
	slices.Sort(over)
	return over
}
