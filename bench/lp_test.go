package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fly-placer/fly-placer/internal/placement"
)

// writeLP states p as a mixed-integer program in CPLEX's LP format, which cbc
// and glpsol read. Candidate j is open if y_j is 1, edge e is served by j as far
// as x_e_j is, and with a soft limit j has n_j Machines:
//
//	minimise   Σ value·w[e]·latency[e][j]·x_e_j + Σ machine_cost[j]·(y_j or n_j)
//	           Σ_j x_e_j = 1,  x_e_j ≤ y_j
//	           least ≤ Σ y_j ≤ most regions
//	           limit·n_j ≥ Σ_e demand[e]·x_e_j,  n_j ≥ y_j
//	           Σ of x_e_k over k no farther from e than j ≥ y_j
//
// x_e_j ≤ y_j for each pair is the strong formulation: its relaxation is a much
// better bound than one row for each region. Without a soft limit the closest
// region is the cheapest, and needs no rows. The error says what of p the
// program does not state.
func writeLP(w io.Writer, p placement.Problem) error {
	if err := statable(p); err != nil {
		return err
	}
	l := lp{Writer: bufio.NewWriter(w), p: p}
	l.printf("\\ %s\nMinimize\n obj:", p.Name)
	l.objective()
	l.printf("\nSubject To\n")
	for e := range p.Edges {
		l.row(p.Candidates, func(j int) string { return fmt.Sprintf("+ x_%d_%d", e, j) }, "= 1")
		for j := range p.Candidates {
			l.printf(" x_%d_%d - y_%d <= 0\n", e, j, j)
		}
	}
	y := func(j int) string { return fmt.Sprintf("+ y_%d", j) }
	if p.Limits.MinRegions > 1 {
		l.row(p.Candidates, y, fmt.Sprintf(">= %d", p.Limits.MinRegions))
	}
	if p.Limits.MaxRegions > 0 {
		l.row(p.Candidates, y, fmt.Sprintf("<= %d", p.Limits.MaxRegions))
	}
	if p.SoftLimit > 0 {
		l.counts()
		l.closest()
	}
	l.printf("Binaries\n")
	l.list("y")
	if p.SoftLimit > 0 {
		l.printf("Generals\n")
		l.list("n")
	}
	l.printf("End\n")
	return l.Flush()
}

// statable tells what of p the program of writeLP leaves out: anything beside
// what is copied here.
func statable(p placement.Problem) error {
	same := placement.Problem{
		Version: p.Version, Name: p.Name, ValuePerMS: p.ValuePerMS, LatencyMS: p.LatencyMS, SoftLimit: p.SoftLimit,
		Limits: placement.Limits{MinRegions: p.Limits.MinRegions, MaxRegions: p.Limits.MaxRegions, MinMachinesPerRegion: min(p.Limits.MinMachinesPerRegion, 1)},
	}
	for _, c := range p.Candidates {
		same.Candidates = append(same.Candidates, placement.Candidate{Region: c.Region, MachineCost: c.MachineCost})
	}
	for _, e := range p.Edges {
		same.Edges = append(same.Edges, placement.Edge{Region: e.Region, Requests: e.Requests, Demand: e.Demand})
		if p.SoftLimit > 0 && len(e.Demand) != 1 {
			return errors.New("the demand of more than one hour cannot be stated")
		}
	}
	if !reflect.DeepEqual(p, same) {
		return errors.New("only candidates, prices, latencies, demand, soft limit and the number of regions can be stated")
	}
	return nil
}

// weights are the shares of the edges in all requests.
func weights(p placement.Problem) []float64 {
	share, sum := make([]float64, len(p.Edges)), 0.0
	for e, edge := range p.Edges {
		share[e] = edge.Requests
		sum += edge.Requests
	}
	if sum == 0 {
		for e, edge := range p.Edges {
			for _, d := range edge.Demand {
				share[e] += d
				sum += d
			}
		}
	}
	for e := range share {
		share[e] /= sum
	}
	return share
}

// An lp is written line by line; Flush has the first error.
type lp struct {
	*bufio.Writer
	p placement.Problem
}

func (l lp) printf(format string, args ...any) { fmt.Fprintf(l, format, args...) }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func (l lp) objective() {
	priced := "y"
	if l.p.SoftLimit > 0 {
		priced = "n"
	}
	for j, c := range l.p.Candidates {
		l.printf("\n + %s %s_%d", number(c.MachineCost), priced, j)
	}
	for e, share := range weights(l.p) {
		for j, ms := range l.p.LatencyMS[e] {
			l.printf("\n + %s x_%d_%d", number(l.p.ValuePerMS*share*ms), e, j)
		}
	}
}

// row writes one constraint, a few terms a line.
func (l lp) row(candidates []placement.Candidate, term func(j int) string, end string) {
	for j := range candidates {
		l.printf(" %s", term(j))
		if j%8 == 7 {
			l.printf("\n")
		}
	}
	l.printf(" %s\n", end)
}

// counts asks for enough Machines, and one in every open region.
func (l lp) counts() {
	quota := l.p.SoftLimit
	for j := range l.p.Candidates {
		l.printf(" %s n_%d", number(quota), j)
		for e, edge := range l.p.Edges {
			if e%8 == 0 {
				l.printf("\n")
			}
			l.printf(" - %s x_%d_%d", number(edge.Demand[0]), e, j)
		}
		l.printf(" >= 0\n n_%d - y_%d >= 0\n", j, j)
	}
}

// closest keeps every edge from passing an open region; of equally far ones
// the lower code is closer.
func (l lp) closest() {
	order := make([]int, len(l.p.Candidates))
	for e, ms := range l.p.LatencyMS {
		for j := range order {
			order[j] = j
		}
		slices.SortFunc(order, func(a, b int) int {
			if ms[a] != ms[b] {
				if ms[a] < ms[b] {
					return -1
				}
				return 1
			}
			return strings.Compare(l.p.Candidates[a].Region, l.p.Candidates[b].Region)
		})
		for i, j := range order {
			near := l.p.Candidates[:i+1] // as many as are no farther
			l.row(near, func(k int) string { return fmt.Sprintf("+ x_%d_%d", e, order[k]) }, fmt.Sprintf("- y_%d >= 0", j))
		}
	}
}

// list names the variables of one kind.
func (l lp) list(kind string) {
	for j := range l.p.Candidates {
		l.printf(" %s_%d\n", kind, j)
	}
}
