package placement

import (
	"cmp"
	"math"
)

// An autostop is Problem.Autostop in the form that the search reads. A model has
// none where every Machine runs all month.
type autostop struct {
	hours   int     // of Demand, all of them
	soft    float64 // requests in flight at which another Machine starts
	scale   float64
	coldMS  float64
	perHour float64 // requests an hour for each in flight
	atLeast []int   // [s] Machines that are never stopped
}

// addAutostop splits the price of a Machine into what it costs anyway and what
// running, or stopping, adds to that.
func (m *model) addAutostop(p Problem, column []int) {
	if p.Autostop == nil || len(p.Edges) == 0 || len(p.Edges[0].Demand) == 0 {
		return
	}
	a := p.Autostop
	m.stops = &autostop{
		hours: len(p.Edges[0].Demand), soft: math.Inf(1), scale: cmp.Or(a.Scale, 1),
		coldMS: a.ColdStartMS, perHour: a.RequestsPerHour,
	}
	if p.SoftLimit > 0 {
		m.stops.soft = min(p.SoftLimit, m.hard)
	}
	for s, c := range column {
		m.extra = append(m.extra, m.rent[s]-a.StoppedCost)
		m.rent[s] = min(m.rent[s], a.StoppedCost)
		m.stops.atLeast = append(m.stops.atLeast, p.Candidates[c].MinRunning)
	}
}

// linearUsage is how many Machines edge e keeps running on average, at least,
// beside the other edges of its region: its load at the soft limit, as far as
// that cannot be more than there are. It counts the hours for which use is not
// nil and true.
//
// With load z (in soft limits) the region asks for scale × the mean of at least
// z, and gets it unless it has fewer Machines, n. The base count says that n is
// at least z/utilization in every hour, so n is at least the mean of z ×
// min(scale, 1/utilization), and so is the lower of both.
func (m *model) linearUsage(e int, use func(h int) bool) float64 {
	a := m.stops
	if math.IsInf(a.soft, 1) {
		return 0
	}
	sum := 0.0
	for h := range a.hours {
		if use == nil || use(h) {
			sum += m.demand[h/lanes*len(m.edges)+e][h%lanes]
		}
	}
	return sum / a.soft * min(a.scale, a.soft/m.quota) / float64(a.hours) * (1 - 4*tol)
}

// ask computes how many Machines the weighed regions would run on average; no
// more than count in any hour, where that is given. In a placement that is
// allowed no hour asks for more than there are: the base count carries it.
func (t *tally) ask(count []int) {
	a := t.stops
	if a == nil {
		return
	}
	n := len(t.regions)
	for i, s := range t.open {
		sum := 0
		for h := range a.hours {
			run := a.atLeast[s]
			if load := t.load[h/lanes*n+i][h%lanes]; load > 0 {
				run = max(run, 1, machines(load, a.soft))
			}
			if count != nil {
				run = min(run, count[i])
			}
			sum += run
		}
		t.asked[i] = max(float64(a.atLeast[s]), a.scale*float64(sum)/float64(a.hours))
	}
}

// runs is how many of count Machines of slot i run on average.
func (t *tally) runs(i, count int) float64 {
	if t.stops == nil {
		return float64(count)
	}
	return min(float64(count), t.asked[i])
}

// monthly is the price of count Machines of slot i, in USD a month.
func (t *tally) monthly(i, count int) float64 {
	return t.machineUSD(t.rent, t.extra, i, count)
}

// pays is what count Machines of slot i add to the objective.
func (t *tally) pays(i, count int) float64 {
	return t.machineUSD(t.price, t.running, i, count)
}

func (t *tally) machineUSD(each, extra []float64, i, count int) float64 {
	s := t.open[i]
	usd := each[s] * float64(count)
	switch {
	case extra == nil:
	case extra[s] > 0:
		usd += extra[s] * t.runs(i, count)
	default: // a Machine that is stopped costs more
		usd -= extra[s] * (float64(count) - t.runs(i, count))
	}
	return usd
}

// waits computes the share of each region's requests that wait for a Machine to
// start, and returns what that adds to the mean latency, in ms.
func (t *tally) waits() float64 {
	if t.stops == nil || t.stops.perHour == 0 {
		return 0
	}
	for i := range t.open {
		t.cold[i] = t.coldShare(i)
	}
	share := 0.0
	for e, i := range t.first {
		share += t.weight[e] * t.cold[i]
	}
	return share * t.stops.coldMS
}

// coldShare is the share of the requests of slot i that come after a gap of more
// than 5 minutes; 0 where at most a tenth of the hours have such a gap, or a
// Machine always runs. Hourly figures show no gaps; so requests are taken to
// come independently of each other (a Poisson process) at the hour's rate, r.
// Then a gap between two is longer than 5 minutes with the chance q =
// exp(-r/12), and the hour has r·q such gaps.
func (t *tally) coldShare(i int) float64 {
	a, n := t.stops, len(t.regions)
	if a.atLeast[t.open[i]] > 0 {
		return 0
	}
	hours, cold, all := 0.0, 0.0, 0.0
	for h := range a.hours {
		r := t.load[h/lanes*n+i][h%lanes] * a.perHour
		if r == 0 {
			hours++
			continue
		}
		gaps := r * math.Exp(-r/12)
		hours += min(1, gaps)
		cold += gaps
		all += r
	}
	switch {
	case within(hours, 0.1*float64(a.hours)):
		return 0
	case all == 0:
		return 1 // of however few there are
	}
	return cold / all
}
