package ghapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

func TestABranchOfOthersIsLeftAlone(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2"})
	touched := w.sim.Commit("alice", branch, "I know better\n\nFly-Placer: shop", map[string][]byte{pathOf("shop"): []byte("ams7\n")})
	for n := range 2 {
		since := len(w.sim.Requests())
		p := propose(t, w, decisions{"shop": "ams3"})
		if p.Operation != "none" || p.Number != 1 || !slices.Equal(p.Touched, []string{touched}) || w.sim.Head(branch) != touched {
			t.Errorf("proposal = %+v", p)
		}
		if want := 1 - n; len(w.writes(since)) != want {
			t.Errorf("writes = %v", w.writes(since))
		}
	}
	comments := w.sim.Comments(1)
	if len(comments) != 1 || !strings.Contains(comments[0].Body, touched+" by `alice`") {
		t.Errorf("comments = %+v", comments)
	}
	// Closed without a merge, the branch is still somebody's.
	if err := w.sim.ClosePull(1, "alice"); err != nil {
		t.Fatal(err)
	}
	if p := propose(t, w, decisions{"shop": "ams3"}); p.Operation != "none" || len(p.Touched) != 1 || p.Number != 0 {
		t.Errorf("proposal = %+v", p)
	}
	// Deleted, it is nobody's.
	if _, err := w.sim.PushBranch("alice", branch, ""); err != nil {
		t.Fatal(err)
	}
	if p := propose(t, w, decisions{"shop": "ams3"}); p.Operation != "created" {
		t.Errorf("proposal = %+v", p)
	}
}

func TestEveryCommitOfOthersIsSeen(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2"})
	var want []string
	for n := range 130 { // more than a page
		want = append(want, w.sim.Commit("alice", branch, "I know better", map[string][]byte{"x": fmt.Append(nil, n)}))
	}
	if p := propose(t, w, decisions{"shop": "ams3"}); !slices.Equal(p.Touched, want) {
		t.Errorf("%d commits of others, want %d", len(p.Touched), len(want))
	}
	if c := w.sim.Comments(1); len(c) != 1 || !strings.Contains(c[0].Body, "and 120 more") {
		t.Errorf("comments = %+v", c)
	}
}

func TestCommitsOfOthersThatWereMergedDontCount(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2"})
	w.sim.Commit("alice", branch, "I know better", map[string][]byte{pathOf("shop"): []byte("ams7\n")})
	if _, err := w.sim.Merge(1, "alice", "squash"); err != nil {
		t.Fatal(err)
	}
	for n, d := range []decisions{{"shop": "ams3"}, {"shop": "ams4"}} {
		if p := propose(t, w, d); p.Operation != []string{"created", "updated"}[n] || p.Touched != nil {
			t.Errorf("proposal %d = %+v", n, p)
		}
	}
	if diff := cmp.Diff(decisions{"shop": "ams4"}, w.files(t, 2)); diff != "" {
		t.Error(diff)
	}
}

// "Update branch" on GitHub is no edit, as long as the merge changes nothing else.
func TestAMergeOfTheBaseByHandIsNoEdit(t *testing.T) {
	const alice = "ghp_alice"
	for _, evil := range []bool{false, true} {
		cfg := noPulls()
		cfg.Tokens = map[string]ghsim.Identity{ghsim.DefaultToken: {}, alice: {Kind: ghsim.User, Login: "alice"}}
		w := start(t, cfg)
		propose(t, w, decisions{"shop": "ams2"})
		base := w.sim.Commit("alice", "main", "Change something", map[string][]byte{"README.md": []byte("new\n")})
		trial := w.ask(t, alice, http.MethodGet, "/git/ref/pull/1/merge", nil)["object"].(map[string]any)["sha"].(string)
		tree := w.ask(t, alice, http.MethodGet, "/git/commits/"+trial, nil)["tree"].(map[string]any)["sha"]
		if evil {
			tree = w.ask(t, alice, http.MethodPost, "/git/trees", map[string]any{
				"base_tree": tree, "tree": []map[string]any{{"path": pathOf("shop"), "mode": "100644", "type": "blob", "content": "ams9\n"}},
			})["sha"]
		}
		merge := w.ask(t, alice, http.MethodPost, "/git/commits", map[string]any{
			"message": "Merge branch 'main' into " + branch, "tree": tree, "parents": []string{w.sim.Head(branch), base},
			"author": map[string]any{"name": "alice", "email": "alice@users.noreply.github.com"}, "committer": map[string]any{"name": "GitHub", "email": "noreply@github.com"},
		})["sha"].(string)
		w.ask(t, alice, http.MethodPatch, "/git/refs/heads/"+branch, map[string]any{"sha": merge})
		p := propose(t, w, decisions{"shop": "ams3"})
		if evil && !slices.Equal(p.Touched, []string{merge}) || !evil && p.Operation != "updated" {
			t.Errorf("evil %t: %+v", evil, p)
		}
	}
}
