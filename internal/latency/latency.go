// Package latency says how long a round trip between two of Fly.io's regions
// takes: as the user measured it, else as a public survey measured it between
// their cities, else as a model estimates it that goes where cables go.
package latency

import (
	"maps"
	"math"
	"sync"

	"github.com/fly-placer/fly-placer/internal/region"
)

// A Source says where a round-trip time is from.
type Source string

// The sources, in the order in which RTT asks them.
const (
	FromMatrix Source = "latency-matrix" // measured by the user
	Same       Source = "same city"
	Measured   Source = "measured" // the survey between the two cities
	Model      Source = "model"    // estimated
)

const (
	// sameCityMS is the round-trip time inside a city.
	sameCityMS = 1
	// sameCityKM is how far apart two regions of one city may be.
	sameCityKM = 25
	// movedDegrees is how far a region's coordinates may be from those that
	// the table was computed for; a code further away names another place.
	movedDegrees = 0.5
)

// A Table answers round-trip times. It does not change, and may be used by
// several goroutines. The zero value is not useful: start from BuiltIn.
type Table struct {
	base   *base
	matrix Matrix
	factor float64 // on what the survey and the model say
}

// base is what is computed once: the built-in answer for every two regions
// that the program knows.
type base struct {
	model *HubModel
	index map[region.Code]int
	sites []site
	cells [][]cell
}

type cell struct {
	ms  float64
	src Source
}

var builtIn = sync.OnceValue(newBase)

func newBase() *base {
	rows := region.BuiltIn().All()
	b := &base{
		model: NewHubModel(fitted),
		index: make(map[region.Code]int, len(rows)),
		sites: make([]site, len(rows)),
		cells: make([][]cell, len(rows)),
	}
	for i, r := range rows {
		b.index[r.Code] = i
		b.sites[i] = b.model.graph.site(r)
	}
	for i := range rows {
		b.cells[i] = make([]cell, len(rows))
		for j := range rows {
			b.cells[i][j] = b.cell(b.sites[min(i, j)], b.sites[max(i, j)])
		}
	}
	return b
}

// cell answers for two places without looking at the cells computed before.
func (b *base) cell(s, t site) cell {
	from, to := s.place, t.place
	ms, measured := surveyRTT(from.Code, to.Code)
	switch {
	case from.Code == to.Code && from.Code != "",
		surveyCity(from.Code) >= 0 && surveyCity(from.Code) == surveyCity(to.Code),
		region.DistanceKM(from, to) <= sameCityKM:
		return cell{sameCityMS, Same}
	case measured:
		return cell{ms, Measured}
	}
	w := b.model.graph.between(s, t)
	return cell{b.model.coef.RTT(w.land, w.trunk), Model}
}

// BuiltIn returns the table that knows no measurements of the user's.
func BuiltIn() *Table { return &Table{base: builtIn(), factor: 1} }

// With returns a table in which the entries of m come first. Those of an
// earlier matrix stay where m has none.
func (t *Table) With(m Matrix) *Table {
	all := maps.Clone(t.matrix.ms)
	if all == nil {
		all = map[pair]float64{}
	}
	maps.Copy(all, m.ms)
	return &Table{base: t.base, matrix: Matrix{ms: all}, factor: t.factor}
}

// RTT returns the round-trip time between a and b in milliseconds, and where
// it is from: the user's matrix (from a to b, else from b to a), 1 ms inside a
// city (one code, or at most 25 km apart), the survey, the model. Only a matrix
// that says so makes it differ between the directions. The model needs nothing
// but coordinates, so a and b need not be regions that the program knows.
func (t *Table) RTT(a, b region.Region) (ms float64, src Source) {
	if len(t.matrix.ms) > 0 {
		if ms, ok := t.matrix.RTT(a.Code, b.Code); ok {
			return ms, FromMatrix
		}
	}
	c := t.base.rtt(a, b)
	if c.src == Same {
		return c.ms, c.src
	}
	return c.ms * t.factor, c.src
}

// rtt answers without the user's measurements.
func (b *base) rtt(from, to region.Region) cell {
	i, knownFrom := b.known(from)
	j, knownTo := b.known(to)
	if knownFrom && knownTo {
		return b.cells[i][j]
	}
	if from.Code == to.Code && from.Code != "" || region.DistanceKM(from, to) <= sameCityKM {
		return cell{sameCityMS, Same}
	}
	if from.Code > to.Code { // the last bit of a sum must not depend on the direction
		from, to = to, from
	}
	return cell{b.model.RTT(from, to), Model}
}

// known finds r among the regions that the program knows.
func (b *base) known(r region.Region) (int, bool) {
	i, ok := b.index[r.Code]
	if !ok {
		return 0, false
	}
	at := b.sites[i].place
	return i, math.Abs(at.Lat-r.Lat) <= movedDegrees && math.Abs(at.Lon-r.Lon) <= movedDegrees
}
