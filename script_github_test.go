package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
	"github.com/fly-placer/fly-placer/internal/sim/ghsim"
)

// inRepository are the files that a checkout brings into a script's directory.
var inRepository = []string{".fly-placer/shop.yml", ".fly-placer/api.yml", ".github/fly-placer.yml"}

// pushed sets the runner's environment for a push, with the repository as it is
// then.
func pushed(ts *testscript.TestScript, p ghsim.Push) {
	w := ts.Value(worldKey{}).(*scriptWorld)
	w.pushes = append(w.pushes, p)
	startPush(ts, p)
}

func startPush(ts *testscript.TestScript, p ghsim.Push) {
	e, err := ts.Value(worldKey{}).(*scriptWorld).github.Events(ts.Getenv("GITHUB_SERVER_URL")).Push(p)
	ts.Check(err)
	started(ts, e)
}

func rerunPush(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: rerun N")
	}
	pushes := ts.Value(worldKey{}).(*scriptWorld).pushes
	startPush(ts, pushes[len(pushes)-1-number(ts, args[0])])
}

// started sets the runner's environment for an event, with the repository as it
// is then.
func started(ts *testscript.TestScript, e ghsim.Event) {
	ts.Check(os.WriteFile(ts.MkAbs("event.json"), e.Payload, 0o600))
	setRunner(ts, false, []string{e.Name, "event.json"})
	ts.Setenv("GITHUB_SHA", e.SHA)
	ts.Setenv("GITHUB_REF", e.Ref)
	for _, name := range inRepository {
		data, found := ts.Value(worldKey{}).(*scriptWorld).github.File(e.SHA, name)
		if !found {
			ts.Check(os.RemoveAll(ts.MkAbs(name)))
			continue
		}
		ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(name)), 0o755))
		ts.Check(os.WriteFile(ts.MkAbs(name), data, 0o600))
	}
}

func night(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: night")
	}
	e, err := ts.Value(worldKey{}).(*scriptWorld).github.Events(ts.Getenv("GITHUB_SERVER_URL")).Schedule("17 5 * * *")
	ts.Check(err)
	started(ts, e)
}

func pushTogether(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: together N")
	}
	pushes := ts.Value(worldKey{}).(*scriptWorld).pushes
	p := pushes[len(pushes)-1]
	p.Before = pushes[len(pushes)-number(ts, args[0])].Before
	startPush(ts, p)
}

func pullEvent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: event N ACTION")
	}
	e, err := ts.Value(worldKey{}).(*scriptWorld).github.Events(ts.Getenv("GITHUB_SERVER_URL")).PullRequest(number(ts, args[0]), args[1], "ann")
	ts.Check(err)
	started(ts, e)
}

func mergePull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: merge N METHOD")
	}
	p, err := ts.Value(worldKey{}).(*scriptWorld).github.Merge(number(ts, args[0]), "ann", args[1])
	ts.Check(err)
	pushed(ts, p)
}

func revertPush(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: revert")
	}
	w := ts.Value(worldKey{}).(*scriptWorld)
	p, err := w.github.Revert(w.pushes[len(w.pushes)-1].After, "ann")
	ts.Check(err)
	pushed(ts, p)
}

func pushFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: push BRANCH [PATH=FILE|PATH=]...")
	}
	github := ts.Value(worldKey{}).(*scriptWorld).github
	before := github.Head(args[0])
	files := map[string][]byte{}
	for _, arg := range args[1:] {
		path, file, _ := strings.Cut(arg, "=")
		files[path] = nil
		if file != "" {
			files[path] = []byte(ts.ReadFile(file))
		}
	}
	after := github.Commit("ann", args[0], "by hand", files)
	if args[0] == "main" {
		pushed(ts, ghsim.Push{Ref: "refs/heads/main", Before: before, After: after, Login: "ann"})
	}
}

func reviewPull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: review N LOGIN STATE")
	}
	ts.Check(ts.Value(worldKey{}).(*scriptWorld).github.Review(number(ts, args[0]), args[1], args[2]))
}

func closePull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: close N")
	}
	ts.Check(ts.Value(worldKey{}).(*scriptWorld).github.ClosePull(number(ts, args[0]), "ann"))
}

func labelPull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: label N NAME")
	}
	ts.Check(ts.Value(worldKey{}).(*scriptWorld).github.Label(number(ts, args[0]), args[1]))
}

func editComments(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: edit N LOGIN")
	}
	github := ts.Value(worldKey{}).(*scriptWorld).github
	for _, c := range github.Comments(number(ts, args[0])) {
		ts.Check(github.EditComment(c.ID, args[1], c.Body+"\nlooks good"))
	}
}

func checkPull(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: pull N open|closed|merged [REGEXP]")
	}
	n := number(ts, args[0])
	pulls := ts.Value(worldKey{}).(*scriptWorld).github.Pulls()
	i := slices.IndexFunc(pulls, func(p ghsim.Pull) bool { return p.Number == n })
	if i < 0 {
		if neg {
			return
		}
		ts.Fatalf("there is no pull request %d: %+v", n, pulls)
	}
	p := pulls[i]
	state := "closed"
	if p.Merged {
		state = "merged"
	} else if p.Open {
		state = "open"
	}
	matches := state == args[1] && (len(args) < 3 || regexp.MustCompile(args[2]).MatchString(p.Body))
	if matches == neg {
		ts.Fatalf("pull request %d is %s:\n%s", n, state, p.Body)
	}
}

func checkComment(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: comment N REGEXP")
	}
	comments := ts.Value(worldKey{}).(*scriptWorld).github.Comments(number(ts, args[0]))
	matches := slices.ContainsFunc(comments, func(c ghsim.Comment) bool { return regexp.MustCompile(args[1]).MatchString(c.Body) })
	if matches == neg {
		ts.Fatalf("comments of %s: %+v", args[0], comments)
	}
}

func checkFile(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: has REF PATH REGEXP")
	}
	data, found := ts.Value(worldKey{}).(*scriptWorld).github.File(args[0], args[1])
	if matches := found && regexp.MustCompile(args[2]).Match(data); matches == neg {
		ts.Fatalf("%s at %s (there: %t):\n%s", args[1], args[0], found, data)
	}
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func setSetting(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || args[0] != "no-actions-pulls" {
		ts.Fatalf("usage: setting no-actions-pulls")
	}
	ts.Value(worldKey{}).(*scriptWorld).github.Configure(ghsim.Settings{NoActionsPulls: !neg})
}

func scaleByHand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: scale APP REGION=N")
	}
	fly := ts.Value(worldKey{}).(*scriptWorld).fly
	code, text, _ := strings.Cut(args[1], "=")
	want, living := number(ts, text), []flysim.Machine{}
	for _, m := range fly.Machines(args[0]) {
		if m.State != "destroyed" {
			living = append(living, m)
		}
	}
	here := slices.DeleteFunc(slices.Clone(living), func(m flysim.Machine) bool { return m.Region != code })
	for i := len(here); i < want; i++ {
		m := living[0]
		fly.AddMachine(args[0], flysim.Machine{Region: code, Config: m.Config, Checks: m.Checks})
	}
	for i := want; i < len(here); i++ {
		fly.Destroy(args[0], here[i].ID)
	}
}

func openPull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pull-from BRANCH")
	}
	_, err := ts.Value(worldKey{}).(*scriptWorld).github.OpenPull("ann", args[0], "A change", "")
	ts.Check(err)
}

func checkOpened(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: opened N WORD...")
	}
	n := number(ts, args[0])
	for _, p := range ts.Value(worldKey{}).(*scriptWorld).github.Pulls() {
		if p.Number != n {
			continue
		}
		has := slices.Concat(p.Labels, p.Reviewers)
		if p.Draft {
			has = append(has, "draft")
		}
		slices.Sort(has)
		want := slices.Sorted(slices.Values(args[1:]))
		if !slices.Equal(has, want) {
			ts.Fatalf("pull request %d has %q, want %q", n, has, want)
		}
	}
}
