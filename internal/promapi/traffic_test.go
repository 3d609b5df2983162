package promapi_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

func TestTrafficSaysWhyThereIsNone(t *testing.T) {
	idle := func(sim *promsim.Server) { // its Machine stopped five hours ago
		samples := []promsim.Sample{{Time: worldNow.Add(-5 * time.Hour), Value: 0}}
		if err := sim.Gauge("fly_app_concurrency", map[string]string{"app": "idle", "instance": "m9"}, samples); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, app, status string
		sim               func() *promsim.Server
		want              promapi.Absence
		requests          int
	}{
		{"there is some", "shop", "", func() *promsim.Server { return smallSim(t) }, "", 1},
		{"a mistyped app", "shopp", "", func() *promsim.Server { return smallSim(t) }, promapi.NoApp, 3},
		{"no response of that status", "shop", "5..", func() *promsim.Server { return smallSim(t) }, promapi.NoRequests, 3},
		{"an app that sleeps", "idle", "", func() *promsim.Server { s := smallSim(t); idle(s); return s }, promapi.NoRequests, 3},
		{"nothing in the organization", "shop", "", newSim, promapi.NoOrg, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := c.sim()
			client := newClient(t, serve(t, sim), testToken, nil)
			got, err := client.Traffic(t.Context(), promapi.TrafficQuery{App: c.app, Window: 5 * time.Minute, Status: c.status})
			if err != nil || got.Absent != c.want || (len(got.Responses) == 0) != (c.want != "") {
				t.Errorf("%+v, %v; want absent %q", got, err, c.want)
			}
			if n := len(sim.Requests()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
		})
	}
}

func TestTrafficKeepsOnlyRegionsWithSome(t *testing.T) {
	sim := smallSim(t)
	add := func(region string, n float64) {
		samples := []promsim.Sample{{Time: worldNow.Add(-2 * time.Hour), Value: 100}, {Time: worldNow.Add(-4 * time.Minute), Value: 100 + n}}
		if err := sim.Counter("fly_edge_http_responses_count", map[string]string{"app": "shop", "region": region, "status": "200"}, samples); err != nil {
			t.Fatal(err)
		}
	}
	add("idle", 0)
	add("<b>|", 2)
	add("", 3)
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.Traffic(t.Context(), promapi.TrafficQuery{App: "shop", Window: 150 * time.Minute})
	want := map[region.Code]float64{"ams": 9000, "<b>|": 2, "": 3}
	if diff := cmp.Diff(want, got.Responses); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestWhatIsOlderThanTheHorizonIsLeftOutWithAWarning(t *testing.T) {
	sim := smallSim(t)
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.Traffic(t.Context(), promapi.TrafficQuery{App: "shop", End: worldEnd, Window: 30 * 24 * time.Hour})
	if err != nil || len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "15 days") {
		t.Errorf("warnings %q, %v", got.Warnings, err)
	}
	if q := sim.Requests()[0].Form.Get("query"); !strings.Contains(q, "[21580m]") { // 15 days less 20 minutes
		t.Errorf("sent %s", q)
	}
	h, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, Hours: 400})
	if got := h["shop"]; err != nil || got.Hours != 359 || len(got.OrgUp) != 359 || !got.Start.Equal(worldEnd.Add(-359*time.Hour)) || len(got.Warnings) != 1 {
		t.Errorf("%d hours from %s, warnings %q, %v", got.Hours, got.Start, got.Warnings, err)
	}
}

func TestBadInputIsToldBeforeAnythingIsSent(t *testing.T) {
	sim := smallSim(t)
	client := newClient(t, serve(t, sim), testToken, nil)
	for name, q := range map[string]promapi.TrafficQuery{
		"no app":                       {Window: time.Hour},
		"a name that would be a query": {App: `x"} or up{app="y`, Window: time.Hour},
		"a regular expression as name": {App: "shop.*", Window: time.Hour},
		"no window":                    {App: "shop"},
		"a window of milliseconds":     {App: "shop", Window: time.Millisecond},
		"too long ago":                 {App: "shop", Window: time.Hour, End: worldNow.Add(-16 * 24 * time.Hour)},
		"no regular expression":        {App: "shop", Window: time.Hour, Status: "2(.."},
		"one that closes the anchor":   {App: "shop", Window: time.Hour, Status: "a)|(?:b"},
		"a long one":                   {App: "shop", Window: time.Hour, Status: strings.Repeat("a", 201)},
	} {
		if got, err := client.Traffic(t.Context(), q); err == nil {
			t.Errorf("%s: %+v, want an error", name, got)
		}
	}
	_, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"A", "b_c"}, Hours: 0, Status: "("})
	for _, want := range []string{`"A"`, `"b_c"`, "0 hours", `"("`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %s", err, want)
		}
	}
	if len(hint.Of(err)) < 2 || len(sim.Requests()) > 0 {
		t.Errorf("next steps %q, %d requests", hint.Of(err), len(sim.Requests()))
	}
}

func TestAStatusIsQuotedAndAnchored(t *testing.T) {
	sim := newSim()
	for i, status := range []string{"200", "2000", `a"b`, `a\b`, "x.y"} {
		samples := []promsim.Sample{{Time: worldNow.Add(-time.Minute), Value: float64(i + 1)}}
		if err := sim.Counter("fly_edge_http_responses_count", map[string]string{"app": "shop", "region": "ams", "status": status}, samples); err != nil {
			t.Fatal(err)
		}
	}
	client := newClient(t, serve(t, sim), testToken, nil)
	for status, want := range map[string]float64{"200": 1, "2..": 1, "2.*": 3, `a"b`: 3, `a\\b`: 4, `x\.y`: 5, "200|x.y": 6, "": 15} {
		got, err := client.Traffic(t.Context(), promapi.TrafficQuery{App: "shop", Window: time.Hour, Status: status})
		if err != nil || got.Responses["ams"] != want {
			t.Errorf("status %q: %v, %v; want %v", status, got.Responses, err, want)
		}
	}
}

func TestValuesThatAreNoFigures(t *testing.T) {
	for _, method := range []string{"traffic", "history"} {
		for _, c := range []struct {
			effect  promsim.Effect
			warns   []string
			partial bool
			right   bool
		}{
			{promsim.NaN, nil, false, false},
			{promsim.Inf, []string{"infinite or negative values were left out (responses per edge region)"}, false, false},
			{promsim.Partial, nil, true, true},
			{promsim.Warn, []string{"some shards were slow"}, false, true},
		} {
			t.Run(method+"/"+string(c.effect), func(t *testing.T) {
				sim := smallSim(t)
				kind := map[string]promsim.Kind{"traffic": promsim.Traffic, "history": promsim.Responses}[method]
				sim.Fail(promsim.Fault{Effect: c.effect, Kind: kind, Body: "some  shards\nwere slow"})
				client, _ := hasty(t, serve(t, sim))
				right, warnings, partial, err := query(t, client, method)
				if err != nil || right != c.right || partial != c.partial || !slices.Equal(warnings, c.warns) {
					t.Errorf("right %t, partial %t, warnings %q, %v; want %+v", right, partial, warnings, err, c)
				}
			})
		}
	}
}
