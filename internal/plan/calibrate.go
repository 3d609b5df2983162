package plan

import (
	"maps"
	"slices"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
)

// calibrate compares the latency table with what the app's own requests took:
// the mean response time seen from an edge, less the mean that the Machines of
// its closest serving region took themselves. several tells that other process
// groups answer at the same edges; then the times are not this group's.
func calibrate(in Input, g fleet.Group, d demand.Demand, several bool) latency.Calibration {
	if several {
		return latency.Calibration{Factor: 1, Reason: "the edges' times do not tell process groups apart"}
	}
	var seen []latency.Observation
	for _, e := range d.Edges {
		served, ms := closest(in, g, e.Code)
		if latencySource(in, e.Code, served) == latency.FromMatrix {
			continue // measured already
		}
		edge, app := in.History.EdgeTime[e.Code], in.History.AppTime[served]
		if edge.Count > 0 && app.Count > 0 {
			seen = append(seen, latency.Observation{
				Edge: e.Code, TableMS: ms, Requests: edge.Count,
				ObservedMS: 1000 * (edge.Seconds/edge.Count - app.Seconds/app.Count),
			})
		}
	}
	return latency.Calibrate(seen)
}

// closest is the region that serves an edge now, and its round trip in ms.
func closest(in Input, g fleet.Group, edge region.Code) (region.Code, float64) {
	var best region.Code
	least := 0.0
	for _, code := range slices.Sorted(maps.Keys(g.Serving())) {
		if ms := rtt(in, edge, code); best == "" || ms < least {
			best, least = code, ms
		}
	}
	return best, least
}
