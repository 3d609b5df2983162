package ghsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// Event is what starts a run of a workflow, in the runner's words.
type Event struct {
	Name    string // GITHUB_EVENT_NAME
	SHA     string // GITHUB_SHA
	Ref     string // GITHUB_REF
	Payload []byte // the file at GITHUB_EVENT_PATH
}

// Events writes the events of the simulated GitHub.
type Events struct{ view view }

// Events returns the events as they look where the simulator is served at a URL.
func (s *Server) Events(url string) Events { return Events{view{s, strings.TrimSuffix(url, "/")}} }

// PullRequest is the event pull_request of an action: opened, synchronize (of the
// last push to its head), reopened or closed.
func (e Events) PullRequest(number int, action, login string) (Event, error) {
	return e.pullRequest("pull_request", number, action, login)
}

// PullRequestTarget is the same as the event pull_request_target, which runs on
// the base with all secrets.
func (e Events) PullRequestTarget(number int, action, login string) (Event, error) {
	return e.pullRequest("pull_request_target", number, action, login)
}

func (e Events) pullRequest(name string, number int, action, login string) (Event, error) {
	v := e.view
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.pull(number)
	if p == nil {
		return Event{}, fmt.Errorf("write event %s: there is no pull request %d", name, number)
	}
	payload := map[string]any{
		"action": action, "number": number, "pull_request": v.pullRequest(p), "repository": v.repository(), "sender": v.user(identityOf(login)),
	}
	if action == "synchronize" {
		payload["before"], payload["after"] = p.previous, p.headSHA
	}
	out := Event{Name: name, SHA: p.testMerge, Ref: fmt.Sprintf("refs/pull/%d/merge", number)}
	if name == "pull_request_target" || p.merged() {
		out.SHA, out.Ref = v.branch(p.base), heads+p.base
	}
	return out.with(payload)
}

// Push is the event of a push.
func (e Events) Push(push Push) (Event, error) {
	v := e.view
	v.mu.Lock()
	defer v.mu.Unlock()
	var fresh []string
	if push.After != noCommit {
		fresh = v.git.Log(push.After, push.Before)
		slices.Reverse(fresh)
	}
	commits := []map[string]any{}
	for _, sha := range fresh {
		commits = append(commits, v.pushed(sha))
	}
	var head any
	if len(commits) > 0 {
		head = commits[len(commits)-1]
	} else if push.After != noCommit {
		head = v.pushed(push.After)
	}
	repository := v.repository()
	repository["stargazers"], repository["master_branch"] = 0, v.cfg.Branch
	repository["created_at"], repository["pushed_at"] = epoch.Unix(), epoch.Unix() // numbers, in this event only
	who := v.person(push.Login)
	return Event{Name: "push", SHA: push.After, Ref: push.Ref}.with(map[string]any{
		"ref": push.Ref, "before": push.Before, "after": push.After, "base_ref": nil,
		"created": push.Before == noCommit, "deleted": push.After == noCommit,
		"forced":  push.Before != noCommit && push.After != noCommit && !v.git.Contains(push.After, push.Before),
		"compare": fmt.Sprintf("%s/compare/%.12s...%.12s", v.html(), push.Before, push.After),
		"commits": commits, "head_commit": head, "repository": repository,
		"pusher": map[string]string{"name": push.Login, "email": who.Email}, "sender": v.user(identityOf(push.Login)),
	})
}

// Schedule is the event of a cron line, on the default branch.
func (e Events) Schedule(cron string) (Event, error) {
	v := e.view
	v.mu.Lock()
	defer v.mu.Unlock()
	out := Event{Name: "schedule", SHA: v.branch(v.cfg.Branch), Ref: heads + v.cfg.Branch}
	return out.with(map[string]any{"schedule": cron, "repository": v.repository()})
}

// Dispatch is the event workflow_dispatch: somebody's click, with inputs.
func (e Events) Dispatch(login string, inputs map[string]string) (Event, error) {
	v := e.view
	v.mu.Lock()
	defer v.mu.Unlock()
	out := Event{Name: "workflow_dispatch", SHA: v.branch(v.cfg.Branch), Ref: heads + v.cfg.Branch}
	return out.with(map[string]any{
		"inputs": inputs, "ref": out.Ref, "workflow": ".github/workflows/placement.yml",
		"repository": v.repository(), "sender": v.user(identityOf(login)),
	})
}

func (e Event) with(payload map[string]any) (Event, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return Event{}, fmt.Errorf("write event %s: %w", e.Name, err)
	}
	e.Payload = data
	return e, nil
}

// pushed is a commit as a push tells of it.
func (v view) pushed(sha string) map[string]any {
	c, _ := v.git.Commit(sha)
	person := func(p gitsim.Person) map[string]string {
		out := map[string]string{"name": p.Name, "email": p.Email}
		if login := loginOf(p); login != "" {
			out["username"] = login
		}
		return out
	}
	paths := map[string][]string{"added": {}, "removed": {}, "modified": {}}
	for _, f := range v.files(v.git.FirstParent(sha), sha) {
		if f.Status == "renamed" {
			paths["removed"] = append(paths["removed"], f.Previous)
			f.Status = "added"
		}
		paths[f.Status] = append(paths[f.Status], f.Filename)
	}
	return map[string]any{
		"id": sha, "tree_id": c.Tree, "distinct": true, "message": c.Message, "timestamp": c.Author.When.Format(time.RFC3339),
		"url": v.html() + "/commit/" + sha, "author": person(c.Author), "committer": person(c.Committer),
		"added": paths["added"], "removed": paths["removed"], "modified": paths["modified"],
	}
}
