package report

import (
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// A failure is all that went wrong for an app, or for the run.
type failure struct {
	app      string // "" for the run
	problems []Problem
	// input is set when nothing but the run failed, in several ways: then what
	// it was given is to blame.
	input bool
}

// failuresOf groups problems by app, in the order in which they come.
func failuresOf(problems []Problem) []failure {
	var out []failure
	for _, p := range problems {
		i := slices.IndexFunc(out, func(f failure) bool { return f.app == p.App })
		if i < 0 {
			i = len(out)
			out = append(out, failure{app: p.App})
		}
		out[i].problems = append(out[i].problems, p)
	}
	return out
}

// lines are the problems, one each.
func (f failure) lines() []string {
	var out []string
	for _, p := range f.problems {
		out = append(out, problemLines(p)...)
	}
	return out
}

// answer is the failure in one line.
func (f failure) answer() string {
	lines := f.lines()
	text := strings.Join(lines, "")
	switch {
	case len(lines) == 0:
		text = "no reason was given"
	case len(lines) > 1:
		text = count(len(lines), "problem", "problems")
		if f.input {
			text += " with the input"
		}
	}
	if f.app == "" {
		return "failed: " + text
	}
	return doc.Clean(f.app) + ": failed, " + text
}

func problemLines(p Problem) []string {
	var out []string
	for line := range strings.Lines(p.Text) {
		if line = doc.Clean(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// steps joins next steps to one.
func steps(hints []string) string {
	out := make([]string, len(hints))
	for i, hint := range hints {
		if out[i] = hint; i < len(hints)-1 {
			out[i] = sentence(hint)
		}
	}
	return strings.Join(out, "; ")
}

// failures shows what a line of the answer does not say: the parts of a
// failure that has several, and the next steps.
func (b *builder) failures(failures []failure) doc.Document {
	var d doc.Document
	for _, f := range failures {
		blocks := f.blocks()
		if len(blocks) == 0 {
			continue
		}
		if b.lines > 1 {
			title := doc.T(f.app)
			if f.app == "" {
				title = doc.T("The run")
			}
			blocks = append([]doc.Block{doc.Heading{Depth: 2, Text: title}}, blocks...)
		}
		d = append(d, doc.Section{Detail: doc.Brief, Blocks: blocks})
	}
	return d
}

func (f failure) blocks() []doc.Block {
	var list doc.Points
	var after []doc.Block
	single := len(f.lines()) <= 1
	for _, p := range f.problems {
		lines, hint := problemLines(p), next(steps(p.Hints))
		if single || len(lines) != 1 {
			if hint != nil {
				after = append(after, doc.Paragraph{Text: hint})
			}
			hint = nil
		}
		for _, line := range lines {
			if !single {
				list.Items = append(list.Items, doc.Callout{Text: doc.Ticked(line), Next: hint})
			}
		}
	}
	if len(list.Items) == 0 {
		return after
	}
	return append([]doc.Block{list}, after...)
}
