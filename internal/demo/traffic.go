package demo

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

// step is the time between two samples. Fly.io's are 15 s apart; the sums of
// an hour need no more than this.
const step = time.Minute

// edges are the places where the shop's visitors are: the requests per second
// of an average hour, and the hours that local time is ahead of UTC. The shop
// began in North America; most visitors are in Europe and Asia now.
var edges = map[string]struct{ rps, utc float64 }{
	"ams": {24, 1}, "arn": {11, 1}, "bom": {21, 5.5}, "cdg": {27, 1}, "dfw": {5, -6},
	"ewr": {9, -5}, "fra": {46, 1}, "gru": {7, -3}, "iad": {13, -5}, "jnb": {3, 2},
	"lax": {6, -8}, "lhr": {33, 0}, "nrt": {12, 9}, "ord": {6, -6}, "sin": {18, 8},
	"sjc": {5, -8}, "syd": {6, 11}, "yyz": {4, -5},
}

// rate is how a day goes at an edge: quiet nights, a busy evening, and a
// weekend a little quieter than the week.
func rate(mean, utc float64, t time.Time) float64 {
	local := t.Add(time.Duration(utc * float64(time.Hour)))
	hour := float64(local.Hour()) + float64(local.Minute())/60
	day := 1 + 0.62*math.Cos((hour-19)/24*2*math.Pi) + 0.25*math.Cos((hour-11)/12*2*math.Pi)
	if wd := local.Weekday(); wd == time.Saturday || wd == time.Sunday {
		day *= 0.85
	}
	return mean * max(day, 0.06)
}

// fill records the traffic of the days before now: what the edge answered and
// what the Machines answered, how many requests were in flight, and that the
// Machines were up. The proxies restarted once, so every counter has begun
// again under another proxy_id.
func fill(s *promsim.Server, now time.Time, days int, machines map[string]string) error {
	from := now.Add(-time.Duration(days) * 24 * time.Hour).Truncate(step)
	restart := from.Add(time.Duration(days) * 24 * time.Hour * 3 / 5).Truncate(step)
	noise := rand.New(rand.NewPCG(20261123, 7)) //nolint:gosec // the same story every time
	w := writer{s: s, now: now}
	for _, code := range slices.Sorted(maps.Keys(edges)) {
		e := edges[code]
		wobble := 1.0
		per := func(t time.Time) float64 {
			if t.Minute() == 0 {
				wobble = math.Exp(0.1 * noise.NormFloat64())
			}
			return rate(e.rps, e.utc, t) * wobble
		}
		w.counter("fly_edge_http_responses_count", map[string]string{"region": code, "status": "200"}, from, restart, per)
	}
	ids := slices.Sorted(maps.Keys(machines))
	total := func(t time.Time) float64 {
		sum := 0.0
		for _, code := range slices.Sorted(maps.Keys(edges)) {
			sum += rate(edges[code].rps, edges[code].utc, t)
		}
		return sum
	}
	for _, id := range ids {
		labels := map[string]string{"region": machines[id], "instance": id}
		share := func(t time.Time) float64 { return total(t) / float64(len(ids)) }
		served := maps.Clone(labels)
		served["status"] = "200"
		w.counter("fly_app_http_responses_count", served, from, restart, share)
		w.gauge("fly_app_concurrency", labels, from, func(t time.Time) float64 {
			const seconds = 0.16 // an answer takes this long
			return share(t) * seconds * (1 + 0.25*noise.Float64())
		})
		w.gauge("fly_instance_up", labels, from, func(time.Time) float64 { return 1 })
	}
	return w.err
}

// A writer adds series of the app shop and keeps the first error.
type writer struct {
	s   *promsim.Server
	now time.Time
	err error
}

func (w *writer) counter(metric string, labels map[string]string, from, restart time.Time, rps func(time.Time) float64) {
	for i, until := range []time.Time{restart, w.now} {
		samples, sum := []promsim.Sample{}, 0.0
		for t := from; !t.After(until); t = t.Add(step) {
			samples = append(samples, promsim.Sample{Time: t, Value: math.Floor(sum)})
			sum += rps(t) * step.Seconds()
		}
		one := w.label(labels)
		one["proxy_id"] = []string{"blue", "green"}[i]
		w.err = cmp.Or(w.err, w.s.Counter(metric, one, samples))
		from = until
	}
}

func (w *writer) gauge(metric string, labels map[string]string, from time.Time, value func(time.Time) float64) {
	var samples []promsim.Sample
	for t := from; !t.After(w.now); t = t.Add(step) {
		samples = append(samples, promsim.Sample{Time: t, Value: math.Round(1000*value(t)) / 1000})
	}
	w.err = cmp.Or(w.err, w.s.Gauge(metric, w.label(labels), samples))
}

func (w *writer) label(labels map[string]string) map[string]string {
	l := maps.Clone(labels)
	l["app"] = "shop"
	l["host"] = strconv.FormatInt(int64(0xa000+len(l["region"])*17), 16)
	return l
}
