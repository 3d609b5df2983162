package action

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/config"
)

// An event is the part of a webhook's payload that decides what may be done.
type event struct {
	PullRequest *struct {
		Number int    `json:"number"`
		Head   branch `json:"head"`
		Base   branch `json:"base"`
		User   struct {
			Login string `json:"login"`
		} `json:"user"`
		Labels []label `json:"labels"`
	} `json:"pull_request"`
	// Of a push: the branch, its commits before and after, and what lies between
	// them.
	Ref     string `json:"ref"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Commits []struct {
		ID string `json:"id"`
	} `json:"commits"`
	HeadCommit struct {
		Message string `json:"message"`
	} `json:"head_commit"`
	Repository struct {
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
}

type label struct {
	Name string `json:"name"`
}

type branch struct {
	SHA string `json:"sha"`
	// Repo is null when the fork was deleted.
	Repo *struct {
		FullName string `json:"full_name"`
	} `json:"repo"`
}

// none is how a push writes that there is no commit: before a branch was
// created, or after it was deleted.
const none = "0000000000000000000000000000000000000000"

// auto does what the event asks for (docs/design.md §3). What nobody reviewed is
// never applied: that takes a push to the default branch, or a scheduled run of
// it that was told to apply always.
func (r *run) auto(ctx context.Context) int {
	scheduled := r.runner.EventName == "schedule" || r.runner.EventName == "workflow_dispatch"
	switch {
	case r.runner.pushesDefault() && r.cfg.Apply != config.Never:
		return r.apply(ctx)
	case scheduled && r.cfg.Propose:
		return r.propose(ctx)
	case scheduled && r.cfg.Apply == config.Always && !r.runner.onDefault():
		r.tell(levelNotice, "only planned: plans are applied at once on the default branch only", "run the workflow on the default branch, or see that its event says which that is")
	case scheduled && r.cfg.Apply == config.Always:
		return r.applyPlans(ctx)
	}
	return r.plan(ctx)
}

// pushesDefault tells whether commits were pushed to the default branch.
func (r runner) pushesDefault() bool {
	return r.EventName == "push" && r.onDefault() && r.event.Before != "" && r.event.After != "" && r.event.After != none
}

// onDefault tells whether the workflow runs on the default branch, as far as
// the event says. A schedule always does.
func (r runner) onDefault() bool {
	if r.EventName == "schedule" {
		return true
	}
	branch := r.event.Repository.DefaultBranch
	return branch != "" && (r.event.Ref == "refs/heads/"+branch || r.event.Ref == branch)
}

// pushed are the commits that a push brought, the last one first; of many the
// last ones.
func (r runner) pushed() []string {
	const most = 10
	shas := []string{r.event.After}
	for _, c := range slices.Backward(r.event.Commits) {
		if !slices.Contains(shas, c.ID) && len(shas) < most {
			shas = append(shas, c.ID)
		}
	}
	return shas
}

// fromPull is how GitHub ends or begins the message of a commit that merges a
// pull request.
var fromPull = regexp.MustCompile(`^Merge pull request #\d+ from |\(#\d+\)$`)

// seemsMerged tells whether the last commit of a push looks like a merge of a pull
// request. Anybody may write such a message.
func (r runner) seemsMerged() bool {
	subject, _, _ := strings.Cut(r.event.HeadCommit.Message, "\n")
	return fromPull.MatchString(strings.TrimSpace(subject))
}

// pullEvent tells whether the event is about a pull request.
func (r runner) pullEvent() bool { return strings.HasPrefix(r.EventName, "pull_request") }

// labelled tells whether the pull request of the event has a label.
func (r runner) labelled(name string) bool {
	if r.event.PullRequest == nil {
		return false
	}
	return slices.ContainsFunc(r.event.PullRequest.Labels, func(l label) bool { return l.Name == name })
}
