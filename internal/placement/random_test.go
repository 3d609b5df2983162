package placement

import (
	"fmt"
	"math/rand/v2"
)

// randomProblem is a small problem with every feature on at random. Its numbers
// are coarse on purpose: ties and exact roundings are what goes wrong.
func randomProblem(r *rand.Rand) Problem {
	maybe := func(p float64) bool { return r.Float64() < p }
	step := func(most int, unit float64) float64 { return float64(r.IntN(most+1)) * unit }
	n, e, hours := 1+r.IntN(7), 1+r.IntN(7), r.IntN(5)
	p := Problem{Version: 1, Current: map[string]int{}}
	p.ValuePerMS = step(8, 0.5)
	if maybe(0.6) {
		p.ChangeCost, p.MachineChangeCost = step(6, 2.5), step(6, 2.5)
	}
	if maybe(0.85) {
		p.SoftLimit = 5 + step(5, 5)
		if maybe(0.5) {
			p.HardLimit = p.SoftLimit + step(4, 2.5)
		}
	}
	coarse := maybe(0.7)
	number := func(most int, unit float64) float64 {
		if coarse {
			return step(most, unit)
		}
		return r.Float64() * float64(most) * unit
	}
	for s := range n {
		c := Candidate{Region: fmt.Sprintf("r%02d", (s*7+3)%20), MachineCost: number(8, 5)}
		if maybe(0.1) {
			c.MinMachines = 1 + r.IntN(3)
		}
		if maybe(0.2) {
			c.MaxMachines = c.MinMachines + 1 + r.IntN(4)
		}
		c.Required = maybe(0.1)
		if maybe(0.3) {
			c.BackendMS = number(5, 10)
		}
		if maybe(0.4) {
			p.Current[c.Region] = r.IntN(6)
		}
		p.Candidates = append(p.Candidates, c)
	}
	if maybe(0.2) {
		p.Current["stray"] = r.IntN(3)
	}
	transfer, idle := maybe(0.4), maybe(0.05)
	unit := []float64{1, 5}[r.IntN(2)] // small loads share one Machine
	for i := range e {
		edge := Edge{Region: fmt.Sprintf("e%02d", (i*3+1)%10), GBOut: number(5, 10)}
		if maybe(0.8) {
			edge.Requests = number(10, 100)
		}
		for range hours {
			d := number(8, unit)
			if idle {
				d = 0
			}
			edge.Demand = append(edge.Demand, d)
		}
		p.Edges = append(p.Edges, edge)
		var lat, usd []float64
		for range n {
			lat = append(lat, number(20, 10))
			usd = append(usd, number(4, 0.05))
		}
		p.LatencyMS = append(p.LatencyMS, lat)
		if transfer {
			p.TransferUSDPerGB = append(p.TransferUSDPerGB, usd)
		}
	}
	p.Limits = randomLimits(r, n)
	if maybe(0.35) {
		p.Limits.ShrinkMargin = []float64{0.05, 0.1, 0.25, 1}[r.IntN(4)]
	}
	if maybe(0.4) {
		p.Autostop = randomAutostop(r)
		for s := range p.Candidates {
			if maybe(0.2) {
				p.Candidates[s].MinRunning = 1 + r.IntN(4)
			}
		}
	}
	return p
}

// randomAutostop has scales beyond what the Machines can run, stopped Machines
// that cost more than running ones, and rates around those of quiet hours.
func randomAutostop(r *rand.Rand) *Autostop {
	a := &Autostop{StoppedCost: float64(r.IntN(5)) * 2.5}
	if r.IntN(2) == 0 {
		a.Scale = []float64{0.25, 0.5, 1, 1.5, 3}[r.IntN(5)]
	}
	if r.IntN(2) == 0 {
		a.ColdStartMS = float64(r.IntN(4)) * 100
		a.RequestsPerHour = []float64{1, 5, 20}[r.IntN(3)]
	}
	if r.IntN(5) == 0 {
		a.StoppedCost = 50
	}
	return a
}

func randomLimits(r *rand.Rand, n int) Limits {
	maybe := func(p float64) bool { return r.Float64() < p }
	l := Limits{Survive: []Survive{"", None, Machine, Machine, Region}[r.IntN(5)]}
	if maybe(0.2) {
		l.MinRegions = 1 + r.IntN(n)
	}
	if maybe(0.3) {
		l.MaxRegions = max(1, l.MinRegions) + r.IntN(3)
	}
	if maybe(0.5) {
		l.MinMachines = r.IntN(9)
	}
	if maybe(0.2) {
		l.MaxMachines = max(l.MinMachines, 2) + r.IntN(12)
	}
	if maybe(0.2) {
		l.MinMachinesPerRegion = 1 + r.IntN(4)
	}
	if maybe(0.2) {
		l.MaxChanges = 1 + r.IntN(12)
	}
	if maybe(0.2) {
		l.MaxMonthlyCost = 10 + float64(r.IntN(40))*10
	}
	if maybe(0.2) {
		l.MaxP95LatencyMS = 60 + float64(r.IntN(20))*10
	}
	if maybe(0.5) {
		l.TargetUtilization = float64(5+r.IntN(6)) / 10
	}
	return l
}
