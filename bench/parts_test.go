package bench

import (
	"math"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

// threeRegions has one edge at each of three regions and one hour, in which 5,
// 20 and 100 requests enter in five minutes. What runs is in a.
func threeRegions() placement.Problem {
	p := placement.Problem{
		Version: 1, ValuePerMS: 1, SoftLimit: 10, Current: map[string]int{"a": 1},
		LatencyMS: [][]float64{{1, 50, 90}, {50, 1, 70}, {90, 70, 1}},
	}
	for i, five := range []float64{5, 20, 100} {
		code := string(rune('a' + i))
		p.Candidates = append(p.Candidates, placement.Candidate{Region: code, MachineCost: 5})
		p.Edges = append(p.Edges, placement.Edge{Region: code, Requests: 12 * five, Demand: []float64{five / 10}})
	}
	return p
}

func TestStrategiesChooseAsTheDocumentSays(t *testing.T) {
	want := map[string][]string{
		"keep the regions": {"a"},
		"top 3 by traffic": {"c", "b", "a"},
		"top 5 by traffic": {"c", "b", "a"},
		// c alone has 2 Machines and a mean of 15.6 ms, c and b still 2 and 2.96 ms;
		// a would take 1.96 ms off that for a third Machine, at 5.
		"greedy addition":                {"c", "b"},
		"thresholds: 50 and 10 requests": {"c"},
		"thresholds: 50 % and 10 %":      {"c"},
	}
	for _, s := range strategies {
		if got := s.open(t, threeRegions()); !slices.Equal(got, want[s.name]) {
			t.Errorf("%s: %v, want %v", s.name, got, want[s.name])
		}
	}
	p := threeRegions()
	p.Current = map[string]int{"b": 1} // 20 requests: not enough to open, enough to stay
	if got := thresholds(p, 1); !slices.Equal(got, []string{"c", "b"}) {
		t.Errorf("thresholds with b live: %v", got)
	}
}

func TestAppsAreWhatTheDocumentSays(t *testing.T) {
	places := region.BuiltIn().All()
	for seed := range uint64(50) {
		sum := 0.0
		for _, rates := range demands(seed, places) {
			if len(rates) != hours || slices.Min(rates) < 0 {
				t.Fatalf("seed %d: %d hours, least %v", seed, len(rates), slices.Min(rates))
			}
			for _, rps := range rates {
				sum += rps / hours
			}
		}
		if sum < 10*(1-1e-9) || sum > 2000*(1+1e-9) {
			t.Errorf("seed %d: %v requests per second", seed, sum)
		}
	}
	for _, work := range []bool{true, false} {
		sum := 0.0
		for h := range 24 {
			sum += day(work, float64(h)) / 24
		}
		if math.Abs(sum-1) > 0.01 {
			t.Errorf("a day's mean is %v", sum)
		}
	}
}
