package bench

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	tables = flag.Bool("tables", false, "measure, and print the tables; takes minutes")
	update = flag.Bool("update", false, "with -tables, write them into docs/benchmarks.md too")
	quick  = flag.Bool("quick", false, "with -tables, measure a part of the problems")
)

// measured skips a test that only make bench runs, and returns what the figures
// depend on besides the program, as far as it is known before.
func measured(t *testing.T) string {
	t.Helper()
	if !*tables {
		t.Skip("measured by make bench")
	}
	part := ""
	if *quick {
		part = ", a part of the problems only,"
	}
	return fmt.Sprintf("Measured%s on %s with %s on %s/%s, %d cores; load average %s before",
		part, time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load())
}

// load is the machine's load average of the last minute. The benchmark adds up
// to 1 to it.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}

// versions are those of the peers.
func versions() string {
	var list []string
	for _, command := range [][]string{{"cbc", "-quit"}, {"glpsol", "--version"}} {
		out, err := exec.Command(command[0], command[1:]...).Output()
		if m := regexp.MustCompile(`(?:Version: |Solver )v?(\d\S*)`).FindSubmatch(out); err == nil && m != nil {
			list = append(list, map[string]string{"cbc": "CBC ", "glpsol": "GLPK "}[command[0]]+string(m[1]))
		}
	}
	return strings.Join(list, ", ")
}

// A table is written as Markdown.
type table struct {
	head []string
	rows [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	fmt.Fprintf(&b, "|---|%s\n", strings.Repeat("---:|", len(t.head)-1))
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

// publish prints a section and, with -update, replaces what the document has
// between its marks.
func publish(t *testing.T, section, text string) {
	t.Helper()
	text = strings.TrimSpace(text)
	fmt.Printf("\n%s\n\n", text)
	if !*update {
		return
	}
	path := filepath.Join("..", "docs", "benchmarks.md")
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(doc), "<!-- "+section+" -->\n")
	_, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no marks <!-- %s --> and <!-- end -->", path, section)
	}
	doc = []byte(before + "<!-- " + section + " -->\n" + text + "\n<!-- end -->" + after)
	if err := os.WriteFile(path, doc, 0o644); err != nil {
		t.Fatal(err)
	}
}

// middle is the median: of an even number, the lower of the two.
func middle[T int | float64 | time.Duration](list []T) T {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)-1)/2]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000)
}
