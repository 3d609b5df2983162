package placement

import (
	"cmp"
	"math"
	"slices"
)

// An Answer is what the command solve prints: the solution and, where asked
// for, its explanation and the frontier.
type Answer struct {
	Solution
	Explanation
	Frontier []Point `json:"frontier,omitempty"`
}

// An Explanation compares a solution with others that keep to every limit.
type Explanation struct {
	// RunnerUp is the best placement in another set of regions; nil if no other
	// set has any.
	RunnerUp *RunnerUp `json:"runner_up,omitempty"`
	// Why has a Reason for each open region and each region of Current that is
	// closed, by code: the best placement that decides this one region the
	// other way. The figures are the solution's less that placement's: what
	// having the region open, or closed, does.
	Why []Reason `json:"why,omitempty"`
	// WhyNot has a Reason for each of the three best regions that are neither
	// open nor in Current, the best first: the best placement with the region
	// open. The figures are that placement's less the solution's: what opening
	// the region would do.
	WhyNot []Reason `json:"why_not,omitempty"`
}

// A RunnerUp is the best placement in another set of regions than the
// solution's. Its Objective less the solution's is the regret of choosing it.
type RunnerUp struct {
	Open      []string `json:"open"`
	Objective float64  `json:"objective"`
	// Status is Optimal if it is proven that no other set is better.
	Status Status `json:"status"`
}

// A Reason says what one region's decision does, compared with the best
// placement that decides it the other way.
type Reason struct {
	Region string `json:"region"`
	// Share is the share of all requests that the region serves where it is
	// open: in the solution, or in the other placement.
	Share float64 `json:"share"`
	// MS is the difference in mean latency, USDCompute and USDTransfer those in
	// USD a month. 0 where there is no other placement.
	MS          float64 `json:"ms"`
	USDCompute  float64 `json:"usd_compute"`
	USDTransfer float64 `json:"usd_transfer"`
	// Open and Objective are the other placement's.
	Open      []string `json:"open,omitempty"`
	Objective float64  `json:"objective"`
	// Status is the other placement's: Infeasible where no placement decides
	// the region the other way and keeps to every limit.
	Status Status `json:"status"`
}

// whyNotCount is how many regions left out are explained.
const whyNotCount = 3

// Explain explains sol, the answer of Solve to p. It solves p once more for
// each candidate, with it closed if sol opens it, and open if not; opt bounds
// the work of all of them together. Each set of regions other than sol's
// differs from it in some region, so it is allowed in the solve that decides
// that region the other way, and none of these allows sol's: the best of their
// answers is the best of all other sets. A solution without a placement has no
// explanation. The error is that of Validate.
func Explain(p Problem, sol Solution, opt Options) (Explanation, error) {
	if err := p.Validate(); err != nil {
		return Explanation{}, err
	}
	if len(sol.Placement) == 0 {
		return Explanation{}, nil
	}
	e := explainer{p: p, sol: sol, shares: edgeShares(p)}
	var flips []int // candidates that can be decided the other way
	for i, c := range p.Candidates {
		if sol.Placement[c.Region] == 0 || !c.Required && c.MinMachines == 0 && len(p.Candidates) > 1 {
			flips = append(flips, i)
		} else {
			e.others = append(e.others, alternative{c.Region, Solution{Status: Infeasible}})
		}
	}
	sols := solveAll(len(flips), opt, e.flips(flips, opt))
	for i, other := range sols {
		e.others = append(e.others, alternative{p.Candidates[flips[i]].Region, other})
	}
	slices.SortFunc(e.others, func(a, b alternative) int { return cmp.Compare(a.region, b.region) })
	return Explanation{RunnerUp: e.runnerUp(), Why: e.why(), WhyNot: e.whyNot()}, nil
}

// An alternative is the best placement that decides a region the other way.
type alternative struct {
	region string
	Solution
}

type explainer struct {
	p      Problem
	sol    Solution
	shares map[string]float64 // by edge
	others []alternative      // by region
}

// flips returns a function that solves the problem with one of the candidates
// of list decided the other way.
func (e *explainer) flips(list []int, opt Options) func(i int, opt Options) Solution {
	if e.p.entangled() == "" {
		return func(i int, opt Options) Solution { return solveValid(e.flip(list[i]), opt) }
	}
	f := &family{model: compile(e.p)}
	set := uint64(0)
	for _, code := range e.sol.Open {
		set |= 1 << f.index[code]
	}
	for _, i := range list {
		f.vary(func(m *model) {
			// What runs in a region that may not open counts as closed.
			if s := m.index[e.p.Candidates[i].Region]; set>>s&1 == 1 {
				m.ceiling[s] = 0
			} else {
				m.must[s] = true
			}
		})
	}
	f.prepare(set, opt.each(len(list)))
	return f.solve
}

// flip is the problem with candidate i decided the other way.
func (e *explainer) flip(i int) Problem {
	if e.sol.Placement[e.p.Candidates[i].Region] > 0 {
		return e.p.without(i)
	}
	q := e.p
	q.Candidates = slices.Clone(q.Candidates)
	q.Candidates[i].Required = true
	return q
}

// without is p less candidate i. What runs there counts as closed then, as in
// every solution of p in which the region is not open.
func (p Problem) without(i int) Problem {
	p.Candidates = slices.Delete(slices.Clone(p.Candidates), i, i+1)
	columns := func(rows [][]float64) [][]float64 {
		out := slices.Clone(rows)
		for e, row := range rows {
			out[e] = slices.Delete(slices.Clone(row), i, i+1)
		}
		return out
	}
	p.LatencyMS = columns(p.LatencyMS)
	p.TransferUSDPerGB = columns(p.TransferUSDPerGB)
	return p
}

// runnerUp is the preferred of the alternatives, by the order that Solve
// decides by.
func (e *explainer) runnerUp() *RunnerUp {
	lowest := math.Inf(1)
	for _, a := range e.others {
		if len(a.Placement) > 0 {
			lowest = min(lowest, a.Objective)
		}
	}
	var best *alternative
	for i, a := range e.others {
		if len(a.Placement) > 0 && a.Objective <= lowest+tol*math.Abs(lowest) &&
			(best == nil || e.preferred(a.Solution, best.Solution)) {
			best = &e.others[i]
		}
	}
	if best == nil {
		return nil
	}
	up := &RunnerUp{Open: best.Open, Objective: best.Objective, Status: Optimal}
	for _, a := range e.others {
		if a.Status == Unknown || a.Status == Feasible && a.Bound < lowest-tol*math.Abs(lowest) {
			up.Status = Feasible
		}
	}
	return up
}

// preferred breaks ties as Solve does: fewer Machines created and destroyed,
// fewer regions, the set whose sorted codes come first.
func (e *explainer) preferred(a, b Solution) bool {
	return cmp.Or(
		cmp.Compare(e.p.changes(a.Placement), e.p.changes(b.Placement)),
		cmp.Compare(len(a.Open), len(b.Open)),
		slices.Compare(a.Open, b.Open),
	) < 0
}

// changes counts the Machines that a placement creates and destroys.
func (p Problem) changes(to map[string]int) int {
	n := 0
	for code, count := range to {
		n += abs(count - p.Current[code])
	}
	for code, count := range p.Current {
		if to[code] == 0 {
			n += count
		}
	}
	return n
}

func (e *explainer) why() []Reason {
	var reasons []Reason
	for _, a := range e.others {
		switch {
		case e.sol.Placement[a.region] > 0:
			reasons = append(reasons, e.reason(a, a.Solution, e.sol, e.sol))
		case e.p.Current[a.region] > 0:
			reasons = append(reasons, e.reason(a, a.Solution, e.sol, a.Solution))
		}
	}
	known := func(code string) bool {
		return slices.ContainsFunc(e.others, func(a alternative) bool { return a.region == code })
	}
	for _, code := range sortedKeys(e.p.Current) {
		if e.p.Current[code] > 0 && !known(code) { // no candidate: it cannot stay
			reasons = append(reasons, Reason{Region: code, Status: Infeasible})
		}
	}
	slices.SortFunc(reasons, func(a, b Reason) int { return cmp.Compare(a.Region, b.Region) })
	return reasons
}

func (e *explainer) whyNot() []Reason {
	left := slices.DeleteFunc(slices.Clone(e.others), func(a alternative) bool {
		return len(a.Placement) == 0 || e.sol.Placement[a.region] > 0 || e.p.Current[a.region] > 0
	})
	slices.SortStableFunc(left, func(a, b alternative) int { return cmp.Compare(a.Objective, b.Objective) })
	var reasons []Reason
	for _, a := range left[:min(whyNotCount, len(left))] {
		reasons = append(reasons, e.reason(a, e.sol, a.Solution, a.Solution))
	}
	return reasons
}

// reason compares two placements, one of them the alternative; serving is the
// one in which the region is open.
func (e *explainer) reason(a alternative, from, to, serving Solution) Reason {
	r := Reason{Region: a.region, Open: a.Open, Objective: a.Objective, Status: a.Status, Share: e.share(a.region, serving)}
	if len(a.Placement) > 0 {
		r.MS = to.MeanLatencyMS - from.MeanLatencyMS
		r.USDCompute = to.MonthlyCost - to.TransferCost - (from.MonthlyCost - from.TransferCost)
		r.USDTransfer = to.TransferCost - from.TransferCost
	}
	return r
}

// share is the share of all requests that a region serves.
func (e *explainer) share(region string, s Solution) float64 {
	sum := 0.0
	for _, edge := range sortedKeys(e.shares) {
		if s.Assignment[edge] == region {
			sum += e.shares[edge]
		}
	}
	return sum
}

// edgeShares are the edges' shares of all requests, by code.
func edgeShares(p Problem) map[string]float64 {
	row := make([]int, len(p.Edges))
	for i := range row {
		row[i] = i
	}
	slices.SortFunc(row, func(a, b int) int { return cmp.Compare(p.Edges[a].Region, p.Edges[b].Region) })
	shares := make(map[string]float64, len(row))
	for i, w := range weights(p, row) {
		shares[p.Edges[row[i]].Region] = w
	}
	return shares
}
