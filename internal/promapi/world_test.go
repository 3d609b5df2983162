package promapi_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

// The recorded world of the tests: two weeks of two apps, one sample a
// minute, with all that happens to Fly.io's series. What was really served is
// kept beside it, as events, and figures are summed from those: nothing here
// knows how a server computes an increase.

const (
	worldStep = time.Minute
	worldDays = 14
)

var (
	worldEnd   = time.Date(2025, 6, 15, 13, 0, 0, 0, time.UTC)
	worldNow   = worldEnd.Add(20 * time.Minute)
	worldStart = worldEnd.Add(-worldDays*24*time.Hour - 2*time.Hour)

	// Nothing was recorded between these; one whole hour lies inside. What was
	// served meanwhile shows at the first sample after it.
	gapStart = worldEnd.Add(-100 * time.Hour).Add(20 * time.Minute)
	gapEnd   = gapStart.Add(150 * time.Minute)

	// bornAt is when a series appears in gru that has been counting for long:
	// its first value is not traffic of that minute.
	bornAt = worldEnd.Add(-50 * time.Hour).Add(30 * time.Minute)

	// replacedAt is when Machine m5 gives way to m6.
	replacedAt = worldEnd.Add(-75 * time.Hour).Add(25 * time.Minute)
)

const bornWith = 5000

// An event is something counted at a sample.
type event struct {
	at time.Time
	n  float64
}

// A truth is what really happened.
type truth struct {
	edge    map[string]map[string]map[string][]event // app, region, status: responses
	served  map[string]map[string][]event            // app, Machine: responses
	bytes   map[string]map[string][]event            // app, edge region: bytes out
	edgeFor map[string]map[string]timed              // app, edge region: response time there
	appFor  map[string]map[string][]timed            // app, region: response time, one for each Machine
	up      map[string]map[string][]event            // app, Machine: seen
	load    map[string]map[string][][]event          // app, Machine, one list per proxy: requests in flight
	newest  time.Time                                // last sample of either app
}

func newTruth() *truth {
	return &truth{
		edge: map[string]map[string]map[string][]event{}, served: map[string]map[string][]event{},
		bytes: map[string]map[string][]event{}, edgeFor: map[string]map[string]timed{}, appFor: map[string]map[string][]timed{},
		up: map[string]map[string][]event{}, load: map[string]map[string][][]event{},
	}
}

// A timed is a number of responses and the seconds that they took together.
type timed struct{ seconds, count []event }

// saw notes when something was recorded.
func (w *truth) saw(at time.Time) {
	if at.After(w.newest) {
		w.newest = at
	}
}

// sum adds up the events, in order of time, in (from, to].
func sum(events []event, from, to time.Time) float64 {
	total := 0.0
	for _, e := range events[before(events, from):before(events, to)] {
		total += e.n
	}
	return total
}

// before is how many events are not later than t.
func before(events []event, t time.Time) int {
	n, _ := slices.BinarySearchFunc(events, t, func(e event, t time.Time) int {
		if e.at.After(t) {
			return 1
		}
		return -1
	})
	return n
}

// A host runs a proxy that restarts now and then: proxy_id flips and all its
// counters begin again.
type host struct {
	name    string
	phase   time.Duration // of its samples in the minute
	flips   []time.Time   // proxy_id changes, counters begin at 0
	resets  []time.Time   // counters begin at 0 under the same labels
	samples []time.Time
}

func newHost(name string, i int) *host {
	h := &host{name: name, phase: time.Duration(3+7*i)*time.Second + 123*time.Millisecond}
	every := time.Duration(29+6*i) * time.Hour
	for t := worldStart.Add(every).Add(time.Duration(20+i) * time.Minute); t.Before(worldEnd.Add(-2 * time.Hour)); t = t.Add(every) {
		if !t.Before(gapStart) && t.Before(gapEnd.Add(time.Hour)) {
			continue
		}
		h.flips = append(h.flips, t)
	}
	h.resets = []time.Time{worldEnd.Add(-200 * time.Hour).Add(time.Duration(17+i) * time.Minute)}
	rng := rand.New(rand.NewPCG(7, uint64(i)))
	for t := worldStart; t.Before(worldNow); t = t.Add(worldStep) {
		at := t.Add(h.phase).Add(time.Duration(rng.IntN(400)) * time.Millisecond)
		if (at.Before(gapStart) || at.After(gapEnd)) && at.Before(worldNow) {
			h.samples = append(h.samples, at)
		}
	}
	return h
}

// proxy returns proxy_id at t.
func (h *host) proxy(t time.Time) string {
	n := 0
	for _, f := range h.flips {
		if !t.Before(f) {
			n++
		}
	}
	return []string{"blue", "green"}[n%2]
}

// restarted tells whether counters began again in (from, to].
func (h *host) restarted(from, to time.Time) bool {
	return slices.ContainsFunc(append(slices.Clone(h.flips), h.resets...), func(t time.Time) bool {
		return t.After(from) && !t.After(to)
	})
}

// count records a counter of a host from a function that says how much
// happened per minute, and returns the events.
func (h *host) count(t *testing.T, sim *promsim.Server, metric string, labels map[string]string, from, to time.Time, perMinute func(time.Time) float64) []event {
	t.Helper()
	var events []event
	byProxy := map[string][]promsim.Sample{}
	value, last := 0.0, from
	for _, at := range h.samples {
		if at.Before(from) || !at.Before(to) {
			continue
		}
		if h.restarted(last, at) {
			value = 0
		}
		n := 0.0
		for minute := last; minute.Before(at.Add(-time.Second)); minute = minute.Add(worldStep) {
			n += perMinute(at)
		}
		value, last = value+n, at
		events = append(events, event{at, n})
		byProxy[h.proxy(at)] = append(byProxy[h.proxy(at)], promsim.Sample{Time: at, Value: value})
	}
	for proxy, samples := range byProxy {
		with := maps.Clone(labels)
		with["host"], with["proxy_id"] = h.name, proxy
		if err := sim.Counter(metric, with, samples); err != nil {
			t.Fatal(err)
		}
	}
	return events
}

// time records the two counters of a histogram's mean: so many responses a
// minute, each of so many seconds.
func (h *host) time(t *testing.T, sim *promsim.Server, metric string, labels map[string]string, from, to time.Time, perMinute, seconds float64) timed {
	t.Helper()
	return timed{
		seconds: h.count(t, sim, metric+"_sum", labels, from, to, func(time.Time) float64 { return perMinute * seconds }),
		count:   h.count(t, sim, metric+"_count", labels, from, to, func(time.Time) float64 { return perMinute }),
	}
}

// record fills sim with the world and returns what really happened in it.
func record(t *testing.T, sim *promsim.Server) *truth {
	t.Helper()
	w := newTruth()
	regions := []string{"ams", "fra", "iad", "lga", "syd"}
	hosts := map[string]*host{}
	for i, r := range regions {
		hosts[r] = newHost("a1b"+string(rune('0'+i)), i)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	wave := func(base float64, shift int) func(time.Time) float64 {
		return func(at time.Time) float64 {
			day := 1 + 0.6*math.Sin(2*math.Pi*(float64(at.Hour()+shift)+float64(at.Minute())/60)/24)
			return math.Round(base * day * (0.7 + 0.6*rng.Float64()))
		}
	}
	rates := map[string]float64{"200": 120, "301": 15, "404": 12, "500": 8}
	edges := map[string][]string{"api-2": regions[:2], "shop": regions}
	for _, app := range slices.Sorted(maps.Keys(edges)) {
		used := edges[app]
		w.edge[app], w.bytes[app], w.edgeFor[app] = map[string]map[string][]event{}, map[string][]event{}, map[string]timed{}
		for i, r := range used {
			w.edge[app][r] = map[string][]event{}
			for _, status := range slices.Sorted(maps.Keys(rates)) {
				rate := rates[status]
				w.edge[app][r][status] = hosts[r].count(t, sim, "fly_edge_http_responses_count",
					map[string]string{"app": app, "region": r, "status": status}, worldStart, worldNow, wave(rate/float64(i+1), 5*i))
				events := w.edge[app][r][status]
				w.saw(events[len(events)-1].at)
			}
			labels := map[string]string{"app": app, "region": r}
			w.bytes[app][r] = hosts[r].count(t, sim, "fly_edge_data_out", labels, worldStart, worldNow, wave(2e6, 5*i))
			w.edgeFor[app][r] = hosts[r].time(t, sim, "fly_edge_http_response_time_seconds", with(labels, "status", "200"), worldStart, worldNow, 30, 0.08+0.03*float64(i))
		}
	}
	recordBorn(t, sim, w)
	machines := map[string][]machine{
		"shop": {
			{"m1", "ams", worldStart, worldNow},
			{"m2", "ams", worldStart, worldNow},
			{"m3", "fra", worldStart, worldNow},
			{"m4", "iad", worldStart, worldNow},
			{"m5", "iad", worldStart, replacedAt},
			{"m6", "iad", replacedAt, worldNow},
		},
		"api-2": {{"n1", "fra", worldStart, worldNow}},
	}
	for _, app := range slices.Sorted(maps.Keys(machines)) {
		list := machines[app]
		w.served[app], w.load[app] = map[string][]event{}, map[string][][]event{}
		w.appFor[app], w.up[app] = map[string][]timed{}, map[string][]event{}
		for i, m := range list {
			m.record(t, sim, w, app, hosts[m.region], wave(60, 3*i))
		}
	}
	// Machine m7 runs by day and does nothing.
	day := func(at time.Time) bool { return at.Hour() >= 8 && at.Hour() < 20 }
	machine{"m7", "syd", worldStart, worldNow}.recordUp(t, sim, w, "shop", hosts["syd"], day)
	return w
}

// recordBorn adds the series that appears with a large first value.
func recordBorn(t *testing.T, sim *promsim.Server, w *truth) {
	t.Helper()
	var samples []promsim.Sample
	var events []event
	for at, v := bornAt.Add(11*time.Second), float64(bornWith); at.Before(worldNow); at, v = at.Add(worldStep), v+3 {
		samples = append(samples, promsim.Sample{Time: at, Value: v})
		if v > bornWith {
			events = append(events, event{at, 3})
		}
	}
	w.saw(samples[len(samples)-1].Time)
	w.edge["shop"]["gru"] = map[string][]event{"200": events}
	labels := map[string]string{"app": "shop", "region": "gru", "host": "ffff", "proxy_id": "blue", "status": "200"}
	if err := sim.Counter("fly_edge_http_responses_count", labels, samples); err != nil {
		t.Fatal(err)
	}
}

// A machine lives in (from, to].
type machine struct {
	id, region string
	from, to   time.Time
}

// record adds what the platform records about a Machine.
func (m machine) record(t *testing.T, sim *promsim.Server, w *truth, app string, h *host, rate func(time.Time) float64) {
	t.Helper()
	labels := map[string]string{"app": app, "region": m.region, "instance": m.id}
	served := h.count(t, sim, "fly_app_http_responses_count", with(labels, "status", "200"), m.from, m.to, rate)
	served = append(served, h.count(t, sim, "fly_app_http_responses_count", with(labels, "status", "500"), m.from, m.to, func(time.Time) float64 { return 5 })...)
	slices.SortFunc(served, func(a, b event) int { return a.at.Compare(b.at) })
	w.served[app][m.id] = served
	// Each response takes 75 ms, with the requests of status 500 not counted.
	w.appFor[app][m.region] = append(w.appFor[app][m.region], h.time(t, sim, "fly_app_http_response_time_seconds", with(labels, "status", "200"), m.from, m.to, 8, 0.075))
	m.recordUp(t, sim, w, app, h, func(time.Time) bool { return true })

	load := map[string][]event{}
	gauge := map[string][]promsim.Sample{}
	for i, at := range h.samples {
		if at.Before(m.from) || !at.Before(m.to) {
			continue
		}
		n := math.Round(rate(at)/6 + float64(i%7))
		load[h.proxy(at)] = append(load[h.proxy(at)], event{at, n})
		gauge[h.proxy(at)] = append(gauge[h.proxy(at)], promsim.Sample{Time: at, Value: n})
		w.saw(at)
	}
	for proxy, samples := range gauge {
		w.load[app][m.id] = append(w.load[app][m.id], load[proxy])
		if err := sim.Gauge("fly_app_concurrency", with(labels, "proxy_id", proxy, "host", h.name), samples); err != nil {
			t.Fatal(err)
		}
	}
}

// recordUp adds that a Machine was up while it was awake.
func (m machine) recordUp(t *testing.T, sim *promsim.Server, w *truth, app string, h *host, awake func(time.Time) bool) {
	t.Helper()
	var up []promsim.Sample
	for _, at := range h.samples {
		if !at.Before(m.from) && at.Before(m.to) && awake(at) {
			up = append(up, promsim.Sample{Time: at, Value: 1})
			w.up[app][m.id] = append(w.up[app][m.id], event{at, 1})
			w.saw(at)
		}
	}
	labels := map[string]string{"app": app, "region": m.region, "instance": m.id, "host": h.name}
	if err := sim.Gauge("fly_instance_up", labels, up); err != nil {
		t.Fatal(err)
	}
}

// with returns labels and more of them.
func with(labels map[string]string, pairs ...string) map[string]string {
	labels = maps.Clone(labels)
	for i := 0; i < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return labels
}

// traffic is what left the edge in (from, to] for the statuses, by region.
func (w *truth) traffic(app string, from, to time.Time, statuses ...string) map[string]float64 {
	out := map[string]float64{}
	for r, byStatus := range w.edge[app] {
		for status, events := range byStatus {
			if len(statuses) == 0 || slices.Contains(statuses, status) {
				if n := sum(events, from, to); n > 0 {
					out[r] += n
				}
			}
		}
	}
	return out
}

// running is the part of the minutes in (from, to] at which a Machine's last
// sample was not older than hold.
func (w *truth) running(app, id string, from, to time.Time, hold time.Duration) float64 {
	up, all := 0.0, 0.0
	for minute := from.Add(time.Minute); !minute.After(to); minute = minute.Add(time.Minute) {
		samples := w.up[app][id]
		if i := before(samples, minute); i > 0 && samples[i-1].at.After(minute.Add(-hold)) {
			up++
		}
		all++
	}
	return up / all
}

// concurrency is the mean and the maximum over the minutes in (from, to] of
// the requests in flight: of each Machine the largest of its proxies' last
// samples that are not older than hold.
func (w *truth) concurrency(app string, from, to time.Time, hold time.Duration) (mean, highest float64) {
	n, total, highest := 0, 0.0, math.Inf(-1)
	for minute := from.Add(time.Minute); !minute.After(to); minute = minute.Add(time.Minute) {
		all, any := 0.0, false
		for _, proxies := range w.load[app] {
			most, seen := 0.0, false
			for _, samples := range proxies {
				i := before(samples, minute)
				if i > 0 && samples[i-1].at.After(minute.Add(-hold)) {
					most, seen = max(most, samples[i-1].n), true
				}
			}
			if seen {
				all, any = all+most, true
			}
		}
		if any {
			n, total, highest = n+1, total+all, max(highest, all)
		}
	}
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	return total / float64(n), highest
}
