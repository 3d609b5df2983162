package placement

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// cityProblem is a problem of more candidates than Fly has, with counts: cities
// on a globe in clusters of a few thousand km, with lognormal demand that
// follows the sun for a week; the first so many are candidates. The demand asks
// for 40 to 200 Machines, and 1 ms is worth 1 to 3 of them, so that the best
// placements open some 4 to 15 regions of 1 to 40 Machines.
func cityProblem(seed uint64, candidates, cities int, survive Survive) Problem {
	const price, hours = 50.0, 168
	r := rand.New(rand.NewPCG(seed, 17))
	type place struct{ x, y, z float64 }
	at := func(lat, lon float64) place {
		return place{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	km := func(a, b place) float64 {
		return 6371 * math.Acos(max(-1, min(1, a.x*b.x+a.y*b.y+a.z*b.z)))
	}
	type continent struct{ lat, lon float64 }
	var continents []continent
	for range 6 {
		continents = append(continents, continent{r.Float64()*1.6 - 0.6, r.Float64() * 2 * math.Pi})
	}
	carry := 20.0 // requests in flight that a Machine carries
	machines := 40 * math.Exp(r.Float64()*math.Log(5))
	p := Problem{
		Version: 1, Current: map[string]int{}, SoftLimit: carry / 0.8, HardLimit: carry / 0.8 * 1.25,
		ValuePerMS: price * (1 + 2*r.Float64()), ChangeCost: price, MachineChangeCost: price / 4,
		Limits: Limits{MinMachines: 2, TargetUtilization: 0.8, Survive: survive},
	}
	var where []place
	total := make([]float64, hours)
	for i := range cities {
		c := continents[r.IntN(len(continents))]
		lat, lon := c.lat+0.25*r.NormFloat64(), c.lon+0.3*r.NormFloat64()
		where = append(where, at(lat, lon))
		weight := math.Exp(r.NormFloat64())
		e := Edge{Region: fmt.Sprintf("e%03d", i), GBOut: 10 * weight}
		for h := range hours {
			day := 0.6 + 0.4*math.Cos((float64(h)+lon/math.Pi*12-15)/12*math.Pi)
			if h/24 >= 5 {
				day *= 0.8
			}
			e.Demand = append(e.Demand, weight*day*math.Exp(0.1*r.NormFloat64()))
			total[h] += e.Demand[h]
		}
		p.Edges = append(p.Edges, e)
		if i < candidates {
			p.Candidates = append(p.Candidates, Candidate{Region: fmt.Sprintf("c%02d", i), MachineCost: price * (1 + 0.5*r.Float64())})
		}
	}
	busiest := 0.0
	for _, d := range total {
		busiest = max(busiest, d)
	}
	for i := range p.Edges {
		for h := range p.Edges[i].Demand {
			p.Edges[i].Demand[h] *= machines * carry / busiest
		}
		var ms, usd []float64
		for c := range candidates {
			far := km(where[i], where[c])
			ms = append(ms, 1+far*0.0155*(1+0.2*r.Float64()))
			usd = append(usd, 0.02)
			if far > 4000 {
				usd[c] = 0.05
			}
		}
		p.LatencyMS, p.TransferUSDPerGB = append(p.LatencyMS, ms), append(p.TransferUSDPerGB, usd)
	}
	for range 3 {
		p.Current[p.Candidates[r.IntN(candidates)].Region] = 1 + r.IntN(int(machines/3))
	}
	return p
}
