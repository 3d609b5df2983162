package ghsim

import (
	"net/http"
	"slices"
	"strings"
)

// What a token must be granted, as GitHub's X-Accepted-GitHub-Permissions says it:
// alternatives between semicolons, and all of those between commas.
const (
	metadata      = "metadata=read"
	readContents  = "contents=read"
	writeContents = "contents=write"
	readPulls     = "pull_requests=read"
	writePulls    = "pull_requests=write"
	readIssues    = "issues=read; pull_requests=read"
	writeIssues   = "issues=write; pull_requests=write"
	readBoth      = "contents=read,pull_requests=read"
	readAdmin     = "administration=read"
)

// routes tells the mux what it serves.
func (s *Server) routes() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /user", s.getUser)
	s.mux.HandleFunc("POST /graphql", s.graphQL)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { notFound(w) })
	for _, route := range []struct {
		pattern, needs string // the pattern below a repository
		do             http.HandlerFunc
	}{
		{"GET ", metadata, s.getRepo},
		{"GET /actions/permissions/workflow", readAdmin, s.getWorkflowPermissions},
		{"GET /collaborators/{login}/permission", metadata, s.getPermission},
		{"GET /contents", readContents, s.getContents},
		{"GET /contents/{path...}", readContents, s.getContents},

		{"GET /git/ref/{ref...}", readContents, s.getRef},
		{"POST /git/refs", writeContents, s.createRef},
		{"PATCH /git/refs/{ref...}", writeContents, s.updateRef},
		{"DELETE /git/refs/{ref...}", writeContents, s.deleteRef},
		{"POST /git/blobs", writeContents, s.createBlob},
		{"GET /git/blobs/{sha}", readContents, s.getBlob},
		{"POST /git/trees", writeContents, s.createTree},
		{"GET /git/trees/{sha...}", readContents, s.getTree},
		{"POST /git/commits", writeContents, s.createCommit},
		{"GET /git/commits/{sha}", readContents, s.getGitCommit},

		{"GET /branches/{branch...}", readContents, s.getBranch},
		{"GET /commits", readContents, s.listCommits},
		{"GET /commits/{ref...}", readContents, s.getCommit},
		{"GET /commits/{sha}/pulls", readBoth, s.listCommitPulls},
		{"GET /compare/{basehead...}", readContents, s.compare},

		{"GET /pulls", readPulls, s.listPulls},
		{"POST /pulls", writePulls, s.createPull},
		{"GET /pulls/{number}", readPulls, s.getPull},
		{"PATCH /pulls/{number}", writePulls, s.updatePull},
		{"GET /pulls/{number}/files", readPulls, s.listPullFiles},
		{"GET /pulls/{number}/commits", readPulls, s.listPullCommits},
		{"GET /pulls/{number}/reviews", readPulls, s.listReviews},
		{"POST /pulls/{number}/requested_reviewers", writePulls, s.requestReviewers},
		{"DELETE /issues/{number}/labels/{name}", writeIssues, s.removeLabel},
	} {
		method, path, _ := strings.Cut(route.pattern, " ")
		s.mux.HandleFunc(method+" /repos/{owner}/{repo}"+path, s.guarded(route.needs, route.do))
	}
	// A mux cannot tell issues/comments/7 from issues/7/comments.
	s.mux.HandleFunc("/repos/{owner}/{repo}/issues/{a}/{b}", s.routeIssues)
}

func (s *Server) routeIssues(w http.ResponseWriter, r *http.Request) {
	called := r.Method + " " + r.PathValue("b")
	r.SetPathValue("number", r.PathValue("a"))
	if r.PathValue("a") == "comments" {
		called = r.Method + " comment"
		r.SetPathValue("id", r.PathValue("b"))
	}
	switch called {
	case "GET comment":
		s.guarded(readIssues, s.getComment)(w, r)
	case "PATCH comment":
		s.guarded(writeIssues, s.updateComment)(w, r)
	case "DELETE comment":
		s.guarded(writeIssues, s.deleteComment)(w, r)
	case "GET comments":
		s.guarded(readIssues, s.listComments)(w, r)
	case "POST comments":
		s.guarded(writeIssues, s.createComment)(w, r)
	case "GET labels":
		s.guarded(readIssues, s.listLabels)(w, r)
	case "POST labels":
		s.guarded(writeIssues, s.addLabels)(w, r)
	default:
		notFound(w)
	}
}

// guarded returns a handler for those only who may do what it does.
func (s *Server) guarded(needs string, do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.allowed(w, r, needs) {
			do(w, r)
		}
	}
}

// allowed tells whether the caller has what is needed, and answers for the server
// when it has not.
func (s *Server) allowed(w http.ResponseWriter, r *http.Request, needs string) bool {
	if !strings.EqualFold(r.PathValue("owner")+"/"+r.PathValue("repo"), s.cfg.Repo) {
		notFound(w)
		return false
	}
	w.Header().Set("X-Accepted-GitHub-Permissions", needs)
	who := caller(r)
	open := !strings.Contains(needs, "=write") && needs != readAdmin
	switch {
	case who == nil && s.cfg.Private:
		notFound(w)
		return false
	case open && !s.cfg.Private:
		return true
	case who == nil:
		answerError(w, http.StatusUnauthorized, "Requires authentication")
		return false
	}
	for set := range strings.SplitSeq(needs, "; ") {
		if !slices.ContainsFunc(strings.Split(set, ","), func(need string) bool { return !who.may(need) }) {
			return true
		}
	}
	if who.Kind == User {
		answerError(w, http.StatusForbidden, "Resource not accessible by personal access token")
	} else {
		answerError(w, http.StatusForbidden, "Resource not accessible by integration")
	}
	return false
}

// may tells whether an identity was granted one need, such as "contents=write".
func (id Identity) may(need string) bool {
	scope, level, _ := strings.Cut(strings.ReplaceAll(need, "_", "-"), "=")
	switch {
	case scope == "metadata":
		return true
	case id.Kind == App && slices.Contains([]string{"administration", "members"}, scope):
		// No permissions key of a workflow can grant these; another App can have them.
		granted := id.Permissions[scope]
		return id.Login != "github-actions[bot]" && (granted == "write" || granted == level)
	}
	granted := id.Permissions[scope]
	return id.Permissions == nil || granted == "write" || granted == level
}
