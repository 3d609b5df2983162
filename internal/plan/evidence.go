package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

// evidenceWork is about how long the search for what else was possible may
// take, for the regions one by one and for the numbers of regions each. Like
// every bound of the solver it counts work, so that plans are reproducible.
const evidenceWork = 250 * time.Millisecond

// evidenceRounds is how often the regions left out are asked for again without
// those that would serve nobody.
const evidenceRounds = 4

// evidence compares the planned placement with what else the limits allow.
func (out *Group) evidence(c changeInput, a answer) error {
	within := placement.Within(a.problem, evidenceWork)
	first, err := placement.Explain(a.problem, a.Solution, within)
	if err != nil {
		return err
	}
	for _, r := range first.Why {
		x := comparison(r)
		if r.Status == placement.Infeasible || r.Status == placement.Unknown {
			if x, err = c.otherwise(x); err != nil {
				return err
			}
		}
		out.Why = append(out.Why, x)
	}
	if err := out.leftOut(c, a, first, within); err != nil {
		return err
	}
	points, err := placement.Frontier(a.problem, a.Solution, within)
	if err != nil {
		return err
	}
	for _, p := range points {
		if p.Regions == len(a.Open) { // the plan itself, also where it was not found again
			p.Open, p.Placement, p.Status = a.Open, a.Placement, a.Status
			p.Objective, p.MeanLatencyMS, p.MonthlyCost = a.Objective, a.MeanLatencyMS, a.MonthlyCost
		}
		x := Point{Regions: p.Regions, Status: p.Status}
		if len(p.Placement) > 0 {
			x.Open, x.Placement, x.Objective = codes(p.Open), out.withIdle(c.p, p.Placement), p.Objective
			x.MeanMS, x.Cost = p.MeanLatencyMS, p.MonthlyCost+out.idle
		}
		if p.Regions == len(a.Open) && len(p.Placement) > 0 { // with what is kept beyond the optimum
			x.Placement, x.Cost = out.withIdle(c.p, c.next), c.after.ComputeCost+c.after.TransferCost+out.idle
		}
		out.Frontier = append(out.Frontier, x)
	}
	return nil
}

// leftOut finds the best regions left out and the runner-up, none with a new
// region for nobody unless the plan itself has one because a limit wants it.
// Such regions are dropped as solveBusy does, but only here: one that serves
// nobody beside the plan may be the best in place of a region of it. The
// runner-up is the solver's, or else the best set of all that were found.
func (out *Group) leftOut(c changeInput, a answer, e placement.Explanation, within placement.Options) error {
	picky, err := c.busy(a.Open)
	if err != nil {
		return err
	}
	rest := problem{Problem: a.problem}
	var sets []placement.RunnerUp // only the first is known to be the best of all
	if e.RunnerUp != nil {
		sets = append(sets, *e.RunnerUp)
	}
	for round := 1; ; round++ {
		for _, r := range slices.Concat(e.Why, e.WhyNot) {
			if len(r.Open) > 0 {
				sets = append(sets, placement.RunnerUp{Open: r.Open, Objective: r.Objective, Status: placement.Feasible})
			}
		}
		var idle []string
		out.NotAdded = nil
		for _, r := range e.WhyNot {
			if picky && r.Share < minShare {
				idle = append(idle, r.Region)
			} else {
				out.NotAdded = append(out.NotAdded, comparison(r))
			}
		}
		if len(idle) == 0 || round == evidenceRounds {
			break
		}
		rest.drop(idle)
		if e, err = placement.Explain(rest.Problem, a.Solution, within); err != nil {
			return err
		}
	}
	if len(sets) > 0 {
		slices.SortStableFunc(sets[1:], func(a, b placement.RunnerUp) int { return cmp.Compare(a.Objective, b.Objective) })
	}
	return out.runnerUp(c, a, sets, picky)
}

// runnerUp picks the first of sets that opens no region for nobody, if picky.
func (out *Group) runnerUp(c changeInput, a answer, sets []placement.RunnerUp, picky bool) error {
	for _, up := range sets {
		busy, err := c.busy(up.Open)
		if err != nil {
			return err
		}
		if busy || !picky {
			out.RunnerUp = &RunnerUp{
				Open: codes(up.Open), Objective: up.Objective, Regret: up.Objective - a.Objective, Status: up.Status,
				Live: slices.Equal(up.Open, slices.Sorted(maps.Keys(c.p.live.Current))),
			}
			return nil
		}
	}
	return nil
}

// busy tells whether a set of regions opens none for nobody, as solveBusy does.
func (c changeInput) busy(open []string) (bool, error) {
	ones := map[string]int{}
	for _, code := range open {
		ones[code] = 1
	}
	e, err := placement.Evaluate(c.p.live, ones)
	solved := problem{Problem: c.solved}
	return err == nil && len(solved.idle(placement.Solution{Placement: ones, Assignment: e.Assignment})) == 0, err
}

func comparison(r placement.Reason) Comparison {
	return Comparison{
		Region: region.Code(r.Region), Share: r.Share, MS: r.MS, Compute: r.USDCompute, Transfer: r.USDTransfer,
		Open: codes(r.Open), Objective: r.Objective, Status: r.Status,
	}
}

// otherwise compares with the placement that decides one region the other way
// and nothing else, whatever the limits say: the planned one less that region,
// or with the Machines that it has now. There is none less the only region.
func (c changeInput) otherwise(x Comparison) (Comparison, error) {
	code := string(x.Region)
	other := maps.Clone(c.next)
	if c.next[code] > 0 {
		delete(other, code)
		x.Share = c.share(c.after, x.Region)
	} else {
		other[code] = c.p.live.Current[code]
	}
	if len(other) == 0 {
		return x, nil
	}
	e, err := placement.Evaluate(c.p.live, other)
	if err != nil {
		return x, err
	}
	if c.next[code] == 0 {
		x.Share = c.share(e, x.Region)
	}
	x.MS = c.after.MeanLatencyMS - e.MeanLatencyMS
	x.Compute, x.Transfer = c.after.ComputeCost-e.ComputeCost, c.after.TransferCost-e.TransferCost
	x.Open, x.Objective = codes(slices.Sorted(maps.Keys(other))), e.Objective
	return x, nil
}

func codes(names []string) []region.Code {
	var out []region.Code
	for _, name := range names {
		out = append(out, region.Code(name))
	}
	return out
}
