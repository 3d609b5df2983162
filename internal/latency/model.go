package latency

import "github.com/fly-placer/fly-placer/internal/region"

// Coefficients are what the model was fitted to: RTT = A + Land·km by land +
// Trunk·km along the links between hubs. A is in ms, the others in ms per km.
type Coefficients struct{ A, Land, Trunk float64 }

// RTT returns the round-trip time over so many km of cable, in ms.
func (c Coefficients) RTT(landKM, trunkKM float64) float64 {
	return c.A + c.Land*landKM + c.Trunk*trunkKM
}

// A HubModel estimates round-trip times from coordinates alone. It does not change.
type HubModel struct {
	graph *graph
	coef  Coefficients
}

// NewHubModel returns the model with the given coefficients.
func NewHubModel(c Coefficients) *HubModel { return &HubModel{graph: newGraph(), coef: c} }

// Length returns the km that the model counts between a and b: by land, which
// is the great circle inside an area, and along the links between hubs. Only
// coordinates are looked at.
func (m *HubModel) Length(a, b region.Region) (landKM, trunkKM float64) {
	w := m.graph.between(m.graph.site(a), m.graph.site(b))
	return w.land, w.trunk
}

// RTT returns the estimated round-trip time between a and b, in ms.
func (m *HubModel) RTT(a, b region.Region) float64 {
	return m.coef.RTT(m.Length(a, b))
}
