package promapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

const (
	// appsPerQuery keeps a query below the 16 KB that VictoriaMetrics reads.
	appsPerQuery = 100
	// queriesAtOnce bounds the requests in flight, whatever the number of
	// apps; the queries for one app go out all together.
	queriesAtOnce = 14
	// shortestSpan is the number of hours that a query is not halved below.
	shortestSpan = 24
)

// A HistoryQuery asks for what was recorded about apps, hour by hour.
type HistoryQuery struct {
	Apps   []string
	End    time.Time // cut to the whole hour; zero: now
	Hours  int       // at least 1
	Status string    // regular expression on the response status at the edge, anchored; empty: all
}

// History reads everything that a plan needs about apps, in one sequential
// round trip: all queries go out together, one of each kind for up to 100
// apps. Every app asked for is in the result, with the empty values of
// demand.History where nothing was recorded.
//
// Hour i covers (Start + i hours, Start + (i+1) hours]. A period that begins
// before the Horizon is cut at the next whole hour, with a warning. A query
// that the server finds too large (422), or does not answer in time (503,
// timeout), is halved by app and then, where it asks hour by hour, by time.
// Every query must succeed. Errors wrap an *Error, except for bad input.
func (c *Client) History(ctx context.Context, q HistoryQuery) (map[string]demand.History, error) {
	now := c.now().UTC()
	if q.End.IsZero() {
		q.End = now
	}
	if q.End.After(now) { // the caller's clock is right
		now = q.End.UTC()
	}
	end := q.End.UTC().Truncate(time.Hour)
	err := errors.Join(checkApps(q.Apps), checkStatus(q.Status))
	oldest := now.Add(-Horizon)
	switch {
	case q.Hours < 1:
		err = errors.Join(err, fmt.Errorf("query metrics: %d hours is less than one", q.Hours))
	case end.Add(-time.Hour).Before(oldest):
		err = errors.Join(err, hint.Wrap(fmt.Errorf("query metrics: %s is too long ago", end.Format(time.RFC3339)),
			"the metrics reach back %d days", int(Horizon.Hours()/24)))
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	h := history{
		client: c, status: q.Status, asked: q.End.UTC(),
		end: end, hours: q.Hours, limit: make(chan struct{}, queriesAtOnce),
	}
	if reach := int(end.Sub(oldest) / time.Hour); h.hours > reach {
		h.hours = reach
		h.notes.horizon()
	}
	return h.read(ctx, sortedApps(q.Apps))
}

// history is one call of History under way.
type history struct {
	client *Client
	status string
	asked  time.Time // the end that was asked for, not cut to the hour
	end    time.Time
	hours  int
	limit  chan struct{}
	notes  notes
}

// start is the beginning of the first hour.
func (h *history) start() time.Time { return h.end.Add(time.Duration(-h.hours) * time.Hour) }

// A part is one kind of query and where its answer goes. take is called in
// order, never concurrently.
type part struct {
	op     string
	apps   []string // empty: of the whole organization
	hourly bool     // a range query over the hours; else one value at the end
	at     time.Time
	text   func(apps []string) string
	take   func(out map[string]*demand.History, op string, a *answer)
}

// parts lists the queries for apps.
func (h *history) parts(apps []string) []part {
	whole := promDuration(time.Duration(h.hours) * time.Hour)
	responses := func(apps []string) string { return responsesQuery(apps, h.status) }
	mean := func(apps []string) string { return concurrencyQuery("avg", apps) }
	highest := func(apps []string) string { return concurrencyQuery("max", apps) }
	servedBy := func(apps []string) string { return servedByQuery(apps, whole) }
	byRegion := func(metric string) func([]string) string {
		return func(apps []string) string { return regionQuery(metric, apps, whole) }
	}
	running := func(apps []string) string { return runningQuery(apps, whole) }
	known := func(apps []string) string { return knownQuery(apps, whole) }
	newest := func(apps []string) string {
		return newestQuery(apps, promDuration(h.asked.Sub(h.start()).Truncate(time.Millisecond)))
	}
	return []part{
		{op: "responses per edge region", apps: apps, hourly: true, text: responses, take: h.takeResponses},
		{op: "responses of Machines", apps: apps, hourly: true, text: servedQuery, take: h.hourlyInto(func(d *demand.History) *[]float64 { return &d.Served })},
		{op: "mean concurrency", apps: apps, hourly: true, text: mean, take: h.hourlyInto(func(d *demand.History) *[]float64 { return &d.ConcurrencyMean })},
		{op: "highest concurrency", apps: apps, hourly: true, text: highest, take: h.hourlyInto(func(d *demand.History) *[]float64 { return &d.ConcurrencyMax })},
		{op: "responses by Machine", apps: apps, at: h.end, text: servedBy, take: h.each(func(d *demand.History, of model.Metric, v float64) { d.ServedBy[string(of["instance"])] = v })},
		{op: "bytes per edge region", apps: apps, at: h.end, text: byRegion(edgeBytes), take: h.each(func(d *demand.History, of model.Metric, v float64) { d.EdgeBytes[region.Code(of["region"])] = v })},
		{op: "response time at the edge", apps: apps, at: h.end, text: byRegion(edgeTime + "_sum"), take: h.each(func(d *demand.History, of model.Metric, v float64) { addMean(d.EdgeTime, of, v, 0) })},
		{op: "responses timed at the edge", apps: apps, at: h.end, text: byRegion(edgeTime + "_count"), take: h.each(func(d *demand.History, of model.Metric, v float64) { addMean(d.EdgeTime, of, 0, v) })},
		{op: "response time of Machines", apps: apps, at: h.end, text: byRegion(appTime + "_sum"), take: h.each(func(d *demand.History, of model.Metric, v float64) { addMean(d.AppTime, of, v, 0) })},
		{op: "responses timed at Machines", apps: apps, at: h.end, text: byRegion(appTime + "_count"), take: h.each(func(d *demand.History, of model.Metric, v float64) { addMean(d.AppTime, of, 0, v) })},
		{op: "Machines that ran", apps: apps, at: h.end, text: running, take: h.each(h.takeRunning)},
		{op: "series of the app", apps: apps, at: h.end, text: known, take: h.each(func(d *demand.History, _ model.Metric, v float64) { d.Known = v > 0 })},
		{op: "newest sample", apps: apps, at: h.asked, text: newest, take: h.takeNewest},
	}
}

// orgPart is the query that is the same for every app.
func (h *history) orgPart() part {
	hourly := func([]string) string { return orgQuery("1h") }
	return part{op: "series of the organization", hourly: true, text: hourly, take: h.takeOrg}
}

// read sends all queries together and files the answers in the order of the
// queries, so that the result does not depend on which came first.
func (h *history) read(ctx context.Context, apps []string) (map[string]demand.History, error) {
	parts := []part{h.orgPart()}
	for chunk := range slices.Chunk(apps, appsPerQuery) {
		parts = append(parts, h.parts(chunk)...)
	}
	answers := make([][]*answer, len(parts))
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() {
			h.limit <- struct{}{}
			defer func() { <-h.limit }()
			answers[i], errs[i] = h.ask(ctx, p, h.start(), h.end)
		})
	}
	all.Wait()
	if err := firstOfEach(errs...); err != nil {
		return nil, err
	}
	out := make(map[string]*demand.History, len(apps))
	for _, app := range apps {
		out[app] = &demand.History{
			Start: h.start(), Hours: h.hours, Filtered: h.status != "",
			Responses: map[region.Code][]float64{}, ServedBy: map[string]float64{}, OrgUp: make([]bool, h.hours),
			EdgeBytes: map[region.Code]float64{}, EdgeTime: map[region.Code]demand.Mean{}, AppTime: map[region.Code]demand.Mean{},
			Running: map[string]float64{},
		}
	}
	for i, p := range parts {
		for _, a := range answers[i] {
			h.notes.add(a)
			p.take(out, p.op, a)
		}
	}
	h.finish(out)
	result := make(map[string]demand.History, len(out))
	for app, d := range out {
		result[app] = *d
	}
	return result, nil
}

// ask sends one query for the hours in (from, to], in halves where the server
// finds it too large. It stops at the first half that fails.
func (h *history) ask(ctx context.Context, p part, from, to time.Time) ([]*answer, error) {
	q := query{op: p.op, text: p.text(p.apps), start: p.at, end: p.at}
	if p.hourly {
		q.start, q.end, q.step = from.Add(time.Hour), to, time.Hour
	}
	a, err := h.client.send(ctx, q)
	if err == nil {
		return []*answer{a}, nil
	}
	var cause *Error
	if !errors.As(err, &cause) || !tooLarge(cause) || ctx.Err() != nil {
		return nil, err
	}
	hours := int(to.Sub(from) / time.Hour)
	left, right, mid, next := p, p, to, from
	switch {
	case len(p.apps) > 1:
		half := len(p.apps) / 2
		left.apps, right.apps = p.apps[:half], p.apps[half:]
	case p.hourly && hours > shortestSpan:
		mid = from.Add(time.Duration(hours/2) * time.Hour)
		next = mid
	default:
		return nil, err
	}
	first, err := h.ask(ctx, left, from, mid)
	if err != nil {
		return nil, err
	}
	second, err := h.ask(ctx, right, next, to)
	return append(first, second...), err
}

// tooLarge tells whether the same question in smaller portions may be
// answered.
func tooLarge(e *Error) bool {
	return e.Kind == Rejected || e.Kind == Timeout || e.Kind == TooLarge || e.Status == 503
}
