package report

import (
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report/doc"
)

func open(codes ...region.Code) []region.Code { return codes }

// explained is a group whose move from ord to fra is compared with everything
// else that was possible. iad must stay, and staying as it is comes next.
func explained() plan.Group {
	g := guarded()
	g.Why = []plan.Comparison{
		{Region: "fra", Share: 0.48, MS: -47.9, Compute: -1.3, Transfer: 0.3, Open: open("iad", "ord"), Objective: 32.31, Status: placement.Optimal},
		{Region: "iad", Share: 0.52, MS: -41.2, Compute: 14.9, Transfer: -0.6, Open: open("fra"), Objective: 45.03, Status: placement.Infeasible},
		{Region: "ord", Share: 0.19, MS: 1.1, Compute: -6.7, Transfer: 0.1, Open: open("fra", "iad", "ord"), Objective: 36.2, Status: placement.Optimal},
	}
	for i, why := range []int{0, 2} {
		c, of := &g.Changes[i], g.Why[why]
		c.Share, c.MS, c.Compute, c.Transfer = of.Share, of.MS, of.Compute, of.Transfer
	}
	g.NotAdded = []plan.Comparison{
		{Region: "cdg", Share: 0.4, MS: 2.2, Compute: -0.004, Open: open("cdg", "iad"), Objective: 32.6, Status: placement.Optimal},
		{Region: "lax", Share: 0.05, MS: -3.1, Compute: 6.9, Transfer: -0.2, Open: open("fra", "iad", "lax"), Objective: 38.5, Status: placement.Feasible},
		{Region: "nrt", Share: 0.01, MS: -0.4, Compute: 8.1, Transfer: 0.1, Open: open("fra", "iad", "nrt"), Objective: 41.75, Status: placement.Optimal},
	}
	g.RunnerUp = &plan.RunnerUp{Open: open("iad", "ord"), Objective: 32.31, Regret: 0.42, Status: placement.Optimal, Live: true}
	g.Frontier = []plan.Point{
		{Regions: 1, Status: placement.Infeasible},
		{Regions: 2, Open: open("fra", "iad"), Placement: where{"fra": 2, "iad": 2}, Objective: 31.89, MeanMS: 18.9, Cost: 31, Status: placement.Optimal},
		{Regions: 3, Open: open("cdg", "fra", "iad"), Placement: where{"cdg": 1, "fra": 1, "iad": 2}, Objective: 31.2, MeanMS: 18.1, Cost: 32.4, Status: placement.Optimal},
		{Regions: 4, Open: open("cdg", "fra", "iad", "lax"), Placement: where{"cdg": 1, "fra": 1, "iad": 1, "lax": 1}, Objective: 37.1, MeanMS: 15.2, Cost: 38.6, Status: placement.Feasible},
		{Regions: 5, Status: placement.Unknown},
		{Regions: 6, Status: placement.Infeasible},
		{Regions: 7, Status: placement.Infeasible},
	}
	g.Problem.Limits.MaxRegions = 2
	return g
}

// stays is a group for which nothing is better than what runs.
func stays() plan.Group {
	g := web()
	g.Why = []plan.Comparison{
		{Region: "ams", Share: 0.44, MS: -34.6, Compute: 11.9, Open: open("iad"), Objective: 40.2, Status: placement.Optimal},
		{Region: "iad", Share: 0.56, MS: -41, Compute: 18, Open: open("ams"), Objective: 44.4, Status: placement.Optimal},
	}
	g.NotAdded = []plan.Comparison{{Region: "lax", Share: 0.07, MS: -4.2, Compute: 7.1, Open: open("ams", "iad", "lax"), Objective: 38.02, Status: placement.Optimal}}
	g.RunnerUp = &plan.RunnerUp{Open: open("ams", "iad", "lax"), Objective: 38.02, Regret: 6.88, Status: placement.Optimal}
	g.Frontier = []plan.Point{
		{Regions: 1, Open: open("iad"), Placement: where{"iad": 4}, Objective: 40.2, MeanMS: 66, Cost: 23.9, Status: placement.Optimal},
		{Regions: 2, Open: open("ams", "iad"), Placement: where{"ams": 2, "iad": 3}, Objective: 31.14, MeanMS: 31.4, Cost: 29.9, Status: placement.Optimal},
		{Regions: 3, Open: open("ams", "iad", "lax"), Placement: where{"ams": 2, "iad": 3, "lax": 1}, Objective: 38.02, MeanMS: 27.2, Cost: 37, Status: placement.Optimal},
	}
	return g
}

// alone is a group that only one region may serve.
func alone() plan.Group {
	g := web()
	g.Current, g.Placement = where{"iad": 3}, where{"iad": 3}
	g.Why = []plan.Comparison{{Region: "iad", Share: 1, Status: placement.Infeasible}}
	g.Frontier = []plan.Point{{Regions: 1, Open: open("iad"), Placement: where{"iad": 3}, Objective: g.Objective, MeanMS: 31.4, Cost: 29.9, Status: placement.Optimal}}
	return g
}

func TestNextBestIsToldInASentence(t *testing.T) {
	g := explained()
	for _, test := range []struct {
		change func(*plan.RunnerUp)
		want   string
	}{
		{func(*plan.RunnerUp) {}, "The next best set of regions is that of now, iad and ord: $0.42 a month worse,"},
		{func(up *plan.RunnerUp) { up.Live, up.Status = false, placement.Feasible }, "The next best set of regions that was found is iad and ord: $0.42 a month worse,"},
		{func(up *plan.RunnerUp) { up.Regret = 0.003 }, "iad and ord: under $0.01 a month worse,"},
		{func(up *plan.RunnerUp) { up.Regret = -1e-13 }, "iad and ord: just as good,"},
		{func(up *plan.RunnerUp) { up.Regret = -2 }, "iad and ord: $2.00 a month better,"},
		{func(up *plan.RunnerUp) { up.Open = open("ams", "cdg", "iad", "lhr") }, "ams, cdg, iad and lhr: $0.42"},
		{func(up *plan.RunnerUp) { up.Open = open("ams", "fra", "iad", "lhr") }, "ams, fra, iad and lhr (with ams and lhr): $0.42"},
	} {
		up := *explained().RunnerUp
		test.change(&up)
		g.RunnerUp = &up
		if got := (view{Group: g}).runnerUp(); !strings.Contains(got, test.want) {
			t.Errorf("%q, want %q in it", got, test.want)
		}
	}
}

// Evidence is the first to leave a comment that gets too long, as a whole.
func TestEvidenceLeavesFirst(t *testing.T) {
	g := world(40)
	e := explained()
	g.Why, g.NotAdded, g.RunnerUp, g.Frontier = e.Why, e.NotAdded, e.RunnerUp, e.Frontier
	r := run(app("blog", plan.NoChanges, stays()), app("shop", plan.Planned, g))
	full := Comment(r, MaxComment)
	short := Comment(r, len(full)-len(full)/10)
	checkWhole(t, short, r)
	for _, part := range []string{"Region by region", "Not added", "By number of regions", "Why staying is best"} {
		if !strings.Contains(full, part) || strings.Contains(short, part) {
			t.Errorf("%q is missing, or did not leave first", part)
		}
	}
	for _, part := range []string{"Where requests enter", "How this was computed", "<summary>blog</summary>"} {
		if !strings.Contains(short, part) {
			t.Errorf("%q left before the evidence", part)
		}
	}
	if folded := doc.Terminal(r.body(), TerminalOptions{Folded: true}); strings.Contains(folded, "Not added") {
		t.Error("a folded report shows evidence")
	}
}
