package ghsim

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// pullSimple is a pull request as lists show it: whether it is merged can be told
// only from merged_at there.
func (v view) pullSimple(p *pull) map[string]any {
	self := fmt.Sprintf("%s/pulls/%d", v.api(), p.number)
	issue := fmt.Sprintf("%s/issues/%d", v.api(), p.number)
	html := fmt.Sprintf("%s/pull/%d", v.html(), p.number)
	addresses := map[string]string{
		"self": self, "html": html, "issue": issue, "comments": issue + "/comments", "review_comments": self + "/comments",
		"review_comment": v.api() + "/pulls/comments{/number}", "commits": self + "/commits", "statuses": v.api() + "/statuses/" + p.headSHA,
	}
	links := map[string]any{}
	for rel, href := range addresses {
		links[rel] = map[string]string{"href": href}
	}
	state := "closed"
	if p.open {
		state = "open"
	}
	id := userID(v.cfg.Repo) + int64(p.number)
	reviewers, teams := []simpleUser{}, []map[string]any{}
	for _, login := range p.reviewers {
		reviewers = append(reviewers, v.user(identityOf(login)))
	}
	for _, slug := range p.teams {
		teams = append(teams, v.team(slug))
	}
	return map[string]any{
		"id": id, "node_id": nodeID("PullRequest", int64(p.number)), "number": p.number, "state": state, "locked": false,
		"title": p.title, "body": orNull(p.body), "user": v.user(p.author), "labels": v.labelsOf(p), "milestone": nil,
		"url": self, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch", "issue_url": issue,
		"commits_url": addresses["commits"], "review_comments_url": addresses["review_comments"],
		"review_comment_url": addresses["review_comment"], "comments_url": addresses["comments"], "statuses_url": addresses["statuses"],
		"created_at": p.created, "updated_at": p.updated, "closed_at": timeOrNull(p.closed), "merged_at": mergedAt(p),
		"merge_commit_sha": orNull(mergeCommit(p)), "assignee": nil, "assignees": []any{},
		"requested_reviewers": reviewers, "requested_teams": teams, "head": v.headSide(p), "base": v.side(p.base, p.baseSHA),
		"_links": links, "author_association": "CONTRIBUTOR", "auto_merge": nil, "active_lock_reason": nil, "draft": p.draft,
	}
}

// pullRequest is a pull request asked for by its number.
func (v view) pullRequest(p *pull) map[string]any {
	out := v.pullSimple(p)
	files := v.filesOf(p)
	additions, deletions := 0, 0
	for _, f := range files {
		additions += f.Additions
		deletions += f.Deletions
	}
	mergeable, state := any(p.testMerge != ""), "clean"
	switch {
	case !p.open:
		mergeable, state = nil, "unknown"
	case p.testMerge == "":
		state = "dirty"
	case p.draft:
		state = "draft"
	}
	var merger any
	if p.merged() {
		merger = v.user(identityOf(p.merger))
	}
	maps.Copy(out, map[string]any{
		"merged": p.merged(), "mergeable": mergeable, "rebaseable": mergeable, "mergeable_state": state, "merged_by": merger,
		"comments": v.commentCount(p), "review_comments": 0, "maintainer_can_modify": false, "commits": len(v.commitsOf(p)),
		"additions": additions, "deletions": deletions, "changed_files": len(files),
	})
	return out
}

// mergeCommit is what merge_commit_sha says: for an open pull request a merge that
// only GitHub tried.
func mergeCommit(p *pull) string {
	if p.merged() {
		return p.merge
	}
	return p.testMerge
}

func mergedAt(p *pull) *time.Time {
	if p.merged() {
		return timeOrNull(p.closed)
	}
	return nil
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// side is the base of a pull request, or a head in the same repository.
func (v view) side(ref, sha string) map[string]any {
	return map[string]any{"label": v.ownerLogin() + ":" + ref, "ref": ref, "sha": sha, "repo": v.repository(), "user": v.owner()}
}

func (v view) headSide(p *pull) map[string]any {
	out := v.side(p.head, p.headSHA)
	if strings.HasPrefix(p.headRef, heads) {
		return out
	}
	_, name, _ := strings.Cut(v.cfg.Repo, "/")
	out["label"], out["user"] = p.owner+":"+p.head, v.user(identityOf(p.owner))
	out["repo"] = v.repositoryNamed(p.owner + "/" + name)
	return out
}

// commentCount counts the comments of a pull request.
func (s *Server) commentCount(p *pull) int {
	n := 0
	for _, c := range s.comments {
		if c.number == p.number && c.goneFrom == 0 {
			n++
		}
	}
	return n
}
