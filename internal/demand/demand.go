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
	// Total counts the window's requests, Edges' and Unmapped.
	Total float64
	// PerMonth scales Total to 30 days.
	PerMonth float64
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
	// the largest of the weeks. Nil without a concurrency figure.
	InFlight []float64
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
func Of(h History, share float64, known func(region.Code) bool) Demand {
	d := Demand{Load: loadOf(h), Unmapped: map[region.Code]float64{}}
	for _, code := range slices.Sorted(maps.Keys(h.Responses)) {
		hourly := h.Responses[code]
		sum := 0.0
		for _, n := range hourly {
			sum += n * share
		}
		if sum <= 0 {
			continue
		}
		d.Total += sum
		if !known(code) {
			d.Unmapped[code] = sum
			continue
		}
		d.Edges = append(d.Edges, Edge{
			Code: code, Requests: sum,
			Daily: daily(hourly, share), InFlight: d.Load.inFlight(hourly, share),
		})
	}
	if h.Hours > 0 {
		d.PerMonth = d.Total * 30 * 24 / float64(h.Hours)
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
	if l.Basis == Unknown {
		return nil
	}
	out := make([]float64, min(len(hourly), week))
	for i, n := range hourly {
		out[i%week] = max(out[i%week], n*share/3600*l.PerRPS*l.Burst)
	}
	return out
}

func loadOf(h History) Load {
	if perRPS, burst, ok := fromConcurrency(h); ok {
		return Load{Concurrency, perRPS, burst}
	}
	if h.ResponseTime > 0 && !math.IsInf(h.ResponseTime, 0) {
		return Load{ResponseTime, h.ResponseTime, 1}
	}
	return Load{Basis: Unknown, Burst: 1}
}

// fromConcurrency divides the requests in flight by the responses per second,
// over the hours that have both. Responses are counted as Responses counts
// them, so that a status filter does not make each request look lighter.
func fromConcurrency(h History) (perRPS, burst float64, ok bool) {
	var inFlight, served, edge float64
	for i := range min(len(h.ConcurrencyMean), len(h.Served)) {
		if c, n := h.ConcurrencyMean[i], h.Served[i]; c >= 0 && n >= 0 { // false for NaN
			inFlight += c
			served += n / 3600
			edge += h.responsesIn(i) / 3600
		}
	}
	if inFlight <= 0 || served <= 0 {
		return 0, 0, false
	}
	per := served
	if h.Filtered && edge > 0 {
		per = edge
	}
	return inFlight / per, burstOf(h), true
}

func (h History) responsesIn(hour int) float64 {
	sum := 0.0
	for _, code := range slices.Sorted(maps.Keys(h.Responses)) {
		sum += h.Responses[code][hour]
	}
	return sum
}

// burstOf is the largest ratio of an hour's peak to its mean. Hours quieter
// than a tenth of the busiest do not count: one request in an empty hour is an
// enormous ratio, and would size Machines for load that never came.
func burstOf(h History) float64 {
	busiest := 0.0
	for _, c := range h.ConcurrencyMean {
		if c > busiest {
			busiest = c
		}
	}
	burst := 1.0
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
