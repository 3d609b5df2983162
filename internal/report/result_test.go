package report

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

const digest = "sha256:c7244ca11f02baabe352e1a6962474f6cab209dc75c094d33119478e11c64639"

// shop is a result of moving two Machines from Ashburn to Europe.
func shop(outcome plan.Outcome, after where) Result {
	return Result{
		App: "shop", Outcome: outcome, File: ".fly-placer/shop.yml", Digest: digest,
		Started: decided, Ended: decided.Add(95 * time.Second),
		Groups: []ResultGroup{{Name: "web", Before: where{"iad": 4, "nrt": 1}, Decided: where{"ams": 2, "fra": 1, "iad": 2, "nrt": 1}, After: after}},
	}
}

var done = []Step{
	{Group: "web", Region: "ams", Machine: "fp-c7244ca1-ams-1", What: "create", Result: "done"},
	{Group: "web", Region: "ams", Machine: "148e21b7a27e89", What: "wait until healthy", Result: "done"},
	{Group: "web", Region: "iad", Machine: "3d8d9e2f", What: "cordon", Result: "done"},
}

func results() map[string][]Result {
	reached := where{"ams": 2, "fra": 1, "iad": 2, "nrt": 1}
	applied := shop(Applied, reached)
	applied.Steps, applied.PullRequest = done, &PullRequest{Number: 12, URL: pulls + "12"}
	applied.Findings = []plan.Finding{{Level: plan.Notice, Text: "the decision was edited after it was made", Hint: "delete its digest."}}

	same := shop(plan.NoChanges, reached)
	same.Groups[0].Before = reached

	stale := shop(Stale, where{"iad": 4, "nrt": 1})
	stale.Reason, stale.Hints = "it was decided 9 days ago, and max-plan-age is 7d", []string{"run `fly-placer plan` and decide again."}

	moved := shop(PreconditionFailed, where{"iad": 3, "sin": 1, "nrt": 1})
	moved.Reason, moved.Hints = "what runs is not what was assumed", []string{"decide again: somebody changed the app."}
	moved.Moved = []Moved{{Group: "web", Region: "iad", Assumed: 4, Live: 3, Decided: 2}, {Group: "web", Region: "sin", Live: 1}}

	partial := shop(Partial, where{"ams": 2, "fra": 1, "iad": 3, "nrt": 1})
	partial.Reason, partial.Hints = "destroy Machine 3d8d9e2f: 500 Internal Server Error", []string{"run it again: it goes on where it stopped."}
	partial.Steps = append(slices.Clone(done), Step{Group: "web", Region: "iad", Machine: "3d8d9e2f", What: "destroy", Result: "500 Internal Server Error", Failed: true})

	unapproved := shop(plan.NotApproved, where{"iad": 4, "nrt": 1})
	unapproved.Reason, unapproved.Hints = "2 approvals are required, 1 was given", []string{"let somebody else approve #12, and run this workflow again."}
	unapproved.File, unapproved.PullRequest = "", &PullRequest{Number: 12, URL: pulls + "12"}

	unknown := shop(plan.Failed, nil)
	unknown.Reason = "list Machines: no answer in time"

	dry := shop(plan.Planned, where{"iad": 4, "nrt": 1})
	dry.DryRun, dry.Calls = true, []string{"POST /v1/apps/shop/machines/3d8d9e2f/lease {\"ttl\":30}", "POST /v1/apps/shop/machines {\"region\":\"ams\"}"}

	two := shop(Applied, reached)
	two.Groups = append(two.Groups, ResultGroup{Name: "worker", Before: where{"iad": 1}, Decided: where{"fra": 1}, After: where{"fra": 1}})
	two.Steps = done
	refused := Result{
		App: "api", Outcome: plan.Failed, File: ".fly-placer/api.yml", Digest: digest, Reason: "2 problems with the decision",
		Findings: []plan.Finding{
			{Level: plan.Error, Text: ".fly-placer/api.yml line 5: 1 Machine would serve in sin, barred by exclude-regions", Hint: "decide on another region, or change exclude-regions"},
			{Level: plan.Error, Text: ".fly-placer/api.yml line 4: 1 would be open, but min-regions wants 2", Hint: "decide for more regions"},
		},
	}
	return map[string][]Result{
		"result_applied": {applied}, "result_no_changes": {same}, "result_stale": {stale}, "result_moved": {moved}, "result_partial": {partial},
		"result_not_approved": {unapproved}, "result_unknown": {unknown}, "result_dry_run": {dry}, "result_two_apps": {refused, two},
	}
}

// What could not be read is not said to be none.
func TestResultOfUnreadMachinesTellsNoCounts(t *testing.T) {
	got := Markdown(Report{Results: []Result{{
		App: "shop", Outcome: plan.Failed, Reason: "the app has no process group \"app\"",
		Groups: []ResultGroup{{Name: "app", Decided: map[region.Code]int{"ams": 2}}},
	}}})
	if want := "| **ams** | ? | 2 | ? |"; !strings.Contains(got, want) {
		t.Errorf("got %q, want %q in it", got, want)
	}
}

func TestResults(t *testing.T) {
	for name, list := range results() {
		t.Run(name, func(t *testing.T) {
			r := Report{Results: list, RunURL: "https://github.com/acme/shop/actions/runs/42"}
			golden(t, name+".md", Markdown(r))
			golden(t, name+".txt", Terminal(r, TerminalOptions{}))
			if comment := Comment(r, MaxComment); comment != Markdown(r) {
				t.Errorf("the comment on the pull request is not the whole result:\n%s", comment)
			}
			outputs, err := ResultOutputs(list)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, key := range slices.Sorted(maps.Keys(outputs)) {
				b.WriteString(key + ": " + outputs[key] + "\n")
			}
			golden(t, name+".outputs", b.String())
			if len(list) == 1 {
				js, err := ResultJSON(list[0])
				if err != nil {
					t.Fatal(err)
				}
				golden(t, name+".json", string(js))
			}
		})
	}
}

// Every result of the goldens is as schema/result.schema.json says, and every
// key of the schema is used by some result.
func TestResultsMatchTheSchema(t *testing.T) {
	data, err := os.ReadFile("../../schema/result.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	c := checker{t: t, used: map[string]bool{}}
	if err := json.Unmarshal(data, &c.root); err != nil {
		t.Fatal(err)
	}
	for name, list := range results() {
		for _, r := range list {
			js, err := ResultJSON(r)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(js, &v); err != nil {
				t.Fatal(err)
			}
			c.check(name, c.root, v)
		}
	}
	c.unused("#", c.root)
}

// hostileResult has s in every field whose content is from outside.
func hostileResult(s string) Result {
	code := region.Code(s)
	return Result{
		App: s, Outcome: Partial, PullRequest: &PullRequest{Number: 7, URL: s}, Reason: s, Hints: []string{s, s}, File: s, Digest: s, DryRun: true,
		Groups: []ResultGroup{
			{Name: s, Before: where{code: 2}, Decided: where{"iad": 2}, After: where{code: 1}},
			{Name: "z" + s, Before: where{code: 2}, Decided: where{"iad": 2}},
		},
		Steps:    []Step{{s, code, s, s, s, true}, {s, code, s, s, s, false}},
		Calls:    []string{s, s},
		Findings: []plan.Finding{{Level: plan.Error, Text: s, Hint: s}, {Level: plan.Notice, Text: s, Hint: s}},
	}
}

// Whatever stands in a result, its document is built the same way as with
// harmless words of the same length, and no line of it is a command.
func TestNothingInAResultIsMarkup(t *testing.T) {
	for _, s := range append(ticks, hostile) {
		moved, plain := hostileResult(s), hostileResult(harmless(s))
		for i, pair := range [][2]Result{{moved, plain}, {withMoved(moved, s), withMoved(plain, harmless(s))}} {
			got, want := Markdown(Report{Results: []Result{pair[0]}}), Markdown(Report{Results: []Result{pair[1]}})
			if a, b := shape(got), shape(want); a != b {
				t.Errorf("%d: %q changes the document:\n%s", i, s, got)
			}
			for line := range strings.Lines(Terminal(Report{Results: []Result{pair[0]}}, TerminalOptions{})) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.ContainsAny(line, "\x1b\u202e") || strings.Contains(line, "##[") {
					t.Errorf("%q makes the line %q", s, line)
				}
			}
		}
	}
}

func withMoved(r Result, s string) Result {
	r.Moved = []Moved{{Group: s, Region: region.Code(s), Assumed: 1}}
	return r
}
