package action

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/proposal"
	"github.com/fly-placer/fly-placer/internal/report"
)

// propose plans, and keeps one pull request with what the plans decide. An app
// that is held, or whose plan failed, stays there as it was.
func (r *run) propose(ctx context.Context) int {
	if r.runner.EventName == "pull_request_target" {
		return r.fail(ctx, hint.Wrap(errors.New("propose: not on pull_request_target"), "propose on a schedule"), exitUsage)
	}
	gh, err := r.hub("propose")
	if err != nil {
		return r.fail(ctx, err, exitUsage)
	}
	if err := r.policyKnown(); err != nil {
		return r.fail(ctx, err, exitOf(err))
	}
	rep, status := r.planned(ctx)
	if status != exitOK {
		return status
	}
	made, entries, err := r.offer(ctx, gh, &rep)
	if err != nil { // the plans are told all the same
		rep.Errors = append(rep.Errors, r.problems(err, "")...)
		r.problem(slog.LevelError, err)
		for i, p := range rep.Plans {
			if p.Outcome == plan.Planned {
				rep.Plans[i].Outcome = plan.Failed // it was to be proposed
			}
		}
		return r.publish(ctx, rep)
	}
	r.showProposal(&rep, made, entries)
	return r.publish(ctx, rep)
}

// offer makes the pull request say what the plans of rep decide, and adds what is
// to be said of them to rep.
func (r *run) offer(ctx context.Context, gh *ghapi.Client, rep *report.Report) (ghapi.Proposal, []proposal.Entry, error) {
	refused, err := r.refused(ctx, gh)
	if err != nil {
		return ghapi.Proposal{}, nil, err
	}
	files, entries, errs := r.proposals(ctx, rep, refused)
	for _, app := range sortedKeys(errs) {
		rep.Errors = append(rep.Errors, r.problems(errs[app], app)...)
		r.problem(slog.LevelError, errs[app])
	}
	if len(files) == 0 {
		return ghapi.Proposal{Operation: "none"}, entries, nil
	}
	made, err := gh.Propose(ctx, r.request(files, entries))
	return made, entries, err
}

// hub is the client for GitHub, which a command cannot do without.
func (r *run) hub(command string) (*ghapi.Client, error) {
	var errs []error
	if r.cfg.GitHubToken.IsZero() {
		errs = append(errs, hint.Wrap(fmt.Errorf("%s: there is no github-token", command), "give the step github-token: ${{ github.token }}, or set GITHUB_TOKEN"))
	}
	if r.runner.Repository == "" {
		errs = append(errs, hint.Wrap(fmt.Errorf("%s: nobody knows the repository", command), "set GITHUB_REPOSITORY to owner/name"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r.github(r.cfg.GitHubToken)
}

// policyKnown fails if the policy could not be read: what it excludes may be a
// legal duty, so that nothing is proposed or applied by the defaults.
func (r *run) policyKnown() error {
	if r.policyErr == nil {
		return nil
	}
	return fmt.Errorf("go by the policy: %w", r.policyErr)
}

// refused are the decisions of proposals that people closed without merging them.
func (r *run) refused(ctx context.Context, gh *ghapi.Client) (map[string][]refusal, error) {
	pulls, err := gh.Rejected(ctx, r.runner.Repository, proposal.Branch)
	if err != nil {
		return nil, fmt.Errorf("read the proposals that were closed: %w", err)
	}
	out := map[string][]refusal{}
	for _, p := range pulls {
		for app, m := range proposal.Memory(p.Body) {
			out[app] = append(out[app], refusal{m, p.Number})
		}
	}
	return out, nil
}

// A refusal is a decision that was closed without being merged, and where.
type refusal struct {
	proposal.Remembered
	number int
}

// proposals are the files and the texts for the pull request, of all apps about
// which something is to be said. Errors are by app.
func (r *run) proposals(ctx context.Context, rep *report.Report, refused map[string][]refusal) (files []ghapi.ProposalFile, entries []proposal.Entry, errs map[string]error) {
	errs = map[string]error{}
	apps := map[string]config.AppConfig{}
	for _, app := range r.cfg.Apps {
		apps[app.Name] = app
	}
	room := proposal.MaxBody / max(1, len(rep.Plans)) / 2 // other jobs' apps need some, too
	for i := range rep.Plans {
		p := &rep.Plans[i]
		app := apps[p.App]
		file := ghapi.ProposalFile{Path: r.inRepo(app.Apply.Decision)}
		entry := proposal.Entry{App: p.App}
		switch {
		case p.Outcome == plan.Planned, p.Outcome == plan.NoChanges && p.HasDrift(): // then what runs is to be decided
			force := r.standing(ctx, app).inForce
			d, data, err := decide(*p, force)
			if err != nil {
				errs[p.App] = err
				continue
			}
			if why := undesired(app, force, d, refused[p.App]); why != nil {
				p.Findings = append(p.Findings, *why)
				break
			}
			p.Digest = d.Digest
			one := report.Report{Plans: []plan.Plan{*p}, Notes: rep.Notes, RunURL: rep.RunURL}
			file.Data, file.Keep = data, func(there []byte) bool { return sameDecision(there, data) }
			entry.Digest, entry.Placement, entry.Text = d.Digest, placements(d), report.Comment(one, room)
		case p.Outcome == plan.NoChanges:
		default:
			continue // held: what was proposed before may still be right
		}
		files, entries = append(files, file), append(entries, entry)
	}
	return files, entries, errs
}

// undesired says why a decision is not proposed: it is merged already, or people
// refused it.
func undesired(app config.AppConfig, force *decision.Decision, d decision.Decision, refused []refusal) *plan.Finding {
	if force != nil && force.Sum() == d.Sum() {
		return &plan.Finding{Level: plan.Notice, Text: "this is decided already, in " + app.Apply.Decision + ": there is nothing to propose"}
	}
	for _, m := range refused {
		if m.Same(placements(d)) {
			return &plan.Finding{
				Level: plan.Notice, Text: fmt.Sprintf("this was proposed in #%d, which was closed without being merged: it is not proposed again until the plan changes", m.number),
				Hint: fmt.Sprintf("reopen #%d if you want it after all", m.number),
			}
		}
	}
	return nil
}

// decide returns the decision that a plan makes, and its file. What was decided
// about groups that are held now, or not planned, stays as force has it.
func decide(p plan.Plan, force *decision.Decision) (decision.Decision, []byte, error) {
	d, _ := decision.FromPlan(p)
	if force != nil {
		for name, old := range force.Groups {
			if _, planned := d.Groups[name]; !planned && !slices.Contains(p.Gone, name) {
				d.Groups[name] = old
			}
		}
	}
	d.Digest = d.Sum()
	data, err := decision.Encode(d)
	if err != nil {
		return d, nil, fmt.Errorf("write the decision for %s: %w", p.App, err)
	}
	return d, data, nil
}

// request is what the pull request shall be.
func (r *run) request(files []ghapi.ProposalFile, entries []proposal.Entry) ghapi.ProposalRequest {
	now := r.Now()
	var what []string
	for _, e := range entries {
		if e.Digest != "" {
			what = append(what, e.App)
		}
	}
	subject := "fly-placer: decide where Machines of " + strings.Join(what, ", ") + " run"
	if len(what) == 0 {
		subject = "fly-placer: withdraw what is not needed any more"
	}
	outro := "Merging this approves it, and `apply: on-merge` then makes it real. To decide otherwise, edit `placement` in the files; " +
		"to refuse it, close this."
	return ghapi.ProposalRequest{
		Repo: r.runner.Repository, Base: r.cfg.Base, Branch: proposal.Branch, Files: files, Title: proposal.Title,
		Message: subject + "\n\n" + trailer(entries),
		Body:    func(old string) string { return proposal.Body(old, outro, entries, now) },
		Closing: "Nothing is left to propose: what runs is best now, or a decision was merged elsewhere.",
		Labels:  r.cfg.Labels, Reviewers: r.cfg.Reviewers, Draft: r.cfg.Draft,
	}
}

// trailer marks a commit as ours, and says what it decides.
func trailer(entries []proposal.Entry) string {
	var parts []string
	for _, e := range entries {
		digest := e.Digest
		if digest == "" {
			digest = "none"
		}
		parts = append(parts, e.App+" "+digest)
	}
	return "Fly-Placer: " + strings.Join(parts, ", ")
}

// showProposal adds what became of the pull request to the report.
func (r *run) showProposal(rep *report.Report, made ghapi.Proposal, entries []proposal.Entry) {
	rep.Proposal = &report.Proposal{
		Operation: report.Operation(made.Operation), Number: made.Number, URL: made.URL, CompareURL: made.CompareURL,
		Branch: proposal.Branch, Touched: len(made.Touched) > 0,
	}
	for _, w := range made.Warnings {
		rep.Proposal.Findings = append(rep.Proposal.Findings, plan.Finding{Level: plan.Warning, Text: r.redact(w)})
	}
	open := made.Number > 0 && made.Operation != "closed" || made.Operation == "blocked"
	proposed := map[string]bool{}
	for _, e := range entries {
		proposed[e.App] = e.Digest != "" && open && len(made.Touched) == 0
	}
	for i, p := range rep.Plans {
		if proposed[p.App] {
			rep.Plans[i].Outcome = plan.Proposed
		}
	}
	if len(made.Touched) > 0 {
		r.tell(slog.LevelWarn, fmt.Sprintf("somebody else pushed to %s: nothing was written to it", proposal.Branch),
			"merge its pull request, or close it and delete the branch: the next run then begins a new one")
	}
	if url := cmp.Or(made.URL, made.CompareURL); url != "" {
		r.log.Info(fmt.Sprintf("pull request %s: %s", made.Operation, url))
	}
}

// applyPlans makes plans and applies them at once, without review.
func (r *run) applyPlans(ctx context.Context) int {
	if err := r.policyKnown(); err != nil {
		return r.fail(ctx, err, exitOf(err))
	}
	rep, status := r.planned(ctx)
	if status != exitOK {
		return status
	}
	var jobs []*job
	for _, p := range rep.Plans {
		d, ok := decision.FromPlan(p)
		if !ok || p.Outcome != plan.Planned {
			continue
		}
		i := slices.IndexFunc(r.cfg.Apps, func(a config.AppConfig) bool { return a.Name == p.App })
		prices, err := r.prices(ctx, r.cfg.Apps[i])
		if err != nil {
			return r.fail(ctx, err, exitUsage)
		}
		jobs = append(jobs, &job{AppConfig: r.cfg.Apps[i], from: "the plan", prices: prices, Decision: d})
	}
	if len(jobs) == 0 {
		return r.publish(ctx, rep)
	}
	return r.work(ctx, jobs, merge{}, rep)
}
