package report

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

const hostile = "a|b `c` <script>alert(1)</script> @team #7 <!-- x -->\n# head\r\n::error::boom\u202etxt.exe\u200b https://evil.example/?a=1&b www.evil.example [x](y) ![i](z) **b** _i_ ~~s~~ $x$ \x1b[31mred ##[error]x \\| :tada: 1a2b3c4d5e6f GH-12"

// hostileReport has s in every field whose content is from outside.
func hostileReport(s string) Report {
	code := region.Code(s)
	g := moved()
	g.Name = s
	g.Current, g.Placement = where{code: 2}, where{code: 1, "iad": 2}
	g.Changes = []plan.Change{{Region: code, From: 2, To: 1, Reason: s}, {Region: "iad", To: 2, Reason: s}}
	g.Pins = []fleet.Pin{{Machine: s, Region: code, Reason: fleet.PinReason(s), Detail: s}}
	g.Holds = []plan.Hold{{Reason: plan.HoldReason(s), Detail: s, Hint: s}}
	g.Edges = []plan.Edge{{Code: code, Name: s, Share: 0.9, Requests: 9, StandIn: "iad", FromBefore: code, FromAfter: "iad", BeforeMS: 3, AfterMS: 4}}
	g.Unmapped = map[region.Code]float64{code: 0.1}
	g.Conflict = []placement.Conflict{{Limit: s, Value: 1.0, Nearest: 2.0}, {Limit: "min_machines", Region: s, Value: s, Nearest: s}}
	g.Findings = []plan.Finding{{Level: plan.Error, Text: s, Hint: s}, {Level: plan.Notice, Text: s, Hint: s}}
	g.Guest.CPUKind = s
	g.Unrestricted = &plan.Alternative{Placement: where{code: 1}, Limits: []string{s, s}}
	g.Why = []plan.Comparison{
		{Region: code, Share: 0.9, MS: -1, Compute: 1, Open: []region.Code{"ams", code + "2"}, Status: placement.Optimal},
		{Region: "iad", Share: 0.1, Open: []region.Code{code, "iad"}, Status: placement.Status(s)},
	}
	g.NotAdded = []plan.Comparison{{Region: code + "3", Share: 0.2, Open: []region.Code{code, code + "3"}, Objective: 7, Status: placement.Feasible}}
	g.RunnerUp = &plan.RunnerUp{Open: []region.Code{code, "a", "b", "iad"}, Regret: 1, Status: placement.Status(s)}
	g.Decided = &plan.Judged{
		Placement: where{code: 3, "iad": 1}, Changes: []plan.Change{{Region: code, From: 2, To: 3}, {Region: "iad", To: 1}}, Objective: 3,
		Optimum: &plan.Alternative{Placement: g.Placement}, Regret: 2, Beyond: []string{s, s},
		Breaks: []plan.Refusal{{Group: s, Region: code, Rule: s, Text: s, Hint: s}},
	}
	g.Drift = []plan.Drift{{Region: code, Live: 2, Decided: 1}, {Region: code + "2", Live: 1}}
	g.Frontier = []plan.Point{
		{Regions: 1, Open: []region.Code{code}, Placement: where{code: 1}, Status: placement.Status(s)},
		{Regions: 2, Status: placement.Status(s)},
	}
	other := held(plan.HoldReason(s))
	other.Name = "z" + s
	other.Holds[0].Detail = s
	other.Decided = &plan.Judged{Placement: where{code: 3}, Changes: []plan.Change{{Region: code, From: 2, To: 3}}, Unweighed: s}
	p := app(s, plan.Planned, g, other)
	p.Findings = []plan.Finding{{Level: plan.Warning, Text: s, Hint: s}, {Level: plan.Warning, Text: s, Hint: s}}
	return Report{
		Plans:  []plan.Plan{p, {App: s, Outcome: plan.Failed, Findings: []plan.Finding{{Level: plan.Error, Text: s, Hint: s}}}},
		Errors: []Problem{{App: s, Text: doc.Clean(s), Hints: []string{s, s}}, {Text: doc.Clean(s)}, {Text: doc.Clean(s), Hints: []string{s}}},
		Notes:  []Note{{Text: s, URL: s}, {Text: s, URL: "https://example.org/" + s}},
		Proposal: &Proposal{
			Operation: Blocked, Number: 12, URL: s, Branch: s, CompareURL: "https://example.org/" + s, Touched: len(s)%2 == 0,
			Findings: []plan.Finding{{Level: plan.Warning, Text: s, Hint: s}},
		},
		RunURL: s,
	}
}

// ticks are texts whose backticks come close to what they may not do.
var ticks = []string{
	"`", "``", "```", "```go", "` `", "`a`", "a`b`c", "`a``b`", "`a` `b", "`@team`", "@`team`", "`#`7", "#`7`", "`|`", "`a|b`", "`<!--`", "`<script>`",
	"`a\nb`", "`a\u202eb`", "`\u200b`", "`https://evil.example`", "https:`//evil.example`", "`www.`evil.example", "`[x](`y)", "[x]`(y)`", "`- x`", "`::error::x`",
	":`:error::x`", "`##`[x", "`\\`", "\\`a\\`", "`$`x$`", "`**`b**", "&#96;x&#96;", "`a `", "` a`", "1a2b`3c4d5e`", "GH-`12`", ":`tada`:", "`" + strings.Repeat("x", 150) + "`",
}

// harmless is as long as s: some texts are only shown where they are short.
func harmless(s string) string { return strings.Repeat("x", len(s)) }

// shape is the structure of a Markdown document, without its words: what kind
// each line is, and how many cells a table's row has.
func shape(md string) string {
	var b strings.Builder
	for line := range strings.Lines(md) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "|"):
			b.WriteString(strings.Repeat("|", strings.Count(line, "|")))
		case line == "":
		default:
			b.WriteString(lineStart.FindString(line))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

var lineStart = regexp.MustCompile(`^(#+ |- |> \[!\w+\]$|>|<details><summary>|</details>$)`)

var codeSpan = regexp.MustCompile("`[^`]*`|<code>[^<]*</code>")

func checkMarkdown(t *testing.T, s, md, tame string) {
	t.Helper()
	if got, want := shape(md), shape(tame); got != want {
		t.Errorf("%q changes the structure\n%s\nbut harmless text has\n%s\n%s", s, got, want, md)
	}
	for i, line := range strings.Split(md, "\n") {
		if strings.Count(line, "`")%2 != 0 {
			t.Fatalf("%q leaves code open in line %d: %s", s, i+1, line)
		}
		outside := linkTarget.ReplaceAllString(codeSpan.ReplaceAllString(line, ""), "]")
		for _, bad := range []string{"@", "://", "<script", "<!--", "~~", "\\", "]["} {
			if strings.Contains(strings.ToLower(outside), bad) {
				t.Fatalf("%q: %q outside of code in line %d: %s", s, bad, i+1, line)
			}
		}
		if strings.Contains(line, "<!--") || strings.Contains(strings.ToLower(line), "<script") {
			t.Fatalf("%q: raw HTML in line %d: %s", s, i+1, line)
		}
		if m := site.FindString(outside); m != "" {
			t.Fatalf("%q: address %q in line %d: %s", s, m, i+1, line)
		}
		if m := issue.FindString(outside); m != "" {
			t.Fatalf("%q: issue reference %q in line %d: %s", s, m, i+1, line)
		}
	}
	for _, r := range md {
		if r != '\n' && doc.Clean(string(r)) != string(r) && r != ' ' {
			t.Fatalf("%q: invisible character %U", s, r)
		}
	}
}

var (
	// linkTarget is where the note that has a good address points.
	linkTarget = regexp.MustCompile(`(?i)\]\(https?://[!-'*-;=?-_a-z~]*\)`)
	site       = regexp.MustCompile(`(?i)www\.[^ ]`)
	issue      = regexp.MustCompile(`#[0-9]+([^0-9;]|$)`)
)

func checkTerminal(t *testing.T, s, text string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Fatalf("%q: line %d is a workflow command: %s", s, i+1, line)
		}
		for _, r := range line {
			if r != ' ' && doc.Clean(string(r)) != string(r) {
				t.Fatalf("%q: line %d has %U", s, i+1, r)
			}
		}
		columns := 0
		for _, r := range line {
			if !unicode.In(r, unicode.Mn, unicode.Me) {
				columns++
			}
		}
		if columns > 100 {
			t.Fatalf("%q: line %d is %d columns wide: %s", s, i+1, columns, line)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	for _, s := range slices.Concat([]string{hostile}, strings.Fields(hostile), ticks) {
		checkMarkdown(t, s, Markdown(hostileReport(s)), Markdown(hostileReport(harmless(s))))
		checkTerminal(t, s, Terminal(hostileReport(s), TerminalOptions{}))
	}
}

func FuzzForeignText(f *testing.F) {
	f.Add(hostile)
	for _, w := range slices.Concat(strings.Fields(hostile), ticks) {
		f.Add(w)
	}
	for _, w := range []string{"-", "1.", "===", "---", "+", "a`", "``", "`|`", "@|@", "\\|", "::", ":", "#", "&#64;team", "x@y.example", "]]", "<", "|--|", "\u3164", "漢字 漢字", strings.Repeat("x", 300), strings.Repeat(":", 300)} {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if doc.Clean(s) == "" || len(s) > 400 {
			t.Skip("nothing to show, or so much that detail leaves")
		}
		checkMarkdown(t, s, Markdown(hostileReport(s)), Markdown(hostileReport(harmless(s))))
		checkTerminal(t, s, Terminal(hostileReport(s), TerminalOptions{}))
		if _, err := JSON(hostileReport(s).Plans[0]); err != nil {
			t.Fatal(err)
		}
	})
}
