package placement

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
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

// numbers reads the numbers of a file; other words are left out.
func numbers(tb testing.TB, path string) []float64 {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var list []float64
	words := bufio.NewScanner(f)
	words.Buffer(nil, 1<<20)
	words.Split(bufio.ScanWords)
	for words.Scan() {
		if v, err := strconv.ParseFloat(words.Text(), 64); err == nil {
			list = append(list, v)
		}
	}
	if err := words.Err(); err != nil {
		tb.Fatal(err)
	}
	return list
}

// published reads an instance in any of the three formats, and its optimum.
func published(tb testing.TB, dir, name string) (Problem, float64) {
	tb.Helper()
	if strings.HasPrefix(name, "pmed") {
		return median(name, numbers(tb, filepath.Join(dir, "orlib", name+".txt"))), medianOptimum(tb, dir, name)
	}
	if strings.HasPrefix(name, "cap") || strings.HasPrefix(name, "M") {
		path := filepath.Join(dir, "orlib", name+".txt")
		if name[0] == 'M' {
			path = filepath.Join(dir, "uflib", name)
		}
		return warehouses(name, numbers(tb, path)), last(numbers(tb, path+".opt"))
	}
	path := filepath.Join(dir, "uflib", name)
	return simple(name, numbers(tb, path)), last(numbers(tb, path+".opt"))
}

func last(list []float64) float64 { return list[len(list)-1] }

// median reads a graph as a p-median problem: the vertices are facilities and
// clients, the paths through the graph their distances.
func median(name string, in []float64) Problem {
	n, edges := int(in[0]), int(in[1])
	d := make([][]float64, n)
	for i := range d {
		d[i] = make([]float64, n)
		for j := range d[i] {
			if i != j {
				d[i][j] = math.Inf(1)
			}
		}
	}
	for k := range edges {
		i, j := int(in[3+3*k])-1, int(in[4+3*k])-1
		d[i][j], d[j][i] = in[5+3*k], in[5+3*k] // of a repeated edge the last counts
	}
	for k := range d {
		for i := range d {
			for j := range d {
				d[i][j] = min(d[i][j], d[i][k]+d[k][j])
			}
		}
	}
	p := located(name, make([]float64, n), d)
	p.Limits.MinRegions, p.Limits.MaxRegions = int(in[2]), int(in[2])
	return p
}

// medianOptimum looks an instance up in the table of optima.
func medianOptimum(tb testing.TB, dir, name string) float64 {
	tb.Helper()
	table, err := os.ReadFile(filepath.Join(dir, "orlib", "pmedopt.txt"))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == name {
			v, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				tb.Fatal(err)
			}
			return v
		}
	}
	tb.Fatalf("no optimum of %s", name)
	return 0
}

// graph is a random p-median problem like the published ones: a tree and more
// edges, n²/50 in all.
func graph(seed uint64, n, most int) Problem {
	r := rand.New(rand.NewPCG(seed, 99))
	in := []float64{float64(n), float64(n * n / 50), float64(most)}
	for i := range n * n / 50 {
		from, to := 1+r.IntN(n), 1+r.IntN(n)
		if i+1 < n {
			from, to = i+2, 1+r.IntN(i+1)
		}
		in = append(in, float64(from), float64(to), float64(1+r.IntN(100)))
	}
	return median(fmt.Sprintf("graph %d: %d of %d", seed, most, n), in)
}

// warehouses reads capacity and fixed cost of each facility, then demand and
// costs of each client.
func warehouses(name string, in []float64) Problem {
	n, m := int(in[0]), int(in[1])
	fixed := make([]float64, n)
	for s := range fixed {
		fixed[s] = in[3+2*s]
	}
	in = in[2+2*n:]
	cost := make([][]float64, m)
	for e := range cost {
		cost[e] = in[e*(n+1)+1:][:n]
	}
	return located(name, fixed, cost)
}

// simple reads, for each facility, its number, its fixed cost and the costs of
// the clients.
func simple(name string, in []float64) Problem {
	n, m := int(in[0]), int(in[1])
	fixed, cost := make([]float64, n), make([][]float64, m)
	for s := range fixed {
		row := in[3+s*(m+2):][:m+2]
		fixed[s] = row[1]
		for e := range cost {
			cost[e] = append(cost[e], row[2+e])
		}
	}
	return located(name, fixed, cost)
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
