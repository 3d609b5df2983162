package bench

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
)

// A strategy says where to run an app without the solver. It chooses regions;
// the Machines in them are what placement.Required asks for, for all alike.
type strategy struct {
	name string
	open func(t *testing.T, p placement.Problem) []string
}

var strategies = []strategy{
	{"keep the regions", func(_ *testing.T, p placement.Problem) []string { return slices.Sorted(maps.Keys(p.Current)) }},
	{"top 3 by traffic", func(_ *testing.T, p placement.Problem) []string { return busiest(p, 3) }},
	{"top 5 by traffic", func(_ *testing.T, p placement.Problem) []string { return busiest(p, 5) }},
	{"greedy addition", greedy},
	{"thresholds: 50 and 10 requests", func(_ *testing.T, p placement.Problem) []string { return thresholds(p, 1) }},
	{"thresholds: 50 % and 10 %", func(_ *testing.T, p placement.Problem) []string {
		in := traffic(p)
		return thresholds(p, 100/slices.Max(slices.Collect(maps.Values(in))))
	}},
}

// traffic is how many requests in five minutes enter closest to each candidate.
func traffic(p placement.Problem) map[string]float64 {
	in := map[string]float64{}
	for e, edge := range p.Edges {
		near := 0
		for j, ms := range p.LatencyMS[e] {
			if ms < p.LatencyMS[e][near] {
				near = j
			}
		}
		in[p.Candidates[near].Region] += edge.Requests / float64(12*len(edge.Demand))
	}
	return in
}

// busiest are the k regions where most requests enter.
func busiest(p placement.Problem, k int) []string {
	in := traffic(p)
	codes := slices.SortedFunc(maps.Keys(in), func(a, b string) int {
		return cmp.Or(cmp.Compare(in[b], in[a]), strings.Compare(a, b))
	})
	return codes[:min(k, len(codes))]
}

// thresholds opens a region where 50 or more enter, and closes one where 10 or
// fewer do; between them what is open stays open, and at least the busiest is.
// With scale 1 that is requests in five minutes, the rule and the default
// figures of 10thfloor/fly-autoplacer, looked at once with the mean of all
// hours: its moving averages end there when demand is steady. It caps the
// number of regions only where told to; so nothing here does. Fixed figures do
// not fit apps of all sizes, so another scale makes them percentages of the
// busiest region's.
func thresholds(p placement.Problem, scale float64) []string {
	in := traffic(p)
	open := busiest(p, 1)
	for _, c := range p.Candidates {
		n := in[c.Region] * scale
		if (n >= 50 || n > 10 && p.Current[c.Region] > 0) && c.Region != open[0] {
			open = append(open, c.Region)
		}
	}
	return open
}

// greedy starts with the best single region and adds the one that lowers the
// objective most, until none does. It is told the objective, the counts and the
// prices that the solver has.
func greedy(t *testing.T, p placement.Problem) []string {
	t.Helper()
	var open []string
	for {
		var best []string
		var least float64
		if open != nil {
			_, e := priced(t, p, open)
			least = e.Objective
		}
		for _, c := range p.Candidates {
			if slices.Contains(open, c.Region) {
				continue
			}
			more := append(slices.Clone(open), c.Region)
			_, e := priced(t, p, more)
			if open == nil && best == nil || e.Objective < least*(1-1e-9) {
				best, least = more, e.Objective
			}
		}
		if best == nil {
			return open
		}
		open = best
	}
}

// priced is what the regions cost with the Machines that they require.
func priced(t *testing.T, p placement.Problem, open []string) (map[string]int, placement.Evaluation) {
	t.Helper()
	counts, ok := p.Required(open)
	if !ok {
		t.Fatalf("%s: no counts for %v", p.Name, open)
	}
	machines := map[string]int{}
	for code, c := range counts {
		machines[code] = c.Fill
	}
	e, err := placement.Evaluate(p, machines)
	if err != nil || len(e.Broken) > 0 {
		t.Fatalf("%s: %v breaks %v, %v", p.Name, machines, e.Broken, err)
	}
	return machines, e
}
