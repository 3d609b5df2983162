package plan_test

import (
	"math"
	"testing"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
)

func TestMachinesThatStopCostTheirHours(t *testing.T) {
	const stopped = 0.15
	in := input(counts{"iad": 3}, rates{"iad": 20}) // 2 in flight: one Machine carries them
	in.Policy.ChangeCost = plan.ChangeCost{USD: 100}
	autostop(&in)
	if g := make1(t, in); !near(g.Before.Compute, iadUSD+2*stopped) || !near(g.Before.Running, 1) {
		t.Errorf("$%v for %v of 3 Machines that run, want one and two stopped", g.Before.Compute, g.Before.Running)
	}
	t.Run("as recorded", func(t *testing.T) {
		in := in
		in.History.Running = map[string]float64{"iad000": 1, "iad001": 0.4, "iad002": 0.1}
		g := make1(t, in)
		if !near(g.Problem.Autostop.Scale, 1.5) || !near(g.Before.Running, 1.5) || !near(g.Before.Compute, 1.5*iadUSD+1.5*stopped) {
			t.Errorf("scale %v, %v running, $%v: want 1.5 as recorded", g.Problem.Autostop.Scale, g.Before.Running, g.Before.Compute)
		}
	})
	t.Run("Machines that a deploy replaced ran too", func(t *testing.T) {
		in := in
		in.History.Running = map[string]float64{"iad000": 0.5, "gone1": 0.5, "gone2": 1}
		if g := make1(t, in); !near(g.Problem.Autostop.Scale, 2) {
			t.Errorf("scale %v, want 2", g.Problem.Autostop.Scale)
		}
	})
	t.Run("another group's do not count", func(t *testing.T) {
		in := in
		worker := machine("worker1", "iad")
		worker.Config.Metadata["fly_process_group"], worker.Config.Services = "worker", nil
		in.App.Machines = append(in.App.Machines[:3:3], worker)
		in.History.Running = map[string]float64{"iad000": 1, "worker1": 1, "gone": 1}
		if g := make1(t, in); !near(g.Problem.Autostop.Scale, 1) {
			t.Errorf("scale %v, want 1", g.Problem.Autostop.Scale)
		}
	})
	t.Run("those in the primary region that never stop", func(t *testing.T) {
		in := in
		in.App.Machines = input(counts{"iad": 3}, nil).App.Machines
		autostop(&in)
		for _, m := range in.App.Machines {
			m.Config.PrimaryRegion = "iad"
			m.Config.Services[0].MinMachinesRunning = 2
		}
		if g := make1(t, in); !near(g.Before.Running, 2) {
			t.Errorf("%v running, want the two of min_machines_running", g.Before.Running)
		}
	})
}

// An app that hardly anybody asks pays for starts wherever its Machines sleep.
func TestColdStartsAreWaitedFor(t *testing.T) {
	in := input(counts{"iad": 2}, rates{"iad": 0.002, "fra": 0.002}) // 14 an hour in all
	in.Policy.MinRequests, in.Policy.ColdStart = 100, 2e9
	autostop(&in)
	in.History.Running = map[string]float64{"iad000": 0.5}
	g := make1(t, in)
	// Of 14.4 requests an hour exp(-14.4/12) come after a quiet gap.
	if want := 2000 * math.Exp(-14.4/12); math.Abs(g.Before.ColdMS-want) > 1 {
		t.Errorf("starts add %v ms, want %v", g.Before.ColdMS, want)
	}
	if g.Before.MeanMS < g.Before.ColdMS {
		t.Errorf("mean %v ms without the %v ms of starts", g.Before.MeanMS, g.Before.ColdMS)
	}
	for _, e := range g.Edges {
		if e.BeforeMS > 500 {
			t.Errorf("%s: %v ms: a start is no round trip", e.Code, e.BeforeMS)
		}
	}
	if g.Problem.Limits.Survive != placement.Machine || len(g.Placement) != 1 {
		t.Errorf("%v: splitting the traffic makes more gaps", g.Placement)
	}
}
