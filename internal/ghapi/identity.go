package ghapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-github/v89/github"
)

// whoami returns the login under which the token writes, "" where GitHub does not
// tell. A person's token is told by GET /user. The token of a workflow or an App
// (prefix ghs_, or 403 there) is told by GraphQL, the only API that names its bot
// to it. Where GraphQL is out of reach the login stays unknown until the client
// has written a comment and sees who its author is.
func (c *Client) whoami(ctx context.Context, p *patience) (string, *Error) {
	if login := c.knownLogin(); login != "" {
		return login, nil
	}
	if !strings.HasPrefix(c.token.Reveal(), "ghs_") {
		var user *github.User
		e := p.read(ctx, call{http.MethodGet, "/user"}, func(ctx context.Context) (err error) {
			user, _, err = c.gh.Users.Get(ctx, "")
			return err
		})
		switch {
		case e == nil && user.GetLogin() != "":
			return c.learnLogin(user.GetLogin()), nil
		case e != nil && !e.is(ErrReadOnly) && !e.is(ErrForbidden) && !e.is(ErrNotFound):
			return "", e
		}
	}
	login, e := c.viewer(ctx, p)
	if e.is(ErrUnauthorized) || e.is(ErrRateLimited) || (e != nil && ctx.Err() != nil) {
		return "", e
	}
	if login == "" {
		return "", nil
	}
	return c.learnLogin(login), nil
}

// viewer asks GraphQL who the token is. It is a POST that changes nothing.
func (c *Client) viewer(ctx context.Context, p *patience) (string, *Error) {
	var answer struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
			} `json:"viewer"`
		} `json:"data"`
	}
	e := p.read(ctx, call{http.MethodPost, "/graphql"}, func(ctx context.Context) error {
		req, err := c.gh.NewRequest(ctx, http.MethodPost, c.graphQL, map[string]string{"query": "{ viewer { login } }"})
		if err != nil {
			return err
		}
		_, err = c.gh.Do(req, &answer)
		return err
	})
	return answer.Data.Viewer.Login, e
}

func (c *Client) knownLogin() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.login
}

func (c *Client) learnLogin(login string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.login = login
	return login
}

// wroteBy tells whether a comment's author is login. Nobody can register a login
// with brackets, but the type is asked for as well where a bot is expected.
func wroteBy(login string, author *github.User) bool {
	if login == "" || !strings.EqualFold(author.GetLogin(), login) {
		return false
	}
	return !strings.HasSuffix(login, "[bot]") || author.GetType() == "Bot"
}
