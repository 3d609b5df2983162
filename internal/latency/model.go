package latency

import "github.com/fly-placer/fly-placer/internal/region"

// Coefficients are what the model was fitted to: RTT = A + B1·km between places
// of one area, A + B2·km through hubs between others. A is in ms, B1 and B2 in
// ms per km.
type Coefficients struct{ A, B1, B2 float64 }

// RTT returns the round-trip time over km of cable, in ms.
func (c Coefficients) RTT(km float64, direct bool) float64 {
	if direct {
		return c.A + c.B1*km
	}
	return c.A + c.B2*km
}

// A HubModel estimates round-trip times from coordinates alone. It does not change.
type HubModel struct {
	graph *graph
	coef  Coefficients
}

// NewHubModel returns the model with the given coefficients.
func NewHubModel(c Coefficients) *HubModel { return &HubModel{graph: newGraph(), coef: c} }

// Length returns the km that the model counts between a and b, and whether
// they lie in one area, so that it is the great circle rather than a way
// through hubs. Only coordinates are looked at.
func (m *HubModel) Length(a, b region.Region) (km float64, direct bool) {
	return m.graph.length(m.graph.site(a), m.graph.site(b))
}

// RTT returns the estimated round-trip time between a and b, in ms.
func (m *HubModel) RTT(a, b region.Region) float64 {
	return m.coef.RTT(m.Length(a, b))
}
