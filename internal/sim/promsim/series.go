package promsim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// series is one time series. Counter resets are taken out once, when samples
// are added, so that a window costs two binary searches.
type series struct {
	metric string
	key    string // labels as the text format writes them
	labels map[string]string

	times  []int64   // milliseconds, ascending
	values []float64 // as recorded
	total  []float64 // values plus what earlier resets took away
	lost   float64   // what resets took away so far
}

// append adds samples in order of time.
func (x *series) append(samples []Sample) error {
	for _, s := range samples {
		t, v := s.Time.UnixMilli(), s.Value
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("a value is not finite")
		}
		if n := len(x.times); n > 0 {
			last := x.values[n-1]
			switch {
			case t <= x.times[n-1]:
				return errors.New("samples are not in order of time")
			case v < last && (last-v)*8 < last:
				x.lost += last - v // a small step back is no restart: the counter stands still
			case v < last:
				x.lost += last
			}
		}
		x.times = append(x.times, t)
		x.values = append(x.values, v)
		x.total = append(x.total, v+x.lost)
	}
	return nil
}

// after returns the index of the first sample later than t.
func (x *series) after(t int64) int {
	i, _ := slices.BinarySearch(x.times, t+1)
	return i
}

// A span is the samples [lo, hi) of a series that a query reads.
type span struct{ lo, hi int }

// between returns the samples from from to to, both included.
func (x *series) between(from, to int64) span {
	return span{x.after(from - 1), max(x.after(to), x.after(from-1))}
}

// increase is how much the counter grew in (end-window, end], of the samples
// in read; no extrapolation. From before the window the last sample counts,
// however old. A series that begins inside the window is taken to have begun
// at 0, unless its first value is so far from the second that it must have
// been counting for long. An empty window is nothing, but 0 between two
// samples of which the earlier is at most reach before the window.
func (x *series) increase(read span, end, window, reach int64) float64 {
	i := min(max(x.after(end-window), read.lo), read.hi)
	j := min(max(x.after(end), i), read.hi)
	switch {
	case i == j:
		if i > read.lo && i < read.hi && x.times[i-1] > end-window-reach {
			return 0
		}
		return math.NaN()
	case i > read.lo:
		return x.total[j-1] - x.total[i-1]
	}
	var next float64
	if i+1 < read.hi {
		next = x.total[i+1] - x.total[i]
	}
	grown := x.total[j-1] - x.total[i]
	if math.Abs(x.values[i]) < 10*(math.Abs(next)+1) {
		grown += x.values[i]
	}
	return grown
}

// reach is how far apart two samples may be for the later to carry on the
// earlier: an eighth to four times more than the usual interval, which is the
// 0.6 quantile of the last 20. step stands in when there are no intervals.
func (x *series) reach(read span, step int64) int64 {
	interval := step
	if times := x.times[read.lo:read.hi]; len(times) >= 2 {
		times = times[max(len(times)-21, 0):]
		gaps := make([]float64, 0, 20)
		for i, t := range times[1:] {
			gaps = append(gaps, float64(t-times[i]))
		}
		slices.Sort(gaps)
		rank := 0.6 * float64(len(gaps)-1)
		low := int(rank)
		high := min(low+1, len(gaps)-1)
		if d := int64(gaps[low]*(1-(rank-float64(low))) + gaps[high]*(rank-float64(low))); d > 0 {
			interval = d
		}
	}
	for _, rule := range []struct{ upTo, quarters int64 }{{2000, 16}, {4000, 8}, {8000, 4}, {16000, 2}, {32000, 1}} {
		if interval <= rule.upTo {
			return interval + interval*rule.quarters/4
		}
	}
	return interval + interval/8
}

// renderLabels writes labels sorted, as the text format does.
func renderLabels(labels map[string]string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(labels)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `%s="%s"`, name, escape.Replace(labels[name]))
	}
	return "{" + b.String() + "}"
}
