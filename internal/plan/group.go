package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

// planGroup plans one process group, which gives share of the app's responses.
func planGroup(in Input, g fleet.Group, share float64) (Group, error) {
	out := Group{
		Name: g.Name, Guest: g.Guest, Pins: pinsOf(in, g),
		Current: g.Current(), Placement: g.Current(),
		Sizing: Sizing{SoftLimit: g.SoftLimit, HardLimit: g.HardLimit, Autostop: g.Autostop},
	}
	if out.Holds = metricHolds(in); len(out.Holds) > 0 {
		out.Holds = append(out.Holds, groupHolds(in, g)...)
		out.Status = Held
		return out, nil
	}
	d := demand.Of(in.History, share, func(c region.Code) bool {
		r, ok := in.Catalog.Lookup(c)
		return ok && placed(r)
	})
	out.Holds = append(requestHold(in, d), groupHolds(in, g)...)
	out.describe(in, g, d)
	if len(d.Edges) == 0 {
		out.Status = Held
		return out, nil
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
	out.Before, out.After = figures(before), figures(before)
	out.Findings = append(out.Findings, p.findings...)
	out.Findings = append(out.Findings, liveFindings(before)...)
	return out, out.decide(in, p, before, d)
}

// decide solves the problem and settles what the group's plan is.
func (out *Group) decide(in Input, p problem, before placement.Evaluation, d demand.Demand) error {
	pol := in.Policy
	stay := before
	out.edges(in, d, before, before)
	if len(p.barred) > 0 {
		out.Status = Infeasible
		for _, why := range p.barred {
			out.Findings = append(out.Findings, Finding{Error, why, "change one of the two"})
		}
		return nil
	}
	a, err := solveBusy(pol, &p, before.ComputeCost+before.TransferCost)
	if err != nil {
		return err
	}
	out.Problem = a.problem
	out.Objective, out.Bound, out.Gap, out.Solved = a.Objective, a.Bound, a.Gap, a.Status
	out.Findings = append(out.Findings, a.findings...)
	switch a.Status {
	case placement.Infeasible:
		out.Status, out.Conflict = Infeasible, a.Conflict
		return nil
	case placement.Unknown:
		return hint.Wrap(errors.New("no placement that meets every limit was found within the solver's work limit"),
			"loosen a limit, or narrow the candidates with allow-regions")
	case placement.Optimal, placement.Feasible:
	}
	after, err := placement.Evaluate(p.live, a.Placement)
	if err != nil {
		return err
	}
	if out.Unrestricted, err = alternative(p, a.unrestricted, a.Placement); err != nil {
		return err
	}
	planned := byCode(a.Placement)
	if err := out.checkSteady(pol, p, d, stay, planned); err != nil {
		return err
	}
	if out.blocked() {
		out.Status = Held
		if !maps.Equal(planned, out.Current) {
			out.Withheld = &Alternative{Placement: planned, Figures: figures(after)}
		}
		return nil
	}
	out.Placement, out.After = planned, figures(after)
	out.edges(in, d, before, after)
	out.Status = NoChanges
	if !maps.Equal(out.Placement, out.Current) {
		out.Status = Planned
	}
	out.Changes, err = changesOf(changeInput{in: in, p: p, solved: a.problem, before: before, after: after, group: out})
	return err
}

// checkSteady holds a change of regions that is better on too few days. It is
// not asked when staying breaks a limit or the load.
func (out *Group) checkSteady(pol Policy, p problem, d demand.Demand, stay placement.Evaluation, planned map[region.Code]int) error {
	if sameRegions(planned, out.Current) || len(stay.Broken) > 0 {
		return nil
	}
	daily := make([][]float64, len(d.Edges))
	for i, e := range d.Edges {
		daily[i] = e.Daily
	}
	share, err := steady(pol, p, daily, byName(planned))
	if err != nil || share >= minDays {
		return err
	}
	out.Holds = append(out.Holds, Hold{
		Reason: Unsteady,
		Detail: fmt.Sprintf("other regions would be better on days with only %.0f%% of the requests, fewer than %.0f%%", 100*share, 100*minDays),
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
func (out *Group) describe(in Input, g fleet.Group, d demand.Demand) {
	s := &out.Sizing
	s.Basis, s.PerRPS, s.Burst = string(d.Load.Basis), d.Load.PerRPS, d.Load.Burst
	s.RequestsPerMonth = d.PerMonth
	s.ValuePerMS = in.Policy.ValuePerMS * d.PerMonth / 1e6
	if len(d.Edges) > 0 {
		for h := range d.Edges[0].InFlight {
			sum := 0.0
			for _, e := range d.Edges {
				sum += e.InFlight[h]
			}
			s.PeakInFlight = max(s.PeakInFlight, sum)
		}
	}
	if d.Total > 0 && len(d.Unmapped) > 0 {
		out.Unmapped = map[region.Code]float64{}
		for c, n := range d.Unmapped {
			out.Unmapped[c] = n / d.Total
		}
	}
	if d.Load.Basis == demand.Unknown && len(d.Edges) > 0 {
		out.Holds = append(out.Holds, Hold{
			NoConcurrency, "neither concurrency nor response times are recorded: Machines are added where it pays, none are removed",
			"check that the app's service has the http handler",
		})
	}
	if g.MixedGuests {
		out.Findings = append(out.Findings, Finding{Warning, "the group's Machines differ in size; costs assume " + g.Guest.String() + " for all", "give them one size: fly scale vm"})
	}
	if g.Autostop {
		out.Findings = append(out.Findings, Finding{Notice, "fly-proxy stops idle Machines of this group; costs assume that every Machine runs all month", ""})
	}
}

// pinsOf adds the regions that cannot be opened to the group's own pins.
func pinsOf(in Input, g fleet.Group) []fleet.Pin {
	pins := slices.Clone(g.Pins)
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

func figures(e placement.Evaluation) Figures {
	return Figures{
		MeanMS: e.MeanLatencyMS, P50MS: e.P50LatencyMS, P95MS: e.P95LatencyMS,
		Compute: e.ComputeCost, Transfer: e.TransferCost,
	}
}

// alternative prices another solution, unless it is the planned one.
func alternative(p problem, s placement.Solution, planned map[string]int) (*Alternative, error) {
	if len(s.Placement) == 0 || maps.Equal(s.Placement, planned) {
		return nil, nil
	}
	e, err := placement.Evaluate(p.live, s.Placement)
	if err != nil {
		return nil, err
	}
	return &Alternative{Placement: byCode(s.Placement), Figures: figures(e)}, nil
}

// edges tells for each edge where it is served from, before and after.
func (out *Group) edges(in Input, d demand.Demand, before, after placement.Evaluation) {
	out.Edges = out.Edges[:0]
	mapped := 0.0
	for _, e := range d.Edges {
		mapped += e.Requests
	}
	for _, e := range d.Edges {
		from, _ := in.Catalog.Lookup(e.Code)
		standIn, _ := in.Catalog.StandIn(e.Code)
		x := Edge{
			Code: e.Code, Name: from.Name, Share: e.Requests / mapped, Requests: e.Requests, StandIn: standIn,
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
