package ghsim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// node is an object of the graph: its type, and how its fields come about.
type node struct {
	kind   string
	fields map[string]func(args map[string]any) any // of values, nodes, lists of nodes, or a *graphError
}

type graphError struct {
	Type    string `json:"type,omitempty"`
	Path    []any  `json:"path,omitempty"`
	Message string `json:"message"`
}

// graphQL answers who the caller is, and what is known of comments and pull
// requests: fields of others than these are errors, as at GitHub.
func (s *Server) graphQL(w http.ResponseWriter, r *http.Request) {
	if s.cfg.NoGraphQL {
		notFound(w)
		return
	}
	who := caller(r)
	if who == nil {
		answerError(w, http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
		return
	}
	var in struct {
		Query     string
		Variables map[string]any
	}
	if !decode(w, r, &in) {
		return
	}
	query, err := parseQuery(in.Query, in.Variables)
	if err != nil {
		answer(w, http.StatusOK, map[string]any{"errors": []graphError{{Message: "Parse error: " + err.Error()}}})
		return
	}
	g := &graph{view: s.at(r), who: *who}
	data := g.pick(g.root(), query, nil)
	out := map[string]any{"data": data}
	if len(g.errors) > 0 {
		out["errors"] = g.errors
		if g.invalid {
			delete(out, "data") // nothing of a query with a wrong field is carried out
		}
	}
	answer(w, http.StatusOK, out)
}

// graph answers one query.
type graph struct {
	view
	who     Identity
	errors  []graphError
	invalid bool
}

// pick returns the fields of a node that a query selects.
func (g *graph) pick(n *node, query []selection, path []any) map[string]any {
	out := map[string]any{}
	for _, f := range query {
		at := append(slices.Clone(path), f.alias)
		field := n.fields[f.name]
		switch {
		case f.on != "":
			if f.on == n.kind || slices.Contains([]string{"Actor", "Comment", "Node"}, f.on) {
				maps.Copy(out, g.pick(n, f.inner, path))
			}
		case f.name == "__typename":
			out[f.alias] = n.kind
		case field == nil:
			g.invalid = true
			g.errors = append(g.errors, graphError{Path: at, Message: fmt.Sprintf("Field '%s' doesn't exist on type '%s'", f.name, n.kind)})
		default:
			out[f.alias] = g.expand(field(f.args), f.inner, at)
		}
	}
	return out
}

func (g *graph) expand(v any, query []selection, path []any) any {
	switch v := v.(type) {
	case *graphError:
		v.Path = path
		g.errors = append(g.errors, *v)
		return nil
	case *node:
		if v == nil {
			return nil
		}
		return g.pick(v, query, path)
	case []*node:
		list := []any{}
		for i, n := range v {
			list = append(list, g.expand(n, query, append(slices.Clone(path), i)))
		}
		return list
	}
	return v
}

// constant is a field that asks for nothing.
func constant(v any) func(map[string]any) any { return func(map[string]any) any { return v } }

func missing(id any) *graphError {
	return &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a node with the global id of '%v'.", id)}
}

func (g *graph) root() *node {
	viewer := &node{"User", map[string]func(map[string]any) any{"login": constant(g.who.Login)}}
	return &node{"Query", map[string]func(map[string]any) any{
		"viewer": constant(viewer),
		"node": func(args map[string]any) any {
			if n := g.byID(args["id"]); n != nil {
				return n
			}
			return missing(args["id"])
		},
		"nodes": func(args map[string]any) any {
			ids, _ := args["ids"].([]any)
			out := []*node{}
			for _, id := range ids {
				n := g.byID(id)
				if n == nil {
					g.errors = append(g.errors, *missing(id))
				}
				out = append(out, n)
			}
			return out
		},
		"repository": func(args map[string]any) any {
			name := fmt.Sprintf("%v/%v", args["owner"], args["name"])
			if !strings.EqualFold(name, g.cfg.Repo) {
				return &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a Repository with the name '%s'.", name)}
			}
			if !g.readable() {
				return &graphError{Type: "FORBIDDEN", Message: "Resource not accessible by integration"}
			}
			return g.graphRepository()
		},
	}}
}

// readable tells whether the caller may see comments and pull requests.
func (g *graph) readable() bool {
	return !g.cfg.Private || g.who.may("issues=read") || g.who.may(readPulls)
}

func (g *graph) byID(id any) *node {
	if !g.readable() {
		return nil
	}
	for _, c := range g.comments {
		if nodeID("IssueComment", c.id) == id && c.goneFrom == 0 {
			return g.graphComment(c)
		}
	}
	for _, p := range g.pulls {
		if nodeID("PullRequest", int64(p.number)) == id {
			return g.graphPull(p)
		}
	}
	return nil
}

func (g *graph) graphRepository() *node {
	return &node{"Repository", map[string]func(map[string]any) any{
		"nameWithOwner": constant(g.cfg.Repo),
		"pullRequest": func(args map[string]any) any {
			number, _ := args["number"].(float64)
			if p := g.pull(int(number)); p != nil {
				return g.graphPull(p)
			}
			return &graphError{Type: "NOT_FOUND", Message: fmt.Sprintf("Could not resolve to a PullRequest with the number of %v.", args["number"])}
		},
	}}
}

func (g *graph) graphPull(p *pull) *node {
	return &node{"PullRequest", map[string]func(map[string]any) any{
		"id": constant(nodeID("PullRequest", int64(p.number))), "number": constant(p.number), "title": constant(p.title), "body": constant(p.body),
		"author": constant(graphActor(p.author)),
		"comments": func(args map[string]any) any {
			var all []*node
			for _, c := range g.comments {
				if c.number == p.number && c.goneFrom == 0 {
					all = append(all, g.graphComment(c))
				}
			}
			return connection("IssueCommentConnection", all, args)
		},
	}}
}

// connection is a page of a list: the cursor is the number of nodes before it.
func connection(kind string, all []*node, args map[string]any) any {
	first, ok := args["first"].(float64)
	if !ok || first < 1 || first > 100 {
		return &graphError{Type: "MISSING_PAGINATION_BOUNDARIES", Message: "You must provide a `first` value between 1 and 100 to properly paginate the connection."}
	}
	from := 0
	if after, ok := args["after"].(string); ok {
		_, _ = fmt.Sscanf(after, "cursor:%d", &from) // a wrong one is the beginning
	}
	from = min(from, len(all))
	to := min(from+int(first), len(all))
	page := &node{"PageInfo", map[string]func(map[string]any) any{
		"hasNextPage": constant(to < len(all)), "hasPreviousPage": constant(from > 0), "endCursor": constant(fmt.Sprintf("cursor:%d", to)),
	}}
	return &node{kind, map[string]func(map[string]any) any{
		"nodes": constant(all[from:to]), "totalCount": constant(len(all)), "pageInfo": constant(page),
	}}
}

// graphComment has what REST does not tell: who edited it.
func (g *graph) graphComment(c *comment) *node {
	editor, when := (*node)(nil), (*string)(nil)
	if c.editor != "" {
		text := c.edited.Format(time.RFC3339)
		editor, when = graphActor(identityOf(c.editor)), &text
	}
	out := g.comment(c)
	return &node{"IssueComment", map[string]func(map[string]any) any{
		"id": constant(out.NodeID), "databaseId": constant(c.id), "fullDatabaseId": constant(fmt.Sprint(c.id)), "body": constant(c.body),
		"url": constant(out.HTMLURL), "author": constant(graphActor(c.author)), "editor": constant(editor),
		"lastEditedAt": constant(when), "createdAt": constant(c.created.Format(time.RFC3339)), "updatedAt": constant(c.updated.Format(time.RFC3339)),
		"includesCreatedEdit": constant(c.editor != ""), "viewerDidAuthor": constant(c.author.Login == g.who.Login),
	}}
}

// graphActor is somebody as the graph names them: an App without its "[bot]",
// other than in REST and in viewer.
func graphActor(who Identity) *node {
	kind := "User"
	if who.Kind == App {
		kind = "Bot"
	}
	return &node{kind, map[string]func(map[string]any) any{
		"login": constant(strings.TrimSuffix(who.Login, "[bot]")), "id": constant(nodeID(kind, userID(who.Login))),
	}}
}
