package plan

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

// planGroup plans one process group, which gives share of the app's responses.
// several tells that the app has other public groups: then nobody knows how the
// load that the metrics record for the app is split among them.
func planGroup(in Input, g fleet.Group, share float64, several bool) (Group, error) {
	out := Group{
		Name: g.Name, Guest: g.Guest, Pins: pinsOf(in, g),
		Current: g.Current(), Placement: g.Current(),
		Sizing: Sizing{SoftLimit: g.SoftLimit, HardLimit: g.HardLimit, Autostop: g.Autostop},
	}
	cost, err := compute(in, g, out.Current)
	if err != nil {
		return out, err
	}
	out.Before.Compute, out.After.Compute = cost, cost
	out.warn(g, share, several)
	if out.Holds = metricHolds(in); len(out.Holds) > 0 {
		out.Holds = append(out.Holds, groupHolds(in, g)...)
		out.Status = Held
		return out, nil
	}
	history := in.History
	if several {
		history.ConcurrencyMean, history.ResponseTime = nil, math.NaN()
	}
	d := demand.Of(history, share, func(c region.Code) bool {
		r, ok := in.Catalog.Lookup(c)
		return ok && placed(r)
	})
	out.Holds = append(requestHold(in, d), groupHolds(in, g)...)
	out.describe(in, d, several)
	if len(d.Edges) == 0 || len(g.Serving()) == 0 {
		out.Status = Held
		return out, nil
	}
	if out.Calibration = calibrate(in, g, d, several); out.Calibration.Used {
		in.Latency = in.Latency.Scaled(out.Calibration.Factor)
	}
	p, err := state(in, g, d)
	if err != nil {
		return out, err
	}
	before, err := placement.Evaluate(p.live, p.live.Current)
	if err != nil {
		return out, err
	}
	out.Problem = p.Problem
	out.idle, out.live = p.idleCost, p.live
	out.Before = out.figures(before)
	out.After = out.Before
	out.Findings = append(out.Findings, p.findings...)
	if !singleton(in, g) {
		out.Findings = append(out.Findings, liveFindings(before)...)
	}
	for _, why := range p.closing {
		out.Findings = append(out.Findings, Finding{Warning, why + ": a plan closes it", ""})
	}
	return out, out.decide(in, p, before, d)
}

// compute prices a placement of the group, in USD a month.
func compute(in Input, g fleet.Group, counts map[region.Code]int) (float64, error) {
	sum := 0.0
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		usd, _, err := monthly(in.Prices, g.Guest, code)
		if err != nil {
			return 0, err
		}
		sum += usd * float64(counts[code])
	}
	return sum, nil
}

// decide solves the problem and settles what the group's plan is.
func (out *Group) decide(in Input, p problem, before placement.Evaluation, d demand.Demand) error {
	out.edges(in, d, before, before)
	if len(p.stuck) > 0 {
		out.Status = Held
		for _, why := range p.stuck {
			out.Holds = append(out.Holds, Hold{NoConcurrency, why, "see that concurrency or response times are recorded, or remove these Machines by hand"})
		}
		return nil
	}
	if len(p.barred) > 0 {
		level := out.contradiction(nil)
		for _, why := range p.barred {
			out.Findings = append(out.Findings, Finding{level, why, "change one of the two"})
		}
		return nil
	}
	a, err := solveBusy(in.Policy, &p, before.ComputeCost+before.TransferCost)
	if err != nil {
		return err
	}
	out.Problem = a.problem
	switch a.Status {
	case placement.Infeasible:
		conflict, err := a.conflict()
		if err != nil {
			return err
		}
		level := out.contradiction(conflict)
		if len(out.Conflict) == 0 {
			out.Findings = append(out.Findings, Finding{level, "these limits contradict each other: " + inForce(a.problem.Limits), "loosen one of them, or more"})
		}
		return nil
	case placement.Unknown:
		if out.blocked() {
			out.Status = Held
			return nil
		}
		return hint.Wrap(errors.New("no placement that meets every limit was found within the solver's work limit"),
			"loosen a limit, or narrow the candidates with allow-regions")
	case placement.Optimal, placement.Feasible:
	}
	if err := a.hold(); err != nil {
		return err
	}
	out.best = a.planned
	after, err := placement.Evaluate(p.live, a.planned)
	if err != nil {
		return err
	}
	if err := out.checkSteady(in.Policy, p, d, before, a.planned); err != nil {
		return err
	}
	planned := out.withIdle(p, a.planned)
	if out.blocked() {
		out.Status = Held
		if !maps.Equal(planned, out.Current) {
			out.Withheld = &Alternative{Placement: planned, Figures: out.figures(after)}
		}
		return nil
	}
	for _, n := range a.kept {
		out.Kept += n
	}
	out.Objective, out.Bound, out.Gap, out.Solved = a.Objective, a.Bound, a.Gap, a.Status
	out.Findings = append(out.Findings, a.findings...)
	if out.Unrestricted, err = out.alternative(p, a); err != nil {
		return err
	}
	if out.Unrestricted != nil {
		f, err := a.wouldTake(p, planned, out)
		if err != nil {
			return err
		}
		out.Findings = append(out.Findings, f)
	}
	out.Placement, out.After = planned, out.figures(after)
	out.edges(in, d, before, after)
	out.Status = NoChanges
	if !maps.Equal(out.Placement, out.Current) {
		out.Status = Planned
	}
	c := changeInput{p: p, solved: a.problem, next: a.planned, kept: a.kept, before: before, after: after, group: out}
	if err := out.evidence(c, a); err != nil {
		return err
	}
	out.Changes = changesOf(c)
	return nil
}

// contradiction settles a group whose limits cannot be met. What is held is
// held first: nothing would be changed anyway.
func (out *Group) contradiction(conflict []placement.Conflict) Level {
	if out.blocked() {
		out.Status = Held
		return Warning
	}
	out.Status, out.Conflict = Infeasible, conflict
	return Error
}

// withIdle adds the Machines that serve nothing, and stay, to a placement of
// those that do.
func (out *Group) withIdle(p problem, serving map[string]int) map[region.Code]int {
	all := byCode(serving)
	for code, n := range out.Current {
		if idle := n - p.live.Current[string(code)]; idle > 0 {
			all[code] += idle
		}
	}
	return all
}

// checkSteady holds a change of regions that is better on too few days. It is
// not asked when staying breaks a limit or the load.
func (out *Group) checkSteady(pol Policy, p problem, d demand.Demand, stay placement.Evaluation, planned map[string]int) error {
	if sameRegions(planned, p.live.Current) || len(stay.Broken) > 0 || len(p.closing) > 0 {
		return nil
	}
	share, err := steady(pol, p, d, planned)
	if err != nil || share >= minDays {
		return err
	}
	out.Holds = append(out.Holds, Hold{
		Reason: Unsteady,
		Detail: fmt.Sprintf("on days with %.1f%% of the requests, fewer than %.0f%%", 100*share, 100*minDays),
		Hint:   "a longer window shows which way the traffic goes",
	})
	return nil
}

// blocked tells whether a hold forbids any change; without a concurrency
// figure only removals are, and those the problem itself forbids.
func (out *Group) blocked() bool {
	return slices.ContainsFunc(out.Holds, func(h Hold) bool { return h.Reason != NoConcurrency })
}

// describe fills in what the demand alone says.
func (out *Group) describe(in Input, d demand.Demand, several bool) {
	s := &out.Sizing
	s.Basis, s.PerRPS, s.Burst = string(d.Load.Basis), d.Load.PerRPS, d.Load.Burst
	s.RequestsPerMonth = d.PerMonth
	if in.Policy.BackendRegion != "" {
		s.Backend, s.BackendTrips = in.Policy.BackendRegion, in.Policy.BackendRoundTrips
	}
	s.ValuePerMS = in.Policy.ValuePerMS * d.PerMonth / 1e6
	all := d.Mapped
	for _, c := range codesOf(d.Unmapped) {
		all += d.Unmapped[region.Code(c)]
	}
	if len(d.Unmapped) > 0 {
		out.Unmapped = map[region.Code]float64{}
		for c, n := range d.Unmapped {
			out.Unmapped[c] = n / all
		}
		if share := 1 - d.Mapped/all; share > 0.05 {
			out.Findings = append(out.Findings, Finding{
				Warning,
				fmt.Sprintf("%.0f%% of requests entered at codes that nobody knows (%s): shares and latencies leave them out", 100*share, strings.Join(codesOf(d.Unmapped), ", ")),
				"update Fly Placer, which does not know where these are",
			})
		}
	}
	if d.Load.Basis == demand.Unknown {
		s.PerRPS = 0
		h := Hold{NoConcurrency, "neither concurrency nor response times are recorded", "Machines are added where it pays, none are removed"}
		if several {
			h.Detail = "the metrics do not tell the process groups' load apart"
		}
		if len(d.Edges) > 0 {
			out.Holds = append(out.Holds, h)
		}
		return
	}
	if len(d.Edges) == 0 {
		return
	}
	for h := range d.Edges[0].InFlight {
		sum := 0.0
		for _, e := range d.Edges {
			sum += e.InFlight[h]
		}
		s.PeakInFlight = max(s.PeakInFlight, sum)
	}
}

// warn tells what about the group itself the figures do not show.
func (out *Group) warn(g fleet.Group, share float64, several bool) {
	add := func(level Level, text, hint string) { out.Findings = append(out.Findings, Finding{level, text, hint}) }
	if idle := len(g.Machines) - total(g.Serving()); idle > 0 {
		add(Warning, machines(idle)+" of "+fmt.Sprint(len(g.Machines))+" serve nothing (stopped, cordoned or out of reach): left as they are, and not counted on", "start them, or destroy them")
	}
	if g.MixedGuests {
		add(Warning, "the Machines differ in size; costs assume "+g.Guest.String()+" for all", "give them one size: `fly scale vm`")
	}
	if g.Spot {
		add(Warning, "spot Machines run, which may vanish at any time; costs assume the full price", "")
	}
	if g.Containers {
		add(Notice, "Machines run several containers; size, limits and load are taken for all of them together", "")
	}
	if several {
		add(Notice, fmt.Sprintf("the edge metrics know only the app: %.0f%% of its traffic is taken to go to this group", 100*share), "")
	}
}

func total(counts map[region.Code]int) int {
	n := 0
	for _, k := range counts {
		n += k
	}
	return n
}

// pinsOf adds the regions that cannot be opened to the group's own pins.
func pinsOf(in Input, g fleet.Group) []fleet.Pin {
	pins := slices.Clone(g.Pins)
	if singleton(in, g) {
		pins = append(pins, fleet.Pin{Region: g.Machines[0].Region, Reason: fleet.PinLast, Detail: "the group's only Machine"})
	}
	if len(in.App.EgressRegions) > 0 {
		codes := make([]string, len(in.App.EgressRegions))
		for i, c := range in.App.EgressRegions {
			codes[i] = string(c)
		}
		slices.Sort(codes)
		pins = append(pins, fleet.Pin{
			Reason: fleet.PinEgressRegion,
			Detail: "the app has static egress IPs only in " + strings.Join(codes, ", ") + ": no other region is opened",
		})
	}
	return pins
}

// figures are those of a placement of the serving Machines, and the cost of the
// others.
func (out *Group) figures(e placement.Evaluation) Figures {
	return Figures{
		MeanMS: e.MeanLatencyMS, P50MS: e.P50LatencyMS, P95MS: e.P95LatencyMS,
		Compute: e.ComputeCost + out.idle, Transfer: e.TransferCost,
		Running: running(e), ColdMS: e.ColdMS,
	}
}

// alternative is the optimum without the product's own limits, unless it is
// the planned one.
func (out *Group) alternative(p problem, a answer) (*Alternative, error) {
	if len(a.free.Placement) == 0 || maps.Equal(a.free.Placement, a.Placement) {
		return nil, nil
	}
	e, err := placement.Evaluate(p.live, a.free.Placement)
	if err != nil {
		return nil, err
	}
	return &Alternative{Placement: out.withIdle(p, a.free.Placement), Figures: out.figures(e), Limits: a.binding}, nil
}

// inForce lists the limits of a problem by the names of their options.
func inForce(l placement.Limits) string {
	var parts []string
	add := func(option, format string, v float64) {
		if v > 0 {
			parts = append(parts, option+" "+fmt.Sprintf(format, v))
		}
	}
	add("max-regions", "%.0f", float64(l.MaxRegions))
	add("min-regions", "%.0f", float64(l.MinRegions))
	add("max-machines", "%.0f", float64(l.MaxMachines))
	add("min-machines", "%.0f", float64(l.MinMachines))
	add("min-machines-per-region", "%.0f", float64(l.MinMachinesPerRegion))
	add("max-changes", "%.0f", float64(l.MaxChanges))
	add("max-monthly-cost", "$%.2f", l.MaxMonthlyCost)
	add("max-p95-latency", "%gms", l.MaxP95LatencyMS)
	add("target-utilization", "%g", l.TargetUtilization)
	return strings.Join(append(parts, "survive "+string(l.Survive)), ", ")
}

// edges tells for each edge where it is served from, before and after.
func (out *Group) edges(in Input, d demand.Demand, before, after placement.Evaluation) {
	out.Edges = out.Edges[:0]
	for _, e := range d.Edges {
		from, _ := in.Catalog.Lookup(e.Code)
		standIn, _ := in.Catalog.StandIn(e.Code)
		x := Edge{
			Code: e.Code, Name: from.Name, Share: e.Requests / d.Mapped, Requests: e.Requests, StandIn: standIn,
			FromBefore: region.Code(before.Assignment[string(e.Code)]), FromAfter: region.Code(after.Assignment[string(e.Code)]),
		}
		x.BeforeMS = rtt(in, e.Code, x.FromBefore)
		x.AfterMS = rtt(in, e.Code, x.FromAfter)
		x.Source = latencySource(in, e.Code, x.FromAfter)
		out.Edges = append(out.Edges, x)
	}
	slices.SortStableFunc(out.Edges, func(a, b Edge) int {
		switch { // d.Edges are by code, which breaks ties
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
}

func rtt(in Input, edge, served region.Code) float64 {
	a, _ := in.Catalog.Lookup(edge)
	b, _ := in.Catalog.Lookup(served)
	ms, _ := in.Latency.RTT(a, b)
	return ms
}
