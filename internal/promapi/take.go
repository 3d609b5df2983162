package promapi

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/region"
)

// hour returns the index of the hour that ends at t.
func (h *history) hour(t time.Time) int { return int(t.Sub(h.start())/time.Hour) - 1 }

func (h *history) takeResponses(out map[string]*demand.History, op string, a *answer) {
	for _, s := range a.series {
		d := out[string(s.labels["app"])]
		if d == nil {
			continue
		}
		code := region.Code(s.labels["region"])
		for _, p := range s.samples {
			v, ok := h.notes.count(op, p.value)
			if !ok {
				continue
			}
			if d.Responses[code] == nil {
				d.Responses[code] = make([]float64, h.hours)
			}
			d.Responses[code][h.hour(p.at)] = v
		}
	}
}

// hourlyInto files an answer by app into the hourly slice that field picks;
// hours without a sample stay NaN.
func (h *history) hourlyInto(field func(*demand.History) *[]float64) func(map[string]*demand.History, string, *answer) {
	return func(out map[string]*demand.History, op string, a *answer) {
		for _, s := range a.series {
			d := out[string(s.labels["app"])]
			if d == nil {
				continue
			}
			for _, p := range s.samples {
				v, ok := h.notes.count(op, p.value)
				if !ok {
					continue
				}
				hours := field(d)
				if *hours == nil {
					*hours = slices.Repeat([]float64{math.NaN()}, h.hours)
				}
				(*hours)[h.hour(p.at)] = v
			}
		}
	}
}

// each files an answer with one value a series, by the series' labels, where
// its app was asked for.
func (h *history) each(put func(d *demand.History, of model.Metric, v float64)) func(map[string]*demand.History, string, *answer) {
	return func(out map[string]*demand.History, op string, a *answer) {
		for _, s := range a.series {
			if d := out[string(s.labels["app"])]; d != nil {
				if v, ok := h.notes.count(op, s.samples[0].value); ok {
					put(d, s.labels, v)
				}
			}
		}
	}
}

// addMean adds to the mean of the region that a series is of.
func addMean(means map[region.Code]demand.Mean, of model.Metric, seconds, count float64) {
	code := region.Code(of["region"])
	m := means[code]
	means[code] = demand.Mean{Seconds: m.Seconds + seconds, Count: m.Count + count}
}

// takeRunning files the minutes that a Machine was up as a part of the period.
func (h *history) takeRunning(d *demand.History, of model.Metric, minutes float64) {
	d.Running[string(of["instance"])] = min(1, minutes/float64(60*h.hours))
}

func (h *history) takeOrg(out map[string]*demand.History, op string, a *answer) {
	for _, s := range a.series {
		for _, p := range s.samples {
			if v, ok := h.notes.count(op, p.value); ok && v > 0 {
				for _, d := range out {
					d.OrgUp[h.hour(p.at)] = true
				}
			}
		}
	}
}

// takeNewest gives every app the newest of all answers: what was recorded
// about one app would have been recorded about the others too.
func (h *history) takeNewest(out map[string]*demand.History, op string, a *answer) {
	for _, s := range a.series {
		v, ok := h.notes.count(op, s.samples[0].value)
		if !ok || v == 0 || v > float64(h.asked.Unix()+1) {
			continue
		}
		at := time.UnixMilli(int64(math.Round(v * 1000))).UTC()
		for _, d := range out {
			if at.After(d.Newest) {
				d.Newest = at
			}
		}
	}
}

// finish adds what follows from all answers together. Where an app was seen
// to answer requests, the organization was being recorded: Machines that stop
// when idle leave no fly_instance_up, though nothing is wrong.
func (h *history) finish(out map[string]*demand.History) {
	up := make([]bool, h.hours)
	for _, d := range out {
		for i := range up {
			up[i] = up[i] || d.OrgUp[i] || i < len(d.Served) && d.Served[i] > 0
		}
		for _, hours := range d.Responses {
			for i, v := range hours {
				up[i] = up[i] || v > 0
			}
		}
	}
	warnings := h.notes.sorted()
	for _, app := range slices.Sorted(maps.Keys(out)) {
		d := out[app]
		d.ResponseTime = finishMeans(d.EdgeTime, d.AppTime)
		d.OrgUp = slices.Clone(up)
		d.Partial = h.notes.partial
		d.Warnings = slices.Clone(warnings)
	}
}

// finishMeans drops means without a sum or a number, and returns the mean of
// all of the app's, in seconds.
func finishMeans(edge, app map[region.Code]demand.Mean) float64 {
	for _, means := range []map[region.Code]demand.Mean{edge, app} {
		maps.DeleteFunc(means, func(_ region.Code, m demand.Mean) bool { return m.Seconds == 0 || m.Count == 0 })
	}
	all := demand.Mean{}
	for _, code := range slices.Sorted(maps.Keys(app)) {
		all.Seconds += app[code].Seconds
		all.Count += app[code].Count
	}
	return all.Seconds / all.Count // 0/0 is NaN, not known
}
