package ghapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-github/v89/github"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// A Probe is what GitHub tells about a token and a repository while nothing is
// written. Each question can fail by itself.
type Probe struct {
	// Login is who the token belongs to; "" where GitHub does not tell. App tells
	// that it is a workflow's or an App's.
	Login    string
	App      bool
	LoginErr error

	// Branch is the repository's default branch.
	Branch            string
	Private, Archived bool
	// Push tells that the person whose token it is may push, which says nothing
	// about the token itself. Scopes are those of a classic token of a person; nil
	// for any other.
	Push    bool
	Scopes  []string
	RepoErr error

	// ContentsErr and PullsErr say why the files and the pull requests cannot be
	// read; nil when they can.
	ContentsErr, PullsErr error

	// ActionsPulls is the setting "Allow GitHub Actions to create and approve pull
	// requests". Only who administers the repository may read it.
	ActionsPulls bool
	SettingErr   error
}

// Write tells whether the token may push and open pull requests, as far as that
// is known: GitHub does not tell what a workflow's token, an App's or a
// fine-grained one was granted.
func (p Probe) Write() (may, known bool) {
	switch {
	case p.RepoErr != nil || p.App:
		return false, false
	case !p.Push:
		return false, true
	case p.Scopes != nil:
		return slices.Contains(p.Scopes, "repo") || !p.Private && slices.Contains(p.Scopes, "public_repo"), true
	}
	return false, false
}

// Probe asks all that a Probe has about repo, owner/name, at once.
func (c *Client) Probe(ctx context.Context, repo string) Probe {
	owner, name, err := splitRepo(repo)
	if err != nil {
		return Probe{RepoErr: err, LoginErr: err, ContentsErr: err, PullsErr: err, SettingErr: err}
	}
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	var p Probe
	path := fmt.Sprintf("/repos/%s/%s", owner, name)
	ask := func(path string, send func(context.Context) error) error {
		return hinted(c.patience().read(ctx, call{http.MethodGet, path}, send))
	}
	var all sync.WaitGroup
	all.Go(func() {
		var e *Error
		p.Login, e = c.whoami(ctx, c.patience())
		p.Login, p.LoginErr = c.clean(p.Login), hinted(e)
		p.App = strings.HasPrefix(c.token.Reveal(), "ghs_") || strings.HasSuffix(p.Login, "[bot]")
	})
	all.Go(func() {
		p.RepoErr = ask(path, func(ctx context.Context) error {
			r, resp, err := c.gh.Repositories.Get(ctx, owner, name)
			if err == nil && r.GetDefaultBranch() == "" {
				err = errEmpty
			}
			if err == nil {
				p.Branch, p.Private, p.Archived = c.clean(r.GetDefaultBranch()), r.GetPrivate(), r.GetArchived()
				p.Push, p.Scopes = r.GetPermissions().GetPush(), scopesOf(resp.Header)
			}
			return err
		})
	})
	all.Go(func() {
		r := reader{c: c, p: c.patience(), owner: owner, name: name}
		_, _, e := r.get(ctx, "")
		p.ContentsErr = hinted(e)
	})
	all.Go(func() {
		p.PullsErr = ask(path+"/pulls", func(ctx context.Context) error {
			_, _, err := c.gh.PullRequests.List(ctx, owner, name, &github.PullRequestListOptions{ListOptions: github.ListOptions{PerPage: 1}})
			return err
		})
	})
	all.Go(func() {
		p.SettingErr = ask(path+"/actions/permissions/workflow", func(ctx context.Context) error {
			set, _, err := c.gh.Repositories.GetDefaultWorkflowPermissions(ctx, owner, name)
			if err == nil && (set == nil || set.CanApprovePullRequestReviews == nil) {
				err = errEmpty
			}
			if err == nil {
				p.ActionsPulls = *set.CanApprovePullRequestReviews
			}
			return err
		})
	})
	all.Wait()
	return p
}

// hinted is withHint for what may be no error at all.
func hinted(e *Error) error {
	switch {
	case e == nil:
		return nil
	case e.is(ErrNotFound):
		return hint.Wrap(e, "check the repository's name, and that the token may see it: GitHub also says 404 for what it may not")
	}
	return withHint(e)
}

// scopesOf reads the scopes that GitHub names for a classic token, which may be
// none; nil where it names no scopes at all.
func scopesOf(h http.Header) []string {
	values, named := h[http.CanonicalHeaderKey("X-OAuth-Scopes")]
	if !named {
		return nil
	}
	return strings.FieldsFunc(strings.Join(values, ","), func(r rune) bool { return r == ',' || r == ' ' })
}
