//go:build e2e

package e2e

import (
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// maxImage is what the compressed image may weigh, in bytes (docs/design.md §11).
const maxImage = 8_000_000

// runnerUser is the user that GitHub's own runners run as; it owns the mounts.
const runnerUser = 1001

// image builds the action's image, once.
func image(t *testing.T) string {
	t.Helper()
	buildImage.Do(func() {
		start := time.Now()
		must(t, "docker", "build", "--quiet", "--tag", need(t, "E2E_IMAGE"), "--build-arg", "VERSION=v0.0.0-e2e", "..")
		t.Logf("docker build: %s", time.Since(start).Round(time.Millisecond))
	})
	return need(t, "E2E_IMAGE")
}

var buildImage sync.Once

// A mounted is the directory on the host that holds what the runner mounts as
// /github.
type mounted struct{ root string }

func (m mounted) host(path string) string { return filepath.Join(m.root, path) }

// runnerMounts makes the directories that the runner mounts into the container
// of an action, with the files that it puts there.
func runnerMounts(t *testing.T, payload []byte) mounted {
	t.Helper()
	m := mounted{t.TempDir()}
	for _, dir := range []string{"workspace", "home", "workflow", "file_commands", "runner_temp"} {
		if err := os.Mkdir(m.host(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(m.host("workflow/event.json"), payload, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"set_output", "step_summary", "set_env", "add_path", "save_state"} {
		if err := os.WriteFile(m.host("file_commands/"+name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		must(t, "chown", "-R", "1001:1001", m.root)
	}
	return m
}

// runContainer runs the image as the runner does: its mounts, its variables,
// root, the workspace as the working directory. Inputs are by their names in
// action.yml.
func runContainer(t *testing.T, w *world, event string, payload []byte, inputs map[string]string) result {
	t.Helper()
	m := runnerMounts(t, payload)
	env := runnerEnv(w, event)
	for name, value := range inputs {
		env["INPUT_"+strings.ToUpper(strings.ReplaceAll(name, " ", "_"))] = value
	}
	args := []string{"create", "--network", "host", "--workdir", "/github/workspace"}
	for _, dir := range []string{"workspace", "home", "workflow", "file_commands", "runner_temp"} {
		args = append(args, "--volume", m.host(dir)+":/github/"+dir)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		args = append(args, "--env", name+"="+env[name])
	}
	id := must(t, "docker", append(args, image(t))...)
	defer must(t, "docker", "rm", "--force", id)

	log, status := command(t, exec.CommandContext(t.Context(), "docker", "start", "--attach", id))
	summary, err := os.ReadFile(m.host("file_commands/step_summary"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("container:\n%s", log)
		}
	})
	return result{
		status: status, log: unmasked(log), summary: string(summary),
		outputs: fileCommand(t, m.host("file_commands/set_output")), workspace: m.host("workspace"),
	}
}

// unmasked is the log without the commands that mask a secret: those the
// runner keeps to itself.
func unmasked(log string) string {
	return strings.Join(slices.DeleteFunc(strings.SplitAfter(log, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "::add-mask::")
	}), "")
}

// runnerEnv returns the variables that the runner sets for a container action.
func runnerEnv(w *world, event string) map[string]string {
	ref, head, base := "refs/heads/master", "", ""
	if event == "pull_request" {
		ref, head, base = "refs/pull/2/merge", "changes", "master"
	}
	return map[string]string{
		"CI": "true", "HOME": "/github/home",
		"GITHUB_ACTION": "placer", "GITHUB_ACTIONS": "true", "GITHUB_ACTION_REF": "", "GITHUB_ACTION_REPOSITORY": "",
		"GITHUB_ACTOR": "Codertocat", "GITHUB_ACTOR_ID": "21031067", "GITHUB_TRIGGERING_ACTOR": "Codertocat",
		"GITHUB_API_URL": w.github.url, "GITHUB_SERVER_URL": w.github.url, "GITHUB_GRAPHQL_URL": w.github.url + "/graphql",
		"GITHUB_BASE_REF": base, "GITHUB_HEAD_REF": head, "GITHUB_REF": ref,
		"GITHUB_REF_NAME": strings.SplitN(ref, "/", 3)[2], "GITHUB_REF_PROTECTED": "false", "GITHUB_REF_TYPE": "branch",
		"GITHUB_ENV": "/github/file_commands/set_env", "GITHUB_PATH": "/github/file_commands/add_path",
		"GITHUB_OUTPUT": "/github/file_commands/set_output", "GITHUB_STATE": "/github/file_commands/save_state",
		"GITHUB_STEP_SUMMARY": "/github/file_commands/step_summary",
		"GITHUB_EVENT_NAME":   event, "GITHUB_EVENT_PATH": "/github/workflow/event.json",
		"GITHUB_JOB": "plan", "GITHUB_WORKFLOW": "plan",
		"GITHUB_WORKFLOW_REF": repository + "/.github/workflows/plan.yml@" + ref,
		"GITHUB_WORKFLOW_SHA": "ec26c3e57ca3a959ca5aad62de7213c562f8c821", "GITHUB_SHA": "ec26c3e57ca3a959ca5aad62de7213c562f8c821",
		"GITHUB_REPOSITORY": repository, "GITHUB_REPOSITORY_ID": "186853002",
		"GITHUB_REPOSITORY_OWNER": "Codertocat", "GITHUB_REPOSITORY_OWNER_ID": "21031067",
		"GITHUB_RETENTION_DAYS": "90", "GITHUB_RUN_ID": "7", "GITHUB_RUN_NUMBER": "7", "GITHUB_RUN_ATTEMPT": "1",
		"GITHUB_WORKSPACE": "/github/workspace",
		"RUNNER_OS":        "Linux", "RUNNER_ARCH": "X64", "RUNNER_NAME": "GitHub Actions 7", "RUNNER_ENVIRONMENT": "github-hosted",
		"RUNNER_TEMP": "/github/runner_temp", "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
		"RUNNER_WORKSPACE": "/home/runner/work/Hello-World",
	}
}

func TestContainerPlansWithTheRunnersMounts(t *testing.T) {
	w := newWorld(t)
	r := runContainer(t, w, "pull_request", pullRequest(t), map[string]string{
		"command": "auto", "app": "shop", "fly-api-token": flyToken, "github-token": gitHubToken,
		"prometheus-url": w.prometheusURL, "fly-api-url": w.fly.url, "report-dir": "placement",
	})
	checkPlan(t, r)

	// Files that root writes into the workspace belong to its owner, readable
	// by everybody, so that later steps can use and remove them.
	file := filepath.Join(r.workspace, "placement", "plan.json")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o644 {
		t.Errorf("mode of plan.json %o, want 644", got)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; os.Getuid() == 0 && owner != runnerUser {
		t.Errorf("plan.json belongs to user %d, want the workspace's owner %d", owner, runnerUser)
	}
}

// The bars are those of docs/design.md §11. The program of the image runs on
// the host here, since Docker's own work before the start is not the program's.
func TestProgramStartsAtOnceAndStaysSmall(t *testing.T) {
	const maxStart, maxMemory = 30 * time.Millisecond, 40_000 // kB
	program := filepath.Join(t.TempDir(), "fly-placer")
	id := must(t, "docker", "create", image(t))
	must(t, "docker", "cp", id+":/fly-placer", program)
	must(t, "docker", "rm", id)

	var first []time.Duration
	memory := 0
	for range 5 { // the best of them is the program's, the rest is the machine's
		w := newWorld(t)
		plan := exec.CommandContext(t.Context(), program, "plan", "--app", "shop",
			"--prometheus-url", w.prometheusURL, "--fly-api-url", w.fly.url)
		plan.Env = []string{"FLY_API_TOKEN=" + flyToken}
		start := time.Now()
		if err := plan.Start(); err != nil {
			t.Fatal(err)
		}
		peak := peakMemory(plan.Process.Pid)
		if err := plan.Wait(); err != nil {
			t.Fatal(err)
		}
		first = append(first, slices.MinFunc(append(w.prometheus.seen(), w.fly.seen()...), byTime).at.Sub(start))
		memory = max(memory, <-peak)
	}
	t.Logf("from start to first request: %s; peak memory: %d kB", first, memory)
	if got := slices.Min(first); got > maxStart {
		t.Errorf("the first request came after %s, want at most %s", got, maxStart)
	}
	if memory > maxMemory {
		t.Errorf("peak memory %d kB, want at most %d", memory, maxMemory)
	}
}

// peakMemory watches a process until it ends and then sends the most memory it
// had, in kB. (What wait reports would count this process before the fork.)
func peakMemory(pid int) <-chan int {
	peak := make(chan int, 1)
	go func() {
		most := 0
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, found := strings.Cut(string(status), "VmHWM:")
			if err != nil || !found { // ended
				peak <- most
				return
			}
			_, _ = fmt.Sscan(rest, &most)
			time.Sleep(time.Millisecond)
		}
	}()
	return peak
}

func byTime(a, b call) int { return a.at.Compare(b.at) }

func TestImageIsSmall(t *testing.T) {
	save := exec.CommandContext(t.Context(), "docker", "save", image(t))
	var size counter
	compressed := gzip.NewWriter(&size)
	save.Stdout, save.Stderr = compressed, os.Stderr
	if _, status := command(t, save); status != 0 {
		t.Fatalf("docker save: exit status %d", status)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("compressed image: %d bytes", size)
	if size > maxImage {
		t.Errorf("the compressed image has %d bytes, want at most %d", size, maxImage)
	}
}

func TestImageSaysItsVersionAndNothingElse(t *testing.T) {
	out := must(t, "docker", "run", "--rm", image(t), "--version")
	if out != "fly-placer v0.0.0-e2e" {
		t.Errorf("--version: %q", out)
	}
	if user := must(t, "docker", "image", "inspect", "--format", "{{.Config.User}}", image(t)); user != "" {
		t.Errorf("the image runs as %q; the runner's mounts are for root", user)
	}
}
