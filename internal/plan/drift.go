package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

// InForce is what the decision says of a process group that is merged, and so in
// force. Counts are of managed Machines, those that serve nothing included.
type InForce struct {
	// Placement is what should run.
	Placement map[region.Code]int
	// Assumes is what ran when it was decided; nil when it does not say.
	Assumes map[region.Code]int
	// Begun tells that marks of an apply which did not finish are on Machines.
	Begun bool
}

// A Drift is a region where other Machines run than are decided.
type Drift struct {
	Region        region.Code
	Live, Decided int
}

// drifted compares what runs with the decision in force. What it assumes, or what
// an apply left half-way, is not applied yet; everything else somebody did by
// hand.
func (out *Group) drifted(in Input) {
	force, ok := in.InForce[out.Name]
	if !ok || maps.Equal(counted(out.Current), counted(force.Placement)) {
		return
	}
	switch {
	case force.Begun:
		out.Pending = true
		out.Findings = append(out.Findings, Finding{
			Warning, "an apply of the decision in force stopped half-way", "run `fly-placer apply` again, which goes on where it stopped",
		})
	case force.Assumes != nil && maps.Equal(counted(out.Current), counted(force.Assumes)):
		out.Pending = true
		out.Findings = append(out.Findings, Finding{
			Warning, "the decision in force is not applied yet: what it assumes still runs", "re-run the workflow of the push that merged it, or run `fly-placer apply`",
		})
	default:
		var codes []string
		for _, code := range regionsOf(out.Current, force.Placement, nil, nil) {
			if live, decided := out.Current[code], force.Placement[code]; live != decided {
				out.Drift = append(out.Drift, Drift{code, live, decided})
				codes = append(codes, string(code))
			}
		}
		out.Findings = append(out.Findings, Finding{
			Warning, "what runs is not what is decided, in " + strings.Join(codes, ", ") + ": it was scaled by hand, or never applied",
			"decide on what should run now, which a proposal does, or scale it back: `fly scale count`",
		})
	}
}

// driftOthers tells of groups that are decided on and do not exist.
func (p *Plan) driftOthers(in Input) {
	groups := fleet.Groups(in.App, in.Now)
	for _, name := range slices.Sorted(maps.Keys(in.InForce)) {
		if !slices.ContainsFunc(groups, func(g fleet.Group) bool { return g.Name == name }) {
			p.Gone = append(p.Gone, name)
			p.Findings = append(p.Findings, Finding{
				Warning, fmt.Sprintf("the decision in force is on process group %q, which the app does not have", name), "leave it out of the decision, or deploy it: `fly deploy`",
			})
		}
	}
}

// HasDrift tells whether other Machines run than are decided.
func (p Plan) HasDrift() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return len(g.Drift) > 0 })
}

// OutcomeWithDrift is the outcome of a run whose task is to watch: Drifted where
// the plan has drift, unless nothing is feasible. What is to change then is in
// the plan all the same.
func (p Plan) OutcomeWithDrift() Outcome {
	if p.HasDrift() && p.Outcome != Infeasible && p.Outcome != Failed {
		return Drifted
	}
	return p.Outcome
}
