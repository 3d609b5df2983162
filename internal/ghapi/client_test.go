package ghapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

const repo = "octo/shop"

// world is a simulated GitHub, a client of it, and what the client slept.
type world struct {
	sim    *ghsim.Server
	url    string
	client *ghapi.Client
	slept  []time.Duration
}

func start(t *testing.T, cfg ghsim.Config, change ...func(*ghapi.Options)) *world {
	t.Helper()
	w := &world{sim: ghsim.New(cfg)}
	srv := httptest.NewServer(w.sim)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	o := ghapi.Options{
		APIURL: srv.URL, Token: ghsim.DefaultToken, HTTP: srv.Client().Transport,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.slept = append(w.slept, d)
			return ctx.Err()
		},
	}
	for _, f := range change {
		f(&o)
	}
	c, err := ghapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.client = c
	return w
}

func (w *world) upsert(t *testing.T, body string) (ghapi.Comment, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return w.client.UpsertComment(ctx, ghapi.UpsertRequest{Repo: repo, Number: 1, Key: "plan", Body: body})
}

func TestNewRefusesWhatWouldLeakOrNotWork(t *testing.T) {
	for _, tc := range []struct{ url, token, want string }{
		{"http://github.example.com/api/v3", "t0ken", "plain http would show the token to the network"},
		{"ftp://github.example.com", "t0ken", "want an https:// address"},
		{"github.example.com", "t0ken", "want an https:// address"},
		{"https://me:pass@github.example.com", "t0ken", "user, query and fragment have no place in it"},
		{"https://github.example.com?x=1", "t0ken", "user, query and fragment have no place in it"},
		{"https://github.example.com/api/v3?", "t0ken", "user, query and fragment have no place in it"},
		{"https://t0ken@github.example.com", "t0ken", "user, query and fragment have no place in it"},
		{"https://github.example.com:x", "t0ken", "not a URL"},
		{"", "", "it is empty"},
		{"", "t0ken\n", "it contains a blank"},
		{"", "t0ken\r\nX: y", "it contains a blank"},
	} {
		_, err := ghapi.New(ghapi.Options{APIURL: tc.url, Token: tc.token})
		if err == nil || !strings.Contains(err.Error(), tc.want) || len(hint.Of(err)) == 0 {
			t.Errorf("New(%q, %q) = %v with hints %q, want %q and a hint", tc.url, tc.token, err, hint.Of(err), tc.want)
		}
		if err != nil && (strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "pass")) {
			t.Errorf("New(%q, …) tells a secret: %v", tc.url, err)
		}
	}
	_, err := ghapi.New(ghapi.Options{APIURL: "ftp://x", Token: ""})
	if err == nil || !strings.Contains(err.Error(), "https") || !strings.Contains(err.Error(), "empty") {
		t.Errorf("New reports not everything wrong: %v", err)
	}
	for _, good := range []string{"", "https://api.github.com", "https://api.acme.ghe.com/", "https://github.example.com/api/v3", "http://127.0.0.1:8080", "http://localhost:1/api/v3/", "http://[::1]:1"} {
		if _, err := ghapi.New(ghapi.Options{APIURL: good, Token: "t"}); err != nil {
			t.Errorf("New(%q) = %v", good, err)
		}
	}
}

func TestOptionsPrintWithoutTheToken(t *testing.T) {
	o := ghapi.Options{APIURL: "https://api.github.com", Token: "s3cret"}
	if s := fmt.Sprintf("%v %+v %#v %s", o, o, o, o); strings.Contains(s, "s3cret") {
		t.Error(s)
	}
}

func TestEnterpriseServerIsReachedUnderItsPrefix(t *testing.T) {
	w := start(t, ghsim.Config{}, func(o *ghapi.Options) { o.APIURL += "/api/v3" })
	for _, want := range []string{"created", "unchanged"} { // the second asks /api/graphql who it is
		if c, err := w.upsert(t, "plan"); err != nil || c.Operation != want {
			t.Errorf("upsert = %+v, %v, want %s", c, err, want)
		}
	}
}

func TestErrorsTellTheKindAndTheNextStep(t *testing.T) {
	const integration = "Resource not accessible by integration"
	for _, tc := range []struct {
		name  string
		cfg   ghsim.Config
		token string
		kind  error
		hint  string
	}{
		{"bad token", ghsim.Config{}, "ghs_wrong", ghapi.ErrUnauthorized, "valid github-token"},
		{
			"missing permission",
			ghsim.Config{Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {Permissions: map[string]string{"contents": "read"}}}},
			"", ghapi.ErrReadOnly, "permissions: pull-requests: write",
		},
		{
			"read-only token of a fork",
			ghsim.Config{Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {Permissions: map[string]string{"pull-requests": "read"}}}},
			"", ghapi.ErrReadOnly, "forks",
		},
		{
			"personal token without permission",
			ghsim.Config{Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {Kind: ghsim.User, Permissions: map[string]string{}}}},
			"", ghapi.ErrReadOnly, "pull-requests: write",
		},
		{
			"private repository, nothing granted",
			ghsim.Config{Private: true, Tokens: map[string]ghsim.Identity{ghsim.DefaultToken: {Permissions: map[string]string{}}}},
			"", ghapi.ErrReadOnly, "pull-requests: read",
		},
		{"no such pull request", ghsim.Config{Pulls: []int{7}}, "", ghapi.ErrNotFound, "check repository and number"},
		{"no such repository", ghsim.Config{Repo: "octo/other"}, "", ghapi.ErrNotFound, "check repository and number"},
		{"archived repository", fault(ghsim.Fault{Kind: ghsim.Status, Status: 403, Message: "Repository was archived so is read-only.", Method: "POST"}), "", ghapi.ErrReadOnly, ""},
		{"locked conversation", fault(ghsim.Fault{Kind: ghsim.Status, Status: 403, Message: "Unable to create comment because issue is locked.", Method: "POST"}), "", ghapi.ErrForbidden, "locked"},
		{"issues disabled", fault(ghsim.Fault{Kind: ghsim.Status, Status: 410, Message: "Issues are disabled for this repo", Method: "POST"}), "", ghapi.ErrGone, ""},
		{"invalid", fault(ghsim.Fault{Kind: ghsim.Status, Status: 422, Message: "Validation Failed", Method: "POST"}), "", ghapi.ErrInvalid, ""},
		{"spammed", fault(ghsim.Fault{Kind: ghsim.Status, Status: 403, Message: integration, Method: "GET"}), "", ghapi.ErrReadOnly, "contents: read"},
		{"down for long", fault(ghsim.Fault{Kind: ghsim.Status, Status: 503, To: -1}), "", ghapi.ErrUnavailable, "githubstatus"},
		{"a portal's page", fault(ghsim.Fault{Kind: ghsim.HTML, To: -1}), "", ghapi.ErrUnavailable, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := start(t, tc.cfg, func(o *ghapi.Options) {
				if tc.token != "" {
					o.Token = tc.token
				}
			})
			_, err := w.upsert(t, "plan")
			var e *ghapi.Error
			if !errors.Is(err, tc.kind) || !errors.As(err, &e) {
				t.Fatalf("error = %v, want kind %v", err, tc.kind)
			}
			if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, tc.hint) {
				t.Errorf("hints = %q, want %q", hints, tc.hint)
			}
			if n := len(w.sim.Comments(1)); n != 0 {
				t.Errorf("%d comments left", n)
			}
		})
	}
}

func fault(f ghsim.Fault) ghsim.Config { return ghsim.Config{Faults: []ghsim.Fault{f}} }

func TestTooLongBodyIsRefusedBeforeItIsSent(t *testing.T) {
	w := start(t, ghsim.Config{})
	_, err := w.upsert(t, strings.Repeat("é", ghapi.MaxCommentChars))
	if !errors.Is(err, ghapi.ErrTooLong) || len(w.sim.Requests()) != 0 {
		t.Errorf("error = %v after %d requests", err, len(w.sim.Requests()))
	}
	// What fits by our count and is refused all the same is told by GitHub's words.
	w = start(t, fault(ghsim.Fault{Kind: ghsim.Status, Status: 422, Message: "Body is too long (maximum is 65536 characters)", Method: "POST"}))
	if _, err := w.upsert(t, "plan"); !errors.Is(err, ghapi.ErrTooLong) {
		t.Errorf("error = %v", err)
	}
}

func TestBadRequestsAreReportedTogether(t *testing.T) {
	w := start(t, ghsim.Config{})
	_, err := w.client.UpsertComment(t.Context(), ghapi.UpsertRequest{Repo: "octo/../shop", Number: 0})
	for _, want := range []string{"want owner/name", "number 0", "key of the comment is empty"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
}

func TestRateLimitsAreWaitedFor(t *testing.T) {
	for _, tc := range []struct {
		name   string
		faults []ghsim.Fault
		min    time.Duration // of all sleeps
		max    time.Duration
		err    bool
	}{
		{"as long as GitHub says", []ghsim.Fault{{Kind: ghsim.Secondary403, After: 7}}, 7 * time.Second, 7 * time.Second, false},
		{"429 too", []ghsim.Fault{{Kind: ghsim.Secondary429, After: 7, Method: "POST"}}, 7 * time.Second, 7 * time.Second, false},
		{"at least a minute when it doesn't say", []ghsim.Fault{{Kind: ghsim.Secondary403, Method: "POST"}}, time.Minute, 75 * time.Second, false},
		{"longer the second time, within the budget", []ghsim.Fault{{Kind: ghsim.Secondary403, Method: "POST", To: 2}}, 2 * time.Minute, ghapi.DefaultBudget, false},
		{"not beyond the budget", []ghsim.Fault{{Kind: ghsim.Secondary429, To: -1}}, time.Minute, ghapi.DefaultBudget, true},
		{"not at all when that is too long", []ghsim.Fault{{Kind: ghsim.Secondary429, After: 3600}}, 0, 0, true},
		{"until the hourly limit is reset", []ghsim.Fault{{Kind: ghsim.Primary, After: 40}}, 40 * time.Second, 42 * time.Second, false},
		{"not for a reset in an hour", []ghsim.Fault{{Kind: ghsim.Primary, After: 3600, To: -1}}, 0, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := func() time.Time { return time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC) }
			w := start(t, ghsim.Config{Faults: tc.faults, Now: now}, func(o *ghapi.Options) { o.Now = now })
			_, err := w.upsert(t, "plan")
			if (err != nil) != tc.err || (tc.err && !errors.Is(err, ghapi.ErrRateLimited)) {
				t.Errorf("error = %v", err)
			}
			if tc.err && len(hint.Of(err)) == 0 {
				t.Error("no hint")
			}
			var sum time.Duration
			for _, d := range w.slept {
				sum += d
			}
			if sum < tc.min || sum > tc.max {
				t.Errorf("slept %v, want between %v and %v in all", w.slept, tc.min, tc.max)
			}
		})
	}
}

func TestSlowAnswersEnd(t *testing.T) {
	w := start(t, fault(ghsim.Fault{Kind: ghsim.Slow, Method: "GET"}), func(o *ghapi.Options) { o.Timeout = 60 * time.Millisecond })
	if c, err := w.upsert(t, "plan"); err != nil || c.Operation != "created" {
		t.Errorf("upsert after one slow answer = %+v, %v", c, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := w.client.UpsertComment(ctx, ghapi.UpsertRequest{Repo: repo, Number: 1, Key: "plan", Body: "b"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error of a cancelled call = %v", err)
	}
}

func TestRedirectsKeepTheTokenAtHome(t *testing.T) {
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
		name    string
		fault   ghsim.Fault
		ok      bool
		foreign int64
	}{
		{"a read may leave, without the token", ghsim.Fault{Kind: ghsim.Redirect, Method: "GET", Location: elsewhere.URL + "/x"}, true, 1},
		{"a write may not leave", ghsim.Fault{Kind: ghsim.Redirect, Method: "POST", Status: 307, Location: elsewhere.URL + "/x"}, false, 0},
		{"a write may not become a read", ghsim.Fault{Kind: ghsim.Redirect, Method: "POST", Status: 302, Location: "/repos/octo/shop/issues/1/comments"}, false, 0},
		{"a write follows a renamed repository", ghsim.Fault{Kind: ghsim.Redirect, Method: "POST", Status: 307, Location: "/repos/octo/shop/issues/1/comments"}, true, 0},
		{"no plain http to a network", ghsim.Fault{Kind: ghsim.Redirect, Method: "GET", Location: "http://192.0.2.1/x"}, false, 0},
		{"no circles", ghsim.Fault{Kind: ghsim.Redirect, Method: "GET", To: -1, Location: "/repos/octo/shop/issues/1/comments"}, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			foreign.Store(0)
			w := start(t, fault(tc.fault))
			_, err := w.upsert(t, "plan")
			if (err == nil) != tc.ok {
				t.Errorf("error = %v", err)
			}
			if err != nil && !errors.Is(err, ghapi.ErrForbidden) {
				t.Errorf("error = %v, want it to be final", err)
			}
			if foreign.Load() != tc.foreign || withToken.Load() != 0 {
				t.Errorf("%d foreign requests, %d with the token", foreign.Load(), withToken.Load())
			}
		})
	}
}
