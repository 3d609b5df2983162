package placement

import (
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

func solve(t *testing.T, p Problem) Solution {
	t.Helper()
	sol, err := Solve(p, Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, dump(p))
	}
	return sol
}

// shuffled is p with candidates and edges in another order.
func shuffled(p Problem, r *rand.Rand) Problem {
	q := p
	rows, columns := r.Perm(len(p.Edges)), r.Perm(len(p.Candidates))
	pick := func(m [][]float64) [][]float64 {
		if m == nil {
			return nil
		}
		out := make([][]float64, len(rows))
		for i, e := range rows {
			for _, c := range columns {
				out[i] = append(out[i], m[e][c])
			}
		}
		return out
	}
	q.LatencyMS, q.TransferUSDPerGB = pick(p.LatencyMS), pick(p.TransferUSDPerGB)
	q.Edges, q.Candidates = nil, nil
	for _, e := range rows {
		q.Edges = append(q.Edges, p.Edges[e])
	}
	for _, c := range columns {
		q.Candidates = append(q.Candidates, p.Candidates[c])
	}
	return q
}

// without candidate at, which then counts as closed.
func (p Problem) withoutCandidate(at int) Problem {
	cut := func(rows [][]float64) [][]float64 {
		if rows == nil {
			return nil
		}
		out := make([][]float64, len(rows))
		for i, row := range rows {
			out[i] = slices.Delete(slices.Clone(row), at, at+1)
		}
		return out
	}
	p.Candidates = slices.Delete(slices.Clone(p.Candidates), at, at+1)
	p.LatencyMS, p.TransferUSDPerGB = cut(p.LatencyMS), cut(p.TransferUSDPerGB)
	return p
}

func scaled(p Problem, by float64) Problem {
	p.ValuePerMS *= by
	p.ChangeCost *= by
	p.MachineChangeCost *= by
	p.Limits.MaxMonthlyCost *= by
	if p.Autostop != nil {
		a := *p.Autostop
		a.StoppedCost *= by
		p.Autostop = &a
	}
	p.Candidates = slices.Clone(p.Candidates)
	for i := range p.Candidates {
		p.Candidates[i].MachineCost *= by
	}
	rows := make([][]float64, len(p.TransferUSDPerGB))
	for i, row := range p.TransferUSDPerGB {
		for _, v := range row {
			rows[i] = append(rows[i], v*by)
		}
	}
	if p.TransferUSDPerGB != nil {
		p.TransferUSDPerGB = rows
	}
	return p
}

// tighter is p with one more limit, or a tighter one, that it survives unchanged
// in form.
func tighter(p Problem, sol Solution, r *rand.Rand) Problem {
	l := &p.Limits
	total := 0
	for _, n := range sol.Placement {
		total += n
	}
	switch r.IntN(6) {
	case 0:
		l.MaxRegions = max(1, l.MinRegions, len(sol.Open)-1)
	case 1:
		l.MaxMachines = max(1, l.MinMachines, l.MinMachinesPerRegion, total-1)
	case 2:
		l.MaxMonthlyCost = sol.MonthlyCost*0.9 + 1e-3
	case 3:
		l.MaxP95LatencyMS = sol.P95LatencyMS*0.9 + 1e-3
	case 4:
		l.MinRegions = len(sol.Open) + 1
		l.MaxRegions = 0
	case 5:
		l.MinMachines = total + 1
		l.MaxMachines = 0
	}
	return p
}

func TestOrderOfTheFileDoesNotMatter(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		p := randomProblem(r)
		if seed%20 == 0 {
			p = geoProblem(seed, 14, 30, 24)
		}
		if a, b := solve(t, p), solve(t, shuffled(p, r)); !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d: %+v\nin another order: %+v\n%s", seed, a, b, dump(p))
		}
	}
}

func TestScalingMoneyScalesTheObjective(t *testing.T) {
	for seed := range uint64(300) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 6)))
		for _, by := range []float64{1.0 / 1024, 4, 1 << 20} { // powers of two: exact
			a, b := solve(t, p), solve(t, scaled(p, by))
			if a.Status != b.Status || !maps.Equal(a.Placement, b.Placement) || !equal(a.Objective*by, b.Objective) {
				t.Fatalf("seed %d by %v: %+v, then %+v\n%s", seed, by, a, b, dump(p))
			}
		}
	}
}

func TestAnotherCandidateNeverHurts(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 7))
		p := randomProblem(r)
		at := r.IntN(len(p.Candidates))
		if c := p.Candidates[at]; len(p.Candidates) < 2 || c.Required || c.MinMachines > 0 {
			continue
		}
		more, fewer := solve(t, p), solve(t, p.withoutCandidate(at))
		if fewer.Status == Optimal && (more.Status != Optimal || more.Objective > fewer.Objective*(1+1e-9)) {
			t.Fatalf("seed %d: %+v, without candidate %d %+v\n%s", seed, more, at, fewer, dump(p))
		}
	}
}

func TestATighterLimitNeverHelps(t *testing.T) {
	hurt := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 8))
		p := randomProblem(r)
		p.Limits.MaxChanges = 0
		p.Limits.MaxRegions, p.Limits.MaxMachines = 0, 0
		wide := solve(t, p)
		if wide.Status != Optimal {
			continue
		}
		narrow := solve(t, tighter(p, wide, r))
		if narrow.Status == Infeasible || narrow.Objective > wide.Objective*(1+1e-9) {
			hurt++
		} else if narrow.Objective < wide.Objective*(1-1e-9)-1e-12 {
			t.Fatalf("seed %d: %+v, tighter %+v\n%s", seed, wide, narrow, dump(p))
		}
	}
	if hurt < 100 {
		t.Errorf("only %d limits changed anything", hurt)
	}
}

// Published and hand-made facility location is a Problem too: no demand, no
// limits on load, opening costs as the price of the one Machine.
func TestStatesTextbookFacilityLocation(t *testing.T) {
	p := Problem{
		ValuePerMS: 4, // four clients of equal weight: cost = plain sum of distances
		Candidates: []Candidate{{Region: "a", MachineCost: 3}, {Region: "b", MachineCost: 3}, {Region: "c", MachineCost: 9}},
		Edges:      []Edge{{Region: "1", Requests: 1}, {Region: "2", Requests: 1}, {Region: "3", Requests: 1}, {Region: "4", Requests: 1}},
		LatencyMS:  [][]float64{{0, 9, 2}, {1, 8, 2}, {9, 0, 2}, {8, 1, 2}},
	}
	if sol := solve(t, p); !slices.Equal(sol.Open, []string{"a", "b"}) || !equal(sol.Objective, 8) || sol.Gap != 0 {
		t.Errorf("uncapacitated: %+v, want a and b at 8", sol)
	}
	for i := range p.Candidates {
		p.Candidates[i].MachineCost = 0
	}
	p.Limits = Limits{MinRegions: 1, MaxRegions: 1}
	if sol := solve(t, p); !slices.Equal(sol.Open, []string{"c"}) || !equal(sol.Objective, 8) || math.IsNaN(sol.Gap) {
		t.Errorf("1-median: %+v, want c at 8", sol)
	}
}
