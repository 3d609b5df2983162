package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/plan"
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
// A place that fails costs a warning and not the plan; files that were asked
// for, the summary and the outputs are part of the result.
func (r *run) publish(ctx context.Context, rep report.Report) int {
	foreign(r.Stdout, report.Terminal(rep, report.TerminalOptions{Color: r.Color, Folded: r.Folded}), r.stopToken(), r.runner.on)
	r.annotate(rep)

	var errs []error
	outputs, err := r.outputsOf(rep)
	errs = append(errs, err, r.runner.addSummary(report.Markdown(rep)))
	if r.cfg.ReportDir != "" {
		errs = append(errs, r.writeReports(rep))
	}
	url, err := r.comment(ctx, rep)
	if err != nil {
		r.commentFailed(err)
	}
	if outputs != nil {
		outputs["comment-url"] = url
		errs = append(errs, r.runner.setOutputs(outputs))
	}
	status := r.status(rep)
	for _, err := range errs {
		if err != nil {
			r.problem(slog.LevelError, err)
			status = exitFailed
		}
	}
	return status
}

// annotate shows on the workflow run's page what somebody should see there.
func (r *run) annotate(rep report.Report) {
	show := func(prefix string, findings []plan.Finding) {
		for _, f := range findings {
			var args []any
			if f.Hint != "" {
				args = append(args, slog.String("hint", f.Hint))
			}
			switch f.Level {
			case plan.Error:
				r.log.Error(prefix+f.Text, args...)
			case plan.Warning:
				r.log.Warn(prefix+f.Text, args...)
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
		for _, line := range report.Answer(p) {
			r.log.Log(context.Background(), levelNotice, line)
		}
	}
}

// outputsOf makes the action's outputs.
func (r *run) outputsOf(rep report.Report) (map[string]string, error) {
	outputs, err := report.Outputs(rep.Plans)
	if err != nil {
		return nil, err
	}
	if len(rep.Errors) > 0 {
		outputs["outcome"] = string(plan.Failed)
	}
	if len(rep.Plans) == 0 {
		outputs["has-changes"] = "false"
		return outputs, nil
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
	if len(docs) == 1 {
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
// are several.
func (r *run) writeReports(rep report.Report) error {
	files := map[string][]byte{"report.md": []byte(report.Markdown(rep) + "\n")}
	for _, p := range rep.Plans {
		dir := ""
		if len(r.cfg.Apps) > 1 {
			dir = p.App
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
				name = "problem-" + g.Name + ".json"
			}
			data, err := json.MarshalIndent(g.Problem, "", "  ")
			if err != nil {
				return fmt.Errorf("encode %s: %w", name, err)
			}
			files[filepath.Join(dir, name)] = append(data, '\n')
		}
	}
	return writeIn(r.runner.workspace(r.Process), r.cfg.ReportDir, files)
}

// comment keeps the one comment on the pull request up to date.
func (r *run) comment(ctx context.Context, rep report.Report) (url string, err error) {
	number := r.runner.pullRequest()
	if number == 0 || r.cfg.Comment == "never" || r.cfg.GitHubToken.IsZero() {
		return "", nil
	}
	gh, err := r.github(r.cfg.GitHubToken)
	if err != nil {
		return "", err
	}
	c, err := gh.UpsertComment(ctx, ghapi.UpsertRequest{
		Repo: r.runner.Repository, Number: number, Key: r.commentKey(),
		Body: report.Comment(rep, report.MaxComment),
	})
	if err != nil {
		return "", err
	}
	r.log.Info(fmt.Sprintf("comment %s: %s", c.Operation, c.URL))
	return c.URL, nil
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

// stopToken ends the part of the log that holds no workflow commands.
func (r *run) stopToken() string {
	token, err := r.runner.delimiter("")
	if err != nil {
		return "fly_placer_stop" // no randomness: worse than a random one, better than none
	}
	return token
}

// status is the exit status for the report.
func (r *run) status(rep report.Report) int {
	changes := false
	for _, p := range rep.Plans {
		if p.Outcome == plan.Infeasible {
			return exitFailed
		}
		changes = changes || p.Outcome == plan.Planned
	}
	switch {
	case len(rep.Errors) > 0:
		return exitFailed
	case changes && r.cfg.FailOn.Changes:
		return exitChanges
	}
	return exitOK
}
