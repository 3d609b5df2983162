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
