package placement

import (
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"testing"
)

func equal(a, b float64) bool {
	return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
}

func dump(p Problem) string {
	b, _ := json.Marshal(p)
	return string(b)
}

func TestSolveEqualsBruteForce(t *testing.T) {
	count := map[Status]int{}
	changed, surplus := 0, 0
	for seed := range uint64(2400) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 1)))
		got, err := Solve(p, Options{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		want, ok := newOracle(p).solve()
		count[got.Status]++
		if !ok {
			if got.Status != Infeasible {
				t.Fatalf("seed %d: status %s, %v; want infeasible\n%s", seed, got.Status, got.Placement, dump(p))
			}
			continue
		}
		if got.Status != Optimal || !equal(got.Objective, want.objective) || !maps.Equal(got.Placement, want.count) {
			t.Fatalf("seed %d: %s %v at %v; want %v at %v\n%s", seed, got.Status, got.Placement, got.Objective,
				want.count, want.objective, dump(p))
		}
		if want.changes > 0 {
			changed++
		}
		_, _, need := newOracle(p).required(want.open)
		if !maps.Equal(need, want.count) {
			surplus++
		}
		ev, err := Evaluate(p, got.Placement)
		if err != nil || len(ev.Broken) > 0 || ev.Objective != got.Objective ||
			ev.MeanLatencyMS != got.MeanLatencyMS || ev.P95LatencyMS != got.P95LatencyMS ||
			!maps.Equal(ev.Assignment, got.Assignment) || ev.Changes != want.changes {
			t.Fatalf("seed %d: evaluate says %+v, %v of %+v\n%s", seed, ev, err, got, dump(p))
		}
	}
	t.Logf("%v; changed %d, surplus kept %d", count, changed, surplus)
	if count[Optimal] < 1400 || count[Infeasible] < 300 || surplus < 100 {
		t.Errorf("the problems are one-sided: %v, surplus kept %d", count, surplus)
	}
}
