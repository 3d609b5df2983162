package plan_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Traffic that swings to and fro. A plan is made and applied every day for
// eight weeks, each on the window before it; the test counts what that changed.
func TestSwingingTrafficIsNotFollowed(t *testing.T) {
	europe, america := rates{"fra": 60, "lhr": 40, "ams": 30}, rates{"iad": 60, "ord": 30, "lax": 40}
	// mix is the traffic of Europe and of America at some part of each.
	mix := func(eu, na float64) rates {
		out := rates{}
		for code, r := range europe {
			out[code] = r * eu
		}
		for code, r := range america {
			out[code] = r * na
		}
		return out
	}
	tests := map[string]struct {
		live counts
		// rps is the traffic of a day, its busiest hour being twice the mean.
		rps    func(day int) rates
		window int // days
		// What seven weeks may change, once a week has passed: regions opened
		// and closed, and Machines created and destroyed.
		regions, machines int
	}{
		"one continent today, the other tomorrow": {
			counts{"iad": 3, "fra": 3},
			func(day int) rates { return mix(1+2*float64(day%2), 3-2*float64(day%2)) },
			7, 0, 0,
		},
		"one continent this week, the other the next, twice as much": {
			counts{"iad": 3, "fra": 3},
			func(day int) rates { return mix(1+float64(day/7%2), 2-float64(day/7%2)) },
			7, 0, 42, // a Machine here and there goes after a whole quiet week, and comes back
		},
		"the same, with a window that sees both": {
			counts{"iad": 3, "fra": 3},
			func(day int) rates { return mix(1+float64(day/7%2), 2-float64(day/7%2)) },
			14, 0, 0,
		},
		"a peak that wobbles by a tenth around what one Machine more carries": {
			counts{"fra": 3},
			// 16 in flight a Machine: 480 requests/s in the busiest hour are just three.
			func(day int) rates { return rates{"fra": 240 * (1 + 0.05*math.Sin(float64(day)/9*math.Pi))} },
			7, 0, 0,
		},
		"a peak that wobbles, and Machines dearer than the way to the next region": {
			counts{"iad": 3},
			// 24 and 26 in flight: one Machine of two, or two of three, must carry them.
			func(day int) rates { return rates{"iad": 120 + 10*float64(day/9%2)} },
			7, 0, 0,
		},
		"a region's traffic that is worth its Machines every other week": {
			counts{"iad": 4},
			func(day int) rates { return rates{"iad": 100, "fra": 3 + 3*float64(day/7%2)} },
			7, 0, 0,
		},
	}
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		tt := tests[name]
		t.Run(name, func(t *testing.T) {
			regions, machines, days := 0, 0, 0
			live := tt.live
			for day := 14; day < 70; day++ {
				in := swing(live, day, tt.window, tt.rps)
				if strings.Contains(name, "dearer") {
					in.Policy.ValuePerMS = 0.0001
					for i := range in.App.Machines {
						in.App.Machines[i].Config.Guest = large
					}
				}
				g := make1(t, in)
				if day < 21 {
					live = g.Placement
					continue
				}
				for _, c := range g.Changes {
					if c.From == 0 || c.To == 0 {
						regions++
					}
					machines += max(c.Delta(), -c.Delta())
				}
				if len(g.Changes) > 0 {
					days++
					t.Logf("day %d: %v → %v", day, g.Current, g.Placement)
				}
				live = g.Placement
			}
			if regions > tt.regions || machines > tt.machines {
				t.Errorf("%d regions and %d Machines changed on %d days, want at most %d and %d", regions, machines, days, tt.regions, tt.machines)
			}
		})
	}
}

// swing is the input of a plan on the given day for the week before it.
func swing(live counts, day, window int, rps func(day int) rates) plan.Input {
	in := input(live, rps(0))
	in.Policy.Window = time.Duration(window) * 24 * time.Hour
	in.Now = now.Add(time.Duration(day) * 24 * time.Hour)
	h := &in.History
	h.Hours = 24 * window
	h.OrgUp = slices.Repeat([]bool{true}, h.Hours)
	h.Start = in.Now.Truncate(time.Hour).Add(-time.Duration(h.Hours) * time.Hour)
	h.Newest = in.Now
	h.Responses = map[region.Code][]float64{}
	total := make([]float64, h.Hours)
	for i := range h.Hours {
		of := rps(day - window + i/24)
		shape := 1 + math.Cos(float64(i%24-19)/24*2*math.Pi)
		for _, code := range slices.Sorted(maps.Keys(of)) {
			if h.Responses[code] == nil {
				h.Responses[code] = make([]float64, h.Hours)
			}
			n := of[code] * shape * 3600
			h.Responses[code][i] = n
			total[i] += n
		}
	}
	h.Served, h.ConcurrencyMean = total, make([]float64, h.Hours)
	for i, n := range total {
		h.ConcurrencyMean[i] = n / 3600 / 10
	}
	h.ConcurrencyMax = h.ConcurrencyMean
	return in
}
