package latency

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fly-placer/fly-placer/internal/region"
)

// What a calibration asks of the traffic, and what it believes.
const (
	calibrationEdges    = 3    // at least so many edge regions
	calibrationRequests = 1000 // with at least so many requests each
	calibrationSpreadMS = 20   // whose table times differ by at least this
	smallestFactor      = 0.5
	largestFactor       = 2
)

// An Observation is what the requests of one edge region tell about the table.
type Observation struct {
	Edge region.Code
	// TableMS is the table's round-trip time between the edge and the region
	// that serves it now. An edge whose time is from the user's matrix is to be
	// left out: that is measured already, and not scaled.
	TableMS float64
	// ObservedMS is the mean time of a response at the edge less the mean time
	// at the Machines of that region: the way there and back, and fly-proxy.
	ObservedMS float64
	// Requests is how many the mean at the edge is of.
	Requests float64
}

// A Calibration says how the app's own requests compare with the table:
// ObservedMS = OffsetMS + Factor · TableMS.
type Calibration struct {
	// Factor is what Table.Scaled takes; 1 unless Used.
	Factor float64
	// OffsetMS is what every request pays whatever the distance. It is the same
	// for all regions and so decides nothing.
	OffsetMS float64
	// ResidualMS is the mean distance of the observations from that line,
	// weighted by requests.
	ResidualMS float64
	// Edges is how many edge regions had requests enough, and Share, 0 to 1, is
	// their part of all the requests observed.
	Edges int
	Share float64
	// Used tells that Factor follows from the observations; if it does not,
	// Reason says why, in a clause: "2 edge regions have …".
	Used   bool
	Reason string
}

// Calibrate fits the line through the observations of at least 1,000 requests
// each. It takes at least three of them, 20 ms between the nearest and the
// farthest, and a factor from 0.5 to 2: a larger one is more likely something
// else than distance. Otherwise the factor is 1 and OffsetMS and ResidualMS are
// those of the table as it is.
//
// The factor is the weighted median of the slopes between every two
// observations, each of the weight of both's requests and of what lies between
// them (Theil and Sen's estimator), and the offset the weighted median of what
// is left: one edge that is off, such as one whose requests are served
// elsewhere, does not move them far unless it has most of the requests.
func Calibrate(observations []Observation) Calibration {
	all, kept := 0.0, []Observation{}
	for _, o := range observations {
		if !(o.Requests > 0) || math.IsInf(o.Requests, 0) {
			continue
		}
		all += o.Requests
		if o.Requests >= calibrationRequests && o.TableMS >= 0 && !math.IsInf(o.TableMS, 0) && !math.IsNaN(o.ObservedMS) && !math.IsInf(o.ObservedMS, 0) {
			kept = append(kept, o)
		}
	}
	slices.SortFunc(kept, func(a, b Observation) int { // the same sums in any order
		return cmp.Or(cmp.Compare(a.Edge, b.Edge), cmp.Compare(a.TableMS, b.TableMS), cmp.Compare(a.ObservedMS, b.ObservedMS), cmp.Compare(a.Requests, b.Requests))
	})
	c := Calibration{Factor: 1, Edges: len(kept)}
	if len(kept) == 0 {
		c.Reason = fmt.Sprintf("no edge region has %d requests with a time", calibrationRequests)
		return c
	}
	near, far := kept[0].TableMS, kept[0].TableMS
	for _, o := range kept {
		c.Share += o.Requests / all
		near, far = min(near, o.TableMS), max(far, o.TableMS)
	}
	switch {
	case len(kept) < calibrationEdges:
		c.Reason = fmt.Sprintf("only %d edge regions have %d requests with a time, and it takes %d", len(kept), calibrationRequests, calibrationEdges)
		if len(kept) == 1 {
			c.Reason = fmt.Sprintf("only one edge region has %d requests with a time, and it takes %d", calibrationRequests, calibrationEdges)
		}
	case far-near < calibrationSpreadMS:
		c.Reason = fmt.Sprintf("the table's times of the edge regions differ by %.0f ms at most, and it takes %d", math.Floor(far-near), calibrationSpreadMS)
	default:
		if f := slope(kept); f < smallestFactor || f > largestFactor {
			c.Reason = fmt.Sprintf("the responses' times would scale the table by %.2f, and only %g to %d is believed", f, smallestFactor, largestFactor)
		} else {
			c.Factor, c.Used = f, true
		}
	}
	c.OffsetMS, c.ResidualMS = offset(kept, c.Factor)
	return c
}

// slope is the weighted median of the slopes between every two observations.
func slope(observations []Observation) float64 {
	var slopes []weighted
	for i, a := range observations {
		for _, b := range observations[:i] {
			if between := a.TableMS - b.TableMS; between != 0 {
				slopes = append(slopes, weighted{(a.ObservedMS - b.ObservedMS) / between, a.Requests * b.Requests * math.Abs(between)})
			}
		}
	}
	return median(slopes)
}

// offset is the weighted median of what factor leaves, and the weighted mean
// distance from it.
func offset(observations []Observation, factor float64) (ms, residual float64) {
	left, all := make([]weighted, len(observations)), 0.0
	for i, o := range observations {
		left[i] = weighted{o.ObservedMS - factor*o.TableMS, o.Requests}
		all += o.Requests
	}
	ms = median(left)
	for _, l := range left {
		residual += math.Abs(l.value-ms) * l.weight / all
	}
	return ms, residual
}

type weighted struct{ value, weight float64 }

// median sorts values and returns the one at which half of the weight is
// reached, and the middle to the next where it is reached exactly.
func median(values []weighted) float64 {
	slices.SortFunc(values, func(a, b weighted) int {
		return cmp.Or(cmp.Compare(a.value, b.value), cmp.Compare(a.weight, b.weight))
	})
	all := 0.0
	for _, v := range values {
		all += v.weight
	}
	sum := 0.0
	for i, v := range values {
		switch sum += v.weight; {
		case sum == all/2 && i+1 < len(values):
			return (v.value + values[i+1].value) / 2
		case sum >= all/2:
			return v.value
		}
	}
	return values[len(values)-1].value
}

// Scaled returns a table in which the survey's and the model's times are
// multiplied by factor, which is above 0. Times inside a city and the user's
// own stay as they are, and so do the sources.
func (t *Table) Scaled(factor float64) *Table {
	return &Table{base: t.base, matrix: t.matrix, factor: t.factor * factor}
}
