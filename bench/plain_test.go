package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/placement/orlib"
)

const (
	// Each solver runs 5 times on each problem, up to 25 times while that takes
	// less than a second, and no more once it took more than 2 seconds.
	fewest, most = 5, 25
	short, long  = time.Second, 2 * time.Second
	plainLimit   = 20 * time.Second // for one run
	// resolution is the shortest time that is told apart from starting.
	resolution = 100 * time.Microsecond
)

// A contest is one problem, timed in every solver.
type contest struct {
	problem placement.Problem
	open    int
	// took is the median without the start, starts every start that was timed;
	// both by solver, in order.
	took   []time.Duration
	starts [][]time.Duration
	// ended is false where the limit ended a run.
	ended []bool
}

// ratio is how many times as long as the first solver the best of the others
// takes; with, including what starting takes.
func (c contest) ratio(with bool) float64 {
	of := func(i int) float64 {
		d := max(c.took[i], resolution)
		if with {
			d = c.took[i] + middle(c.starts[i])
		}
		return d.Seconds()
	}
	best := of(1)
	for i := 2; i < len(c.took); i++ {
		best = min(best, of(i))
	}
	return best / of(0)
}

// TestPlainProblems times whole processes. Before each run the solver starts
// once on a problem with nothing to decide, which is what starting, reading and
// writing take at that moment; the medians are subtracted.
func TestPlainProblems(t *testing.T) {
	caption := measured(t)
	solvers := append([]solver{ours(t)}, peers(t, cbc(), bare(), glpk())...)
	nothing := write(t, plain(1, 2, 2, free)) // bare, CBC aborts on a single candidate
	var contests []contest
	for _, p := range plainProblems(t) {
		contests = append(contests, race(t, solvers, nothing, p))
	}
	publish(t, "plain", plainTable(solvers, contests)+fmt.Sprintf("\n%s and %s after; %s.\n", caption, load(), versions()))
}

// plainProblems are random ones of all sizes and kinds, and the published ones
// where they are.
func plainProblems(t *testing.T) []placement.Problem {
	t.Helper()
	var list []placement.Problem
	for _, n := range []int{18, 35, 50, 60, 100} {
		edges := []int{n, 100}
		if n == 100 || *quick {
			edges = edges[:1]
		}
		for _, m := range edges {
			for _, k := range []kind{free, atMostFive, median} {
				list = append(list, plain(1, n, m, k))
			}
		}
	}
	dir := os.Getenv("FLY_PLACER_SOLVER_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data", "solver")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Logf("no published instances in %s, so they are left out; set FLY_PLACER_SOLVER_DATA", dir)
		return list
	}
	names := []string{"cap71", "cap101", "cap131", "cap133", "111EuclS.txt", "211EuclS.txt", "B_B1.1", "B_B1.2", "B_B1.3", "pmed1", "pmed2", "pmed3", "MO1", "pmed6"}
	if *quick {
		names = names[:5]
	}
	for _, name := range names {
		in, err := orlib.Read(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		p := textbook(in)
		p.Name = strings.TrimSuffix(name, ".txt")
		list = append(list, p)
	}
	return list
}

// race times every solver on p, and checks that all find the same optimum.
func race(t *testing.T, solvers []solver, nothing files, p placement.Problem) contest {
	t.Helper()
	c := contest{problem: p}
	f := write(t, p)
	var optimum float64
	for i, s := range solvers {
		var took, starts []time.Duration
		ended, all := true, time.Duration(0)
		for len(starts) < fewest || len(starts) < most && all < short {
			starts = append(starts, s.solve(t, nothing, plainLimit).took)
			if all > long {
				continue // starts are cheap
			}
			a := s.solve(t, f, plainLimit)
			took = append(took, a.took)
			all += a.took
			ended = ended && a.proven
			if i == 0 {
				optimum, c.open = a.objective, len(a.placement)
			}
			if i == 0 && !a.proven || a.proven && !same(a.objective, optimum) {
				t.Errorf("%s: %s finds %v, proven %v; %s finds %v", p.Name, s.name, a.objective, a.proven, solvers[0].name, optimum)
			}
		}
		c.took = append(c.took, max(0, middle(took)-middle(starts)))
		c.starts = append(c.starts, starts)
		c.ended = append(c.ended, ended)
	}
	return c
}

func plainTable(solvers []solver, contests []contest) string {
	tab := table{head: []string{"problem", "candidates × edges", "open"}}
	for _, s := range solvers {
		tab.head = append(tab.head, s.name+", ms")
	}
	tab.head = append(tab.head, "best peer ÷ ours")
	var ratios, whole []float64
	starts := make([][]time.Duration, len(solvers))
	for _, c := range contests {
		p := c.problem
		cells := []string{p.Name, fmt.Sprintf("%d × %d", len(p.Candidates), len(p.Edges)), fmt.Sprint(c.open)}
		for i, d := range c.took {
			mark := ""
			if !c.ended[i] {
				mark = "over "
			}
			cells = append(cells, mark+milliseconds(d))
			starts[i] = append(starts[i], c.starts[i]...)
		}
		tab.row(append(cells, fmt.Sprintf("%.0f", c.ratio(false)))...)
		if len(p.Candidates) >= 50 {
			ratios, whole = append(ratios, c.ratio(false)), append(whole, c.ratio(true))
		}
	}
	last := []string{"starting alone", "", ""}
	for _, list := range starts {
		last = append(last, milliseconds(middle(list)))
	}
	tab.row(append(last, "")...)
	text := tab.String()
	if len(ratios) > 0 {
		text += fmt.Sprintf("\n%d problems have 50 candidates or more: the best peer takes %.0f times as long in the median (%.0f with starting).\n",
			len(ratios), middle(ratios), middle(whole))
	}
	return text
}
