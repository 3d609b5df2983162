package report

import (
	"strconv"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// A Proposal is what became of the pull request that asks for the plans.
type Proposal struct {
	Operation Operation
	// Number and URL are those of the pull request; 0 and "" when there is none.
	Number int
	URL    string
	// Branch is where the decisions are.
	Branch string
	// CompareURL is the page where somebody can open the pull request, when it is
	// Blocked.
	CompareURL string
	// Touched tells that somebody else pushed to the branch, which stays as it is
	// since.
	Touched bool
	// Findings are what else somebody should know: labels that could not be set,
	// a reviewer who is none.
	Findings []plan.Finding
}

// An Operation is what was done with a pull request.
type Operation string

// The operations.
const (
	Created   Operation = "created"
	Updated   Operation = "updated"
	Unchanged Operation = "unchanged" // it asks for the same as before
	Closed    Operation = "closed"    // there is nothing left to ask for
	Blocked   Operation = "blocked"   // the branch is pushed, but GitHub forbids pull requests by workflows
	None      Operation = "none"
)

// A PullRequest is one of the repository's.
type PullRequest struct {
	Number int
	URL    string
}

// link names a pull request.
func link(number int, url string) doc.Text {
	name := "#" + strconv.Itoa(number)
	if url == "" {
		return doc.T(name)
	}
	return doc.A(name, url)
}

// proposal says where the plans are proposed.
func (b *builder) proposal(p *Proposal) doc.Document {
	if p == nil {
		return nil
	}
	here := link(p.Number, p.URL)
	var d []doc.Block
	say := func(texts ...doc.Text) { d = append(d, doc.Paragraph{Text: doc.Join(texts...)}) }
	warn := func(text, next doc.Text) {
		callout := doc.Callout{Level: doc.Warning, Text: text, Next: doc.Join(doc.B("Next:"), doc.T(" "), next)}
		if b.alert(plan.Warning) {
			d = append(d, callout)
		} else {
			d = append(d, doc.Points{Items: []doc.Callout{callout}})
		}
	}
	branch := doc.C(p.Branch)
	switch {
	case p.Touched:
		where := branch
		if p.Number > 0 {
			where = doc.Join(branch, doc.T(" of "), here)
		}
		warn(doc.Join(doc.T("Somebody else pushed to "), where, doc.T(", so it stays as it is.")),
			doc.Join(doc.T("merge or close it; or delete the branch, and the next run begins a new one.")))
	case p.Operation == Created:
		say(doc.T("Proposed in "), here, doc.T("."))
	case p.Operation == Updated:
		say(doc.T("Proposed in "), here, doc.T(", which said something else before."))
	case p.Operation == Unchanged:
		say(doc.T("Proposed in "), here, doc.T(", which says the same already."))
	case p.Operation == Closed:
		say(doc.T("Closed "), here, doc.T(": there is nothing left to propose."))
	case p.Operation == Blocked:
		open := doc.T("open it yourself.")
		if p.CompareURL != "" {
			open = doc.Join(doc.A("open it yourself", p.CompareURL), doc.T("."))
		}
		warn(doc.Join(branch, doc.T(" is pushed, but the repository does not let workflows create its pull request.")),
			doc.Join(doc.T("tick "), doc.B("Allow GitHub Actions to create and approve pull requests"),
				doc.T(" in Settings → Actions → General → Workflow permissions, or "), open))
	}
	d = append(d, b.findings(p.Findings)...)
	if len(d) == 0 {
		return nil
	}
	return doc.Document{doc.Section{Detail: doc.Brief, Blocks: d}}
}

// outputs are the action's outputs of the pull request.
func (p Proposal) outputs() map[string]string {
	number := ""
	if p.Number > 0 {
		number = strconv.Itoa(p.Number)
	}
	return map[string]string{"pull-request-number": number, "pull-request-url": p.URL, "pull-request-operation": string(p.Operation)}
}
