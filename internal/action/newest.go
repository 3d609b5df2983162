package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/report"
)

// GitHub may take some seconds until it tells everybody of a push.
const (
	lags    = 3
	lagTime = 2 * time.Second
)

func (r *run) lag(ctx context.Context) error { return (clock{r.Process}).Sleep(ctx, lagTime) }

// newest returns the last commit of the default branch. It may be a later one
// than the push brought: runs wait for one another, and anybody who may write can
// run an old one again.
func (r *run) newest(ctx context.Context, gh *ghapi.Client) (string, error) {
	for n := 0; ; n++ {
		head, err := gh.Head(ctx, r.runner.Repository, r.runner.event.Repository.DefaultBranch)
		if err != nil || head != r.runner.event.Before || n == lags {
			return head, err
		}
		if err := r.lag(ctx); err != nil {
			return "", err
		}
	}
}

// goByNewest takes the policy as the default branch has it at head, if it was
// changed since the push: what it excludes now is not opened any more.
func (r *run) goByNewest(ctx context.Context, head string) error {
	name := r.inRepo(r.cfg.PolicyPath)
	if head == r.runner.event.After || !fs.ValidPath(name) {
		return nil
	}
	now, err := r.fileAt(ctx, name, head)
	if err != nil || sameFile(now, r.policy) {
		return err
	}
	then, err := r.fileAt(ctx, name, r.runner.event.After)
	if err != nil || sameFile(now, then) { // the workspace has one of its own
		return err
	}
	r.tell(levelNotice, "this goes by "+name+" as it is now: it was changed since the push", "")
	r.policy = now
	r.cfg, err = r.inputs.WithPolicy(now, r.cfg.PolicyPath)
	return err
}

// An overtaken decision is not that of the default branch any more.
type overtaken struct {
	branch, file string
	gone         bool
}

func (o *overtaken) Error() string {
	if o.gone {
		return o.branch + " has no " + o.file + " any more"
	}
	return o.branch + " has another " + o.file + " by now"
}

// stands returns an error unless what a push decides is still to be made real.
// What was no push stands.
func (r *run) stands(ctx context.Context, j *job) error {
	if !j.pushed {
		return nil
	}
	gh, err := r.github(r.cfg.GitHubToken)
	if err != nil {
		return err
	}
	head, err := r.newest(ctx, gh)
	if err != nil {
		return fmt.Errorf("find out whether the decision still stands: %w", err)
	}
	return r.overtaken(ctx, j, head)
}

// overtaken returns an error if the file is another one at a later commit than the
// push: it was edited, deleted or brought back.
func (r *run) overtaken(ctx context.Context, j *job, head string) error {
	if !j.pushed || head == r.runner.event.After {
		return nil
	}
	now, err := r.fileAt(ctx, j.Apply.Decision, head)
	if err != nil {
		return fmt.Errorf("find out whether the decision still stands: %w", err)
	}
	if sameFile(now, j.data) || sameDecision(now, j.data) {
		return nil
	}
	return hint.Wrap(&overtaken{r.runner.event.Repository.DefaultBranch, j.Apply.Decision, now == nil},
		"if what it decides does not run yet, run again the workflow of the push that changed it last")
}

// sameFile tells whether two files are the same, or both are not there.
func sameFile(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// sameDecision tells whether two files decide the same: when it was decided, and
// what is written beside it, is no reason to decide again.
func sameDecision(a, b []byte) bool {
	one, errOne := decision.Parse("", a, region.Catalog{})
	other, errOther := decision.Parse("", b, region.Catalog{})
	return errOne == nil && errOther == nil && one.Sum() == other.Sum()
}

// outdated is the result for a decision that does not stand, or about which nobody
// knows that.
func outdated(res report.Result, err error) report.Result {
	res = failed(res, err)
	if errors.As(err, new(*overtaken)) {
		res.Outcome = report.Stale
	}
	return res
}
