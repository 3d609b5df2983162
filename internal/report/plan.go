package report

import (
	"slices"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// plan renders what an app's answer does not say.
func (b *builder) plan(p plan.Plan, several bool) doc.Section {
	blocks := b.findings(restOf(p))
	if f, ok := leadFinding(p); ok && f.Hint != "" {
		blocks = append(blocks, doc.Paragraph{Text: next(f.Hint)})
	}
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
	var list doc.List
	for _, f := range findings {
		text := doc.T(f.Text)
		if level, ok := b.alert(f.Level); ok {
			alert := doc.Callout{Level: level, Text: text}
			if f.Hint != "" {
				alert.Next = next(f.Hint)
			}
			blocks = append(blocks, alert)
			continue
		}
		text = withNext(text, f.Hint)
		if f.Level != plan.Notice {
			text = doc.Join(doc.B(string(f.Level)+":"), doc.T(" "), text)
		}
		list.Items = append(list.Items, text)
	}
	if len(list.Items) > 0 {
		blocks = append(blocks, list)
	}
	return blocks
}

// alert tells whether a finding becomes an alert, and counts it.
func (b *builder) alert(l plan.Level) (doc.CalloutLevel, bool) {
	switch l {
	case plan.Error:
		b.errors--
		b.alerts--
		return doc.Error, b.alerts >= 0
	case plan.Warning:
		if b.alerts > b.errors {
			b.alerts--
			return doc.Warning, true
		}
	case plan.Notice:
	}
	return doc.Note, false
}

// group renders the plan of one process group. The sections are headed one
// level below the group's name, which is left out when there is one group.
func (b *builder) group(g plan.Group, p plan.Plan, prefix string, depth int) doc.Section {
	s := doc.Section{Detail: doc.Brief, Quiet: g.Status == plan.NoChanges && len(g.Findings) == 0}
	if prefix != "" {
		s.Blocks = append(s.Blocks, doc.Heading{Depth: depth, Text: doc.T(prefix)})
		depth++
	}
	depth = max(depth, 3)
	v := view{Group: g, plan: p, depth: depth}
	s.Blocks = append(s.Blocks, b.findings(g.Findings)...)
	s.Blocks = append(s.Blocks, v.holds()...)
	s.Blocks = append(s.Blocks, v.conflicts()...)
	s.Blocks = append(s.Blocks, v.changes()...)
	s.Blocks = append(s.Blocks, v.figures()...)
	for _, part := range []doc.Section{v.edges(), v.pins(), v.method()} {
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

func (v view) holds() []doc.Block {
	if len(v.Holds) == 0 {
		return nil
	}
	if only := v.Holds[0]; v.Status == plan.Held && len(v.Holds) == 1 && holdDetail(only) {
		if only.Hint == "" {
			return nil
		}
		return []doc.Block{doc.Paragraph{Text: next(only.Hint)}}
	}
	var list doc.List
	for _, h := range v.Holds {
		list.Items = append(list.Items, withNext(doc.Join(doc.B(holdWords(h.Reason)+":"), doc.T(" "+h.Detail)), h.Hint))
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
		nearest := "no value"
		if c.Nearest != 0 {
			nearest = limitValue(c.Limit, c.Nearest)
		}
		t.Rows = append(t.Rows, []doc.Text{doc.C(limitName(c.Limit)), doc.T(limitValue(c.Limit, c.Value)), doc.T(nearest)})
	}
	return []doc.Block{v.heading("Limits that contradict each other"), t}
}

func (v view) changes() []doc.Block {
	if len(v.Changes) == 0 {
		return nil
	}
	t := doc.Table{Columns: []doc.Column{{Title: "Region"}, {Title: "Machines", Right: true}, {Title: "Why"}}}
	for _, c := range v.Changes {
		t.Rows = append(t.Rows, []doc.Text{
			doc.Join(doc.B(verb(c)+" "+string(c.Region)), doc.T(" "+v.city(c.Region))),
			doc.T(step(group(itoa(c.From)), group(itoa(c.To)))),
			doc.T(c.Reason),
		})
	}
	return []doc.Block{v.heading("Changes"), t}
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
