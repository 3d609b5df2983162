package ghapi

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// finish tells what came of it.
func (u *proposer) finish(ctx context.Context, s *scene, w *wanted) error {
	switch {
	case s.open == nil && u.closed != nil:
		return u.finishClosed(ctx)
	case s.open == nil:
		u.out.Operation, u.out.Number, u.out.URL = "none", 0, ""
	case u.created:
		u.out.Operation = "created"
	case u.pushed:
		u.out.Operation = "updated"
	default:
		u.out.Operation = "unchanged"
	}
	return nil
}

// finishClosed says so on the pull request that this call closed, unless somebody
// merged it first.
func (u *proposer) finishClosed(ctx context.Context) error {
	p, e := u.pull(ctx, u.closed.number)
	if e != nil {
		return withHint(e)
	}
	if p.Merged {
		u.out.Operation, u.out.Number, u.out.URL = "none", 0, ""
		return nil
	}
	u.out.Operation, u.out.Number, u.out.URL = "closed", u.closed.number, u.closed.url
	return u.comment(ctx, u.closed.number, "proposal-closed", u.Closing)
}

// leave comments on a branch that others pushed to.
func (u *proposer) leave(ctx context.Context, s *scene) error {
	u.out.Operation = "none"
	var by []string
	for _, c := range s.foreign {
		u.out.Touched = append(u.out.Touched, c.GetSHA())
		if len(by) < 10 {
			who := "somebody whom GitHub does not know"
			if login := c.GetAuthor().GetLogin(); login != "" {
				who = "`" + strings.ReplaceAll(login, "`", "") + "`"
			}
			by = append(by, c.GetSHA()+" by "+who)
		}
	}
	if more := len(s.foreign) - len(by); more > 0 {
		by = append(by, fmt.Sprintf("and %d more", more))
	}
	if s.open == nil {
		return nil
	}
	return u.comment(ctx, s.open.GetNumber(), "proposal-touched", "Fly Placer leaves this branch alone: it has commits that Fly Placer did not make.\n\n- "+
		strings.Join(by, "\n- ")+"\n\nMerge this pull request, or close it and delete its branch; then Fly Placer proposes again when there is something to propose.")
}

// comment keeps one comment of a key on the pull request. That it cannot is a
// warning: the comment is not what was asked for.
func (u *proposer) comment(ctx context.Context, number int, key, body string) error {
	if body == "" {
		return nil
	}
	_, err := u.c.UpsertComment(ctx, UpsertRequest{Repo: u.Repo, Number: number, Key: key, Body: body})
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		u.warn(err)
	}
	return nil
}

func (u *proposer) warn(err error) {
	text := strings.Join(append([]string{err.Error()}, hint.Of(err)...), "; ")
	if !slices.Contains(u.out.Warnings, text) {
		u.out.Warnings = append(u.out.Warnings, text)
	}
}

// compareURL is the page on which a person can open the pull request.
func (u *proposer) compareURL() string {
	q := url.Values{"expand": {"1"}, "title": {u.Title}}
	path := (&url.URL{Path: "/compare/" + u.Base + "..." + u.Branch}).EscapedPath()
	return u.web + path + "?" + q.Encode()
}
