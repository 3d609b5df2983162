//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A result is what one run of the action left behind.
type result struct {
	status    int // exit status
	log       string
	summary   string
	outputs   map[string]string // as a later step sees them
	workspace string
}

// need returns a variable of doc.go's list.
func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run `make e2e`", name)
	}
	return value
}

// command runs a program to its end and returns its exit status and, where the
// caller sends it nowhere else, what it printed. It fails the test when the
// program could not be run.
func command(t *testing.T, c *exec.Cmd) (string, int) {
	t.Helper()
	var stdout strings.Builder
	if c.Stdout == nil {
		c.Stdout = &stdout
	}
	if c.Stderr == nil {
		c.Stderr = c.Stdout
	}
	err := c.Run()
	if c.ProcessState == nil {
		t.Fatalf("run %s: %v", c, err)
	}
	return stdout.String(), c.ProcessState.ExitCode()
}

// must runs a program that has to succeed and returns its standard output.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stderr = &stderr
	out, status := command(t, c)
	if status != 0 {
		t.Fatalf("%s: exit status %d\n%s%s", c, status, out, &stderr)
	}
	return strings.TrimSpace(out)
}

// pullRequest returns GitHub's own example of an opened pull request.
func pullRequest(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(need(t, "GITHUB_WEBHOOKS"))
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
	for _, hook := range hooks {
		if hook.Name == "pull_request" {
			return hook.Examples[0]
		}
	}
	t.Fatal("no pull_request among GitHub's example webhooks")
	return nil
}

// scheduled is the payload of a schedule event, of which GitHub gives no example.
func scheduled() []byte {
	return fmt.Appendf(nil, `{"schedule": "0 6 * * 1", "repository": {"full_name": %q, "default_branch": "master"}}`, repository)
}

// checkout makes a workspace as actions/checkout leaves it: a repository whose
// only content is the action itself and the workflow that uses it.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"action.yml", "Dockerfile", "go.mod", "go.sum", "main.go"} {
		copyFile(t, filepath.Join("..", name), filepath.Join(dir, name))
	}
	if err := os.CopyFS(filepath.Join(dir, "internal"), os.DirFS("../internal")); err != nil {
		t.Fatal(err)
	}
	copyFile(t, "testdata/plan.yml", filepath.Join(dir, ".github/workflows/plan.yml"))
	initRepository(t, dir)
	return dir
}

// initRepository commits all of a directory, as act wants to find it.
func initRepository(t *testing.T, dir string) {
	t.Helper()
	for _, args := range [][]string{
		{"init", "-q", "-b", "master"},
		{"remote", "add", "origin", "https://github.com/" + repository + ".git"},
		{"add", "-A"},
		{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "-q", "-m", "use the action"},
	} {
		must(t, "git", append([]string{"-C", dir}, args...)...)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkSecrets fails the test when a token, or a part of one, is in what the
// run left behind.
func checkSecrets(t *testing.T, r result) {
	t.Helper()
	outputs, err := json.Marshal(r.outputs)
	if err != nil {
		t.Fatal(err)
	}
	secrets := append(strings.FieldsFunc(flyToken, func(c rune) bool { return c == ' ' || c == ',' })[1:], gitHubToken)
	for place, text := range map[string]string{"log": r.log, "summary": r.summary, "outputs": string(outputs)} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a token is in the %s", place)
			}
		}
	}
}

// fileCommand reads the key-value pairs of a file command, as the runner does.
func fileCommand(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pairs := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for len(lines) > 0 && lines[0] != "" {
		line := lines[0]
		lines = lines[1:]
		name, end, block := strings.Cut(line, "<<")
		if key, value, ok := strings.Cut(line, "="); ok && (!block || len(key) < len(name)) {
			pairs[key] = value
			continue
		}
		stop := slices.Index(lines, end)
		if !block || stop < 0 {
			t.Fatalf("%s: the runner would refuse %q", filepath.Base(path), line)
		}
		pairs[name] = strings.Join(lines[:stop], "\n")
		lines = lines[stop+1:]
	}
	return pairs
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
