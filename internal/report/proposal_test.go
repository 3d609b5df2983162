package report

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/plan"
)

const pulls = "https://github.com/acme/shop/pull/"

func proposals() map[string]Proposal {
	return map[string]Proposal{
		"created":   {Operation: Created, Number: 12, URL: pulls + "12", Branch: "fly-placer/placement"},
		"updated":   {Operation: Updated, Number: 12, URL: pulls + "12", Branch: "fly-placer/placement"},
		"unchanged": {Operation: Unchanged, Number: 12, URL: pulls + "12", Branch: "fly-placer/placement"},
		"closed":    {Operation: Closed, Number: 12, URL: pulls + "12", Branch: "fly-placer/placement"},
		"blocked": {
			Operation: Blocked, Branch: "fly-placer/placement",
			CompareURL: "https://github.com/acme/shop/compare/main...fly-placer/placement?quick_pull=1&title=fly-placer%3A+shop",
		},
		"touched": {Operation: None, Number: 12, URL: pulls + "12", Branch: "fly-placer/placement", Touched: true},
		"none":    {Operation: None, Branch: "fly-placer/placement"},
		"warned": {
			Operation: Created, Number: 12, URL: pulls + "12", Branch: "fly-placer/placement",
			Findings: []plan.Finding{{Level: plan.Warning, Text: "the label `placement` could not be set: 403 Forbidden", Hint: "add `issues: write` to the permissions of the job"}},
		},
	}
}

// Each operation in one golden file, in both renderings, without what is not of the proposal.
func TestProposals(t *testing.T) {
	all := proposals()
	var md, text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p := all[name]
		r := Report{Plans: []plan.Plan{{App: "shop", Outcome: plan.Proposed}}, Proposal: &p}
		md.WriteString("<!-- " + name + " -->\n" + Markdown(r) + "\n\n")
		text.WriteString("===== " + name + "\n" + Terminal(r, TerminalOptions{}) + "\n")
	}
	golden(t, "proposals.md", md.String())
	golden(t, "proposals.txt", text.String())
}

func TestOutputsOfAProposal(t *testing.T) {
	p := proposals()["created"]
	want := map[string]string{"pull-request-number": "12", "pull-request-url": pulls + "12", "pull-request-operation": "created"}
	shop := app("shop", plan.Proposed, moved())
	shop.Digest = digest
	for _, r := range []Report{
		{Proposal: &p, Plans: []plan.Plan{shop}},
		{Proposal: &p, Plans: []plan.Plan{app("blog", plan.NoChanges, web()), shop}},
		{Proposal: &p, Errors: []Problem{{App: "shop", Text: "x"}}},
		{Proposal: &p},
	} {
		got, err := Outputs(r)
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(got, func(name, _ string) bool { return !strings.HasPrefix(name, "pull-request-") })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	none := proposals()["none"]
	got, err := Outputs(Report{Proposal: &none})
	if err != nil || got["pull-request-number"] != "" || got["pull-request-operation"] != "none" {
		t.Errorf("%v, error %v", got, err)
	}
}

func TestDigestIsAnOutput(t *testing.T) {
	shop, blog := app("shop", plan.Proposed, moved()), app("blog", plan.Held, held(plan.Unsteady))
	shop.Digest = digest
	for want, r := range map[string]Report{
		digest: run(shop), "": run(blog), `{"blog":null,"shop":"` + digest + `"}`: run(blog, shop),
	} {
		got, err := Outputs(r)
		if err != nil || got["digest"] != want {
			t.Errorf("digest %q, error %v, want %q", got["digest"], err, want)
		}
	}
}

// outcomes are all words for how a run ends for an app.
var outcomes = []plan.Outcome{
	plan.Planned, plan.Proposed, Applied, plan.NoChanges, plan.Held, plan.Skipped, plan.Drifted, plan.NotApproved,
	Stale, PreconditionFailed, Locked, Partial, plan.Failed, plan.Infeasible,
}

func TestOutcomesAreTheWordsOfTheDocumentation(t *testing.T) {
	want := strings.Fields("planned proposed applied no-changes held skipped drift not-approved stale precondition-failed locked partial failed infeasible")
	text, err := os.ReadFile("../../docs/outputs.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, name := range []string{"plan", "result"} {
		data, err := os.ReadFile("../../schema/" + name + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		var schema struct {
			Properties struct{ Outcome struct{ Enum []string } }
		}
		if err := json.Unmarshal(data, &schema); err != nil {
			t.Fatal(err)
		}
		for _, word := range schema.Properties.Outcome.Enum {
			words[word] = true
		}
	}
	var got []string
	for _, o := range outcomes {
		got = append(got, string(o))
		if !strings.Contains(string(text), "`"+string(o)+"`") {
			t.Errorf("docs/outputs.md does not have the outcome %s", o)
		}
		if !words[string(o)] {
			t.Errorf("no schema has the outcome %s", o)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(words) != len(want) {
		t.Errorf("the schemas have %v, want %v", slices.Sorted(maps.Keys(words)), want)
	}
}
