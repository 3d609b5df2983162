package placement

import (
	"os"
	"slices"
	"testing"
)

// The examples of docs/solve.md, with the optima that it states.
func TestExamplesOfTheDocumentation(t *testing.T) {
	for name, want := range map[string]struct {
		objective float64
		open      []string
	}{
		"facility-location": {44, []string{"A", "B"}},
		"p-median":          {3, []string{"a", "c"}},
		"autostop":          {42.5, []string{"ams", "iad"}},
	} {
		data, err := os.ReadFile("../../docs/examples/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sol, err := Solve(p, Options{})
		if err != nil || sol.Status != Optimal || !equal(sol.Objective, want.objective) || !slices.Equal(sol.Open, want.open) {
			t.Errorf("%s: %+v, %v; want %v in %v", name, sol, err, want.objective, want.open)
		}
	}
}
