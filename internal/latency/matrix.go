package latency

import "github.com/fly-placer/fly-placer/internal/region"

// A Matrix holds round-trip times that the user measured. It does not change;
// the zero value is empty.
type Matrix struct {
	ms map[pair]float64
}

type pair struct{ from, to region.Code }

// Len returns the number of entries, each direction counted apart.
func (m Matrix) Len() int { return len(m.ms) }

// RTT returns the entry from a to b or, when there is none, the one from b to
// a, in milliseconds.
func (m Matrix) RTT(a, b region.Code) (ms float64, ok bool) {
	if ms, ok = m.ms[pair{a, b}]; !ok {
		ms, ok = m.ms[pair{b, a}]
	}
	return ms, ok
}
