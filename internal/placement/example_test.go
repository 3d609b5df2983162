package placement

import (
	"maps"
	"testing"
)

// workedExample is the one of docs/design.md §5.
func workedExample(survive Survive) Problem {
	const far = 100
	edge := func(region string, demand float64) Edge {
		return Edge{Region: region, Demand: []float64{demand}}
	}
	return Problem{
		Version: 1, ValuePerMS: 1,
		Candidates: []Candidate{
			{Region: "ams", Required: true}, {Region: "fra", Required: true}, {Region: "iad", Required: true},
		},
		Edges: []Edge{edge("e1", 30), edge("e2", 10), edge("e3", 35), edge("e4", 20)},
		LatencyMS: [][]float64{ // ams, fra, iad
			{5, 10, far},
			{10, 5, far},
			{80, far, 5},
			{far, 80, 5},
		},
		SoftLimit: 20, HardLimit: 25,
		Limits: Limits{TargetUtilization: 0.8, Survive: survive},
	}
}

func TestWorkedExample(t *testing.T) {
	for survive, want := range map[Survive]map[string]int{
		None:    {"ams": 2, "fra": 1, "iad": 4},
		Machine: {"ams": 3, "fra": 1, "iad": 4},
		Region:  {"ams": 3, "fra": 2, "iad": 4},
	} {
		p := workedExample(survive)
		got, err := Solve(p, Options{})
		if err != nil || got.Status != Optimal || !maps.Equal(got.Placement, want) {
			t.Errorf("survive %s: %s %v, %v; want %v", survive, got.Status, got.Placement, err, want)
		}
		counts, ok := p.Required([]string{"fra", "iad", "ams"})
		base := map[string]int{"ams": 2, "fra": 1, "iad": 4}
		for region, c := range counts {
			if c.Base != base[region] || c.Survive != want[region] || c.Fill != want[region] {
				t.Errorf("survive %s: %s needs %+v; want base %d, then %d", survive, region, c, base[region], want[region])
			}
		}
		if !ok || len(counts) != 3 {
			t.Errorf("survive %s: counts %v, %v", survive, counts, ok)
		}
	}
}

func TestRequiredCountsStepByStep(t *testing.T) {
	// Edges 1, 2 and 3 are closest to regions a, b and c; then comes the next
	// one of the circle.
	circle := func(soft float64, l Limits, demand ...float64) Problem {
		p := Problem{
			Candidates: []Candidate{{Region: "a"}, {Region: "b"}, {Region: "c"}},
			LatencyMS:  [][]float64{{0, 1, 2}, {2, 0, 1}, {1, 2, 0}},
			SoftLimit:  soft, Limits: l,
		}
		for i, d := range demand {
			p.Edges = append(p.Edges, Edge{Region: string(rune('1' + i)), Demand: []float64{d}})
		}
		return p
	}
	full := circle(10, Limits{MinMachines: 6}, 30, 5, 0)
	full.Candidates[0].MaxMachines = 4
	hard := circle(20, Limits{Survive: Machine}, 4, 4, 4)
	hard.HardLimit = 8
	for name, tt := range map[string]struct {
		p    Problem
		open []string
		want map[string]Counts
	}{
		"an exact load is not rounded up": {
			circle(0.3, Limits{}, 0.1, 0.2, 0),
			[]string{"a"},
			map[string]Counts{"a": {0.30000000000000004, 1, 1, 1}},
		},
		"two small regions take over from each other": {
			circle(10, Limits{Survive: Machine}, 6, 7, 0),
			[]string{"a", "b"},
			map[string]Counts{"a": {6, 1, 2, 2}, "b": {7, 1, 2, 2}},
		},
		"a region alone keeps a spare Machine": {
			circle(10, Limits{Survive: Machine}, 6, 2, 1),
			[]string{"c"},
			map[string]Counts{"c": {9, 1, 2, 2}},
		},
		"without a soft limit a region alone still has two": {
			circle(0, Limits{Survive: Machine}, 600, 2, 1),
			[]string{"c"},
			map[string]Counts{"c": {603, 1, 2, 2}},
		},
		"without a soft limit other regions are spare enough": {
			circle(0, Limits{Survive: Machine}, 600, 2, 1),
			[]string{"b", "c"},
			map[string]Counts{"b": {602, 1, 1, 1}, "c": {1, 1, 1, 1}},
		},
		"a lost region moves to the next closest": {
			circle(10, Limits{Survive: Region}, 9, 8, 7),
			[]string{"a", "b", "c"},
			map[string]Counts{"a": {9, 1, 2, 2}, "b": {8, 1, 2, 2}, "c": {7, 1, 2, 2}},
		},
		"filling goes to the most load per Machine, ties to the lower code": {
			circle(10, Limits{MinMachines: 6}, 10, 10, 4),
			[]string{"a", "b", "c"},
			map[string]Counts{"a": {10, 1, 1, 3}, "b": {10, 1, 1, 2}, "c": {4, 1, 1, 1}},
		},
		"filling skips a full region": {
			full,
			[]string{"a", "b"},
			map[string]Counts{"a": {30, 3, 3, 4}, "b": {5, 1, 1, 2}},
		},
		"a hard limit below the soft limit stands for both": {
			hard,
			[]string{"a", "b"},
			map[string]Counts{"a": {8, 1, 2, 2}, "b": {4, 1, 2, 2}},
		},
	} {
		if got, ok := tt.p.Required(tt.open); !ok || !maps.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v", name, got, ok, tt.want)
		}
	}
}
