package ghapi_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// meanwhile makes something happen right before the first request of a kind, after
// everything that the client read up to there.
func (w *world) meanwhile(method, path string, do func()) {
	w.sim.AddFault(ghsim.Fault{Kind: ghsim.Meanwhile, Method: method, Path: path, Do: do})
}

// other returns a second job's client of the same world.
func (w *world) other(t *testing.T) *world {
	t.Helper()
	c, err := ghapi.New(ghapi.Options{APIURL: w.url, Token: ghsim.DefaultToken, Sleep: sleepOf(func() {})})
	if err != nil {
		t.Fatal(err)
	}
	return &world{sim: w.sim, url: w.url, client: c}
}

func TestAnotherJobIsQuicker(t *testing.T) {
	for _, tc := range []struct {
		name, method, path string
		operation          string
	}{
		{"to make the branch", "POST", "/git/refs", "updated"},
		{"to make a commit for it", "POST", "/git/commits", "updated"},
		{"to open the pull request", "POST", "/pulls$", "updated"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, noPulls())
			w.meanwhile(tc.method, tc.path, func() { propose(t, w.other(t), decisions{"blog": "iad1"}) })
			p := propose(t, w, decisions{"shop": "ams2"})
			if p.Operation != tc.operation || p.Number != 1 {
				t.Errorf("proposal = %+v", p)
			}
			if diff := cmp.Diff(decisions{"blog": "iad1", "shop": "ams2"}, w.files(t, 1)); diff != "" {
				t.Error(diff)
			}
			if body := strings.TrimSpace(w.pull(t, 1).Body); body != "blog: proposed iad1\nshop: proposed ams2" {
				t.Errorf("body = %q", body)
			}
		})
	}
	t.Run("to move it", func(t *testing.T) {
		w := start(t, noPulls())
		propose(t, w, decisions{"shop": "ams2"})
		w.meanwhile("PATCH", "/git/refs/", func() { propose(t, w.other(t), decisions{"blog": "iad1"}) })
		if p := propose(t, w, decisions{"shop": "ams3"}); p.Operation != "updated" {
			t.Errorf("proposal = %+v", p)
		}
		if diff := cmp.Diff(decisions{"blog": "iad1", "shop": "ams3"}, w.files(t, 1)); diff != "" {
			t.Error(diff)
		}
	})
}

// sleepOf does something instead of sleeping.
func sleepOf(do func()) func(context.Context, time.Duration) error {
	return func(ctx context.Context, _ time.Duration) error {
		do()
		return ctx.Err()
	}
}

// The last look before the end: what was overwritten in between is put back.
func TestABodyThatAnotherJobOverwroteIsPutBack(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2", "blog": "iad1"})
	old := w.pull(t, 1).Body
	overwritten := false
	c, err := ghapi.New(ghapi.Options{APIURL: w.url, Token: ghsim.DefaultToken, Sleep: sleepOf(func() {
		if !overwritten { // by a job that read the body before ours was written
			overwritten = true
			w.ask(t, ghsim.DefaultToken, "PATCH", "/pulls/1", map[string]string{"body": strings.Replace(old, "iad1", "iad7", 1)})
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	w.client = c
	propose(t, w, decisions{"shop": "ams2 # confirmed"})
	if body := strings.TrimSpace(w.pull(t, 1).Body); !overwritten || body != "blog: proposed iad7\nshop: proposed ams2 # confirmed" {
		t.Errorf("body = %q", body)
	}
}

func TestAClosedPullRequestIsOpenedAgainForAnotherJob(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2"})
	closing := 0
	w.sim.AddFault(ghsim.Fault{Kind: ghsim.Meanwhile, Method: "PATCH", Path: "/pulls/1", From: 2, Do: func() {
		closing++
		propose(t, w.other(t), decisions{"blog": "iad1"})
	}})
	p := propose(t, w, decisions{"shop": ""})
	if closing != 1 || p.Number != 1 || p.Operation == "closed" {
		t.Errorf("proposal = %+v", p)
	}
	if pull := w.pull(t, 1); pull.State != "open" || len(w.sim.Comments(1)) != 0 {
		t.Errorf("pull request = %+v, comments = %+v", pull, w.sim.Comments(1))
	}
	if diff := cmp.Diff(decisions{"blog": "iad1"}, w.files(t, 1)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatPeopleDoMeanwhileIsSeen(t *testing.T) {
	merge := func(w *world) {
		if _, err := w.sim.Merge(1, "alice", "squash"); err != nil {
			panic(err)
		}
	}
	for _, tc := range []struct {
		name, method, path string
		from               int
		do                 func(*world)
		d                  decisions
		operation          string
		check              func(*testing.T, *world, ghapi.Proposal)
	}{
		{"merged before the new commit", "PATCH", "/git/refs/", 1, merge, decisions{"shop": "ams3"}, "created", func(t *testing.T, w *world, p ghapi.Proposal) {
			if diff := cmp.Diff(decisions{"shop": "ams3"}, w.files(t, p.Number)); p.Number != 2 || diff != "" {
				t.Error(p, diff)
			}
		}},
		{"merged before it was closed", "PATCH", "/pulls/1", 2, merge, decisions{"shop": ""}, "none", func(t *testing.T, w *world, p ghapi.Proposal) {
			if !w.pull(t, 1).Merged || len(w.sim.Comments(1)) != 0 {
				t.Errorf("comments = %+v", w.sim.Comments(1))
			}
		}},
		{"closed before the new commit", "PATCH", "/git/refs/", 1, func(w *world) { _ = w.sim.ClosePull(1, "alice") }, decisions{"shop": "ams3"}, "created", func(t *testing.T, w *world, p ghapi.Proposal) {
			if p.Number != 2 {
				t.Errorf("proposal = %+v", p)
			}
		}},
		{"pushed to before the new commit", "PATCH", "/git/refs/", 1, func(w *world) {
			w.sim.Commit("alice", branch, "I know better", map[string][]byte{"x": []byte("y")})
		}, decisions{"shop": "ams3"}, "none", func(t *testing.T, w *world, p ghapi.Proposal) {
			if !slices.Equal(p.Touched, []string{w.sim.Head(branch)}) {
				t.Errorf("proposal = %+v", p)
			}
		}},
		{"deleted before the new commit", "PATCH", "/git/refs/", 1, func(w *world) { _, _ = w.sim.PushBranch("alice", branch, "") }, decisions{"shop": "ams3"}, "created", func(t *testing.T, w *world, p ghapi.Proposal) {
			if diff := cmp.Diff(decisions{"shop": "ams3"}, w.files(t, p.Number)); p.Number != 2 || diff != "" {
				t.Error(p, diff)
			}
		}},
		{"the base moved before the new commit", "PATCH", "/git/refs/", 1, func(w *world) {
			w.sim.Commit("alice", "main", "Change something", map[string][]byte{"README.md": []byte("new\n")})
		}, decisions{"shop": "ams3"}, "updated", func(t *testing.T, w *world, p ghapi.Proposal) {
			if diff := cmp.Diff(decisions{"shop": "ams3"}, w.files(t, 1)); diff != "" {
				t.Error(diff)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, noPulls())
			propose(t, w, decisions{"shop": "ams2"})
			w.sim.AddFault(ghsim.Fault{Kind: ghsim.Meanwhile, Method: tc.method, Path: tc.path, From: tc.from, Do: func() { tc.do(w) }})
			p := propose(t, w, tc.d)
			if p.Operation != tc.operation {
				t.Errorf("operation = %s, want %s", p.Operation, tc.operation)
			}
			tc.check(t, w, p)
		})
	}
}

// New pull requests are missing from lists for a while, and labels and reviewers
// can be refused for a pull request that GitHub has only just made.
func TestNewPullRequestsAreNotReadyAtOnce(t *testing.T) {
	for lag := range 6 {
		cfg := noPulls()
		cfg.PullLag = lag
		cfg.Faults = []ghsim.Fault{
			{Kind: ghsim.Status, Status: 422, Method: "POST", Path: "/labels", Message: "Could not resolve to a node with the global id of 'PR_x'."},
			{Kind: ghsim.Status, Status: 422, Method: "POST", Path: "/requested_reviewers", To: 2, Message: "Could not resolve to a node with the global id of 'PR_x'."},
		}
		w := start(t, cfg)
		p := propose(t, w, decisions{"shop": "ams2"}, withExtras)
		pulls := w.sim.Pulls()
		if p.Operation != "created" || p.Warnings != nil || len(pulls) != 1 || !slices.Equal(pulls[0].Labels, []string{"placement"}) || !slices.Equal(pulls[0].Reviewers, []string{"alice"}) {
			t.Errorf("lag %d: %+v, %+v", lag, p, pulls)
		}
	}
}
