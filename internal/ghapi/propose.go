package ghapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v89/github"

	"github.com/fly-placer/fly-placer/internal/hint"
)

const (
	maxSteps   = 64              // rounds of one proposal: each job of a matrix can be outrun by every other
	maxStuck   = 5               // refusals of one step while nothing else moves
	maxUnready = 3               // refusals of what names a pull request that GitHub has just made
	maxEdits   = 12              // of the body, which parallel jobs edit too
	settleTime = 2 * time.Second // longer than the time between another job's reading of the body and its writing
)

// Propose makes one branch and one pull request carry the files, beside those of
// other runs. It is built for the jobs of a matrix, each with its own files, at
// the same time, and against a GitHub that loses answers:
//
// It works in rounds: read base, branch and pull request, do the one thing that is
// missing, read again, until a round finds nothing missing. Nothing is forced: a
// branch is only ever moved forward from where it was read, so a job that was
// outrun is refused, reads again and adds its files to what the other made.
//
// What the branch proposes are the files that differ between it and the commit
// where it left the base. A run replaces its own and keeps the others. A branch
// whose head is that of a closed pull request is a leftover, of a squash, a rebase
// or a refusal, and proposes nothing; the next commit goes on from it all the same.
//
//   - The tree of a commit is the base's with the files proposed; its parents are
//     the branch's head and, where the branch lacks it, the base's. A branch that
//     is new or has nothing of its own starts at the base. No author is given, so
//     that GitHub signs.
//   - A commit is made only when one of the run's own files is not as good as
//     wanted, or would not merge: neither noise nor a base that moved on costs a
//     review.
//   - When nothing differs from the base, the pull request is closed, then the
//     branch is looked at once more: if another job pushed meanwhile, it is opened
//     again. The comment follows only then.
//   - A branch with commits of anybody else is left alone, and a comment says so.
//     Commits that a merged pull request brought to the base don't count, nor does
//     a plain merge of the base.
//   - The body is written only if it differs, and read again some seconds later:
//     GitHub has no way to refuse the edit of an outdated text, so every job puts
//     its part back until it stays.
//
// Nothing is written when the request is wrong or the body would be longer than
// GitHub takes ([ErrTooLong]). An error can leave a part done; another run goes on
// from there.
func (c *Client) Propose(ctx context.Context, r ProposalRequest) (Proposal, error) {
	out, err := c.propose(ctx, r)
	if err != nil {
		return out, fmt.Errorf("propose on branch %s of %s: %w", r.Branch, r.Repo, err)
	}
	return out, nil
}

func (c *Client) propose(ctx context.Context, r ProposalRequest) (Proposal, error) {
	if err := r.validate(); err != nil {
		return Proposal{}, err
	}
	ctx, cancel, s, err := c.scope(ctx, r.Repo, noNumber)
	if err != nil {
		return Proposal{}, err
	}
	defer cancel()
	repository, e := s.repository(ctx)
	if e != nil {
		return Proposal{}, withHint(e)
	}
	if r.Base == "" {
		r.Base = repository.DefaultBranch
	}
	if r.Base == r.Branch {
		return Proposal{}, hint.Wrap(fmt.Errorf("branch %q is also the base", r.Branch), "set another base")
	}
	u := &proposer{objects: newObjects(s), ProposalRequest: r, web: repository.URL}
	err = u.run(ctx)
	return u.out, err
}

// proposer is the state of one Propose.
type proposer struct {
	*objects
	ProposalRequest
	web string // address of the repository for people
	out Proposal

	pushed    bool // a commit of this call is on the branch
	posting   bool // a pull request was asked for; whether it was made may be open
	made      int  // its number, where GitHub told; lists may lag behind
	created   bool // the pull request is this call's
	closed    *closing
	edits     int  // of the body
	unsettled bool // the body was written and not yet looked at after a while
	stuck     int  // refusals in a row while nothing else moved
	stuckAt   string
	unready   int  // refusals because GitHub did not know its own pull request yet
	noDraft   bool // drafts are refused here
	labeled   bool // nothing more to do about labels
	asked     bool // nor about reviewers
}

// closing is the pull request that this call closed, and on what ground.
type closing struct {
	number int
	url    string
	head   string // of the branch when nothing was left to propose
}

// progress is what a round did.
type progress int

const (
	done    progress = iota // nothing is missing
	stepped                 // something was done: read again
	outrun                  // GitHub refused a step because of what others did: read again, somewhat later
)

// run does rounds until one has nothing to do.
func (u *proposer) run(ctx context.Context) error {
	for n, failures := 0, 0; n < maxSteps; n++ {
		p, wrote, err := u.round(ctx)
		var e *Error
		switch {
		case err == nil && p == done:
			return nil
		case err == nil && p == stepped:
			failures = 0
		case err == nil: // outrun
			if err := u.pause(ctx, 250*time.Millisecond, u.stuck); err != nil {
				return err
			}
		case !errors.As(err, &e) || !wrote || !u.p.wait(ctx, e, failures):
			return err
		default:
			failures++
		}
	}
	return hint.Wrap(errors.New("branch and pull request change as fast as they are read"), "see what else writes to them")
}

// pause waits d, doubled for each time that it was in vain, and up to as long
// again, so that the jobs of a matrix come apart.
func (u *proposer) pause(ctx context.Context, d time.Duration, inVain int) error {
	d <<= min(inVain, 5)
	return u.c.sleep(ctx, d+time.Duration(float64(d)*u.c.jitter()))
}

// round reads everything and takes at most one step. wrote tells that an error
// came of a write, so that another round may help.
func (u *proposer) round(ctx context.Context) (p progress, wrote bool, err error) {
	s, e := u.look(ctx)
	if e != nil {
		return done, false, withHint(e)
	}
	u.note(s)
	if len(s.foreign) > 0 {
		return done, false, u.leave(ctx, s)
	}
	w, err := u.want(ctx, s)
	if err != nil {
		return done, false, err
	}
	step := u.next(s, w)
	if step == nil {
		return done, false, u.finish(ctx, s, w)
	}
	p, e = step(ctx)
	if e != nil {
		return p, true, withHint(e)
	}
	if p != outrun {
		u.stuck = 0
	}
	return p, true, nil
}

// note keeps what the result tells of a scene.
func (u *proposer) note(s *scene) {
	u.out.HeadSHA = s.head
	if s.open == nil {
		return
	}
	u.closed = nil // it is open again, or the answer that said so was wrong
	if u.posting && u.out.Number != s.open.GetNumber() {
		u.created = true
	}
	u.out.Number, u.out.URL = s.open.GetNumber(), s.open.GetHTMLURL()
}

// next returns the one thing that is missing; nil: nothing is.
func (u *proposer) next(s *scene, w *wanted) func(context.Context) (progress, *Error) {
	switch open := s.open; {
	case u.closed != nil && open == nil && s.head != "" && s.head != u.closed.head:
		return u.reopen
	case u.closed != nil && open == nil:
		return nil
	case w.commit && (w.differs || open == nil):
		return func(ctx context.Context) (progress, *Error) { return u.push(ctx, s, w) }
	case open == nil && w.differs:
		return func(ctx context.Context) (progress, *Error) { return u.open(ctx, s, w) }
	case open == nil:
		return nil
	case !sameBody(w.body, open.GetBody()):
		return func(ctx context.Context) (progress, *Error) { return u.edit(ctx, open.GetNumber()) }
	case u.unsettled:
		return u.settle
	case !w.differs:
		return func(ctx context.Context) (progress, *Error) { return u.close(ctx, s) }
	case !u.labeled && len(u.missingLabels(open)) > 0:
		return func(ctx context.Context) (progress, *Error) { return u.label(ctx, open) }
	case u.created && !u.asked && len(u.Reviewers) > 0:
		return func(ctx context.Context) (progress, *Error) { return u.ask(ctx, open) }
	}
	return nil
}

// missingLabels are those of the request that a pull request lacks; GitHub
// ignores case in them.
func (u *proposer) missingLabels(open *github.PullRequest) []string {
	var missing []string
	for _, want := range u.Labels {
		if !slices.ContainsFunc(open.Labels, func(l *github.Label) bool { return strings.EqualFold(l.GetName(), want) }) {
			missing = append(missing, want)
		}
	}
	return missing
}
