package placement

import (
	"math/bits"
	"slices"
)

// A peakCache remembers the busiest hour of sets of edges: from one node of the
// tree to the next most sets stay the same.
type peakCache struct {
	words int
	keys  []uint64 // [slot*words+word]
	peaks []float64
}

const mostPeaks = 1 << 13

func newPeakCache(m *model) *peakCache {
	words := (len(m.edges) + 63) / 64
	slots := mostPeaks
	if len(m.edges) < 13 {
		slots = 1 << len(m.edges)
	}
	return &peakCache{words: words, keys: make([]uint64, slots*words), peaks: make([]float64, slots)}
}

// of is the most requests in flight of the edges together in any hour. The
// slots begin with the empty set, whose peak is 0.
func (c *peakCache) of(m *model, edges edgeSet) float64 {
	hash := uint64(0)
	for _, word := range edges {
		hash = (hash ^ word) * 0x9e3779b97f4a7c15
		hash ^= hash >> 32
	}
	slot := int(hash % uint64(len(c.peaks)))
	key := edgeSet(c.keys[slot*c.words:][:c.words])
	if !slices.Equal(key, edges) {
		copy(key, edges)
		c.peaks[slot] = m.peakOf(edges)
	}
	return c.peaks[slot]
}

// peakOf is the busiest hour of the edges, added up in their order.
func (m *model) peakOf(edges edgeSet) float64 {
	top := 0.0
	for b := range m.blocks() {
		var sum block
		demand := m.demand[b*len(m.edges):]
		for w, word := range edges {
			for ; word != 0; word &= word - 1 {
				add(&sum, &demand[w<<6+bits.TrailingZeros64(word)])
			}
		}
		top = max(top, highest(&sum))
	}
	return top
}
