package plan

import (
	"maps"
	"slices"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/placement"
)

const (
	// rootGB is the size of root file system that a stopped Machine is taken to
	// have: the Machines API does not tell it.
	rootGB = 1
	// rootUSDPerGB is what Fly.io bills for it in 30 days (price page, 2026).
	rootUSDPerGB = 0.15
)

// autostop prices the problem by running hours, where fly-proxy stops the
// group's idle Machines. inFlight is how many requests are in flight for each
// request per second, in the unit of the problem's demand. The hours that the
// model predicts for what runs now are scaled to those that were recorded.
func (p *problem) autostop(in Input, g fleet.Group, inFlight float64) error {
	if !g.Autostop {
		return nil
	}
	a := placement.Autostop{StoppedCost: rootGB * rootUSDPerGB, ColdStartMS: float64(in.Policy.ColdStart.Microseconds()) / 1000}
	if inFlight > 0 {
		a.RequestsPerHour = 3600 / inFlight
	}
	p.live.Autostop = &a
	for i, c := range p.live.Candidates {
		if c.Region == string(g.Primary) {
			p.live.Candidates[i].MinRunning = g.MinRunning
		}
	}
	e, err := placement.Evaluate(p.live, p.live.Current)
	if err != nil {
		return err
	}
	if observed, predicted := ran(in, g), running(e); observed > 0 && predicted > 0 {
		a.Scale = observed / predicted
	}
	return nil
}

// ran is how many of the group's Machines were up, in the mean of the window; 0
// where that was not recorded. Machines that are gone count too, when the app
// has no others that they can have been of.
func ran(in Input, g fleet.Group) float64 {
	ids := slices.Sorted(maps.Keys(in.History.Running))
	own := map[string]bool{}
	for _, m := range g.Machines {
		own[m.ID] = true
	}
	only := len(own) == len(in.App.Machines)
	if !only && slices.ContainsFunc(g.Machines, func(m fleet.Machine) bool { return m.Created.After(in.History.Start) }) {
		return 0 // what they replaced ran too, and nobody knows whose it was
	}
	sum := 0.0
	for _, id := range ids {
		if own[id] || only {
			sum += in.History.Running[id]
		}
	}
	return sum
}

// running is how many Machines of a placement run, in the mean.
func running(e placement.Evaluation) float64 {
	sum := 0.0
	for _, code := range slices.Sorted(maps.Keys(e.Running)) {
		sum += e.Running[code]
	}
	return sum
}
