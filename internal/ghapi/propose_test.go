package ghapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

const (
	branch = "fly-placer/placement"
	bot    = "github-actions[bot]"
)

// decisions are files by app; "" is nothing to propose.
type decisions map[string]string

func pathOf(app string) string { return ".fly-placer/" + app + ".yml" }

// request proposes decisions as the action would: the body has a line per app.
func request(d decisions) ghapi.ProposalRequest {
	r := ghapi.ProposalRequest{
		Repo: repo, Branch: branch, Title: "Fly Placer: placement", Closing: "Nothing is left to propose.",
		Message: "Place " + strings.Join(slices.Sorted(maps.Keys(d)), ", ") + "\n\nFly-Placer: " + strings.Join(slices.Sorted(maps.Keys(d)), ","),
		Body: func(old string) string {
			lines := map[string]string{}
			for line := range strings.Lines(strings.ReplaceAll(old, "\r\n", "\n")) {
				if app, rest, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
					lines[app] = rest
				}
			}
			for app, data := range d {
				lines[app] = "proposed " + data
				if data == "" {
					delete(lines, app)
				}
			}
			var out strings.Builder
			for _, app := range slices.Sorted(maps.Keys(lines)) {
				out.WriteString(app + ": " + lines[app] + "\n")
			}
			return out.String()
		},
	}
	for _, app := range slices.Sorted(maps.Keys(d)) {
		f := ghapi.ProposalFile{Path: pathOf(app)}
		if d[app] != "" {
			f.Data = []byte(d[app] + "\n")
			// What stands behind a blank does not belong to the decision.
			f.Keep = func(there []byte) bool { return firstWord(there) == firstWord([]byte(d[app])) }
		}
		r.Files = append(r.Files, f)
	}
	return r
}

func firstWord(data []byte) string {
	word, _, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	return word
}

func propose(t *testing.T, w *world, d decisions, change ...func(*ghapi.ProposalRequest)) ghapi.Proposal {
	t.Helper()
	r := request(d)
	for _, f := range change {
		f(&r)
	}
	p, err := w.client.Propose(t.Context(), r)
	if err != nil {
		t.Fatalf("propose: %v", err)
	}
	return p
}

// files are those that the open pull request changes, as the branch has them.
func (w *world) files(t *testing.T, number int) decisions {
	t.Helper()
	paths, err := w.client.PullFiles(t.Context(), repo, number)
	if err != nil {
		t.Fatal(err)
	}
	out := decisions{}
	for _, path := range paths {
		data, found := w.sim.File(branch, path)
		app := strings.TrimSuffix(strings.TrimPrefix(path, ".fly-placer/"), ".yml")
		out[app] = strings.TrimSpace(string(data))
		if !found {
			out[app] = "gone"
		}
	}
	return out
}

func (w *world) pull(t *testing.T, number int) ghapi.Pull {
	t.Helper()
	p, err := w.client.Pull(t.Context(), repo, number)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// writes are the requests since a number of them that changed something that
// people see, in short.
func (w *world) writes(since int) []string {
	var out []string
	for _, r := range w.sim.Requests()[since:] {
		if r.Method == http.MethodGet || r.Path == "/graphql" {
			continue
		}
		out = append(out, r.Method+" "+strings.TrimPrefix(r.Path, "/repos/"+repo))
	}
	return out
}

func noPulls() ghsim.Config { return ghsim.Config{Pulls: []int{-1}} }

func TestFirstProposalMakesBranchAndPullRequest(t *testing.T) {
	w := start(t, noPulls())
	w.sim.AddFile("README.md", []byte("shop\n"))
	p := propose(t, w, decisions{"shop": "ams2"}, func(r *ghapi.ProposalRequest) {
		r.Labels, r.Reviewers = []string{"placement", "Fly"}, []string{"alice", "bob"}
	})
	if p.Operation != "created" || p.Number != 1 || p.URL != w.url+"/octo/shop/pull/1" || p.HeadSHA != w.sim.Head(branch) || p.Warnings != nil {
		t.Errorf("proposal = %+v", p)
	}
	want := []string{
		"POST /git/trees", "POST /git/commits", "POST /git/refs", "POST /pulls", "POST /issues/1/labels", "POST /pulls/1/requested_reviewers",
	}
	if diff := cmp.Diff(want, w.writes(0)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	pull := w.pull(t, 1)
	if pull.Title != "Fly Placer: placement" || strings.TrimSpace(pull.Body) != "shop: proposed ams2" || pull.Draft || pull.Author != bot ||
		!slices.Equal(pull.Labels, []string{"placement", "Fly"}) || pull.HeadBranch != branch || pull.BaseBranch != "main" || pull.HeadRepo != repo {
		t.Errorf("pull request = %+v", pull)
	}
	if diff := cmp.Diff(decisions{"shop": "ams2"}, w.files(t, 1)); diff != "" {
		t.Error(diff)
	}
	for _, r := range w.sim.Writes() {
		if strings.HasSuffix(r.Path, "/git/commits") && (strings.Contains(r.Body, "author") || strings.Contains(r.Body, "committer")) {
			t.Errorf("the commit names its author, which GitHub then doesn't sign: %s", r.Body)
		}
	}
}

func TestNoiseCostsNoCommitAndNoReview(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2"})
	head := w.sim.Head(branch)
	for _, step := range []struct {
		name   string
		do     func() ghapi.Proposal
		writes []string
	}{
		{"the same again", func() ghapi.Proposal { return propose(t, w, decisions{"shop": "ams2"}) }, nil},
		{
			"the same decision on another day",
			func() ghapi.Proposal { return propose(t, w, decisions{"shop": "ams2 # decided on Tuesday"}) },
			[]string{"PATCH /pulls/1"},
		},
		{
			"the base moved on",
			func() ghapi.Proposal {
				w.sim.Commit("alice", "main", "Change something", map[string][]byte{"README.md": []byte("new\n")})
				return propose(t, w, decisions{"shop": "ams2 # decided on Tuesday"})
			},
			nil,
		},
	} {
		since := len(w.sim.Requests())
		p := step.do()
		if p.Operation != "unchanged" || p.Number != 1 || w.sim.Head(branch) != head {
			t.Errorf("%s: %+v", step.name, p)
		}
		if diff := cmp.Diff(step.writes, w.writes(since)); diff != "" {
			t.Errorf("%s: writes (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestNewDecisionIsACommitOnTop(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2"})
	first := w.sim.Head(branch)
	p := propose(t, w, decisions{"shop": "ams3"})
	if p.Operation != "updated" || !slices.Equal(w.parents(t, p.HeadSHA), []string{first}) {
		t.Errorf("proposal = %+v with parents %v", p, w.parents(t, p.HeadSHA))
	}
	// Only now does the base that moved on come in.
	base := w.sim.Commit("alice", "main", "Change something", map[string][]byte{"README.md": []byte("new\n")})
	second := p.HeadSHA
	p = propose(t, w, decisions{"shop": "ams4"})
	if p.Operation != "updated" || !slices.Equal(w.parents(t, p.HeadSHA), []string{second, base}) {
		t.Errorf("proposal = %+v with parents %v", p, w.parents(t, p.HeadSHA))
	}
	if diff := cmp.Diff(decisions{"shop": "ams4"}, w.files(t, 1)); diff != "" {
		t.Error(diff)
	}
}

func (w *world) parents(t *testing.T, sha string) []string {
	t.Helper()
	var out []string
	for _, p := range w.ask(t, ghsim.DefaultToken, http.MethodGet, "/git/commits/"+sha, nil)["parents"].([]any) {
		out = append(out, p.(map[string]any)["sha"].(string))
	}
	return out
}

// ask sends a request of somebody else's program.
func (w *world) ask(t *testing.T, token, method, path string, in any) map[string]any {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+"/repos/"+repo+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	out := map[string]any{}
	if err != nil || resp.StatusCode >= 300 || json.Unmarshal(data, &out) != nil {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, data)
	}
	return out
}

func TestARunReplacesOnlyItsOwnFiles(t *testing.T) {
	w := start(t, noPulls())
	w.sim.AddFile(pathOf("old"), []byte("fra1\n"))
	propose(t, w, decisions{"shop": "ams2"})
	propose(t, w, decisions{"blog": "iad1", "old": "fra2"})
	if diff := cmp.Diff(decisions{"shop": "ams2", "blog": "iad1", "old": "fra2"}, w.files(t, 1)); diff != "" {
		t.Error(diff)
	}
	if got := strings.TrimSpace(w.pull(t, 1).Body); got != "blog: proposed iad1\nold: proposed fra2\nshop: proposed ams2" {
		t.Errorf("body = %q", got)
	}
	// One app has nothing to propose any more: its file is as on the base again.
	p := propose(t, w, decisions{"old": "", "shop": ""})
	if diff := cmp.Diff(decisions{"blog": "iad1"}, w.files(t, 1)); p.Operation != "updated" || diff != "" {
		t.Errorf("%+v\n%s", p, diff)
	}
	// What the base has already is nothing to propose.
	p = propose(t, w, decisions{"old": "fra1 # on another day"})
	if diff := cmp.Diff(decisions{"blog": "iad1"}, w.files(t, 1)); p.Operation != "unchanged" || diff != "" {
		t.Errorf("%+v\n%s", p, diff)
	}
}

func TestConflictWithTheBaseIsResolvedForTheOwnFile(t *testing.T) {
	w := start(t, noPulls())
	w.sim.AddFile(pathOf("shop"), []byte("ams1\n"))
	propose(t, w, decisions{"shop": "ams2"})
	base := w.sim.Commit("alice", "main", "Decide by hand", map[string][]byte{pathOf("shop"): []byte("ams9\n")})
	head := w.sim.Head(branch)
	p := propose(t, w, decisions{"shop": "ams2"})
	if p.Operation != "updated" || !slices.Equal(w.parents(t, p.HeadSHA), []string{head, base}) {
		t.Errorf("proposal = %+v", p)
	}
	if _, err := w.sim.Merge(p.Number, "alice", "squash"); err != nil {
		t.Errorf("it cannot be merged: %v", err)
	}
	if data, _ := w.sim.File("main", pathOf("shop")); string(data) != "ams2\n" {
		t.Errorf("merged = %q", data)
	}
}

func TestNothingLeftToProposeClosesThePullRequest(t *testing.T) {
	w := start(t, noPulls())
	if p := propose(t, w, decisions{"shop": ""}); p.Operation != "none" || len(w.sim.Writes()) != 0 {
		t.Errorf("proposal = %+v", p)
	}
	propose(t, w, decisions{"shop": "ams2"})
	head := w.sim.Head(branch)
	since := len(w.sim.Requests())
	p := propose(t, w, decisions{"shop": ""})
	if p.Operation != "closed" || p.Number != 1 || p.URL == "" || w.sim.Head(branch) != head {
		t.Errorf("proposal = %+v", p)
	}
	if diff := cmp.Diff([]string{"PATCH /pulls/1", "PATCH /pulls/1", "POST /issues/1/comments"}, w.writes(since)); diff != "" {
		t.Error(diff)
	}
	pull := w.pull(t, 1)
	if pull.State != "closed" || pull.Body != "" || len(w.sim.Comments(1)) != 1 || !strings.HasSuffix(w.sim.Comments(1)[0].Body, "\nNothing is left to propose.") {
		t.Errorf("pull request = %+v, comments = %+v", pull, w.sim.Comments(1))
	}
	if p := propose(t, w, decisions{"shop": ""}); p.Operation != "none" || p.Number != 0 {
		t.Errorf("again: %+v", p)
	}
	// The same decision, wanted again, needs no new commit: the leftover has it.
	since = len(w.sim.Requests())
	p = propose(t, w, decisions{"shop": "ams2"})
	if diff := cmp.Diff([]string{"POST /pulls"}, w.writes(since)); p.Operation != "created" || p.Number != 2 || diff != "" {
		t.Errorf("%+v\n%s", p, diff)
	}
}

func TestADeclinedProposalIsALeftover(t *testing.T) {
	w := start(t, noPulls())
	propose(t, w, decisions{"shop": "ams2", "blog": "iad1"})
	if err := w.sim.ClosePull(1, "alice"); err != nil {
		t.Fatal(err)
	}
	rejected, err := w.client.Rejected(t.Context(), repo, branch)
	if err != nil || len(rejected) != 1 || !strings.Contains(rejected[0].Body, "shop: proposed ams2") {
		t.Errorf("rejected = %+v, %v", rejected, err)
	}
	p := propose(t, w, decisions{"docs": "sin1", "shop": ""})
	if diff := cmp.Diff(decisions{"docs": "sin1"}, w.files(t, p.Number)); p.Operation != "created" || p.Number != 2 || diff != "" {
		t.Errorf("%+v\n%s", p, diff)
	}
	if got := strings.TrimSpace(w.pull(t, 2).Body); got != "docs: proposed sin1" {
		t.Errorf("body = %q", got)
	}
}

func TestWhatAMergeLeavesBehindIsNotProposedAgain(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		for _, deleted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, branch deleted %t", method, deleted), func(t *testing.T) {
				w := start(t, ghsim.Config{Pulls: []int{-1}, Settings: ghsim.Settings{DeleteMerged: deleted}})
				propose(t, w, decisions{"shop": "ams2"})
				propose(t, w, decisions{"shop": "ams3", "blog": "iad1"})
				if _, err := w.sim.Merge(1, "alice", method); err != nil {
					t.Fatal(err)
				}
				if p := propose(t, w, decisions{"shop": "ams3"}); p.Operation != "none" {
					t.Errorf("what was merged is proposed: %+v", p)
				}
				// Somebody takes it back: the leftover must not bring it again.
				if _, err := w.sim.Revert(w.sim.Head("main"), "alice"); err != nil && method != "rebase" {
					t.Fatal(err)
				}
				p := propose(t, w, decisions{"docs": "sin1"})
				if diff := cmp.Diff(decisions{"docs": "sin1"}, w.files(t, p.Number)); p.Operation != "created" || p.Number != 2 || diff != "" {
					t.Errorf("%+v\n%s", p, diff)
				}
				if _, err := w.sim.Merge(2, "alice", method); err != nil {
					t.Errorf("it cannot be merged: %v", err)
				}
			})
		}
	}
}

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
