package report

import (
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// judge adds a decision to a group, with its differences as plan does.
func judge(g plan.Group, placement where, f plan.Figures, change func(*plan.Judged)) plan.Group {
	j := &plan.Judged{
		Placement: placement, Figures: f, Objective: g.Objective + 4.21, ChangeCost: 0.62, Regret: 4.21,
		Optimum: &plan.Alternative{Placement: g.Placement, Figures: g.After},
		ToLive:  less(f, g.Before), ToOptimum: less(f, g.After),
	}
	for _, code := range []string{"ams", "fra", "iad", "ord", "sin"} {
		from, to := g.Current[region.Code(code)], placement[region.Code(code)]
		if from != to {
			j.Changes = append(j.Changes, plan.Change{Region: region.Code(code), From: from, To: to})
		}
	}
	if change != nil {
		change(j)
	}
	for _, r := range j.Breaks {
		g.Findings = append(g.Findings, plan.Finding{Level: plan.Error, Text: "the decision: " + r.Text, Hint: r.Hint})
	}
	g.Decided = j
	return g
}

func less(a, b plan.Figures) plan.Difference {
	return plan.Difference{MeanMS: a.MeanMS - b.MeanMS, P95MS: a.P95MS - b.P95MS, Compute: a.Compute - b.Compute, Transfer: a.Transfer - b.Transfer}
}

// byHand edits a plan that opens fra and closes ord: it opens ams, too small, instead.
func byHand() plan.Group {
	return judge(moved(), where{"ams": 1, "iad": 2}, plan.Figures{MeanMS: 32.9, P50MS: 14.2, P95MS: 74.1, Compute: 26.9}, nil)
}

var survive = plan.Refusal{Group: "web", Region: "ams", Rule: "survive", Text: "1 Machine would serve in ams, but a failure needs 2 (survive)", Hint: "decide for more there, or change survive"}

func judgments() map[string]plan.Group {
	asPlanned := moved()
	asPlanned = judge(asPlanned, asPlanned.Placement, asPlanned.After, func(j *plan.Judged) { j.Objective, j.Regret = asPlanned.Objective, 0 })
	broken := judge(moved(), where{"ams": 1, "iad": 2}, plan.Figures{MeanMS: 32.9, P50MS: 14.2, P95MS: 74.1, Compute: 26.9}, func(j *plan.Judged) {
		j.Breaks = []plan.Refusal{
			survive,
			{Group: "web", Rule: "max-p95-latency", Text: "95% of the requests would have at most 74 ms, but max-p95-latency is 70 ms", Hint: "decide for regions closer to the requests, or change max-p95-latency"},
			{Group: "web", Rule: "survive", Text: "one more of the same option", Hint: "x"},
		}
	})
	beyond := judge(guarded(), where{"fra": 2, "iad": 2, "sin": 2}, plan.Figures{MeanMS: 15.1, P50MS: 10.2, P95MS: 40.8, Compute: 42.1, Transfer: 1.2}, func(j *plan.Judged) {
		j.Regret, j.Beyond = -1.15, []string{"max-changes", "max-cost-increase"}
	})
	near := judge(web(), where{"ams": 2, "iad": 4}, plan.Figures{MeanMS: 31.4, P50MS: 17.2, P95MS: 61.3, Compute: 35.5}, func(j *plan.Judged) { j.Regret = 0.5 })
	unknown := judge(moved(), where{"iad": 2, "xyz": 2}, plan.Figures{Compute: 29.4}, func(j *plan.Judged) {
		j.Unweighed, j.Optimum, j.Objective, j.Regret = "nobody knows where xyz is", nil, 0, 0
		j.Changes = append(j.Changes, plan.Change{Region: "xyz", To: 2})
		j.Breaks = []plan.Refusal{{Group: "web", Region: "xyz", Rule: "region", Text: `unknown region "xyz" (region)`, Hint: "use the code of a region that `fly platform regions` lists"}}
	})
	stays := judge(web(), web().Current, web().Before, func(j *plan.Judged) { j.Objective, j.Regret = 31.14, 0 })
	waits := held(plan.TooFewRequests)
	waits.Objective = 31.89
	waits = judge(waits, where{"ams": 3, "iad": 3}, plan.Figures{MeanMS: 31.4, P50MS: 17.2, P95MS: 61.3, Compute: 36}, func(j *plan.Judged) {
		j.Optimum = &plan.Alternative{Placement: waits.Withheld.Placement, Figures: waits.Withheld.Figures}
		j.ToOptimum = less(j.Figures, j.Optimum.Figures)
	})
	blind := held(plan.NoSeries)
	blind = judge(blind, where{"ams": 3, "iad": 3}, plan.Figures{Compute: 36}, func(j *plan.Judged) {
		j.Unweighed, j.Optimum, j.Objective, j.Regret = "no series, the metrics have no series of this app in the window: absent is not zero", nil, 0, 0
	})
	nothing := judge(infeasible(), where{"ams": 3, "iad": 3}, plan.Figures{MeanMS: 31.4, P50MS: 17.2, P95MS: 61.3, Compute: 36}, func(j *plan.Judged) {
		j.Optimum, j.Regret = nil, 0
		j.Breaks = []plan.Refusal{{Group: "web", Rule: "min-regions", Text: "2 would be open, but min-regions wants 3", Hint: "decide for more regions, or change min-regions"}}
	})
	return map[string]plan.Group{
		"judged": byHand(), "judged_optimum": asPlanned, "judged_breaks": broken, "judged_beyond": beyond, "judged_near": near,
		"judged_unknown": unknown, "judged_stays": stays, "judged_held": waits, "judged_blind": blind, "judged_infeasible": nothing,
	}
}

// drifting is a group that somebody scaled by hand.
func drifting() plan.Group {
	g := web()
	g.Drift = []plan.Drift{{Region: "iad", Live: 3, Decided: 1}, {Region: "lhr", Decided: 2}, {Region: "ams", Live: 2}}
	g.Findings = []plan.Finding{{
		Level: plan.Warning, Text: "what runs is not what is decided, in ams, iad, lhr: it was scaled by hand, or never applied",
		Hint: "decide on what should run now, which a proposal does, or scale it back: `fly scale count`",
	}}
	return g
}

func judgedReports() map[string]Report {
	out := map[string]Report{"drift": run(app("shop", plan.Drifted, drifting()))}
	for name, g := range judgments() {
		out[name] = run(app("shop", g.Status, g))
	}
	both := drifting()
	both.Findings = append(both.Findings, plan.Finding{Level: plan.Notice, Text: "egress IPs could not be read"})
	both = judge(both, where{"ams": 2, "iad": 4}, plan.Figures{MeanMS: 31.4, P50MS: 17.2, P95MS: 61.3, Compute: 35.5}, nil)
	digested := app("shop", plan.Drifted, both)
	digested.Digest = digest
	out["drift_judged"] = run(digested)
	pending := web()
	pending.Pending = true
	pending.Findings = []plan.Finding{{Level: plan.Warning, Text: "the decision in force is not applied yet: what it assumes still runs", Hint: "re-run the workflow of the push that merged it, or run `fly-placer apply`"}}
	out["pending"] = run(app("shop", plan.NoChanges, pending))
	return out
}

func TestWhatADecisionBreaksIsNamedOnce(t *testing.T) {
	var refusals []plan.Refusal
	for _, rule := range []string{"survive", "volume", "survive", "region", "min-in-region"} {
		refusals = append(refusals, plan.Refusal{Rule: rule})
	}
	if got, want := limited(rules(refusals)), "survive, the volume pin, the list of regions and min-in-region"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	refusals = append(refusals, plan.Refusal{Rule: "max-regions"}, plan.Refusal{Rule: "max-machines"})
	if got, want := limited(rules(refusals)), "survive, the volume pin, the list of regions, min-in-region and 2 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhatADecisionIsWorth(t *testing.T) {
	for _, tt := range []struct {
		ms, compute, transfer float64
		want                  string
	}{
		{14, -3.5, 0.5, "it costs 14 ms in the mean and saves $3.00 a month"},
		{-14, 3, 0, "it saves 14 ms in the mean and costs $3.00 a month"},
		{14, 3, 0, "it is worse in both, by 14 ms in the mean and $3.00 a month"},
		{-14, -3, 0, "it is better in both, by 14 ms in the mean and $3.00 a month"},
		{14, 0.004, 0, "it costs 14 ms in the mean at the same cost"},
		{-0.06, 1, -1, "it saves 0.1 ms in the mean at the same cost"},
		{0.04, -3, 0, "it saves $3.00 a month at the same mean latency"},
		{-0.04, 0.005, 0.005, "it costs $0.01 a month at the same mean latency"},
		{0, 0, 0, "it has the same mean latency and cost"},
	} {
		if got := Worth(plan.Difference{MeanMS: tt.ms, Compute: tt.compute, Transfer: tt.transfer}); got != tt.want {
			t.Errorf("%v ms, $%v and $%v: %q, want %q", tt.ms, tt.compute, tt.transfer, got, tt.want)
		}
	}
}

// What is judged, and what drifts, is told in a comment as long as anything but
// the answer is.
func TestDecisionsAndDriftLeaveLast(t *testing.T) {
	r := fleetReport(60)
	r.Plans[1] = app("shop-0001", plan.NoChanges, judgments()["judged_breaks"])
	r.Plans[2] = app("shop-0002", plan.Drifted, drifting())
	r.Proposal = &Proposal{Operation: Blocked, Branch: "fly-placer/placement", CompareURL: "https://github.com/acme/shop/compare/main...fly-placer/placement"}
	got := Comment(r, MaxComment)
	if characters(got) > MaxComment || !strings.Contains(got, "Shortened to fit") {
		t.Fatalf("%d characters: want a comment from which something left", characters(got))
	}
	checkWhole(t, got, r)
	for _, want := range []string{"**The plan:**", "a failure needs 2", "What is not as decided", "create its pull request"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q left before less important things", want)
		}
	}
}
