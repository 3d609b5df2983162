// Package report tells people and programs what a plan says, or what became of a
// decision: as Markdown for a job summary or a comment, as text for a terminal,
// as JSON and as the action's outputs.
//
// A Report is turned into one document (package doc), which the renderings
// share; they differ in how much of it they show.
package report

import (
	"slices"
	"unicode/utf16"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// A Report is what one run has to say.
type Report struct {
	// Plans, one for each app, sorted by name.
	Plans []plan.Plan
	// Results, one for each app, sorted by name: what became of its decision.
	Results []Result
	// Checks are what was tried, by subject.
	Checks []Check
	// Errors are failures of the run, or of one of its apps. A Report may have
	// nothing else; those that concern the run are then called problems with
	// the input when there are several.
	Errors []Problem
	// Notes say where the figures are from: the version, the latency table, the prices.
	Notes []Note
	// Proposal is what became of the pull request for the plans; nil when none
	// was to be made.
	Proposal *Proposal
	// RunURL is the page of the workflow run; it may be empty.
	RunURL string
}

// A Problem is a failure. Each line of its Text is a problem of its own. Those
// of one App are shown together.
type Problem struct {
	App   string // "" when it concerns the run
	Text  string
	Hints []string // the next steps
}

// A Note is one line about where a figure is from.
type Note struct {
	Text string
	URL  string // of the Text; it may be empty
}

// TerminalOptions say how to draw for a terminal.
type TerminalOptions = doc.TerminalOptions

// MaxSummary is how many bytes Markdown returns at most. GitHub drops a job
// summary of over 1 MiB as a whole.
const MaxSummary = 900 << 10

// MaxComment is how many characters a comment should have at most. GitHub
// refuses one of over 65,536.
const MaxComment = 60_000

// Markdown renders the report for a job summary, in at most MaxSummary bytes.
func Markdown(r Report) string {
	return r.fit(doc.Full, MaxSummary, func(s string) int { return len(s) })
}

// Comment renders the report for a comment of at most limit characters,
// counted in UTF-16. Detail leaves first; no text is ever cut.
func Comment(r Report, limit int) string {
	return r.fit(doc.Ample, limit, func(s string) int { return len(utf16.Encode([]rune(s))) })
}

// Terminal renders the report as text for a terminal. No line is read as a
// workflow command by a GitHub runner.
func Terminal(r Report, opt TerminalOptions) string {
	d := append(r.answers(-1), r.body()...)
	return doc.Terminal(d.At(doc.Ample, doc.Ample), opt)
}

// fit renders as much detail as fits: first what is more than normal leaves,
// then what is quiet, then a level of detail; in the end there are as many
// answers as there is room for.
func (r Report) fit(top doc.Detail, limit int, size func(string) int) string {
	fits := func(d doc.Document) (string, bool) {
		s := doc.Markdown(d)
		return s, size(s) <= limit
	}
	answers, body := r.answers(-1), r.body()
	whole := slices.Concat(answers, body)
	short := doc.Document{doc.Paragraph{Text: r.shortened(top)}}
	if s, ok := fits(whole.At(top, top)); ok {
		return s
	}
	for detail := top; detail > doc.Answer; detail-- {
		for _, quiet := range []doc.Detail{detail, doc.Answer} {
			if detail > doc.Normal && quiet < detail {
				continue
			}
			if s, ok := fits(append(whole.At(detail, quiet), short...)); ok {
				return s
			}
		}
	}
	for n := len(r.Headline()); n >= 0; n = min(n-1, n*9/10) {
		if s, ok := fits(append(r.answers(n), short...)); ok {
			return s
		}
	}
	return ""
}

// shortened says where there is more than what was shown.
func (r Report) shortened(top doc.Detail) doc.Text {
	file := "plan.json"
	switch {
	case len(r.Results) > 0:
		file = "result.json"
	case len(r.Checks) > 0:
		file = "check.json"
	}
	if top == doc.Full {
		return doc.Join(doc.T("Shortened to fit here; "), doc.C(file), doc.T(" has more."))
	}
	where := doc.T("job summary")
	if r.RunURL != "" {
		where = doc.A("job summary", r.RunURL)
	}
	return doc.Join(doc.T("Shortened to fit here; the "), where, doc.T(" and "), doc.C(file), doc.T(" have more."))
}

// answers are the first lines: n of them, or all when n is negative.
func (r Report) answers(n int) doc.Document {
	lines := r.Headline()
	if n < 0 {
		n = len(lines)
	}
	if len(lines) == 1 && n == 1 {
		return doc.Document{doc.Heading{Depth: 2, Text: doc.Ticked(lines[0])}}
	}
	var list doc.List
	for _, line := range lines[:n] {
		list.Items = append(list.Items, doc.Ticked(line))
	}
	if more := len(lines) - n; more > 0 {
		list.Items = append(list.Items, doc.T(count(more, "more answer is not shown", "more answers are not shown")))
	}
	return doc.Document{list}
}

// body is everything below the answers.
func (r Report) body() doc.Document {
	b := builder{alerts: maxAlerts, lines: len(r.Headline())}
	for _, p := range r.Plans {
		b.errors += errorsIn(restOf(p))
		for _, g := range p.Groups {
			b.errors += errorsIn(g.Findings)
		}
	}
	for _, res := range r.Results {
		b.errors += errorsIn(res.Findings)
	}
	if r.Proposal != nil {
		b.errors += errorsIn(r.Proposal.Findings)
	}
	failures := failuresOf(r.Errors)
	d := b.failures(failures)
	d = append(d, b.proposal(r.Proposal)...)
	several := len(r.Plans)+len(r.Results)+len(failures) > 1
	for _, p := range r.Plans {
		d = append(d, b.plan(p, several))
	}
	for _, res := range r.Results {
		d = append(d, b.result(res, several))
	}
	return slices.Concat(d, r.checks(), r.foot())
}

// maxAlerts is how many alerts GitHub advises to show.
const maxAlerts = 2

// A builder makes the body of a document.
type builder struct {
	alerts int // still to be had
	errors int // findings still to come that are errors: they have alerts first
	lines  int // of the answer
}

func errorsIn(findings []plan.Finding) int {
	n := 0
	for _, f := range findings {
		if f.Level == plan.Error {
			n++
		}
	}
	return n
}

// next is the next step of something that was said before.
func next(hint string) doc.Text {
	if hint == "" {
		return nil
	}
	return doc.Join(doc.B("Next:"), doc.T(" "), doc.Ticked(hint))
}

// foot says what the figures are and where they are from, when there are some.
func (r Report) foot() doc.Document {
	if len(r.Plans) == 0 {
		return nil
	}
	s := doc.Section{Detail: doc.Brief}
	if text := aboutLatency(r.Plans); text != "" {
		s.Blocks = append(s.Blocks, doc.Paragraph{Text: doc.T(text)})
	}
	var notes doc.List
	for _, n := range r.Notes {
		if n.URL != "" {
			notes.Items = append(notes.Items, doc.A(n.Text, n.URL))
		} else {
			notes.Items = append(notes.Items, doc.T(n.Text))
		}
	}
	if len(notes.Items) > 0 {
		s.Blocks = append(s.Blocks, doc.Details{Title: "Sources", Blocks: []doc.Block{notes}})
	}
	if len(s.Blocks) == 0 {
		return nil
	}
	return doc.Document{s}
}
