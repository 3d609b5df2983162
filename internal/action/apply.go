package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sethvargo/go-githubactions"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// applyDeadline ends an apply before GitHub ends its job after six hours, so
// that it stops where it does no harm. Each of its waits has a limit of its own.
const applyDeadline = 5 * time.Hour

// A job is one app's decision with what it is held against.
type job struct {
	config.AppConfig
	data   []byte // of the decision file
	prices price.Table
	decision.Decision
	app fleet.App
}

// apply makes the decisions real, one app after the other. Whatever is wrong
// with any of their files is told before anything is changed.
func (r *run) apply(ctx context.Context) int {
	if r.runner.EventName == "pull_request_target" {
		return r.fail(ctx, hint.Wrap(errors.New("apply: not on pull_request_target, which nobody has reviewed"),
			"apply on a push to the default branch"), exitUsage)
	}
	if r.cfg.ReportDir != "" { // before the work, not after it
		if err := r.writeReports(report.Report{}); err != nil {
			return r.fail(ctx, hint.Wrap(err, "report-dir must be a directory of the workspace that can be written"), exitUsage)
		}
	}
	jobs, err := r.jobs(ctx)
	if err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	fly, err := r.machines(ctx)
	if err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	rows, err := fly.Regions(ctx)
	if err != nil {
		return r.fail(ctx, err, exitFailed)
	}
	catalog := region.BuiltIn().With(rows...)
	if err := parseAll(jobs, catalog); err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	rep := report.Report{RunURL: r.runURL()}
	for _, j := range jobs {
		rep.Results = append(rep.Results, r.applyApp(ctx, fly, j, catalog))
	}
	return r.publish(ctx, rep)
}

// jobs reads the decision files and the prices.
func (r *run) jobs(ctx context.Context) ([]*job, error) {
	var jobs []*job
	var errs []error
	for _, app := range r.cfg.Apps {
		j := &job{AppConfig: app}
		var err error
		if j.data, err = r.repoFile(ctx, app.Apply.Decision); err == nil && j.data == nil {
			err = hint.Wrap(fmt.Errorf("read the decision for %s: there is no file %s", app.Name, app.Apply.Decision),
				"check out the repository before this step, or say with decision where the file is (docs/decision.md)")
		}
		errs = append(errs, err)
		j.prices, err = r.prices(ctx, app)
		errs = append(errs, err)
		jobs = append(jobs, j)
	}
	return jobs, errors.Join(errs...)
}

// parseAll reads the decisions, and returns everything that is wrong with any.
func parseAll(jobs []*job, catalog region.Catalog) error {
	var errs []error
	for _, j := range jobs {
		var err error
		j.Decision, err = decision.Parse(j.Apply.Decision, j.data, catalog)
		if err == nil && j.App != j.Name {
			err = hint.Wrap(decision.Problem{
				File: j.Apply.Decision, Line: lineOfApp(j.data), Path: "app", Text: fmt.Sprintf("it is a decision for %s, not for %s", j.App, j.Name),
			}, "name the right file, or correct app in it")
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

var appKey = regexp.MustCompile(`(?m)^["']?app["']?[ \t]*:`)

// lineOfApp is the line of a decision that names the app.
func lineOfApp(data []byte) int {
	at := appKey.FindIndex(data)
	if at == nil {
		return 1 // a mapping on one line
	}
	return 1 + bytes.Count(data[:at[0]], []byte("\n"))
}

// applyApp makes one decision real, unless something speaks against it.
func (r *run) applyApp(ctx context.Context, fly *flyapi.Client, j *job, catalog region.Catalog) report.Result {
	res := report.Result{App: j.Name, File: j.Apply.Decision, Digest: j.Sum(), DryRun: r.cfg.DryRun, Started: r.Now()}
	res.Findings = append(res.Findings, r.findings...)
	if err := j.Verify(); err != nil {
		res.Findings = append(res.Findings, plan.Finding{Level: plan.Notice, Text: err.Error(), Hint: strings.Join(hint.Of(err), "; ")})
	}
	var err error
	if j.app, err = fly.App(ctx, j.Name); err != nil {
		return r.ended(failed(res, err))
	}
	live := map[string]map[region.Code]int{}
	for _, g := range fleet.Groups(j.app, r.Now()) {
		live[g.Name] = g.Current()
	}
	for _, name := range sortedKeys(j.Groups) {
		res.Groups = append(res.Groups, report.ResultGroup{Name: name, Before: live[name], Decided: j.Groups[name].Placement, After: live[name]})
	}
	ours := apply.Unfinished(j.app)
	if refused := r.refusals(j, catalog, ours); len(refused) > 0 {
		res.Outcome, res.Reason = plan.Failed, refused[0].Text
		if res.Hints = []string{refused[0].Hint}; len(refused) > 1 {
			res.Reason, res.Hints = fmt.Sprintf("the decision breaks %d pins and limits", len(refused)), nil
			res.Findings = append(res.Findings, refused...)
		}
		return r.ended(res)
	}
	underWay := slices.Contains(slices.Collect(maps.Values(ours)), j.Sum())
	if !underWay && j.Match(live, nil).Verdict != decision.Done && j.Stale(r.Now(), time.Time{}, j.Apply.MaxPlanAge) {
		res.Outcome = report.Stale
		res.Reason = fmt.Sprintf("it was decided %s ago, and max-plan-age is %s", roughly(r.Now().Sub(j.DecidedAt)), config.FormatDuration(j.Apply.MaxPlanAge))
		res.Hints = []string{"run `fly-placer plan` and decide again; without decided_at a decision has no age"}
		return r.ended(res)
	}
	end := r.logGroup("Apply " + j.Name)
	res = r.carryOut(ctx, fly, j, res)
	end()
	return r.ended(res)
}

// roughly writes an age in whole days or hours, or as it is.
func roughly(age time.Duration) string {
	for _, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if age >= 2*unit {
			return config.FormatDuration(age.Truncate(unit))
		}
	}
	return config.FormatDuration(age.Truncate(time.Second))
}

// refusals are the pins and limits that a decision breaks, with the lines.
// Leases are none: they are waited for. Nor is what an unfinished apply did to
// the Machines that it marked: who applies finishes or undoes it.
func (r *run) refusals(j *job, catalog region.Catalog, ours map[string]string) []plan.Finding {
	var found []plan.Finding
	for _, refusal := range r.broken(j, catalog, ours) {
		line := decision.Line(j.data, refusal.Group, refusal.Region)
		found = append(found, plan.Finding{
			Level: plan.Error, Text: fmt.Sprintf("%s line %d, %s: %s", j.Apply.Decision, line, refusal.Group, refusal.Text), Hint: refusal.Hint,
		})
		if r.runner.on { // an annotation of the line; at a desk the report has it
			r.log.Log(context.Background(), slog.LevelError, r.redact(found[len(found)-1].Text),
				slog.String(keyHint, r.redact(refusal.Hint)), slog.String(keyFile, j.Apply.Decision), slog.Int(keyLine, line))
		}
	}
	return found
}

// broken are the pins and limits that a decision breaks.
func (r *run) broken(j *job, catalog region.Catalog, ours map[string]string) []plan.Refusal {
	app := j.app
	app.Machines = slices.Clone(app.Machines)
	for i, m := range app.Machines {
		if ours[m.ID] != "" {
			app.Machines[i].Cordoned, app.Machines[i].State = false, "started"
		}
		app.Machines[i].Lease = nil
	}
	targets := map[string]map[region.Code]int{}
	for name, g := range j.Groups {
		targets[name] = g.Placement
	}
	refusals := plan.Check(plan.Input{App: app, Policy: j.Policy, Catalog: catalog, Prices: j.prices, Now: r.Now()}, targets)
	return slices.DeleteFunc(refusals, func(refusal plan.Refusal) bool { return refusal.Rule == plan.RuleEgress && j.Apply.IgnoreEgress })
}

// failed is the result of an app about which something went wrong.
func failed(res report.Result, err error) report.Result {
	res.Outcome, res.Reason, res.Hints = plan.Failed, err.Error(), hint.Of(err)
	return res
}

// ended completes a result. Its texts are from elsewhere.
func (r *run) ended(res report.Result) report.Result {
	res.Ended = r.Now()
	res.Reason = r.redact(res.Reason)
	for i, s := range res.Steps {
		res.Steps[i].Result = r.redact(s.Result)
	}
	for i, c := range res.Calls {
		res.Calls[i] = r.redact(c)
	}
	return res
}

// logGroup folds the log until the function that it returns is called, where
// that is possible.
func (r *run) logGroup(title string) func() {
	if !r.runner.on {
		return func() {}
	}
	a := githubactions.New(githubactions.WithWriter(quiet{r.Stderr}))
	a.Group(title)
	return a.EndGroup
}
