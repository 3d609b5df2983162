package ghapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"github.com/google/go-github/v89/github"
)

// Version is a file as one commit left it.
type Version struct {
	SHA   string // of the commit
	Data  []byte
	Found bool // false: the commit deleted the file
}

// Versions reads the versions of a file on the history of a ref, the newest
// first, at most so many: the first is what the ref has now. It follows merges
// as git does, so the versions of a branch that was merged with a merge commit
// are among them.
func (c *Client) Versions(ctx context.Context, repo, ref, path string, most int) ([]Version, error) {
	versions, err := c.versions(ctx, repo, ref, path, most)
	if err != nil {
		return nil, fmt.Errorf("read versions of %s of %s at %s: %w", path, repo, nameOfRef(ref), err)
	}
	return versions, nil
}

func (c *Client) versions(ctx context.Context, repo, ref, path string, most int) ([]Version, error) {
	if !fs.ValidPath(path) || path == "." { // GitHub would list every commit
		return nil, fmt.Errorf("path %q: want one from the root of the repository, without . and .. in it", path)
	}
	if most <= 0 {
		return nil, errors.New("the number of versions is not positive")
	}
	ctx, cancel, s, err := c.scope(ctx, repo, noNumber)
	if err != nil {
		return nil, err
	}
	defer cancel()
	commits, e := list[*github.RepositoryCommit]{
		k: s.call(http.MethodGet, "/commits"),
		page: func(ctx context.Context, o github.ListOptions) ([]*github.RepositoryCommit, *github.Response, error) {
			o.PerPage = min(most, perPage)
			return c.gh.Repositories.ListCommits(ctx, s.owner, s.name, &github.CommitsListOptions{SHA: ref, Path: path, ListOptions: o})
		},
		enough: func(all []*github.RepositoryCommit) bool { return len(all) >= most },
	}.all(ctx, s.p)
	if e != nil {
		return nil, withHint(e)
	}
	var out []Version
	for _, commit := range commits[:min(most, len(commits))] {
		if !isSHA(commit.GetSHA()) {
			return nil, errors.New("GitHub lists a commit without an id")
		}
		data, found, err := c.readFile(ctx, repo, path, commit.GetSHA())
		if err != nil {
			return nil, fmt.Errorf("at commit %s: %w", commit.GetSHA(), err)
		}
		out = append(out, Version{SHA: commit.GetSHA(), Data: data, Found: found})
	}
	return out, nil
}
