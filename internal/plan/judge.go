package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A Judged is a placement that somebody decided on, priced by the solver's own
// cost function and held against what runs, what the plan finds best, the load
// and the limits.
type Judged struct {
	// Placement counts managed Machines by region, those that serve nothing
	// included.
	Placement map[region.Code]int
	// Changes lead from what runs to Placement, regions by code. Only Region,
	// From and To are set.
	Changes []Change
	// Figures are those of Placement on the same demand as the group's Before
	// and After. Where it could not be weighed, only the Compute of Machines that
	// all run is set.
	Figures Figures
	// Unweighed says why latency, transfer and objective are not known; "" where
	// they are.
	Unweighed string
	// Objective is in USD a month, what the changes from what runs must be worth
	// included. ChangeCost is what change-cost comes to for one region.
	Objective, ChangeCost float64
	// Optimum is what the plan finds best, also where it is held; nil when
	// there is none, or the decision could not be weighed.
	Optimum *Alternative
	// Regret is Objective less that of Optimum. It may be below 0 where a rule
	// that only plans keep to keeps the plan from this placement: one of Beyond,
	// no region for nobody, Machines that are kept because the peak is close to
	// needing them.
	Regret float64
	// ToLive and ToOptimum are the figures less those of what runs, and of Optimum.
	ToLive, ToOptimum Difference
	// Breaks are the pins and limits that the placement breaks, and the load that
	// it cannot carry.
	Breaks []Refusal
	// Beyond are the options that only plans keep to, and that this placement
	// does not: max-changes, max-cost-increase.
	Beyond []string
}

// A Difference is what one placement has more than another: milliseconds, and
// USD a month.
type Difference struct{ MeanMS, P95MS, Compute, Transfer float64 }

// USD is the difference in the monthly cost.
func (d Difference) USD() float64 { return d.Compute + d.Transfer }

// less returns f less other.
func (f Figures) less(other Figures) Difference {
	return Difference{f.MeanMS - other.MeanMS, f.P95MS - other.P95MS, f.Compute - other.Compute, f.Transfer - other.Transfer}
}

// IsOptimum tells whether the placement is the one that the plan finds best.
func (j Judged) IsOptimum() bool {
	return j.Optimum != nil && maps.Equal(counted(j.Placement), counted(j.Optimum.Placement))
}

// mostCounted is how many Machines of a region can be weighed; Fly.io takes no
// more either.
const mostCounted = 1000

// judge holds what is decided on the group, if anything is, against its plan.
func (out *Group) judge(in Input, g fleet.Group) error {
	target, ok := in.Decided[g.Name]
	if !ok {
		return nil
	}
	j := &Judged{Placement: counted(target)}
	out.Decided = j
	for _, code := range regionsOf(out.Current, target, nil, nil) {
		if from, to := out.Current[code], target[code]; from != to {
			j.Changes = append(j.Changes, Change{Region: code, From: from, To: to})
		}
	}
	for _, r := range Check(unleased(in), map[string]map[region.Code]int{g.Name: target}) {
		if r.Rule == RuleEgress { // nobody knows that it is broken
			out.Findings = append(out.Findings, Finding{Warning, decisionText(r), r.Hint})
		} else {
			j.Breaks = append(j.Breaks, r)
		}
	}
	for _, c := range j.Changes {
		if c.Delta() > 0 && slices.Contains(in.Full[g.Name], c.Region) {
			out.Findings = append(out.Findings, Finding{Warning, fmt.Sprintf("the decision: Fly.io has no room for more Machines in %s now", c.Region), "decide on another region, or apply it later"})
		}
	}
	if err := out.weigh(in, g, j); err != nil {
		return err
	}
	for _, r := range j.Breaks {
		out.Findings = append(out.Findings, Finding{Error, decisionText(r), r.Hint})
	}
	return nil
}

// unleased is the input without leases, which are no reason to refuse a
// decision: who applies it waits for them.
func unleased(in Input) Input {
	in.App.Machines = slices.Clone(in.App.Machines)
	for i := range in.App.Machines {
		in.App.Machines[i].Lease = nil
	}
	return in
}

// decisionText is a refusal as a finding, with the name of its rule in it.
func decisionText(r Refusal) string {
	if strings.Contains(r.Text, r.Rule) {
		return "the decision: " + r.Text
	}
	return fmt.Sprintf("the decision: %s (%s)", r.Text, r.Rule)
}

// weigh prices the decided placement, as far as there is demand to do it with.
func (out *Group) weigh(in Input, g fleet.Group, j *Judged) error {
	var err error
	if j.Figures.Compute, err = compute(in, g, j.Placement); err != nil {
		return err
	}
	serving := map[string]int{}
	for code, n := range j.Placement {
		if serves := n - (out.Current[code] - g.Serving()[code]); serves > 0 {
			serving[string(code)] = serves
		}
	}
	if j.Unweighed = out.unweighed(serving); j.Unweighed != "" {
		return nil
	}
	e, err := placement.Evaluate(out.live, serving)
	if err != nil {
		return err
	}
	j.Figures, j.Objective, j.ChangeCost = out.figures(e), e.Objective, out.live.ChangeCost
	j.ToLive = j.Figures.less(out.Before)
	out.breaks(in, g, j, e)
	if out.best == nil {
		return nil
	}
	best, err := placement.Evaluate(out.live, out.best)
	if err != nil {
		return err
	}
	j.Optimum = &Alternative{Placement: out.withIdle(problem{live: out.live}, out.best), Figures: out.figures(best)}
	j.Regret = e.Objective - best.Objective
	j.ToOptimum = j.Figures.less(j.Optimum.Figures)
	return j.beyond(out, serving)
}

// unweighed says why a placement of serving Machines cannot be weighed.
func (out *Group) unweighed(serving map[string]int) string {
	switch {
	case len(out.live.Candidates) == 0 && len(out.Holds) > 0:
		return strings.ReplaceAll(string(out.Holds[0].Reason), "-", " ") + ", " + out.Holds[0].Detail
	case len(out.live.Candidates) == 0:
		return "there is no traffic to weigh it with"
	case len(serving) == 0:
		return "no Machine would serve"
	}
	for _, code := range slices.Sorted(maps.Keys(serving)) {
		if !slices.ContainsFunc(out.live.Candidates, func(c placement.Candidate) bool { return c.Region == code }) {
			return "nobody knows where " + code + " is"
		}
		if serving[code] > mostCounted {
			return fmt.Sprintf("no region takes %d Machines", serving[code])
		}
	}
	return ""
}

// breaks adds what only the traffic tells: the load, and the limits on latency
// and on the whole cost. All others Check has told.
func (out *Group) breaks(in Input, g fleet.Group, j *Judged, e placement.Evaluation) {
	told := func(rule string) bool {
		return slices.ContainsFunc(j.Breaks, func(r Refusal) bool { return r.Rule == rule && r.Region == "" })
	}
	add := func(code, rule, next, format string, args ...any) {
		j.Breaks = append(j.Breaks, Refusal{g.Name, region.Code(code), rule, fmt.Sprintf(format, args...), next})
	}
	by := ""
	if out.Sizing.Basis == string(demand.Unknown) {
		by = ", by what the busiest live Machine carries"
	}
	for _, b := range e.Broken {
		switch b.Limit {
		case "load":
			add(b.Region, "target-utilization", "decide for more there, or change target-utilization",
				"%s would serve in %s, but its busiest hour needs %g%s", machines(int(b.Value)), b.Region, b.Bound, by)
		case "survive":
			if b.Region == "" && told("survive") || singleton(in, g) && total(j.Placement) == 1 {
				continue
			}
			add(b.Region, "survive", "decide for more there, or change survive",
				"%s would serve in %s, but a failure needs %g%s", machines(int(b.Value)), b.Region, b.Bound, by)
		case "max_p95_latency_ms":
			add("", "max-p95-latency", "decide for regions closer to the requests, or change max-p95-latency",
				"95%% of the requests would have at most %.0f ms, but max-p95-latency is %g ms", b.Value, b.Bound)
		case "max_monthly_cost":
			if !told("max-monthly-cost") {
				add("", "max-monthly-cost", "decide for fewer, or change max-monthly-cost",
					"it would cost %s a month, but max-monthly-cost is %s", price.Format(j.Figures.Total()), price.Format(in.Policy.MaxMonthlyCost))
			}
		}
	}
}

// beyond finds the limits that only plans keep to, as they were when the plan
// was solved.
func (j *Judged) beyond(out *Group, serving map[string]int) error {
	p := out.live
	p.Limits = out.Problem.Limits
	e, err := placement.Evaluate(p, serving)
	if err != nil {
		return err
	}
	capped := slices.ContainsFunc(j.Breaks, func(r Refusal) bool { return r.Rule == "max-monthly-cost" })
	for _, b := range e.Broken {
		switch {
		case b.Limit == "max_changes":
			j.Beyond = append(j.Beyond, "max-changes")
		case b.Limit == "max_monthly_cost" && !capped:
			j.Beyond = append(j.Beyond, "max-cost-increase")
		}
	}
	return nil
}

// judgeOthers checks what is decided on groups that are not planned: only pins
// and limits that hold without traffic.
func (p *Plan) judgeOthers(in Input) {
	for _, name := range slices.Sorted(maps.Keys(in.Decided)) {
		if slices.ContainsFunc(p.Groups, func(g Group) bool { return g.Name == name }) {
			continue
		}
		refused := Check(unleased(in), map[string]map[region.Code]int{name: in.Decided[name]})
		for _, r := range refused {
			p.Findings = append(p.Findings, Finding{Error, decisionText(r), r.Hint})
		}
		p.Refused = append(p.Refused, refused...)
		if len(refused) == 0 {
			p.Unjudged = append(p.Unjudged, name)
			p.Findings = append(p.Findings, Finding{Warning, fmt.Sprintf("the decision for process group %q is not weighed: the group is not planned", name), "see process-group"})
		}
	}
}
