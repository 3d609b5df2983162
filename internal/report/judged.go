package report

import (
	"math"
	"slices"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// judgedAnswer is what a decision comes down to: what it breaks, what it does,
// and that beside what runs and beside what the plan finds best.
func judgedAnswer(g plan.Group) string {
	j := *g.Decided
	line := "this decision "
	if broken := rules(j.Breaks); len(broken) > 0 {
		line += "breaks " + limited(broken) + "; it "
	}
	line += decides(g)
	if j.IsOptimum() {
		line += ", which is " + optimumName(g)
	}
	beside := "; "
	if len(j.Changes) > 0 && !j.IsOptimum() {
		beside = "; beside what runs: "
	}
	line += beside + figuresAnswer(g.Before, j.Figures, j.Unweighed == "")
	switch {
	case j.Unweighed != "":
		line += "; what it does to latency and load is not known"
	case j.Optimum != nil && !j.IsOptimum():
		line += "; beside " + optimumName(g) + ": " + Worth(j.ToOptimum)
	}
	return line
}

// decides says what a decision does: "opens fra, closes ord".
func decides(g plan.Group) string {
	if len(g.Decided.Changes) == 0 {
		return "keeps " + machines(g.Current)
	}
	return changesAnswer(g.Decided.Changes, "s")
}

// rules names what is broken, each once: options as they are.
func rules(refusals []plan.Refusal) []string {
	var out []string
	for _, r := range refusals {
		name := r.Rule
		if r.Rule == "region" {
			name = "the list of regions"
		}
		switch fleet.PinReason(r.Rule) {
		case fleet.PinVolume, fleet.PinStandby, fleet.PinScheduled, fleet.PinAutoDestroy, fleet.PinHost, fleet.PinCordoned, fleet.PinIdle, fleet.PinLeased,
			fleet.PinGPU, fleet.PinDedicatedHost, fleet.PinEgressIP, fleet.PinEgressRegion, fleet.PinLast, fleet.PinNoSource, fleet.PinPrimary:
			name = "the " + r.Rule + " pin"
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// limited joins names as and does, beyond a handful by their number.
func limited(names []string) string {
	const most = 4
	if more := len(names) - most; more > 1 {
		names = append(slices.Clone(names[:most]), count(more, "more", "more"))
	}
	return and(names)
}

// optimumName is what the plan finds best, as far as it is known to be that.
func optimumName(g plan.Group) string {
	switch {
	case g.Status == plan.Held:
		return "what would be planned"
	case g.Solved == placement.Optimal && g.Kept == 0:
		return "the optimum"
	}
	return "the plan"
}

// Worth says in words what a placement has more than another: its mean round
// trip and its cost, as they read when rounded.
func Worth(d plan.Difference) string {
	ms, usd := math.Abs(d.MeanMS), math.Abs(d.USD())
	time, money := millis(ms)+" ms in the mean", price.Format(usd)+" a month"
	costs := func(v float64) string {
		if v > 0 {
			return "costs "
		}
		return "saves "
	}
	same := millis(ms) == millis(0)
	switch cheap := price.Format(usd) == price.Format(0); {
	case same && cheap:
		return "it has the same mean latency and cost"
	case same:
		return "it " + costs(d.USD()) + money + " at the same mean latency"
	case cheap:
		return "it " + costs(d.MeanMS) + time + " at the same cost"
	case d.MeanMS > 0 && d.USD() > 0:
		return "it is worse in both, by " + time + " and " + money
	case d.MeanMS < 0 && d.USD() < 0:
		return "it is better in both, by " + time + " and " + money
	}
	return "it " + costs(d.MeanMS) + time + " and " + costs(d.USD()) + money
}

// judged says what the answer does not: what the plan is, where the decision is
// another, and what the decision is worth in all.
func (v view) judged() []doc.Block {
	j := v.Decided
	if j == nil {
		return nil
	}
	var blocks []doc.Block
	say := func(t doc.Text) { blocks = append(blocks, doc.Paragraph{Text: t}) }
	if !j.IsOptimum() || v.Status == plan.Held {
		say(doc.Join(doc.B("The plan:"), doc.T(" "), doc.Ticked(planAnswer(v.Group)+".")))
	}
	if j.Unweighed != "" {
		say(doc.Ticked("What the decision does to latency and load is not known: " + sentence(j.Unweighed) + "."))
	}
	if j.Optimum != nil && !j.IsOptimum() {
		than := "worse"
		if j.Regret < 0 {
			than = "better"
		}
		text := doc.T("Latency, cost and changes together, the decision is " + price.Format(math.Abs(j.Regret)) + " a month " + than + " than " + optimumName(v.Group))
		if j.Regret >= 0 && j.Regret <= j.ChangeCost {
			text = doc.Join(text, doc.T(", which is within "), doc.C("change-cost"), doc.T(", "+price.Format(j.ChangeCost)))
		}
		say(doc.Join(text, doc.T(".")))
	}
	if len(j.Beyond) > 0 {
		text := doc.T("It goes beyond ")
		for i, option := range j.Beyond {
			if i > 0 {
				text = append(text, doc.T(" and ")...)
			}
			text = append(text, doc.C(option)...)
		}
		say(doc.Join(text, doc.T(", which only plans keep to.")))
	}
	return blocks
}

// judgedObject is the decided placement in plan.json.
func judgedObject(j plan.Judged) object {
	breaks := []object{}
	for _, r := range j.Breaks {
		o := object{"rule": r.Rule, "text": r.Text, "next": r.Hint}
		if r.Region != "" {
			o["region"] = r.Region
		}
		breaks = append(breaks, o)
	}
	o := object{
		"placement": counts(j.Placement), "monthly_cost": cost(j.Figures),
		"breaks": breaks, "beyond": append([]string{}, j.Beyond...),
	}
	if j.Unweighed != "" {
		o["unweighed"] = j.Unweighed
		return o
	}
	o["latency_ms"], o["objective"] = latencies(j.Figures), round(j.Objective, 6)
	if j.Optimum != nil {
		o["regret"] = round(j.Regret, 6)
	}
	return o
}
