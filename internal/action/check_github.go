package action

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/report"
)

const (
	whatGitHubToken = "`github-token`"
	// settingName is where the setting is that a proposal of GITHUB_TOKEN needs.
	settingName = `Settings → Actions → General → Workflow permissions → "Allow GitHub Actions to create and approve pull requests"`
)

// github tells what of the repository can be reached. At a desk nobody is asked
// unless there is a token, or something is to be proposed.
func (c *checkup) github(ctx context.Context) []report.Check {
	l := about("GitHub")
	repo := c.runner.Repository
	switch {
	case c.cfg.GitHubToken.IsZero() && c.proposes():
		l.fail(whatGitHubToken, "set the input github-token, or the variable GITHUB_TOKEN", "not set, so nothing can be proposed")
	case c.cfg.GitHubToken.IsZero() && c.runner.on:
		l.unknown(whatGitHubToken, "the default, ${{ github.token }}, will do", "not set, so there are no comments")
	}
	if c.cfg.GitHubToken.IsZero() {
		return []report.Check{l.Check}
	}
	if repo == "" {
		if c.proposes() {
			l.fail("repository", "set GITHUB_REPOSITORY to owner/name", "nobody says which")
		} else {
			l.unknown("repository", "set GITHUB_REPOSITORY to owner/name if you want it checked", "nobody says which")
		}
		return []report.Check{l.Check}
	}
	gh, err := ghapi.New(ghapi.Options{
		APIURL: c.runner.APIURL, Token: c.cfg.GitHubToken.Reveal(), UserAgent: c.userAgent(), Now: c.Now,
		Timeout: 10 * time.Second, Budget: 2 * time.Second,
	})
	if err != nil {
		l.wrong(whatGitHubToken, err, "correct it")
		return []report.Check{l.Check}
	}
	p := gh.Probe(ctx, repo)
	if !c.githubReached(l, p) {
		return []report.Check{l.Check}
	}
	c.readLines(l, p)
	c.writeLines(l, p)
	c.settingLine(l, p)
	return []report.Check{l.Check}
}

// githubReached tells whose the token is, and whether there is more to say.
func (c *checkup) githubReached(l *lines, p ghapi.Probe) bool {
	for _, err := range []error{p.RepoErr, p.LoginErr} {
		switch {
		case errors.Is(err, ghapi.ErrUnauthorized):
			l.wrong(whatGitHubToken, err, "")
			return false
		case errors.Is(err, ghapi.ErrUnavailable), errors.Is(err, ghapi.ErrRateLimited):
			l.wrong(c.runner.APIURL, err, "run it again")
			return false
		}
	}
	switch {
	case p.Login != "":
		l.ok(whatGitHubToken, "accepted, of %s", p.Login)
	case p.RepoErr == nil:
		l.ok(whatGitHubToken, "accepted; whose it is GitHub does not tell")
	default:
		l.unknown(whatGitHubToken, "", "whether it is good nothing tells")
	}
	return true
}

// readLines tell what may be read.
func (c *checkup) readLines(l *lines, p ghapi.Probe) {
	repo := c.runner.Repository
	switch {
	case p.RepoErr != nil:
		l.wrong("repository", p.RepoErr, "correct GITHUB_REPOSITORY")
	case p.Archived && (c.proposes() || c.applies()):
		l.fail("repository", "unarchive it", "%s is archived: nothing can be proposed or merged there", repo)
	default:
		l.ok("repository", "%s, default branch %s", repo, p.Branch)
	}
	for _, scope := range []struct {
		name   string
		err    error
		needed bool // by what is to be done
	}{
		{"contents", p.ContentsErr, c.proposes() || !c.runner.checkedOut(c.Process)},
		{"pull-requests", p.PullsErr, c.proposes() || c.applies()},
	} {
		what := "`" + scope.name + ": read`"
		fix := "add to the job `permissions:` the line `" + scope.name + ": " + c.level(scope.name) + "`"
		switch {
		case scope.err == nil:
			l.ok(what, "granted")
		case p.RepoErr != nil && errors.Is(scope.err, ghapi.ErrNotFound):
			// as the repository
		case !errors.Is(scope.err, ghapi.ErrReadOnly):
			l.wrong(what, scope.err, fix)
		case scope.needed || scope.name == "pull-requests" && c.runner.pullRequest() > 0:
			l.fail(what, fix, "%s", scope.err)
		default:
			l.unknown(what, fix+", if it is to comment or to read files", "%s", scope.err)
		}
	}
}

// level is what a workflow that does what is asked must be granted.
func (c *checkup) level(scope string) string {
	if scope == "contents" && !c.proposes() {
		return "read"
	}
	return "write"
}

// writeLines tell what may be written, as far as that can be told without writing.
func (c *checkup) writeLines(l *lines, p ghapi.Probe) {
	type scope struct {
		name, why string
		err       error
	}
	scopes := []scope{{"pull-requests", "to comment", p.PullsErr}}
	if c.applies() {
		scopes[0].why = "to tell the outcome on the merged pull request"
	}
	if c.proposes() {
		scopes[0].why = "to open the pull request"
		scopes = append(scopes, scope{"contents", "to write the branch fly-placer/placement", p.ContentsErr})
	}
	if c.runner.untrusted() || !c.runner.on && !c.proposes() && !c.applies() {
		return // nothing would be written from here
	}
	may, known := p.Write()
	for _, s := range scopes {
		what := "`" + s.name + ": write`"
		line := "the job needs `permissions:` with the line `" + s.name + ": write`, " + s.why
		switch {
		case s.err != nil: // its line says that it may not even be read, or not known
		case !known && p.App:
			l.unknown(what, line, "GitHub does not tell what the token of a workflow or an App may write")
		case !known:
			l.unknown(what, "a fine-grained token needs Contents and Pull requests: Read and write, "+s.why, "GitHub does not tell what this token may write")
		case may:
			l.ok(what, "granted")
		case !p.Push:
			l.fail(what, "give "+cmp.Or(p.Login, "its owner")+" the role Write in the repository, or use another token", "who owns the token may only read")
		default:
			l.fail(what, "make one with the scope repo, or use ${{ github.token }} in a workflow", "the token has the scopes %s", strings.Join(append(p.Scopes, "and no other"), ", "))
		}
	}
}

// settingLine tells whether GITHUB_TOKEN may open pull requests at all.
func (c *checkup) settingLine(l *lines, p ghapi.Probe) {
	const what = "GitHub Actions may open pull requests"
	own := !c.runner.on || p.Login == "" || p.Login == "github-actions[bot]"
	switch {
	case !c.proposes():
	case p.SettingErr == nil && p.ActionsPulls:
		l.ok(what, "allowed")
	case p.SettingErr == nil && own:
		l.fail(what, "tick "+settingName+", or propose with the token of a GitHub App", "the repository's setting forbids it")
	case p.SettingErr == nil:
		l.unknown(what, "", "forbidden, but that is for the workflow's own token and not for %s", p.Login)
	case errors.Is(p.SettingErr, ghapi.ErrReadOnly), errors.Is(p.SettingErr, ghapi.ErrForbidden), errors.Is(p.SettingErr, ghapi.ErrNotFound):
		l.unknown(what, "see that it is ticked: "+settingName, "only who administers the repository may read the setting")
	default:
		l.unknown(what, strings.Join(hint.Of(p.SettingErr), "; "), "%s", p.SettingErr)
	}
}
