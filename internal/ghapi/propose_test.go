package ghapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/ghapi"
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
