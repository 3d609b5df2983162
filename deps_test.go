package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/fly-placer/fly-placer"

// layers says which packages of this module each package may import, and which
// other modules. A pure package computes values: it touches no network, file,
// clock, log or random number, and needs nobody else's code.
var layers = map[string]struct {
	pure    bool
	imports string // packages below internal/, separated by blanks
	modules string
}{
	"hint":      {pure: true},
	"region":    {pure: true, imports: "hint"},
	"price":     {pure: true, imports: "hint region"},
	"latency":   {pure: true, imports: "hint region"},
	"placement": {pure: true, imports: "hint"},
	"demand":    {pure: true, imports: "region"},
	"fleet":     {pure: true, imports: "price region"},
	"plan":      {pure: true, imports: "demand fleet hint latency placement price region"},

	"proposal": {pure: true, imports: "region"},

	"report":     {pure: true, imports: "fleet latency placement plan price region report/doc"},
	"report/doc": {pure: true},

	"apply": {imports: "decision fleet hint region"},

	"endpoint": {},
	"secret":   {},
	"flyapi":   {imports: "apply endpoint fleet hint price region secret", modules: "github.com/superfly/fly-go golang.org/x/sync"},
	"promapi":  {imports: "demand endpoint hint region secret", modules: "golang.org/x/sync github.com/prometheus/common"},
	"ghapi":    {imports: "endpoint hint secret", modules: "github.com/google/go-github/v89"},
	"decision": {imports: "fleet hint plan region", modules: "gopkg.in/yaml.v3"},
	"config":   {imports: "endpoint fleet hint placement plan region secret", modules: "gopkg.in/yaml.v3 github.com/joho/godotenv"},
	"action": {
		imports: "apply config decision demand endpoint fleet flyapi ghapi hint latency placement plan price promapi proposal region report secret",
		modules: "github.com/sethvargo/go-githubactions golang.org/x/sync",
	},
	"demo": {imports: "action endpoint latency region sim/flysim sim/ghsim sim/promsim"},

	"sim/flysim":  {},
	"sim/ghsim":   {imports: "sim/ghsim/gitsim"},
	"sim/promsim": {},

	"sim/ghsim/gitsim": {},

	"config/gen":  {imports: "config"},
	"latency/gen": {imports: "latency region"},

	"placement/orlib": {},
}

// impure are the standard packages that a pure package does without. time is
// for durations and dates; its clock is looked for in the code.
var impure = []string{"net", "os", "log", "math/rand", "crypto/rand", "syscall", "io/ioutil", "unsafe", "plugin"}

// clock are the names of package time that read or wait for the clock.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

func TestImportsGoDownwards(t *testing.T) {
	seen := map[string]bool{}
	walkCode(t, func(dir, file string, syntax *ast.File) {
		seen[dir] = true
		rule, ok := layers[dir]
		if !ok {
			t.Errorf("%s: package internal/%s has no layer; add it to the table above", file, dir)
			return
		}
		for _, spec := range syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			below, own := strings.CutPrefix(name, module+"/internal/")
			switch {
			case own && !slices.Contains(strings.Fields(rule.imports), below):
				t.Errorf("%s imports internal/%s, which is not below internal/%s", file, below, dir)
			case !own && strings.Contains(name, ".") && !within(strings.Fields(rule.modules), name):
				t.Errorf("%s imports %s, which does not belong in internal/%s", file, name, dir)
			case rule.pure && within(impure, name):
				t.Errorf("%s imports %s, but internal/%s is pure", file, name, dir)
			}
		}
	})
	for dir := range layers {
		if !seen[dir] {
			t.Errorf("internal/%s is in the table, but there is no such package", dir)
		}
	}
}

func TestPurePackagesDoNotReadTheClock(t *testing.T) {
	walkCode(t, func(dir, file string, syntax *ast.File) {
		if !layers[dir].pure {
			return
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clock, sel.Sel.Name) {
					t.Errorf("%s calls time.%s, but internal/%s is pure: take the time as a value", file, sel.Sel.Name, dir)
				}
			}
			return true
		})
	})
}

// walkCode parses every file of the program below internal/, tests excepted.
func walkCode(t *testing.T, visit func(dir, file string, syntax *ast.File)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir("internal", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		name = filepath.ToSlash(name)
		syntax, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
		if err == nil {
			visit(strings.TrimPrefix(path.Dir(name), "internal/"), name, syntax)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// within tells whether name is one of roots or below it.
func within(roots []string, name string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") })
}
