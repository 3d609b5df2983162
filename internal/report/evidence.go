package report

import (
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// evidence shows what the plan was compared with. All differences are told one
// way: what would be different if it were decided otherwise.
func (v view) evidence() doc.Section {
	s := doc.Section{Detail: doc.Ample}
	if len(v.Why) == 0 {
		return s
	}
	sub := func(title string) doc.Block { return doc.Heading{Depth: v.depth + 1, Text: doc.T(title)} }
	blocks := []doc.Block{
		doc.Paragraph{Text: doc.T(v.runnerUp())},
		sub("Region by region"),
		doc.Paragraph{Text: doc.T("What would be different with one region decided otherwise, and the rest as is best then. All told: latency at its value, cost and changes together, a month.")},
		v.comparisons(v.Why),
	}
	blocks = append(blocks, sub("Not added"))
	if len(v.NotAdded) > 0 {
		blocks = append(blocks, v.comparisons(v.NotAdded))
	} else {
		blocks = append(blocks, doc.Paragraph{Text: doc.T("No other region was found that could be opened within the limits and serve 0.1% of the requests.")})
	}
	if len(v.Frontier) > 0 {
		blocks = append(blocks, sub("By number of regions"), v.frontier())
		if l := v.Problem.Limits; l.MinRegions > 1 || l.MaxRegions > 0 {
			blocks = append(blocks, doc.Paragraph{Text: doc.Join(doc.C("min-regions"), doc.T(" and "), doc.C("max-regions"), doc.T(" are left aside in this table"+v.costLimit()+"."))})
		}
	}
	title := "Why these regions and no others"
	if v.Status == plan.NoChanges {
		title = "Why staying is best"
	}
	s.Blocks = []doc.Block{doc.Details{Title: title, Blocks: blocks}}
	return s
}

func (v view) runnerUp() string {
	up := v.RunnerUp
	if up == nil {
		return "No other set of regions was found that keeps to the limits."
	}
	text := "The next best set of regions is "
	if up.Status != placement.Optimal {
		text = "The next best set of regions that was found is "
	}
	if up.Live {
		text += "that of now, "
	}
	return text + and(names(up.Open)) + v.unlike(up.Open) + ": " + worse(up.Regret, " a month") + ", latency, cost and changes together."
}

// unlike tells in which regions a set differs from the planned one, where that
// is not seen at a glance: " (with cdg, without ams)".
func (v view) unlike(open []region.Code) string {
	var with, without, parts []string
	for _, c := range open {
		if !slices.ContainsFunc(v.Why, func(x plan.Comparison) bool { return x.Region == c && serves(x) }) {
			with = append(with, string(c))
		}
	}
	for _, x := range v.Why {
		if serves(x) && !slices.Contains(open, x.Region) {
			without = append(without, string(x.Region))
		}
	}
	if len(open) < 4 || len(with)+len(without) >= len(open) {
		return ""
	}
	if len(with) > 0 {
		parts = append(parts, "with "+and(with))
	}
	if len(without) > 0 {
		parts = append(parts, "without "+and(without))
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// worse tells how much worse than the plan something is, in USD.
func worse(usd float64, per string) string {
	amount := price.Format(max(usd, -usd))
	if amount == price.Format(0) {
		amount = "under " + price.Format(0.01)
	}
	switch {
	case usd < -1e-6:
		return amount + per + " better"
	case usd > 1e-6:
		return amount + per + " worse"
	}
	return "just as good"
}

// comparisons lists regions, what is most to the point first: narrow screens
// show the left of a table.
func (v view) comparisons(list []plan.Comparison) doc.Table {
	t := doc.Table{Columns: []doc.Column{
		{Title: "Region"},
		{Title: "Otherwise"},
		{Title: "All told", Right: true},
		{Title: "Mean round trip", Right: true},
		{Title: "Compute a month", Right: true},
		{Title: "Transfer a month", Right: true},
		{Title: "Share", Right: true},
	}}
	transfer := slices.ContainsFunc(slices.Concat(v.Why, v.NotAdded), func(c plan.Comparison) bool { return c.Transfer != 0 })
	if !transfer {
		t.Columns = slices.Delete(t.Columns, 5, 6)
	}
	for _, c := range list {
		row := []doc.Text{doc.Join(doc.T(v.decided(c)), doc.B(string(c.Region)), doc.T(" "+v.city(c.Region))), doc.T(v.otherwise(c)), nil, nil, nil, nil, doc.T(percent(c.Share))}
		if len(c.Open) > 0 {
			sign := 1.0
			if v.explains(c) { // the plan's less the other's
				sign = -1
			}
			row[2], row[3] = doc.T(worse(c.Objective-v.Objective, "")), doc.T(delta(sign*c.MS))
			row[4], row[5] = doc.T(price.FormatDelta(sign*c.Compute)), doc.T(price.FormatDelta(sign*c.Transfer))
		}
		if !transfer {
			row = slices.Delete(row, 5, 6)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// explains tells a comparison of Why from one of NotAdded.
func (v view) explains(c plan.Comparison) bool {
	return slices.ContainsFunc(v.Why, func(x plan.Comparison) bool { return x.Region == c.Region })
}

// serves tells whether the plan has the region open, of which the other
// placement then has not.
func serves(c plan.Comparison) bool { return !slices.Contains(c.Open, c.Region) }

func (v view) decided(c plan.Comparison) string {
	switch {
	case !v.explains(c):
		return ""
	case !serves(c):
		return "closed "
	case v.Current[c.Region] > 0:
		return "kept "
	}
	return "opened "
}

// otherwise names what a region is compared with, and says where there is no
// choice.
func (v view) otherwise(c plan.Comparison) string {
	if len(c.Open) == 0 {
		return "no other region may be open"
	}
	text, must := "with it", "close"
	switch {
	case serves(c) && v.Current[c.Region] > 0:
		text, must = "without it", "stay"
	case serves(c):
		text, must = "without it", "open"
	}
	switch c.Status {
	case placement.Feasible:
		return text + ", best found"
	case placement.Infeasible:
		return text + ", though it must " + must
	case placement.Unknown:
		return text + ", all else equal"
	case placement.Optimal:
	}
	return text
}

// delta formats a difference of milliseconds: "+2.2 ms".
func delta(ms float64) string {
	s := millis(ms)
	if ms > 0 && strings.Trim(s, "0.") != "" {
		s = "+" + s
	}
	return s + " ms"
}

func (v view) frontier() doc.Table {
	t := doc.Table{Columns: []doc.Column{
		{Title: "Regions", Right: true}, {Title: "All told", Right: true}, {Title: "Mean round trip", Right: true}, {Title: "Cost a month", Right: true}, {Title: "Which"},
	}}
	for i := 0; i < len(v.Frontier); {
		p, end := v.Frontier[i], i+1
		if len(p.Placement) > 0 {
			t.Rows = append(t.Rows, v.point(p))
			i = end
			continue
		}
		for end < len(v.Frontier) && len(v.Frontier[end].Placement) == 0 && v.Frontier[end].Status == p.Status {
			end++
		}
		span := itoa(p.Regions)
		if last := v.Frontier[end-1].Regions; last > p.Regions {
			span += " to " + itoa(last)
		}
		none := "none within the limits"
		if p.Status != placement.Infeasible {
			none = "none found within the solver's work limit"
		}
		t.Rows = append(t.Rows, []doc.Text{doc.T(span), nil, nil, nil, doc.T(none)})
		i = end
	}
	return t
}

func (v view) point(p plan.Point) []doc.Text {
	regions, told := doc.T(itoa(p.Regions)), worse(p.Objective-v.Objective, "")
	switch {
	case v.planned(p):
		regions, told = doc.B(itoa(p.Regions)), "planned"
		if v.Status == plan.NoChanges {
			told = "as now"
		}
	case p.Status == placement.Feasible:
		told += ", best found"
	}
	return []doc.Text{regions, doc.T(told), doc.T(millis(p.MeanMS) + " ms"), doc.T(price.Format(p.Cost)), doc.T(strings.Join(names(p.Open), ", "))}
}

// planned tells the point that is the plan: it is the only one in its number
// of regions.
func (v view) planned(p plan.Point) bool { return machines(p.Placement) == machines(v.Placement) }

func names(codes []region.Code) []string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = string(c)
	}
	return out
}

// costLimit says what the cost guard or max-monthly-cost allows.
func (v view) costLimit() string {
	if most := v.Problem.Limits.MaxMonthlyCost; most > 0 {
		return "; what serves may cost " + price.Format(most) + " a month by the cost guard or max-monthly-cost"
	}
	return ""
}
