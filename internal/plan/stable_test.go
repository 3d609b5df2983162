package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Steady traffic: applying a plan and planning again must come to rest. A
// region that was closed may open again once: the optimum moves a little with
// what is live, as changes are weighed by the live cost. It does so in 1 of 120
// of these fleets.
func TestPlansOfSteadyTrafficComeToRest(t *testing.T) {
	world := rates{
		"ams": 24, "arn": 11, "bom": 21, "cdg": 27, "dfw": 5, "ewr": 9, "fra": 46, "gru": 7, "iad": 13,
		"jnb": 3, "lax": 6, "lhr": 33, "nrt": 12, "ord": 6, "sin": 18, "sjc": 5, "syd": 6, "yyz": 4,
	}
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 5))
		live, rps := counts{}, rates{}
		for _, code := range slices.Sorted(maps.Keys(world)) {
			rps[code] = world[code] * (0.2 + 3*random.Float64()) * []float64{0.05, 1, 6}[seed%3]
		}
		codes := []region.Code{"iad", "ord", "lax", "fra", "sin"}
		for range 1 + random.IntN(3) {
			live[codes[random.IntN(len(codes))]] = 2 + random.IntN(10)
		}
		t.Run(fmt.Sprintf("seed %d from %v", seed, live), func(t *testing.T) {
			closed, again := map[region.Code]bool{}, 0
			in := input(live, rps)
			for run := range 40 {
				g := make1(t, in)
				if g.Status == plan.NoChanges {
					return
				}
				if g.Status != plan.Planned {
					t.Fatalf("run %d: %s, %+v %+v", run, g.Status, g.Holds, g.Conflict)
				}
				for code := range g.Placement {
					if closed[code] && g.Current[code] == 0 {
						if again++; again > 1 {
							t.Errorf("run %d opens %s again: %v → %v", run, code, g.Current, g.Placement)
						}
					}
				}
				for code := range maps.Keys(g.Current) {
					if g.Placement[code] == 0 {
						closed[code] = true
					}
				}
				in.App.Machines = input(g.Placement, nil).App.Machines
			}
			t.Errorf("no rest after 40 runs")
		})
	}
}
