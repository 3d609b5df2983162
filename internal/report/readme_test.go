package report

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/plan"
)

// What the README quotes of a held plan is what such a plan prints.
func TestReadmeQuotesTheWordsOfHolds(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var printed []string
	for _, reason := range []plan.HoldReason{
		plan.TooFewRequests, plan.NoSeries, plan.PartialMetrics, plan.GappyMetrics, plan.StaleMetrics, plan.DeployInProgress, plan.UnfinishedApply, plan.Singleton,
		plan.LiteFS, plan.Volumes, plan.NothingServes, plan.Unreadable, plan.NoConcurrency, plan.Unsteady,
	} {
		printed = append(printed, groupAnswer(plan.Group{Status: plan.Held, Holds: []plan.Hold{{Reason: reason}}}))
	}
	quotes := regexp.MustCompile(`(?m)^\|.*\*(held, [^*]+)\*`).FindAllSubmatch(readme, -1)
	if len(quotes) < 2 {
		t.Fatalf("%d rows of the README quote a held plan, want those of one Machine and of a deploy", len(quotes))
	}
	for _, quote := range quotes {
		if !slices.Contains(printed, string(quote[1])) {
			t.Errorf("the README quotes %q, which is never printed; a held plan prints one of %q", quote[1], printed)
		}
	}
}
