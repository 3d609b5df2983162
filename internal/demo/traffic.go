package demo

import (
	"cmp"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

// step is the time between two samples. Fly.io's are 15 s apart; the sums of
// an hour need no more than this.
const step = time.Minute

const (
	days       = 7
	answerTime = 0.09  // seconds that a Machine takes for an answer
	proxyTime  = 0.002 // and that fly-proxy adds at the edge
	answerSize = 2000  // bytes
)

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

// fill records the traffic of the days before now, and of as many more hours
// as the services may stay up: what the edge answered and
// what the Machines answered, how many requests were in flight, and that the
// Machines were up. The proxies restarted once, so every counter has begun
// again under another proxy_id.
func fill(s *promsim.Server, now time.Time, hoursAhead int, machines map[string]string) error {
	const past = days * 24 * 60
	steps := past + hoursAhead*60
	w := writer{s: s, from: now.Add(-past * step).Truncate(step), steps: steps, restart: past * 3 / 5}
	noise := rand.New(rand.NewPCG(20261123, 7)) //nolint:gosec // the same story every time
	total := make([]float64, steps+1)
	for _, code := range slices.Sorted(maps.Keys(edges)) {
		e, wobble := edges[code], 1.0
		rps := make([]float64, steps+1)
		for i := range rps {
			t := w.from.Add(time.Duration(i) * step)
			if t.Minute() == 0 {
				wobble = math.Exp(0.1 * noise.NormFloat64())
			}
			rps[i] = rate(e.rps, e.utc, t) * wobble
			total[i] += rps[i]
		}
		labels := map[string]string{"region": code}
		w.counter("fly_edge_data_out", labels, scaled(rps, answerSize))
		labels["status"] = "200"
		w.counter("fly_edge_http_responses_count", labels, rps)
		w.counter("fly_edge_http_response_time_seconds_count", labels, rps)
		w.counter("fly_edge_http_response_time_seconds_sum", labels, scaled(rps, answerTime+proxyTime+network(code, machines)))
	}
	share, inFlight, up := make([]float64, steps+1), make([]float64, steps+1), make([]float64, steps+1)
	for _, id := range slices.Sorted(maps.Keys(machines)) {
		for i := range share {
			share[i] = total[i] / float64(len(machines))
			inFlight[i] = share[i] * answerTime * (1 + 0.25*noise.Float64())
			up[i] = 1
		}
		labels := map[string]string{"region": machines[id], "instance": id}
		w.gauge("fly_app_concurrency", labels, inFlight)
		w.gauge("fly_instance_up", labels, up)
		labels["status"] = "200"
		w.counter("fly_app_http_responses_count", labels, share)
		w.counter("fly_app_http_response_time_seconds_count", labels, share)
		w.counter("fly_app_http_response_time_seconds_sum", labels, scaled(share, answerTime))
	}
	return w.err
}

func scaled(values []float64, by float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = v * by
	}
	return out
}

// network is the round trip from an edge to the nearest region with Machines,
// in seconds.
func network(edge string, machines map[string]string) float64 {
	regions, table, nearest := region.BuiltIn(), latency.BuiltIn(), math.Inf(1)
	from, _ := regions.Lookup(region.Code(edge))
	for _, code := range machines {
		to, _ := regions.Lookup(region.Code(code))
		ms, _ := table.RTT(from, to)
		nearest = min(nearest, ms)
	}
	return nearest / 1000
}

// A writer adds series of the app shop, one value a step, and keeps the first
// error.
type writer struct {
	s     *promsim.Server
	from  time.Time
	steps int
	// restart is the step at which every proxy began again.
	restart int
	err     error
}

// counter adds a counter that grows by rps, and began again once.
func (w *writer) counter(metric string, labels map[string]string, rps []float64) {
	for _, part := range []struct {
		proxy    string
		from, to int
	}{{"blue", 0, w.restart}, {"green", w.restart + 1, w.steps}} {
		samples, sum := make([]promsim.Sample, 0, part.to-part.from+1), 0.0
		for i := part.from; i <= part.to; i++ {
			sum += rps[i] * step.Seconds()
			samples = append(samples, promsim.Sample{Time: w.from.Add(time.Duration(i) * step), Value: math.Floor(sum)})
		}
		one := w.label(labels)
		one["proxy_id"] = part.proxy
		w.err = cmp.Or(w.err, w.s.Counter(metric, one, samples))
	}
}

func (w *writer) gauge(metric string, labels map[string]string, values []float64) {
	samples := make([]promsim.Sample, len(values))
	for i, v := range values {
		samples[i] = promsim.Sample{Time: w.from.Add(time.Duration(i) * step), Value: math.Round(1000*v) / 1000}
	}
	w.err = cmp.Or(w.err, w.s.Gauge(metric, w.label(labels), samples))
}

// label adds the labels that all series have.
func (w *writer) label(labels map[string]string) map[string]string {
	l := maps.Clone(labels)
	l["app"] = "shop"
	l["host"] = strconv.FormatInt(0xa000+int64(l["region"][0])*17, 16)
	return l
}
