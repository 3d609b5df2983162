package report

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// The outcomes of applying a decision, besides plan.NoChanges, plan.Failed,
// plan.NotApproved and, for a dry run that would change something, plan.Planned
// (docs/apply.md).
const (
	Applied            plan.Outcome = "applied"             // what is decided runs
	Stale              plan.Outcome = "stale"               // the decision is too old
	PreconditionFailed plan.Outcome = "precondition-failed" // what runs is not what was assumed
	Locked             plan.Outcome = "locked"              // somebody else works on the app
	Partial            plan.Outcome = "partial"             // it stopped halfway; a further run goes on
)

// A Result is what became of one app's decision.
type Result struct {
	App     string
	Outcome plan.Outcome
	// Reason ends the sentence that the outcome begins: why it is not applied.
	// Hints are the next steps.
	Reason string
	Hints  []string
	// File is the path of the decision; "" when it was in the plan comment of
	// PullRequest. Digest is that of what it says; "" when nobody could read it.
	File, Digest string
	// PullRequest is the one that was merged with the decision; nil when nobody
	// knows.
	PullRequest *PullRequest
	// DryRun is set when nothing was changed because nothing was to be.
	DryRun bool
	// Started and Ended are when the work on this app began and ended.
	Started, Ended time.Time
	// Groups are the process groups that are decided on, by name.
	Groups []ResultGroup
	// Moved are the counts that are not as the decision assumes them.
	Moved []Moved
	// Steps are what was done, in order; of a dry run, Calls are what would be.
	Steps []Step
	Calls []string
	// Findings are what else somebody should know.
	Findings []plan.Finding
}

// A ResultGroup is the Machines of one process group by region. Before and After
// are what runs at the beginning and at the end; nil where nobody knows.
type ResultGroup struct {
	Name                   string
	Before, Decided, After map[region.Code]int
}

// Moved is a count of Machines that is not what the decision assumes.
type Moved struct {
	Group                  string
	Region                 region.Code
	Assumed, Live, Decided int
}

// A Step is one thing that was done, and how it ended.
type Step struct {
	Group   string
	Region  region.Code
	Machine string // ID or name; it may be empty
	What    string // "create", "wait until healthy"
	Result  string // "done", or why not
	Failed  bool
}

// reached is what runs at the end; of a dry run, what would.
func (r Result) reached(g ResultGroup) map[region.Code]int {
	if r.DryRun && r.Outcome == plan.Planned {
		return g.Decided
	}
	return g.After
}

// changes are what happened to the group, or would.
func (r Result) changes(g ResultGroup) []plan.Change {
	after := r.reached(g)
	if after == nil {
		return nil
	}
	codes := maps.Clone(counts(g.Before))
	maps.Copy(codes, counts(after))
	var out []plan.Change
	for _, c := range slices.Sorted(maps.Keys(codes)) {
		if g.Before[c] != after[c] {
			out = append(out, plan.Change{Region: c, From: g.Before[c], To: after[c]})
		}
	}
	return out
}

// ResultAnswer returns what a result comes down to, in one line of plain text as
// Headline's are.
func ResultAnswer(r Result) string {
	line := r.App + ": " + strings.ReplaceAll(string(r.Outcome), "-", " ")
	if r.DryRun {
		line = r.App + ": dry run, " + strings.ReplaceAll(string(r.Outcome), "-", " ")
	}
	switch {
	case r.Reason != "":
		line += ", " + sentence(r.Reason)
	default:
		var parts []string
		for _, g := range r.Groups {
			text := ""
			if changes := r.changes(g); len(changes) > 0 {
				text = changesAnswer(changes, "")
			} else if after := r.reached(g); after != nil {
				text = machines(after)
			}
			if len(r.Groups) > 1 && text != "" {
				text = g.Name + " " + text
			}
			if text != "" {
				parts = append(parts, text)
			}
		}
		if len(parts) > 0 {
			line += "; " + strings.Join(parts, "; ")
		}
	}
	return doc.Clean(line)
}

// result renders what an app's answer does not say.
func (b *builder) result(r Result, several bool) doc.Section {
	var blocks []doc.Block
	if text := next(steps(r.Hints)); text != nil {
		blocks = append(blocks, doc.Paragraph{Text: text})
	}
	blocks = append(blocks, b.findings(r.Findings)...)
	v := resultView{r, len(r.Groups) > 1}
	blocks = append(blocks, v.moved()...)
	blocks = append(blocks, v.counts()...)
	blocks = append(blocks, doc.Section{Detail: doc.Normal, Blocks: v.steps()})
	blocks = append(blocks, doc.Section{Detail: doc.Ample, Blocks: v.calls()})
	blocks = append(blocks, doc.Section{Detail: doc.Normal, Blocks: v.foot()})
	if several {
		blocks = append([]doc.Block{doc.Heading{Depth: 2, Text: doc.T(r.App)}}, blocks...)
	}
	return doc.Section{Detail: doc.Brief, Blocks: blocks}
}

// A resultView renders the parts of one app's result; named puts the name of the
// process group before each line.
type resultView struct {
	Result
	named bool
}

// table makes a table whose first column names the group where there are several.
func (v resultView) table(columns ...doc.Column) *doc.Table {
	t := &doc.Table{}
	if v.named {
		t.Columns = append(t.Columns, doc.Column{Title: "Group"})
	}
	t.Columns = append(t.Columns, columns...)
	return t
}

func (v resultView) row(t *doc.Table, group string, cells ...doc.Text) {
	if v.named {
		cells = append([]doc.Text{doc.T(group)}, cells...)
	}
	t.Rows = append(t.Rows, cells)
}

func heading3(s string) doc.Block { return doc.Heading{Depth: 3, Text: doc.T(s)} }

func (v resultView) moved() []doc.Block {
	if len(v.Moved) == 0 {
		return nil
	}
	t := v.table(doc.Column{Title: "Region"}, doc.Column{Title: "Assumed", Right: true}, doc.Column{Title: "Runs", Right: true}, doc.Column{Title: "Decided", Right: true})
	for _, m := range v.Moved {
		v.row(t, m.Group, doc.B(string(m.Region)), doc.T(itoa(m.Assumed)), doc.T(itoa(m.Live)), doc.T(itoa(m.Decided)))
	}
	return []doc.Block{heading3("What moved since it was decided"), *t}
}

// counts shows the regions where something changed, or does not run as decided.
func (v resultView) counts() []doc.Block {
	if len(v.Moved) > 0 {
		return nil
	}
	t := v.table(doc.Column{Title: "Region"}, doc.Column{Title: "Before", Right: true}, doc.Column{Title: "Decided", Right: true}, doc.Column{Title: "Now", Right: true})
	for _, g := range v.Groups {
		after, known := g.After, g.After != nil
		if v.DryRun {
			after, known = g.Before, g.Before != nil
		}
		all := counts(g.Before)
		maps.Copy(all, counts(g.Decided))
		maps.Copy(all, counts(after))
		for _, c := range slices.Sorted(maps.Keys(all)) {
			before, now := doc.T("?"), doc.T("?")
			if g.Before != nil {
				before = doc.T(itoa(g.Before[c]))
			}
			if known {
				now = doc.T(itoa(after[c]))
			}
			if g.Before[c] != g.Decided[c] || known && after[c] != g.Before[c] {
				v.row(t, g.Name, doc.B(string(c)), before, doc.T(itoa(g.Decided[c])), now)
			}
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []doc.Block{heading3("Machines"), *t}
}

// steps shows what failed, and all steps folded: there are many of each Machine.
func (v resultView) steps() []doc.Block {
	if len(v.Steps) == 0 {
		return nil
	}
	var failed []Step
	for _, s := range v.Steps {
		if s.Failed {
			failed = append(failed, s)
		}
	}
	all := doc.Details{Title: count(len(v.Steps), "step", "steps") + ", in order", Blocks: []doc.Block{v.stepTable(v.Steps)}}
	if len(failed) == 0 {
		return []doc.Block{all}
	}
	return []doc.Block{heading3("What failed"), v.stepTable(failed), all}
}

func (v resultView) stepTable(steps []Step) doc.Table {
	t := v.table(doc.Column{Title: "Region"}, doc.Column{Title: "Machine"}, doc.Column{Title: "What"}, doc.Column{Title: "Result"})
	for _, s := range steps {
		machine := doc.T(s.Machine)
		if s.Machine != "" {
			machine = doc.C(s.Machine)
		}
		result := doc.T(s.Result)
		if s.Failed {
			result = doc.B(s.Result)
		}
		v.row(t, s.Group, doc.T(string(s.Region)), machine, doc.T(s.What), result)
	}
	return *t
}

func (v resultView) calls() []doc.Block {
	if len(v.Calls) == 0 {
		return nil
	}
	var list doc.List
	for _, c := range v.Calls {
		list.Items = append(list.Items, doc.C(c))
	}
	return []doc.Block{doc.Details{Title: count(len(v.Calls), "call", "calls") + " to the Machines API, in order", Blocks: []doc.Block{list}}}
}

func (v resultView) foot() []doc.Block {
	if v.Digest == "" {
		return nil
	}
	text, from := doc.T("The decision is in the plan comment"), " of "
	if v.File != "" {
		text, from = doc.Join(doc.T("The decision is "), doc.C(v.File)), ", merged in "
	}
	if pr := v.PullRequest; pr != nil {
		text = doc.Join(text, doc.T(from), link(pr.Number, pr.URL))
	}
	text = doc.Join(text, doc.T(", "), doc.C(v.Digest), doc.T("."))
	return []doc.Block{doc.Paragraph{Text: text}}
}
