package plan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// slack keeps a limit that was computed from a placement's own cost from
// refusing that very placement by rounding.
const slack = 1 + 1e-9

// An answer is the optimum under the policy's limits and the cost guard.
type answer struct {
	placement.Solution
	problem placement.Problem // as solved, with the guard as its cost limit
	// free is the optimum without the cost guard and max-changes, and binding
	// names those of the two that keep the plan from it.
	free     placement.Solution
	binding  []string
	findings []Finding
	// planned is the optimum with the Machines that hold keeps, and kept how
	// many these are, by region.
	planned, kept map[string]int
}

// minShare is the share of requests below which a region is not opened.
const minShare = 0.001

// solveBusy finds the optimum without new regions that serve nobody. The
// model alone would open one as a cheap spare, continents away, for the day
// when a Machine fails: that is no place where anybody wants Machines. Such a
// candidate is dropped, and the problem solved again, unless a limit wants the
// region to be there.
func solveBusy(pol Policy, p *problem, liveCost float64) (answer, error) {
	first, err := solveWhole(pol, *p, liveCost)
	a, dropped := first, []string(nil)
	for err == nil && len(a.Placement) > 0 {
		idle := p.idle(a.Solution)
		for _, code := range p.idle(a.free) {
			if a.Placement[code] == 0 && !slices.Contains(idle, code) {
				idle = append(idle, code)
			}
		}
		if len(idle) == 0 {
			if len(dropped) > 0 {
				slices.Sort(dropped)
				a.findings = append(a.findings, Finding{Level: Notice, Text: "left out, as they would serve under 0.1% of requests: " + strings.Join(dropped, ", ")})
			}
			return a, nil
		}
		dropped = append(dropped, idle...)
		p.drop(idle)
		a, err = solveWhole(pol, *p, liveCost)
	}
	return first, err // infeasible at once, or a limit wants regions for nobody
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
	var keep []int
	for i, c := range p.Candidates {
		if !slices.Contains(regions, c.Region) {
			keep = append(keep, i)
		}
	}
	p.keep(keep)
}

// solveWhole finds the optimum. The default of max-changes gives way where it
// would stop half-way: where the app would stay in its regions though others
// are better (the first Machine in a region draws all of its traffic, so that a
// part of a move is often no move at all), or pay for new Machines before the
// old ones may go.
func solveWhole(pol Policy, p problem, liveCost float64) (answer, error) {
	a, err := solveLasting(pol, p, liveCost)
	if err != nil || pol.MaxChanges > 0 || !slices.Contains(a.binding, "max-changes") {
		return a, err
	}
	stays := !opensAny(p.Current, a.Placement) && opensAny(p.Current, a.free.Placement)
	if !stays && a.MonthlyCost <= liveCost*slack {
		return a, nil
	}
	usual := p.Limits.MaxChanges
	p.Limits.MaxChanges = 0
	b, err := solveLasting(pol, p, liveCost)
	switch {
	case err != nil:
		return a, err
	case stays && opensAny(p.Current, b.Placement):
		b.find(Notice, "set max-changes to bound what one plan may change",
			"the plan creates and destroys %d Machines, more than the usual %d: with fewer no region would open",
			changes(p.Current, b.Placement), usual)
		return b, nil
	case len(b.Placement) > 0 && !stays && b.MonthlyCost < a.MonthlyCost:
		b.find(Notice, "set max-changes to bound what one plan may change",
			"the plan creates and destroys %d Machines, more than the usual %d: with fewer it would cost %s a month until the next one",
			changes(p.Current, b.Placement), usual, price.Format(a.MonthlyCost))
		return b, nil
	}
	return a, nil
}

// opensAny tells whether a placement has a region that runs nothing now.
func opensAny(live, next map[string]int) bool {
	for code, n := range next {
		if n > 0 && live[code] == 0 {
			return true
		}
	}
	return false
}

// hold keeps live Machines that a peak which wobbles would ask for again: in
// each region that stays open one more than the optimum has, while the load and
// shrinkMargin of it ask for that (placement.Limits). It is no limit of the
// optimum, which could evade it by moving next door. Where a limit would not be
// kept with them, none is held.
func (a *answer) hold() error {
	a.planned, a.kept = maps.Clone(a.Placement), map[string]int{}
	p := a.problem
	p.Limits.ShrinkMargin = shrinkMargin
	with, ok := p.Required(a.Open)
	for _, code := range a.Open {
		if more := min(p.Current[code], with[code].Survive) - a.planned[code]; ok && more > 0 {
			a.kept[code] = more
			a.planned[code] += more
		}
	}
	if len(a.kept) == 0 {
		return nil
	}
	e, err := placement.Evaluate(a.problem, a.planned)
	if err != nil || len(e.Broken) > 0 {
		a.planned, a.kept = maps.Clone(a.Placement), nil
	}
	return err
}

// solve finds the optimum. Two limits are the product's own and not the
// team's: the cost guard and the default of max-changes. Where the team's
// limits or the load cannot be met within them, they make room: for what is
// needed at least, and the usual allowance on top of it.
func solve(pol Policy, p problem, liveCost float64, keep bool) (a answer, err error) {
	a.problem = p.Problem
	limits := &a.problem.Limits
	usual, guard := limits.MaxChanges, liveCost*(1+pol.MaxCostIncrease)

	limits.MaxChanges = 0
	if a.free, err = a.solved(); err != nil || len(a.free.Placement) == 0 {
		a.Solution = a.free // with the limits that contradict each other, not ours
		return a, err
	}
	limits.MaxChanges = usual
	moves := changes(p.Current, a.free.Placement)
	within := (usual == 0 || moves <= usual) && a.free.MonthlyCost <= guard*slack
	allowed := guard * slack
	defer func() { // by the limits as they are in the end
		if a.free.MonthlyCost > allowed {
			a.binding = append(a.binding, "max-cost-increase")
		}
		if limits.MaxChanges > 0 && moves > limits.MaxChanges {
			a.binding = append(a.binding, "max-changes")
		}
		slices.Sort(a.binding)
	}()
	keeps := keep && !within && a.keepWhatLasts()
	if a.Solution, err = a.solved(); err != nil {
		return a, err
	}
	if len(a.Placement) == 0 && keeps {
		a.problem.Candidates = p.Candidates // what lasts cannot be kept within the limits
		if a.Solution, err = a.solved(); err != nil {
			return a, err
		}
	}
	if pol.MaxChanges == 0 {
		if err = a.allowWhatIsNeeded(usual); err != nil {
			return a, err
		}
	}
	if len(a.Placement) == 0 {
		return a, nil
	}
	team := limits.MaxMonthlyCost
	if team == 0 || guard*slack < team {
		limits.MaxMonthlyCost = guard * slack // also where it does not bind: what is compared keeps to it too
	}
	if a.MonthlyCost <= guard*slack {
		return a, nil
	}
	if a.Solution, err = a.solved(); err != nil {
		return a, err
	}
	least, ok, err := a.nearest("max_monthly_cost")
	if ok {
		limits.MaxMonthlyCost = least * (1 + pol.MaxCostIncrease) * slack
		allowed = limits.MaxMonthlyCost
		if team > 0 {
			limits.MaxMonthlyCost = min(limits.MaxMonthlyCost, team)
		}
		a.find(Warning, "see max-cost-increase; max-monthly-cost sets a limit that never gives way",
			"the limits and the measured load need %s a month at least, more than the cost guard's %s", price.Format(least), price.Format(guard))
		a.Solution, err = a.solved()
	}
	return a, err
}

// allowWhatIsNeeded loosens the default of max-changes where nothing is feasible
// within it, but would be with more changes.
func (a *answer) allowWhatIsNeeded(usual int) error {
	least, ok, err := a.nearest("max_changes")
	if err != nil || !ok {
		return err
	}
	a.problem.Limits.MaxChanges = int(least) + usual
	a.find(Warning, "set max-changes to bound what one plan may change",
		"the limits and the measured load need %.0f Machines created or destroyed at least, more than the usual %d", least, usual)
	a.Solution, err = a.solved()
	return err
}

// keepWhatLasts requires the live regions that the optimum without our limits
// keeps too, and tells whether there are any.
func (a *answer) keepWhatLasts() bool {
	a.problem.Candidates = slices.Clone(a.problem.Candidates)
	any := false
	for i, c := range a.problem.Candidates {
		if a.problem.Current[c.Region] > 0 && a.free.Placement[c.Region] > 0 {
			a.problem.Candidates[i].Required = true
			any = true
		}
	}
	return any
}

// solveLasting finds the optimum with the live regions that the one without our
// own limits keeps. Under these limits one of them may look worth closing for a
// while; it would be opened again as soon as they move on, run by run. None is
// kept where staying as is would be better than that.
func solveLasting(pol Policy, p problem, liveCost float64) (answer, error) {
	a, err := solve(pol, p, liveCost, true)
	if err != nil || len(a.Placement) == 0 || len(a.binding) == 0 {
		return a, err
	}
	b, err := solve(pol, p, liveCost, false)
	if err != nil || len(b.Placement) == 0 || b.Objective >= a.Objective*(1-1e-9) {
		return a, err
	}
	if stay, err := placement.Evaluate(b.problem, b.problem.Current); err == nil && len(stay.Broken) == 0 && stay.Objective < a.Objective {
		return b, nil
	}
	var names []string
	for _, code := range slices.Sorted(maps.Keys(a.Placement)) {
		if p.Current[code] > 0 && b.Placement[code] == 0 {
			names = append(names, code)
		}
	}
	if len(names) > 0 {
		a.find(Notice, "", "kept open, because the optimum without our own limits keeps them: %s; closing them would be worth %s a month, latency, cost and changes together",
			strings.Join(names, ", "), price.Format(a.Objective-b.Objective))
	}
	return a, nil
}

// wouldTake says which values of our limits would allow the optimum without
// them, and the least max-changes that would lead to other regions than
// planned. It is a warning where they leave nothing to change at all.
func (a *answer) wouldTake(p problem, planned map[region.Code]int, out *Group) (Finding, error) {
	var values []string
	next := ""
	if n := changes(p.Current, a.free.Placement); slices.Contains(a.binding, "max-changes") {
		values = append(values, fmt.Sprintf("max-changes: %d", n))
		least, open, ok, err := placement.NextRegion(a.problem, a.Solution, placement.Options{})
		if err != nil {
			return Finding{}, err
		}
		if ok && (least < n || len(a.binding) > 1) {
			next = fmt.Sprintf("; max-changes: %d is enough to %s", least, step(slices.Sorted(maps.Keys(p.Current)), open))
		}
	}
	if slices.Contains(a.binding, "max-cost-increase") {
		more := a.free.MonthlyCost/(out.Before.Total()-out.idle) - 1
		values = append(values, fmt.Sprintf("max-cost-increase: %.0f%%", math.Ceil(100*more)))
	}
	level := Notice
	if maps.Equal(planned, out.Current) {
		level = Warning
	}
	return Finding{
		level,
		fmt.Sprintf("the optimum without our own limits has a mean of %.0f ms for %s a month", out.Unrestricted.Figures.MeanMS, price.Format(out.Unrestricted.Figures.Total())),
		"to get it in one plan, set " + strings.Join(values, " and ") + next,
	}, nil
}

// step says which regions open and close: "open fra and nrt, close ord".
func step(from, to []string) string {
	other := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(code string) bool { return slices.Contains(b, code) })
	}
	var parts []string
	if opened := other(to, from); len(opened) > 0 {
		parts = append(parts, "open "+strings.Join(opened, " and "))
	}
	if closed := other(from, to); len(closed) > 0 {
		parts = append(parts, "close "+strings.Join(closed, " and "))
	}
	return strings.Join(parts, ", ")
}

func (a *answer) solved() (placement.Solution, error) {
	return placement.Solve(a.problem, placement.Options{NoConflict: true})
}

// conflict names the limits that contradict each other, once it is settled that
// nothing gives way.
func (a *answer) conflict() ([]placement.Conflict, error) {
	sol, err := placement.Solve(a.problem, placement.Options{})
	return sol.Conflict, err
}

func (a *answer) find(level Level, hint, format string, args ...any) {
	a.findings = append(a.findings, Finding{level, fmt.Sprintf(format, args...), hint})
}

// nearest is the value of a limit that alone, whatever else contradicts, would
// make the problem feasible; false when none does or it is feasible.
func (a *answer) nearest(limit string) (float64, bool, error) {
	if a.Status != placement.Infeasible {
		return 0, false, nil
	}
	return placement.Nearest(a.problem, limit, placement.Options{})
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
func steady(pol Policy, p problem, d demand.Demand, planned map[string]int) (float64, error) {
	better, all, window := 0.0, 0.0, 0.0
	for _, hours := range d.DayHours {
		window += hours
	}
	for day, hours := range d.DayHours {
		today := p.live
		today.ChangeCost, today.MachineChangeCost = 0, 0
		today.Edges = make([]placement.Edge, len(p.live.Edges))
		requests := 0.0
		for e, edge := range p.live.Edges {
			whole := d.Edges[e].Requests
			edge.Requests = d.Edges[e].Daily[day]
			edge.GBOut *= edge.Requests / whole * window / hours
			requests += edge.Requests
			today.Edges[e] = edge
		}
		if requests == 0 {
			continue
		}
		today.ValuePerMS = pol.ValuePerMS * requests * 30 * 24 / hours / 1e6
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

func sameRegions(a, b map[string]int) bool {
	return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
}
