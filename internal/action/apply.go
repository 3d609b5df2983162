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
	"github.com/fly-placer/fly-placer/internal/ghapi"
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
	from   string // where the decision is written, in words
	data   []byte // of the decision file, also where something else decides; nil when there is none
	prices price.Table
	decision.Decision
	// Of a push: the file before it, and what that decided.
	pushed   bool
	before   []byte
	previous *decision.Decision
	// pulls are the pull requests that brought it, the last one first.
	pulls    []ghapi.Pull
	app      fleet.App
	findings []plan.Finding
	// idle: nothing is decided about the app; there is only a look at it.
	idle bool
	// again: the decision is taken only if a plan made now agrees.
	again bool
}

// apply makes decisions real, one app after the other: those that a push to the
// default branch brings, else those of the files. Whatever is wrong with any of
// the files is told before anything is changed.
func (r *run) apply(ctx context.Context) int {
	if r.runner.EventName == "pull_request_target" || r.runner.pullEvent() && !r.cfg.DryRun {
		return r.fail(ctx, hint.Wrap(fmt.Errorf("apply: not on %s, whose head nobody has merged", r.runner.EventName),
			"apply on a push to the default branch; with dry-run the calls are shown on pull_request, too"), exitUsage)
	}
	if err := errors.Join(r.makeReportDir(), r.policyKnown()); err != nil {
		return r.fail(ctx, err, exitOf(err))
	}
	var m merge
	var err error
	if r.runner.pushesDefault() {
		if m, err = r.merged(ctx); err != nil {
			return r.fail(ctx, err, exitFailed)
		}
		if err = r.goByNewest(ctx, m.head); err != nil {
			return r.fail(ctx, err, exitOf(err))
		}
	}
	jobs, err := r.jobs(ctx)
	if err != nil {
		return r.fail(ctx, err, exitOf(err))
	}
	for _, j := range jobs {
		if j.idle {
			continue
		}
		if err := r.brought(ctx, m, j); err != nil {
			return r.fail(ctx, err, exitFailed)
		}
	}
	return r.work(ctx, jobs, m, report.Report{RunURL: r.runURL()})
}

// work makes the decisions of jobs real and publishes what became of them, with
// the plans that rep has already.
func (r *run) work(ctx context.Context, jobs []*job, m merge, rep report.Report) int {
	fly, err := r.machines(ctx)
	if err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	rows, err := fly.Regions(ctx)
	if err != nil && decides(m, jobs) {
		return r.failTo(ctx, err, exitFailed, r.back(m, bringing(jobs)))
	}
	catalog := region.BuiltIn().With(rows...)
	var errs []error
	for _, j := range jobs {
		errs = append(errs, j.read(catalog))
	}
	if err := errors.Join(errs...); err != nil {
		return r.failTo(ctx, err, exitUsage, r.back(m, bringing(jobs)))
	}
	if err := r.fromComments(ctx, m, jobs); err != nil {
		return r.failTo(ctx, err, exitFailed, r.back(m, m.pulls))
	}
	for _, j := range jobs {
		rep.Results = append(rep.Results, r.applyApp(ctx, fly, j, m, catalog))
	}
	return r.publishTo(ctx, rep, r.back(m, bringing(jobs)))
}

// inFile tells whether a file of the repository decides.
func (j *job) inFile() bool { return j.data != nil && !j.again }

// decides tells whether there may be something to apply.
func decides(m merge, jobs []*job) bool {
	return slices.ContainsFunc(jobs, func(j *job) bool { return !j.idle }) || slices.ContainsFunc(m.pulls, carries)
}

// jobs reads the decision files and the prices. Those of a push are as GitHub has
// them, before it and after: what a checkout lacks was not deleted by it, and what
// earlier steps wrote was not merged.
func (r *run) jobs(ctx context.Context) ([]*job, error) {
	var jobs []*job
	var errs []error
	for _, app := range r.cfg.Apps {
		j := &job{AppConfig: app, from: app.Apply.Decision, pushed: r.runner.pushesDefault()}
		var err, errBefore, errPrices error
		if j.pushed {
			j.data, err = r.fileAt(ctx, app.Apply.Decision, r.runner.event.After)
			j.before, errBefore = r.fileAt(ctx, app.Apply.Decision, r.runner.event.Before)
			j.idle = bytes.Equal(j.before, j.data)
		} else if j.data, err = r.repoFile(ctx, app.Apply.Decision); err == nil && j.data == nil {
			err = hint.Wrap(fmt.Errorf("read the decision for %s: there is no file %s", app.Name, app.Apply.Decision),
				"check out the repository before this step, or say with decision where the file is; Fly Placer's docs/decision.md says what it looks like")
		}
		j.prices, errPrices = r.prices(ctx, app)
		errs = append(errs, err, errBefore, errPrices)
		jobs = append(jobs, j)
	}
	return jobs, errors.Join(errs...)
}

// read makes out what is decided. A push that deletes a decision decides for
// what that assumed; one that does not touch it decides nothing, and is not to
// blame for what is wrong with it.
func (j *job) read(catalog region.Catalog) error {
	if j.Version != 0 {
		return nil // it was no file
	}
	if j.before != nil {
		if d, err := decision.Parse(j.Apply.Decision, j.before, region.Catalog{}); err == nil {
			j.previous = &d
		}
	}
	if j.idle {
		j.previous = nil // it replaced nothing
	}
	switch {
	case j.data != nil:
		err := j.parse(catalog)
		if err != nil && j.idle {
			j.findings, j.Decision, err = append(j.findings, notUnderstood(j.AppConfig, err)...), decision.Decision{}, nil
		}
		return err
	case j.idle: // there is none, and there was none
		return nil
	}
	const next = "write a decision for what should run"
	if j.previous == nil {
		return hint.Wrap(fmt.Errorf("undo %s, which was deleted: the version before it cannot be read", j.Apply.Decision), next)
	}
	back, ok := j.previous.Undone()
	if !ok {
		return hint.Wrap(fmt.Errorf("undo %s, which was deleted: it did not say what ran before it", j.Apply.Decision), next)
	}
	j.Decision, j.from = back, j.Apply.Decision+", which was deleted,"
	return nil
}

// parse reads the decision file.
func (j *job) parse(catalog region.Catalog) (err error) {
	j.Decision, err = parseDecision(j.AppConfig, j.data, catalog)
	return err
}

// parseDecision reads an app's decision file, which is wrong when it is another
// app's.
func parseDecision(app config.AppConfig, data []byte, catalog region.Catalog) (decision.Decision, error) {
	d, err := decision.Parse(app.Apply.Decision, data, catalog)
	if err == nil && d.App != app.Name {
		err = hint.Wrap(decision.Problem{
			File: app.Apply.Decision, Line: lineOfApp(data), Path: "app", Text: fmt.Sprintf("it is a decision for %s, not for %s", d.App, app.Name),
		}, "name the right file, or correct app in it")
	}
	return d, err
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
func (r *run) applyApp(ctx context.Context, fly *flyapi.Client, j *job, m merge, catalog region.Catalog) report.Result {
	res := report.Result{App: j.Name, DryRun: r.cfg.DryRun, Started: r.Now()}
	if len(j.Groups) > 0 {
		res.Digest = j.Sum()
		if j.inFile() {
			res.File = j.Apply.Decision
		}
		if p, ok := j.pull(); ok {
			res.PullRequest = &report.PullRequest{Number: p.Number, URL: p.URL}
		}
	}
	res.Findings = slices.Concat(r.findings, j.findings)
	if err := j.Verify(); err != nil {
		res.Findings = append(res.Findings, plan.Finding{Level: plan.Notice, Text: err.Error(), Hint: strings.Join(hint.Of(err), "; ")})
	}
	var err error
	j.app, err = fly.App(ctx, j.Name)
	switch {
	case err != nil && j.idle: // trouble that the push did not make
		res.Outcome = plan.NoChanges
		res.Findings = append(res.Findings, plan.Finding{
			Level: plan.Warning, Text: "what runs could not be read: " + err.Error(), Hint: strings.Join(hint.Of(err), "; "),
		})
		return r.ended(res)
	case err != nil:
		return r.ended(failed(res, err))
	}
	if err := r.overtaken(ctx, j, m.head); err != nil {
		if !j.idle {
			return r.ended(outdated(res, err))
		}
		j.Decision = decision.Decision{} // what it decides says nothing any more
		res.Digest, res.File = "", ""
		res.Findings = append(res.Findings, plan.Finding{Level: plan.Notice, Text: err.Error()})
	}
	ours := apply.Unfinished(j.app)
	underWay := len(j.Groups) > 0 && slices.Contains(slices.Collect(maps.Values(ours)), j.Sum())
	if j.idle && !underWay {
		return r.ended(r.standStill(res, j, ours))
	}
	live := r.live(j)
	for _, name := range sortedKeys(j.Groups) {
		res.Groups = append(res.Groups, report.ResultGroup{Name: name, Before: live[name], Decided: j.Groups[name].Placement, After: live[name]})
	}
	if refused := r.refusals(j, catalog, ours); len(refused) > 0 {
		res.Outcome, res.Reason = plan.Failed, refused[0].Text
		if res.Hints = []string{refused[0].Hint}; len(refused) > 1 {
			res.Reason, res.Hints = fmt.Sprintf("the decision breaks %d pins and limits", len(refused)), nil
			res.Findings = append(res.Findings, refused...)
		}
		return r.ended(res)
	}
	if !underWay && j.Match(live, j.previous).Verdict != decision.Done {
		if res = r.consented(ctx, m, j, res); res.Outcome != "" {
			return r.ended(res)
		}
	}
	end := r.logGroup("Apply " + j.Name)
	res = r.carryOut(ctx, fly, j, res)
	end()
	return r.ended(res)
}

// live counts what runs, by process group.
func (r *run) live(j *job) map[string]map[region.Code]int {
	live := map[string]map[region.Code]int{}
	for _, g := range fleet.Groups(j.app, r.Now()) {
		live[g.Name] = g.Current()
	}
	return live
}

// consented sets the outcome when those who review did not decide this, or not
// lately enough: too few approvals, too long ago, or not right any more.
func (r *run) consented(ctx context.Context, m merge, j *job, res report.Result) report.Result {
	if why, err := r.notApproved(ctx, m, j); err != nil {
		return failed(res, err)
	} else if why != "" {
		res.Outcome, res.Reason = plan.NotApproved, why
		res.Hints = []string{"approve it and run the workflow again, or protect the branch so that nothing unapproved is merged"}
		return res
	}
	if why, hints := r.tooOld(ctx, m, j); why != "" {
		res.Outcome, res.Reason, res.Hints = report.Stale, why, hints
		return res
	}
	wrong, err := r.stillRight(ctx, j)
	switch {
	case err != nil:
		return failed(res, err)
	case wrong != nil:
		res = failed(res, wrong)
		res.Outcome = report.Stale
	}
	return res
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
		if !j.inFile() {
			found = append(found, plan.Finding{Level: plan.Error, Text: fmt.Sprintf("%s, %s: %s", j.from, refusal.Group, refusal.Text), Hint: refusal.Hint})
			continue
		}
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
	refusals := plan.Check(plan.Input{App: app, Policy: j.Policy, Catalog: catalog, Prices: j.prices, Now: r.Now()}, placements(j.Decision))
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
