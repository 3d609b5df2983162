package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// A Check is what was tried about one subject, to see whether the other commands
// could work.
type Check struct {
	// About is the subject: "Fly.io", "app shop".
	About string
	Lines []CheckLine
}

// A CheckLine is one thing that was tried.
type CheckLine struct {
	Status CheckStatus
	// What was tried, in a word or two, and what was Found.
	What, Found string
	// Fix is what to do about it. A line that failed has one; of the others, those
	// about which somebody can do something.
	Fix string
}

// A CheckStatus is how a thing is that was tried.
type CheckStatus string

// The statuses.
const (
	CheckOK      CheckStatus = "ok"
	CheckFailed  CheckStatus = "failed"
	CheckUnknown CheckStatus = "unknown" // it cannot be told from here, or was not asked
)

// Mark is the status in one character.
func (s CheckStatus) Mark() string {
	switch s {
	case CheckOK:
		return "✓"
	case CheckFailed:
		return "✗"
	default:
		return "–"
	}
}

// Amount writes a count that may be large: "45,200", "7.9 million".
func Amount(n float64) string { return amount(n) }

// CountChecks counts the lines with a status.
func CountChecks(checks []Check, status CheckStatus) int {
	n := 0
	for _, c := range checks {
		for _, l := range c.Lines {
			if l.Status == status {
				n++
			}
		}
	}
	return n
}

// checkAnswer returns what the checks come down to, in one line.
func checkAnswer(checks []Check) string {
	ok, failed, unknown := CountChecks(checks, CheckOK), CountChecks(checks, CheckFailed), CountChecks(checks, CheckUnknown)
	parts := []string{"check: all is well"}
	switch {
	case failed > 0:
		parts = []string{"check: " + count(failed, "thing needs you", "things need you")}
	case unknown > 0: // then nobody knows whether all is
		parts = []string{"check: nothing needs you"}
	}
	if ok > 0 {
		parts = append(parts, count(ok, "is fine", "are fine"))
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d cannot be told from here", unknown))
	}
	return strings.Join(parts, ", ")
}

// checks renders the lines, a table for each subject.
func (r Report) checks() doc.Document {
	var d doc.Document
	for _, c := range r.Checks {
		t := doc.Table{Columns: []doc.Column{{}, {Title: "Tried"}, {Title: "Found"}}}
		for _, l := range c.Lines {
			mark, text, fix := doc.T(l.Status.Mark()), sentence(l.Found), next(l.Fix)
			if fix != nil {
				text += ". "
			}
			found := doc.Join(doc.Ticked(text), fix)
			if l.Status == CheckFailed {
				mark = doc.B(l.Status.Mark())
			}
			t.Rows = append(t.Rows, []doc.Text{mark, doc.Ticked(l.What), found})
		}
		d = append(d, doc.Section{Detail: doc.Brief, Blocks: []doc.Block{doc.Heading{Depth: 3, Text: doc.T(c.About)}, t}})
	}
	return d
}

// CheckJSON returns check.json, version 1 (schema/check.schema.json).
func CheckJSON(checks []Check) ([]byte, error) {
	list := []object{}
	for _, c := range checks {
		lines := []object{}
		for _, l := range c.Lines {
			o := object{"status": l.Status, "what": l.What, "found": l.Found}
			if l.Fix != "" {
				o["fix"] = l.Fix
			}
			lines = append(lines, o)
		}
		list = append(list, object{"about": c.About, "lines": lines})
	}
	o := object{"version": 1, "checks": list}
	for _, s := range []CheckStatus{CheckOK, CheckFailed, CheckUnknown} {
		o[string(s)] = CountChecks(checks, s)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(o); err != nil {
		return nil, fmt.Errorf("write checks as JSON: %w", err)
	}
	return b.Bytes(), nil
}
