package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
)

// An outcome is what one strategy did over many apps.
type outcome struct {
	ms, usd, objective, above []float64
	regions                   []float64
	better, equal             int // ours, than this one
}

// TestQualityBesideOtherStrategies prices every strategy's regions with the
// evaluation that docs/design.md §5 defines. The solver's objective is never the higher.
func TestQualityBesideOtherStrategies(t *testing.T) {
	caption := measured(t)
	apps := uint64(250)
	if *quick {
		apps = 20
	}
	var text strings.Builder
	fmt.Fprintf(&text, "The demo's app:\n\n%s", qualityTable(t, []placement.Problem{demoApp(t)}, ""))
	for _, s := range sizes {
		var list []placement.Problem
		for seed := range apps {
			list = append(list, app(t, seed, s))
		}
		fmt.Fprintf(&text, "\n%d synthetic apps on %s Machines; mean, and the worst in brackets:\n\n%s", apps, s.Guest, qualityTable(t, list, "mean "))
	}
	publish(t, "quality", fmt.Sprintf("%s\n%s and %s after.\n", &text, caption, load()))
}

func qualityTable(t *testing.T, apps []placement.Problem, mean string) string {
	t.Helper()
	var mine outcome
	others := make([]outcome, len(strategies))
	for _, p := range apps {
		sol, err := placement.Solve(p, placement.Options{})
		if err != nil || sol.Status != placement.Optimal {
			t.Fatalf("%s: %s, %v", p.Name, sol.Status, err)
		}
		e, err := placement.Evaluate(p, sol.Placement)
		if err != nil || !same(e.Objective, sol.Objective) || len(e.Broken) > 0 {
			t.Fatalf("%s: %v, %v", p.Name, e, err)
		}
		mine.add(e, e)
		for i, s := range strategies {
			_, theirs := priced(t, p, s.open(t, p))
			if theirs.Objective < e.Objective*(1-1e-9) {
				t.Errorf("%s: %s costs %v, ours %v", p.Name, s.name, theirs.Objective, e.Objective)
			}
			others[i].add(theirs, e)
		}
	}
	tab := table{head: []string{"", mean + "regions", mean + "latency, ms", mean + "USD a month", mean + "objective", "objective above ours", "ours better", "equal"}}
	tab.row(append([]string{"**Fly Placer**"}, append(mine.cells()[:4], "", "", "")...)...)
	for i, s := range strategies {
		tab.row(append([]string{s.name}, others[i].cells()...)...)
	}
	return tab.String()
}

// add counts one app: what the strategy's regions cost, and ours.
func (o *outcome) add(e, ours placement.Evaluation) {
	o.regions = append(o.regions, float64(len(e.Load)))
	o.ms = append(o.ms, e.MeanLatencyMS)
	o.usd = append(o.usd, e.ComputeCost+e.TransferCost)
	o.objective = append(o.objective, e.Objective)
	o.above = append(o.above, 100*(e.Objective/ours.Objective-1))
	if e.Objective > ours.Objective*(1+1e-9) {
		o.better++
	} else {
		o.equal++
	}
}

func (o *outcome) cells() []string {
	both := func(list []float64, format string) string {
		sum, worst := 0.0, list[0]
		for _, v := range list {
			sum += v
			worst = max(worst, v)
		}
		text := fmt.Sprintf(format, sum/float64(len(list)))
		if len(list) > 1 {
			text += " (" + fmt.Sprintf(format, worst) + ")"
		}
		return text
	}
	return []string{
		both(o.regions, "%.1f"), both(o.ms, "%.1f"), both(o.usd, "%.0f"), both(o.objective, "%.0f"), both(o.above, "%.1f %%"),
		fmt.Sprint(o.better), fmt.Sprint(o.equal),
	}
}
