package promsim

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// silence is how much earlier than its first window a query reads, so that
// the last sample before the window is found.
const silence = int64(5 * time.Minute / time.Millisecond)

// A horizon is what the server holds: nothing older, nothing newer.
type horizon struct{ from, to int64 }

// A row is one series of a result; NaN is no sample.
type row struct {
	labels map[string]string
	values []float64
}

// eval answers q at the times of g.
func (s *Server) eval(q parsed, g grid, seen horizon) []row {
	var rows []row
	switch q.kind {
	case MeanLoad, MaxLoad, Running:
		rows = s.load(q, g, seen)
	case KnownApp, Org:
		rows = s.group(q, seen, func(x *series, seen horizon) []float64 {
			return overTimes(g, func(t int64) float64 {
				if read := x.between(max(t-q.window+1, seen.from), min(t, seen.to)); read.lo < read.hi {
					return 1
				}
				return math.NaN()
			})
		}, add)
	case Newest:
		rows = regroup(append(s.newest(q, g, seen), s.newest(*q.with, g, seen)...), nil, math.Max)
	default:
		rows = s.increases(q, g, seen)
	}
	rows = slices.DeleteFunc(rows, func(r row) bool {
		return !slices.ContainsFunc(r.values, func(v float64) bool { return !math.IsNaN(v) })
	})
	return rows
}

func add(a, b float64) float64 { return a + b }

// overTimes evaluates f at the times of g.
func overTimes(g grid, f func(t int64) float64) []float64 {
	out := make([]float64, g.points())
	for i := range out {
		out[i] = f(g.at(i))
	}
	return out
}

// newest is max(tlast_over_time(…)).
func (s *Server) newest(q parsed, g grid, seen horizon) []row {
	return s.group(q, seen, func(x *series, seen horizon) []float64 {
		return overTimes(g, func(t int64) float64 {
			if read := x.between(max(t-q.window+1, seen.from), min(t, seen.to)); read.lo < read.hi {
				return float64(x.times[read.hi-1]) / 1000
			}
			return math.NaN()
		})
	}, math.Max)
}

// increases is sum by (…) (increase(…)).
func (s *Server) increases(q parsed, g grid, seen horizon) []row {
	return s.group(q, seen, func(x *series, seen horizon) []float64 {
		read := x.between(max(g.start-silence-max(q.window, g.step), seen.from), min(g.end, seen.to))
		if read.lo == read.hi {
			return nil
		}
		reach := g.step
		if !g.instant && g.start < g.end {
			reach = x.reach(read, g.step)
		}
		return overTimes(g, func(t int64) float64 { return x.increase(read, t, q.window, reach) })
	}, add)
}

// load is avg_over_time or max_over_time of sum by (app) (max by (app,
// instance) (gauge)) over a subquery, or sum_over_time of the maximum alone. A
// sample of the gauge holds for a step of the subquery, or for the reach of
// its series when that is longer.
func (s *Server) load(q parsed, g grid, seen horizon) []row {
	inner := grid{start: g.start - q.window - q.step - silence, end: g.end + q.step, step: q.step}
	inner.start -= inner.start % inner.step
	if rest := inner.end % inner.step; rest > 0 {
		inner.end += inner.step - rest
	}
	byMachine := q
	byMachine.by = []string{"app", "instance"}
	machines := s.group(byMachine, seen, func(x *series, seen horizon) []float64 {
		read := x.between(max(inner.start-silence-inner.step, seen.from), min(inner.end, seen.to))
		if read.lo == read.hi {
			return nil
		}
		hold := max(q.step, x.reach(read, inner.step))
		next := read.lo
		return overTimes(inner, func(t int64) float64 {
			for next < read.hi && x.times[next] <= t {
				next++
			}
			if next == read.lo || x.times[next-1] <= t-hold {
				return math.NaN()
			}
			return x.values[next-1]
		})
	}, math.Max)
	rows := regroup(machines, q.by, add)
	for i, r := range rows {
		rows[i].values = overTimes(g, func(t int64) float64 {
			return fold(q.kind, r.values, inner, t-q.window, t)
		})
	}
	return rows
}

// fold takes the mean, the maximum or the sum of the values in (from, to].
func fold(kind Kind, values []float64, g grid, from, to int64) float64 {
	sum, largest, n := 0.0, math.Inf(-1), 0
	first := int((from-g.start)/g.step) + 1
	for i := max(first, 0); i < len(values) && g.at(i) <= to; i++ {
		if v := values[i]; !math.IsNaN(v) {
			sum, largest, n = sum+v, max(largest, v), n+1
		}
	}
	switch {
	case n == 0:
		return math.NaN()
	case kind == MeanLoad:
		return sum / float64(n)
	case kind == Running:
		return sum
	}
	return largest
}

// group evaluates each series that q selects and joins those that agree in
// q.by; series that are silent throughout (nil) are left out.
func (s *Server) group(q parsed, seen horizon, value func(*series, horizon) []float64, join func(a, b float64) float64) []row {
	names := []string{q.metric}
	if q.metric == "" {
		names = slices.Sorted(maps.Keys(s.metrics))
	}
	var rows []row
	for _, name := range names {
		for _, x := range s.metrics[name] {
			if slices.ContainsFunc(q.match, func(m matcher) bool { return !m.matches(name, x.labels) }) {
				continue
			}
			if values := value(x, seen); values != nil {
				rows = append(rows, row{x.labels, values})
			}
		}
	}
	return regroup(rows, q.by, join)
}

// regroup joins the rows that agree in the labels by; a NaN on one side
// leaves the other.
func regroup(rows []row, by []string, join func(a, b float64) float64) []row {
	groups := map[string]row{}
	for _, r := range rows {
		labels := map[string]string{}
		for _, name := range by {
			if v := r.labels[name]; v != "" {
				labels[name] = v
			}
		}
		key := renderLabels(labels)
		sum, found := groups[key]
		if !found {
			groups[key] = row{labels, slices.Clone(r.values)}
			continue
		}
		for i, v := range r.values {
			switch {
			case math.IsNaN(sum.values[i]):
				sum.values[i] = v
			case !math.IsNaN(v):
				sum.values[i] = join(sum.values[i], v)
			}
		}
	}
	out := make([]row, 0, len(groups))
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[key])
	}
	return out
}

// encode writes rows as a vector or a matrix; samples that are not there are
// left out.
func encode(rows []row, g grid) []byte {
	var b strings.Builder
	kind, open := "matrix", `,"values":[`
	if g.instant {
		kind, open = "vector", `,"value":`
	}
	b.WriteString(`{"status":"success","isPartial":false,"data":{"resultType":"` + kind + `","result":[`)
	for i, r := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"metric":`)
		b.Write(quoteLabels(r.labels))
		b.WriteString(open)
		n := 0
		for j, v := range r.values {
			if math.IsNaN(v) && !g.instant {
				continue
			}
			if n++; n > 1 {
				b.WriteByte(',')
			}
			b.WriteString("[" + seconds(g.at(j)) + `,"` + number(v) + `"]`)
		}
		if !g.instant {
			b.WriteByte(']')
		}
		b.WriteByte('}')
	}
	b.WriteString(`]},"stats":{"seriesFetched":"` + strconv.Itoa(len(rows)) + `","executionTimeMsec":1}}`)
	return []byte(b.String())
}

func seconds(millis int64) string { return strconv.FormatFloat(float64(millis)/1000, 'f', -1, 64) }

func number(v float64) string {
	if math.IsInf(v, 0) {
		return strings.Replace(strconv.FormatFloat(v, 'f', -1, 64), "inf", "Inf", 1)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
