package ghapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v89/github"
)

// push puts a commit with the wanted changes on the branch.
func (u *proposer) push(ctx context.Context, s *scene, w *wanted) (progress, *Error) {
	base, e := u.root(ctx, s.base)
	if e != nil {
		return done, e
	}
	tree, e := u.write(ctx, base, w.changes)
	if e != nil {
		return done, e
	}
	var parents []*github.Commit
	if len(s.ahead) > 0 {
		parents = append(parents, &github.Commit{SHA: &s.head})
	}
	if len(s.ahead) == 0 || s.behind {
		parents = append(parents, &github.Commit{SHA: &s.base})
	}
	made, _, err := u.c.gh.Git.CreateCommit(ctx, u.owner, u.name, github.Commit{
		Message: &u.Message, Tree: &github.Tree{SHA: &tree}, Parents: parents,
	}, nil)
	if err == nil && !isSHA(made.GetSHA()) {
		err = errEmpty
	}
	if err != nil {
		return done, u.c.classify(u.call(http.MethodPost, "/git/commits"), err)
	}
	u.roots[made.GetSHA()] = tree
	var k call
	if s.head == "" {
		k = u.call(http.MethodPost, "/git/refs")
		_, _, err = u.c.gh.Git.CreateRef(ctx, u.owner, u.name, github.CreateRef{Ref: "refs/heads/" + u.Branch, SHA: made.GetSHA()})
	} else {
		k = u.call(http.MethodPatch, "/git/refs/heads/%s", u.Branch)
		_, _, err = u.c.gh.Git.UpdateRef(ctx, u.owner, u.name, "heads/"+u.Branch, github.UpdateRef{SHA: made.GetSHA(), Force: new(false)})
	}
	e = u.c.classify(k, err)
	u.pushed = u.pushed || e == nil || e.is(ErrUnavailable) // what the next round finds may be of this one
	return u.refused(e, s.head)
}

// refused turns the refusal of a step into "read again": GitHub says 409 and 422
// for a branch or a pull request that is no longer as it was read. What is refused
// again and again while the branch stays where it is, is an error.
func (u *proposer) refused(e *Error, head string) (progress, *Error) {
	if e == nil {
		return stepped, nil
	}
	if e.Status != http.StatusConflict && e.Status != http.StatusUnprocessableEntity || !e.is(ErrInvalid) {
		return done, e
	}
	if at := e.Path + head; at != u.stuckAt {
		u.stuckAt, u.stuck = at, 0
	}
	if u.stuck++; u.stuck >= maxStuck {
		return done, e
	}
	return outrun, nil
}

// open makes the pull request.
func (u *proposer) open(ctx context.Context, s *scene, w *wanted) (progress, *Error) {
	k := u.call(http.MethodPost, "/pulls")
	made, _, err := u.c.gh.PullRequests.Create(ctx, u.owner, u.name, &github.NewPullRequest{
		Title: &u.Title, Head: &u.Branch, Base: &u.Base, Body: &w.body, Draft: new(u.Draft && !u.noDraft),
	})
	if err == nil && made.GetNumber() == 0 {
		err = errEmpty
	}
	e := u.c.classify(k, err)
	text := ""
	if e != nil {
		text = strings.ToLower(e.Message)
	}
	switch {
	case e == nil, e.is(ErrUnavailable):
		u.posting, u.made = true, made.GetNumber()
	case e.is(ErrForbidden) && strings.Contains(text, "not permitted to create"):
		u.out.Operation, u.out.Blocked, u.out.CompareURL = "blocked", e.Message, u.compareURL()
		return done, nil
	case e.is(ErrInvalid) && strings.Contains(text, "no commits between") && u.stuck > 1:
		u.out.Operation = "none" // merged or taken back elsewhere, and the lists don't show it yet
		return done, nil
	case e.is(ErrInvalid) && u.Draft && !u.noDraft && strings.Contains(text, "draft"):
		u.noDraft = true
		u.warn(e)
		return stepped, nil
	}
	return u.refused(e, s.head)
}

// edit writes the body. It reads the body once more right before: the shorter that
// takes, the rarer does one job overwrite another's part.
func (u *proposer) edit(ctx context.Context, number int) (progress, *Error) {
	k := u.call(http.MethodPatch, "/pulls/%d", number)
	if u.edits++; u.edits > maxEdits {
		return done, &Error{Kind: ErrInvalid, Method: k.method, Path: k.path, Message: "the body changes as fast as it is read"}
	}
	now, e := u.pull(ctx, number)
	if e != nil {
		return done, e
	}
	body := u.Body(now.Body)
	if sameBody(body, now.Body) || utf8.RuneCountInString(body) > MaxCommentChars { // the next round says so
		return stepped, nil
	}
	_, _, err := u.c.gh.PullRequests.Edit(ctx, u.owner, u.name, number, &github.PullRequest{Body: &body})
	u.unsettled = true
	return stepped, u.c.classify(k, err)
}

// settle gives other jobs the time to overwrite the body with what they made of an
// older one.
func (u *proposer) settle(ctx context.Context) (progress, *Error) {
	u.unsettled = false
	if err := u.pause(ctx, settleTime, min(u.edits-1, 2)); err != nil {
		return done, u.c.classify(u.call(http.MethodGet, "/pulls"), err)
	}
	return stepped, nil
}

// close closes the pull request because nothing is left to propose.
func (u *proposer) close(ctx context.Context, s *scene) (progress, *Error) {
	// Whatever the answer is: the next round sees whether it is open.
	u.closed = &closing{number: s.open.GetNumber(), url: s.open.GetHTMLURL(), head: s.head}
	return u.refused(u.setState(ctx, u.closed.number, "closed"), s.head)
}

// reopen takes closing back, for another job pushed in the meantime. It can be
// refused: then somebody was faster, or merged it, and the next round sees that.
func (u *proposer) reopen(ctx context.Context) (progress, *Error) {
	e := u.setState(ctx, u.closed.number, "open")
	if e != nil && !e.is(ErrInvalid) {
		return done, e // once more, whatever became of it
	}
	u.closed = nil
	return stepped, nil
}

func (u *proposer) setState(ctx context.Context, number int, state string) *Error {
	_, _, err := u.c.gh.PullRequests.Edit(ctx, u.owner, u.name, number, &github.PullRequest{State: &state})
	return u.c.classify(u.call(http.MethodPatch, "/pulls/%d", number), err)
}

// label adds the labels that are missing: in an object, as GitHub describes it,
// not in go-github's bare list.
func (u *proposer) label(ctx context.Context, open *github.PullRequest) (progress, *Error) {
	k := u.call(http.MethodPost, "/issues/%d/labels", open.GetNumber())
	req, err := u.c.gh.NewRequest(ctx, k.method, strings.TrimPrefix(k.path, "/"), map[string][]string{"labels": u.missingLabels(open)})
	if err == nil {
		_, err = u.c.gh.Do(req, nil)
	}
	return u.extra(&u.labeled, u.c.classify(k, err))
}

// ask asks for reviews. To ask twice is to ask once, so an answer that got lost
// does no harm.
func (u *proposer) ask(ctx context.Context, open *github.PullRequest) (progress, *Error) {
	var r github.ReviewersRequest
	for _, who := range u.Reviewers {
		if _, team, ok := strings.Cut(who, "/"); ok {
			r.TeamReviewers = append(r.TeamReviewers, team)
		} else {
			r.Reviewers = append(r.Reviewers, who)
		}
	}
	_, _, err := u.c.gh.PullRequests.RequestReviewers(ctx, u.owner, u.name, open.GetNumber(), r)
	return u.extra(&u.asked, u.c.classify(u.call(http.MethodPost, "/pulls/%d/requested_reviewers", open.GetNumber()), err))
}

// extra ends a step that a proposal can do without: refused, it is a warning and
// not tried again. GitHub may refuse for a moment what names a pull request that
// it has just made.
func (u *proposer) extra(finished *bool, e *Error) (progress, *Error) {
	if e == nil {
		*finished = true
		return stepped, nil
	}
	if strings.Contains(strings.ToLower(e.Message), "could not resolve to a node") && u.unready < maxUnready {
		u.unready++
		u.stuck = u.unready
		return outrun, nil
	}
	if slices.ContainsFunc([]error{ErrReadOnly, ErrForbidden, ErrNotFound, ErrGone, ErrInvalid, ErrTooLong}, func(kind error) bool { return errors.Is(e, kind) }) {
		*finished = true
		u.warn(withHint(e))
		return stepped, nil
	}
	return done, e
}
