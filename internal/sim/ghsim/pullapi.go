package ghsim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// createPull opens a pull request, refusing in GitHub's words and order.
func (s *Server) createPull(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title, Head, Base string
		Body              *string
		Draft             bool
	}
	if !decode(w, r, &in) {
		return
	}
	who := caller(r)
	if s.cfg.Settings.NoActionsPulls && who.Login == "github-actions[bot]" {
		answerError(w, http.StatusForbidden, "GitHub Actions is not permitted to create or approve pull requests.")
		return
	}
	owner, head := s.ownerLogin(), in.Head
	if o, h, ok := strings.Cut(in.Head, ":"); ok {
		owner, head = o, h
	}
	tip, found := s.git.Ref(s.headRef(owner, head))
	body := ""
	if in.Body != nil {
		body = *in.Body
	}
	custom := func(format string, args ...any) {
		invalid(w, fieldError{Resource: "PullRequest", Code: "custom", Message: fmt.Sprintf(format, args...)})
	}
	switch {
	case in.Title == "":
		invalid(w, fieldError{Resource: "PullRequest", Code: "missing_field", Field: "title"})
	case tooLong(w, "PullRequest", body):
	case s.branch(in.Base) == "":
		invalid(w, fieldError{Resource: "PullRequest", Code: "invalid", Field: "base"})
	case !found:
		invalid(w, fieldError{Resource: "PullRequest", Code: "invalid", Field: "head"})
	case s.openFor(owner, head, in.Base) != nil:
		custom("A pull request already exists for %s:%s.", owner, head)
	case s.git.Contains(s.branch(in.Base), tip):
		custom("No commits between %s and %s", in.Base, head)
	case in.Draft && s.cfg.Settings.NoDrafts:
		unprocessable(w, "Draft pull requests are not supported in this repository.")
	default:
		p := s.open(pull{author: *who, title: in.Title, body: body, draft: in.Draft, owner: owner, head: head, base: in.Base})
		p.visibleFrom = s.pullLists + 1 + s.cfg.PullLag
		out := s.at(r).pullRequest(p)
		w.Header().Set("Location", fmt.Sprint(out["url"]))
		answer(w, http.StatusCreated, out)
	}
}

func (s *Server) getPull(w http.ResponseWriter, r *http.Request) {
	if p := s.findPull(w, r); p != nil {
		answer(w, http.StatusOK, s.at(r).pullRequest(p))
	}
}

func (s *Server) updatePull(w http.ResponseWriter, r *http.Request) {
	p := s.findPull(w, r)
	if p == nil {
		return
	}
	var in struct{ Title, Body, State, Base *string }
	if !decode(w, r, &in) {
		return
	}
	if in.Body != nil && tooLong(w, "PullRequest", *in.Body) {
		return
	}
	if in.Title != nil && *in.Title == "" {
		invalid(w, fieldError{Resource: "PullRequest", Code: "missing_field", Field: "title"})
		return
	}
	if in.Base != nil && *in.Base != p.base {
		if s.branch(*in.Base) == "" || !p.open {
			invalid(w, fieldError{Resource: "PullRequest", Code: "invalid", Field: "base"})
			return
		}
		p.base = *in.Base
		s.rebased(p)
	}
	if in.State != nil && !s.setState(w, p, *in.State) {
		return
	}
	if in.Title != nil {
		p.title = *in.Title
	}
	if in.Body != nil {
		p.body = *in.Body
	}
	p.updated = s.now()
	answer(w, http.StatusOK, s.at(r).pullRequest(p))
}

// setState opens or closes; it answers for the server when that cannot be.
func (s *Server) setState(w http.ResponseWriter, p *pull, state string) bool {
	switch {
	case state == "closed" && p.open:
		s.closePull(p)
	case state == "open" && !p.open:
		if trouble := s.reopenTrouble(p); trouble != "" {
			invalid(w, fieldError{Resource: "PullRequest", Code: "invalid", Field: "state", Message: trouble})
			return false
		}
		s.reopen(p)
	case state != "open" && state != "closed":
		invalid(w, fieldError{Resource: "PullRequest", Code: "invalid", Field: "state"})
		return false
	}
	return true
}

// listPulls filters as GitHub does: a head without its owner is ignored.
func (s *Server) listPulls(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if page, _ := paging(q); page == 1 {
		s.pullLists++
	}
	owner, branch, byHead := strings.Cut(q.Get("head"), ":")
	state := cmp.Or(q.Get("state"), "open")
	var list []*pull
	for _, p := range s.pulls {
		switch {
		case s.pullLists < p.visibleFrom,
			state != "all" && (state == "open") != p.open,
			byHead && (!strings.EqualFold(owner, p.owner) || branch != p.head),
			q.Get("base") != "" && q.Get("base") != p.base:
		default:
			list = append(list, p)
		}
	}
	descending := q.Get("direction") == "desc" || (q.Get("direction") == "" && (q.Get("sort") == "" || q.Get("sort") == "created"))
	slices.SortStableFunc(list, func(a, b *pull) int {
		order := cmp.Compare(a.number, b.number)
		switch q.Get("sort") {
		case "updated":
			order = cmp.Or(a.updated.Compare(b.updated), order)
		case "popularity":
			order = cmp.Or(s.commentCount(a)-s.commentCount(b), order)
		}
		if descending {
			order = -order
		}
		return order
	})
	out := []map[string]any{}
	for _, p := range list {
		out = append(out, s.at(r).pullSimple(p))
	}
	answerPage(w, r, out)
}

func (s *Server) listPullFiles(w http.ResponseWriter, r *http.Request) {
	if p := s.findPull(w, r); p != nil {
		answerPage(w, r, s.at(r).filesOf(p))
	}
}

func (s *Server) listPullCommits(w http.ResponseWriter, r *http.Request) {
	if p := s.findPull(w, r); p != nil {
		answerPage(w, r, s.at(r).commits(s.commitsOf(p)))
	}
}

// listCommitPulls lists the merged pull request that brought a commit of the
// default branch, or the open and merged ones that have a commit of another.
func (s *Server) listCommitPulls(w http.ResponseWriter, r *http.Request) {
	sha, ok := s.resolve(r.PathValue("sha"))
	if !ok {
		unprocessable(w, "No commit found for SHA: "+r.PathValue("sha"))
		return
	}
	s.commitPulls++
	inDefault := s.git.Contains(s.branch(s.cfg.Branch), sha)
	out := []map[string]any{}
	for _, p := range s.pulls {
		brought := p.merged() && s.commitPulls >= p.knownFrom && (slices.Contains(p.brought, sha) || p.merge == sha)
		if brought || (!inDefault && p.open && slices.Contains(s.commitsOf(p), sha)) {
			out = append(out, s.at(r).pullSimple(p))
		}
	}
	answerPage(w, r, out)
}
