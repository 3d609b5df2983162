package placement

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// withMargin is p with another shrink margin.
func withMargin(p Problem, margin float64) Problem {
	p.Limits.ShrinkMargin = margin
	return p
}

func TestAPeakThatWobblesKeepsItsMachine(t *testing.T) {
	p := Problem{
		ValuePerMS: 1, SoftLimit: 10, Current: map[string]int{"ams": 3},
		Candidates: []Candidate{{Region: "ams", MachineCost: 40}},
		LatencyMS:  [][]float64{{1}},
	}
	for _, tt := range []struct {
		peak, margin float64
		max, want    int
	}{
		{19, 0, 0, 2},         // what it asks for
		{19, 0.1, 0, 3},       // 20.9 would ask for the third
		{18, 0.1, 0, 2},       // 19.8 doesn't: the peak has really fallen
		{29, 0.1, 0, 3},       // 31.9 would ask for a fourth, which doesn't run
		{31, 0.1, 0, 4},       // the load itself always counts
		{19, 0.1, 2, 2},       // what may not run isn't kept
		{9.5, 1, 0, 2},        // twice the load
		{8, 1, 0, 2},          // 16 would ask for the second
		{20 / 1.1, 0, 0, 2},   // exactly as much as two carry
		{20 / 1.1, 0.1, 0, 2}, // with the margin too
	} {
		p.Edges = []Edge{{Region: "ams", Demand: []float64{tt.peak, 1}}}
		p.Candidates[0].MaxMachines = tt.max
		if got := solve(t, withMargin(p, tt.margin)).Placement["ams"]; got != tt.want {
			t.Errorf("peak %v, margin %v, at most %d: %d Machines, want %d", tt.peak, tt.margin, tt.max, got, tt.want)
		}
	}
	p.Edges[0].Demand[0] = 19
	p.Candidates[0].MaxMachines = 0
	got, err := Evaluate(withMargin(p, 0.1), map[string]int{"ams": 2})
	if want := []Breach{{"shrink_margin", "ams", 2, 3}}; err != nil || !slices.Equal(got.Broken, want) {
		t.Errorf("broken limits are %v, %v; want %v", got.Broken, err, want)
	}
}

func TestAMarginOnlyAddsLiveMachines(t *testing.T) {
	held := 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 13))
		p := withMargin(randomProblem(r), 0)
		p.Limits.MinMachines = 0
		wide := withMargin(p, float64(1+r.IntN(5))/10)
		var open []string
		for _, c := range p.Candidates {
			if r.IntN(2) == 0 {
				open = append(open, c.Region)
			}
		}
		without, ok := p.Required(open)
		with, okToo := wide.Required(open)
		if ok != okToo || len(with) != len(without) {
			t.Fatalf("seed %d: %v, with a margin %v", seed, ok, okToo)
		}
		for code, a := range without {
			b := with[code]
			if b.Fill < a.Fill || b.Fill > max(a.Fill, min(a.Fill+1, p.Current[code])) || b.Base != a.Base {
				t.Errorf("seed %d: %s needs %+v, with a margin %+v; %d run", seed, code, a, b, p.Current[code])
			}
			if b.Fill > a.Fill {
				held++
			}
		}
		for _, c := range p.Candidates { // nothing runs, nothing is held
			delete(wide.Current, c.Region)
		}
		p.Current = wide.Current
		if a, b := solve(t, p), solve(t, wide); !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d: %+v, with a margin %+v\n%s", seed, a, b, dump(wide))
		}
	}
	if held < 40 {
		t.Errorf("the margin held only %d regions", held)
	}
}

// No candidate's max_machines makes a problem infeasible because of the margin.
func TestAMarginLeavesProblemsFeasible(t *testing.T) {
	for seed := range uint64(400) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 14)))
		p.Limits.MaxMachines, p.Limits.MaxMonthlyCost, p.Limits.MaxChanges = 0, 0, 0
		a, b := solve(t, withMargin(p, 0)), solve(t, withMargin(p, 0.5))
		if a.Status != b.Status {
			t.Fatalf("seed %d: %s, with a margin %s\n%s", seed, a.Status, b.Status, dump(p))
		}
	}
}
