//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// The policy spares the tests the waits that Fly.io needs.
const policyFile, circlePolicy = ".github/fly-placer.yml", "defaults: {api-rate: 0, soak: 100ms}\n"

const decisionFile = ".fly-placer/shop.yml"

// runExample runs an example of docs/examples with act, as its users do: the
// released form of the action, resolved to this checkout. The workspace is the
// repository as the simulated GitHub has it at the event's commit.
func runExample(t *testing.T, w *world, example string, e ghsim.Event) result {
	t.Helper()
	workspace := t.TempDir()
	text, err := os.ReadFile(filepath.Join("../docs/examples", example))
	if err != nil {
		t.Fatal(err)
	}
	// Only where Fly.io is differs from what people copy.
	here := strings.ReplaceAll(string(text), "fly-api-token:", "fly-api-url: "+w.fly.url+"\n          fly-api-token:")
	workflow := filepath.Join(workspace, ".github/workflows", example)
	if err := os.MkdirAll(filepath.Dir(workflow), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(workflow, []byte(here), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{policyFile, decisionFile, ".fly-placer/api.yml"} {
		data, found := w.gitHub.File(e.SHA, name)
		if !found {
			continue
		}
		file := filepath.Join(workspace, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	initRepository(t, workspace)
	return act(t, w, e.Name, e.Payload, workspace, example,
		"--local-repository", "fly-placer/fly-placer@v1="+checkout(t),
		"--secret", "FLY_READ_TOKEN="+flyToken, "--secret", "FLY_DEPLOY_TOKEN="+flyToken, "--secret", "FLY_SHOP_TOKEN="+flyToken, "--secret", "FLY_API_TOKEN="+flyToken,
		"--env", "FLY_PROMETHEUS_URL="+w.prometheusURL)
}

// living counts the app's Machines that serve, by region.
func (w *world) living(app string) map[string]int { return w.flySim.Serving(app, "app") }

// event makes an event, or fails.
func event(t *testing.T) func(e ghsim.Event, err error) ghsim.Event {
	return func(e ghsim.Event, err error) ghsim.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
}

func mustRun(t *testing.T, r result) result {
	t.Helper()
	checkSecrets(t, r)
	if r.status != 0 {
		t.Fatalf("exit status %d, want 0", r.status)
	}
	return r
}

// The whole circle, as docs/examples/propose-and-apply.yml has it: a schedule
// opens a pull request, its own workflow comments on it, merging it moves the
// Machines, the pull request is told, and a revert brings everything back.
func TestActGoesRoundTheCircle(t *testing.T) {
	w := newWorld(t)
	w.gitHub.AddFile(policyFile, []byte(circlePolicy))
	events := w.gitHub.Events(w.github.url)

	night := event(t)(events.Schedule("17 5 * * *"))
	r := mustRun(t, runExample(t, w, "propose-and-apply.yml", night))
	if !strings.Contains(r.summary, "Proposed in [`#") {
		t.Errorf("the summary does not name the proposal:\n%s", r.summary)
	}
	number := proposed(t, w)
	if got := w.living("shop"); got["ord"] != 4 || len(got) != 1 {
		t.Fatalf("a proposal changed what runs: %v", got)
	}

	// The night after says the same, and leaves what is reviewed alone.
	head := w.gitHub.Head("fly-placer/placement")
	mustRun(t, runExample(t, w, "propose-and-apply.yml", night))
	if w.gitHub.Head("fly-placer/placement") != head {
		t.Error("the same decision was committed again")
	}

	mustRun(t, runExample(t, w, "plan.yml", event(t)(events.PullRequest(number, "opened", "ann"))))
	if !commented(w, number, "shop: this decision ") {
		t.Errorf("nobody says what the decision does: %+v", w.gitHub.Comments(number))
	}

	push, err := w.gitHub.Merge(number, "ann", "merge")
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, runExample(t, w, "propose-and-apply.yml", event(t)(events.Push(push))))
	moved := w.living("shop")
	if moved["fra"]+moved["ams"] == 0 {
		t.Errorf("after the merge %v serve: want some in Europe", moved)
	}
	if !commented(w, number, "shop: applied") {
		t.Errorf("the pull request was not told: %+v", w.gitHub.Comments(number))
	}

	push, err = w.gitHub.Revert(push.After, "ann")
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, runExample(t, w, "propose-and-apply.yml", event(t)(events.Push(push))))
	if got := w.living("shop"); got["ord"] != 4 || len(got) != 1 {
		t.Errorf("after the revert %v serve, want 4 in ord", got)
	}
}

// proposed is the number of the only open proposal, which has the decision.
func proposed(t *testing.T, w *world) int {
	t.Helper()
	i := slices.IndexFunc(w.gitHub.Pulls(), func(p ghsim.Pull) bool { return p.Open && p.Head == "fly-placer/placement" })
	if i < 0 {
		t.Fatalf("no proposal among %+v", w.gitHub.Pulls())
	}
	if data, found := w.gitHub.File("fly-placer/placement", decisionFile); !found || !strings.Contains(string(data), "assumes: {ord: 4}") {
		t.Errorf("the decision (there: %t):\n%s", found, data)
	}
	return w.gitHub.Pulls()[i].Number
}

func commented(w *world, number int, text string) bool {
	return slices.ContainsFunc(w.gitHub.Comments(number), func(c ghsim.Comment) bool { return strings.Contains(c.Body, text) })
}

func TestActAppliesAtOnceWhereItIsAutomatic(t *testing.T) {
	w := newWorld(t)
	w.gitHub.AddFile(policyFile, []byte(circlePolicy))
	night := event(t)(w.gitHub.Events(w.github.url).Schedule("17 5 * * *"))
	r := mustRun(t, runExample(t, w, "automatic.yml", night))
	if got := w.living("shop"); got["fra"]+got["ams"] == 0 || !strings.Contains(r.summary, "shop: applied") {
		t.Errorf("%v serve; the summary:\n%s", got, r.summary)
	}
	if writes := w.gitHub.Writes(); len(writes) != 0 {
		t.Errorf("it wrote to GitHub: %v", writes)
	}
}

func TestActProposesForEachAppOfAMatrix(t *testing.T) {
	w := newWorld(t, "shop", "api")
	w.gitHub.AddFile(policyFile, []byte(circlePolicy))
	night := event(t)(w.gitHub.Events(w.github.url).Schedule("17 5 * * *"))
	mustRun(t, runExample(t, w, "matrix.yml", night))
	number := proposed(t, w)
	pulls := w.gitHub.Pulls()
	if n := len(slices.DeleteFunc(pulls, func(p ghsim.Pull) bool { return p.Head != "fly-placer/placement" })); n != 1 {
		t.Errorf("%d proposals, want 1", n)
	}
	body := w.gitHub.Pulls()[slices.IndexFunc(w.gitHub.Pulls(), func(p ghsim.Pull) bool { return p.Number == number })].Body
	for _, app := range []string{"shop", "api"} {
		if _, found := w.gitHub.File("fly-placer/placement", ".fly-placer/"+app+".yml"); !found || !strings.Contains(body, "fly-placer:app "+app) {
			t.Errorf("the proposal has nothing of %s (file: %t):\n%s", app, found, body)
		}
	}
}

func TestActAppliesBehindAnEnvironment(t *testing.T) {
	w := newWorld(t)
	w.gitHub.AddFile(policyFile, []byte(circlePolicy))
	events := w.gitHub.Events(w.github.url)
	mustRun(t, runExample(t, w, "environment.yml", event(t)(events.Schedule("17 5 * * *"))))
	push, err := w.gitHub.Merge(proposed(t, w), "ann", "squash")
	if err != nil {
		t.Fatal(err)
	}
	mustRun(t, runExample(t, w, "environment.yml", event(t)(events.Push(push))))
	if got := w.living("shop"); got["fra"]+got["ams"] == 0 {
		t.Errorf("%v serve: want some in Europe", got)
	}
}
