package action

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// questions are what the metrics are to be asked, as histories asks them: apps of
// one organization together. Of an app whose organization nobody knows nothing is
// asked, unless the address of the metrics is given: then that decides.
func (c *checkup) questions() []*measured {
	var all []*measured
	if c.cfg.MetricsToken.IsZero() {
		return nil
	}
	for _, p := range c.apps {
		q := question{cmp.Or(p.Org, p.app.Org), p.Policy.Status, p.Policy.Window}
		switch {
		case c.cfg.PrometheusURL != "":
			q.org = "" // it has no say
		case q.org == "":
			continue
		}
		i := slices.IndexFunc(all, func(m *measured) bool { return m.question == q })
		if i < 0 {
			i = len(all)
			all = append(all, &measured{question: q, address: c.metricsURL(q.org)})
		}
		p.metrics = all[i]
	}
	return all
}

// askedBy are the apps that a question is about.
func (c *checkup) askedBy(m *measured) []string {
	var names []string
	for _, p := range c.apps {
		if p.metrics == m {
			names = append(names, p.Name)
		}
	}
	return names
}

const whatMetricsToken = "`metrics-token`"

// metricLines tell about one organization's metrics.
func (c *checkup) metricLines(m *measured) report.Check {
	l := about("Metrics")
	if len(c.metrics) > 1 {
		l = about("Metrics for %s", strings.Join(c.askedBy(m), ", "))
	}
	l.ok("address", "%s", m.address)
	if m.err != nil {
		c.metricFailure(l, m)
		return l.Check
	}
	from := ""
	if c.cfg.MetricsToken.Equal(c.cfg.FlyToken) {
		from = ", `fly-api-token` itself"
	}
	l.ok(whatMetricsToken, "accepted: %s%s", schemeOf(c.cfg.MetricsToken), from)
	h := m.histories[c.askedBy(m)[0]]
	holds := plan.MetricHolds(plan.Input{History: h, Now: c.now, Policy: plan.Policy{Window: m.window}})
	held := func(what string, reason plan.HoldReason) bool {
		i := slices.IndexFunc(holds, func(h plan.Hold) bool { return h.Reason == reason })
		if i >= 0 {
			l.fail(what, holds[i].Hint, "%s: %s", report.HoldWords(reason), holds[i].Detail)
		}
		return i >= 0
	}
	if h.Newest.IsZero() {
		held("samples", plan.GappyMetrics)
		return l.Check
	}
	if !held("newest sample", plan.StaleMetrics) {
		l.ok("newest sample", "%s ago", max(0, c.now.Sub(h.Newest)).Round(time.Second))
	}
	if !held("hours with samples", plan.GappyMetrics) {
		full := 0
		for _, up := range h.OrgUp {
			if up {
				full++
			}
		}
		l.ok("hours with samples", "%d of %d, of the window of %s", full, h.Hours, config.FormatDuration(m.window))
	}
	if !held("whole answers", plan.PartialMetrics) {
		l.ok("whole answers", "no storage was missing")
	}
	for _, w := range h.Warnings {
		l.unknown("warnings", "", "%s", w)
	}
	return l.Check
}

// metricFailure tells why the metrics cannot be read. What Fly.io says of a token
// of the wrong kind speaks of the organization.
func (c *checkup) metricFailure(l *lines, m *measured) {
	var e *promapi.Error
	what := "metrics"
	if errors.As(m.err, &e) && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) {
		what = whatMetricsToken
		if c.cfg.MetricsToken.Equal(c.cfg.FlyToken) && c.ofApps() {
			org := m.org
			for _, p := range c.apps {
				org = cmp.Or(org, p.app.Org)
			}
			l.fail(what, fmt.Sprintf("metrics take a token of the organization: `fly tokens create readonly %s`, as metrics-token", cmp.Or(org, "ORG")),
				"`fly-api-token` stands for it, which is for single apps: %s", e)
			return
		}
	}
	if errors.As(m.err, &e) && e.Status == http.StatusNotFound {
		what = "`org`"
	}
	l.wrong(what, m.err, "run it again")
}

// trafficLines tell what the metrics say about one app.
func (c *checkup) trafficLines(l *lines, p *patient) {
	switch {
	case c.cfg.MetricsToken.IsZero() && c.withheld():
		return
	case c.cfg.MetricsToken.IsZero() && c.cfg.FlyToken.IsZero():
		l.unknown("traffic", "", "not asked: there is no token to ask with")
		return
	case c.cfg.MetricsToken.IsZero():
		l.fail(whatMetricsToken, "set the input metrics-token or the variable FLY_METRICS_TOKEN to what "+readonly+" prints",
			"not set, and `fly-api-token` is sent to api.fly.io and this machine only")
		return
	case p.metrics == nil:
		l.unknown("traffic", "set org, if the app's name is right", "not asked: nobody knows the app's organization")
		return
	case p.metrics.err != nil:
		l.unknown("traffic", "", "not known: the metrics cannot be read")
		return
	}
	h := p.metrics.histories[p.Name]
	if h.Newest.IsZero() {
		l.unknown("series of the app", "", "not known: there are no samples at all")
		return
	}
	if !h.Known && p.appErr != nil {
		l.unknown("series of the app", "", "the metrics have none in the window either")
		return
	}
	if !h.Known {
		l.fail("series of the app", c.otherOrg(p), "the metrics have none in the window: absent is not zero")
		return
	}
	l.ok("series of the app", "there are some")
	if p.lookErr != nil || p.appErr != nil {
		return // nobody knows what of it would count
	}
	thin := false
	for _, g := range p.outlook.Groups {
		for _, h := range g.Thin {
			thin = true
			l.fail("responses to "+g.Name, h.Hint, "%s: %s", report.HoldWords(h.Reason), h.Detail)
		}
	}
	if !thin {
		l.ok("responses", "%s in %s, at least %s are wanted", report.Amount(p.outlook.Mapped), config.FormatDuration(p.Policy.Window), report.Amount(p.Policy.MinRequests))
	}
	if len(p.outlook.Unmapped) > 0 {
		l.unknown("edge regions", "update Fly Placer, which does not know where these are",
			"%s: nobody knows where that is, so these responses do not count", list(p.outlook.Unmapped))
		return
	}
	l.ok("edge regions", "each of %d is known", edges(h.Responses))
}

func edges(responses map[region.Code][]float64) int {
	n := 0
	for _, hours := range responses {
		if slices.ContainsFunc(hours, func(v float64) bool { return v > 0 }) {
			n++
		}
	}
	return n
}

// otherOrg is what to do when an app has no series: above all where the metrics
// asked are another organization's. Whether that of a person is called personal
// or by its own slug depends on the token, so a difference alone proves nothing.
func (c *checkup) otherOrg(p *patient) string {
	asked := p.metrics.org
	if u, err := url.Parse(c.cfg.PrometheusURL); err == nil && path.Base(path.Dir(u.Path)) == "prometheus" {
		asked = path.Base(u.Path)
	}
	if p.appErr == nil && asked != "" && asked != p.app.Org {
		return fmt.Sprintf("these are the metrics of %s, and the app is of %s: correct org or prometheus-url", asked, p.app.Org)
	}
	return "check the app's name, and that somebody asked it something in the window"
}
