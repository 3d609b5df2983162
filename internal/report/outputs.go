package report

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Outputs returns the action's outputs that follow from a report, by name:
// outcome, has-changes, changes, regions, digest, latency-before-ms,
// latency-after-ms, monthly-cost-before and monthly-cost-after, and
// pull-request-number, pull-request-url and pull-request-operation where there
// is a Proposal; these are plain values always. docs/outputs.md describes them.
//
// Their shape follows from the apps of the run, whether or not all of them
// have a plan. For one app they are plain values, and what is not known is "";
// where it failed there are only outcome and has-changes. For several each is
// a JSON object by app, in which what is not known is null. A failure of the
// run as a whole leaves the apps' values as they are, and is the outcome where
// there is no app. A report with neither plans nor errors has no outputs.
func Outputs(rep Report) (map[string]string, error) {
	byApp := map[string]*plan.Plan{} // nil for a failed one
	for _, p := range rep.Errors {
		if p.App != "" {
			byApp[p.App] = nil
		}
	}
	for i := range rep.Plans {
		byApp[rep.Plans[i].App] = &rep.Plans[i]
	}
	out := map[string]string{}
	if rep.Proposal != nil {
		out = rep.Proposal.outputs()
	}
	switch {
	case len(byApp) <= 1 && len(rep.Plans) == 0 && len(rep.Errors) > 0:
		out["outcome"], out["has-changes"] = string(plan.Failed), "false"
		return out, nil
	case len(byApp) == 0:
		return out, nil
	}
	for _, o := range outputs {
		s, err := o.text(byApp)
		if err != nil {
			return nil, fmt.Errorf("write output %s: %w", o.name, err)
		}
		out[o.name] = s
	}
	return out, nil
}

// An output is one value of each app.
type output struct {
	name  string
	value func(plan.Plan) any
	// failed is the value of an app without a plan.
	failed any
}

// text writes the output of all apps, of which there is at least one.
func (o output) text(byApp map[string]*plan.Plan) (string, error) {
	values := object{}
	for app, p := range byApp {
		values[app] = o.failed
		if p != nil {
			values[app] = o.value(*p)
		}
		if len(byApp) == 1 {
			return plain(values[app])
		}
	}
	s, err := json.Marshal(values)
	return string(s), err
}

var outputs = []output{
	{"outcome", func(p plan.Plan) any { return string(p.Outcome) }, string(plan.Failed)},
	{"has-changes", func(p plan.Plan) any { return len(changesOutput(p)) > 0 }, false},
	{"changes", func(p plan.Plan) any { return changesOutput(p) }, []object{}},
	{"regions", regionsOutput, nil},
	{"digest", func(p plan.Plan) any { return known(p.Digest) }, nil},
	{"latency-before-ms", func(p plan.Plan) any { return latencyOutput(p, before) }, nil},
	{"latency-after-ms", func(p plan.Plan) any { return latencyOutput(p, after) }, nil},
	{"monthly-cost-before", func(p plan.Plan) any { return costOutput(p, before) }, nil},
	{"monthly-cost-after", func(p plan.Plan) any { return costOutput(p, after) }, nil},
}

// known is a text, nil where there is none.
func known(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// plain writes one value as an output: text and numbers without quotes.
func plain(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case json.Number:
		return x.String(), nil
	}
	s, err := json.Marshal(v)
	return string(s), err
}

// changesOutput is the list of plan.json, with the group's name in each change.
func changesOutput(p plan.Plan) []object {
	out := []object{}
	for _, g := range p.Groups {
		for _, c := range changeList(g.Changes) {
			c["group"] = g.Name
			out = append(out, c)
		}
	}
	return out
}

// regionsOutput is the placement that the plan asks for; what runs where it
// asks for nothing. By group when there are several.
func regionsOutput(p plan.Plan) any {
	byGroup := map[string]map[region.Code]int{}
	for _, g := range p.Groups {
		byGroup[g.Name] = counts(g.Placement)
		if g.Status == plan.Infeasible {
			byGroup[g.Name] = counts(g.Current)
		}
	}
	if len(p.Groups) == 1 {
		return byGroup[p.Groups[0].Name]
	}
	return byGroup
}

func before(g plan.Group) (plan.Figures, bool) { return g.Before, true }

// after are the figures once the plan is applied; there are none for a group
// for which nothing is feasible.
func after(g plan.Group) (plan.Figures, bool) { return g.After, g.Status != plan.Infeasible }

// latencyOutput is the mean round trip over the groups, weighted by their
// requests; nil when there is no group with demand, or a figure is missing.
func latencyOutput(p plan.Plan, of func(plan.Group) (plan.Figures, bool)) any {
	var sum, weights float64
	for _, g := range p.Groups {
		if len(g.Edges) == 0 {
			continue
		}
		f, ok := of(g)
		if !ok {
			return nil
		}
		weight := 0.0
		for _, e := range g.Edges {
			weight += e.Requests
		}
		sum += weight * f.MeanMS
		weights += weight
	}
	if weights == 0 {
		return nil
	}
	return json.Number(strconv.FormatFloat(sum/weights, 'f', 1, 64))
}

// costOutput is the sum over the groups, compute and transfer; nil when a
// figure is missing.
func costOutput(p plan.Plan, of func(plan.Group) (plan.Figures, bool)) any {
	var sum float64
	for _, g := range p.Groups {
		f, ok := of(g)
		if !ok {
			return nil
		}
		sum += f.Total()
	}
	if len(p.Groups) == 0 {
		return nil
	}
	return json.Number(strconv.FormatFloat(sum, 'f', 2, 64))
}
