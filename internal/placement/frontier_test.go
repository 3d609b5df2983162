package placement

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestFrontierEqualsBruteForce(t *testing.T) {
	count := map[Status]int{}
	for seed := range uint64(2000) {
		p := randomProblem(rand.New(rand.NewPCG(seed, 21)))
		var known Solution
		if seed%2 == 0 {
			known = solve(t, p)
		}
		got, err := Frontier(p, known, Options{})
		if err != nil || len(got) != len(p.Candidates) {
			t.Fatalf("seed %d: %d points, %v", seed, len(got), err)
		}
		free := p
		free.Limits.MinRegions, free.Limits.MaxRegions = 0, 0
		o := newOracle(free)
		all := o.options()
		for i, point := range got {
			want, ok := bestOf(all, func(a option) bool { return len(a.open) == i+1 })
			count[point.Status]++
			if !ok {
				if !reflect.DeepEqual(point, Point{Regions: i + 1, Status: Infeasible}) {
					t.Fatalf("seed %d: %+v, want infeasible\n%s", seed, point, dump(p))
				}
				continue
			}
			_, _, monthly := o.price(want.open, want.count)
			if point.Regions != i+1 || point.Status != Optimal || !slices.Equal(point.Open, want.open) ||
				!maps.Equal(point.Placement, want.count) || !equal(point.Objective, want.objective) || !equal(point.MonthlyCost, monthly) {
				t.Fatalf("seed %d: %+v, want %+v\n%s", seed, point, want, dump(p))
			}
		}
	}
	if count[Optimal] < 2500 || count[Infeasible] < 1250 {
		t.Errorf("the problems are one-sided: %v", count)
	}
}

// A frontier that is cut short doesn't fall behind what is known.
func TestFrontierIsNoWorseThanTheAnswer(t *testing.T) {
	p := cityProblem(1, 40, 60, Machine)
	sol, err := Solve(p, Options{MaxNodes: 50_000})
	if err != nil || len(sol.Placement) == 0 {
		t.Fatalf("%s, %v", sol.Status, err)
	}
	points, err := Frontier(p, sol, Options{MaxNodes: 400})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range points {
		if x.Regions != i+1 || len(x.Open) > 0 && len(x.Open) != i+1 {
			t.Errorf("point %d: %+v", i, x)
		}
		if i+1 == len(sol.Open) && (len(x.Placement) == 0 || x.Objective > sol.Objective) {
			t.Errorf("%+v is worse than %v in %v", x, sol.Objective, sol.Open)
		}
	}
}

func TestWithinGivesMoreWorkForMoreTime(t *testing.T) {
	small, large := geoProblem(1, 10, 20, 1), geoProblem(1, 40, 100, 1)
	a, b, c := Within(small, time.Second).MaxNodes, Within(small, 10*time.Second).MaxNodes, Within(large, 10*time.Second).MaxNodes
	if a < 1000 || b < 9*a || b > 11*a || c >= b || c < 1000 || Within(small, 0).MaxNodes < 1 {
		t.Errorf("%d, %d and %d sets", a, b, c)
	}
}

// The solve itself, then every number of regions. Run with -benchtime 200x for
// the figures of docs/design.md §11.
func BenchmarkFrontier18x40x168(b *testing.B) {
	benchmarkBeside(b, func(p Problem, sol Solution) (unproven int, err error) {
		points, err := Frontier(p, sol, Options{})
		for _, point := range points {
			if point.Status != Optimal && point.Status != Infeasible {
				unproven++
			}
		}
		return unproven, err
	})
}

// The solve itself, then one for each candidate.
func BenchmarkExplain18x40x168(b *testing.B) {
	benchmarkBeside(b, func(p Problem, sol Solution) (unproven int, err error) {
		explanation, err := Explain(p, sol, Options{})
		for _, reason := range explanation.Why {
			if reason.Status != Optimal && reason.Status != Infeasible {
				unproven++
			}
		}
		return unproven, err
	})
}

func benchmarkBeside(b *testing.B, more func(Problem, Solution) (unproven int, err error)) {
	b.Helper()
	for _, survive := range []Survive{Machine, Region} {
		b.Run(string(survive), func(b *testing.B) {
			var times []time.Duration
			unproven := 0
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				p := geoProblem(uint64(i%200), 18, 40, 168)
				p.Limits.Survive = survive
				b.StartTimer()
				start := time.Now()
				sol, err := Solve(p, Options{})
				if err == nil {
					var open int
					open, err = more(p, sol)
					unproven += open
				}
				times = append(times, time.Since(start))
				if err != nil {
					b.Fatalf("seed %d: %v", i, err)
				}
			}
			report(b, times)
			b.ReportMetric(float64(unproven), "unproven")
		})
	}
}
