package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// plan reads, computes and shows. Nothing is shown before every app is done,
// so that no part of a result is taken for the whole.
func (r *run) plan(ctx context.Context) int {
	rep, status := r.planned(ctx)
	if status != exitOK {
		return status
	}
	return r.publish(ctx, rep)
}

// planned makes the report with the plans of all apps. A status other than
// exitOK ends the run, which was told why.
func (r *run) planned(ctx context.Context) (rep report.Report, status int) {
	rep = report.Report{RunURL: r.runURL()}
	if err := r.makeReportDir(); err != nil {
		return rep, r.fail(ctx, err, exitUsage)
	}
	files, err := r.tables(ctx, r.cfg.Apps)
	if err != nil {
		return rep, r.fail(ctx, err, exitUsage)
	}
	against := r.beside(ctx)
	results, err := r.compute(ctx, r.cfg.Apps, files, against)
	if err != nil {
		return rep, r.fail(ctx, err, exitFailed)
	}
	rep.Notes = notesOf(r.Version, files)
	for _, app := range sortedKeys(against) {
		if err := against[app].err; err != nil {
			rep.Errors = append(rep.Errors, r.problems(err, app)...)
			for _, e := range each(err) {
				r.problem(slog.LevelError, e)
			}
		}
	}
	r.policyEffect(ctx, results)
	for _, res := range results {
		if res.err != nil {
			rep.Errors = append(rep.Errors, r.problems(res.err, res.name)...)
			for _, e := range each(res.err) {
				r.problem(slog.LevelError, e)
			}
			continue
		}
		res.plan.Findings = append(slices.Clone(r.findings), res.plan.Findings...)
		rep.Plans = append(rep.Plans, res.plan)
	}
	return rep, exitOK
}

// makeReportDir makes report-dir: before the work, not after it.
func (r *run) makeReportDir() error {
	if r.cfg.ReportDir == "" {
		return nil
	}
	if err := r.writeReports(report.Report{}); err != nil {
		return hint.Wrap(err, "report-dir must be a directory of the workspace that can be written")
	}
	return nil
}

// A result is one app's plan, or why there is none.
type result struct {
	name string
	plan plan.Plan
	err  error
}

// compute makes the plans of apps, in their order, with what they are held
// against, by app.
func (r *run) compute(ctx context.Context, apps []config.AppConfig, files map[string]tables, against map[string]beside) ([]result, error) {
	now := r.Now()
	facts, err := r.read(ctx, apps, now)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(apps))
	var group errgroup.Group
	group.SetLimit(appsAtOnce)
	for i, app := range apps {
		f := facts.apps[app.Name]
		results[i] = result{name: app.Name, err: f.err}
		if f.err != nil {
			continue
		}
		group.Go(func() error {
			b := against[app.Name]
			p, err := r.place(ctx, facts.fly, b.in(plan.Input{
				App: f.app, Policy: app.Policy, History: f.history, Catalog: facts.catalog,
				Latency: files[app.Name].latency, Prices: files[app.Name].prices, Now: now,
			}))
			p.Findings = append(p.Findings, b.findings...)
			if d, ok := decision.FromPlan(p); ok && err == nil {
				p.Digest = d.Digest
			}
			results[i].plan, results[i].err = p, err
			return nil // the other apps go on
		})
	}
	_ = group.Wait()
	return results, nil
}

// appsAtOnce bounds the plans in the making, which wait for the Machines API
// and need a processor and memory.
const appsAtOnce = 4

// tables are what latencies and prices an app is planned with.
type tables struct {
	latency *latency.Table
	prices  price.Table
	notes   []report.Note
}

// tables reads the user's own latencies and prices, all of them before any
// request is made, so that a typing error costs no time.
func (r *run) tables(ctx context.Context, apps []config.AppConfig) (map[string]tables, error) {
	out := map[string]tables{}
	var errs []error
	for _, app := range apps {
		t, err := r.tablesOf(ctx, app)
		errs = append(errs, err)
		out[app.Name] = t
	}
	return out, errors.Join(errs...)
}

// tablesOf reads those of one app.
func (r *run) tablesOf(ctx context.Context, app config.AppConfig) (tables, error) {
	t := tables{latency: latency.BuiltIn()}
	var errs []error
	if name := app.LatencyMatrix; name != "" {
		matrix, err := parseFile(ctx, r, name, "latency-matrix", latency.ParseMatrix)
		errs = append(errs, err)
		t.latency = t.latency.With(matrix)
		t.notes = append(t.notes, report.Note{Text: "Round trips: " + name + ", then " + builtInLatency})
	} else {
		t.notes = append(t.notes, report.Note{Text: "Round trips: " + builtInLatency})
	}
	var err error
	t.prices, err = r.prices(ctx, app)
	errs = append(errs, err)
	rates := "private"
	if app.Policy.FlatTransfer {
		rates = "public"
	}
	t.notes = append(t.notes, report.Note{Text: fmt.Sprintf(
		"Prices: %s, %s; traffic between regions at the %s rates, the higher one of the two regions'; what goes to the Internet is not counted: it is the same wherever Machines run",
		t.prices.Source, t.prices.Date, rates)})
	return t, errors.Join(errs...)
}

// prices are what an app's Machines cost.
func (r *run) prices(ctx context.Context, app config.AppConfig) (price.Table, error) {
	if app.Prices == "" {
		return price.BuiltIn(), nil
	}
	return parseFile(ctx, r, app.Prices, "prices", price.Parse)
}

const builtInLatency = "measured between cities on the public Internet in July 2020, else estimated from cable routes"

// parseFile reads a file of the repository that an option names.
func parseFile[T any](ctx context.Context, r *run, name, option string, parse func([]byte) (T, error)) (T, error) {
	var none T
	data, err := r.repoFile(ctx, name)
	switch {
	case err != nil:
		return none, fmt.Errorf("option %s: %w", option, err)
	case data == nil:
		return none, hint.Wrap(fmt.Errorf("option %s: there is no file %s", option, name), "check out the repository before this step, or correct the path")
	}
	v, err := parse(data)
	if err != nil {
		return none, fmt.Errorf("option %s: %s: %w", option, name, err)
	}
	return v, nil
}

func notesOf(version string, files map[string]tables) []report.Note {
	notes := []report.Note{{Text: "Fly Placer " + version}}
	for _, app := range sortedKeys(files) {
		for _, n := range files[app].notes {
			if !slices.Contains(notes, n) {
				notes = append(notes, n)
			}
		}
	}
	return notes
}

// facts are what the APIs said.
type facts struct {
	fly     *flyapi.Client
	catalog region.Catalog
	apps    map[string]appFacts
}

type appFacts struct {
	app     fleet.App
	history demand.History
	err     error
}

// read asks the Machines API and the metrics for everything at once: one round
// trip for the apps and regions, and one for the metrics, whose address
// follows from the app's organization.
func (r *run) read(ctx context.Context, apps []config.AppConfig, now time.Time) (facts, error) {
	fly, err := r.machines(ctx)
	if err != nil {
		return facts{}, err
	}
	out := facts{fly: fly, catalog: region.BuiltIn(), apps: map[string]appFacts{}}
	var mu sync.Mutex
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		rows, err := fly.Regions(groupCtx)
		if err != nil {
			return err
		}
		out.catalog = out.catalog.With(rows...)
		return nil
	})
	for _, app := range apps {
		group.Go(func() error {
			a, err := fly.App(groupCtx, app.Name)
			mu.Lock()
			defer mu.Unlock()
			out.apps[app.Name] = appFacts{app: a, err: err}
			return nil // the other apps go on
		})
	}
	if err := group.Wait(); err != nil {
		return out, err
	}
	r.histories(ctx, apps, out.apps, now)
	return out, nil
}

// A question is what one call to the metrics asks: apps of one organization
// with the same window and filter.
type question struct {
	org, status string
	window      time.Duration
}

// histories adds the metrics to what is known of apps. An organization's failure
// is its apps'.
func (r *run) histories(ctx context.Context, asking []config.AppConfig, apps map[string]appFacts, now time.Time) {
	asked := map[question][]string{}
	for _, app := range asking {
		f := apps[app.Name]
		if f.err != nil {
			continue
		}
		q := question{cmp.Or(app.Org, f.app.Org, "personal"), app.Policy.Status, app.Policy.Window}
		asked[q] = append(asked[q], app.Name)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	for q, names := range asked {
		group.Go(func() {
			histories, err := r.history(ctx, q, names, now)
			mu.Lock()
			defer mu.Unlock()
			for _, name := range names {
				f := apps[name]
				f.history, f.err = histories[name], err
				apps[name] = f
			}
		})
	}
	group.Wait()
}

func (r *run) history(ctx context.Context, q question, names []string, now time.Time) (map[string]demand.History, error) {
	metrics, err := r.metrics(q.org)
	if err != nil {
		return nil, err
	}
	return metrics.History(ctx, promapi.HistoryQuery{
		Apps: names, End: now, Hours: int(q.window / time.Hour), Status: q.status,
	})
}

// metrics is the client for one organization's metrics.
func (r *run) metrics(org string) (*promapi.Client, error) {
	return promapi.New(promapi.Options{
		BaseURL: r.metricsURL(org),
		Token:   r.cfg.MetricsToken.Reveal(), UserAgent: r.userAgent(), Now: r.Now,
	})
}

// metricsURL is where they are.
func (r *run) metricsURL(org string) string {
	return cmp.Or(r.cfg.PrometheusURL, "https://api.fly.io/prometheus/"+org)
}

// machines is the client for the Machines API.
func (r *run) machines(ctx context.Context) (*flyapi.Client, error) {
	return flyapi.New(ctx, flyapi.Options{
		APIURL: r.cfg.FlyAPIURL, GraphQLURL: r.cfg.FlyGraphQLURL, Token: r.cfg.FlyToken, UserAgent: r.userAgent(), Sleep: r.Sleep,
	})
}

// orgOf finds the organization whose metrics hold app.
func (r *run) orgOf(ctx context.Context, app config.AppConfig) (string, error) {
	if app.Org != "" || r.cfg.PrometheusURL != "" {
		return app.Org, nil
	}
	fly, err := r.machines(ctx)
	if err != nil {
		return "", err
	}
	org, err := fly.Org(ctx, app.Name)
	return cmp.Or(org, "personal"), err
}
