package promapi_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
)

// approx compares figures to a billionth; NaN equals NaN.
var approx = cmp.Comparer(func(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || a == b || math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
})

// checkTraffic compares what client answers with what happened, for several
// windows and statuses.
func checkTraffic(t *testing.T, client *promapi.Client, w *truth) {
	t.Helper()
	for _, c := range []struct {
		name     string
		app      string
		end      time.Time
		window   time.Duration
		status   string
		statuses []string
	}{
		{"five minutes", "shop", worldEnd, 5 * time.Minute, "", nil},
		{"an hour and a half at an odd time", "shop", worldEnd.Add(-7*time.Hour - 1234*time.Second), 90 * time.Minute, "", nil},
		{"a week", "shop", worldEnd, 168 * time.Hour, "", nil},
		{"two weeks of errors", "shop", worldEnd, 336 * time.Hour, "5..", []string{"500"}},
		{"good and moved", "shop", worldEnd.Add(-30 * time.Hour), 24 * time.Hour, "2..|301", []string{"200", "301"}},
		{"across the gap", "api-2", gapEnd.Add(7 * time.Minute), 6 * time.Hour, "", nil},
		{"a day, 90 seconds and a bit", "api-2", worldEnd.Add(-time.Hour), 24*time.Hour + 90500*time.Millisecond, "404", []string{"404"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := client.Traffic(t.Context(), promapi.TrafficQuery{App: c.app, End: c.end, Window: c.window, Status: c.status})
			if err != nil {
				t.Fatal(err)
			}
			want := map[region.Code]float64{}
			for r, n := range w.traffic(c.app, c.end.Add(-c.window), c.end, c.statuses...) {
				want[region.Code(r)] = n
			}
			if diff := cmp.Diff(want, got.Responses, approx); diff != "" {
				t.Errorf("responses (-true +answered):\n%s", diff)
			}
			if got.Absent != "" || got.Partial || len(got.Warnings) > 0 {
				t.Errorf("absent %q, partial %t, warnings %q; want none", got.Absent, got.Partial, got.Warnings)
			}
		})
	}
}

// trueHistory computes what a History should say. hold is how long a sample
// of a gauge counts.
func trueHistory(w *truth, app string, hours int, hold time.Duration) demand.History {
	start := worldEnd.Add(time.Duration(-hours) * time.Hour)
	h := demand.History{
		Start: start, Hours: hours, Known: true, Newest: w.newest.Truncate(time.Millisecond),
		Responses: map[region.Code][]float64{}, ServedBy: map[string]float64{}, ResponseTime: 0.075,
		EdgeBytes: map[region.Code]float64{}, EdgeTime: map[region.Code]demand.Mean{}, AppTime: map[region.Code]demand.Mean{}, Running: map[string]float64{},
	}
	for r, events := range w.bytes[app] {
		h.EdgeBytes[region.Code(r)] = sum(events, start, worldEnd)
	}
	for r, times := range w.edgeFor[app] {
		h.EdgeTime[region.Code(r)] = demand.Mean{Seconds: sum(times.seconds, start, worldEnd), Count: sum(times.count, start, worldEnd)}
	}
	for r, machines := range w.appFor[app] {
		var m demand.Mean
		for _, times := range machines {
			m.Seconds += sum(times.seconds, start, worldEnd)
			m.Count += sum(times.count, start, worldEnd)
		}
		h.AppTime[region.Code(r)] = m
	}
	for id := range w.up[app] {
		if part := w.running(app, id, start, worldEnd, hold); part > 0 {
			h.Running[id] = part
		}
	}
	for r := range w.edge[app] {
		if r != "gru" || start.Before(worldEnd) && worldEnd.After(bornAt) {
			h.Responses[region.Code(r)] = make([]float64, hours)
		}
	}
	for i := range hours {
		from, to := start.Add(time.Duration(i)*time.Hour), start.Add(time.Duration(i+1)*time.Hour)
		silent := !from.Before(gapStart) && !to.After(gapEnd)
		for r, n := range w.traffic(app, from, to) {
			h.Responses[region.Code(r)][i] = n
		}
		served := 0.0
		for _, events := range w.served[app] {
			served += sum(events, from, to)
		}
		mean, highest := w.concurrency(app, from, to, hold)
		if silent {
			served = math.NaN()
		}
		h.Served = append(h.Served, served)
		h.ConcurrencyMean = append(h.ConcurrencyMean, mean)
		h.ConcurrencyMax = append(h.ConcurrencyMax, highest)
		h.OrgUp = append(h.OrgUp, !silent)
	}
	for id, events := range w.served[app] {
		if n := sum(events, start, worldEnd); n > 0 {
			h.ServedBy[id] = n
		}
	}
	return h
}

// holds is how long a sample of a gauge counts at one sample a minute: the
// interval and an eighth.
const holds = worldStep + worldStep/8

// checkHistory compares what client answers with what happened.
func checkHistory(t *testing.T, client *promapi.Client, w *truth) {
	t.Helper()
	for name, hours := range map[string]int{"a day": 24, "a week": 168, "two weeks": 336} {
		t.Run(name, func(t *testing.T) {
			got, err := client.History(t.Context(), promapi.HistoryQuery{
				Apps: []string{"shop", "api-2", "nobody", "shop"}, End: worldNow, Hours: hours,
			})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]demand.History{
				"shop": trueHistory(w, "shop", hours, holds), "api-2": trueHistory(w, "api-2", hours, holds),
				"nobody": {
					Start: worldEnd.Add(time.Duration(-hours) * time.Hour), Hours: hours, ResponseTime: math.NaN(),
					Responses: map[region.Code][]float64{}, ServedBy: map[string]float64{}, Newest: w.newest.Truncate(time.Millisecond),
					EdgeBytes: map[region.Code]float64{}, EdgeTime: map[region.Code]demand.Mean{}, AppTime: map[region.Code]demand.Mean{}, Running: map[string]float64{},
				},
			}
			nobody := want["nobody"]
			nobody.OrgUp = want["shop"].OrgUp
			want["nobody"] = nobody
			if diff := cmp.Diff(want, got, approx); diff != "" {
				t.Errorf("history (-true +answered):\n%s", diff)
			}
		})
	}
}

// newClient returns a client of base that waits for nothing.
func newClient(t *testing.T, base, token string, transport http.RoundTripper) *promapi.Client {
	t.Helper()
	c, err := promapi.New(promapi.Options{
		BaseURL: base, Token: token, HTTP: transport,
		Now: func() time.Time { return worldNow },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
