package ghapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fly-placer/fly-placer/internal/ghapi"
	"github.com/fly-placer/fly-placer/internal/hint"
)

// answers are GitHub's, by path; what is not there is 404. A text of digits is a
// status.
type answers map[string]string

// well is what the token of a person who owns a repository gets.
func well() answers {
	return answers{
		"/user":                      `{"login":"ann"}`,
		"/graphql":                   `{"data":{"viewer":{"login":"github-actions[bot]"}}}`,
		"/repos/octo/shop":           `{"default_branch":"main","permissions":{"push":true,"admin":true}}`,
		"/repos/octo/shop/pulls":     `[]`,
		"/repos/octo/shop/contents/": `[{"type":"file","name":"README.md"}]`,
		"/repos/octo/shop/actions/permissions/workflow": `{"default_workflow_permissions":"read","can_approve_pull_request_reviews":true}`,
	}
}

func (a answers) probe(t *testing.T, token string, scopes ...string) ghapi.Probe {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.URL.Path != "/graphql" {
			t.Errorf("%s %s writes", r.Method, r.URL.Path)
		}
		if len(scopes) > 0 {
			w.Header().Set("X-OAuth-Scopes", scopes[0])
		}
		w.Header().Set("Content-Type", "application/json")
		body, ok := a[r.URL.Path]
		status := 0
		if n, err := fmt.Sscan(body, &status); !ok || n == 1 && err == nil {
			if !ok {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
			body = `{"message":"Resource not accessible by integration"}`
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := ghapi.New(ghapi.Options{APIURL: server.URL, Token: token, Sleep: func(context.Context, time.Duration) error { return errors.New("no time") }})
	if err != nil {
		t.Fatal(err)
	}
	return c.Probe(t.Context(), "octo/shop")
}

func TestProbeTellsWhatGitHubTells(t *testing.T) {
	got := well().probe(t, "ghp_Secret0123456789", "repo, workflow")
	want := ghapi.Probe{Login: "ann", Branch: "main", Push: true, Scopes: []string{"repo", "workflow"}, ActionsPulls: true}
	if diff := cmp.Diff(want, got, cmpopts.EquateErrors()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProbeOfAWorkflowsToken(t *testing.T) {
	a := well()
	delete(a, "/user")
	a["/repos/octo/shop/actions/permissions/workflow"] = "403"
	got := a.probe(t, "ghs_Secret0123456789")
	if got.Login != "github-actions[bot]" || !got.App || got.LoginErr != nil || got.RepoErr != nil || got.ContentsErr != nil || got.PullsErr != nil {
		t.Errorf("%+v", got)
	}
	if !errors.Is(got.SettingErr, ghapi.ErrReadOnly) || got.ActionsPulls {
		t.Errorf("the setting: %t, %v", got.ActionsPulls, got.SettingErr)
	}
	if _, known := got.Write(); known {
		t.Error("nobody can know what a workflow's token was granted")
	}
}

func TestEachQuestionFailsByItself(t *testing.T) {
	for path, of := range map[string]func(ghapi.Probe) error{
		"/user":                      func(p ghapi.Probe) error { return p.LoginErr },
		"/repos/octo/shop":           func(p ghapi.Probe) error { return p.RepoErr },
		"/repos/octo/shop/pulls":     func(p ghapi.Probe) error { return p.PullsErr },
		"/repos/octo/shop/contents/": func(p ghapi.Probe) error { return p.ContentsErr },
		"/repos/octo/shop/actions/permissions/workflow": func(p ghapi.Probe) error { return p.SettingErr },
	} {
		for _, answer := range []string{"401", "500", "{}"} {
			if answer == "{}" && !strings.HasSuffix(path, "shop") && !strings.HasSuffix(path, "workflow") {
				continue // these are not read
			}
			a := well()
			a[path] = answer
			got := a.probe(t, "ghp_Secret0123456789")
			err := of(got)
			if err == nil || len(hint.Of(err)) == 0 || strings.Contains(err.Error(), "Secret") {
				t.Errorf("%s %s: %v, next %q", path, answer, err, hint.Of(err))
			}
			failed := 0
			for _, err := range []error{got.LoginErr, got.RepoErr, got.PullsErr, got.ContentsErr, got.SettingErr} {
				if err != nil {
					failed++
				}
			}
			if failed != 1 {
				t.Errorf("%s %s: %d questions failed: %+v", path, answer, failed, got)
			}
		}
	}
}

func TestWhoMayWrite(t *testing.T) {
	for name, test := range map[string]struct {
		p          ghapi.Probe
		may, known bool
	}{
		"a workflow's token":                      {ghapi.Probe{App: true, Push: true}, false, false},
		"a person who may only read":              {ghapi.Probe{Scopes: []string{"repo"}}, false, true},
		"a fine-grained token":                    {ghapi.Probe{Push: true}, false, false},
		"a classic token":                         {ghapi.Probe{Push: true, Private: true, Scopes: []string{"repo"}}, true, true},
		"a classic token for public repositories": {ghapi.Probe{Push: true, Scopes: []string{"public_repo"}}, true, true},
		"the same, but the repository is private": {ghapi.Probe{Push: true, Private: true, Scopes: []string{"public_repo"}}, false, true},
		"a classic token without scopes":          {ghapi.Probe{Push: true, Scopes: []string{}}, false, true},
		"a repository that could not be read":     {ghapi.Probe{RepoErr: errors.New("404")}, false, false},
	} {
		if may, known := test.p.Write(); may != test.may || known != test.known {
			t.Errorf("%s: %t, %t; want %t, %t", name, may, known, test.may, test.known)
		}
	}
}

func TestProbeOfNoRepository(t *testing.T) {
	c, err := ghapi.New(ghapi.Options{Token: "ghp_Secret0123456789", HTTP: http.NewFileTransport(http.Dir(t.TempDir()))})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Probe(t.Context(), "octo"); got.RepoErr == nil || got.PullsErr == nil {
		t.Errorf("%+v", got)
	}
}
