package action

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// A runner is GitHub's side of the process: which event started the workflow,
// and the files that later steps read. Its zero value is no runner.
type runner struct {
	*githubactions.GitHubContext
	// on is true when a GitHub runner started the program, so that workflow
	// commands are understood.
	on      bool
	event   event
	outputs string // path of the file for outputs; "" when there is none
	random  io.Reader
}

func newRunner(p Process) (runner, error) {
	gh, err := githubactions.New(githubactions.WithGetenv(func(key string) string {
		if key == "GITHUB_EVENT_PATH" { // read below, with a message of our own
			return ""
		}
		return p.getenv(key)
	})).Context()
	r := runner{GitHubContext: gh, on: p.getenv("GITHUB_ACTIONS") == "true", outputs: p.getenv("GITHUB_OUTPUT"), random: p.Random}
	if r.random == nil {
		r.random = rand.Reader
	}
	if gh == nil {
		r.GitHubContext = &githubactions.GitHubContext{}
	}
	if err != nil {
		return r, fmt.Errorf("read the runner's environment: %w", err)
	}
	path := p.getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return r, nil
	}
	data, found, err := p.read(path)
	if err == nil && !found {
		err = fmt.Errorf("read the event %s: there is no file %s", r.EventName, path)
	}
	if err != nil {
		return r, hint.Wrap(err, "GITHUB_EVENT_PATH must name the runner's event.json")
	}
	if err := json.Unmarshal(data, &r.event); err != nil {
		return r, hint.Wrap(fmt.Errorf("read the event %s: %w", r.EventName, err), "GITHUB_EVENT_PATH must name the runner's event.json")
	}
	return r, nil
}

// untrusted tells whether the run is for a pull request of a fork, or for
// Dependabot: it has no secrets and a token that cannot write. Only
// pull_request_target of all events about pull requests has both.
func (r runner) untrusted() bool {
	const bot = "dependabot[bot]"
	pr := r.event.PullRequest
	switch {
	case r.EventName == "pull_request_target":
		return false
	case r.Actor == bot:
		return true
	case pr == nil:
		return false
	case pr.User.Login == bot || pr.Head.Repo == nil:
		return true
	}
	return pr.Base.Repo != nil && pr.Head.Repo.FullName != pr.Base.Repo.FullName
}

// pullRequest is the number of the pull request to comment on; 0 for none.
func (r runner) pullRequest() int {
	if r.event.PullRequest == nil || !strings.HasPrefix(r.EventName, "pull_request") {
		return 0
	}
	return r.event.PullRequest.Number
}

// workspace is where the repository is checked out.
func (r runner) workspace(p Process) string {
	if r.Workspace != "" {
		if _, err := os.Stat(r.Workspace); err == nil {
			return r.Workspace
		}
	}
	return p.Dir
}

// checkedOut tells whether the workspace holds a whole repository, so that a file
// which is not there does not exist.
func (r runner) checkedOut(p Process) bool {
	git := filepath.Join(r.workspace(p), ".git")
	_, err := os.Stat(git)
	_, sparse := os.Stat(filepath.Join(git, "info", "sparse-checkout"))
	return err == nil && sparse != nil
}

// setOutputs writes the outputs for later steps. Values hold text from
// elsewhere, so each has a delimiter of its own that cannot be guessed: the
// library's is fixed.
func (r runner) setOutputs(outputs map[string]string) error {
	if r.outputs == "" {
		return nil
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		delimiter, err := r.delimiter(outputs[name])
		if err != nil {
			return fmt.Errorf("write outputs: %w", err)
		}
		fmt.Fprintf(&b, "%s<<%s\n%s\n%s\n", name, delimiter, outputs[name], delimiter)
	}
	if err := appendTo(r.outputs, b.String()); err != nil {
		return fmt.Errorf("write outputs: %w", err)
	}
	return nil
}

func (r runner) delimiter(value string) (string, error) {
	for {
		var b [16]byte
		if _, err := io.ReadFull(r.random, b[:]); err != nil {
			return "", err
		}
		if d := "fly_placer_" + hex.EncodeToString(b[:]); !strings.Contains(value, d) {
			return d, nil
		}
	}
}

// addSummary appends Markdown to the job summary.
func (r runner) addSummary(markdown string) error {
	if r.StepSummary == "" {
		return nil
	}
	if err := appendTo(r.StepSummary, markdown+"\n"); err != nil {
		return fmt.Errorf("write the job summary: %w", err)
	}
	return nil
}

// mask has the runner hide tokens, and each of their parts, in all logs. The
// runner itself hides only the secret as it is stored.
func (r runner) mask(w io.Writer, tokens ...secret.Token) {
	if !r.on {
		return
	}
	a := githubactions.New(githubactions.WithWriter(quiet{w}))
	for _, t := range tokens {
		for _, part := range t.Parts() {
			a.AddMask(part)
		}
	}
}

// quiet drops write errors: the library panics on them, and a closed log is no
// reason to lose the plan.
type quiet struct{ w io.Writer }

func (q quiet) Write(b []byte) (int, error) {
	_, _ = q.w.Write(b)
	return len(b), nil
}
