package ghsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

func TestLabels(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	tell(t, sim, 200, "GET /issues/1/labels", "").want("0.name", "")
	tell(t, sim, 200, "POST /issues/1/labels", `{"labels": ["fly-placer:apply", {"name": "ops"}]}`).want("0.name", "fly-placer:apply", "1.name", "ops", "2.name", "")
	tell(t, sim, 200, "POST /issues/1/labels", `{"labels": ["OPS"]}`).want("1.name", "ops", "2.name", "") // one label, however it is spelt
	tell(t, sim, 200, "GET /pulls/1", "").want("labels.0.name", "fly-placer:apply")
	tell(t, sim, 422, "POST /issues/1/labels", `{"labels": ["`+strings.Repeat("x", 51)+`"]}`)
	tell(t, sim, 404, "POST /issues/9/labels", `{"labels": ["x"]}`)
	tell(t, sim, 200, "DELETE /issues/1/labels/fly-placer:apply", "").want("0.name", "ops", "1.name", "")
	tell(t, sim, 404, "DELETE /issues/1/labels/fly-placer:apply", "").want("message", "Label does not exist")
	if err := sim.Label(1, "fly-placer:apply"); err != nil {
		t.Fatal(err)
	}
	tell(t, sim, 200, "GET /issues/1/labels?per_page=1&page=2", "").want("0.name", "fly-placer:apply", "1.name", "")
	// GitHub takes the bare list too, which its description tells in words only.
	if w := ask(t, sim, "POST /repos/octo/shop/issues/1/labels", "", `["bare"]`); w.Code != 200 || !strings.Contains(w.Body.String(), `"bare"`) {
		t.Errorf("a bare list: %d %s", w.Code, w.Body)
	}
}

func TestReviewersAreCollaborators(t *testing.T) {
	sim := ghsim.New(ghsim.Config{
		Collaborators: []string{"alice", "bob", "octo"}, Teams: []string{"platform"},
		Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {}, "ghp_x": {Kind: ghsim.User}},
	})
	const to = "POST /pulls/1/requested_reviewers"
	tell(t, sim, 201, to, `{"reviewers": ["Alice"]}`).want("requested_reviewers.0.login", "Alice")
	for body, says := range map[string]string{
		`{"reviewers": ["octo"]}`:          "Review cannot be requested from pull request author.",
		`{"reviewers": ["bob", "nobody"]}`: "may only be requested from collaborators",
		`{"team_reviewers": ["platform"]}`: "Could not resolve to a node", // GITHUB_TOKEN sees no teams
	} {
		if w := ask(t, sim, strings.Replace(to, " ", " /repos/octo/shop", 1), "", body); w.Code != 422 || !strings.Contains(w.Body.String(), says) {
			t.Errorf("%s: %d %s, want %q", body, w.Code, w.Body, says)
		}
	}
	tellAs(t, sim, "Bearer ghp_x", 201, to, `{"reviewers": ["bob"], "team_reviewers": ["platform"]}`).want("requested_reviewers.1.login", "bob", "requested_teams.0.slug", "platform")
}

func TestCollaboratorsMayWrite(t *testing.T) {
	sim := ghsim.New(ghsim.Config{Collaborators: []string{"alice"}})
	for login, level := range map[string]string{"Alice": "write", "octo": "admin", "stranger": "read"} {
		tell(t, sim, 200, "GET /collaborators/"+login+"/permission", "").want("permission", level, "role_name", level, "user.login", login)
	}
	tell(t, sim, 404, "GET /collaborators/github-actions[bot]/permission", "")
	private := ghsim.New(ghsim.Config{Private: true})
	tell(t, private, 200, "GET /collaborators/stranger/permission", "").want("permission", "none")
	for login, says := range map[string]string{"alice": "COLLABORATOR", "bob": "COLLABORATOR", "mallory": "NONE"} {
		sim := ghsim.New(ghsim.Config{})
		if err := sim.Review(1, login, "APPROVED"); err != nil {
			t.Fatal(err)
		}
		tell(t, sim, 200, "GET /pulls/1/reviews", "").want("0.author_association", says)
	}
}

func TestReviewsAreInOrder(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	for _, r := range []struct{ login, state string }{{"alice", "CHANGES_REQUESTED"}, {"bob", "APPROVED"}, {"alice", "APPROVED"}, {"alice", "COMMENTED"}} {
		if err := sim.Review(1, r.login, r.state); err != nil {
			t.Fatal(err)
		}
	}
	tell(t, sim, 200, "GET /pulls/1/reviews", "").want("0.state", "CHANGES_REQUESTED", "1.user.login", "bob", "2.state", "APPROVED", "3.state", "COMMENTED")
	tell(t, sim, 200, "GET /pulls/1/reviews?per_page=3&page=2", "").want("0.state", "COMMENTED", "1.state", "")
	for _, r := range []struct {
		number       int
		login, state string
	}{{1, "octo", "APPROVED"}, {1, "alice", "LGTM"}, {9, "alice", "APPROVED"}} {
		if err := sim.Review(r.number, r.login, r.state); err == nil {
			t.Errorf("%+v was taken", r)
		}
	}
}

// TestGraphTellsWhoEdited asks what REST does not tell.
func TestGraphTellsWhoEdited(t *testing.T) {
	sim := ghsim.New(ghsim.Config{Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {}, "ghp_x": {Kind: ghsim.User}}})
	made := tell(t, sim, 201, "POST /issues/1/comments", object("body", "plan"))
	query := func(q string, variables string) answered {
		t.Helper()
		w := ask(t, sim, "POST /graphql", "", fmt.Sprintf(`{"query": %q, "variables": %s}`, q, variables))
		if w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return answered{t, w}
	}
	who := `query Who($id: ID!) { # of the plan
		node(id: $id) { __typename ... on IssueComment { author { login __typename } by: editor { login ...X } lastEditedAt } }
	}
	fragment X on User { id }`
	id := object("id", made.get("node_id"))
	query(who, id).want("data.node.author.login", "github-actions", "data.node.author.__typename", "Bot", "data.node.by", "", "data.node.lastEditedAt", "")

	tell(t, sim, 200, "PATCH /issues/comments/"+made.get("id"), object("body", "plan 2"))
	query(who, id).want("data.node.by.login", "github-actions")
	var n int64
	if _, err := fmt.Sscan(made.get("id"), &n); err != nil {
		t.Fatal(err)
	}
	if err := sim.EditComment(n, "mallory", "my plan"); err != nil {
		t.Fatal(err)
	}
	query(who, id).want("data.node.by.login", "mallory", "data.node.lastEditedAt", tell(t, sim, 200, "GET /issues/comments/"+made.get("id"), "").get("updated_at"))

	sim.AddComment(1, "alice", "fine")
	page := `{ repository(owner: "octo", name: "shop") { pullRequest(number: 1) { comments(first: 1, after: $after) {
		nodes { databaseId, body, editor { login } } pageInfo { hasNextPage endCursor } totalCount } } } }`
	first := query(page, "{}")
	const comments = "data.repository.pullRequest.comments."
	first.want(comments+"nodes.0.body", "my plan", comments+"nodes.0.editor.login", "mallory", comments+"pageInfo.hasNextPage", "true", comments+"totalCount", "2")
	second := query(page, object("after", first.get(comments+"pageInfo.endCursor")))
	second.want(comments+"nodes.0.body", "fine", comments+"nodes.0.editor", "", comments+"pageInfo.hasNextPage", "false")

	query(`query { viewer { login } }`, "null").want("data.viewer.login", bot)
	query(`{ nodes(ids: ["x"]) { id } }`, "null").want("errors.0.type", "NOT_FOUND", "data.nodes.0", "")
	query(`{ node(id: "x") { id } }`, "null").want("data.node", "", "errors.0.type", "NOT_FOUND", "errors.0.path.0", "node")
	query(`{ viewer { shoeSize } }`, "null").want("data", "", "errors.0.message", "Field 'shoeSize' doesn't exist on type 'User'")
	query(`{ repository(owner: "octo", name: "other") { nameWithOwner } }`, "null").want("errors.0.type", "NOT_FOUND")
	for _, wrong := range []string{"", "{", "{ viewer { login }", "mutation { x }", "{ viewer { ...None } }", `{ node(id: "x`} {
		if a := query(wrong, "null"); a.get("errors.0.message") == "" || a.get("data") != "" {
			t.Errorf("%q: %s", wrong, a.Body)
		}
	}
}

// TestTokensWithoutAScopeAreTold goes through every endpoint with a token that may
// do nothing, and with one that may do just that.
func TestTokensWithoutAScopeAreTold(t *testing.T) {
	const pulls, issues = "pull_requests=write", "issues=write; pull_requests=write"
	for request, needs := range map[string]string{
		"GET /contents/x":                   "contents=read",
		"GET /git/ref/heads/main":           "contents=read",
		"POST /git/refs":                    "contents=write",
		"PATCH /git/refs/heads/x":           "contents=write",
		"DELETE /git/refs/heads/x":          "contents=write",
		"POST /git/blobs":                   "contents=write",
		"POST /git/trees":                   "contents=write",
		"POST /git/commits":                 "contents=write",
		"GET /branches/none":                "contents=read",
		"GET /commits":                      "contents=read",
		"GET /commits/main":                 "contents=read",
		"GET /compare/main...none":          "contents=read",
		"GET /commits/main/pulls":           "contents=read,pull_requests=read",
		"GET /pulls":                        "pull_requests=read",
		"GET /pulls/1":                      "pull_requests=read",
		"POST /pulls":                       pulls,
		"PATCH /pulls/1":                    pulls,
		"GET /pulls/1/files":                "pull_requests=read",
		"GET /pulls/1/commits":              "pull_requests=read",
		"GET /pulls/1/reviews":              "pull_requests=read",
		"POST /pulls/1/requested_reviewers": pulls,
		"POST /issues/1/labels":             issues,
		"GET /issues/1/labels":              "issues=read; pull_requests=read",
		"DELETE /issues/1/labels/x":         issues,
		"POST /issues/1/comments":           issues,
		"GET /actions/permissions/workflow": "administration=read",
		"PATCH /issues/comments/1001":       issues,
		"DELETE /issues/comments/1001":      issues,
		"GET /issues/comments/1001":         "issues=read; pull_requests=read",
		"GET /git/trees/main":               "contents=read",
		"GET /git/commits/" + zero:          "contents=read",
		"GET /git/blobs/" + zero:            "contents=read",
		"GET /issues/1/comments":            "issues=read; pull_requests=read",
	} {
		send := func(grants map[string]string) (int, string, string) {
			sim := ghsim.New(ghsim.Config{Private: true, Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {Login: "placer[bot]", Permissions: grants}}})
			w := ask(t, sim, strings.Replace(request, " ", " /repos/octo/shop", 1), "", "{}")
			return w.Code, w.Body.String(), w.Header().Get("X-Accepted-GitHub-Permissions")
		}
		code, body, header := send(map[string]string{})
		if code != 403 || !strings.Contains(body, "Resource not accessible by integration") || header != needs {
			t.Errorf("%s: %d %s, header %q, want %q", request, code, body, header, needs)
		}
		for set := range strings.SplitSeq(needs, "; ") {
			grants := map[string]string{}
			for need := range strings.SplitSeq(set, ",") {
				scope, level, _ := strings.Cut(need, "=")
				grants[strings.ReplaceAll(scope, "_", "-")] = level
			}
			if code, body, _ := send(grants); code == 403 || code == 401 {
				t.Errorf("%s with %v: %d %s", request, grants, code, body)
			}
			for scope, level := range grants {
				if delete(grants, scope); level == "write" {
					grants[scope] = "read"
				}
			}
			if code, _, _ := send(grants); code != 403 {
				t.Errorf("%s with %v only: %d", request, grants, code)
			}
		}
	}
	// GITHUB_TOKEN can be granted everything but a look at the settings.
	sim := ghsim.New(ghsim.Config{Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {Permissions: map[string]string{"administration": "write"}}}})
	tell(t, sim, 403, "GET /actions/permissions/workflow", "")
}

func TestFaultsOfEveryKind(t *testing.T) {
	const get = "GET /repos/octo/shop/pulls"
	for _, tc := range []struct {
		fault   ghsim.Fault
		status  int
		says    string
		headers map[string]string
	}{
		{ghsim.Fault{Kind: ghsim.Secondary403, After: 7}, 403, "secondary rate limit", map[string]string{"Retry-After": "7", "X-Ratelimit-Remaining": "999"}},
		{ghsim.Fault{Kind: ghsim.Secondary429}, 429, "secondary rate limit", map[string]string{"Retry-After": ""}},
		{ghsim.Fault{Kind: ghsim.Primary, After: 60}, 403, "API rate limit exceeded", map[string]string{"X-Ratelimit-Remaining": "0", "X-Ratelimit-Used": "1000", "Retry-After": ""}},
		{ghsim.Fault{Kind: ghsim.Primary, Status: 429}, 429, "API rate limit exceeded", map[string]string{"X-Ratelimit-Remaining": "0"}},
		{ghsim.Fault{Kind: ghsim.Status, Status: 409, Message: "Git Repository is empty."}, 409, "Git Repository is empty.", nil},
		{ghsim.Fault{Kind: ghsim.GraphError, Message: "Something went wrong"}, 200, `"errors":[{"message":"Something went wrong"}]`, nil},
		{ghsim.Fault{Kind: ghsim.HTML, Status: 502}, 502, "<!DOCTYPE html>", map[string]string{"X-Ratelimit-Remaining": ""}},
	} {
		w := ask(t, ghsim.New(ghsim.Config{Faults: []ghsim.Fault{tc.fault}}), get, "", "")
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%+v: %d %s", tc.fault, w.Code, w.Body)
		}
		for name, want := range tc.headers {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%+v: %s = %q, want %q", tc.fault, name, got, want)
			}
		}
	}
}

// TestSomebodyWasQuicker has a parallel job push between read and write.
func TestSomebodyWasQuicker(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	n := propose(t, sim, "ams: 4\n")
	mine := commitFile(t, sim, sim.Head(branch), ".fly-placer/api.yml", "iad: 2\n")
	sim.AddFault(ghsim.Fault{Kind: ghsim.Meanwhile, Method: "PATCH", Path: "/git/refs/heads/" + branch + "$", Do: func() {
		sim.Commit(bot, branch, "Place web", map[string][]byte{".fly-placer/web.yml": []byte("iad: 3\n")})
	}})
	tell(t, sim, 422, "PATCH /git/refs/heads/"+branch, object("sha", mine)).want("message", "Update is not a fast forward")
	again := commitFile(t, sim, sim.Head(branch), ".fly-placer/api.yml", "iad: 2\n")
	tell(t, sim, 200, "PATCH /git/refs/heads/"+branch, object("sha", again))
	tell(t, sim, 200, "GET "+at(n)+"/files", "").want("0.filename", ".fly-placer/api.yml", "1.filename", decisionFile, "2.filename", ".fly-placer/web.yml")
}

// TestDoneAndLost does what was asked and loses the answer.
func TestDoneAndLost(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	sim.Commit("alice", branch, "Place", map[string][]byte{decisionFile: []byte("ams: 1\n")})
	sim.AddFault(ghsim.Fault{Kind: ghsim.Status, Status: 502, Method: "POST", Path: "/pulls$", Done: true})
	body := object("title", "t", "head", branch, "base", "main")
	tell(t, sim, 502, "POST /pulls", body)
	tell(t, sim, 422, "POST /pulls", body).want("errors.0.message", "A pull request already exists for octo:"+branch+".")
	sim.ClearFaults()
	if _, err := sim.PushBranch("alice", branch, ""); err != nil {
		t.Fatal(err)
	}
	sim.Commit("alice", branch, "Place", map[string][]byte{decisionFile: []byte("ams: 2\n")})
	sim.AddFault(ghsim.Fault{Kind: ghsim.Race, Method: "POST", Path: "/pulls$"})
	tell(t, sim, 422, "POST /pulls", body)
	tell(t, sim, 200, "GET /pulls?head=octo:"+branch, "").want("0.state", "open", "1.number", "")
}
