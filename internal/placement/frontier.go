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
// MinRegions and MaxRegions, which it replaces. opt bounds the work of all
// points together. The error is that of Validate.
func Frontier(p Problem, opt Options) ([]Point, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	p.Limits.MinRegions, p.Limits.MaxRegions = 0, 0
	points := make([]Point, len(p.Candidates))
	for i, sol := range solveAll(len(points), opt, p.bySize(opt)) {
		points[i] = Point{
			Regions: i + 1, Open: sol.Open, Placement: sol.Placement, Objective: sol.Objective,
			MeanLatencyMS: sol.MeanLatencyMS, MonthlyCost: sol.MonthlyCost, Status: sol.Status,
		}
	}
	return points, nil
}

// bySize returns a function that solves p with i+1 regions open; all of them
// together may use opt.
func (p Problem) bySize(opt Options) func(i int, opt Options) Solution {
	if p.entangled() == "" {
		return func(i int, opt Options) Solution {
			q := p
			q.Limits.MinRegions, q.Limits.MaxRegions = i+1, i+1
			return solveValid(q, opt)
		}
	}
	f := &family{model: compile(p)}
	for i := range p.Candidates {
		f.vary(func(m *model) { m.limits.MinRegions, m.limits.MaxRegions = i+1, i+1 })
	}
	f.spread(opt.each(len(p.Candidates)))
	return f.solve
}
