//go:build e2e

package ghsim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// TestEventsFitGitHubsExamples requires of every field in the simulator's events
// that GitHub's own examples of the event have it too, with a value of its kind.
// GITHUB_WEBHOOKS names the file api.github.com/index.json of the npm package
// @octokit/webhooks-examples 7.6.1.
func TestEventsFitGitHubsExamples(t *testing.T) {
	data, err := os.ReadFile(os.Getenv("GITHUB_WEBHOOKS"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Name     string
		Examples []map[string]any
	}
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	examples := map[string][]any{}
	for _, e := range all {
		for _, example := range e.Examples {
			examples[e.Name] = append(examples[e.Name], example)
		}
	}

	sim := ghsim.New(ghsim.Config{Pulls: []int{-1}, Teams: []string{"platform"}})
	events := sim.Events("http://github.test")
	n := propose(t, sim, "ams: 4\n")
	if err := sim.Label(n, "fly-placer:apply"); err != nil {
		t.Fatal(err)
	}
	tell(t, sim, 201, fmt.Sprintf("POST /pulls/%d/requested_reviewers", n), `{"reviewers": ["alice"]}`)
	check := func(e ghsim.Event, err error) {
		t.Helper()
		var payload any
		if err != nil || json.Unmarshal(e.Payload, &payload) != nil {
			t.Fatal(err)
		}
		if len(examples[e.Name]) == 0 {
			t.Fatalf("no examples of %s", e.Name)
		}
		fits(t, e.Name, payload, examples[e.Name])
	}
	check(events.PullRequest(n, "opened", bot))
	sim.Commit("alice", branch, "Place otherwise", map[string][]byte{decisionFile: []byte("fra: 4\n")})
	check(events.PullRequest(n, "synchronize", bot))
	push, err := sim.Merge(n, "alice", "merge")
	if err != nil {
		t.Fatal(err)
	}
	check(events.PullRequest(n, "closed", "alice"))
	check(events.Push(push))
	check(events.Dispatch("alice", nil))
}

// newer are fields that GitHub sends since the examples were written; the OpenAPI
// description has them.
var newer = []string{"user_view_type", "has_discussions"}

// fits compares a value with those that stand at its place in the examples.
func fits(t *testing.T, path string, v any, examples []any) {
	t.Helper()
	kind := func(v any) string { return fmt.Sprintf("%T", v) }
	kinds := map[string]bool{}
	for _, example := range examples {
		kinds[kind(example)] = true
	}
	if v != nil && !kinds[kind(v)] {
		t.Errorf("%s is %v, in GitHub's examples %v", path, kind(v), kinds)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			var there []any
			for _, example := range examples {
				if example, ok := example.(map[string]any); ok {
					if value, ok := example[name]; ok {
						there = append(there, value)
					}
				}
			}
			if len(there) == 0 && !slices.Contains(newer, name) {
				t.Errorf("%s.%s is in none of GitHub's examples", path, name)
			}
			if slices.ContainsFunc(there, func(v any) bool { return v != nil }) {
				fits(t, path+"."+name, inner, there)
			}
		}
	case []any:
		var there []any
		for _, example := range examples {
			if example, ok := example.([]any); ok {
				there = append(there, example...)
			}
		}
		for _, inner := range v {
			if len(there) > 0 {
				fits(t, path+".0", inner, there)
			}
		}
	}
}
