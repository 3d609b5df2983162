package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// A column is one placement in the table of figures.
type column struct {
	title     string
	placement map[region.Code]int
	figures   plan.Figures
	unweighed bool // latency and transfer are not known
}

// placements are what the table of figures compares.
func (v view) placements() []column {
	out := []column{{title: "Now", placement: v.Current, figures: v.Before}}
	add := func(title string, placement map[region.Code]int, f plan.Figures) {
		out = append(out, column{title: title, placement: placement, figures: f})
	}
	if j := v.Decided; j != nil && len(j.Changes) > 0 {
		out = append(out, column{"Decided", j.Placement, j.Figures, j.Unweighed != ""})
	}
	if v.Status == plan.Planned && (v.Decided == nil || !v.Decided.IsOptimum()) {
		add("Planned", v.Placement, v.After)
	}
	if v.Withheld != nil {
		add("If not held", v.Withheld.Placement, v.Withheld.Figures)
	}
	if v.Unrestricted != nil {
		add("Unrestricted", v.Unrestricted.Placement, v.Unrestricted.Figures)
	}
	return out
}

func (v view) figures() []doc.Block {
	cols := v.placements()
	t := doc.Table{Columns: []doc.Column{{Title: ""}}}
	for _, c := range cols {
		t.Columns = append(t.Columns, doc.Column{Title: c.title, Right: true})
	}
	row := func(name string, cell func(column) string) {
		cells := []doc.Text{doc.T(name)}
		for _, c := range cols {
			cells = append(cells, doc.T(cell(c)))
		}
		t.Rows = append(t.Rows, cells)
	}
	weighed := func(figure func(plan.Figures) string) func(column) string {
		return func(c column) string {
			if c.unweighed {
				return "?"
			}
			return figure(c.figures)
		}
	}
	if len(v.Edges) > 0 {
		row("p95 round trip", weighed(func(f plan.Figures) string { return millis(f.P95MS) + " ms" }))
		row("Median round trip", weighed(func(f plan.Figures) string { return millis(f.P50MS) + " ms" }))
		row("Mean round trip", weighed(func(f plan.Figures) string { return millis(f.MeanMS) + " ms" }))
	}
	if slices.ContainsFunc(cols, func(c column) bool { return c.figures.Transfer != 0 }) {
		row("Compute a month", func(c column) string { return price.Format(c.figures.Compute) })
		row("Transfer a month", weighed(func(f plan.Figures) string { return price.Format(f.Transfer) }))
		row("Total a month", weighed(func(f plan.Figures) string { return price.Format(f.Total()) }))
	} else {
		row("Cost a month", func(c column) string { return price.Format(c.figures.Compute) })
	}
	row("Machines", func(c column) string { return group(itoa(total(c.placement))) })
	row("Regions", func(c column) string { return machines(c.placement) })
	title, parts := "What runs now", []string{"Now"}
	for _, c := range cols {
		if c.title == "Decided" || c.title == "Planned" {
			parts = append(parts, "as "+strings.ToLower(c.title))
			title = and(parts)
		}
	}
	blocks := []doc.Block{v.heading(title), t}
	if v.Unrestricted != nil {
		blocks = append(blocks, doc.Paragraph{Text: unrestricted(v.Unrestricted.Limits)})
	}
	return blocks
}

// unrestricted says what the column of that name is, by the options that keep
// the plan from it.
func unrestricted(limits []string) doc.Text {
	text := doc.T("Unrestricted is the optimum without ")
	for i, name := range limits {
		switch {
		case i > 0 && i == len(limits)-1:
			text = append(text, doc.T(" and ")...)
		case i > 0:
			text = append(text, doc.T(", ")...)
		}
		text = append(text, doc.C(name)...)
	}
	if len(limits) == 0 {
		text = append(text, doc.T("the limits on what one plan may cost and change")...)
	}
	return append(text, doc.T(".")...)
}

// edgesShown is how many edge regions are listed; the rest is summed up.
const edgesShown = 12

func (v view) edges() doc.Section {
	s := doc.Section{Detail: doc.Normal}
	if len(v.Edges) == 0 {
		return s
	}
	head, rest := v.Edges, []plan.Edge(nil)
	if len(v.Edges) > edgesShown+1 { // a row for one edge is better than a row that sums one up
		head, rest = v.Edges[:edgesShown], v.Edges[edgesShown:]
	}
	s.Blocks = []doc.Block{v.heading("Where requests enter"), v.edgeTable(head, rest)}
	if len(rest) > 0 {
		s.Blocks = append(s.Blocks, doc.Section{Detail: doc.Full, Blocks: []doc.Block{
			doc.Details{Title: "The other " + count(len(rest), "edge region", "edge regions"), Blocks: []doc.Block{v.edgeTable(rest, nil)}},
		}})
	}
	if text := v.standIns(); text != "" {
		s.Blocks = append(s.Blocks, doc.Paragraph{Text: doc.T(text)})
	}
	if text := v.unmapped(); text != "" {
		s.Blocks = append(s.Blocks, doc.Paragraph{Text: doc.T(text)})
	}
	return s
}

func (v view) edgeTable(head, rest []plan.Edge) doc.Table {
	t := doc.Table{Columns: []doc.Column{
		{Title: "Edge region"}, {Title: "Share", Right: true}, {Title: ""}, {Title: "Served from"}, {Title: "Round trip, ms", Right: true},
	}}
	largest := v.Edges[0].Share
	for _, e := range head {
		after, afterMS := cmp.Or(e.FromAfter, e.FromBefore), e.AfterMS
		if e.FromAfter == "" {
			afterMS = e.BeforeMS
		}
		mark := ""
		if e.Source == latency.Model {
			mark = "≈ "
		}
		t.Rows = append(t.Rows, []doc.Text{
			doc.Join(doc.B(string(e.Code)), doc.T(" "+cityOf(e.Name))),
			doc.T(percent(e.Share)),
			doc.T(bar(e.Share, largest)),
			doc.T(step(string(e.FromBefore), string(after))),
			doc.T(mark + step(millis(e.BeforeMS), millis(afterMS))),
		})
	}
	if len(rest) > 0 {
		share, before, after := sum(rest)
		t.Rows = append(t.Rows, []doc.Text{
			doc.T(count(len(rest), "more", "more") + ", mean"), doc.T(percent(share)), doc.T(""), doc.T(""),
			doc.T(step(millis(before), millis(after))),
		})
	}
	return t
}

// sum adds up the shares of edges and averages their round trips.
func sum(edges []plan.Edge) (share, before, after float64) {
	for _, e := range edges {
		share += e.Share
		before += e.Share * e.BeforeMS
		if e.FromAfter == "" {
			after += e.Share * e.BeforeMS
		} else {
			after += e.Share * e.AfterMS
		}
	}
	if share == 0 {
		return 0, 0, 0
	}
	return share, before / share, after / share
}

// standIns says why some edge regions are not served from where they are.
func (v view) standIns() string {
	from, to := map[string]bool{}, map[string]bool{}
	for _, e := range v.Edges {
		if e.StandIn != e.Code && e.StandIn != "" {
			from[string(e.Code)], to[string(e.StandIn)] = true, true
		}
	}
	if len(from) == 0 {
		return ""
	}
	closest := "; the closest region where they can is "
	if len(to) > 1 {
		closest = "; the closest regions where they can are "
	}
	return "No Machines can run in " + and(slices.Sorted(maps.Keys(from))) + closest + and(slices.Sorted(maps.Keys(to))) + "."
}

func (v view) unmapped() string {
	if len(v.Unmapped) == 0 {
		return ""
	}
	var sum float64
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(v.Unmapped)) {
		sum += v.Unmapped[c]
		parts = append(parts, string(c)+" "+percent(v.Unmapped[c]))
	}
	return percent(sum) + " of the requests entered at codes that are not known and count in no figure here: " + strings.Join(parts, ", ") + "."
}

// aboutLatency says what the round trips are, once for all plans.
func aboutLatency(plans []plan.Plan) string {
	from := map[latency.Source]bool{}
	for _, p := range plans {
		for _, g := range p.Groups {
			for _, e := range g.Edges {
				from[e.Source] = true
			}
		}
	}
	var parts []string
	if from[latency.FromMatrix] {
		parts = append(parts, "from your latency-matrix")
	}
	if from[latency.Measured] {
		parts = append(parts, "measured between the cities over the public Internet in 2020")
	}
	if from[latency.Model] {
		parts = append(parts, "estimated where marked ≈")
	}
	if len(from) == 0 {
		return ""
	}
	if len(parts) == 0 {
		parts = append(parts, "1 ms inside a city")
	}
	return "A round trip is network time between the region where a request enters Fly.io and the one that serves it, " +
		and(parts) + "; it is not what a browser sees."
}

// cityOf is the name of a place without its country.
func cityOf(name string) string {
	city, _, _ := strings.Cut(name, ", ")
	return city
}

func itoa(n int) string { return strconv.Itoa(n) }
