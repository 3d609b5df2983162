package ghapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v89/github"
)

// trailer begins the line of a commit message that says that Fly Placer made it.
const trailer = "Fly-Placer:"

// webFlow is whom GitHub names as the committer of what it commits for others.
const webFlow = "web-flow"

// scene is what one round of a proposal found: base, branch and pull request, and
// how the branch relates to the base.
type scene struct {
	base, head string              // commits; head "": there is no branch
	open       *github.PullRequest // of the branch into the base; nil: none
	fork       string              // the merge base; "" without a branch
	ahead      []*github.RepositoryCommit
	behind     bool // the base has commits that the branch lacks
	// stale says that the branch is what a closed pull request left behind: its
	// files were merged or declined and are proposed no longer.
	stale   bool
	foreign []*github.RepositoryCommit // commits of others, oldest first
}

// alive tells whether the branch proposes anything.
func (s *scene) alive() bool { return s.head != "" && !s.stale && len(s.ahead) > 0 }

// look reads the scene. The branch is read before the pull requests: one that
// closes in between is found closed at a head that is then seen, not the reverse.
func (u *proposer) look(ctx context.Context) (*scene, *Error) {
	s := &scene{}
	var e *Error
	if s.base, e = u.ref(ctx, u.Base); e != nil {
		return nil, e
	}
	if s.head, e = u.ref(ctx, u.Branch); e != nil && !e.is(ErrNotFound) {
		return nil, e
	}
	open, e := u.pullsOfBranch(ctx, u.Branch, "open")
	if e != nil {
		return nil, e
	}
	for _, p := range open {
		if p.GetBase().GetRef() == u.Base {
			s.open = p
			break
		}
	}
	if s.open == nil && u.made != 0 {
		if s.open, e = u.still(ctx, u.made); e != nil {
			return nil, e
		}
	}
	if s.head == "" {
		return s, nil
	}
	if e := u.compare(ctx, s); e != nil {
		return nil, e
	}
	if s.foreign, e = u.foreign(ctx, s.ahead); e != nil {
		return nil, e
	}
	if s.open != nil && len(s.foreign) == 0 {
		return s, nil
	}
	closed, e := u.pullsOfBranch(ctx, u.Branch, "closed")
	if e != nil {
		return nil, e
	}
	for _, p := range closed {
		if s.open == nil && p.GetHead().GetSHA() == s.head {
			s.stale = true
		}
	}
	s.foreign = unsettled(s, closed)
	return s, nil
}

// still returns a pull request of this call if it is open.
func (u *proposer) still(ctx context.Context, number int) (open *github.PullRequest, e *Error) {
	e = u.p.read(ctx, u.call(http.MethodGet, "/pulls/%d", number), func(ctx context.Context) error {
		p, _, err := u.c.gh.PullRequests.Get(ctx, u.owner, u.name, number)
		if err == nil && p.GetNumber() == 0 {
			err = errEmpty
		}
		open = nil
		if p.GetState() == "open" {
			open = p
		}
		return err
	})
	return open, e
}

// compare reads where branch and base parted, and the commits of the branch since.
func (u *proposer) compare(ctx context.Context, s *scene) *Error {
	var last *github.CommitsComparison
	commits, e := list[*github.RepositoryCommit]{
		k: u.call(http.MethodGet, "/compare/%s...%s", s.base, s.head),
		page: func(ctx context.Context, o github.ListOptions) ([]*github.RepositoryCommit, *github.Response, error) {
			c, resp, err := u.c.gh.Repositories.CompareCommits(ctx, u.owner, u.name, s.base, s.head, &o)
			if err == nil && (!isSHA(c.GetMergeBaseCommit().GetSHA()) || slices.Contains(c.Commits, nil)) {
				err = errEmpty
			}
			if err != nil {
				return nil, resp, err
			}
			last = c
			return append([]*github.RepositoryCommit{}, c.Commits...), resp, nil
		},
	}.all(ctx, u.p)
	if e != nil {
		return e
	}
	s.fork, s.behind, s.ahead = last.GetMergeBaseCommit().GetSHA(), last.GetBehindBy() > 0, commits
	for _, c := range append(commits, last.GetMergeBaseCommit(), last.GetBaseCommit()) {
		if tree := c.GetCommit().GetTree().GetSHA(); c.GetSHA() != "" && tree != "" {
			u.roots[c.GetSHA()] = tree
		}
	}
	return nil
}

// foreign returns the commits that Fly Placer did not make.
func (u *proposer) foreign(ctx context.Context, ahead []*github.RepositoryCommit) ([]*github.RepositoryCommit, *Error) {
	if len(ahead) == 0 {
		return nil, nil
	}
	login, e := u.c.whoami(ctx, u.p)
	if e != nil {
		return nil, e
	}
	var out []*github.RepositoryCommit
	for _, c := range ahead {
		if ours(c, login) {
			continue
		}
		update, e := u.isUpdate(ctx, c, ahead)
		if e != nil {
			return nil, e
		}
		if !update {
			out = append(out, c)
		}
	}
	return out, nil
}

// ours tells whether Fly Placer made a commit: author and trailer say so, and
// nobody else committed it again, as an amended or rebased one: the committer is
// the author, or GitHub, which an Enterprise Server has no account for, but signs.
// Where GitHub does not tell whose the token is, any bot will do.
func ours(c *github.RepositoryCommit, login string) bool {
	author, committer := c.GetAuthor(), c.GetCommitter().GetLogin()
	switch {
	case author.GetLogin() == "", !hasTrailer(c.GetCommit().GetMessage()):
		return false
	case committer == "" && !c.GetCommit().GetVerification().GetVerified():
		return false
	case committer != "" && committer != webFlow && !strings.EqualFold(committer, author.GetLogin()):
		return false
	case login == "":
		return author.GetType() == "Bot"
	}
	return wroteBy(login, author)
}

// hasTrailer tells whether the last paragraph of a message has our trailer.
func hasTrailer(message string) bool {
	message = strings.TrimRight(strings.ReplaceAll(message, "\r\n", "\n"), " \t\n")
	if i := strings.LastIndex(message, "\n\n"); i >= 0 {
		message = message[i+2:]
	} else {
		return false // the subject is no trailer
	}
	for line := range strings.Lines(message) {
		if rest, ok := strings.CutPrefix(line, trailer); ok && strings.TrimSpace(rest) != "" {
			return true
		}
	}
	return false
}

// isUpdate tells whether a commit is GitHub's merge of the base into the branch
// ("Update branch") that changes nothing beyond: what it has other than the base
// is what the branch had there before.
func (u *proposer) isUpdate(ctx context.Context, c *github.RepositoryCommit, ahead []*github.RepositoryCommit) (bool, *Error) {
	if len(c.Parents) != 2 || c.GetCommitter().GetLogin() != webFlow {
		return false, nil
	}
	branch, base := c.Parents[0].GetSHA(), c.Parents[1].GetSHA()
	for _, a := range ahead {
		if a.GetSHA() == base {
			return false, nil // not of the base, but of another branch
		}
	}
	var roots [3]string
	for i, sha := range []string{c.GetSHA(), branch, base} {
		var e *Error
		if roots[i], e = u.root(ctx, sha); e != nil {
			return false, e
		}
	}
	merged, e := u.diff(ctx, roots[2], roots[0])
	if e != nil {
		return false, e
	}
	for name, n := range merged {
		before, e := u.at(ctx, roots[1], name)
		if e != nil || before != n {
			return false, e
		}
	}
	return true, nil
}

// unsettled drops the foreign commits that a merged pull request of the branch
// brought to its base, by a squash or a rebase that left the branch behind.
func unsettled(s *scene, closed []*github.PullRequest) []*github.RepositoryCommit {
	parents := map[string][]*github.Commit{}
	for _, c := range s.ahead {
		parents[c.GetSHA()] = c.Parents
	}
	settled := map[string]bool{}
	var settle func(sha string)
	settle = func(sha string) {
		if _, known := parents[sha]; !known || settled[sha] {
			return
		}
		settled[sha] = true
		for _, p := range parents[sha] {
			settle(p.GetSHA())
		}
	}
	for _, p := range closed {
		if !p.GetMergedAt().IsZero() {
			settle(p.GetHead().GetSHA())
		}
	}
	var out []*github.RepositoryCommit
	for _, c := range s.foreign {
		if !settled[c.GetSHA()] {
			out = append(out, c)
		}
	}
	return out
}
