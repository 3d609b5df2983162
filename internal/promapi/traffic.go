package promapi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Horizon is how far back Fly.io keeps metrics, approximately (Fly.io's
// documentation, August 2026). Older times are not asked for.
const Horizon = 15 * 24 * time.Hour

// appWitness is how far Traffic looks back for a sign that an app exists: an
// app whose Machines stopped for the night is not a mistyped one.
const appWitness = 24 * time.Hour

// A TrafficQuery asks for the responses of one app up to End.
type TrafficQuery struct {
	App    string
	End    time.Time     // zero: now
	Window time.Duration // at least a second
	Status string        // regular expression on the response status, anchored; empty: all
}

// Absence says why there is no traffic.
type Absence string

// The reasons for an empty Traffic.
const (
	// NoRequests: the app is known, nobody asked it anything in the window.
	NoRequests Absence = "no requests"
	// NoApp: there is no series of the app in the window and the day before
	// its end, but there are others of the organization.
	NoApp Absence = "no such app"
	// NoOrg: there is no sample of the whole organization.
	NoOrg Absence = "no metrics of the organization"
)

// A Traffic is how many HTTP responses left Fly.io's edge, by edge region.
type Traffic struct {
	// Responses has the regions with more than zero: an idle region is absent
	// whether or not its series still exists.
	Responses map[region.Code]float64
	// Absent says why Responses is empty; empty when it is not.
	Absent Absence
	// Partial tells that some storage node did not answer, so that figures may
	// be too low.
	Partial bool
	// Warnings are the server's and this package's own, sorted, each once.
	Warnings []string
}

// Traffic counts the responses of one app per edge region. A window that
// begins before the Horizon is cut there, with a warning. Errors wrap an
// *Error, except for bad input.
func (c *Client) Traffic(ctx context.Context, q TrafficQuery) (Traffic, error) {
	var notes notes
	end, window, err := c.span(q.End, q.Window, &notes)
	if err := errors.Join(checkApps([]string{q.App}), checkStatus(q.Status), err); err != nil {
		return Traffic{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	ask := func(op, text string) (*answer, error) {
		return c.send(ctx, query{op: op, text: text, start: end, end: end})
	}
	a, err := ask("responses per edge region", trafficQuery(q.App, q.Status, promDuration(window)))
	if err != nil {
		return Traffic{}, err
	}
	notes.add(a)
	t := Traffic{Responses: map[region.Code]float64{}}
	for _, s := range a.series {
		if v, ok := notes.count("responses per edge region", s.samples[0].value); ok && v > 0 {
			t.Responses[region.Code(s.labels["region"])] = v
		}
	}
	if len(t.Responses) == 0 {
		var known, org *answer
		var knownErr, orgErr error
		var both sync.WaitGroup
		both.Go(func() {
			known, knownErr = ask("series of the app", knownQuery([]string{q.App}, promDuration(max(window, appWitness))))
		})
		both.Go(func() {
			org, orgErr = ask("series of the organization", orgQuery(promDuration(max(window, time.Hour))))
		})
		both.Wait()
		if err := firstOfEach(knownErr, orgErr); err != nil {
			return Traffic{}, err
		}
		notes.add(known)
		notes.add(org)
		switch {
		case len(known.series) > 0:
			t.Absent = NoRequests
		case len(org.series) > 0:
			t.Absent = NoApp
		default:
			t.Absent = NoOrg
		}
	}
	t.Partial, t.Warnings = notes.partial, notes.sorted()
	return t, nil
}

// span checks a window that ends at end (zero: now) and cuts it at the
// Horizon. Both come back in whole milliseconds.
func (c *Client) span(end time.Time, window time.Duration, notes *notes) (time.Time, time.Duration, error) {
	now := c.now()
	if end.IsZero() {
		end = now
	}
	if end.After(now) { // the caller's clock is right
		now = end
	}
	end, window = end.UTC().Truncate(time.Millisecond), window.Truncate(time.Millisecond)
	oldest := now.Add(-Horizon).UTC().Truncate(time.Millisecond)
	switch {
	case window < time.Second:
		return end, window, fmt.Errorf("query metrics: window %s is shorter than a second", window)
	case !end.Add(-time.Second).After(oldest):
		return end, window, hint.Wrap(fmt.Errorf("query metrics: %s is too long ago", end.Format(time.RFC3339)),
			"the metrics reach back %d days", int(Horizon.Hours()/24))
	}
	if end.Add(-window).Before(oldest) {
		notes.horizon()
		window = end.Sub(oldest)
	}
	return end, window, nil
}

// notes gathers what is said about the answers of one call.
type notes struct {
	partial  bool
	warnings []string
}

func (n *notes) add(a *answer) {
	n.partial = n.partial || a.partial
	n.warnings = append(n.warnings, a.warnings...)
}

func (n *notes) horizon() {
	n.warnings = append(n.warnings, fmt.Sprintf("the metrics reach back %d days; what is older was left out", int(Horizon.Hours()/24)))
}

// count takes a value that must be a count, a time or a mean of such. NaN is
// no sample (VictoriaMetrics' answer to 0/0). Infinite or negative values are
// no sample either, but with a warning: they are never right.
func (n *notes) count(op string, v float64) (float64, bool) {
	if math.IsInf(v, 0) || v < 0 {
		n.warnings = append(n.warnings, "infinite or negative values were left out ("+op+")")
		return 0, false
	}
	return v, !math.IsNaN(v)
}

func (n *notes) sorted() []string {
	out := slices.Clone(n.warnings)
	slices.Sort(out)
	return slices.Compact(out)
}

// firstOfEach joins errors in their order, but of those that say the same
// (kind and status) only the first: a dozen queries that all lack the right
// token are one mistake.
func firstOfEach(errs ...error) error {
	type class struct {
		kind   Kind
		status int
	}
	seen := map[class]bool{}
	var kept []error
	for _, err := range errs {
		if err == nil {
			continue
		}
		var e *Error
		if errors.As(err, &e) {
			k := class{e.Kind, e.Status}
			if seen[k] {
				continue
			}
			seen[k] = true
		}
		kept = append(kept, err)
	}
	return errors.Join(kept...)
}
