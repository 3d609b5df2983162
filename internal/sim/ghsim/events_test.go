package ghsim_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// event looks into the payload of an event like into an answer.
func event(t *testing.T, e ghsim.Event, err error) answered {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	w.Body.Write(e.Payload)
	return answered{t, w}
}

func TestEventsTellWhatHappened(t *testing.T) {
	const url = "http://github.test"
	sim := ghsim.New(ghsim.Config{Pulls: []int{-1}})
	events := sim.Events(url + "/")
	n := propose(t, sim, "ams: 4\n")
	first := sim.Head(branch)

	opened, err := events.PullRequest(n, "opened", bot)
	event(t, opened, err).want(
		"action", "opened", "number", fmt.Sprint(n), "pull_request.head.sha", first, "pull_request.merged", "false", "sender.type", "Bot",
		"pull_request.head.repo.full_name", "octo/shop", "repository.default_branch", "main", "pull_request.url", fmt.Sprintf("%s/repos/octo/shop/pulls/%d", url, n))
	if data, _ := sim.File(opened.SHA, decisionFile); string(data) != "ams: 4\n" || opened.Ref != fmt.Sprintf("refs/pull/%d/merge", n) {
		t.Errorf("at %s: %q", opened.Ref, data)
	}
	target, err := events.PullRequestTarget(n, "opened", bot)
	event(t, target, err).want("action", "opened")
	if target.SHA != sim.Head("main") {
		t.Error("pull_request_target runs on the base")
	}

	second := sim.Commit("alice", branch, "Place otherwise", map[string][]byte{decisionFile: []byte("fra: 4\n")})
	synchronized, err := events.PullRequest(n, "synchronize", "alice")
	event(t, synchronized, err).want("before", first, "after", second, "pull_request.head.sha", second)

	push, err := sim.Merge(n, "bob", "squash")
	if err != nil {
		t.Fatal(err)
	}
	closed, err := events.PullRequest(n, "closed", "bob")
	event(t, closed, err).want("pull_request.merged", "true", "pull_request.merge_commit_sha", push.After, "pull_request.merged_by.login", "bob")
	pushed, err := events.Push(push)
	event(t, pushed, err).want(
		"ref", "refs/heads/main", "before", push.Before, "after", push.After, "forced", "false", "created", "false", "pusher.name", "bob",
		"commits.0.id", push.After, "commits.1.id", "", "commits.0.added.0", decisionFile, "head_commit.id", push.After,
		"head_commit.author.username", bot, "head_commit.committer.username", "web-flow")
	if pushed.SHA != push.After || pushed.Ref != "refs/heads/main" {
		t.Errorf("a push runs on %s %s", pushed.Ref, pushed.SHA)
	}

	schedule, err := events.Schedule("17 3 * * *")
	event(t, schedule, err).want("schedule", "17 3 * * *", "repository.full_name", "octo/shop")
	dispatch, err := events.Dispatch("alice", map[string]string{"command": "plan"})
	event(t, dispatch, err).want("inputs.command", "plan", "sender.login", "alice", "ref", "refs/heads/main")
	for _, e := range []ghsim.Event{schedule, dispatch} {
		if e.SHA != push.After || e.Ref != "refs/heads/main" {
			t.Errorf("%s runs on %s %s", e.Name, e.Ref, e.SHA)
		}
	}
	if _, err := events.PullRequest(99, "opened", bot); err == nil {
		t.Error("an event of no pull request")
	}
}

func TestEventsOfBranchesThatComeAndGo(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	events := sim.Events("http://github.test")
	old := sim.Commit("alice", "topic", "One", map[string][]byte{"a": []byte("1")})
	for _, tc := range []struct{ sha, created, deleted, forced string }{
		{sim.Head("main"), "false", "false", "true"},
		{old, "false", "false", "false"},
		{"", "false", "true", "false"},
		{old, "true", "false", "false"},
	} {
		push, err := sim.PushBranch("alice", "topic", tc.sha)
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Push(push)
		event(t, e, err).want("created", tc.created, "deleted", tc.deleted, "forced", tc.forced)
	}
	if _, err := sim.PushBranch("alice", "topic", "nothing"); err == nil {
		t.Error("a push of nothing")
	}
}

func TestForksAreTold(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	n := sim.OpenFork("mallory", "patch", "Let me in", map[string][]byte{decisionFile: []byte("iad: 99\n")})
	e, err := sim.Events("http://github.test").PullRequest(n, "opened", "mallory")
	event(t, e, err).want(
		"pull_request.head.repo.full_name", "mallory/shop", "pull_request.head.repo.fork", "true", "pull_request.head.label", "mallory:patch",
		"pull_request.base.repo.full_name", "octo/shop", "pull_request.base.repo.fork", "false", "pull_request.user.login", "mallory")
	tell(t, sim, 200, fmt.Sprintf("GET /pulls/%d/files", n), "").want("0.filename", decisionFile)
	tell(t, sim, 200, "GET /compare/main...mallory:patch", "").want("files.0.filename", decisionFile)
	tell(t, sim, 404, "GET /git/ref/heads/patch", "")
}
