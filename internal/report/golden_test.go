package report

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// UPDATE=1 writes testdata anew.
var update = os.Getenv("UPDATE") != ""

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with UPDATE=1", err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run the test with UPDATE=1 and look at the difference\ngot:\n%s", name, got)
	}
}

func reports() map[string]Report {
	unmapped := moved()
	unmapped.Unmapped = map[region.Code]float64{"zzz": 0.008, "qqq": 0.0002}

	warned := moved()
	warned.Findings = []plan.Finding{
		{Level: plan.Notice, Text: "egress IPs could not be read", Hint: "give the token access to them, or set egress: ignore."},
		{Level: plan.Warning, Text: "max-monthly-cost is exceeded: the measured load needs 4 Machines"},
	}
	warnings := app("shop", plan.Planned, warned)
	warnings.Findings = []plan.Finding{
		{Level: plan.Warning, Text: "2 of 4 Machines run another release", Hint: "run fly deploy."},
		{Level: plan.Error, Text: "mia is not deployable any more", Hint: "remove it from require-regions."},
	}

	worker := web()
	worker.Name, worker.Before.Compute, worker.After.Compute = "worker", 14.3, 14.3
	feasible := moved()
	feasible.Solved, feasible.Bound, feasible.Gap = "feasible", 31.71, 0.0056

	regional := infeasible()
	regional.Conflict = []placement.Conflict{
		{Limit: "max_machines", Value: 4.0, Nearest: 6.0},
		{Limit: "target_utilization", Value: 0.8, Nearest: 0.801},
		{Limit: "required", Region: "ams", Value: true, Nearest: false},
		{Limit: "min_machines", Region: "iad", Value: 3.0, Nearest: 1.0},
		{Limit: "max_machines", Region: "iad", Value: 3.0},
		{Limit: "min_machines", Region: "lhr", Value: 2.0, Nearest: 0.0},
	}
	dear := infeasible() // a single limit
	dear.Conflict = dear.Conflict[:1]
	dear.Conflict[0].Value = 20.0
	heldOverloaded := held(plan.TooFewRequests)
	heldOverloaded.Findings = []plan.Finding{{Level: plan.Warning, Text: "the live placement has 2 Machines in ams where the busiest hour needs 3"}}
	unnamed := infeasible() // the solver proves it without naming limits
	unnamed.Conflict = nil
	unnamed.Findings = []plan.Finding{{Level: plan.Error, Text: "the limits in force are min-regions 3 and `max-p95-latency` 40 ms", Hint: "loosen one of them."}}

	failed := plan.Plan{App: "blog", Outcome: plan.Failed, Findings: []plan.Finding{
		{Level: plan.Error, Text: "the app has no public HTTP service.", Hint: "name its process group with process-group."},
	}}
	all := judgedReports()
	maps.Copy(all, map[string]Report{
		"no_change":          run(app("shop", plan.NoChanges, web())),
		"move":               run(app("shop", plan.Planned, moved())),
		"first_placement":    run(app("shop", plan.Planned, first())),
		"grow":               run(app("shop", plan.Planned, grown())),
		"shrink":             run(app("shop", plan.Planned, shrunk())),
		"held":               run(app("shop", plan.Held, held(plan.TooFewRequests))),
		"pins":               run(app("shop", plan.Planned, pinned())),
		"edges_40":           run(app("shop", plan.Planned, world(40))),
		"unmapped":           run(app("shop", plan.Planned, unmapped)),
		"hostile":            hostileReport(hostile),
		"two_apps":           run(app("blog", plan.NoChanges, web()), app("shop", plan.Planned, moved())),
		"two_groups":         run(app("shop", plan.Planned, moved(), worker)),
		"infeasible":         run(app("shop", plan.Infeasible, infeasible())),
		"cost_guard":         run(app("shop", plan.Planned, guarded())),
		"autostop":           run(app("shop", plan.Planned, stopping())),
		"evidence":           run(app("shop", plan.Planned, explained())),
		"evidence_stays":     run(app("shop", plan.NoChanges, stays())),
		"evidence_alone":     run(app("shop", plan.NoChanges, alone())),
		"findings":           run(warnings),
		"not_proven":         run(app("shop", plan.Planned, feasible)),
		"one_app_failed":     run(failed, app("shop", plan.Planned, moved())),
		"infeasible_region":  run(app("shop", plan.Infeasible, regional)),
		"infeasible_one":     run(app("shop", plan.Infeasible, dear)),
		"held_overloaded":    run(app("shop", plan.Held, heldOverloaded)),
		"infeasible_unnamed": run(app("shop", plan.Infeasible, unnamed)),
		"error_beside_plan": {
			Errors: []Problem{{App: "nosuch", Text: "list Machines of nosuch: 404 Not Found: app not found", Hints: []string{"check the name: `fly apps list` shows all."}}},
			Plans:  []plan.Plan{app("shop", plan.Planned, moved())}, Notes: notes,
		},
		"errors_of_apps": {Errors: []Problem{
			{App: "api", Text: "read volumes: 500 Internal Server Error", Hints: []string{"run it again."}},
			{App: "api", Text: "read metrics: timeout"},
			{App: "nosuch", Text: "app not found"},
			{App: "old", Text: "app is suspended", Hints: []string{"run `fly resume old`.", "leave it out."}},
		}, Notes: notes},
		"run_error_beside_plan": {
			Errors: []Problem{{Text: "write report-dir: no space left on device", Hints: []string{"free some."}}},
			Plans:  []plan.Plan{app("shop", plan.NoChanges, web())}, Notes: notes,
		},
		"failed": {Errors: []Problem{{
			Text:  "read metrics of acme: 401 Unauthorized: resolving organization",
			Hints: []string{"create a token with `fly tokens create readonly acme`, and pass it as `metrics-token`."},
		}}, Notes: notes},
		"bad_input": {Errors: []Problem{{
			Text: "window \"7 days\": want a duration from 1d to 14d\nunknown region \"amd\": did you mean ams?\nmin-regions 4 is more than max-regions 3",
		}}},
		"bad_input_each": {Errors: []Problem{
			{Text: "--nope: unknown flag", Hints: []string{"run `fly-placer plan --help`"}},
			{Text: "input require-regions \"qqq\": unknown region", Hints: []string{"areas are eu, na, sa, apac and africa", "use one of ams, iad"}},
			{Text: "fly-api-token: not set", Hints: []string{"make one with `fly tokens create readonly`, and set `FLY_API_TOKEN`"}},
		}, Notes: notes},
	})
	return all
}

func TestRenderings(t *testing.T) {
	for name, r := range reports() {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".md", Markdown(r))
			golden(t, name+".txt", Terminal(r, TerminalOptions{}))
			first, _, _ := strings.Cut(Markdown(r), "\n")
			if name != "hostile" && !strings.HasSuffix(first, r.Headline()[0]) {
				t.Errorf("the first line is %q, want the answer %q", first, r.Headline()[0])
			}
			for _, p := range r.Plans {
				js, err := JSON(p)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Plans) == 1 {
					golden(t, name+".json", string(js))
				}
			}
		})
	}
}

func TestCommentListsTwelveEdgeRegions(t *testing.T) {
	golden(t, "edges_40.comment.md", Comment(reports()["edges_40"], MaxComment))
}

func TestColour(t *testing.T) {
	golden(t, "findings.ansi", Terminal(reports()["findings"], TerminalOptions{Color: true}))
}

func TestNarrowTerminal(t *testing.T) {
	golden(t, "move.60.txt", Terminal(reports()["move"], TerminalOptions{Width: 60}))
}

func TestEveryReasonToHold(t *testing.T) {
	var b strings.Builder
	for _, reason := range append(holdReasons, "of-a-later-version") {
		b.WriteString("===== " + string(reason) + "\n")
		b.WriteString(Terminal(Report{Plans: []plan.Plan{app("shop", plan.Held, held(reason))}}, TerminalOptions{}))
	}
	golden(t, "holds.txt", b.String())
}
