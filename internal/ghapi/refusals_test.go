package ghapi_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

func TestForbiddenPullRequestsAreBlocked(t *testing.T) {
	w := start(t, ghsim.Config{Pulls: []int{-1}, Settings: ghsim.Settings{NoActionsPulls: true}})
	for range 2 {
		p := propose(t, w, decisions{"shop": "ams2"}, func(r *ghapi.ProposalRequest) { r.Title = `Place "shop" & co` })
		if p.Operation != "blocked" || p.Number != 0 || !strings.Contains(p.Blocked, "not permitted to create") || p.HeadSHA != w.sim.Head(branch) {
			t.Errorf("proposal = %+v", p)
		}
		if want := w.url + "/octo/shop/compare/main...fly-placer/placement?expand=1&title=Place+%22shop%22+%26+co"; p.CompareURL != want {
			t.Errorf("compare URL = %s, want %s", p.CompareURL, want)
		}
	}
	if w.sim.Head(branch) == "" {
		t.Error("the branch was not pushed")
	}
	// Nobody opened it, and the decision is withdrawn: the branch says nothing any more.
	if p := propose(t, w, decisions{"shop": ""}); p.Operation != "none" {
		t.Errorf("proposal = %+v", p)
	}
	if _, found := w.sim.File(branch, pathOf("shop")); found {
		t.Error("the branch still has the file")
	}
	propose(t, w, decisions{"shop": "ams3"})
	number, err := w.sim.OpenPull("alice", branch, "Placement", "")
	if err != nil {
		t.Fatal(err)
	}
	p := propose(t, w, decisions{"shop": "ams3"})
	if p.Operation != "unchanged" || p.Number != number || strings.TrimSpace(w.pull(t, number).Body) != "shop: proposed ams3" {
		t.Errorf("proposal = %+v", p)
	}
}

func TestDraftsReviewersAndLabelsAreNotWorthAFailure(t *testing.T) {
	cfg := noPulls()
	cfg.Settings.NoDrafts = true
	w := start(t, cfg)
	p := propose(t, w, decisions{"shop": "ams2"}, func(r *ghapi.ProposalRequest) {
		r.Draft, r.Reviewers, r.Labels = true, []string{"stranger", "octo/sre"}, []string{strings.Repeat("x", 60)}
	})
	if p.Operation != "created" || len(p.Warnings) != 3 || w.pull(t, 1).Draft {
		t.Errorf("proposal = %+v", p)
	}
	for i, want := range []string{"Draft pull requests are not supported", "name is too long", "not a collaborator"} {
		if i < len(p.Warnings) && !strings.Contains(p.Warnings[i], want) {
			t.Errorf("warning %d = %s, want %s", i, p.Warnings[i], want)
		}
	}
	w = start(t, noPulls())
	p = propose(t, w, decisions{"shop": "ams2"}, func(r *ghapi.ProposalRequest) { r.Draft = true })
	if !w.pull(t, p.Number).Draft {
		t.Error("it is no draft")
	}
	// Reviewers are asked once, labels are put back, and those of others stay.
	if err := w.sim.Label(p.Number, "theirs"); err != nil {
		t.Fatal(err)
	}
	since := len(w.sim.Requests())
	p = propose(t, w, decisions{"shop": "ams2"}, func(r *ghapi.ProposalRequest) { r.Labels, r.Reviewers = []string{"ours", "THEIRS"}, []string{"alice"} })
	if diff := cmp.Diff([]string{"POST /issues/1/labels"}, w.writes(since)); p.Operation != "unchanged" || diff != "" {
		t.Errorf("%+v\n%s", p, diff)
	}
	if got := w.pull(t, 1).Labels; !slices.Equal(got, []string{"theirs", "ours"}) {
		t.Errorf("labels = %v", got)
	}
}

func TestABadProposalIsRefusedBeforeAnythingIsSent(t *testing.T) {
	w := start(t, noPulls())
	_, err := w.client.Propose(t.Context(), ghapi.ProposalRequest{
		Repo: repo, Branch: "a..b", Base: "-x", Message: "no trailer",
		Files: []ghapi.ProposalFile{{Path: "../x"}, {Path: "a"}, {Path: "a"}, {Path: "b", Data: []byte("\xff")}},
	})
	for _, want := range []string{`branch "a..b"`, `base "-x"`, "title", `lacks the line "Fly-Placer: …"`, "no body", `path "../x"`, `path "a" is there twice`, "file b is not UTF-8"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
	if n := len(w.sim.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	r := request(decisions{"shop": "ams2"})
	r.Branch = "main"
	if _, err := w.client.Propose(t.Context(), r); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("error = %v", err)
	}
	r = request(decisions{"shop": "ams2"})
	r.Body = func(string) string { return strings.Repeat("é", ghapi.MaxCommentChars+1) }
	if _, err := w.client.Propose(t.Context(), r); !errors.Is(err, ghapi.ErrTooLong) || len(w.sim.Writes()) != 0 {
		t.Errorf("error = %v after %v", err, w.writes(0))
	}
}

func TestMissingPermissionsAreNamed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		granted map[string]string
		left    func(*world) // done before, by somebody with more rights
		d       decisions
		hint    string
	}{
		{"to push", map[string]string{"contents": "read", "pull-requests": "write"}, nil, decisions{"shop": "ams2"}, "permissions: contents: write"},
		{"to open", map[string]string{"contents": "write", "pull-requests": "read"}, nil, decisions{"shop": "ams2"}, "permissions: pull-requests: write"},
		{"to read files", map[string]string{"pull-requests": "write"}, nil, decisions{"shop": "ams2"}, "permissions: contents: read"},
		{"to read pull requests", map[string]string{"contents": "write"}, nil, decisions{"shop": "ams2"}, "permissions: pull-requests: read"},
		{"to close", map[string]string{"contents": "write", "pull-requests": "read"}, func(w *world) {
			propose(t, w, decisions{"shop": "ams2"})
		}, decisions{"shop": ""}, "permissions: pull-requests: write"},
		{"to update", map[string]string{"contents": "read", "pull-requests": "write"}, func(w *world) {
			propose(t, w, decisions{"shop": "ams2"})
		}, decisions{"shop": "ams3"}, "permissions: contents: write"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const poor = "ghs_poor"
			w := start(t, ghsim.Config{Pulls: []int{-1}, Private: true, Tokens: map[string]ghsim.Identity{
				ghsim.DefaultToken: {}, poor: {Permissions: tc.granted},
			}})
			if tc.left != nil {
				tc.left(w)
			}
			c, err := ghapi.New(ghapi.Options{APIURL: w.url, Token: poor})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Propose(t.Context(), request(tc.d))
			if !errors.Is(err, ghapi.ErrReadOnly) || !strings.Contains(strings.Join(hint.Of(err), "\n"), tc.hint) {
				t.Errorf("error = %v with hints %q, want %q", err, hint.Of(err), tc.hint)
			}
		})
	}
}

func TestAProtectedBranchIsAnErrorAfterFewTries(t *testing.T) {
	cfg := noPulls()
	cfg.Faults = []ghsim.Fault{{Kind: ghsim.Status, Status: 422, Message: "Repository rule violations found", Method: "POST", Path: "/git/refs", To: -1}}
	w := start(t, cfg)
	_, err := w.client.Propose(t.Context(), request(decisions{"shop": "ams2"}))
	if err == nil || !strings.Contains(strings.Join(hint.Of(err), "\n"), "a rule protects the branch") || len(w.writes(0)) > 15 {
		t.Errorf("error = %v with hints %q after %d writes", err, hint.Of(err), len(w.writes(0)))
	}
}

func TestProposalsWorkOnEnterpriseServerAndAnyBase(t *testing.T) {
	w := start(t, noPulls(), func(o *ghapi.Options) { o.APIURL += "/api/v3" })
	w.sim.Commit("alice", "release/2", "Branch off", map[string][]byte{"README.md": []byte("two\n")})
	p := propose(t, w, decisions{"shop": "ams2"}, func(r *ghapi.ProposalRequest) { r.Base = "release/2" })
	if p.Operation != "created" || w.pull(t, p.Number).BaseBranch != "release/2" {
		t.Errorf("proposal = %+v", p)
	}
	if p := propose(t, w, decisions{"shop": "ams3"}, func(r *ghapi.ProposalRequest) { r.Base = "release/2" }); p.Operation != "updated" {
		t.Errorf("proposal = %+v", p)
	}
}

func TestCancelledProposalsEnd(t *testing.T) {
	w := start(t, noPulls())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.client.Propose(ctx, request(decisions{"shop": "ams2"})); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}
