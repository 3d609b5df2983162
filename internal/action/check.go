package action

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// checkTime bounds all that check asks: whoever runs it waits for it.
const checkTime = 45 * time.Second

// A checkup is one run of the command check: what it was told by others.
type checkup struct {
	*run
	now     time.Time
	catalog region.Catalog

	fly        *flyapi.Client // nil: flyErr says why
	flyErr     error
	scopes     []flyapi.TokenScope
	scopesErr  error
	regionsErr error

	apps    []*patient
	metrics []*measured
}

// A patient is an app that is looked at.
type patient struct {
	config.AppConfig
	app       fleet.App
	appErr    error // also when nobody asked
	tables    tables
	tablesErr error
	metrics   *measured // nil when nobody knows whose to ask
	outlook   plan.Outlook
	lookErr   error
	roomErr   error
	decision  []byte // nil: there is none
	readErr   error
}

// measured is what the metrics said to one question.
type measured struct {
	question
	address   string
	histories map[string]demand.History
	err       error
}

// check tries what the other commands need, and shows it a line each. It goes on
// after a failure, changes nothing, and writes only the reports.
func (r *run) check(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	c := &checkup{run: r, now: r.Now(), catalog: region.BuiltIn()}
	for _, app := range r.cfg.Apps {
		c.apps = append(c.apps, &patient{AppConfig: app})
	}
	var github []report.Check
	var all sync.WaitGroup
	all.Go(func() { github = c.github(ctx) })
	all.Go(func() { c.ask(ctx) })
	all.Wait()
	checks := []report.Check{c.policyLines(), c.flyLines()}
	for _, m := range c.metrics {
		checks = append(checks, c.metricLines(m))
	}
	for _, p := range c.apps {
		checks = append(checks, c.appLines(p))
	}
	checks = slices.Concat(checks, github, c.runnerLines())
	return r.publishCheck(r.redactedChecks(checks))
}

// ask asks Fly.io and the metrics, in two or three round trips: the apps tell
// which metrics are theirs, and who is asked for room.
func (c *checkup) ask(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range c.apps {
		all.Go(func() {
			p.decision, p.readErr = c.repoFile(ctx, p.Apply.Decision)
			p.tables, p.tablesErr = c.tablesOf(ctx, p.AppConfig)
		})
	}
	c.askFly(ctx, &all)
	all.Wait()
	for _, p := range c.apps {
		if p.appErr == nil {
			p.outlook, p.lookErr = plan.Look(c.input(p))
			all.Go(func() { p.roomErr = c.askRoom(ctx, p) })
		}
	}
	c.metrics = c.questions()
	for _, m := range c.metrics {
		all.Go(func() { m.histories, m.err = c.history(ctx, m.question, c.askedBy(m), c.now) })
	}
	all.Wait()
	for _, p := range c.apps {
		if p.appErr == nil && p.metrics != nil && p.metrics.err == nil {
			p.outlook, p.lookErr = plan.Look(c.input(p)) // with the traffic now
		}
	}
}

// input is what a plan of the app would be made from.
func (c *checkup) input(p *patient) plan.Input {
	in := plan.Input{App: p.app, Policy: p.Policy, Catalog: c.catalog, Latency: p.tables.latency, Prices: p.tables.prices, Unfinished: sortedKeys(apply.Unfinished(p.app)), Now: c.now}
	if p.tablesErr != nil {
		in.Latency, in.Prices = latency.BuiltIn(), price.BuiltIn()
	}
	if p.metrics != nil {
		in.History = p.metrics.histories[p.Name]
	}
	return in
}

// applies and proposes tell what the workflow is going to do.
func (c *checkup) applies() bool {
	return c.cfg.Apply == config.OnMerge || c.cfg.Apply == config.Always
}
func (c *checkup) proposes() bool { return c.cfg.Propose }

// withheld tells that this run gets no secrets, whatever is stored.
func (c *checkup) withheld() bool { return c.runner.untrusted() && c.cfg.FlyToken.IsZero() }

// lines collects what was tried about one subject.
type lines struct{ report.Check }

func about(format string, args ...any) *lines {
	return &lines{report.Check{About: fmt.Sprintf(format, args...)}}
}

func (l *lines) add(s report.CheckStatus, what, fix, found string) {
	l.Lines = append(l.Lines, report.CheckLine{Status: s, What: what, Found: found, Fix: fix})
}

func (l *lines) ok(what, format string, args ...any) {
	l.add(report.CheckOK, what, "", fmt.Sprintf(format, args...))
}

func (l *lines) fail(what, fix, format string, args ...any) {
	l.add(report.CheckFailed, what, fix, fmt.Sprintf(format, args...))
}

// unknown adds what cannot be told from here; fix may be empty.
func (l *lines) unknown(what, fix, format string, args ...any) {
	l.add(report.CheckUnknown, what, fix, fmt.Sprintf(format, args...))
}

// wrong adds a line for each part of an error; fix is for those without a next
// step of their own.
func (l *lines) wrong(what string, err error, fix string) {
	for _, e := range each(err) {
		next := strings.Join(hint.Of(e), "; ")
		if next == "" {
			next = fix
		}
		l.add(report.CheckFailed, what, next, e.Error())
	}
}

// redactedChecks are the lines without what others could have put into them.
func (r *run) redactedChecks(checks []report.Check) []report.Check {
	var out []report.Check
	for _, c := range checks {
		if len(c.Lines) == 0 {
			continue
		}
		c.About = r.redact(c.About)
		for i, l := range c.Lines {
			c.Lines[i].What, c.Lines[i].Found, c.Lines[i].Fix = r.redact(l.What), r.redact(l.Found), r.redact(l.Fix)
		}
		out = append(out, c)
	}
	return out
}

// publishCheck shows the lines everywhere they belong and returns the exit
// status. There is no word for an outcome that is neither a plan's nor a
// decision's: it is "failed", or none at all.
func (r *run) publishCheck(checks []report.Check) int {
	rep := report.Report{Checks: checks, RunURL: r.runURL()}
	failed := report.CountChecks(checks, report.CheckFailed) > 0
	if r.runner.on {
		for _, c := range checks {
			for _, l := range c.Lines {
				if l.Status == report.CheckFailed {
					r.tell(slog.LevelError, c.About+", "+l.What+": "+l.Found, l.Fix)
				}
			}
		}
	}
	// A line says whether these can be written; an error comes as a surprise.
	errs := []error{r.runner.addSummary(report.Markdown(rep))}
	if failed {
		errs = append(errs, r.runner.setOutputs(map[string]string{"outcome": string(plan.Failed)}))
	}
	if r.cfg.ReportDir != "" {
		errs = append(errs, r.writeReports(rep))
	}
	err := r.print(rep)
	if !failed {
		err = errors.Join(append(errs, err)...)
	}
	if err != nil {
		r.problem(slog.LevelError, err)
		failed = true
	}
	if failed {
		return exitFailed
	}
	return exitOK
}

var errNotAsked = errors.New("not asked")
