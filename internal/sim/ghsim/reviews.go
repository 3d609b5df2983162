package ghsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

type reviewJSON struct {
	ID          int64          `json:"id"`
	NodeID      string         `json:"node_id"`
	User        simpleUser     `json:"user"`
	Body        string         `json:"body"`
	State       string         `json:"state"`
	HTMLURL     string         `json:"html_url"`
	PullURL     string         `json:"pull_request_url"`
	Links       map[string]any `json:"_links"`
	SubmittedAt time.Time      `json:"submitted_at"`
	CommitID    string         `json:"commit_id"`
	Association string         `json:"author_association"`
}

// listReviews lists reviews in the order in which they were given.
func (s *Server) listReviews(w http.ResponseWriter, r *http.Request) {
	p := s.findPull(w, r)
	if p == nil {
		return
	}
	v := s.at(r)
	html := fmt.Sprintf("%s/pull/%d", v.html(), p.number)
	self := fmt.Sprintf("%s/pulls/%d", v.api(), p.number)
	out := []reviewJSON{}
	for _, review := range p.reviews {
		one := fmt.Sprintf("%s#pullrequestreview-%d", html, review.id)
		out = append(out, reviewJSON{
			ID: review.id, NodeID: nodeID("PullRequestReview", review.id), User: v.user(identityOf(review.login)), State: review.state,
			HTMLURL: one, PullURL: self, SubmittedAt: review.when, CommitID: review.commit, Association: s.association(review.login),
			Links: map[string]any{"html": map[string]string{"href": one}, "pull_request": map[string]string{"href": self}},
		})
	}
	answerPage(w, r, out)
}

// requestReviewers asks people and teams for a review: collaborators only, and
// never the author.
func (s *Server) requestReviewers(w http.ResponseWriter, r *http.Request) {
	p := s.findPull(w, r)
	var in struct {
		Reviewers     []string
		TeamReviewers []string `json:"team_reviewers"`
	}
	if p == nil || !decode(w, r, &in) {
		return
	}
	same := func(list []string, name string) bool {
		return slices.ContainsFunc(list, func(other string) bool { return strings.EqualFold(other, name) })
	}
	switch {
	case same(in.Reviewers, p.author.Login):
		unprocessable(w, "Review cannot be requested from pull request author.")
		return
	case slices.ContainsFunc(in.Reviewers, func(login string) bool { return !same(s.cfg.Collaborators, login) }):
		unprocessable(w, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "+s.cfg.Repo+" repository.")
		return
	}
	for _, slug := range in.TeamReviewers {
		// A token that may not read the organisation's members sees no team.
		if !same(s.cfg.Teams, slug) || !caller(r).may("members=read") {
			unprocessable(w, fmt.Sprintf("Could not resolve to a node with the global id of '%s'.", nodeID("Team", userID(slug))))
			return
		}
	}
	for _, login := range in.Reviewers {
		if !same(p.reviewers, login) {
			p.reviewers = append(p.reviewers, login)
		}
	}
	for _, slug := range in.TeamReviewers {
		if !same(p.teams, slug) {
			p.teams = append(p.teams, slug)
		}
	}
	p.updated = s.now()
	answer(w, http.StatusCreated, s.at(r).pullSimple(p))
}

func (v view) team(slug string) map[string]any {
	id := userID(slug)
	self := fmt.Sprintf("%s/organizations/%d/team/%d", v.base, userID(v.ownerLogin()), id)
	return map[string]any{
		"id": id, "node_id": nodeID("Team", id), "name": slug, "slug": slug, "description": nil, "privacy": "closed", "permission": "push",
		"notification_setting": "notifications_enabled", "url": self, "html_url": v.base + "/orgs/" + v.ownerLogin() + "/teams/" + slug,
		"members_url": self + "/members{/member}", "repositories_url": self + "/repos", "type": "organization", "parent": nil,
	}
}
