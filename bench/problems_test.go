package bench

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/placement/orlib"
	"github.com/fly-placer/fly-placer/internal/region"
)

// geography is n cities that are candidates and m that are edges, the first of
// them the same cities. Each lies some 300 km around one of the places that
// Fly.io has or had a region in, so continents and oceans are where they are.
// Demand is lognormal. A round trip takes 6.8 ms + 0.0154 ms/km, the best fit
// to measured round trips between cities, with a detour of up to 40 %.
func geography(r *rand.Rand, n, m int) (p placement.Problem, demand []float64) {
	places := region.BuiltIn().All()
	cities := make([]region.Region, max(n, m))
	for i := range cities {
		at := places[r.IntN(len(places))]
		at.Lat += 3 * r.NormFloat64()
		at.Lon += 3 * r.NormFloat64() / math.Cos(at.Lat*math.Pi/180)
		cities[i] = at
	}
	p.Version = 1
	for j := range n {
		p.Candidates = append(p.Candidates, placement.Candidate{
			Region: fmt.Sprintf("c%03d", j), MachineCost: cents(40 * (1 + 0.6*r.Float64())),
		})
	}
	for e := range m {
		p.Edges = append(p.Edges, placement.Edge{Region: fmt.Sprintf("e%03d", e)})
		demand = append(demand, cents(1+math.Exp(3+r.NormFloat64())))
		row := make([]float64, n)
		for j := range row {
			row[j] = 1
			if e != j {
				row[j] = cents(6.8 + 0.0154*region.DistanceKM(cities[e], cities[j])*(1+0.4*r.Float64()))
			}
		}
		p.LatencyMS = append(p.LatencyMS, row)
	}
	return p, demand
}

// cents rounds to two digits, as prices and measured latencies are.
func cents(v float64) float64 { return math.Round(100*v) / 100 }

// A kind is a textbook problem.
type kind string

const (
	free       kind = "any number"
	atMostFive kind = "at most 5"
	median     kind = "p-median"
)

// plain is a problem without counts. What a millisecond is worth makes free
// ones open some 4 to 15 regions; a p-median opens a tenth, at least 3.
func plain(seed uint64, n, m int, k kind) placement.Problem {
	r := rand.New(rand.NewPCG(seed, uint64(n*1000+m)))
	p, demand := geography(r, n, m)
	p.ValuePerMS = 15
	for e := range p.Edges {
		p.Edges[e].Requests = demand[e]
	}
	switch k {
	case free:
		p.Name = fmt.Sprintf("geographic %d, any number", seed)
	case atMostFive:
		p.Name = fmt.Sprintf("geographic %d, at most 5", seed)
		p.Limits.MaxRegions = 5
	case median:
		open := max(3, n/10)
		p.Name = fmt.Sprintf("geographic %d, %d-median", seed, open)
		p.Limits.MinRegions, p.Limits.MaxRegions = open, open
		for j := range p.Candidates {
			p.Candidates[j].MachineCost = 0
		}
	}
	return p
}

// counted is a problem with whole Machines: one hour, the closest open region,
// no failure to survive. The app needs 10 to 80 Machines in all, in some 4 to
// 15 regions.
func counted(seed uint64, n, m int) placement.Problem {
	r := rand.New(rand.NewPCG(seed, uint64(n*1000+m)))
	p, demand := geography(r, n, m)
	p.Name = fmt.Sprintf("geographic %d", seed)
	sum := 0.0
	for e := range p.Edges {
		p.Edges[e].Demand = []float64{demand[e]}
		sum += demand[e]
	}
	all := 10 * math.Pow(8, r.Float64()) // Machines
	p.SoftLimit = cents(sum / all)
	p.ValuePerMS = 11
	return p
}

// textbook states a published instance: docs/solve.md says how.
func textbook(in orlib.Instance) placement.Problem {
	p := placement.Problem{Version: 1, Name: in.Name, ValuePerMS: float64(len(in.Cost)), LatencyMS: in.Cost}
	p.Limits.MinRegions, p.Limits.MaxRegions = in.Open, in.Open
	for j, usd := range in.Fixed {
		p.Candidates = append(p.Candidates, placement.Candidate{Region: fmt.Sprintf("c%03d", j), MachineCost: usd})
	}
	for e := range in.Cost {
		p.Edges = append(p.Edges, placement.Edge{Region: fmt.Sprintf("e%03d", e), Requests: 1})
	}
	return p
}

// same tells whether two objectives agree to 1e-6.
func same(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }
