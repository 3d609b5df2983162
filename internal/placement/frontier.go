package placement

// A Point of the frontier is the best placement in a given number of regions.
type Point struct {
	// Regions is how many regions are open.
	Regions int `json:"regions"`
	// Open lists them, sorted, and Placement counts their Machines; both are
	// absent where Status says that there is no placement, or none was found.
	Open      []string       `json:"open,omitempty"`
	Placement map[string]int `json:"placement,omitempty"`
	// Objective is in USD a month, as are MonthlyCost, compute plus transfer,
	// and what MeanLatencyMS in ms is worth.
	Objective     float64 `json:"objective"`
	MeanLatencyMS float64 `json:"mean_latency_ms"`
	MonthlyCost   float64 `json:"monthly_cost"`
	Status        Status  `json:"status"`
}

// Frontier returns the best placement for every number of regions from 1 to
// that of the candidates, in this order. All limits of p hold except
// MinRegions and MaxRegions, which it replaces. sol is the answer of Solve to p:
// the point of its number of regions is no worse. opt bounds the work of all
// points together. The error is that of Validate.
func Frontier(p Problem, sol Solution, opt Options) ([]Point, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p.Limits.MinRegions, p.Limits.MaxRegions = 0, 0
	var open []int // numbers of regions, less 1, that are not known yet
	sols := make([]Solution, len(p.Candidates))
	for i := range sols {
		if i+1 == len(sol.Open) {
			sols[i] = sol
		}
		if sols[i].Status != Optimal {
			open = append(open, i)
		}
	}
	solve := p.bySize(sol.Open, opt)
	for j, found := range solveAll(len(open), opt, func(j int, opt Options) Solution { return solve(open[j], opt) }) {
		at := &sols[open[j]]
		if at.Status == "" || found.Status == Optimal || len(found.Placement) > 0 && found.Objective < at.Objective {
			*at = found
		}
	}
	points := make([]Point, len(sols))
	for i, sol := range sols {
		points[i] = Point{
			Regions: i + 1, Open: sol.Open, Placement: sol.Placement, Objective: sol.Objective,
			MeanLatencyMS: sol.MeanLatencyMS, MonthlyCost: sol.MonthlyCost, Status: sol.Status,
		}
	}
	return points, nil
}

// bySize returns a function that solves p with i+1 regions open; all of them
// together may use opt. The best set is known to be near to open, if any is.
func (p Problem) bySize(open []string, opt Options) func(i int, opt Options) Solution {
	if p.entangled() == "" {
		return func(i int, opt Options) Solution {
			q := p
			q.Limits.MinRegions, q.Limits.MaxRegions = i+1, i+1
			return solveValid(q, opt)
		}
	}
	f := &family{model: compile(p)}
	start := uint64(0)
	for _, code := range open {
		start |= 1 << f.index[code]
	}
	for i := range p.Candidates {
		f.vary(func(m *model) { m.limits.MinRegions, m.limits.MaxRegions = i+1, i+1 })
	}
	f.spread(start, opt.each(len(p.Candidates)))
	return f.solve
}
