package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/plan"
)

// Machines run as 2 in fra and 4 in iad, beside the decision that is merged.
func TestDriftIsWhatNobodyDecided(t *testing.T) {
	for _, tt := range []struct {
		name    string
		force   plan.InForce
		drift   []plan.Drift
		pending bool
		says    string
	}{
		{"as decided", plan.InForce{Placement: counts{"fra": 2, "iad": 4, "nrt": 0}}, nil, false, ""},
		{"scaled by hand", plan.InForce{Placement: counts{"fra": 2, "iad": 3}, Assumes: counts{"iad": 6}}, []plan.Drift{{"iad", 4, 3}}, false, "in iad: it was scaled by hand"},
		{"moved by hand", plan.InForce{Placement: counts{"ams": 2, "iad": 4}}, []plan.Drift{{"ams", 0, 2}, {"fra", 2, 0}}, false, "in ams, fra: it was scaled by hand"},
		{"not applied yet", plan.InForce{Placement: counts{"nrt": 6}, Assumes: counts{"fra": 2, "iad": 4}}, nil, true, "is not applied yet"},
		{"half-way", plan.InForce{Placement: counts{"fra": 2, "iad": 3}, Assumes: counts{"iad": 6}, Begun: true}, nil, true, "stopped half-way"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := busy()
			in.InForce = map[string]plan.InForce{"web": tt.force}
			g := make1(t, in)
			if !slices.Equal(g.Drift, tt.drift) || g.Pending != tt.pending {
				t.Errorf("drift %v, pending %v, want %v, %v", g.Drift, g.Pending, tt.drift, tt.pending)
			}
			found := slices.ContainsFunc(g.Findings, func(f plan.Finding) bool {
				return f.Level == plan.Warning && f.Hint != "" && tt.says != "" && strings.Contains(f.Text, tt.says)
			})
			if found != (tt.says != "") {
				t.Errorf("findings %+v, want one that says %q", g.Findings, tt.says)
			}
		})
	}
}

func TestDriftAsAnOutcome(t *testing.T) {
	drift := plan.Group{Drift: []plan.Drift{{"iad", 5, 3}}}
	for _, outcome := range []plan.Outcome{plan.Planned, plan.NoChanges, plan.Held, plan.Proposed} {
		p := plan.Plan{Outcome: outcome, Groups: []plan.Group{{}, drift}}
		if got := p.OutcomeWithDrift(); got != plan.Drifted {
			t.Errorf("%s with drift is %s", outcome, got)
		}
		p.Groups = []plan.Group{{Pending: true}}
		if got := p.OutcomeWithDrift(); got != outcome {
			t.Errorf("%s without drift is %s", outcome, got)
		}
	}
	for _, outcome := range []plan.Outcome{plan.Infeasible, plan.Failed} {
		if got := (plan.Plan{Outcome: outcome, Groups: []plan.Group{drift}}).OutcomeWithDrift(); got != outcome {
			t.Errorf("%s with drift is %s: what needs somebody comes first", outcome, got)
		}
	}
}

func TestADecisionInForceOnAGroupThatIsGone(t *testing.T) {
	in := busy()
	in.InForce = map[string]plan.InForce{"worker": {Placement: counts{"iad": 1}}}
	p, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Findings) != 1 || !strings.Contains(p.Findings[0].Text, `"worker"`) || p.HasDrift() {
		t.Errorf("findings %+v, drift %v", p.Findings, p.HasDrift())
	}
}
