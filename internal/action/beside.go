package action

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// A beside is what an app's plan is held against: the decision that a pull
// request makes, or else the one in force.
type beside struct {
	decided, inForce *decision.Decision
	findings         []plan.Finding
	err              error // what is wrong with the decision of a pull request
}

// in adds it to the input of a plan.
func (b beside) in(in plan.Input) plan.Input {
	in.Unfinished = sortedKeys(apply.Unfinished(in.App))
	if b.decided != nil {
		in.Decided = placements(*b.decided)
	}
	if b.inForce != nil {
		begun := false
		for _, digest := range apply.Unfinished(in.App) {
			begun = begun || digest == b.inForce.Sum()
		}
		in.InForce = map[string]plan.InForce{}
		for name, g := range b.inForce.Groups {
			in.InForce[name] = plan.InForce{Placement: g.Placement, Assumes: g.Assumes, Begun: begun}
		}
	}
	return in
}

// placements are what a decision wants to run, by process group.
func placements(d decision.Decision) map[string]map[region.Code]int {
	out := map[string]map[region.Code]int{}
	for name, g := range d.Groups {
		out[name] = g.Placement
	}
	return out
}

// beside finds, for each app, what its plan is held against. A pull request that
// changes a decision is asked what that does; everywhere else the decision in
// force is what should run. On pull_request_target neither counts: the head is
// not read there.
func (r *run) beside(ctx context.Context) map[string]beside {
	out := map[string]beside{}
	switch {
	case r.runner.EventName == "pull_request_target":
	case r.runner.pullEvent():
		changed := r.pullFiles(ctx)
		for _, app := range r.cfg.Apps {
			if slices.Contains(changed, r.inRepo(app.Apply.Decision)) {
				out[app.Name] = r.proposed(ctx, app)
			}
		}
		r.policyChanged = slices.Contains(changed, r.inRepo(r.cfg.PolicyPath))
	default:
		for _, app := range r.cfg.Apps {
			out[app.Name] = r.standing(ctx, app)
		}
	}
	return out
}

// pullFiles are the paths that the pull request of the event changes.
func (r *run) pullFiles(ctx context.Context) []string {
	number := r.runner.pullRequest()
	if number == 0 || r.cfg.GitHubToken.IsZero() {
		return nil
	}
	gh, err := r.github(r.cfg.GitHubToken)
	var files []string
	if err == nil {
		files, err = gh.PullFiles(ctx, r.runner.Repository, number)
	}
	if err != nil {
		level := slog.LevelWarn
		if errors.Is(err, ghapi.ErrReadOnly) || errors.Is(err, ghapi.ErrForbidden) {
			level = levelNotice
		}
		r.problem(level, fmt.Errorf("nobody knows whether this pull request changes a decision or the policy: %w", err))
	}
	return files
}

// proposed reads the decision as the pull request has it. One that it deletes
// stands for what it assumed, as it does when that is merged.
func (r *run) proposed(ctx context.Context, app config.AppConfig) beside {
	data, err := r.repoFile(ctx, app.Apply.Decision)
	if err != nil {
		return beside{err: err}
	}
	if data != nil {
		d, err := parseDecision(app, data, region.Catalog{})
		if err != nil {
			return beside{err: err}
		}
		return beside{decided: &d}
	}
	before, err := r.decisionAt(ctx, app, r.runner.event.PullRequest.Base.SHA)
	if err != nil || before == nil {
		return beside{findings: notUnderstood(app, err)}
	}
	back, ok := before.Undone()
	if !ok {
		return beside{err: hint.Wrap(fmt.Errorf("delete %s: the decision does not say what ran before it", app.Apply.Decision),
			"decide what should run instead of deleting the file, or add assumes first")}
	}
	return beside{decided: &back}
}

// standing reads the decision that is in force: the one in the workspace.
func (r *run) standing(ctx context.Context, app config.AppConfig) beside {
	data, err := r.repoFile(ctx, app.Apply.Decision)
	if err != nil || data == nil {
		if errors.Is(err, errNoCheckout) { // the policy was not there either, which is told
			err = nil
		}
		return beside{findings: notUnderstood(app, err)}
	}
	d, err := parseDecision(app, data, region.Catalog{})
	if err != nil {
		return beside{findings: notUnderstood(app, err)}
	}
	return beside{inForce: &d}
}

// notUnderstood tells that the decision in force could not be read; nothing when
// err is nil.
func notUnderstood(app config.AppConfig, err error) []plan.Finding {
	if err == nil {
		return nil
	}
	return []plan.Finding{{
		Level: plan.Warning, Text: fmt.Sprintf("whether what runs is as %s decides is not known: %s", app.Apply.Decision, strings.ReplaceAll(err.Error(), "\n", "; ")),
		Hint: strings.Join(hint.Of(err), "; "),
	}}
}

// decisionAt reads an app's decision at a commit; nil when there is none.
func (r *run) decisionAt(ctx context.Context, app config.AppConfig, sha string) (*decision.Decision, error) {
	data, err := r.fileAt(ctx, app.Apply.Decision, sha)
	if err != nil || data == nil {
		return nil, err
	}
	d, err := decision.Parse(app.Apply.Decision, data, region.Catalog{})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// fileAt reads a file of the repository at a commit through the API; nil when
// there is none.
func (r *run) fileAt(ctx context.Context, name, sha string) ([]byte, error) {
	if sha == "" || sha == none {
		return nil, nil
	}
	if r.cfg.GitHubToken.IsZero() || r.runner.Repository == "" {
		return nil, hint.Wrap(fmt.Errorf("read %s at %.10s: there is no github-token to ask GitHub with", name, sha), "give github-token, with the permission `contents: read`")
	}
	gh, err := r.github(r.cfg.GitHubToken)
	if err != nil {
		return nil, err
	}
	data, found, err := gh.ReadFile(ctx, r.runner.Repository, r.inRepo(name), sha)
	if found && data == nil {
		data = []byte{}
	}
	return data, err
}

// inRepo is the path of a file from the root of the repository.
func (r *run) inRepo(name string) string {
	if rel, err := filepath.Rel(r.runner.workspace(r.Process), name); filepath.IsAbs(name) && err == nil && filepath.IsLocal(rel) {
		name = rel
	}
	return filepath.ToSlash(filepath.Clean(name))
}

// policyEffect says what a pull request that changes the policy does: its plans
// beside those by the policy before it.
func (r *run) policyEffect(ctx context.Context, results []result) {
	if !r.policyChanged {
		return
	}
	before, err := r.fileAt(ctx, r.cfg.PolicyPath, r.runner.event.PullRequest.Base.SHA)
	if err == nil && before == nil && r.inputs.PolicySet {
		return // there was none, and none would have been taken
	}
	var cfg config.Config
	if err == nil {
		cfg, err = r.inputs.WithPolicy(before, "the policy before")
	}
	if err != nil {
		r.problem(levelNotice, fmt.Errorf("what the change of the policy does is not known: %w", err))
		return
	}
	decided := map[string]beside{}
	var apps []config.AppConfig
	for _, res := range results {
		d, ok := decision.FromPlan(res.plan)
		i := slices.IndexFunc(cfg.Apps, func(a config.AppConfig) bool { return a.Name == res.name })
		if ok && res.err == nil && i >= 0 {
			apps, decided[res.name] = append(apps, cfg.Apps[i]), beside{decided: &d}
		}
	}
	files, err := r.tables(ctx, apps)
	var old []result
	if err == nil {
		old, err = r.compute(ctx, apps, files, decided)
	}
	if err != nil {
		r.problem(levelNotice, fmt.Errorf("what the change of the policy does is not known: %w", err))
		return
	}
	for i := range results {
		for _, was := range old {
			if was.name == results[i].name && was.err == nil {
				results[i].plan.Findings = append(results[i].plan.Findings, beforeAndAfter(was.plan)...)
			}
		}
	}
}

// beforeAndAfter says what plans by a new policy are worth beside those by the
// old one, which judges them.
func beforeAndAfter(old plan.Plan) []plan.Finding {
	var out []plan.Finding
	for _, g := range old.Groups {
		if g.Decided == nil || g.Decided.Optimum == nil {
			continue
		}
		text := "this plan is by the policy of this pull request, and the same as by the one before"
		if !g.Decided.IsOptimum() {
			text = "this plan is by the policy of this pull request; beside the plan by the one before: " + report.Worth(g.Decided.ToOptimum)
		}
		if len(old.Groups) > 1 {
			text = g.Name + ": " + text
		}
		out = append(out, plan.Finding{Level: plan.Notice, Text: text})
	}
	return out
}
