package placement

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// bestOf returns the preferred of the oracle's options that keep allows.
func bestOf(all []option, keep func(option) bool) (best option, ok bool) {
	all = slices.DeleteFunc(slices.Clone(all), func(a option) bool { return !keep(a) })
	lowest := math.Inf(1)
	for _, a := range all {
		lowest = min(lowest, a.objective)
	}
	for _, a := range all {
		if a.objective <= lowest+1e-9*math.Abs(lowest) && (!ok || prefer(a, best) < 0) {
			best, ok = a, true
		}
	}
	return best, ok
}

func has(a option, region string) bool { return slices.Contains(a.open, region) }

func TestExplanationEqualsBruteForce(t *testing.T) {
	runnersUp, reasons, needed := 0, 0, 0
	for seed := range uint64(1200) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 22)))
		sol, err := Solve(p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Explain(p, sol, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if sol.Status != Optimal {
			if !reflect.DeepEqual(got, Explanation{}) {
				t.Fatalf("seed %d: an explanation of nothing", seed)
			}
			continue
		}
		o := newOracle(p)
		all := o.options()
		up, ok := bestOf(all, func(a option) bool { return !slices.Equal(a.open, sol.Open) })
		switch {
		case ok != (got.RunnerUp != nil):
			t.Fatalf("seed %d: runner-up %+v, want %v\n%s", seed, got.RunnerUp, up, dump(p))
		case ok:
			runnersUp++
			if got.RunnerUp.Status != Optimal || !slices.Equal(got.RunnerUp.Open, up.open) || !equal(got.RunnerUp.Objective, up.objective) {
				t.Fatalf("seed %d: runner-up %+v, want %+v\n%s", seed, got.RunnerUp, up, dump(p))
			}
		}
		var explained []string
		for _, r := range got.Why {
			explained = append(explained, r.Region)
			open := sol.Placement[r.Region] > 0
			want, ok := bestOf(all, func(a option) bool { return has(a, r.Region) != open })
			if !ok {
				needed++
			} else {
				reasons++
			}
			checkReason(t, o, sol, r, want, ok, -1)
		}
		var want []string
		for _, code := range append(slices.Clone(sol.Open), slices.Collect(maps.Keys(p.Current))...) {
			if sol.Placement[code] > 0 || p.Current[code] > 0 {
				want = append(want, code)
			}
		}
		slices.Sort(want)
		if want = slices.Compact(want); !slices.Equal(explained, want) {
			t.Fatalf("seed %d: why %v, want %v", seed, explained, want)
		}
		checkWhyNot(t, o, sol, got.WhyNot, all)
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, dump(p))
		}
	}
	t.Logf("%d runners-up, %d reasons, %d regions without an alternative", runnersUp, reasons, needed)
	if runnersUp < 500 || reasons < 1000 || needed < 200 {
		t.Errorf("the problems are one-sided: %d runners-up, %d reasons, %d needed", runnersUp, reasons, needed)
	}
}

// checkWhyNot compares with the three best regions that are neither open nor live.
func checkWhyNot(t *testing.T, o *oracle, sol Solution, got []Reason, all []option) {
	t.Helper()
	best := map[string]option{}
	for _, code := range o.codes {
		if sol.Placement[code] == 0 && o.p.Current[code] == 0 {
			if a, ok := bestOf(all, func(a option) bool { return has(a, code) }); ok {
				best[code] = a
			}
		}
	}
	codes := slices.SortedFunc(maps.Keys(best), func(a, b string) int {
		if equal(best[a].objective, best[b].objective) {
			return cmp.Compare(a, b)
		}
		return cmp.Compare(best[a].objective, best[b].objective)
	})
	if len(got) != min(3, len(codes)) {
		t.Errorf("why not %+v, want %v", got, codes)
		return
	}
	for i, r := range got {
		if !equal(best[r.Region].objective, best[codes[i]].objective) {
			t.Errorf("why not %+v as number %d, want %s", r, i, codes[i])
		}
		checkReason(t, o, sol, r, best[r.Region], true, 1)
	}
}

// checkReason compares a reason with the best placement that decides its region
// the other way. sign is 1 where the figures are that placement's less the
// solution's, -1 where it is the other way round.
func checkReason(t *testing.T, o *oracle, sol Solution, r Reason, want option, ok bool, sign float64) {
	t.Helper()
	if !ok {
		r.Share = 0
		if !reflect.DeepEqual(r, Reason{Region: r.Region, Status: Infeasible}) {
			t.Errorf("%+v, want infeasible", r)
		}
		return
	}
	mean := func(open []string) (ms, share float64) {
		for _, e := range o.edges {
			s := o.closest(e, open)
			ms += o.share[e] * o.paid(e, open)
			if s == r.Region {
				share += o.share[e]
			}
		}
		return ms, share
	}
	cost := func(open []string, count map[string]int) (compute, transfer float64) {
		_, _, monthly := o.price(open, count)
		for s, n := range count {
			compute += o.compute(s, n, open)
		}
		return compute, monthly - compute
	}
	ms, share := mean(want.open)
	solMS, solShare := mean(sol.Open)
	compute, transfer := cost(want.open, want.count)
	solCompute, solTransfer := cost(sol.Open, sol.Placement)
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }
	if r.Status != Optimal || !slices.Equal(r.Open, want.open) || !equal(r.Objective, want.objective) ||
		!near(r.Share, max(share, solShare)) || !near(r.MS, sign*(ms-solMS)) ||
		!near(r.USDCompute, sign*(compute-solCompute)) || !near(r.USDTransfer, sign*(transfer-solTransfer)) {
		t.Errorf("%+v, want %+v, share %v, ms %v, compute %v, transfer %v", r, want, max(share, solShare),
			sign*(ms-solMS), sign*(compute-solCompute), sign*(transfer-solTransfer))
	}
}

func TestAnswerIsOneObject(t *testing.T) {
	p := geoProblem(3, 8, 10, 4)
	p.Limits.MaxRegions = 3
	sol, err := Solve(p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	explanation, err := Explain(p, sol, Options{})
	if err != nil {
		t.Fatal(err)
	}
	points, err := Frontier(p, sol, Options{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(Answer{sol, explanation, points})
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(data, &keys); err != nil {
		t.Fatal(err)
	}
	for key := range strings.FieldsSeq("version status open placement assignment objective bound gap nodes mean_latency_ms p95_latency_ms monthly_cost transfer_cost runner_up why why_not frontier") {
		if _, ok := keys[key]; !ok {
			t.Errorf("no %s in %s", key, data)
		}
	}
}

func TestExplanationIsHonestAboutItsLimit(t *testing.T) {
	p := geoProblem(3, 20, 30, 24)
	sol, err := Solve(p, Options{})
	if err != nil || sol.Status != Optimal {
		t.Fatalf("%s, %v", sol.Status, err)
	}
	got, err := Explain(p, sol, Options{MaxNodes: 4000})
	if err != nil || got.RunnerUp == nil || got.RunnerUp.Status != Feasible {
		t.Fatalf("%+v, %v; want a runner-up that is not proven", got.RunnerUp, err)
	}
	proven, err := Explain(p, sol, Options{})
	if err != nil || proven.RunnerUp.Status != Optimal || proven.RunnerUp.Objective < sol.Objective || proven.RunnerUp.Objective > got.RunnerUp.Objective {
		t.Errorf("%+v, %v; want a proven one between %v and %v", proven.RunnerUp, err, sol.Objective, got.RunnerUp.Objective)
	}
	processors := runtime.GOMAXPROCS(1) // fewer processors take longer and answer the same
	again, err := Explain(p, sol, Options{MaxNodes: 4000})
	runtime.GOMAXPROCS(processors)
	if err != nil || !reflect.DeepEqual(got, again) {
		t.Errorf("%+v, %v; on more processors it was %+v", again, err, got)
	}
	points, err := Frontier(p, sol, Options{MaxNodes: 4000})
	if err != nil || !slices.ContainsFunc(points, func(x Point) bool { return x.Status == Feasible || x.Status == Unknown }) {
		t.Errorf("%+v, %v; want points that are not proven", points, err)
	}
}
