package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/proposal"
	"github.com/fly-placer/fly-placer/internal/report"
)

// maxPlanOutput is how much JSON goes into the output "plan" itself; GitHub
// allows 1 MB for all outputs of a job.
const maxPlanOutput = 256 << 10

// planFile holds the plan when it is too long for an output and report-dir is
// not set. Paths in outputs are relative to the workspace: a container's own
// paths mean nothing to later steps.
const planFile = "fly-placer-plan.json"

// publish shows the report everywhere it belongs and returns the exit status.
// A comment that fails costs a warning and not the plan; what is printed, the
// files that were asked for, the summary and the outputs are the result.
// Outputs come before the comment: GitHub can keep that waiting for minutes.
func (r *run) publish(ctx context.Context, rep report.Report) int {
	return r.publishTo(ctx, rep, r.comment)
}

// A commenter writes a report as comments and returns the address of the last one.
type commenter func(context.Context, report.Report) (url string, err error)

func (r *run) publishTo(ctx context.Context, rep report.Report, comment commenter) int {
	r.watching(rep)
	outputs, err := r.outputsOf(rep)
	errs := []error{
		err, r.print(rep),
		r.runner.setOutputs(outputs),
		r.runner.addSummary(report.Markdown(rep)),
	}
	if r.cfg.ReportDir != "" {
		errs = append(errs, r.writeReports(rep))
	}
	r.annotate(rep)
	url, err := comment(ctx, rep)
	if err != nil {
		r.commentFailed(err)
	}
	errs = append(errs, r.runner.setOutputs(map[string]string{"comment-url": url}))
	if err := errors.Join(errs...); err != nil {
		for _, e := range each(err) {
			r.problem(slog.LevelError, e)
		}
		return exitFailed
	}
	return r.status(rep)
}

// print shows the report on standard output. At a desk its failures are on
// standard error already.
func (r *run) print(rep report.Report) error {
	if !r.runner.on {
		if rep.Errors = nil; len(rep.Plans)+len(rep.Results)+len(rep.Checks) == 0 {
			return nil
		}
	}
	stop, err := r.runner.delimiter("")
	if err == nil {
		err = foreign(r.Stdout, report.Terminal(rep, report.TerminalOptions{Color: r.Color, Folded: r.Folded}), stop, r.runner.on)
	}
	if err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}

// annotate shows on the workflow run's page what somebody should see there.
func (r *run) annotate(rep report.Report) {
	show := func(prefix string, findings []plan.Finding) {
		for _, f := range findings {
			switch f.Level {
			case plan.Error:
				r.tell(slog.LevelError, prefix+f.Text, f.Hint)
			case plan.Warning:
				r.tell(slog.LevelWarn, prefix+f.Text, f.Hint)
			case plan.Notice: // in the report
			}
		}
	}
	if !r.runner.on {
		return // the report on stdout has them
	}
	for _, p := range rep.Plans {
		show(p.App+": ", p.Findings)
		for _, g := range p.Groups {
			show(p.App+"/"+g.Name+": ", g.Findings)
		}
		level := levelNotice
		if p.Outcome == plan.Infeasible {
			level = slog.LevelError
		}
		for _, line := range report.Answer(p) {
			r.tell(level, line, "")
		}
	}
	for _, res := range rep.Results {
		show(res.App+": ", slices.DeleteFunc(slices.Clone(res.Findings), func(f plan.Finding) bool { return f.Level == plan.Error })) // shown at their lines
		level := levelNotice
		if !reached(res) {
			level = slog.LevelError
		}
		r.tell(level, report.ResultAnswer(res), strings.Join(res.Hints, "; "))
	}
}

// outputsOf makes the action's outputs.
func (r *run) outputsOf(rep report.Report) (map[string]string, error) {
	if len(rep.Results) > 0 {
		outputs, err := report.ResultOutputs(rep.Results)
		if err != nil || len(rep.Plans) == 0 {
			return outputs, err
		}
		all, err := r.planOutputs(rep)
		maps.Copy(all, outputs) // what became of a plan is more than the plan
		return all, err
	}
	return r.planOutputs(rep)
}

// planOutputs are those that tell the plans.
func (r *run) planOutputs(rep report.Report) (map[string]string, error) {
	outputs, err := report.Outputs(rep)
	if err != nil || len(rep.Plans) == 0 {
		return outputs, err
	}
	docs := map[string]json.RawMessage{}
	for _, p := range rep.Plans {
		data, err := report.JSON(p)
		if err != nil {
			return nil, err
		}
		docs[p.App] = data
	}
	var all any = docs
	if len(r.cfg.Apps) == 1 {
		all = docs[rep.Plans[0].App]
	}
	data, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	outputs["plan"] = string(data)
	if len(data) > maxPlanOutput {
		outputs["plan"] = planFile
		return outputs, writeIn(r.runner.workspace(r.Process), ".", map[string][]byte{planFile: data})
	}
	return outputs, nil
}

// writeReports writes report-dir: per app in a directory of its own when there
// are several. For a report without anything it only makes the directory.
func (r *run) writeReports(rep report.Report) error {
	files := map[string][]byte{}
	if len(rep.Plans)+len(rep.Results)+len(rep.Checks)+len(rep.Errors) > 0 {
		files["report.md"] = []byte(report.Markdown(rep) + "\n")
	}
	for _, p := range rep.Plans {
		dir := ""
		if len(r.cfg.Apps) > 1 {
			dir = p.App
			one := report.Report{Plans: []plan.Plan{p}, Notes: rep.Notes, RunURL: rep.RunURL}
			files[filepath.Join(dir, "report.md")] = []byte(report.Markdown(one) + "\n")
		}
		data, err := report.JSON(p)
		if err != nil {
			return err
		}
		files[filepath.Join(dir, "plan.json")] = data
		for _, g := range p.Groups {
			if len(g.Problem.Candidates) == 0 {
				continue // held before there was anything to solve
			}
			name := "problem.json"
			if len(p.Groups) > 1 {
				name = "problem-" + fileName(g.Name) + ".json"
			}
			if files[filepath.Join(dir, name)], err = placement.Encode(g.Problem); err != nil {
				return fmt.Errorf("encode %s: %w", name, err)
			}
		}
	}
	for _, res := range rep.Results {
		dir := ""
		if len(r.cfg.Apps) > 1 {
			dir = res.App
			one := report.Report{Results: []report.Result{res}, Notes: rep.Notes, RunURL: rep.RunURL}
			files[filepath.Join(dir, "report.md")] = []byte(report.Markdown(one) + "\n")
		}
		data, err := report.ResultJSON(res)
		if err != nil {
			return err
		}
		files[filepath.Join(dir, "result.json")] = data
	}
	if len(rep.Checks) > 0 {
		data, err := report.CheckJSON(rep.Checks)
		if err != nil {
			return err
		}
		files["check.json"] = data
	}
	workspace := r.runner.workspace(r.Process)
	dir := r.cfg.ReportDir
	switch rel, err := filepath.Rel(workspace, dir); {
	case !r.runner.on: // at a desk every path is the user's own word
		dir = r.path(dir)
	case filepath.IsAbs(dir) && err == nil && filepath.IsLocal(rel):
		dir = rel
	case filepath.IsAbs(dir): // in a container it would be lost
		return fmt.Errorf("write reports: %s is not below the workspace %s", dir, workspace)
	}
	return writeIn(workspace, dir, files)
}

// fileName makes a process group's name, which comes from Machines, fit for a
// file.
func fileName(group string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, group)
}

// comment keeps the one comment on the pull request, which tells the plan, up to
// date.
func (r *run) comment(ctx context.Context, rep report.Report) (url string, err error) {
	number := r.runner.pullRequest()
	if number == 0 || r.cfg.Command == config.Apply || r.cfg.Comment == "never" || r.cfg.GitHubToken.IsZero() {
		return "", nil
	}
	gh, err := r.github(r.cfg.GitHubToken)
	if err != nil {
		return "", err
	}
	carried, err := r.carried(rep)
	if err != nil {
		return "", err
	}
	c, err := gh.UpsertComment(ctx, ghapi.UpsertRequest{
		Repo: r.runner.Repository, Number: number, Key: r.commentKey(),
		Body: report.Comment(rep, report.MaxComment-len(carried)) + carried,
	})
	if err != nil {
		return "", err
	}
	r.log.Info(fmt.Sprintf("comment %s: %s", c.Operation, c.URL))
	return c.URL, nil
}

// carried is what makes the plan comment of a pull request a decision: its
// plans' decisions, hidden, and a line that says when they count. A pull request
// that changes a decision's file has that to be reviewed.
func (r *run) carried(rep report.Report) (string, error) {
	if r.cfg.Apply == config.Never || r.cfg.Command != config.Auto || r.runner.EventName != "pull_request" {
		return "", nil
	}
	var hidden strings.Builder
	for _, p := range rep.Plans {
		d, ok := decision.FromPlan(p)
		judged := slices.ContainsFunc(p.Groups, func(g plan.Group) bool { return g.Decided != nil })
		if !ok || judged || p.Outcome != plan.Planned {
			continue
		}
		text, err := decision.Embed(d)
		if err != nil {
			return "", fmt.Errorf("write the decision for %s into the comment: %w", p.App, err)
		}
		hidden.WriteString("\n" + text)
	}
	switch {
	case hidden.Len() == 0:
		return "", nil
	case r.runner.labelled(proposal.Label):
		return "\n\nThis pull request has the label `" + proposal.Label + "`: **merging it applies this plan.**\n" + hidden.String(), nil
	default:
		return "\n\nWith the label `" + proposal.Label + "`, merging this pull request applies this plan.\n" + hidden.String(), nil
	}
}

// commentFailed says that the pull request has no comment. A fork's token may
// not write, which is as it should be.
func (r *run) commentFailed(err error) {
	level := slog.LevelWarn
	if errors.Is(err, ghapi.ErrReadOnly) {
		level = levelNotice
	}
	r.problem(level, fmt.Errorf("the plan is in the job summary, but not in the pull request: %w", err))
}

// watching marks plans with drift, as the outcome: somebody changed what was
// decided. What was proposed says so already, and a push is not to blame.
func (r *run) watching(rep report.Report) {
	for i, p := range rep.Plans {
		if p.Outcome != plan.Proposed && r.runner.EventName != "push" {
			rep.Plans[i].Outcome = p.OutcomeWithDrift()
		}
	}
}

// status is the exit status for the report.
func (r *run) status(rep report.Report) int {
	changes, drift := false, false
	for _, res := range rep.Results {
		if !reached(res) {
			return exitFailed
		}
	}
	for _, p := range rep.Plans {
		if p.Outcome == plan.Infeasible {
			return exitFailed
		}
		changes = changes || slices.ContainsFunc(p.Groups, func(g plan.Group) bool { return len(g.Changes) > 0 })
		drift = drift || p.HasDrift()
	}
	switch {
	case len(rep.Errors) > 0:
		return exitFailed
	case changes && r.cfg.FailOn.Changes, drift && r.cfg.FailOn.Drift && r.runner.EventName != "push":
		return exitChanges
	}
	return exitOK
}

// reached tells whether a result is none that fails a step: what is decided runs,
// nothing speaks against it in a dry run, or people have not decided it.
func reached(res report.Result) bool {
	return res.Outcome == report.Applied || res.Outcome == plan.NoChanges || res.Outcome == plan.NotApproved || res.DryRun && res.Outcome == plan.Planned
}
