package report

import (
	"slices"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// plan renders what an app's answer does not say.
func (b *builder) plan(p plan.Plan, several bool) doc.Section {
	var blocks []doc.Block
	if f, ok := leadFinding(p); ok && f.Hint != "" {
		blocks = append(blocks, doc.Paragraph{Text: next(f.Hint)})
	}
	blocks = append(blocks, b.findings(restOf(p))...)
	depth := 2
	if several {
		depth = 3
	}
	quiet := true
	for _, g := range p.Groups {
		prefix := ""
		if len(p.Groups) > 1 {
			prefix = g.Name
		}
		s := b.group(g, p, prefix, depth)
		quiet = quiet && s.Quiet
		blocks = append(blocks, s)
	}
	quiet = quiet && len(p.Groups) > 0 && len(p.Findings) == 0
	switch {
	case !several || len(blocks) == 0:
	case quiet:
		blocks = []doc.Block{doc.Details{Title: p.App, Blocks: blocks}}
	default:
		blocks = append([]doc.Block{doc.Heading{Depth: 2, Text: doc.T(p.App)}}, blocks...)
	}
	return doc.Section{Detail: doc.Brief, Quiet: quiet, Blocks: blocks}
}

// restOf are the findings that the answer does not give.
func restOf(p plan.Plan) []plan.Finding {
	rest := slices.Clone(p.Findings)
	if lead, ok := leadFinding(p); ok {
		i := slices.Index(rest, lead)
		rest = slices.Delete(rest, i, i+1)
	}
	return rest
}

// findings renders the worst ones as alerts, while there are some to be had,
// and the others as a list.
func (b *builder) findings(findings []plan.Finding) []doc.Block {
	findings = slices.Clone(findings)
	slices.SortStableFunc(findings, bySeverity)
	var blocks []doc.Block
	var list doc.Points
	for _, f := range findings {
		callout := doc.Callout{Level: calloutLevel(f.Level), Text: doc.Ticked(f.Text), Next: next(f.Hint)}
		if b.alert(f.Level) {
			blocks = append(blocks, callout)
		} else {
			list.Items = append(list.Items, callout)
		}
	}
	if len(list.Items) > 0 {
		blocks = append(blocks, list)
	}
	return blocks
}

func calloutLevel(l plan.Level) doc.CalloutLevel {
	switch l {
	case plan.Error:
		return doc.Error
	case plan.Warning:
		return doc.Warning
	case plan.Notice:
	}
	return doc.Note
}

// alert tells whether a finding becomes an alert, and counts it.
func (b *builder) alert(l plan.Level) bool {
	switch l {
	case plan.Error:
		b.errors--
		b.alerts--
		return b.alerts >= 0
	case plan.Warning:
		if b.alerts > b.errors {
			b.alerts--
			return true
		}
	case plan.Notice:
	}
	return false
}

// group renders the plan of one process group. The sections are headed one
// level below the group's name, which is left out when there is one group.
func (b *builder) group(g plan.Group, p plan.Plan, prefix string, depth int) doc.Section {
	s := doc.Section{Detail: doc.Brief, Quiet: g.Status == plan.NoChanges && len(g.Findings) == 0 && g.Decided == nil}
	if prefix != "" {
		s.Blocks = append(s.Blocks, doc.Heading{Depth: depth, Text: doc.T(prefix)})
		depth++
	}
	depth = max(depth, 3)
	v := view{Group: g, plan: p, depth: depth}
	s.Blocks = append(s.Blocks, v.judged()...)
	s.Blocks = append(s.Blocks, v.holdNext()...)
	s.Blocks = append(s.Blocks, b.findings(g.Findings)...)
	s.Blocks = append(s.Blocks, v.drifted()...)
	s.Blocks = append(s.Blocks, v.holds()...)
	s.Blocks = append(s.Blocks, v.conflicts()...)
	s.Blocks = append(s.Blocks, v.changes()...)
	s.Blocks = append(s.Blocks, v.figures()...)
	for _, part := range []doc.Section{v.edges(), v.pins(), v.evidence(), v.method()} {
		if len(part.Blocks) > 0 {
			s.Blocks = append(s.Blocks, part)
		}
	}
	return s
}

// A view renders the parts of one group's plan, each headed at one depth.
type view struct {
	plan.Group
	plan  plan.Plan
	depth int
}

func (v view) heading(s string) doc.Block { return doc.Heading{Depth: v.depth, Text: doc.T(s)} }

// heldInTheAnswer tells whether the answer says already why the group is held.
func (v view) heldInTheAnswer() bool {
	return v.Status == plan.Held && len(v.Holds) == 1 && holdDetail(v.Holds[0])
}

// holdNext is the next step to what the answer says, close to it.
func (v view) holdNext() []doc.Block {
	if !v.heldInTheAnswer() || v.Holds[0].Hint == "" {
		return nil
	}
	return []doc.Block{doc.Paragraph{Text: next(v.Holds[0].Hint)}}
}

func (v view) holds() []doc.Block {
	if len(v.Holds) == 0 || v.heldInTheAnswer() {
		return nil
	}
	var list doc.Points
	for _, h := range v.Holds {
		text := doc.B(HoldWords(h.Reason))
		if h.Detail != "" {
			text = doc.Join(doc.B(HoldWords(h.Reason)+":"), doc.T(" "), doc.Ticked(h.Detail))
		}
		list.Items = append(list.Items, doc.Callout{Text: text, Next: next(h.Hint)})
	}
	title := "Why it is held"
	if v.Status != plan.Held {
		title = "What holds it back"
	}
	return []doc.Block{v.heading(title), list}
}

func (v view) conflicts() []doc.Block {
	if len(v.Conflict) == 0 {
		return nil
	}
	t := doc.Table{Columns: []doc.Column{{Title: "Limit"}, {Title: "Set to", Right: true}, {Title: "Would do alone", Right: true}}}
	for _, c := range v.Conflict {
		name := doc.C(plan.OptionOf(c.Limit))
		if c.Region != "" {
			name = doc.T("Machines in " + c.Region)
		}
		t.Rows = append(t.Rows, []doc.Text{name, doc.T(limitValue(c, c.Value)), doc.T(nearestValue(c))})
	}
	title := "Limits that contradict each other"
	if len(v.Conflict) == 1 {
		title = "The limit that cannot be met"
	}
	return []doc.Block{v.heading(title), t}
}

// changes are a table, and the reasons a list below it: a column of sentences is
// too narrow to be read on a telephone.
func (v view) changes() []doc.Block {
	if len(v.Changes) == 0 {
		return nil
	}
	t := doc.Table{Columns: []doc.Column{{Title: "Region"}, {Title: "Machines", Right: true}, {Title: "Their cost a month", Right: true}}}
	var why doc.List
	for _, c := range v.Changes {
		t.Rows = append(t.Rows, []doc.Text{
			doc.Join(doc.B(verb(c)+" "+string(c.Region)), doc.T(" "+v.city(c.Region))),
			doc.T(step(group(itoa(c.From)), group(itoa(c.To)))),
			doc.T(price.FormatDelta(c.Rent)),
		})
		if c.Reason != "" {
			why.Items = append(why.Items, doc.Join(doc.B(string(c.Region)+":"), doc.T(" "), doc.Ticked(c.Reason)))
		}
	}
	title := "Changes"
	if v.Decided != nil && !v.Decided.IsOptimum() {
		title = "What the plan would change"
	}
	blocks := []doc.Block{v.heading(title), t}
	if len(why.Items) > 0 {
		blocks = append(blocks, why)
	}
	return blocks
}

// city is where a region is, without the country.
func (v view) city(c region.Code) string {
	name := ""
	for _, e := range v.Edges {
		if e.Code == c {
			name = e.Name
			break
		}
	}
	if r, ok := region.BuiltIn().Lookup(c); ok && name == "" {
		name = r.Name
	}
	return cityOf(name)
}
