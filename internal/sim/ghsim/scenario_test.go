package ghsim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// Simulator and client together: each scenario here also runs behind a validator
// of GitHub's OpenAPI description (openapi_test.go).

// wrap puts something between client and simulator; the build tag e2e sets it.
var wrap = func(_ *testing.T, h http.Handler) http.Handler { return h }

const (
	repo   = "octo/shop"
	marker = "<!-- fly-placer:v1 key=plan -->"
	bot    = "github-actions[bot]"
	// token can be told from everything else in an error.
	token = "ghs_S3cretS3cretS3cret"
)

type world struct {
	sim *ghsim.Server
	url string
	srv *httptest.Server
}

func start(t *testing.T, cfg ghsim.Config) *world {
	t.Helper()
	if cfg.Tokens == nil {
		cfg.Tokens = map[string]ghsim.Identity{token: {}}
	}
	sim := ghsim.New(cfg)
	srv := httptest.NewServer(wrap(t, sim))
	t.Cleanup(srv.Close)
	return &world{sim: sim, url: srv.URL, srv: srv}
}

// client returns a client that never really sleeps.
func (w *world) client(t *testing.T, change ...func(*ghapi.Options)) *ghapi.Client {
	t.Helper()
	o := ghapi.Options{
		APIURL: w.url, Token: token, HTTP: w.srv.Client().Transport,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range change {
		f(&o)
	}
	c, err := ghapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func upsert(t *testing.T, c *ghapi.Client, body string) (ghapi.Comment, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return c.UpsertComment(ctx, ghapi.UpsertRequest{Repo: repo, Number: 1, Key: "plan", Body: body})
}

// ours returns the bodies of the comments with our marker that the bot wrote.
func (w *world) ours() []string {
	var out []string
	for _, c := range w.sim.Comments(1) {
		if c.Author == bot && strings.HasPrefix(c.Body, marker) {
			out = append(out, strings.ReplaceAll(c.Body, "\r\n", "\n"))
		}
	}
	return out
}

func (w *world) wantOne(t *testing.T, body string) {
	t.Helper()
	if got := w.ours(); len(got) != 1 || got[0] != marker+"\n"+body {
		t.Errorf("our comments = %q, want one with body %q", got, body)
	}
}

func TestFirstRunCreatesThenUpdatesThenLeavesAlone(t *testing.T) {
	for _, crlf := range []bool{false, true} {
		w := start(t, ghsim.Config{CRLF: crlf})
		c := w.client(t)
		var id int64
		for i, step := range []struct{ body, operation string }{
			{"first\n\nplan\n", "created"},
			{"first\n\nplan\n", "unchanged"},
			{"second", "updated"},
			{"second", "unchanged"},
		} {
			got, err := upsert(t, c, step.body)
			if err != nil || got.Operation != step.operation || got.Deleted != 0 {
				t.Fatalf("step %d: %+v, %v, want %s", i, got, err, step.operation)
			}
			if i > 0 && got.ID != id {
				t.Errorf("step %d: comment %d, before %d", i, got.ID, id)
			}
			if want := fmt.Sprintf("%s/octo/shop/pull/1#issuecomment-%d", w.url, got.ID); got.URL != want {
				t.Errorf("URL = %s, want %s", got.URL, want)
			}
			id = got.ID
		}
		if n := len(w.sim.Writes()); n != 2 {
			t.Errorf("%d writes, want one POST and one PATCH", n)
		}
		w.wantOne(t, "second")
	}
}

func TestCommentIsFoundBehindManyOthers(t *testing.T) {
	w := start(t, ghsim.Config{})
	for i := range 230 {
		w.sim.AddComment(1, "alice", fmt.Sprintf("remark %d", i))
	}
	id := w.sim.AddComment(1, bot, marker+"\nold")
	for i := range 19 {
		w.sim.AddComment(1, "bob", fmt.Sprintf("answer %d", i))
	}
	got, err := upsert(t, w.client(t), "new")
	if err != nil || got.ID != id || got.Operation != "updated" {
		t.Fatalf("%+v, %v", got, err)
	}
	lists := 0
	for _, r := range w.sim.Requests() {
		if r.Method == http.MethodGet {
			lists++
		}
	}
	if lists != 3 || len(w.sim.Comments(1)) != 250 {
		t.Errorf("%d lists, %d comments; want 3 pages of 100 and 250", lists, len(w.sim.Comments(1)))
	}
}

func TestDuplicatesAreDeletedAndTheOldestStays(t *testing.T) {
	w := start(t, ghsim.Config{})
	oldest := w.sim.AddComment(1, bot, marker+"\na")
	w.sim.AddComment(1, bot, marker+"\nnew")
	other := w.sim.AddComment(1, bot, "<!-- fly-placer:v1 key=plan2 -->\nanother key")
	w.sim.AddComment(1, bot, marker+"\nc")
	got, err := upsert(t, w.client(t), "new")
	if err != nil || got.ID != oldest || got.Operation != "updated" || got.Deleted != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	w.wantOne(t, "new")
	if all := w.sim.Comments(1); len(all) != 2 || all[1].ID != other {
		t.Errorf("comments = %v", all)
	}
}

func TestForeignMarkersAreNobodys(t *testing.T) {
	for name, login := range map[string]string{"a person": "mallory", "another app": "mallory[bot]"} {
		t.Run(name, func(t *testing.T) {
			w := start(t, ghsim.Config{})
			pasted := w.sim.AddComment(1, login, marker+"\nclick here")
			quoted := w.sim.AddComment(1, bot, "> "+marker+"\n> quoted")
			c := w.client(t)
			for _, want := range []string{"created", "unchanged"} {
				if got, err := upsert(t, c, "plan"); err != nil || got.Operation != want || got.ID == pasted || got.ID == quoted {
					t.Errorf("%+v, %v, want %s", got, err, want)
				}
			}
			w.wantOne(t, "plan")
			if all := w.sim.Comments(1); len(all) != 3 || !strings.HasSuffix(all[0].Body, "click here") || !strings.HasSuffix(all[1].Body, "quoted") {
				t.Errorf("foreign comments were touched: %v", all)
			}
		})
	}
}

func TestEachKindOfTokenFindsItsOwnComment(t *testing.T) {
	for name, tc := range map[string]struct {
		token string
		id    ghsim.Identity
		asks  string
	}{
		"workflow":                 {"ghs_workflow", ghsim.Identity{}, "/graphql"},
		"app":                      {"ghs_app", ghsim.Identity{Login: "placer[bot]"}, "/graphql"},
		"app with an old token":    {"v1.0123456789", ghsim.Identity{Login: "placer[bot]"}, "/graphql"},
		"person":                   {"ghp_person", ghsim.Identity{Kind: ghsim.User, Login: "alice"}, "/user"},
		"person, fine-grained":     {"github_pat_x", ghsim.Identity{Kind: ghsim.User, Login: "Alice"}, "/user"},
		"person, only what needed": {"github_pat_y", ghsim.Identity{Kind: ghsim.User, Permissions: map[string]string{"pull-requests": "write"}}, "/user"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, ghsim.Config{Tokens: map[string]ghsim.Identity{tc.token: tc.id}})
			w.sim.AddComment(1, bot+"x", marker+"\nforeign")
			for _, want := range []string{"created", "unchanged"} {
				c := w.client(t, func(o *ghapi.Options) { o.Token = tc.token }) // a new run each time
				if got, err := upsert(t, c, "plan"); err != nil || got.Operation != want {
					t.Errorf("%+v, %v, want %s", got, err, want)
				}
			}
			asked := false
			for _, r := range w.sim.Requests() {
				asked = asked || r.Path == tc.asks
			}
			if !asked {
				t.Errorf("nobody asked %s", tc.asks)
			}
			if n := len(w.sim.Comments(1)); n != 2 {
				t.Errorf("%d comments, want the foreign one and ours", n)
			}
		})
	}
}

// Where nothing tells the token's name, the first written comment does: older ones
// of ours are then seen and merged, and still nobody else's is touched.
func TestUnknownIdentityIsLearnedFromTheOwnComment(t *testing.T) {
	w := start(t, ghsim.Config{NoGraphQL: true})
	oldest := w.sim.AddComment(1, bot, marker+"\nold")
	w.sim.AddComment(1, "mallory", marker+"\npasted")
	got, err := upsert(t, w.client(t), "new")
	if err != nil || got.ID != oldest || got.Operation != "updated" || got.Deleted != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	w.wantOne(t, "new")
	if n := len(w.sim.Comments(1)); n != 2 {
		t.Errorf("%d comments", n)
	}
}

func TestRaceInWhichAnotherRunWasFirstConverges(t *testing.T) {
	w := start(t, ghsim.Config{Faults: []ghsim.Fault{{Kind: ghsim.Race, Method: "POST", Path: "/comments"}}})
	got, err := upsert(t, w.client(t), "plan")
	if err != nil || got.Deleted != 1 || got.ID != w.sim.Comments(1)[0].ID {
		t.Errorf("%+v, %v", got, err)
	}
	w.wantOne(t, "plan")
}

func TestParallelRunsConvergeToOneComment(t *testing.T) {
	for range 10 {
		w := start(t, ghsim.Config{})
		var wg sync.WaitGroup
		gate := make(chan struct{})
		for range 4 {
			c := w.client(t)
			wg.Go(func() {
				<-gate
				if _, err := upsert(t, c, "plan"); err != nil {
					t.Error(err)
				}
			})
		}
		close(gate)
		wg.Wait()
		w.wantOne(t, "plan")
	}
}

func TestLaggingListsHealWithTheNextRun(t *testing.T) {
	for lag := 1; lag <= 3; lag++ {
		w := start(t, ghsim.Config{ListLag: lag, Faults: []ghsim.Fault{{Kind: ghsim.Reset, Method: "POST", Path: "/comments", Done: true}}})
		for range lag + 2 {
			if _, err := upsert(t, w.client(t), "plan"); err != nil {
				t.Fatal(err)
			}
		}
		w.wantOne(t, "plan")
	}
}

// A comment that somebody deletes between list and update is made anew.
func TestCommentDeletedUnderneathIsMadeAnew(t *testing.T) {
	w := start(t, ghsim.Config{Faults: []ghsim.Fault{{Kind: ghsim.Status, Status: 404, Method: "PATCH", Message: "Not Found"}}})
	stale := w.sim.AddComment(1, bot, marker+"\nold")
	got, err := upsert(t, w.client(t), "new")
	if err != nil || got.Operation != "created" || got.ID == stale {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestFaultSweep lets every fault hit every request of three stories: there is
// nothing yet, there is an old comment with a duplicate, all is well already.
func TestFaultSweep(t *testing.T) {
	faults := []struct {
		ghsim.Fault
		final bool // the error may be final; else the run must succeed
	}{
		{ghsim.Fault{Kind: ghsim.Secondary403}, false},
		{ghsim.Fault{Kind: ghsim.Secondary403, After: 30}, false},
		{ghsim.Fault{Kind: ghsim.Secondary429}, false},
		{ghsim.Fault{Kind: ghsim.Secondary429, After: 30}, false},
		{ghsim.Fault{Kind: ghsim.Status, Status: 500}, false},
		{ghsim.Fault{Kind: ghsim.Status, Status: 500, Done: true}, false},
		{ghsim.Fault{Kind: ghsim.Status, Status: 502}, false},
		{ghsim.Fault{Kind: ghsim.Status, Status: 502, Done: true}, false},
		{ghsim.Fault{Kind: ghsim.Status, Status: 503, To: 2}, false},
		{ghsim.Fault{Kind: ghsim.Reset}, false},
		{ghsim.Fault{Kind: ghsim.Reset, Done: true}, false},
		{ghsim.Fault{Kind: ghsim.Truncated}, false},
		{ghsim.Fault{Kind: ghsim.HTML}, false},
		{ghsim.Fault{Kind: ghsim.HTML, Done: true}, false},
		{ghsim.Fault{Kind: ghsim.HTML, Status: 502}, false},
		{ghsim.Fault{Kind: ghsim.Race}, false},
		{ghsim.Fault{Kind: ghsim.Slow}, false},
		{ghsim.Fault{Kind: ghsim.Status, Status: 401}, true},
		{ghsim.Fault{Kind: ghsim.Status, Status: 403, Message: "Resource not accessible by integration"}, true},
		{ghsim.Fault{Kind: ghsim.Status, Status: 404}, true},
		{ghsim.Fault{Kind: ghsim.Status, Status: 422}, true},
		{ghsim.Fault{Kind: ghsim.Echo}, true},
		{ghsim.Fault{Kind: ghsim.Echo, Status: 500, To: -1}, true},
		{ghsim.Fault{Kind: ghsim.Echo, Status: 401, To: -1}, true},
		{ghsim.Fault{Kind: ghsim.Reset, To: -1}, true},
		{ghsim.Fault{Kind: ghsim.Redirect, Location: "http://127.0.0.1:1/"}, true},
	}
	stories := map[string]struct {
		before   []string
		requests int // of the run without a fault
		writes   int
	}{
		"nothing yet":           {nil, 3, 1},
		"old and a duplicate":   {[]string{"old", "plan"}, 4, 2},
		"all is well already":   {[]string{"plan"}, 2, 0},
		"only somebody's paste": {[]string{}, 3, 1},
	}
	for name, story := range stories {
		for _, f := range faults {
			for n := 1; n <= story.requests; n++ {
				f := f
				f.From = n
				if f.To > 0 {
					f.To = n + 1
				}
				title := fmt.Sprintf("%s/%s %d done=%v to=%d at %d", name, f.Kind, f.Status, f.Done, f.To, n)
				t.Run(title, func(t *testing.T) {
					t.Parallel()
					w := start(t, ghsim.Config{Faults: []ghsim.Fault{f.Fault}})
					paste := w.sim.AddComment(1, "mallory", marker+"\npasted")
					if story.before == nil {
						w = start(t, ghsim.Config{Faults: []ghsim.Fault{f.Fault}})
						paste = 0
					}
					for _, body := range story.before {
						w.sim.AddComment(1, bot, marker+"\n"+body)
					}
					sweepOne(t, w, f.Kind, f.final)
					if extra := len(w.sim.Writes()) - story.writes; f.To >= 0 && extra > 3 {
						t.Errorf("%d writes more than without the fault", extra)
					}
					if paste != 0 && w.sim.Comments(1)[0].Body != marker+"\npasted" {
						t.Error("somebody else's comment was touched")
					}
				})
			}
		}
	}
}

func sweepOne(t *testing.T, w *world, kind ghsim.FaultKind, final bool) {
	t.Helper()
	before := len(w.ours())
	c := w.client(t, func(o *ghapi.Options) {
		if kind == ghsim.Slow {
			o.Timeout = 50 * time.Millisecond
		}
	})
	_, err := upsert(t, c, "plan")
	switch {
	case err != nil:
		var e *ghapi.Error
		if !final || !errors.As(err, &e) {
			t.Errorf("error = %v", err)
		}
		if text := fmt.Sprintf("%v %+v %#v %+v", err, err, err, e); strings.Contains(text, "S3cret") {
			t.Errorf("the token is in the error: %s", text)
		}
		if n := len(w.ours()); n > max(before, 1) {
			t.Errorf("%d comments of ours left, %d before", n, before)
		}
	case !final: // a 404 that lies to a DELETE, say, cannot be seen through
		w.wantOne(t, "plan")
	}
	// Whatever was left, the next run puts right.
	w.sim.ClearFaults()
	if _, err := upsert(t, w.client(t), "plan"); err != nil {
		t.Errorf("the next run: %v", err)
	}
	w.wantOne(t, "plan")
}

func TestReadFile(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB: only the raw media type has it
	w := start(t, ghsim.Config{})
	for path, data := range map[string]string{
		".github/fly-placer.yml":   "version: 1\n",
		"empty.yml":                "",
		"big.bin":                  big,
		"dir with blank/ü#?%.yml":  "odd name",
		"a:b.yml":                  "colon",
		".fly-placer/bytes.yml":    "\xff\x00\n",
		"exactly-one-mebibyte.bin": big[:1<<20],
	} {
		w.sim.AddFile(path, []byte(data))
		for _, ref := range []string{"", "main", w.sim.Head("main")} {
			got, found, err := w.client(t).ReadFile(t.Context(), repo, path, ref)
			if err != nil || !found || string(got) != data {
				t.Errorf("ReadFile(%s, %s) = %d bytes, %v, %v, want %d bytes", path, ref, len(got), found, err, len(data))
			}
		}
	}
}

func TestReadFileTellsAbsenceFromBlindness(t *testing.T) {
	granted := func(scopes map[string]string) map[string]ghsim.Identity {
		return map[string]ghsim.Identity{token: {Permissions: scopes}}
	}
	for _, tc := range []struct {
		name, path, ref string
		cfg             ghsim.Config
		want            string // of the error; empty: certainly absent
		kind            error
	}{
		{"no such file", "no.yml", "", ghsim.Config{}, "", nil},
		{"no such file in a directory", ".github/no.yml", "", ghsim.Config{}, "", nil},
		{"no such ref", "no.yml", "gone", ghsim.Config{}, "No commit found for the ref gone", ghapi.ErrNotFound},
		{"no such repository", "no.yml", "", ghsim.Config{Repo: "octo/other"}, "404", ghapi.ErrNotFound},
		{"no permission", "no.yml", "", ghsim.Config{Private: true, Tokens: granted(map[string]string{"pull-requests": "write"})}, "403", ghapi.ErrReadOnly},
		{"a directory", ".github", "", ghsim.Config{}, "it is a directory", nil},
		{"a symbolic link", "link.yml", "", ghsim.Config{}, "it is a symlink, not a file", nil},
		{"above the root", "../x", "", ghsim.Config{}, "want one from the root", nil},
		{"absolute", "/x", "", ghsim.Config{}, "want one from the root", nil},
		{"hidden by an outage", "no.yml", "", ghsim.Config{Faults: []ghsim.Fault{{Kind: ghsim.Status, Status: 502, To: -1}}}, "502", ghapi.ErrUnavailable},
		{"witness fails", "no.yml", "", ghsim.Config{Faults: []ghsim.Fault{{Kind: ghsim.Status, Status: 404, From: 2}}}, "404", ghapi.ErrNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, tc.cfg)
			w.sim.AddFile(".github/fly-placer.yml", []byte("version: 1\n"))
			w.sim.AddSymlink("link.yml", "/etc/passwd")
			data, found, err := w.client(t).ReadFile(t.Context(), repo, tc.path, tc.ref)
			if data != nil || found {
				t.Errorf("data = %q, found = %v", data, found)
			}
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error = %v, want %q", err, tc.want)
			}
			if tc.kind != nil && !errors.Is(err, tc.kind) {
				t.Errorf("error = %v, want kind %v", err, tc.kind)
			}
		})
	}
}

func TestReadFileSurvivesAFaultAtEachRequest(t *testing.T) {
	for _, kind := range []ghsim.FaultKind{ghsim.Secondary403, ghsim.Reset, ghsim.Truncated, ghsim.HTML} {
		for n := 1; n <= 2; n++ {
			w := start(t, ghsim.Config{Faults: []ghsim.Fault{{Kind: kind, From: n}}})
			data := strings.Repeat("x", 1<<20+1)
			w.sim.AddFile("big.yml", []byte(data))
			if got, found, err := w.client(t).ReadFile(t.Context(), repo, "big.yml", ""); err != nil || !found || string(got) != data {
				t.Errorf("%s at %d: %d bytes, %v, %v", kind, n, len(got), found, err)
			}
			if _, found, err := w.client(t).ReadFile(t.Context(), repo, "no.yml", ""); err != nil || found {
				t.Errorf("%s at %d: found = %v, %v", kind, n, found, err)
			}
		}
	}
}
