package ghapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v89/github"
)

// Approval is that of one reviewer.
type Approval struct {
	Login string
	SHA   string // the commit that was reviewed, which may not be the last one; empty: it is gone
}

// Approvals lists who approves of a pull request, by login: those whose latest
// review that decides anything (a comment does not) is an approval that was not
// dismissed. The author's own does not count, nor does one of somebody who may
// not write to the repository: everybody may review a public one.
func (c *Client) Approvals(ctx context.Context, repo string, number int) ([]Approval, error) {
	ctx, cancel, s, err := c.scope(ctx, repo, number)
	if err != nil {
		return nil, fmt.Errorf("read approvals of %s#%d: %w", repo, number, err)
	}
	defer cancel()
	approvals, e := s.approvals(ctx, number)
	if e != nil {
		return nil, fmt.Errorf("read approvals of %s#%d: %w", repo, number, withHint(e))
	}
	return approvals, nil
}

func (s scope) approvals(ctx context.Context, number int) ([]Approval, *Error) {
	pull, e := s.pull(ctx, number)
	if e != nil {
		return nil, e
	}
	reviews, e := list[*github.PullRequestReview]{
		k: s.call(http.MethodGet, "/pulls/%d/reviews", number),
		page: func(ctx context.Context, o github.ListOptions) ([]*github.PullRequestReview, *github.Response, error) {
			return s.c.gh.PullRequests.ListReviews(ctx, s.owner, s.name, number, &o)
		},
	}.all(ctx, s.p)
	if e != nil {
		return nil, e
	}
	latest := map[string]*github.PullRequestReview{} // GitHub lists the oldest first
	for _, r := range reviews {
		switch login := r.GetUser().GetLogin(); r.GetState() {
		case "APPROVED", "CHANGES_REQUESTED", "DISMISSED":
			if login != "" && !strings.EqualFold(login, pull.Author) {
				latest[strings.ToLower(login)] = r
			}
		}
	}
	out := []Approval{}
	for _, r := range latest {
		if r.GetState() != "APPROVED" {
			continue
		}
		may, e := s.mayWrite(ctx, r)
		if e != nil {
			return nil, e
		}
		if may {
			out = append(out, Approval{r.GetUser().GetLogin(), r.GetCommitID()})
		}
	}
	slices.SortFunc(out, func(a, b Approval) int { return strings.Compare(a.Login, b.Login) })
	return out, nil
}

// mayWrite tells whether a reviewer may write to the repository. GitHub tells
// that of people; of the few that it does not tell, the kind of their relation to
// the repository decides.
func (s scope) mayWrite(ctx context.Context, r *github.PullRequestReview) (bool, *Error) {
	login, may := r.GetUser().GetLogin(), false
	e := s.p.read(ctx, s.call(http.MethodGet, "/collaborators/%s/permission", login), func(ctx context.Context) error {
		level, _, err := s.c.gh.Repositories.GetPermissionLevel(ctx, s.owner, s.name, login)
		may = level.GetPermission() == "write" || level.GetPermission() == "admin" // maintain counts as write there
		return err
	})
	if e.is(ErrReadOnly) || e.is(ErrForbidden) || e.is(ErrNotFound) {
		return r.GetAuthorAssociation() == "OWNER" || r.GetAuthorAssociation() == "MEMBER" || r.GetAuthorAssociation() == "COLLABORATOR", nil
	}
	return may, e
}
