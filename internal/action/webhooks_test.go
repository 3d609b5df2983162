//go:build e2e

package action

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// GitHub's own example webhooks are read, whatever they are about, and what they
// allow is what the events say.
func TestGitHubsExampleWebhooksAreRead(t *testing.T) {
	file := os.Getenv("GITHUB_WEBHOOKS")
	if file == "" {
		t.Fatal("GITHUB_WEBHOOKS is not set: run `make e2e`")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(data, &hooks); err != nil {
		t.Fatal(err)
	}
	payload := filepath.Join(t.TempDir(), "event.json")
	seen := map[string]int{}
	for _, hook := range hooks {
		for i, example := range hook.Examples {
			if err := os.WriteFile(payload, example, 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := newRunner(Process{Dir: t.TempDir(), Environ: []string{
				"GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME=" + hook.Name, "GITHUB_EVENT_PATH=" + payload,
			}})
			if err != nil {
				t.Errorf("%s %d: %v", hook.Name, i, err)
				continue
			}
			seen[hook.Name]++
			checkWebhook(t, hook.Name, i, example, r)
		}
	}
	for _, name := range []string{"pull_request", "push", "merge_group", "workflow_dispatch", "issue_comment", "pull_request_review"} {
		if seen[name] == 0 {
			t.Errorf("no example of %s", name)
		}
	}
	t.Logf("%d kinds of events", len(seen))
}

// checkWebhook compares what the runner makes of an example with a reading of its
// own.
func checkWebhook(t *testing.T, name string, i int, example []byte, r runner) {
	var raw struct {
		Ref, Before, After string
		Number             int
		Deleted            bool
		Repository         struct {
			DefaultBranch string `json:"default_branch"`
		}
		PullRequest struct {
			Head, Base struct {
				Repo struct {
					FullName string `json:"full_name"`
				}
			}
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(example, &raw); err != nil {
		t.Errorf("%s %d: %v", name, i, err)
		return
	}
	onDefault := raw.Ref == "refs/heads/"+raw.Repository.DefaultBranch
	if got, want := r.pushesDefault(), name == "push" && onDefault && !raw.Deleted; got != want {
		t.Errorf("%s %d, of %s: pushes to the default branch: %t, want %t", name, i, raw.Ref, got, want)
	}
	if name == "push" && r.pushed()[0] != raw.After {
		t.Errorf("%s %d: pushed %v, want %s first", name, i, r.pushed(), raw.After)
	}
	if name == "pull_request" {
		if r.pullRequest() != raw.Number {
			t.Errorf("%s %d: of pull request %d, want %d", name, i, r.pullRequest(), raw.Number)
		}
		if fork := raw.PullRequest.Head.Repo != raw.PullRequest.Base.Repo; r.untrusted() != fork {
			t.Errorf("%s %d: untrusted %t, a fork %t", name, i, r.untrusted(), fork)
		}
	}
}
