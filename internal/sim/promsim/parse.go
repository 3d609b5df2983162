package promsim

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Kind names what a query is for; Faults and Requests speak of it.
type Kind string

// The kinds of queries, by their shape.
const (
	Traffic     Kind = "traffic"                // responses by region
	Responses   Kind = "responses"              // responses by app and region
	EdgeBytes   Kind = "edge bytes"             // fly_edge_data_out by app and region
	EdgeSeconds Kind = "edge seconds"           // sum of the edge's response times, likewise
	EdgeTimed   Kind = "responses timed (edge)" // count of them
	AppSeconds  Kind = "app seconds"            // sum of the Machines' response times
	AppTimed    Kind = "responses timed (app)"  // count of them
	Served      Kind = "served"                 // responses by app
	ServedBy    Kind = "served by"              // responses by app and Machine
	MeanLoad    Kind = "mean concurrency"       // avg_over_time of a subquery
	MaxLoad     Kind = "max concurrency"        // max_over_time of a subquery
	Running     Kind = "running"                // sum_over_time of a subquery, by Machine
	KnownApp    Kind = "known app"              // series of apps
	Org         Kind = "organization"           // series of the organization
	Newest      Kind = "newest sample"          // time of the newest sample
)

// parsed is a query of a known shape.
type parsed struct {
	kind   Kind
	by     []string // labels that the result is grouped by
	metric string   // empty: the selector names it
	match  []matcher
	window int64 // milliseconds
	step   int64 // of a subquery

	with *parsed // second argument of a maximum
}

// A matcher compares one label with a text or a regular expression.
type matcher struct {
	label string
	text  string
	re    *regexp.Regexp
}

func (m matcher) matches(metric string, labels map[string]string) bool {
	value := labels[m.label]
	if m.label == "__name__" {
		value = metric
	}
	if m.re != nil {
		return m.re.MatchString(value)
	}
	return value == m.text
}

const (
	reMetric   = `([a-z_]+)`
	reSelector = `\{((?:[^"{}]|"(?:[^"\\]|\\.)*")*)\}`
	reDuration = `([0-9]+(?:ms|s|m|h|d))`
	reIncrease = `sum by \(([a-z_, ]+)\) \(increase\(` + reMetric + reSelector + `\[` + reDuration + `\]\)\)`
)

var (
	shapeIncrease = regexp.MustCompile(`^` + reIncrease + `$`)
	shapeLoad     = regexp.MustCompile(`^(avg|max)_over_time\(sum by \(app\) \(max by \(app, instance\) \(` + reMetric + reSelector + `\)\)\[` + reDuration + `:` + reDuration + `\]\)$`)
	shapeRunning  = regexp.MustCompile(`^sum_over_time\(max by \(app, instance\) \(` + reMetric + reSelector + `\)\[` + reDuration + `:` + reDuration + `\]\)$`)
	shapeKnown    = regexp.MustCompile(`^count by \(app\) \(last_over_time\(` + reSelector + `\[` + reDuration + `\]\)\)$`)
	shapeOrg      = regexp.MustCompile(`^count\(last_over_time\(` + reMetric + `\[` + reDuration + `\]\)\)$`)
	shapeNewest   = regexp.MustCompile(`^max\(tlast_over_time\(` + reMetric + `\[` + reDuration + `\]\), tlast_over_time\(` + reSelector + `\[` + reDuration + `\]\)\)$`)
	shapeMatcher  = regexp.MustCompile(`^\s*([a-z_]+)(=~|=)("(?:[^"\\]|\\.)*")\s*(?:,|$)`)
)

// kindOf tells increases apart by the labels that they are grouped by, and
// kindOfRegions those by app and region by their metric.
var (
	kindOf        = map[string]Kind{"region": Traffic, "app": Served, "app, instance": ServedBy}
	kindOfRegions = map[string]Kind{
		"fly_edge_http_responses_count": Responses, "fly_edge_data_out": EdgeBytes,
		"fly_edge_http_response_time_seconds_sum": EdgeSeconds, "fly_edge_http_response_time_seconds_count": EdgeTimed,
		"fly_app_http_response_time_seconds_sum": AppSeconds, "fly_app_http_response_time_seconds_count": AppTimed,
	}
)

// parseQuery recognizes a query.
func parseQuery(text string) (parsed, error) {
	var q parsed
	var selector, window, step string
	if m := shapeIncrease.FindStringSubmatch(text); m != nil {
		q.kind, q.by, q.metric, selector, window = kindOf[m[1]], strings.Split(m[1], ", "), m[2], m[3], m[4]
		if m[1] == "app, region" {
			q.kind = kindOfRegions[q.metric]
		}
	} else if m := shapeLoad.FindStringSubmatch(text); m != nil {
		q.kind = map[string]Kind{"avg": MeanLoad, "max": MaxLoad}[m[1]]
		q.by, q.metric, selector, window, step = []string{"app"}, m[2], m[3], m[4], m[5]
	} else if m := shapeRunning.FindStringSubmatch(text); m != nil {
		q.kind, q.by, q.metric, selector, window, step = Running, []string{"app", "instance"}, m[1], m[2], m[3], m[4]
	} else if m := shapeKnown.FindStringSubmatch(text); m != nil {
		q.kind, q.by, selector, window = KnownApp, []string{"app"}, m[1], m[2]
	} else if m := shapeOrg.FindStringSubmatch(text); m != nil {
		q.kind, q.metric, window = Org, m[1], m[2]
	} else if m := shapeNewest.FindStringSubmatch(text); m != nil {
		apps, err := parseSelector(m[3])
		if err != nil {
			return parsed{}, fmt.Errorf("cannot parse query %q: %w", text, err)
		}
		q.kind, q.metric, window = Newest, m[1], m[2]
		q.with = &parsed{kind: Newest, match: apps, window: duration(m[4])}
	}
	if q.kind == "" {
		return parsed{}, fmt.Errorf("cannot parse query %q: the simulator does not know its shape", text)
	}
	var err error
	if q.match, err = parseSelector(selector); err != nil {
		return parsed{}, fmt.Errorf("cannot parse query %q: %w", text, err)
	}
	q.window, q.step = duration(window), duration(step)
	return q, nil
}

// parseSelector reads label="text" and label=~"expression", separated by
// commas.
func parseSelector(text string) ([]matcher, error) {
	var out []matcher
	for text != "" {
		m := shapeMatcher.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("cannot parse label filter at %q", text)
		}
		value, err := strconv.Unquote(m[3])
		if err != nil {
			return nil, fmt.Errorf("cannot unquote %s: %w", m[3], err)
		}
		match := matcher{label: m[1], text: value}
		if m[2] == "=~" {
			if match.re, err = regexp.Compile("^(?:" + value + ")$"); err != nil {
				return nil, fmt.Errorf("cannot parse regexp %q: %w", value, err)
			}
		}
		out = append(out, match)
		text = text[len(m[0]):]
	}
	return out, nil
}

// duration reads the durations that the shapes admit, in milliseconds.
func duration(text string) int64 {
	text = strings.TrimSpace(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, _ := strconv.ParseInt(days, 10, 64)
		return n * 24 * time.Hour.Milliseconds()
	}
	d, _ := time.ParseDuration(text)
	return d.Milliseconds()
}

// A grid is the times that a query is evaluated at, in milliseconds.
type grid struct {
	start, end, step int64
	instant          bool
}

// parseGrid reads the times of a request. VictoriaMetrics takes the step of
// an instant query, five minutes, as the reach of a sample.
func parseGrid(form url.Values, instant bool, now time.Time) (grid, error) {
	millis := func(name string, otherwise float64) int64 {
		seconds, err := strconv.ParseFloat(form.Get(name), 64)
		if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
			seconds = otherwise
		}
		return int64(math.Round(seconds * 1000))
	}
	if instant {
		at := millis("time", float64(now.UnixMilli())/1000)
		return grid{at, at, (5 * time.Minute).Milliseconds(), true}, nil
	}
	g := grid{millis("start", math.NaN()), millis("end", math.NaN()), millis("step", math.NaN()), false}
	switch {
	case form.Get("start") == "" || form.Get("end") == "" || g.step <= 0:
		return g, errors.New("missing start, end or step")
	case g.end < g.start:
		return g, errors.New("end is before start")
	case (g.end-g.start)/g.step >= 30000:
		return g, errors.New("too many points for the given start, end and step; mustn't exceed 30000 (see -search.maxPointsPerTimeseries command-line flag)")
	}
	return g, nil
}

// points is how many times the grid has.
func (g grid) points() int { return int((g.end-g.start)/g.step) + 1 }

// at returns the i-th time.
func (g grid) at(i int) int64 { return g.start + int64(i)*g.step }
