package ghapi

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v89/github"
)

// OwnComments returns those of [UpsertComment]'s comments on a pull request that
// are wanted, whatever their keys, without their markers, in order of their ids,
// if nobody but the token's own identity wrote them: its author, and never an
// editor but ourselves. Comments of anybody else with a marker are left out. want
// is asked for each comment as it is listed, its marker left out.
//
// The error is [ErrEdited] when somebody else changed one of them, and also when
// that cannot be found out: GraphQL, which alone tells the editor, is out of
// reach, or does not name the editor.
func (c *Client) OwnComments(ctx context.Context, repo string, number int, want func(body string) bool) ([]string, error) {
	bodies, err := c.ownComments(ctx, repo, number, want)
	if err != nil {
		return nil, fmt.Errorf("read comments on %s#%d: %w", repo, number, err)
	}
	return bodies, nil
}

func (c *Client) ownComments(ctx context.Context, repo string, number int, want func(string) bool) ([]string, error) {
	ctx, cancel, s, err := c.scope(ctx, repo, number)
	if err != nil {
		return nil, err
	}
	defer cancel()
	u := &upsert{c: c, p: s.p, owner: s.owner, name: s.name, number: number}
	marked, e := u.marked(ctx)
	if e != nil {
		return nil, withHint(e)
	}
	marked = slices.DeleteFunc(marked, func(m *github.IssueComment) bool { return !want(unmarked(m.GetBody())) })
	if len(marked) == 0 {
		return nil, nil
	}
	login, e := c.whoami(ctx, s.p)
	if e != nil {
		return nil, withHint(e)
	}
	if login == "" {
		return nil, edited("GitHub does not tell whose the token is")
	}
	marked = slices.DeleteFunc(marked, func(m *github.IssueComment) bool { return !wroteBy(login, m.GetUser()) })
	slices.SortFunc(marked, func(a, b *github.IssueComment) int { return cmp.Compare(a.GetID(), b.GetID()) })
	var bodies []string
	for _, m := range marked {
		text, e := c.unedited(ctx, s.p, m.GetNodeID(), login)
		if e != nil {
			return nil, withHint(e)
		}
		if !hasMarker(text, "") { // changed since it was listed
			return nil, edited("its marker has gone")
		}
		bodies = append(bodies, unmarked(text))
	}
	return bodies, nil
}

// unmarked is a body without its first line.
func unmarked(body string) string {
	_, rest, _ := strings.Cut(body, "\n")
	return rest
}

func edited(message string) error {
	return withHint(&Error{Kind: ErrEdited, Method: http.MethodPost, Path: "/graphql", Message: message})
}

// actor is a GraphQL Actor. The login of a bot lacks the "[bot]" that REST and
// GraphQL's own viewer put behind it.
type actor struct {
	Type  string `json:"__typename"`
	Login string `json:"login"`
}

func (a *actor) is(login string) bool {
	if a == nil || a.Login == "" {
		return false
	}
	name := a.Login
	if a.Type == "Bot" {
		name = strings.TrimSuffix(name, "[bot]") + "[bot]"
	}
	return strings.EqualFold(name, login)
}

// commentQuery asks for text and editor in one answer: asked apart, an edit in
// between would show its text with the editor before it.
const commentQuery = `query($id: ID!) {
  node(id: $id) {
    ... on IssueComment {
      body
      lastEditedAt
      author { __typename login }
      editor { __typename login }
    }
  }
}`

// unedited returns the text of a comment that login wrote and nobody else edited.
func (c *Client) unedited(ctx context.Context, p *patience, node, login string) (string, *Error) {
	var answer struct {
		Data struct {
			Node *struct {
				Body         *string `json:"body"`
				LastEditedAt *string `json:"lastEditedAt"`
				Author       *actor  `json:"author"`
				Editor       *actor  `json:"editor"`
			} `json:"node"`
		} `json:"data"`
		Errors []struct {
			Message string `json:"message"`
		} `json:"errors"`
	}
	k := call{http.MethodPost, "/graphql"}
	e := p.read(ctx, k, func(ctx context.Context) error {
		req, err := c.gh.NewRequest(ctx, http.MethodPost, c.graphQL, map[string]any{
			"query": commentQuery, "variables": map[string]string{"id": node},
		})
		if err != nil {
			return err
		}
		_, err = c.gh.Do(req, &answer)
		return err
	})
	no := func(message string) (string, *Error) {
		return "", &Error{Kind: ErrEdited, Method: k.method, Path: k.path, Message: c.clean(message)}
	}
	n := answer.Data.Node
	switch {
	case e.is(ErrUnauthorized), e.is(ErrRateLimited), e != nil && ctx.Err() != nil:
		return "", e
	case e != nil:
		e.Kind = ErrEdited
		return "", e
	case len(answer.Errors) > 0:
		return no(answer.Errors[0].Message)
	case n == nil || n.Body == nil:
		return no("GraphQL does not show the comment")
	case !n.Author.is(login):
		return no("GraphQL names another author")
	case n.Editor == nil && n.LastEditedAt == nil:
		return *n.Body, nil
	case n.Editor == nil:
		return no("GraphQL does not name the editor")
	case !n.Editor.is(login):
		return no("edited by " + n.Editor.Login)
	}
	return *n.Body, nil
}
