package action

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/proposal"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// A merge is what a push to the default branch brought.
type merge struct {
	gh *ghapi.Client
	// head is the last commit of the default branch now.
	head string
	// pulls are the pull requests that it merged, those of later commits first.
	pulls []ghapi.Pull
}

// merged finds the pull requests that the push merged. One whose commits were
// pushed before is not among them.
func (r *run) merged(ctx context.Context) (merge, error) {
	gh, err := r.hub("apply what was merged")
	if err != nil {
		return merge{}, err
	}
	m := merge{gh: gh}
	if m.head, err = r.newest(ctx, gh); err != nil {
		return m, err
	}
	for n := 0; ; n++ {
		m.pulls, err = r.pullsOf(ctx, gh)
		switch {
		case err != nil && !r.asksForApprovals() && (errors.Is(err, ghapi.ErrReadOnly) || errors.Is(err, ghapi.ErrForbidden)):
			// The files decide without it.
			r.problem(slog.LevelWarn, fmt.Errorf("plan comments decide nothing, and no pull request is told what became of it: %w", err))
			return m, nil
		case err != nil || len(m.pulls) > 0:
			return m, err
		}
		// GitHub may not know yet which pull request a commit came from.
		if n == lags || !r.runner.seemsMerged() {
			return m, nil
		}
		if err := r.lag(ctx); err != nil {
			return m, err
		}
	}
}

// pullsOf are the pull requests that the push merged, as far as GitHub knows.
func (r *run) pullsOf(ctx context.Context, gh *ghapi.Client) ([]ghapi.Pull, error) {
	var merged []ghapi.Pull
	shas := r.runner.pushed()
	for _, sha := range shas {
		pulls, err := gh.PullsOfCommit(ctx, r.runner.Repository, sha)
		if err != nil {
			return nil, fmt.Errorf("find the pull request of commit %.10s: %w", sha, err)
		}
		for _, p := range pulls {
			known := slices.ContainsFunc(merged, func(k ghapi.Pull) bool { return k.Number == p.Number })
			if p.Merged && p.BaseBranch == r.runner.event.Repository.DefaultBranch && slices.Contains(shas, p.MergeSHA) && !known {
				merged = append(merged, p)
			}
		}
	}
	return merged, nil
}

// carries tells whether the plan comment of a pull request decides.
func carries(p ghapi.Pull) bool { return slices.Contains(p.Labels, proposal.Label) }

// fromComments takes what the push decides by the plan comments of pull
// requests with the label, for apps whose files did not change.
func (r *run) fromComments(ctx context.Context, m merge, jobs []*job) error {
	for _, p := range m.pulls {
		if !carries(p) {
			continue
		}
		if err := r.fromComment(ctx, m, p, jobs); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) fromComment(ctx context.Context, m merge, p ghapi.Pull, jobs []*job) error {
	if !slices.ContainsFunc(jobs, func(j *job) bool { return j.idle }) {
		return nil
	}
	bodies, err := m.gh.OwnComments(ctx, r.runner.Repository, p.Number, decision.Embedded)
	if err != nil {
		return fmt.Errorf("read the plan comment of #%d, which has the label %s: %w", p.Number, proposal.Label, err)
	}
	found := map[string]decision.Decision{}
	for _, body := range bodies {
		decisions, err := decision.Extract(body)
		if err != nil {
			return fmt.Errorf("apply #%d: %w", p.Number, err)
		}
		for _, d := range decisions {
			if other, twice := found[d.App]; twice && other.Sum() != d.Sum() {
				return hint.Wrap(fmt.Errorf("apply #%d: two plan comments decide differently about %s", p.Number, d.App), "decide with a file, .fly-placer/%s.yml", d.App)
			}
			found[d.App] = d
		}
	}
	for _, j := range jobs {
		if d, ok := found[j.Name]; ok && j.idle {
			j.Decision, j.idle, j.again = d, false, true
			j.pulls = []ghapi.Pull{p}
			j.previous, j.from = nil, fmt.Sprintf("the plan comment of #%d", p.Number)
		}
	}
	return nil
}

// standStill is the result for an app about which nothing is decided: whether
// what runs is as decided before, and whether Machines, ours, have marks of other
// work. Trouble on the way is none of the push's.
func (r *run) standStill(res report.Result, j *job, ours map[string]string) report.Result {
	res.Outcome = plan.NoChanges
	res.Groups = nil
	live := r.live(j)
	for _, name := range sortedKeys(live) {
		res.Groups = append(res.Groups, report.ResultGroup{Name: name, Before: live[name], Decided: live[name], After: live[name]})
	}
	if len(ours) > 0 {
		res.Findings = append(res.Findings, plan.Finding{
			Level: plan.Warning, Text: "an apply that is not of this decision stopped half-way, at " + strings.Join(sortedKeys(ours), ", "),
			Hint: "run again the workflow that began it, or decide on what runs now",
		})
	}
	if len(j.Groups) == 0 {
		return res
	}
	d := j.Decision
	d.Groups = maps.Clone(d.Groups)
	for name, g := range d.Groups {
		if g.Assumes == nil { // then nothing waits to be applied
			g.Assumes = g.Placement
		}
		d.Groups[name] = g
	}
	switch match := d.Match(live, nil); match.Verdict {
	case decision.Done:
	case decision.Apply:
		res.Findings = append(res.Findings, plan.Finding{
			Level: plan.Warning, Text: j.from + " is not applied: what runs is what it assumes",
			Hint: "run again the workflow of the push that brought it, or `fly-placer apply --app " + j.Name + "`, or revert it",
		})
	default:
		var parts []string
		for _, d := range match.Differences {
			parts = append(parts, fmt.Sprintf("%s %s runs %d, decided are %d", d.Group, d.Region, d.Live, d.Wanted))
		}
		res.Findings = append(res.Findings, plan.Finding{
			Level: plan.Notice, Text: "drift: what runs is not what " + j.from + " decides: " + strings.Join(parts, ", "),
			Hint: "decide on what runs now, or apply the decision by name once it is right",
		})
	}
	return res
}

// tooOld returns why a decision is too old to be applied; "" when it is not: it
// is young enough, was confirmed by a proposal, was in force before, or a new
// plan comes to the same.
func (r *run) tooOld(ctx context.Context, m merge, j *job) (reason string, hints []string) {
	var confirmed time.Time
	for _, p := range j.pulls {
		if mem := proposal.Memory(p.Body)[j.Name]; mem.Digest == j.Sum() {
			confirmed = mem.Confirmed
		}
	}
	if !j.Stale(r.Now(), confirmed, j.Apply.MaxPlanAge) || r.inForceBefore(ctx, m, j) {
		return "", nil
	}
	newest := j.DecidedAt
	if confirmed.After(newest) {
		newest = confirmed
	}
	reason = fmt.Sprintf("it was decided %s ago, and max-plan-age is %s", roughly(r.Now().Sub(newest)), config.FormatDuration(j.Apply.MaxPlanAge))
	hints = []string{"run `fly-placer plan` and decide again; without decided_at a decision has no age"}
	p, err := r.planOf(ctx, j, beside{})
	if err != nil {
		return reason + fmt.Sprintf("; a new plan could not be made: %v", err), hint.Of(err)
	}
	if d, ok := decision.FromPlan(p); ok && d.Sum() == j.Sum() {
		r.tell(levelNotice, fmt.Sprintf("%s: %s, but a new plan decides the same", j.Name, reason), "")
		return "", nil
	}
	return reason + "; a new plan says: " + strings.Join(report.Answer(p), "; "), hints
}

// inForceBefore tells whether the default branch had this very decision before
// the push: a revert brings back what was reviewed.
func (r *run) inForceBefore(ctx context.Context, m merge, j *job) bool {
	const most = 50
	if m.gh == nil || j.again {
		return false
	}
	versions, err := m.gh.Versions(ctx, r.runner.Repository, r.runner.event.Before, r.inRepo(j.Apply.Decision), most)
	if err != nil {
		r.problem(slog.LevelWarn, fmt.Errorf("find out whether the decision for %s was in force before: %w", j.Name, err))
	}
	for _, v := range versions {
		d, err := decision.Parse("", v.Data, region.Catalog{})
		if v.Found && err == nil && d.Sum() == j.Sum() {
			return true
		}
	}
	return false
}

// planOf makes a plan of the app of a job now, held against what is beside it.
func (r *run) planOf(ctx context.Context, j *job, against beside) (plan.Plan, error) {
	apps := []config.AppConfig{j.AppConfig}
	files, err := r.tables(ctx, apps)
	if err != nil {
		return plan.Plan{}, err
	}
	results, err := r.compute(ctx, apps, files, map[string]beside{j.Name: against})
	if err != nil {
		return plan.Plan{}, err
	}
	return results[0].plan, results[0].err
}

// stillRight returns why a decision from a comment is not right any more: solved
// again it is not feasible, or worth less than a change costs. A comment is
// reviewed with less care than a file, and there may be days between them. err is
// why nobody can tell.
func (r *run) stillRight(ctx context.Context, j *job) (wrong, err error) {
	if !j.again {
		return nil, nil
	}
	p, err := r.planOf(ctx, j, beside{decided: &j.Decision})
	if err != nil {
		return nil, fmt.Errorf("plan again, as a decision in a comment requires: %w", err)
	}
	for _, name := range sortedKeys(j.Groups) {
		if !slices.ContainsFunc(p.Groups, func(g plan.Group) bool { return g.Name == name }) {
			return nil, hint.Wrap(fmt.Errorf("process group %s: there is no plan to judge the decision by", name), "decide with a file, .fly-placer/%s.yml", j.Name)
		}
	}
	return p.DecisionHolds(), nil
}

// farewell is how long the comments of a cancelled job may take: it is killed soon.
const farewell = 2 * time.Second

// back tells pull requests that were merged what became of them.
func (r *run) back(m merge, pulls []ghapi.Pull) commenter {
	return func(ctx context.Context, rep report.Report) (url string, err error) {
		if r.cfg.Comment == "never" {
			return "", nil
		}
		if ctx.Err() != nil {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), farewell)
			defer cancel()
		}
		for _, p := range pulls {
			c, err := m.gh.UpsertComment(ctx, ghapi.UpsertRequest{
				Repo: r.runner.Repository, Number: p.Number, Key: r.commentKey() + " applied", Body: report.Comment(rep, report.MaxComment),
			})
			if err != nil {
				r.problem(slog.LevelWarn, fmt.Errorf("tell #%d what became of it: %w", p.Number, err))
				continue
			}
			r.log.Info(fmt.Sprintf("comment %s: %s", c.Operation, c.URL))
			url = c.URL
		}
		return url, nil
	}
}
