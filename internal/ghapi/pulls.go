package ghapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v89/github"
)

// maxPulls bounds how many pull requests of one branch are looked at.
const maxPulls = 1000

// Pull is a pull request.
type Pull struct {
	Number     int
	URL        string // for people
	Title      string
	Body       string
	State      string // "open" or "closed"
	Merged     bool
	MergeSHA   string // the commit that it became on its base; empty: not merged
	Draft      bool
	Author     string // login; empty: the account is gone
	HeadBranch string
	HeadSHA    string
	HeadRepo   string // owner/name; empty: the fork is gone
	BaseBranch string
	BaseSHA    string
	Labels     []string
	MergedAt   time.Time
	ClosedAt   time.Time
}

// Pull reads a pull request.
func (c *Client) Pull(ctx context.Context, repo string, number int) (Pull, error) {
	ctx, cancel, s, err := c.scope(ctx, repo, number)
	if err != nil {
		return Pull{}, fmt.Errorf("read pull request %s#%d: %w", repo, number, err)
	}
	defer cancel()
	p, e := s.pull(ctx, number)
	if e != nil {
		return Pull{}, fmt.Errorf("read pull request %s#%d: %w", repo, number, withHint(e))
	}
	return p, nil
}

func (s scope) pull(ctx context.Context, number int) (Pull, *Error) {
	var out Pull
	e := s.p.read(ctx, s.call(http.MethodGet, "/pulls/%d", number), func(ctx context.Context) error {
		p, _, err := s.c.gh.PullRequests.Get(ctx, s.owner, s.name, number)
		if err == nil && p.GetNumber() == 0 {
			err = errEmpty
		}
		if err == nil {
			out = pullOf(p)
		}
		return err
	})
	return out, e
}

// PullsOfCommit lists the pull requests that a commit belongs to: for a commit of
// the default branch the merged one that brought it there, whether by a merge, a
// squash or a rebase. It may lag some seconds behind a merge.
func (c *Client) PullsOfCommit(ctx context.Context, repo, sha string) ([]Pull, error) {
	pulls, err := c.pullsOfCommit(ctx, repo, sha)
	if err != nil {
		return nil, fmt.Errorf("list pull requests of commit %s of %s: %w", sha, repo, err)
	}
	return pulls, nil
}

func (c *Client) pullsOfCommit(ctx context.Context, repo, sha string) ([]Pull, error) {
	if !isSHA(sha) {
		return nil, fmt.Errorf("%q is no full commit id", sha)
	}
	ctx, cancel, s, err := c.scope(ctx, repo, noNumber)
	if err != nil {
		return nil, err
	}
	defer cancel()
	pulls, e := list[*github.PullRequest]{
		k: s.call(http.MethodGet, "/commits/%s/pulls", sha),
		page: func(ctx context.Context, o github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
			return c.gh.PullRequests.ListPullRequestsWithCommit(ctx, s.owner, s.name, sha, &o)
		},
	}.all(ctx, s.p)
	if e != nil {
		return nil, withHint(e)
	}
	return pullsOf(pulls), nil
}

// PullsOfBranch lists the pull requests from a branch of this repository, not of
// a fork, in a state ("open", "closed" or "all"): the newest first, at most a
// thousand.
func (c *Client) PullsOfBranch(ctx context.Context, repo, branch, state string) ([]Pull, error) {
	pulls, err := c.pullsOfBranch(ctx, repo, branch, state)
	if err != nil {
		return nil, fmt.Errorf("list pull requests of branch %s of %s: %w", branch, repo, err)
	}
	return pulls, nil
}

// Rejected lists the pull requests from a branch of this repository that were
// closed and not merged, the newest first: what was proposed there was declined.
// Those that Propose itself closed are among them; what they declined is what
// their body still says.
func (c *Client) Rejected(ctx context.Context, repo, branch string) ([]Pull, error) {
	pulls, err := c.PullsOfBranch(ctx, repo, branch, "closed")
	return slices.DeleteFunc(pulls, func(p Pull) bool { return p.Merged || p.State != "closed" }), err
}

func (c *Client) pullsOfBranch(ctx context.Context, repo, branch, state string) ([]Pull, error) {
	var err error
	if branch == "" {
		err = errors.New("the branch is empty")
	}
	if state != "open" && state != "closed" && state != "all" {
		err = errors.Join(err, fmt.Errorf("state %q: want open, closed or all", state))
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel, s, err := c.scope(ctx, repo, noNumber)
	if err != nil {
		return nil, err
	}
	defer cancel()
	pulls, e := s.pullsOfBranch(ctx, branch, state)
	if e != nil {
		return nil, withHint(e)
	}
	return pullsOf(pulls), nil
}

// pullsOfBranch filters again what GitHub filtered: it takes the owner only, and
// ignores a filter that it does not understand.
func (s scope) pullsOfBranch(ctx context.Context, branch, state string) ([]*github.PullRequest, *Error) {
	pulls, e := list[*github.PullRequest]{
		k: s.call(http.MethodGet, "/pulls"),
		page: func(ctx context.Context, o github.ListOptions) ([]*github.PullRequest, *github.Response, error) {
			return s.c.gh.PullRequests.List(ctx, s.owner, s.name, &github.PullRequestListOptions{
				State: state, Head: s.owner + ":" + branch, Sort: "created", Direction: "desc", ListOptions: o,
			})
		},
		enough: func(all []*github.PullRequest) bool { return len(all) >= maxPulls },
	}.all(ctx, s.p)
	if e != nil {
		return nil, e
	}
	pulls = slices.DeleteFunc(pulls, func(p *github.PullRequest) bool {
		return p.GetHead().GetRef() != branch || !s.sameRepo(p.GetHead().GetRepo().GetFullName())
	})
	slices.SortFunc(pulls, func(a, b *github.PullRequest) int { return cmp.Compare(b.GetNumber(), a.GetNumber()) })
	// A pull request that was opened between two pages is on both of them.
	return slices.CompactFunc(pulls, func(a, b *github.PullRequest) bool { return a.GetNumber() == b.GetNumber() }), nil
}

// PullFiles lists the paths that a pull request changes, sorted: of a file that
// was moved both. GitHub tells no more than 3,000.
func (c *Client) PullFiles(ctx context.Context, repo string, number int) ([]string, error) {
	ctx, cancel, s, err := c.scope(ctx, repo, number)
	if err != nil {
		return nil, fmt.Errorf("list files of %s#%d: %w", repo, number, err)
	}
	defer cancel()
	files, e := list[*github.CommitFile]{
		k: s.call(http.MethodGet, "/pulls/%d/files", number),
		page: func(ctx context.Context, o github.ListOptions) ([]*github.CommitFile, *github.Response, error) {
			return c.gh.PullRequests.ListFiles(ctx, s.owner, s.name, number, &o)
		},
	}.all(ctx, s.p)
	if e != nil {
		return nil, fmt.Errorf("list files of %s#%d: %w", repo, number, withHint(e))
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.GetFilename())
		if f.GetPreviousFilename() != "" {
			paths = append(paths, f.GetPreviousFilename())
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func pullsOf(in []*github.PullRequest) []Pull {
	out := make([]Pull, 0, len(in))
	for _, p := range in {
		if p != nil { // whatever a null among them means
			out = append(out, pullOf(p))
		}
	}
	return out
}

// pullOf reads the shape of one pull request and that of lists, which lacks
// "merged".
func pullOf(p *github.PullRequest) Pull {
	out := Pull{
		Number: p.GetNumber(), URL: p.GetHTMLURL(), Title: p.GetTitle(), Body: p.GetBody(), State: p.GetState(),
		Merged: p.GetMerged() || !p.GetMergedAt().IsZero(), Draft: p.GetDraft(), Author: p.GetUser().GetLogin(),
		HeadBranch: p.GetHead().GetRef(), HeadSHA: p.GetHead().GetSHA(), HeadRepo: p.GetHead().GetRepo().GetFullName(),
		BaseBranch: p.GetBase().GetRef(), BaseSHA: p.GetBase().GetSHA(),
		MergedAt: p.GetMergedAt().Time, ClosedAt: p.GetClosedAt().Time,
	}
	if out.Merged { // before that it is a trial merge
		out.MergeSHA = p.GetMergeCommitSHA()
	}
	for _, l := range p.Labels {
		out.Labels = append(out.Labels, l.GetName())
	}
	return out
}

// isSHA tells whether s is the full name of a git object, SHA-1 or SHA-256.
func isSHA(s string) bool {
	return (len(s) == 40 || len(s) == 64) && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}
