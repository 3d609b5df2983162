package plan

import (
	"fmt"
	"slices"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

// slack keeps a limit that was computed from a placement's own cost from
// refusing that very placement by rounding.
const slack = 1 + 1e-9

// An answer is the optimum under the policy's limits and the cost guard.
type answer struct {
	placement.Solution
	problem placement.Problem // as solved, with the guard as its cost limit
	// unrestricted is the optimum without the cost guard and max-changes;
	// equal to the Solution when neither binds.
	unrestricted placement.Solution
	findings     []Finding
}

// minShare is the share of requests below which a region is not opened.
const minShare = 0.001

// solveBusy finds the optimum without new regions that serve nobody. The
// model alone would open one as a cheap spare, continents away, for the day
// when a Machine fails: that is no place where anybody wants Machines. Such a
// candidate is dropped, and the problem solved again.
func solveBusy(pol Policy, p *problem, liveCost float64) (answer, error) {
	for {
		a, err := solve(pol, *p, liveCost)
		if err != nil || len(a.Placement) == 0 {
			return a, err
		}
		idle := p.idle(a.Solution)
		if len(idle) == 0 {
			return a, nil
		}
		p.drop(idle)
	}
}

// idle lists the regions that s opens, though nobody asked for them, and that
// serve less than minShare of the requests.
func (p *problem) idle(s placement.Solution) []string {
	served, all := map[string]float64{}, 0.0
	for _, e := range p.Edges {
		served[s.Assignment[e.Region]] += e.Requests
		all += e.Requests
	}
	var out []string
	for _, c := range p.Candidates {
		if s.Placement[c.Region] > 0 && p.Current[c.Region] == 0 && !c.Required && c.MinMachines == 0 && served[c.Region] < minShare*all {
			out = append(out, c.Region)
		}
	}
	return out
}

// drop takes candidates away.
func (p *problem) drop(regions []string) {
	var candidates []placement.Candidate
	latency := make([][]float64, len(p.LatencyMS))
	for i, c := range p.Candidates {
		if slices.Contains(regions, c.Region) {
			continue
		}
		candidates = append(candidates, c)
		for e, row := range p.LatencyMS {
			latency[e] = append(latency[e], row[i])
		}
	}
	p.Candidates, p.LatencyMS = candidates, latency
}

// solve finds the optimum. Two limits are the product's own and not the
// team's: the default of max-changes and the cost guard. Where the team's
// limits or the load cannot be met within them, the smallest value that can
// takes their place, and a finding says so.
func solve(pol Policy, p problem, liveCost float64) (answer, error) {
	a := answer{problem: p.Problem}
	guard := liveCost * (1 + pol.MaxCostIncrease) * slack
	free := p.Problem
	free.Limits.MaxChanges = 0
	var err error
	if a.unrestricted, err = placement.Solve(free, placement.Options{}); err != nil {
		return a, err
	}
	if len(a.unrestricted.Placement) > 0 && a.unrestricted.MonthlyCost <= guard &&
		changes(p.Current, a.unrestricted.Placement) <= p.Limits.MaxChanges {
		a.Solution = a.unrestricted
		return a, nil
	}
	if len(a.unrestricted.Placement) > 0 {
		if err := a.relax(pol, guard); err != nil {
			return a, err
		}
	}
	a.Solution, err = placement.Solve(a.problem, placement.Options{})
	return a, err
}

// relax sets a.problem's max-changes and cost guard to the usual values, or
// to the smallest that the other limits and the load allow. A max-changes that
// the team set stays.
func (a *answer) relax(pol Policy, guard float64) error {
	if pol.MaxChanges == 0 {
		fewest, err := extreme(a.problem, func(p *placement.Problem) {
			p.Limits.MaxChanges = 0
			p.MachineChangeCost = 1
			p.Candidates = unpriced(p.Candidates)
		})
		if err != nil {
			return err
		}
		n := changes(a.problem.Current, fewest.Placement)
		if len(fewest.Placement) > 0 && n > a.problem.Limits.MaxChanges {
			a.find("%d Machines must be created or destroyed for the limits and the measured load, more than the usual %d",
				"set max-changes to bound what one plan may change", n, a.problem.Limits.MaxChanges)
			a.problem.Limits.MaxChanges = n
		}
	}
	if limit := a.problem.Limits.MaxMonthlyCost; limit > 0 && limit <= guard {
		return nil
	}
	cheapest, err := extreme(a.problem, func(*placement.Problem) {})
	if err != nil || len(cheapest.Placement) == 0 {
		return err // the last solve says which limits contradict each other
	}
	if cheapest.MonthlyCost > guard {
		a.find("the limits and the measured load need $%.2f a month, more than the cost guard's $%.2f",
			"the plan is the best at the lowest cost that meets them; see max-cost-increase", cheapest.MonthlyCost, guard)
		guard = cheapest.MonthlyCost * slack
	}
	a.problem.Limits.MaxMonthlyCost = guard
	return nil
}

func (a *answer) find(format, hint string, args ...any) {
	a.findings = append(a.findings, Finding{Warning, fmt.Sprintf(format, args...), hint})
}

// extreme solves p for the lowest cost of Machines, and nothing else, after adapt.
func extreme(p placement.Problem, adapt func(*placement.Problem)) (placement.Solution, error) {
	p.ValuePerMS, p.ChangeCost, p.MachineChangeCost = 0, 0, 0
	adapt(&p)
	return placement.Solve(p, placement.Options{})
}

// unpriced makes Machines free, so that only their number counts. A cap on
// the cost is then no limit; the last solve holds it against the result.
func unpriced(candidates []placement.Candidate) []placement.Candidate {
	out := slices.Clone(candidates)
	for i := range out {
		out[i].MachineCost = 0
	}
	return out
}

// changes counts the Machines created plus those destroyed between two placements.
func changes(from, to map[string]int) int {
	n := 0
	for code, have := range from {
		n += abs(have - to[code])
	}
	for code, want := range to {
		if _, ok := from[code]; !ok {
			n += want
		}
	}
	return n
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// steady tells on which share of the window's days, weighted by requests, the
// planned regions beat the live ones. The cost of changing is left out: it was
// weighed once, in the objective.
func steady(pol Policy, p problem, daily [][]float64, planned map[string]int) (float64, error) {
	if len(daily) == 0 {
		return 1, nil
	}
	better, all := 0.0, 0.0
	for day := range daily[0] {
		today := p.live
		today.ChangeCost, today.MachineChangeCost = 0, 0
		today.Edges = make([]placement.Edge, len(p.live.Edges))
		requests := 0.0
		for e, edge := range p.live.Edges {
			edge.Requests = daily[e][day]
			requests += edge.Requests
			today.Edges[e] = edge
		}
		if requests == 0 {
			continue
		}
		today.ValuePerMS = pol.ValuePerMS * requests * 30 / 1e6
		stay, err := placement.Evaluate(today, today.Current)
		if err != nil {
			return 0, err
		}
		move, err := placement.Evaluate(today, planned)
		if err != nil {
			return 0, err
		}
		all += requests
		if move.Objective < stay.Objective {
			better += requests
		}
	}
	if all == 0 {
		return 1, nil
	}
	return better / all, nil
}

func sameRegions(a, b map[region.Code]int) bool {
	if len(a) != len(b) {
		return false
	}
	for c := range a {
		if _, ok := b[c]; !ok {
			return false
		}
	}
	return true
}
