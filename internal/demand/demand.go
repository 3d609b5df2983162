package demand

import (
	"maps"
	"math"
	"slices"

	"github.com/fly-placer/fly-placer/internal/region"
)

// week is the number of hours that a longer window is folded into.
const week = 168

// A Demand is what a placement has to serve: where requests enter, how many,
// and how many are in flight in each hour.
type Demand struct {
	// Edges with at least one request, by code. They are in known places.
	Edges []Edge
	// Unmapped counts the requests of the window at codes that nobody knows.
	// They have no place, so no placement can serve them better or worse.
	Unmapped map[region.Code]float64
	// Mapped counts the window's requests at Edges.
	Mapped float64
	// PerMonth scales Mapped to 30 days.
	PerMonth float64
	// DayHours is how many of the window's hours each day of Daily has: 24,
	// fewer on the last.
	DayHours []float64
	Load     Load
}

// An Edge is one edge region's demand.
type Edge struct {
	Code region.Code
	// Requests in the window.
	Requests float64
	// Daily splits Requests by the window's days, the first day first.
	Daily []float64
	// InFlight is the number of requests in flight in the peak of each hour:
	// of the window, or of the week when the window is longer than one; then
	// the largest of the weeks. With the basis Unknown it is in requests per
	// second instead: nobody knows how many are in flight.
	InFlight []float64
	// GBOut is what leaves Fly's edge here for this part of the app, in GB
	// (10^9 bytes) in 30 days.
	GBOut float64
}

// A Load says how requests per second become requests in flight.
type Load struct {
	Basis Basis
	// PerRPS is the number of requests in flight for each request per second.
	PerRPS float64
	// Burst is the peak inside an hour over that hour's mean; at least 1.
	Burst float64
}

// A Basis is the kind of measurement that a Load rests on.
type Basis string

// The bases, best first.
const (
	Concurrency  Basis = "concurrency"   // fly_app_concurrency over responses per second
	ResponseTime Basis = "response time" // mean response time, by Little's law
	Unknown      Basis = "none"          // neither is recorded: counts cannot be judged
)

// Of turns a history into the demand on a part of the app: share is the part
// of the app's responses that one process group gives, 1 when there is only
// one group. known tells the codes whose place is known.
//
// The load is that of the whole app, whatever part of it the edges account
// for: requests at unknown codes, and those that enter elsewhere than at the
// edge or are left out by a status filter, are served by the same Machines.
func Of(h History, share float64, known func(region.Code) bool) Demand {
	d := Demand{Unmapped: map[region.Code]float64{}}
	codes := slices.Sorted(maps.Keys(h.Responses))
	mapped := make([]float64, h.Hours) // responses per hour at known codes
	for _, code := range codes {
		if known(code) {
			for i, n := range h.Responses[code] {
				mapped[i] += n
			}
		}
	}
	d.Load = loadOf(h, mapped)
	for _, code := range codes {
		hourly := h.Responses[code]
		sum := 0.0
		for _, n := range hourly {
			sum += n * share
		}
		switch {
		case sum <= 0:
		case !known(code):
			d.Unmapped[code] = sum
		default:
			d.Mapped += sum
			d.Edges = append(d.Edges, Edge{
				Code: code, Requests: sum,
				Daily: daily(hourly, share), InFlight: d.Load.inFlight(hourly, share),
				GBOut: share * h.EdgeBytes[code] / 1e9 * 30 * 24 / float64(h.Hours),
			})
		}
	}
	if h.Hours > 0 {
		d.PerMonth = d.Mapped * 30 * 24 / float64(h.Hours)
	}
	for left := h.Hours; left > 0; left -= 24 {
		d.DayHours = append(d.DayHours, float64(min(24, left)))
	}
	return d
}

func daily(hourly []float64, share float64) []float64 {
	days := make([]float64, (len(hourly)+23)/24)
	for i, n := range hourly {
		days[i/24] += n * share
	}
	return days
}

// inFlight is rate × requests in flight per request per second × burst, folded
// to a week by the maximum: Machines must carry the worst of the weeks, not
// their mean.
func (l Load) inFlight(hourly []float64, share float64) []float64 {
	out := make([]float64, min(len(hourly), week))
	for i, n := range hourly {
		out[i%week] = max(out[i%week], n*share/3600*l.PerRPS*l.Burst)
	}
	return out
}

func loadOf(h History, mapped []float64) Load {
	if l, ok := fromConcurrency(h, mapped); ok {
		return l
	}
	if l, ok := fromResponseTime(h, mapped); ok {
		return l
	}
	return Load{Basis: Unknown, PerRPS: 1, Burst: 1}
}

// fromConcurrency divides the requests in flight by the responses per second,
// over the hours that have both. Of the responses that the Machines gave and
// those that left at known edges the smaller count, so that the edges' demand
// adds up to no less than what was in flight.
func fromConcurrency(h History, mapped []float64) (Load, bool) {
	var inFlight, served, edge float64
	for i := range min(len(h.ConcurrencyMean), len(h.Served), len(mapped)) {
		if c, n := h.ConcurrencyMean[i], h.Served[i]; c >= 0 && n >= 0 { // false for NaN
			inFlight += c
			served += n / 3600
			edge += mapped[i] / 3600
		}
	}
	per := min(served, edge)
	if inFlight <= 0 || per <= 0 {
		return Load{}, false
	}
	return Load{Concurrency, inFlight / per, burstOf(h)}, true
}

// fromResponseTime is Little's law: as many requests are in flight for each
// request per second as an answer takes seconds. With a status filter the
// edges show only a part of the requests; without a count of all of them
// nothing follows.
func fromResponseTime(h History, mapped []float64) (Load, bool) {
	if !(h.ResponseTime > 0) || math.IsInf(h.ResponseTime, 0) {
		return Load{}, false
	}
	served, edge := 0.0, 0.0
	for i := range min(len(h.Served), len(mapped)) {
		if h.Served[i] >= 0 {
			served += h.Served[i]
			edge += mapped[i]
		}
	}
	factor := 1.0
	switch {
	case served > 0 && edge > 0:
		factor = max(1, served/edge)
	case h.Filtered:
		return Load{}, false
	}
	return Load{ResponseTime, h.ResponseTime * factor, 1}, true
}

// burstOf is the largest ratio of an hour's peak to its mean. Hours quieter
// than a tenth of the busiest do not count: one request in an empty hour is an
// enormous ratio, and would size Machines for load that never came. But no
// peak that was measured, whenever it was, exceeds the busiest hour's mean
// times burst.
func burstOf(h History) float64 {
	busiest, peak := 0.0, 0.0
	for i, mean := range h.ConcurrencyMean {
		if mean > busiest {
			busiest = mean
		}
		if i < len(h.ConcurrencyMax) && h.ConcurrencyMax[i] > peak {
			peak = h.ConcurrencyMax[i]
		}
	}
	burst := max(1, peak/busiest)
	for i, mean := range h.ConcurrencyMean {
		if i >= len(h.ConcurrencyMax) || !(mean > 0) || mean < busiest/10 {
			continue
		}
		if r := h.ConcurrencyMax[i] / mean; r > burst {
			burst = r
		}
	}
	return burst
}

// Gaps is the share of the history's hours in which nothing at all was
// recorded in the whole organization.
func (h History) Gaps() float64 {
	if h.Hours == 0 {
		return 1
	}
	missing := 0
	for i := range h.Hours {
		if i >= len(h.OrgUp) || !h.OrgUp[i] {
			missing++
		}
	}
	return float64(missing) / float64(h.Hours)
}

// Unbroken is the number of hours at the end of the history without a gap.
func (h History) Unbroken() int {
	n := 0
	for i := h.Hours - 1; i >= 0 && i < len(h.OrgUp) && h.OrgUp[i]; i-- {
		n++
	}
	return n
}
