package ghsim_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

func at(n int) string { return fmt.Sprintf("/pulls/%d", n) }

func TestPullRequestsAreRefusedInGitHubsWords(t *testing.T) {
	ask := func(pairs ...string) string {
		return object(append([]string{"title", "t", "head", branch, "base", "main"}, pairs...)...)
	}
	for _, tc := range []struct {
		name, body string
		settings   ghsim.Settings
		status     int
		says       string
	}{
		{"forbidden by the setting", ask(), ghsim.Settings{NoActionsPulls: true}, 403, "GitHub Actions is not permitted to create or approve pull requests."},
		{"no title", ask("title", ""), ghsim.Settings{}, 422, "missing_field"},
		{"no such head", ask("head", "none"), ghsim.Settings{}, 422, `"field":"head"`},
		{"no such base", ask("base", "none"), ghsim.Settings{}, 422, `"field":"base"`},
		{"nothing to merge", ask("head", "same"), ghsim.Settings{}, 422, "No commits between main and same"},
		{"there is one", ask("head", "octo:change-1"), ghsim.Settings{}, 422, "A pull request already exists for octo:change-1."},
		{"too long", ask("body", strings.Repeat("ü", 65537)), ghsim.Settings{}, 422, "body is too long (maximum is 65536 characters)"},
		{"just not too long", ask("body", strings.Repeat("ü", 65536)), ghsim.Settings{}, 201, `"state":"open"`},
		{"draft", `{"title": "t", "head": "` + branch + `", "base": "main", "draft": true}`, ghsim.Settings{}, 201, `"draft":true`},
		{"no drafts", `{"title": "t", "head": "` + branch + `", "base": "main", "draft": true}`, ghsim.Settings{NoDrafts: true}, 422, "Draft pull requests are not supported"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sim := ghsim.New(ghsim.Config{Settings: tc.settings})
			sim.Commit("alice", branch, "Place", map[string][]byte{decisionFile: []byte("ams: 1\n")})
			if _, err := sim.PushBranch("alice", "same", sim.Head("main")); err != nil {
				t.Fatal(err)
			}
			if a := tell(t, sim, tc.status, "POST /pulls", tc.body); !strings.Contains(a.Body.String(), tc.says) {
				t.Errorf("%.300s, want %q", a.Body, tc.says)
			}
		})
	}
}

func TestOtherAppsMayOpenPullRequestsAnyway(t *testing.T) {
	sim := ghsim.New(ghsim.Config{
		Settings: ghsim.Settings{NoActionsPulls: true},
		Tokens:   map[string]ghsim.Identity{ghsim.DefaultToken: {Login: "placer[bot]", Permissions: map[string]string{"pull-requests": "write", "administration": "read"}}},
	})
	sim.Commit("alice", branch, "Place", map[string][]byte{decisionFile: []byte("ams: 1\n")})
	tell(t, sim, 201, "POST /pulls", object("title", "t", "head", branch, "base", "main")).want("user.login", "placer[bot]", "user.type", "Bot", "number", "2")
	tell(t, sim, 200, "GET /actions/permissions/workflow", "").want("can_approve_pull_request_reviews", "false")
}

func TestPullRequestsAreListed(t *testing.T) {
	sim := ghsim.New(ghsim.Config{Pulls: []int{3, 5, 8}, PullLag: 1})
	if err := sim.ClosePull(5, "alice"); err != nil {
		t.Fatal(err)
	}
	tell(t, sim, 200, "PATCH /pulls/3", object("body", "newest")).want("body", "newest")
	n := propose(t, sim, "ams: 4\n")
	numbers := func(query string) string {
		var out []string
		a := tell(t, sim, 200, "GET /pulls"+query, "")
		for i := 0; a.get(fmt.Sprintf("%d.number", i)) != ""; i++ {
			out = append(out, a.get(fmt.Sprintf("%d.number", i)))
		}
		return strings.Join(out, " ")
	}
	if got := numbers(""); got != "8 3" {
		t.Errorf("a list that lags behind: %s", got)
	}
	for query, want := range map[string]string{
		"":                         "9 8 3",
		"?state=closed":            "5",
		"?state=all":               "9 8 5 3",
		"?state=all&direction=asc": "3 5 8 9",
		"?sort=updated":            "8 3 9",
		"?per_page=2&page=2":       "3",
		"?head=octo:" + branch:     "9",
		"?head=mallory:" + branch:  "",
		"?head=" + branch:          "9 8 3", // without its owner it is ignored
		"?base=main":               "9 8 3",
		"?base=none":               "",
		"?head=octo:change-5&state=all&base=main": "5",
	} {
		if got := numbers(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	a := tell(t, sim, 200, "GET /pulls", "")
	if a.get("0.number") != fmt.Sprint(n) || strings.Contains(a.Body.String(), `"merged":`) {
		t.Error("a list tells merges by merged_at only")
	}
}

// TestHeadFollowsItsBranchWhileOpen goes through the life of a head.
func TestHeadFollowsItsBranchWhileOpen(t *testing.T) {
	sim := ghsim.New(ghsim.Config{Settings: ghsim.Settings{DismissStaleReviews: true}})
	n := propose(t, sim, "ams: 4\n")
	first := sim.Head(branch)
	for _, state := range []string{"COMMENTED", "APPROVED"} {
		if err := sim.Review(n, "alice", state); err != nil {
			t.Fatal(err)
		}
	}
	second := commitFile(t, sim, first, decisionFile, "fra: 4\n")
	tell(t, sim, 200, "PATCH /git/refs/heads/"+branch, object("sha", second))
	tell(t, sim, 200, "GET "+at(n), "").want("head.sha", second, "commits", "2", "changed_files", "1", "mergeable", "true")
	tell(t, sim, 200, "GET "+at(n)+"/commits", "").want("0.sha", first, "1.sha", second, "0.author.login", bot)
	tell(t, sim, 200, "GET "+at(n)+"/reviews", "").want("0.state", "COMMENTED", "1.state", "DISMISSED", "1.commit_id", first)
	tell(t, sim, 200, "GET /commits/"+second+"/pulls", "").want("0.number", fmt.Sprint(n))

	tell(t, sim, 200, "PATCH "+at(n), object("state", "closed")).want("state", "closed", "merged", "false")
	third := sim.Commit("alice", branch, "More", map[string][]byte{"x": []byte("x")})
	tell(t, sim, 200, "GET "+at(n), "").want("head.sha", second)
	tell(t, sim, 200, "GET /commits/"+second+"/pulls", "").want("0.number", "")
	tell(t, sim, 200, "PATCH "+at(n), object("state", "open")).want("state", "open", "head.sha", third, "closed_at", "")

	// A branch that is set back to its base has nothing to merge: GitHub closes.
	if _, err := sim.PushBranch("alice", branch, sim.Head("main")); err != nil {
		t.Fatal(err)
	}
	tell(t, sim, 200, "GET "+at(n), "").want("state", "closed", "merged", "false")
}

func TestReopeningIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before func(*ghsim.Server, int) error
		says   string
	}{
		{"deleted", func(s *ghsim.Server, _ int) error { _, err := s.PushBranch("alice", branch, ""); return err }, "branch has been deleted"},
		{"forced", func(s *ghsim.Server, n int) error {
			if err := s.ClosePull(n, "alice"); err != nil {
				return err
			}
			_, err := s.PushBranch("alice", branch, s.Head("change-1"))
			return err
		}, "force-pushed or recreated"},
		{"another", func(s *ghsim.Server, n int) error {
			if err := s.ClosePull(n, "alice"); err != nil {
				return err
			}
			_, err := s.OpenPull("alice", branch, "Mine", "")
			return err
		}, "already an open pull request"},
		{"merged", func(s *ghsim.Server, n int) error { _, err := s.Merge(n, "alice", "merge"); return err }, "cannot be reopened"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sim := ghsim.New(ghsim.Config{})
			n := propose(t, sim, "ams: 4\n")
			if err := tc.before(sim, n); err != nil {
				t.Fatal(err)
			}
			a := tell(t, sim, 422, "PATCH "+at(n), object("state", "open"))
			if !strings.Contains(a.get("errors.0.message"), tc.says) {
				t.Errorf("%s, want %q", a.Body, tc.says)
			}
			if err := sim.ReopenPull(n); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("ReopenPull: %v", err)
			}
		})
	}
}

func TestUpdateIsRefused(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	tell(t, sim, 422, "PATCH /pulls/1", object("title", ""))
	tell(t, sim, 422, "PATCH /pulls/1", object("base", "none"))
	tell(t, sim, 422, "PATCH /pulls/1", object("body", strings.Repeat("x", 65537)))
	tell(t, sim, 404, "PATCH /pulls/9", object("title", "x"))
	sim.Commit("alice", "next", "Next", nil)
	tell(t, sim, 200, "PATCH /pulls/1", object("base", "next", "title", "x")).want("base.ref", "next", "title", "x")
}

func TestMergesConflict(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	sim.AddFile(decisionFile, []byte("iad: 4\n"))
	n := propose(t, sim, "ams: 4\n")
	tell(t, sim, 200, "GET "+at(n), "").want("mergeable_state", "clean")
	sim.AddFile(decisionFile, []byte("fra: 4\n"))
	tell(t, sim, 200, "GET "+at(n), "").want("mergeable", "false", "mergeable_state", "dirty", "merge_commit_sha", "")
	for _, method := range []string{"merge", "squash", "rebase"} {
		if _, err := sim.Merge(n, "alice", method); err == nil {
			t.Errorf("%s: no conflict", method)
		}
	}
	if _, err := sim.Revert(zero, "alice"); err == nil {
		t.Error("a revert of nothing")
	}
}

// TestMergeByHand merges with git rather than with the button.
func TestMergeByHand(t *testing.T) {
	sim := ghsim.New(ghsim.Config{PullLag: 1})
	n := propose(t, sim, "ams: 4\n")
	head := sim.Head(branch)
	if _, err := sim.PushBranch("alice", "main", head); err != nil {
		t.Fatal(err)
	}
	tell(t, sim, 200, "GET "+at(n), "").want("merged", "true", "merge_commit_sha", head, "merged_by.login", "alice")
	tell(t, sim, 200, "GET /commits/"+head+"/pulls", "").want("0.number", "") // not known yet
	tell(t, sim, 200, "GET /commits/"+head+"/pulls", "").want("0.number", fmt.Sprint(n), "0.merge_commit_sha", head)
	tell(t, sim, 422, "GET /commits/"+zero+"/pulls", "")
	// What was changed stays to be seen after the merge.
	tell(t, sim, 200, "GET "+at(n)+"/files", "").want("0.filename", decisionFile)
}

// TestRebaseBringsNewCommits asks each of them where it came from.
func TestRebaseBringsNewCommits(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	n := propose(t, sim, "ams: 4\n")
	second := sim.Commit("alice", branch, "More", map[string][]byte{"more": []byte("x")})
	sim.Commit("bob", "main", "Else", map[string][]byte{"else": []byte("x")})
	push, err := sim.Merge(n, "bob", "rebase")
	if err != nil {
		t.Fatal(err)
	}
	between := tell(t, sim, 200, "GET /compare/"+push.Before+"..."+push.After, "")
	between.want("total_commits", "2", "commits.0.author.login", bot, "commits.0.committer.login", "bob", "commits.1.author.login", "alice", "commits.1.sha", push.After)
	for _, sha := range []string{between.get("commits.0.sha"), push.After, second} {
		tell(t, sim, 200, "GET /commits/"+sha+"/pulls", "").want("0.number", fmt.Sprint(n))
	}
}

// TestManyAtOnce is for the race detector.
func TestManyAtOnce(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			topic := fmt.Sprintf("topic-%d", i)
			sim.Commit("alice", topic, "Topic", map[string][]byte{topic: []byte("x")})
			made := ask(t, sim, "POST /repos/octo/shop/pulls", "", object("title", topic, "head", topic, "base", "main"))
			ask(t, sim, "GET /repos/octo/shop/pulls", "", "")
			ask(t, sim, "POST /repos/octo/shop/issues/1/comments", "", object("body", topic))
			n, err := strconv.Atoi(answered{t, made}.get("number"))
			if err != nil {
				t.Errorf("%d %s", made.Code, made.Body)
				return
			}
			if _, err := sim.Merge(n, "bob", "merge"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	merged := 0
	for _, p := range sim.Pulls() {
		if _, there := sim.File("main", p.Head); p.Merged && there && !p.Open {
			merged++
		}
	}
	if merged != 8 || len(sim.Comments(1)) != 8 {
		t.Errorf("%d merged, %d comments, want 8 of each", merged, len(sim.Comments(1)))
	}
}

func TestSettingsCanChange(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	sim.Commit("alice", branch, "Place", map[string][]byte{decisionFile: []byte("ams: 1\n")})
	body := object("title", "t", "head", branch, "base", "main")
	sim.Configure(ghsim.Settings{NoActionsPulls: true})
	tell(t, sim, 403, "POST /pulls", body)
	sim.Configure(ghsim.Settings{})
	tell(t, sim, 201, "POST /pulls", body)
	want := ghsim.Pull{Number: 2, Author: bot, Title: "t", Open: true, Head: branch, HeadSHA: sim.Head(branch), Base: "main"}
	if got := sim.Pulls()[1]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestTheFirstDecisionIsReverted takes the file away again.
func TestTheFirstDecisionIsReverted(t *testing.T) {
	sim := ghsim.New(ghsim.Config{})
	n := propose(t, sim, "ams: 4\n")
	push, err := sim.Merge(n, "alice", "merge")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Revert(push.After, "alice"); err != nil {
		t.Fatal(err)
	}
	if _, there := sim.File("main", decisionFile); there {
		t.Error("the file is still there")
	}
	// And reverting the revert brings it back.
	if _, err := sim.Revert(sim.Head("main"), "alice"); err != nil {
		t.Fatal(err)
	}
	if data, _ := sim.File("main", decisionFile); string(data) != "ams: 4\n" {
		t.Errorf("after the second revert: %q", data)
	}
}
