package demo

import (
	"math"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

// The demo's network is as fast as the latency table, and a calibration by its
// metrics finds that.
func TestTheDemosTimesAreThoseOfTheTable(t *testing.T) {
	clock := func() time.Time { return story }
	sim := promsim.New(promsim.Config{Org: "acme", Now: clock})
	if err := fill(sim, story, 0, map[string]string{"m1": "iad", "m2": "ord"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim)
	defer server.Close()
	client, err := promapi.New(promapi.Options{BaseURL: server.URL + "/prometheus/acme", Token: flyToken, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	all, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, Hours: 168})
	if err != nil {
		t.Fatal(err)
	}
	h, regions, table := all["shop"], region.BuiltIn(), latency.BuiltIn()
	var seen []latency.Observation
	for code, at := range h.EdgeTime {
		edge, _ := regions.Lookup(code)
		ms, home := math.Inf(1), region.Code("")
		for there := range h.AppTime {
			to, _ := regions.Lookup(there)
			if rtt, _ := table.RTT(edge, to); rtt < ms {
				ms, home = rtt, there
			}
		}
		app := h.AppTime[home]
		seen = append(seen, latency.Observation{Edge: code, TableMS: ms, ObservedMS: 1000 * (at.Seconds/at.Count - app.Seconds/app.Count), Requests: at.Count})
		if bytes := h.EdgeBytes[code] / at.Count; math.Abs(bytes-answerSize) > 1 {
			t.Errorf("%s: %v bytes for each answer, want %d", code, bytes, answerSize)
		}
	}
	c := latency.Calibrate(seen)
	if !c.Used || c.Edges != len(edges) || math.Abs(c.Factor-1) > 0.001 || math.Abs(c.OffsetMS-1000*proxyTime) > 0.1 || c.ResidualMS > 0.1 {
		t.Errorf("%+v, want factor 1 and an offset of %v ms at all %d edges", c, 1000*proxyTime, len(edges))
	}
	for id, part := range h.Running {
		if part < 0.99 || part > 1 { // the demo begins inside the first hour
			t.Errorf("Machine %s ran %v of the time", id, part)
		}
	}
	if len(h.Running) != 2 {
		t.Errorf("%d Machines ran, want 2", len(h.Running))
	}
}
