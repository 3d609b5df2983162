package gitsim_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// write puts files into the store, and a commit of them.
func write(s *gitsim.Store, files map[string]string, second int, parents ...string) string {
	entries := map[string]gitsim.File{}
	for path, data := range files {
		entries[path] = gitsim.File{Mode: gitsim.ModeFile, SHA: s.PutBlob([]byte(data))}
	}
	who := gitsim.Person{Name: "Ada L", Email: "ada@example.com", When: start.Add(time.Duration(second) * time.Second)}
	return s.PutCommit(gitsim.CommitData{Tree: s.PutTree(entries), Parents: parents, Author: who, Committer: who, Message: fmt.Sprintf("commit %d\n", second)})
}

// repository is a real git repository that the tests compare with.
type repository struct{ dir string }

func realGit(t *testing.T) repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := repository{t.TempDir()}
	r.git(t, "", "init", "-q", "-b", "main")
	return r
}

func (r repository) git(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", r.dir}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && stderr.Len() > 0 {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return strings.TrimRight(string(out), "\n")
}

// hand gives an object to git, which checks it and names it itself.
func (r repository) hand(t *testing.T, s *gitsim.Store, sha string) {
	t.Helper()
	kind := string(s.Kind(sha))
	if got := r.git(t, string(s.Raw(sha)), "hash-object", "-w", "--stdin", "-t", kind); got != sha {
		t.Fatalf("%s %s is %s to git", kind, sha, got)
	}
}

// handAll gives a commit to git with all that it needs.
func (r repository) handAll(t *testing.T, s *gitsim.Store, commit string) {
	t.Helper()
	var trees func(sha string)
	trees = func(sha string) {
		for _, e := range s.Entries(sha) {
			if e.Mode == gitsim.ModeTree {
				trees(e.SHA)
			} else {
				r.hand(t, s, e.SHA)
			}
		}
		r.hand(t, s, sha)
	}
	trees(s.TreeOf(commit))
	r.hand(t, s, commit)
}

func TestNamesAreGits(t *testing.T) {
	s := gitsim.New()
	for data, want := range map[string]string{
		"":              "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
		"hello world\n": "3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
	} {
		if got := s.PutBlob([]byte(data)); got != want {
			t.Errorf("blob %q = %s, want %s", data, got, want)
		}
	}
	if got, want := s.PutTree(nil), "4b825dc642cb6eb9a060e54bf8d69288fbee4904"; got != want {
		t.Errorf("empty tree = %s, want %s", got, want)
	}

	r := realGit(t)
	blob := s.PutBlob([]byte("x\n"))
	tree := s.PutTree(map[string]gitsim.File{
		"a":             {Mode: gitsim.ModeFile, SHA: blob},
		"a-b":           {Mode: gitsim.ModeExecutable, SHA: blob},
		"a.d/deep/file": {Mode: gitsim.ModeFile, SHA: blob},
		"ab":            {Mode: gitsim.ModeSymlink, SHA: s.PutBlob([]byte("a"))},
		"ü ö":           {Mode: gitsim.ModeFile, SHA: blob},
		"a0/b":          {Mode: gitsim.ModeFile, SHA: blob},
	})
	zone := time.FixedZone("", -5*3600-1800)
	root := s.PutCommit(gitsim.CommitData{
		Tree: tree, Author: gitsim.Person{Name: "Å", Email: "a@b", When: start.In(zone)},
		Committer: gitsim.Person{Name: "GitHub", Email: "noreply@github.com", When: start.Add(time.Millisecond)}, Message: "one\n\nbody",
	})
	signed := s.PutCommit(gitsim.CommitData{
		Tree: tree, Parents: []string{root}, Author: gitsim.Person{Name: "x", Email: "x@y", When: start}, Committer: gitsim.Person{Name: "x", Email: "x@y", When: start},
		Message: "two", Signature: "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n",
	})
	r.handAll(t, s, root)
	r.handAll(t, s, signed)
	r.git(t, "", "fsck", "--strict", "--no-dangling")
	if got := r.git(t, "", "log", "-1", "--format=%an %ae %ai %cn %P", root); got != "Å a@b 2026-03-01 06:30:00 -0530 GitHub " {
		t.Errorf("git reads %q", got)
	}
	var got []string
	for _, e := range s.Entries(tree) {
		got = append(got, fmt.Sprintf("%s %s %s\t%s", e.Mode, e.Kind(), e.SHA, e.Name))
	}
	if want := r.git(t, "", "-c", "core.quotePath=false", "ls-tree", tree); strings.Join(got, "\n") != want {
		t.Errorf("entries\n%s\ngit:\n%s", strings.Join(got, "\n"), want)
	}
}

// TestHistoriesAreGits compares logs, merge bases, ancestry and differences of
// random histories with what git says of the same commits.
func TestHistoriesAreGits(t *testing.T) {
	r := realGit(t)
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 7))
		s := gitsim.New()
		commits := []string{write(s, map[string]string{"a": "0"}, 0)}
		for i := 1; i < 14; i++ {
			parents := []string{commits[rng.IntN(len(commits))]}
			if other := commits[rng.IntN(len(commits))]; rng.IntN(3) == 0 && other != parents[0] {
				parents = append(parents, other)
			}
			files := map[string]string{}
			for path, f := range s.Files(s.TreeOf(parents[0])) {
				data, _ := s.Blob(f.SHA)
				files[path] = string(data)
			}
			files[[]string{"a", "b", "d/x", "d/y"}[rng.IntN(4)]] = fmt.Sprint(rng.IntN(2))
			commits = append(commits, write(s, files, i, parents...))
		}
		for _, c := range commits {
			r.handAll(t, s, c)
		}
		for range 12 {
			a, b := commits[rng.IntN(len(commits))], commits[rng.IntN(len(commits))]
			compare(t, r, s, a, b)
		}
	}
}

func compare(t *testing.T, r repository, s *gitsim.Store, a, b string) {
	t.Helper()
	lines := func(args ...string) []string { return strings.Fields(r.git(t, "", args...)) }
	if got, all := s.MergeBase(a, b), lines("merge-base", "--all", a, b); !slices.Contains(all, got) && len(all) > 0 {
		t.Errorf("merge base of %s and %s = %s, git: %v", a, b, got, all)
	}
	if got, want := s.Log(a, b), lines("rev-list", a, "^"+b); !slices.Equal(got, want) {
		t.Errorf("log %s ^%s\n%v\ngit:\n%v", a, b, got, want)
	}
	if got, want := s.Contains(a, b), slices.Contains(lines("rev-list", a), b); got != want {
		t.Errorf("%s contains %s: %v, git: %v", a, b, got, want)
	}
	for _, path := range []string{"a", "d", "d/x", "none"} {
		if got, want := s.LogOf(a, path), lines("rev-list", a, "--", path); !slices.Equal(got, want) {
			t.Errorf("log %s -- %s\n%v\ngit:\n%v", a, path, got, want)
		}
	}
	var got []string
	for _, c := range s.Diff(s.TreeOf(a), s.TreeOf(b)) {
		if c.From != "" {
			got = append(got, c.From)
		}
		got = append(got, c.Path)
	}
	slices.Sort(got)
	if want := lines("diff-tree", "-r", "--name-only", "--no-renames", a, b); !slices.Equal(got, want) {
		t.Errorf("diff %s %s = %v, git: %v", a, b, got, want)
	}
}

func TestLinesAreCountedAsByGit(t *testing.T) {
	r := realGit(t)
	s := gitsim.New()
	rng := rand.New(rand.NewPCG(3, 1))
	text := func() string {
		var b strings.Builder
		for range rng.IntN(9) {
			fmt.Fprintf(&b, "%d\n", rng.IntN(4))
		}
		return strings.TrimSuffix(b.String(), strings.Repeat("\n", rng.IntN(2)))
	}
	for range 60 {
		a, b := text(), text()
		added, removed := gitsim.Lines([]byte(a), []byte(b))
		before, after := s.PutBlob([]byte(a)), s.PutBlob([]byte(b))
		r.hand(t, s, before)
		r.hand(t, s, after)
		want := strings.Join(strings.Fields(r.git(t, "", "diff", "--minimal", "--numstat", before, after)), " ")
		if got := fmt.Sprintf("%d %d", added, removed); before != after && !strings.HasPrefix(want, got+" ") {
			t.Errorf("%q to %q: %s, git: %s", a, b, got, want)
		}
	}
}

func TestMergeTakesBothSides(t *testing.T) {
	s := gitsim.New()
	tree := func(files string) string { // "a=1 b=2"
		m := map[string]gitsim.File{}
		for f := range strings.FieldsSeq(files) {
			path, data, _ := strings.Cut(f, "=")
			m[path] = gitsim.File{Mode: gitsim.ModeFile, SHA: s.PutBlob([]byte(data))}
		}
		return s.PutTree(m)
	}
	for _, tc := range []struct{ base, ours, theirs, want string }{
		{"a=1 b=1", "a=2 b=1", "a=1 b=2", "a=2 b=2"},
		{"a=1 b=1", "a=1", "a=1 b=1 c=1", "a=1 c=1"},
		{"a=1", "a=2", "a=2", "a=2"},
		{"a=1", "a=2", "a=3", "conflict"},
		{"a=1", "", "a=3", "conflict"},
		{"", "a=1", "a/b=1", "conflict"},
		{"a=1", "", "", ""},
	} {
		got, err := s.Merge(tree(tc.base), tree(tc.ours), tree(tc.theirs))
		if tc.want == "conflict" {
			if !errors.Is(err, gitsim.ErrConflict) {
				t.Errorf("%+v: %v", tc, err)
			}
			continue
		}
		if err != nil || got != tree(tc.want) {
			t.Errorf("%+v: %v, %v", tc, s.Files(got), err)
		}
	}
}

func TestSetReplacesWhatIsThere(t *testing.T) {
	s := gitsim.New()
	f := gitsim.File{Mode: gitsim.ModeFile, SHA: s.PutBlob(nil)}
	files := map[string]gitsim.File{"a": f, "b/c": f, "b/d": f}
	s.Set(files, "a/x", f) // a file becomes a directory
	s.Set(files, "b", f)   // and the other way
	s.Set(files, "t", gitsim.File{Mode: gitsim.ModeTree, SHA: s.PutTree(map[string]gitsim.File{"y/z": f})})
	var got []string
	for path := range files {
		got = append(got, path)
	}
	slices.Sort(got)
	if want := []string{"a/x", "b", "t/y/z"}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	if gitsim.Remove(files, "none") || !gitsim.Remove(files, "t") {
		t.Error("Remove: wrong about what was there")
	}
}

func TestRefsAreFilesAndDirectories(t *testing.T) {
	s := gitsim.New()
	sha := write(s, nil, 0)
	if err := s.SetRef("refs/heads/a/b", sha); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"refs/heads/a", "refs/heads/a/b/c"} {
		if err := s.SetRef(name, sha); err == nil {
			t.Errorf("%s beside refs/heads/a/b", name)
		}
	}
	if err := s.SetRef("refs/heads/c", strings.Repeat("0", 40)); err == nil {
		t.Error("a ref to nothing")
	}
	s.DeleteRef("refs/heads/a/b")
	if err := s.SetRef("refs/heads/a", sha); err != nil {
		t.Error(err)
	}
}
