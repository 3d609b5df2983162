//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// runAct runs testdata/plan.yml with act for an event. It gives the action the
// addresses of the world, and the outputs back as a later step of the job saw
// them.
func runAct(t *testing.T, w *world, event string, payload []byte) result {
	t.Helper()
	r := act(t, w, event, payload, checkout(t), "plan.yml",
		"--secret", "FLY_API_TOKEN="+flyToken, "--var", "PROMETHEUS_URL="+w.prometheusURL, "--var", "FLY_API_URL="+w.fly.url)
	if r.status != 0 {
		return r
	}
	data, err := os.ReadFile(filepath.Join(r.workspace, "outputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r.outputs); err != nil {
		t.Fatalf("outputs of the later step: %v\n%s", err, data)
	}
	return r
}

// act runs a workflow of a workspace for an event.
//
// act takes the place of actions/checkout itself (the workspace is bound into
// the job's container), and the job's container has the host's network, so
// that loopback is ours. The summary comes from act's JSON log: act empties the
// file after each step.
func act(t *testing.T, w *world, event string, payload []byte, workspace, workflow string, more ...string) result {
	t.Helper()
	home := t.TempDir()
	payloadFile := filepath.Join(home, "event.json")
	if err := os.WriteFile(payloadFile, payload, 0o600); err != nil {
		t.Fatal(err)
	}
	act := exec.CommandContext(t.Context(), "act", append([]string{
		event, "--json", "--bind", "--pull=false", "--no-cache-server",
		"--directory", workspace, "--workflows", ".github/workflows/" + workflow, "--eventpath", payloadFile,
		"--platform", "ubuntu-latest=" + need(t, "E2E_RUNNER_IMAGE"), "--container-daemon-socket", "-",
		"--secret", "GITHUB_TOKEN=" + gitHubToken,
		"--env", "GITHUB_API_URL=" + w.github.url, "--env", "GITHUB_SERVER_URL=" + w.github.url,
		"--env", "GITHUB_GRAPHQL_URL=" + w.github.url + "/graphql",
	}, more...)...)
	// A settings file of the person who runs this must not count.
	act.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)
	log, status := command(t, act)

	r := result{status: status, workspace: workspace, outputs: map[string]string{}}
	var text strings.Builder
	lines := bufio.NewScanner(strings.NewReader(log))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var entry struct{ Msg, Command, Content string }
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			text.WriteString(lines.Text() + "\n") // act's own errors
			continue
		}
		text.WriteString(strings.TrimSuffix(entry.Msg, "\n") + "\n")
		if entry.Command == "summary" {
			r.summary += entry.Content
		}
	}
	r.log = text.String()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("act %s:\n%s", event, r.log)
		}
	})
	return r
}

func TestActKeepsOneCommentOnAPullRequest(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		r := runAct(t, w, "pull_request", pullRequest(t))
		checkPlan(t, r)
		if r.outputs["comment-url"] == "" {
			t.Error("no comment-url in the outputs of the later step")
		}
	}
	comments := w.gitHub.Comments(pullNumber)
	if len(comments) != 1 {
		t.Fatalf("%d comments after two runs, want 1", len(comments))
	}
	if !strings.Contains(comments[0].Body, "\n## shop: open ") {
		t.Errorf("the comment does not open with the answer:\n%s", comments[0].Body)
	}
}

func TestActPlansOnASchedule(t *testing.T) {
	w := newWorld(t)
	checkPlan(t, runAct(t, w, "schedule", scheduled()))
	if writes := w.gitHub.Writes(); len(writes) != 0 {
		t.Errorf("a scheduled plan wrote to GitHub: %v", writes)
	}
}

// checkPlan checks what every successful plan of newWorld's app has in common:
// most requests enter in Europe, all Machines run in ord.
func checkPlan(t *testing.T, r result) {
	t.Helper()
	checkSecrets(t, r)
	if r.status != 0 {
		t.Fatalf("exit status %d, want 0", r.status)
	}
	if !strings.HasPrefix(strings.TrimSpace(r.summary), "## shop: open ") {
		t.Errorf("the job summary does not open with the answer:\n%s", r.summary)
	}
	if r.outputs["outcome"] != "planned" || r.outputs["has-changes"] != "true" {
		t.Errorf("outcome %q, has-changes %q", r.outputs["outcome"], r.outputs["has-changes"])
	}
	var regions map[string]int
	if err := json.Unmarshal([]byte(r.outputs["regions"]), &regions); err != nil || regions["fra"]+regions["ams"] == 0 {
		t.Errorf("regions %q: want one in Europe (%v)", r.outputs["regions"], err)
	}
	before, err1 := strconv.ParseFloat(r.outputs["latency-before-ms"], 64)
	after, err2 := strconv.ParseFloat(r.outputs["latency-after-ms"], 64)
	if err := errors.Join(err1, err2); err != nil || after >= before {
		t.Errorf("latency %q → %q ms (%v)", r.outputs["latency-before-ms"], r.outputs["latency-after-ms"], err)
	}
	var plan struct{ Outcome string }
	if err := json.Unmarshal([]byte(r.outputs["plan"]), &plan); err != nil || plan.Outcome != "planned" {
		t.Errorf("plan says %q (%v): %s", plan.Outcome, err, r.outputs["plan"])
	}
}
