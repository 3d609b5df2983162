package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

// fleet is a report about many apps of three groups with 40 edge regions each;
// every third app has something to change.
func fleetReport(apps int) Report {
	var plans []plan.Plan
	for i := range apps {
		outcome, groups := plan.NoChanges, []plan.Group(nil)
		for _, name := range []string{"admin", "api", "web"} {
			g := world(40)
			g.Name = name
			if i%3 > 0 {
				g.Status, g.Changes, g.Placement, g.After = plan.NoChanges, nil, g.Current, g.Before
			} else {
				outcome = plan.Planned
			}
			groups = append(groups, g)
		}
		plans = append(plans, app(fmt.Sprintf("shop-%04d", i), outcome, groups...))
	}
	return run(plans...)
}

func characters(s string) int { return len(utf16.Encode([]rune(s))) }

// checkWhole fails when a line of s is not a whole line of the full rendering,
// or of what is said in place of what left.
func checkWhole(t *testing.T, s string, r Report) {
	t.Helper()
	known := map[string]bool{}
	for line := range strings.Lines(r.fit(doc.Full, 1<<30, characters)) {
		known[line] = true
	}
	for line := range strings.Lines(s) {
		if !known[line] && !strings.Contains(line, "Shortened to fit") && !strings.Contains(line, "not shown") {
			t.Errorf("%q is no whole line of the full report", line)
		}
	}
	if strings.Count(s, "<details>") != strings.Count(s, "</details>") {
		t.Error("a <details> is left open")
	}
}

func TestLongReportFitsAComment(t *testing.T) {
	r := fleetReport(50)
	got := Comment(r, MaxComment)
	if n := characters(got); n > MaxComment || n < 5_000 {
		t.Errorf("comment of %d characters, want at most %d and more than the bare answers", n, MaxComment)
	}
	checkWhole(t, got, r)
	for _, line := range r.Headline() {
		if !strings.Contains(got, "- "+line+"\n") {
			t.Errorf("the answer %q is missing", line)
		}
	}
	if !strings.Contains(got, "Shortened to fit here; the [job summary](https://github.com/acme/shop/actions/runs/42)") {
		t.Error("the comment doesn't say where the rest is")
	}
}

func TestDetailLeavesStepByStep(t *testing.T) {
	r := fleetReport(4)
	full := characters(Comment(r, 1<<30))
	var seen []string
	for limit := full; limit > 0; limit -= max(limit/15, 40) {
		got := Comment(r, limit)
		if characters(got) > limit {
			t.Fatalf("%d characters for a limit of %d", characters(got), limit)
		}
		if !slices.Contains(seen, got) {
			seen = append(seen, got)
			checkWhole(t, got, r)
		}
	}
	if len(seen) < 8 {
		t.Errorf("%d different comments, want one for each step", len(seen))
	}
	for i := 1; i < len(seen); i++ {
		if len(seen[i]) > len(seen[i-1]) {
			t.Errorf("comment %d is longer than the one before", i)
		}
	}
	if seen[len(seen)-1] != "" {
		t.Errorf("where nothing fits there is %q, want nothing", seen[len(seen)-1])
	}
}

func TestSummaryStaysBelowItsLimit(t *testing.T) {
	if testing.Short() {
		t.Skip("renders a fleet")
	}
	r := fleetReport(250)
	got := Markdown(r)
	if len(got) > MaxSummary || !strings.Contains(got, "Shortened to fit") {
		t.Errorf("summary of %d bytes, want at most %d, and that it says so", len(got), MaxSummary)
	}
	for _, line := range r.Headline() {
		if !strings.Contains(got, "- "+line+"\n") {
			t.Fatalf("the answer %q is missing", line)
		}
	}
}

func TestMuchTextInOneFieldNeverBreaksTheLimit(t *testing.T) {
	r := Report{Errors: []Problem{{Text: strings.Repeat("no ", 60_000), Hints: []string{"retry"}}}}
	if got := Comment(r, MaxComment); characters(got) > MaxComment || !strings.Contains(got, "1 more answer is not shown") {
		t.Errorf("got %d characters: %.200s", characters(got), got)
	}
}
