package ghapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Repository is what GitHub tells about a repository.
type Repository struct {
	FullName      string // owner/name as GitHub spells it
	DefaultBranch string
	URL           string // for people
	Private       bool
	Archived      bool
	Fork          bool
}

// Repository reads what GitHub tells about a repository.
func (c *Client) Repository(ctx context.Context, repo string) (Repository, error) {
	ctx, cancel, s, err := c.scope(ctx, repo, noNumber)
	if err != nil {
		return Repository{}, fmt.Errorf("read repository %s: %w", repo, err)
	}
	defer cancel()
	out, e := s.repository(ctx)
	if e != nil {
		return Repository{}, fmt.Errorf("read repository %s: %w", repo, withHint(e))
	}
	return out, nil
}

func (s scope) repository(ctx context.Context) (Repository, *Error) {
	var out Repository
	e := s.p.read(ctx, s.call(http.MethodGet, ""), func(ctx context.Context) error {
		r, _, err := s.c.gh.Repositories.Get(ctx, s.owner, s.name)
		if err == nil && r.GetDefaultBranch() == "" {
			err = errEmpty
		}
		if err == nil {
			out = Repository{
				FullName: r.GetFullName(), DefaultBranch: r.GetDefaultBranch(), URL: r.GetHTMLURL(),
				Private: r.GetPrivate(), Archived: r.GetArchived(), Fork: r.GetFork(),
			}
		}
		return err
	})
	return out, e
}

// Head returns the last commit of a branch.
func (c *Client) Head(ctx context.Context, repo, branch string) (string, error) {
	ctx, cancel, s, err := c.scope(ctx, repo, noNumber)
	if err == nil && !validBranch(branch) {
		err = fmt.Errorf("branch %q: not a name of a branch", branch)
	}
	if err != nil {
		return "", fmt.Errorf("read branch %s of %s: %w", branch, repo, err)
	}
	defer cancel()
	sha, e := s.ref(ctx, branch)
	if e != nil {
		return "", fmt.Errorf("read branch %s of %s: %w", branch, repo, withHint(e))
	}
	return sha, nil
}

// ref returns the commit of a branch.
func (s scope) ref(ctx context.Context, branch string) (string, *Error) {
	sha := ""
	e := s.p.read(ctx, s.call(http.MethodGet, "/git/ref/heads/%s", branch), func(ctx context.Context) error {
		r, _, err := s.c.gh.Git.GetRef(ctx, s.owner, s.name, "heads/"+branch)
		if err == nil && !isSHA(r.GetObject().GetSHA()) {
			err = errEmpty
		}
		sha = r.GetObject().GetSHA()
		return err
	})
	return sha, e
}

// scope is a repository, and the patience of one call of the client.
type scope struct {
	c           *Client
	p           *patience
	owner, name string
}

// scope takes owner/name apart and checks the number of a pull request that goes
// with it; the caller ends the context that it returns.
func (c *Client) scope(ctx context.Context, repo string, number int) (context.Context, context.CancelFunc, scope, error) {
	owner, name, err := splitRepo(repo)
	if number <= 0 {
		err = errors.Join(err, fmt.Errorf("number %d: want that of a pull request", number))
	}
	if err != nil {
		return nil, nil, scope{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	return ctx, cancel, scope{c: c, p: c.patience(), owner: owner, name: name}, nil
}

// noNumber is for calls that are not about one pull request.
const noNumber = 1

func (s scope) call(method, format string, args ...any) call {
	return call{method, fmt.Sprintf("/repos/%s/%s", s.owner, s.name) + fmt.Sprintf(format, args...)}
}

// sameRepo tells whether a repository is this one, under GitHub's rule for case.
func (s scope) sameRepo(full string) bool { return strings.EqualFold(full, s.owner+"/"+s.name) }
