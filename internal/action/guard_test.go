package action

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/config"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/report"
	"github.com/fly-placer/fly-placer/internal/secret"
)

// Whatever text an error brings along, no token of the run is in the log, the
// summary or the comment.
func TestNoErrorShowsAToken(t *testing.T) {
	const fly, github = "fm2_Firsthalf0123456789", "ghs_16C7e42F292c6912E7710c838347Ae178B4a"
	var out bytes.Buffer
	r := &run{log: newLogger(&out, true, false), tokens: []secret.Token{secret.New(fly), secret.New(github)}}
	err := errors.Join(errors.New("the server said "+fly), errors.New("the proxy said "+github))
	for _, e := range each(err) {
		r.problem(slog.LevelError, e)
	}
	shown := report.Markdown(report.Report{Errors: r.problems(err, "shop")})
	for what, text := range map[string]string{"log": out.String(), "summary": shown} {
		if strings.Contains(text, "Firsthalf") || strings.Contains(text, "16C7e42F") {
			t.Errorf("the %s shows a token:\n%s", what, text)
		}
		for _, want := range []string{"the server said", "the proxy said"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s lacks %q:\n%s", what, want, text)
			}
		}
	}
}

// fifo makes a named pipe that nobody writes to: who waits for its writer, waits
// for good.
func fifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
}

func TestOnlyFilesThatEndAreRead(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "small"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"longest": maxFile, "too-long": maxFile + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, name), size); err != nil { // without a block on disk
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		size int    // of what is read
		want string // in the error
	}{
		{"small", 1, ""},
		{"longest", maxFile, ""},
		{"too-long", 0, "it is longer than 4 MB"},
		{"dir", 0, "it is no file but a directory"},
		{"pipe", 0, "it is no file but a device or pipe"},
		{"/dev/zero", 0, "it is no file but a device or pipe"},
	} {
		for how, read := range map[string]func() ([]byte, bool, error){
			"by path":          func() ([]byte, bool, error) { return Process{Dir: dir}.read(tt.name) },
			"in the workspace": func() ([]byte, bool, error) { return readIn(dir, tt.name) },
		} {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				if tt.name == "pipe" {
					path := filepath.Join(dir, tt.name)
					fifo(t, path)
					t.Cleanup(func() { _ = os.Remove(path) })
				}
				data, found, err := read()
				switch {
				case tt.want == "" && (err != nil || !found || len(data) != tt.size):
					t.Errorf("%d bytes, found %t, %v; want %d bytes", len(data), found, err, tt.size)
				case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(data) > 0):
					t.Errorf("%d bytes, error %v; want %q", len(data), err, tt.want)
				}
			})
		}
	}
}

func TestALongPlanGoesToAFile(t *testing.T) {
	for name, tt := range map[string]struct {
		apps   []string
		text   int // length of a finding of each
		inFile bool
	}{
		"one app":               {[]string{"shop"}, 200 << 10, false},
		"one app with much":     {[]string{"shop"}, 300 << 10, true},
		"two apps":              {[]string{"api", "shop"}, 100 << 10, false},
		"two apps with as much": {[]string{"api", "shop"}, 200 << 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			workspace := t.TempDir()
			p := Process{Dir: workspace}
			rn, err := newRunner(p)
			if err != nil {
				t.Fatal(err)
			}
			r := &run{Process: p, runner: rn}
			rep := report.Report{}
			for _, app := range tt.apps {
				r.cfg.Apps = append(r.cfg.Apps, config.AppConfig{Name: app})
				rep.Plans = append(rep.Plans, plan.Plan{App: app, Outcome: plan.Held, Findings: []plan.Finding{{Level: plan.Notice, Text: "x"}}, Groups: []plan.Group{{
					Name: "web", Status: plan.Held, Holds: []plan.Hold{{Reason: plan.Singleton, Detail: strings.Repeat("x", tt.text)}},
				}}})
			}
			outputs, err := r.outputsOf(rep)
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(workspace, planFile))
			if (err == nil) != tt.inFile {
				t.Fatalf("there is a file: %t; want %t", err == nil, tt.inFile)
			}
			if tt.inFile {
				if outputs["plan"] != planFile {
					t.Errorf("the output plan has %d bytes, want the name of the file", len(outputs["plan"]))
				}
			} else {
				data = []byte(outputs["plan"])
			}
			var got map[string]json.RawMessage
			if err := json.Unmarshal(data, &got); err != nil || len(data) < tt.text*len(tt.apps) {
				t.Errorf("%d bytes, %v: want the whole plan", len(data), err)
			}
			if n := len(outputs["plan"]); n > maxPlanOutput {
				t.Errorf("an output of %d bytes", n)
			}
		})
	}
}

func TestAPipeThatNobodyWritesToDoesNotHoldTheProgramUp(t *testing.T) {
	dir := t.TempDir()
	fifo(t, filepath.Join(dir, "pipe"))
	done := make(chan error, 2)
	go func() {
		_, _, err := readIn(dir, "pipe")
		done <- err
		_, _, err = Process{Dir: dir}.read("pipe")
		done <- err
	}()
	for range 2 {
		select {
		case err := <-done:
			if err == nil {
				t.Error("a pipe was read as a file")
			}
		case <-time.After(20 * time.Second):
			t.Fatal("opening the pipe does not return")
		}
	}
}
