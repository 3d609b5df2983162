package placement

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement/orlib"
)

// located is the facility location problem with these fixed costs and these
// costs of serving each client from each facility.
func located(name string, fixed []float64, cost [][]float64) Problem {
	p := Problem{
		Version: 1, Name: name, ValuePerMS: float64(len(cost)), LatencyMS: cost,
		Limits: Limits{MinMachinesPerRegion: 1},
	}
	for s, usd := range fixed {
		p.Candidates = append(p.Candidates, Candidate{Region: fmt.Sprintf("c%04d", s), MachineCost: usd})
	}
	for e := range cost {
		p.Edges = append(p.Edges, Edge{Region: fmt.Sprintf("e%04d", e), Requests: 1})
	}
	return p
}

// instances is the folder of the published instances; the test is skipped
// where there is none.
func instances(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("FLY_PLACER_SOLVER_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data", "solver")
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		tb.Skipf("no published instances in %s; set FLY_PLACER_SOLVER_DATA", dir)
	}
	return dir
}

// published reads an instance and its optimum.
func published(tb testing.TB, dir, name string) (Problem, float64) {
	tb.Helper()
	in, err := orlib.Read(dir, name)
	if err != nil {
		tb.Fatal(err)
	}
	return textbook(in), in.Optimum
}

// textbook states an instance as a Problem.
func textbook(in orlib.Instance) Problem {
	p := located(in.Name, in.Fixed, in.Cost)
	p.Limits.MinRegions, p.Limits.MaxRegions = in.Open, in.Open
	return p
}

// graph is a random p-median problem like the published ones: a tree and more
// edges, n²/50 in all.
func graph(seed uint64, n, most int) Problem {
	r := rand.New(rand.NewPCG(seed, 99))
	links := make([]orlib.Link, n*n/50)
	for i := range links {
		from, to := r.IntN(n), r.IntN(n)
		if i+1 < n {
			from, to = i+1, r.IntN(i+1)
		}
		links[i] = orlib.Link{From: from, To: to, Length: float64(1 + r.IntN(100))}
	}
	in := orlib.Median(n, links, most)
	in.Name = fmt.Sprintf("graph %d: %d of %d", seed, most, n)
	return textbook(in)
}

// scattered is a problem of regions and edges on the plane.
func scattered(seed uint64, n, m, most int) Problem {
	r := rand.New(rand.NewPCG(seed, 11))
	type place struct{ x, y float64 }
	var at []place
	fixed := make([]float64, n)
	for s := range fixed {
		at = append(at, place{r.Float64(), r.Float64()})
		fixed[s] = 40 * (1 + r.Float64()*0.6)
	}
	cost := make([][]float64, m)
	for e := range cost {
		x, y, weight := r.Float64(), r.Float64(), math.Exp(r.NormFloat64())
		for s := range at {
			cost[e] = append(cost[e], weight*(1+200*math.Hypot(x-at[s].x, y-at[s].y)))
		}
	}
	p := located("scattered", fixed, cost)
	p.ValuePerMS = float64(m) * math.Exp(r.NormFloat64()) * 0.2
	p.Limits.MaxRegions = most
	return p
}
