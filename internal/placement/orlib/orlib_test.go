package orlib_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/placement/orlib"
)

// write puts files into a new folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadsTheThreeFormats(t *testing.T) {
	dir := write(t, map[string]string{
		// Vertices 1-2-3 in a row; the link 1 2 is given twice.
		"orlib/pmed1.txt":     "3 3 1\n1 2 9\n2 3 5\n1 2 4\n",
		"orlib/pmedopt.txt":   "Data file   Optimal solution value\npmed1 9\npmed10 1255\n",
		"orlib/cap71.txt":     " 2 3\n 58268 20.\n 58268 14.\n 7\n 2. 30.\n 7\n 5. 8.\n 7\n 40. 3.\n",
		"orlib/cap71.txt.opt": "0 0 1 44.0",
		"uflib/A.txt":         "FILE: A.txt\n2 3 0\n1 20 2 5 40\n2 14 30 8 3\n",
		"uflib/A.txt.opt":     "0 0 1 44",
	})
	plant := func(name string) orlib.Instance {
		return orlib.Instance{Name: name, Fixed: []float64{20, 14}, Cost: [][]float64{{2, 30}, {5, 8}, {40, 3}}, Optimum: 44}
	}
	for _, want := range []orlib.Instance{
		{Name: "pmed1", Fixed: make([]float64, 3), Cost: [][]float64{{0, 4, 9}, {4, 0, 5}, {9, 5, 0}}, Open: 1, Optimum: 9},
		plant("cap71"), plant("A.txt"),
	} {
		got, err := orlib.Read(dir, want.Name)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", want.Name, err, diff)
		}
	}
}

func TestRefusesWhatIsNoInstance(t *testing.T) {
	dir := write(t, map[string]string{
		"orlib/pmed1.txt": "3 3 1\n1 2 9\n2 4 5\n1 2 4\n", "orlib/pmed2.txt": "3 900 1\n1 2 9\n", "orlib/pmedopt.txt": "",
		"orlib/pmed3.txt": "2 1 1\n1 2 9\n", "orlib/cap71.txt": "2 3 58268 20", "uflib/A.txt": "", "uflib/B.txt": "1 1 0 1 5 6", "uflib/B.txt.opt": "none",
	})
	for name, want := range map[string]string{
		"pmed1": "another format", "pmed2": "another format", "pmed3": "no optimum", "cap71": "ends early", "A.txt": "ends early", "B.txt": "no optimum", "MO1": "no such file",
	} {
		if _, err := orlib.Read(dir, name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
