package action

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/proposal"
)

// brought finds the pull requests that brought a decision: those of the push that
// change its file.
func (r *run) brought(ctx context.Context, m merge, j *job) error {
	for _, p := range m.pulls {
		files, err := m.gh.PullFiles(ctx, r.runner.Repository, p.Number)
		if err != nil {
			return fmt.Errorf("find out which pull request decides about %s: %w", j.Name, err)
		}
		if slices.Contains(files, r.inRepo(j.Apply.Decision)) {
			j.pulls = append(j.pulls, p)
		}
	}
	return nil
}

// pull returns the pull request that brought a decision, as far as anybody can
// tell: the one that remembers it, else the last one that was merged.
func (j *job) pull() (ghapi.Pull, bool) {
	for _, p := range j.pulls {
		if proposal.Memory(p.Body)[j.Name].Digest == j.Sum() {
			return p, true
		}
	}
	if len(j.pulls) == 0 {
		return ghapi.Pull{}, false
	}
	return j.pulls[0], true
}

// bringing are the pull requests that brought the decisions of jobs.
func bringing(jobs []*job) []ghapi.Pull {
	var out []ghapi.Pull
	for _, j := range jobs {
		for _, p := range j.pulls {
			if !slices.ContainsFunc(out, func(k ghapi.Pull) bool { return k.Number == p.Number }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// asksForApprovals tells whether some app is applied only with approvals.
func (r *run) asksForApprovals() bool {
	return slices.ContainsFunc(r.cfg.Apps, func(a config.AppConfig) bool { return a.Apply.Approvals > 0 })
}

// notApproved returns why too few people approved what was merged; "" when
// enough did.
func (r *run) notApproved(ctx context.Context, m merge, j *job) (string, error) {
	need := j.Apply.Approvals
	if need == 0 {
		return "", nil
	}
	if m.gh == nil {
		return "require-approvals is set, and only a push to the default branch tells which pull request was approved", nil
	}
	p, ok := j.pull()
	if !ok {
		return approvals(need) + " required, and the push merges no pull request that brings it", nil
	}
	who, err := m.gh.Approvals(ctx, r.runner.Repository, p.Number)
	if err != nil {
		return "", fmt.Errorf("read who approved #%d: %w", p.Number, err)
	}
	n := 0
	for _, a := range who {
		this, err := r.reviewed(ctx, j, a)
		if err != nil {
			return "", fmt.Errorf("read what %s approved: %w", a.Login, err)
		}
		if this {
			n++
		}
	}
	if n < need {
		return fmt.Sprintf("%s required, and #%d has %d of this decision", approvals(need), p.Number, n), nil
	}
	return "", nil
}

// reviewed tells whether an approval is of this decision: the commit that was
// reviewed has it. A plan comment has no commit of its own.
func (r *run) reviewed(ctx context.Context, j *job, a ghapi.Approval) (bool, error) {
	if j.again {
		return true, nil
	}
	if a.SHA == "" {
		return false, nil
	}
	data, err := r.fileAt(ctx, j.Apply.Decision, a.SHA)
	if errors.Is(err, ghapi.ErrNotFound) { // nobody has the commit any more
		return false, nil
	}
	return err == nil && (sameFile(data, j.data) || sameDecision(data, j.data)), err
}

func approvals(n int) string {
	if n == 1 {
		return "1 approval is"
	}
	return fmt.Sprintf("%d approvals are", n)
}
