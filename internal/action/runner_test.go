package action

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fly-placer/fly-placer/internal/secret"
)

func eventRunner(t *testing.T, name, payload string, env ...string) runner {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "event.json")
	if err := os.WriteFile(path, []byte(payload), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(Process{Dir: dir, Environ: append(env, "GITHUB_ACTIONS=true", "GITHUB_EVENT_NAME="+name, "GITHUB_EVENT_PATH="+path)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWhoGetsNoSecrets(t *testing.T) {
	const own = `{"pull_request": {"number": 3, "head": {"repo": {"full_name": "a/b"}}, "base": {"repo": {"full_name": "a/b"}}}}`
	tests := []struct {
		name, event, payload, env string
		want                      bool
	}{
		{"a branch of the repository", "pull_request", own, "", false},
		{"a fork", "pull_request", strings.Replace(own, "a/b", "c/b", 1), "", true},
		{"a fork that was deleted", "pull_request", `{"pull_request": {"number": 3, "head": {"repo": null}, "base": {"repo": {"full_name": "a/b"}}}}`, "", true},
		{"Dependabot's pull request", "pull_request", strings.Replace(own, `"number": 3`, `"number": 3, "user": {"login": "dependabot[bot]"}`, 1), "", true},
		{"Dependabot at work", "pull_request", own, "GITHUB_ACTOR=dependabot[bot]", true},
		{"a fork on pull_request_target, which has secrets", "pull_request_target", strings.Replace(own, "a/b", "c/b", 1), "", false},
		{"a review of a fork's pull request", "pull_request_review", strings.Replace(own, "a/b", "c/b", 1), "", true},
		{"a push by Dependabot", "push", `{"ref": "refs/heads/dependabot/go"}`, "GITHUB_ACTOR=dependabot[bot]", true},
		{"a push", "push", `{"ref": "refs/heads/main"}`, "", false},
		{"a schedule", "schedule", `{"schedule": "17 6 * * 1"}`, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := eventRunner(t, tt.event, tt.payload, tt.env).untrusted(); got != tt.want {
				t.Errorf("untrusted = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestABrokenEventIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, []byte(`{"pull_request": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newRunner(Process{Environ: []string{"GITHUB_EVENT_NAME=pull_request", "GITHUB_EVENT_PATH=" + path}}); err == nil {
		t.Error("want an error for half of a payload")
	}
}

// An output that could end its own heredoc could set other outputs.
func TestOutputsCannotEndTheirOwnHeredoc(t *testing.T) {
	path := filepath.Join(t.TempDir(), "output")
	seed := bytes.Repeat([]byte{7}, 16)
	first := "fly_placer_" + strings.Repeat("07", 16)
	r := runner{outputs: path, random: bytes.NewReader(append(seed, bytes.Repeat([]byte{8}, 16)...))}
	value := "x\n" + first + "\noutcome<<E\nplanned\nE"
	if err := r.setOutputs(map[string]string{"plan": value}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := "fly_placer_" + strings.Repeat("08", 16)
	if want := fmt.Sprintf("plan<<%s\n%s\n%s\n", second, value, second); string(got) != want {
		t.Errorf("got %q, want %q: the first delimiter stands in the value", got, want)
	}
}

func TestEveryPartOfATokenIsMasked(t *testing.T) {
	var out bytes.Buffer
	runner{on: true}.mask(&out, secret.New("FlyV1 fm2_Firsthalf,fm2_Otherhalf"))
	for _, part := range []string{"FlyV1 fm2_Firsthalf,fm2_Otherhalf", "fm2_Firsthalf,fm2_Otherhalf", "fm2_Firsthalf", "fm2_Otherhalf"} {
		if !strings.Contains(out.String(), "::add-mask::"+part+"\n") {
			t.Errorf("%q is not masked", part)
		}
	}
	out.Reset()
	if (runner{}).mask(&out, secret.New("fm2_Firsthalf")); out.Len() > 0 {
		t.Errorf("without a runner masks would print the token: %q", &out)
	}
}

func TestNineAnnotationsOfAKindAndTheRestAsLines(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, true, false)
	for i := range 12 {
		log.Warn(fmt.Sprintf("warning %d", i), "hint", "do this")
	}
	log.Error("broken")
	log.Log(t.Context(), levelNotice, "by the way")
	if n := strings.Count(out.String(), "::warning title=Fly Placer::"); n != maxAnnotations {
		t.Errorf("%d warnings as annotations, want %d", n, maxAnnotations)
	}
	for _, want := range []string{"warning: warning 11\n  next: do this\n", "::error title=Fly Placer::broken\n", "::notice title=Fly Placer::by the way\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
}

func TestForeignTextIsNoCommand(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(&out, true, false)
	log.Info("app said:\n::set-output name=x::y\n##[error]z\x1b[31m\r::debug::q\n\u00a0\u3000::add-mask::y\nbody: ##[add-mask]fra \u202eabc")
	log.Log(t.Context(), slog.LevelError, "a\n::error::b")
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "##[") || strings.Contains(line, "\u202e") {
			t.Errorf("%q", line)
		}
		if strings.HasPrefix(strings.TrimSpace(line), "::") && !strings.HasPrefix(line, "::error title=Fly Placer::a%0A::error::b") {
			t.Errorf("a line is read as a command: %q", line)
		}
		if strings.ContainsAny(line, "\x1b\r") || strings.HasPrefix(line, "##[") {
			t.Errorf("control sequence in %q", line)
		}
	}
	out.Reset()
	err := foreign(&out, "::warning::x\n", "secret-end", true)
	if want := "::stop-commands::secret-end\n::warning::x\n::secret-end::\n"; err != nil || out.String() != want {
		t.Errorf("foreign text is printed as %q, want %q", &out, want)
	}
}

func TestFilesStayInTheWorkspaceAndBelongToItsOwner(t *testing.T) {
	workspace, outside := t.TempDir(), t.TempDir()
	if os.Geteuid() == 0 {
		if err := os.Chown(workspace, 1001, 127); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeIn(workspace, "out/shop", map[string][]byte{"plan.json": []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"out", "out/shop", "out/shop/plan.json"} {
		info, err := os.Stat(filepath.Join(workspace, name))
		if err != nil {
			t.Fatal(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 && (st.Uid != 1001 || st.Gid != 127) {
			t.Errorf("%s belongs to %d:%d", name, st.Uid, st.Gid)
		}
		if !info.IsDir() && info.Mode().Perm() != 0o644 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if err := os.Symlink(outside, filepath.Join(workspace, "link")); err != nil {
		t.Fatal(err)
	}
	if err := writeIn(workspace, "link", map[string][]byte{"plan.json": nil}); err == nil {
		t.Error("a link of the repository led out of the workspace")
	}
	if err := os.WriteFile(filepath.Join(outside, "policy.yml"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, _, err := readIn(workspace, "link/policy.yml"); err == nil {
		t.Errorf("a link led to %q outside of the workspace", data)
	}
	if _, found, err := readIn(workspace, ".github/fly-placer.yml"); found || err != nil {
		t.Errorf("a missing file: found %v, error %v", found, err)
	}
}
