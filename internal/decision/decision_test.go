package decision_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

type counts = map[region.Code]int

var decided = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

// shop moves a part of a shop from Ashburn to Europe.
func shop() decision.Decision {
	d := decision.Decision{
		Version: 1, App: "shop", DecidedAt: decided,
		Groups: map[string]decision.Group{"web": {Placement: counts{"ams": 2, "fra": 1, "iad": 3}, Assumes: counts{"iad": 4}}},
	}
	d.Digest = d.Sum()
	return d
}

// The digests are those of the JSON beside them: printf %s JSON | sha256sum.
func TestSumIsThatOfTheCanonicalJSON(t *testing.T) {
	for _, tt := range []struct {
		d    decision.Decision
		want string
	}{
		// {"app":"shop","groups":{"web":{"assumes":{"iad":4},"placement":{"ams":2,"fra":1,"iad":3}}},"version":1}
		{shop(), "sha256:c7244ca11f02baabe352e1a6962474f6cab209dc75c094d33119478e11c64639"},
		// {"app":"shop","groups":{"web":{"placement":{"ams":2,"fra":1,"iad":3}}},"version":1}
		{decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{
			"web": {Placement: counts{"ams": 2, "fra": 1, "iad": 3, "nrt": 0}},
		}}, "sha256:9a440efc1e22f4a905a9a9a974969b5c396be8a6fa413aec087fb595d2dfd06d"},
		// {"app":"a--b","groups":{"Web.2":{"assumes":{},"placement":{"iad":1}},"api":{"placement":{"nrt":12}}},"version":1}
		{decision.Decision{Version: 1, App: "a--b", Groups: map[string]decision.Group{
			"api": {Placement: counts{"nrt": 12}}, "Web.2": {Placement: counts{"iad": 1}, Assumes: counts{}},
		}}, "sha256:90a9b2c34d47d8ed95704f11566d8db053076866b0ba974134ed3380471227a8"},
	} {
		if got := tt.d.Sum(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.d.App, got, tt.want)
		}
	}
}

func TestTheDigestCoversTheDecisionAndNoTimes(t *testing.T) {
	d := shop()
	d.DecidedAt = decided.Add(time.Hour)
	if err := d.Verify(); err != nil {
		t.Error(err)
	}
	d.Groups["web"].Placement["ams"] = 3
	err := d.Verify()
	if err == nil || !strings.Contains(err.Error(), d.Digest) || len(hint.Of(err)) != 1 {
		t.Errorf("edited, but %v", err)
	}
	if d.Digest = ""; d.Verify() != nil {
		t.Error("no digest is written, but it differs")
	}
}

func TestADecisionIsMadeOfWhatAPlanSettles(t *testing.T) {
	settled := plan.Group{Name: "web", Status: plan.Planned, Current: counts{"iad": 4}, Placement: counts{"ams": 2, "fra": 1, "iad": 3, "ord": 0}}
	p := plan.Plan{App: "shop", Generated: decided.Add(300 * time.Millisecond), Groups: []plan.Group{
		settled,
		{Name: "api", Status: plan.Held, Current: counts{"iad": 1}, Placement: counts{"iad": 1}},
		{Name: "img", Status: plan.Infeasible, Current: counts{"iad": 1}},
	}}
	d, ok := decision.FromPlan(p)
	if diff := cmp.Diff(shop(), d); diff != "" || !ok {
		t.Errorf("%v\n%s", ok, diff)
	}
	if _, ok := decision.FromPlan(plan.Plan{App: "shop", Groups: p.Groups[1:]}); ok {
		t.Error("nothing is settled, but decided")
	}
	stays := plan.Group{Name: "api", Status: plan.NoChanges, Current: counts{"nrt": 2}, Placement: counts{"nrt": 2}}
	d, _ = decision.FromPlan(plan.Plan{App: "shop", Groups: []plan.Group{settled, stays}})
	if g := d.Groups["api"]; !cmp.Equal(g, decision.Group{Placement: counts{"nrt": 2}, Assumes: counts{"nrt": 2}}) {
		t.Errorf("that a group stays is settled, too, but it is %v", g)
	}
}

func TestADeletedFileDecidesForWhatItAssumed(t *testing.T) {
	back, ok := shop().Undone()
	want := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{
		"web": {Placement: counts{"iad": 4}, Assumes: counts{"ams": 2, "fra": 1, "iad": 3}},
	}}
	want.Digest = want.Sum()
	if diff := cmp.Diff(want, back); diff != "" || !ok {
		t.Errorf("%v\n%s", ok, diff)
	}
	d := shop()
	d.Groups["web"] = decision.Group{Placement: counts{"iad": 1}}
	if _, ok := d.Undone(); ok {
		t.Error("nothing was assumed, so nothing is known to go back to")
	}
}

func TestAge(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for _, tt := range []struct {
		name               string
		decided, confirmed time.Time
		stale              bool
	}{
		{"a week old", decided.Add(-week), time.Time{}, false},
		{"older", decided.Add(-week - time.Second), time.Time{}, true},
		{"confirmed since", decided.Add(-2 * week), decided.Add(-week), false},
		{"confirmed too long ago", decided.Add(-3 * week), decided.Add(-2 * week), true},
		{"decided after the last confirmation", decided.Add(-time.Hour), decided.Add(-2 * week), false},
		{"no age", time.Time{}, time.Time{}, false},
		{"confirmed only", time.Time{}, decided.Add(-2 * week), true},
	} {
		d := shop()
		d.DecidedAt = tt.decided
		if got := d.Stale(decided, tt.confirmed, week); got != tt.stale {
			t.Errorf("%s: stale %t", tt.name, got)
		}
	}
}

func TestMatch(t *testing.T) {
	type live = map[string]counts
	bare := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{"web": {Placement: counts{"ams": 2}}}}
	replaced := decision.Decision{Version: 1, App: "shop", Groups: map[string]decision.Group{"web": {Placement: counts{"nrt": 2}}}}
	two := shop()
	two.Groups["api"] = decision.Group{Placement: counts{"iad": 1}, Assumes: counts{"fra": 1}}
	wanted := counts{"ams": 2, "fra": 1, "iad": 3}
	for _, tt := range []struct {
		name     string
		d        decision.Decision
		live     live
		previous *decision.Decision
		want     decision.Match
	}{
		{"what is decided runs", shop(), live{"web": {"ams": 2, "fra": 1, "iad": 3, "nrt": 0}}, &replaced, decision.Match{Verdict: decision.Done}},
		{"what is assumed runs", shop(), live{"web": {"iad": 4}}, nil, decision.Match{Verdict: decision.Apply}},
		{"what the replaced version decided runs", shop(), live{"web": {"nrt": 2}}, &replaced, decision.Match{Verdict: decision.Apply}},
		{"something else runs", shop(), live{"web": {"iad": 3, "ord": 1}}, nil, decision.Match{Differences: []decision.Difference{
			{Group: "web", Region: "iad", Assumed: 4, Live: 3, Wanted: 3}, {Group: "web", Region: "ord", Live: 1},
		}}},
		{"nothing runs", shop(), nil, nil, decision.Match{Differences: []decision.Difference{{Group: "web", Region: "iad", Assumed: 4, Wanted: 3}}}},
		{"nothing is assumed", bare, live{"web": {"iad": 3}}, nil, decision.Match{Verdict: decision.Apply}},
		{"nothing is assumed, and it runs", bare, live{"web": {"ams": 2}}, nil, decision.Match{Verdict: decision.Done}},
		{"nothing is assumed but by the replaced version", bare, live{"web": {"nrt": 2}}, &replaced, decision.Match{Verdict: decision.Apply}},
		{"nor does that one run", bare, live{"web": {"iad": 3}}, &replaced, decision.Match{Differences: []decision.Difference{
			{Group: "web", Region: "iad", Live: 3}, {Group: "web", Region: "nrt", Assumed: 2},
		}}},
		{"one group is done", two, live{"web": wanted, "api": {"fra": 1}}, nil, decision.Match{Verdict: decision.Apply}},
		{"one group has moved", two, live{"web": {"iad": 4}, "api": {"fra": 2}}, nil, decision.Match{Differences: []decision.Difference{
			{Group: "api", Region: "fra", Assumed: 1, Live: 2},
		}}},
		{"nobody decides on other groups", shop(), live{"web": wanted, "db": {"iad": 9}}, nil, decision.Match{Verdict: decision.Done}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.d.Match(tt.live, tt.previous)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
