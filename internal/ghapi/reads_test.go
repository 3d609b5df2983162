package ghapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

func TestRepositoryTellsItsDefaultBranch(t *testing.T) {
	w := start(t, ghsim.Config{Branch: "trunk", Private: true})
	got, err := w.client.Repository(t.Context(), "Octo/Shop")
	want := ghapi.Repository{FullName: repo, DefaultBranch: "trunk", URL: w.url + "/octo/shop", Private: true}
	if err != nil || got != want {
		t.Errorf("repository = %+v, %v", got, err)
	}
}

func TestTheHeadOfABranch(t *testing.T) {
	w := start(t, ghsim.Config{Branch: "trunk"})
	before := w.sim.Head("trunk")
	if got, err := w.client.Head(t.Context(), repo, "trunk"); err != nil || got != before {
		t.Errorf("head = %s, %v, want %s", got, err, before)
	}
	after := w.sim.Commit("alice", "trunk", "More", map[string][]byte{"x": []byte("y")})
	if got, err := w.client.Head(t.Context(), repo, "trunk"); err != nil || got != after {
		t.Errorf("head = %s, %v, want %s", got, err, after)
	}
	for _, bad := range []string{"", "main", "trunk/../x"} {
		if got, err := w.client.Head(t.Context(), repo, bad); err == nil {
			t.Errorf("%q has the head %s", bad, got)
		}
	}
}

func TestThePullRequestOfAMergedCommitIsFound(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		w := start(t, noPulls())
		p := propose(t, w, decisions{"shop": "ams2"})
		push, err := w.sim.Merge(p.Number, "alice", method)
		if err != nil {
			t.Fatal(err)
		}
		pulls, err := w.client.PullsOfCommit(t.Context(), repo, push.After)
		if err != nil || len(pulls) != 1 {
			t.Fatalf("%s: %+v, %v", method, pulls, err)
		}
		got := pulls[0]
		if got.Number != p.Number || got.State != "closed" || !got.Merged || got.MergeSHA != push.After || got.HeadSHA != p.HeadSHA ||
			got.MergedAt.IsZero() || got.ClosedAt.IsZero() || got.Author != bot {
			t.Errorf("%s: %+v", method, got)
		}
		if one := w.pull(t, p.Number); !cmp.Equal(one, got) {
			t.Errorf("%s: list and single differ: %s", method, cmp.Diff(one, got))
		}
		direct := w.sim.Commit("alice", "main", "Push directly", map[string][]byte{"x": []byte("y")})
		if pulls, err := w.client.PullsOfCommit(t.Context(), repo, direct); err != nil || len(pulls) != 0 {
			t.Errorf("%s: a direct push has %+v, %v", method, pulls, err)
		}
	}
	w := start(t, ghsim.Config{})
	if got := w.pull(t, 1); got.Merged || got.MergeSHA != "" || got.State != "open" {
		t.Errorf("the trial merge of an open pull request counts as one: %+v", got)
	}
	for _, bad := range []string{"", "main", "../pulls", strings.Repeat("g", 40)} {
		if _, err := w.client.PullsOfCommit(t.Context(), repo, bad); err == nil {
			t.Errorf("%q was taken for a commit", bad)
		}
	}
}

func TestPullRequestsOfABranchAreTheRepositorysOwn(t *testing.T) {
	w := start(t, noPulls())
	w.sim.AddFile("README.md", []byte("shop\n"))
	w.sim.OpenFork("mallory", branch, "Placement", map[string][]byte{pathOf("shop"): []byte("evil\n")})
	for n := range 130 { // more than a page
		w.sim.Commit("alice", branch, "Change", map[string][]byte{"x": fmt.Append(nil, n)})
		number, err := w.sim.OpenPull("alice", branch, "Placement", "")
		if err != nil {
			t.Fatal(err)
		}
		if n == 129 {
			break
		}
		if err := w.sim.ClosePull(number, "alice"); err != nil {
			t.Fatal(err)
		}
	}
	for state, want := range map[string]int{"open": 1, "closed": 129, "all": 130} {
		pulls, err := w.client.PullsOfBranch(t.Context(), repo, branch, state)
		if err != nil || len(pulls) != want {
			t.Fatalf("%s: %d, %v", state, len(pulls), err)
		}
		if !slices.IsSortedFunc(pulls, func(a, b ghapi.Pull) int { return b.Number - a.Number }) || strings.Contains(fmt.Sprint(pulls), "mallory") {
			t.Errorf("%s: order or origin is wrong", state)
		}
	}
	if _, err := w.sim.Merge(131, "alice", "squash"); err != nil {
		t.Fatal(err)
	}
	if rejected, err := w.client.Rejected(t.Context(), repo, branch); err != nil || len(rejected) != 129 || rejected[0].Number != 130 {
		t.Errorf("rejected: %d, %v", len(rejected), err)
	}
	if _, err := w.client.PullsOfBranch(t.Context(), repo, "", "merged"); err == nil || !strings.Contains(err.Error(), "branch is empty") || !strings.Contains(err.Error(), `state "merged"`) {
		t.Errorf("error = %v", err)
	}
}

func TestPullFilesHasEveryPageAndBothNames(t *testing.T) {
	w := start(t, noPulls())
	w.sim.AddFile("old.yml", []byte("the same content\nin some lines\nmoved elsewhere\n"))
	files := map[string][]byte{"old.yml": nil, "new.yml": []byte("the same content\nin some lines\nmoved elsewhere\n")}
	want := []string{"new.yml", "old.yml"}
	for n := range 150 {
		path := fmt.Sprintf("dir/%03d.txt", n)
		files[path], want = fmt.Append(nil, n), append(want, path)
	}
	w.sim.Commit("alice", "change", "Change", files)
	number, err := w.sim.OpenPull("alice", "change", "Change", "")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got, err := w.client.PullFiles(t.Context(), repo, number); err != nil || !slices.Equal(got, want) {
		t.Errorf("files = %v, %v", got, err)
	}
}

func TestApprovalsAreTheLatestDecisions(t *testing.T) {
	w := start(t, ghsim.Config{Collaborators: []string{"alice", "bob", "carol", "dave"}})
	for _, r := range []struct{ login, state string }{
		{"dave", "APPROVED"},
		{"alice", "CHANGES_REQUESTED"},
		{"bob", "APPROVED"},
		{"octo", "COMMENTED"},
		{"alice", "APPROVED"},
		{"alice", "COMMENTED"},
		{"bob", "CHANGES_REQUESTED"},
		{"carol", "COMMENTED"},
		{"stranger", "APPROVED"},
	} {
		if err := w.sim.Review(1, r.login, r.state); err != nil {
			t.Fatal(err)
		}
	}
	head := w.pull(t, 1).HeadSHA
	by := func(logins ...string) (out []ghapi.Approval) {
		for _, login := range logins {
			out = append(out, ghapi.Approval{Login: login, SHA: head})
		}
		return out
	}
	for range 120 { // the approvals are on the first page, a decision on the last
		if err := w.sim.Review(1, "carol", "COMMENTED"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := w.client.Approvals(t.Context(), repo, 1); err != nil || !slices.Equal(got, by("alice", "dave")) {
		t.Errorf("approvals = %v, %v", got, err)
	}
	if err := w.sim.Review(1, "dave", "CHANGES_REQUESTED"); err != nil {
		t.Fatal(err)
	}
	if got, err := w.client.Approvals(t.Context(), repo, 1); err != nil || !slices.Equal(got, by("alice")) {
		t.Errorf("approvals = %v, %v", got, err)
	}
	// A push that dismisses what was approved before it leaves nobody.
	w = start(t, ghsim.Config{Settings: ghsim.Settings{DismissStaleReviews: true}})
	if err := w.sim.Review(1, "alice", "APPROVED"); err != nil {
		t.Fatal(err)
	}
	w.sim.Commit("mallory", "change-1", "One more thing", map[string][]byte{"x": []byte("y")})
	if got, err := w.client.Approvals(t.Context(), repo, 1); err != nil || len(got) != 0 {
		t.Errorf("approvals = %v, %v", got, err)
	}
}

// ownComment is the first of a client's own comments on pull request 1.
func ownComment(t *testing.T, c *ghapi.Client) (body string, found bool, err error) {
	bodies, err := c.OwnComments(t.Context(), repo, 1, func(string) bool { return true })
	if len(bodies) == 0 {
		return "", false, err
	}
	return bodies[0], true, err
}

func TestOwnCommentsAreOursAlone(t *testing.T) {
	const marker = "<!-- fly-placer:v1 key=plan -->\n"
	own := func(w *world) (string, bool, error) { return ownComment(t, w.client) }
	w := start(t, ghsim.Config{})
	if _, found, err := own(w); found || err != nil {
		t.Errorf("with no comment: %t, %v", found, err)
	}
	w.sim.AddComment(1, "mallory", marker+"evil")
	w.sim.AddComment(1, "github-actions", marker+"evil") // a person of that name
	if _, found, err := own(w); found || err != nil {
		t.Errorf("with copies of others: %t, %v", found, err)
	}
	c, err := w.upsert(t, "the plan\n\nwith details")
	if err != nil {
		t.Fatal(err)
	}
	if body, found, err := own(w); body != "the plan\n\nwith details" || !found || err != nil {
		t.Errorf("own comment = %q, %t, %v", body, found, err)
	}
	if _, err := w.upsert(t, "another plan"); err != nil { // by ourselves
		t.Fatal(err)
	}
	if body, found, err := own(w); body != "another plan" || !found || err != nil {
		t.Errorf("own comment = %q, %t, %v", body, found, err)
	}
	for _, editor := range []string{"mallory", "github-actions", "other[bot]"} {
		if err := w.sim.EditComment(c.ID, editor, marker+"evil"); err != nil {
			t.Fatal(err)
		}
		body, found, err := own(w)
		if body != "" || found || !errors.Is(err, ghapi.ErrEdited) || len(hint.Of(err)) == 0 || !strings.Contains(err.Error(), strings.TrimSuffix(editor, "[bot]")) {
			t.Errorf("edited by %s: %q, %t, %v", editor, body, found, err)
		}
	}
	if _, err := w.upsert(t, "a third plan"); err != nil { // which replaces every word
		t.Fatal(err)
	}
	if body, _, err := own(w); body != "a third plan" || err != nil {
		t.Errorf("own comment = %q, %v", body, err)
	}
	if _, err := w.client.UpsertComment(t.Context(), ghapi.UpsertRequest{Repo: repo, Number: 1, Key: "applied", Body: "the outcome"}); err != nil {
		t.Fatal(err)
	}
	wanted := func(body string) bool { return strings.HasPrefix(body, "the ") }
	if bodies, err := w.client.OwnComments(t.Context(), repo, 1, wanted); err != nil || len(bodies) != 1 || bodies[0] != "the outcome" {
		t.Errorf("those wanted: %q, %v", bodies, err)
	}
	// An edit of one that nobody wants is nobody's business.
	if err := w.sim.EditComment(c.ID, "mallory", marker+"evil"); err != nil {
		t.Fatal(err)
	}
	if bodies, err := w.client.OwnComments(t.Context(), repo, 1, wanted); err != nil || len(bodies) != 1 {
		t.Errorf("beside one that was edited: %q, %v", bodies, err)
	}
}

func TestOwnCommentIsRefusedWhereTheEditorStaysUnknown(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault ghsim.Fault
		kind  error
	}{
		{"GraphQL is closed", ghsim.Fault{Kind: ghsim.Status, Status: 403, Path: "/graphql", To: -1}, ghapi.ErrEdited},
		{"GraphQL is down", ghsim.Fault{Kind: ghsim.Status, Status: 502, Path: "/graphql", To: -1}, ghapi.ErrEdited},
		{"GraphQL is a web page", ghsim.Fault{Kind: ghsim.HTML, Path: "/graphql", To: -1}, ghapi.ErrEdited},
		{"the token ended", ghsim.Fault{Kind: ghsim.Status, Status: 401, Path: "/graphql", To: -1}, ghapi.ErrUnauthorized},
		{"limited", ghsim.Fault{Kind: ghsim.Secondary403, Path: "/graphql", To: -1, After: 900}, ghapi.ErrRateLimited},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, ghsim.Config{})
			if _, err := w.upsert(t, "the plan"); err != nil {
				t.Fatal(err)
			}
			w.sim.AddFault(tc.fault)
			if body, found, err := ownComment(t, w.client); body != "" || found || !errors.Is(err, tc.kind) {
				t.Errorf("own comment = %q, %t, %v", body, found, err)
			}
		})
	}
	// Asked through a proxy that invents answers.
	for _, answer := range []string{
		`{"data":{"node":null}}`, `{"data":null,"errors":[{"message":"ghs_simulated is bad"}]}`, `{}`, `[]`, ``,
		`{"data":{"node":{"body":"x","author":{"__typename":"User","login":"github-actions"}}}}`,
		`{"data":{"node":{"body":"x","author":null}}}`,
		`{"data":{"node":{"body":"x","lastEditedAt":"2026-01-01T00:00:00Z","editor":null,"author":{"__typename":"Bot","login":"github-actions"}}}}`,
		`{"data":{"node":{"body":"no marker","author":{"__typename":"Bot","login":"github-actions"}}}}`,
		`{"data":{"node":{"body":"<!-- fly-placer:v1 key=plan -->\nx","author":{"__typename":"Bot","login":"github-actions"}}},"errors":[{"message":"partial"}]}`,
	} {
		sim := ghsim.New(ghsim.Config{})
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/graphql" {
				sim.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(answer)) // the test looks at the result
		}))
		defer srv.Close()
		c, err := ghapi.New(ghapi.Options{
			APIURL: srv.URL, Token: ghsim.DefaultToken, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
		})
		if err != nil {
			t.Fatal(err)
		}
		// Having written it, the client knows who it is.
		if _, err := c.UpsertComment(t.Context(), ghapi.UpsertRequest{Repo: repo, Number: 1, Key: "plan", Body: "the plan"}); err != nil {
			t.Fatal(err)
		}
		body, found, err := ownComment(t, c)
		if body != "" || found || !errors.Is(err, ghapi.ErrEdited) || strings.Contains(err.Error(), ghsim.DefaultToken) {
			t.Errorf("%s: %q, %t, %v", answer, body, found, err)
		}
	}
}

func TestVersionsFollowTheHistoryOfAFile(t *testing.T) {
	w := start(t, noPulls())
	var want []ghapi.Version
	for n := range 7 {
		v := ghapi.Version{Data: fmt.Appendf(nil, "ams%d\n", n), Found: true}
		if n == 3 {
			v = ghapi.Version{}
		}
		v.SHA = w.sim.Commit("alice", "main", "Decide", map[string][]byte{pathOf("shop"): v.Data})
		w.sim.Commit("alice", "main", "Something else", map[string][]byte{"README.md": fmt.Append(nil, n)})
		want = append([]ghapi.Version{v}, want...)
	}
	versions := func(ref string, most int) []ghapi.Version {
		t.Helper()
		got, err := w.client.Versions(t.Context(), repo, ref, pathOf("shop"), most)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(want, versions("main", 100)); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:5], versions("", 5)); diff != "" {
		t.Errorf("the newest five (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], versions(want[2].SHA, 100)); diff != "" {
		t.Errorf("before a push (-want +got):\n%s", diff)
	}
	for n := range 130 {
		w.sim.Commit("alice", "main", "Decide", map[string][]byte{pathOf("blog"): fmt.Append(nil, n)})
	}
	if got, err := w.client.Versions(t.Context(), repo, "main", pathOf("blog"), 110); err != nil || len(got) != 110 || string(got[109].Data) != "20" {
		t.Errorf("%d versions, %v", len(got), err)
	}
	if got, err := w.client.Versions(t.Context(), repo, "main", "no.yml", 5); err != nil || len(got) != 0 {
		t.Errorf("versions of no file = %v, %v", got, err)
	}
	for _, bad := range []string{"", ".", "../x", "/x"} {
		if _, err := w.client.Versions(t.Context(), repo, "main", bad, 5); err == nil {
			t.Errorf("path %q was taken", bad)
		}
	}
	if _, err := w.client.Versions(t.Context(), repo, "main", "x", 0); err == nil {
		t.Error("no versions were asked for, and that was taken")
	}
}

func TestListsKeepTheTokenAtHome(t *testing.T) {
	var foreign, withToken atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		foreign.Add(1)
		if r.Header.Get("Authorization") != "" {
			withToken.Add(1)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[]")) // the test looks at the requests
	}))
	defer elsewhere.Close()
	for _, tc := range []struct {
		fault ghsim.Fault
		ok    bool
	}{
		{ghsim.Fault{Kind: ghsim.Redirect, Method: "GET", Path: "/pulls$", Location: elsewhere.URL + "/x"}, true},
		{ghsim.Fault{Kind: ghsim.Redirect, Method: "POST", Path: "/git/trees", Status: 307, Location: elsewhere.URL + "/x"}, false},
		{ghsim.Fault{Kind: ghsim.Redirect, Method: "POST", Path: "/git/refs", Status: 302, Location: elsewhere.URL + "/x"}, false},
		{ghsim.Fault{Kind: ghsim.Redirect, Method: "POST", Path: "/pulls", Status: 308, Location: elsewhere.URL + "/x"}, false},
	} {
		cfg := noPulls()
		cfg.Faults = []ghsim.Fault{tc.fault}
		w := start(t, cfg)
		_, err := w.client.Propose(t.Context(), request(decisions{"shop": "ams2"}))
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, ghapi.ErrForbidden) {
			t.Errorf("%+v: %v", tc.fault, err)
		}
	}
	if foreign.Load() != 1 || withToken.Load() != 0 {
		t.Errorf("%d foreign requests, %d with the token", foreign.Load(), withToken.Load())
	}
}
