package placement

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// geoProblem is a problem of real size: regions and edges scattered over the
// globe, demand that follows the sun for a number of hours, prices and live
// placement.
func geoProblem(seed uint64, candidates, edges, hours int) Problem {
	r := rand.New(rand.NewPCG(seed, 7))
	type place struct{ lat, lon float64 }
	scatter := func() place {
		return place{r.Float64()*1.6 - 0.6, r.Float64() * 2 * math.Pi}
	}
	distance := func(a, b place) float64 {
		x := math.Sin(a.lat)*math.Sin(b.lat) + math.Cos(a.lat)*math.Cos(b.lat)*math.Cos(a.lon-b.lon)
		return 6371 * math.Acos(max(-1, min(1, x)))
	}
	p := Problem{Version: 1, Current: map[string]int{}}
	var at []place
	for i := range candidates {
		at = append(at, scatter())
		p.Candidates = append(p.Candidates, Candidate{Region: fmt.Sprintf("c%02d", i), MachineCost: 40 * (1 + r.Float64()*0.6)})
	}
	// A Machine carries 20; the app needs 5 to 80 of them in all.
	total := 100 * math.Exp(r.Float64()*math.Log(16))
	p.SoftLimit, p.HardLimit = 20, 25
	sum := 0.0
	for i := range edges {
		where := scatter()
		if i < candidates && r.Float64() < 0.7 {
			where = at[i]
		}
		weight := math.Exp(r.NormFloat64())
		sum += weight
		e := Edge{Region: fmt.Sprintf("e%02d", i), GBOut: weight * 20}
		for h := range hours {
			local := float64(h) + where.lon/math.Pi*12
			day := 0.55 + 0.45*math.Cos((local-15)/12*math.Pi)
			if h/24%7 >= 5 {
				day *= 0.7
			}
			e.Demand = append(e.Demand, weight*day*math.Exp(0.1*r.NormFloat64()))
		}
		var ms, usd []float64
		for c := range candidates {
			ms = append(ms, 1+distance(where, at[c])*0.0155*(1+0.2*r.Float64()))
			usd = append(usd, 0.006+0.03*float64(r.IntN(2)))
		}
		p.Edges = append(p.Edges, e)
		p.LatencyMS = append(p.LatencyMS, ms)
		p.TransferUSDPerGB = append(p.TransferUSDPerGB, usd)
	}
	for i := range p.Edges {
		for h := range p.Edges[i].Demand {
			p.Edges[i].Demand[h] *= total / sum
		}
	}
	for range 2 + r.IntN(3) {
		p.Current[p.Candidates[r.IntN(candidates)].Region] = 1 + r.IntN(int(total/40)+1)
	}
	p.ValuePerMS = total * 0.05 * math.Exp(r.NormFloat64()*1.2)
	p.ChangeCost, p.MachineChangeCost = total*0.08, total*0.02
	p.Limits = Limits{MinMachines: 2, MaxMachines: 200, TargetUtilization: 0.8, Survive: Machine}
	return p
}

// idleProblem is geoProblem for an app whose Machines fly-proxy stops, with so
// many requests in flight in a mean hour, each for a tenth of a second. Where
// they are few they come one by one.
func idleProblem(seed uint64, candidates, edges, hours int, inFlight float64) Problem {
	const perHour = 36000
	p := geoProblem(seed, candidates, edges, hours)
	r := rand.New(rand.NewPCG(seed, 77))
	sum := 0.0
	for _, e := range p.Edges {
		for _, d := range e.Demand {
			sum += d / float64(hours)
		}
	}
	for _, e := range p.Edges {
		for h := range e.Demand {
			requests := e.Demand[h] * inFlight / sum * perHour
			if requests < 30 { // by Knuth's method
				limit := math.Exp(-requests)
				requests = 0
				for chance := r.Float64(); chance > limit; chance *= r.Float64() {
					requests++
				}
			}
			e.Demand[h] = requests / perHour
		}
	}
	p.ValuePerMS = 2 * math.Exp(r.NormFloat64()*1.2)
	p.ChangeCost, p.MachineChangeCost = 8, 2
	for code := range p.Current {
		p.Current[code] = 1 + len(code)%2
	}
	p.Autostop = &Autostop{StoppedCost: 0.5, ColdStartMS: 500, RequestsPerHour: perHour}
	return p
}

// A small app with autostop, beside the same one whose Machines run all month.
func BenchmarkSolveAutostop18x20x168(b *testing.B) {
	for _, inFlight := range []float64{0.001, 0.01, 0.1, 1, 10} {
		for _, name := range []string{"stops", "runs"} {
			b.Run(fmt.Sprintf("%v-in-flight/%s", inFlight, name), func(b *testing.B) {
				var times []time.Duration
				nodes := 0
				for i := 0; b.Loop(); i++ {
					b.StopTimer()
					p := idleProblem(uint64(i%20), 18, 20, 168, inFlight)
					if name == "runs" {
						p.Autostop = nil
					}
					b.StartTimer()
					start := time.Now()
					sol, err := Solve(p, Options{})
					times = append(times, time.Since(start))
					if err != nil || sol.Status != Optimal {
						b.Fatalf("seed %d: %s, %v", i, sol.Status, err)
					}
					nodes = max(nodes, sol.Nodes)
				}
				report(b, times)
				b.ReportMetric(float64(nodes), "worst-sets")
			})
		}
	}
}

func benchmarkSolve(b *testing.B, survive Survive, candidates, edges int) {
	var times []time.Duration
	nodes, unproven := 0, 0
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		p := geoProblem(uint64(i%200), candidates, edges, 168)
		p.Limits.Survive = survive
		b.StartTimer()
		start := time.Now()
		sol, err := Solve(p, Options{})
		times = append(times, time.Since(start))
		if err != nil {
			b.Fatalf("seed %d: %v", i, err)
		}
		if sol.Status != Optimal {
			unproven++
		}
		nodes = max(nodes, sol.Nodes)
	}
	report(b, times)
	b.ReportMetric(float64(nodes), "worst-sets")
	b.ReportMetric(float64(unproven), "unproven")
}

func report(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds()*1000, "median-ms")
	b.ReportMetric(times[len(times)-1].Seconds()*1000, "worst-ms")
}

// Run with -benchtime 200x for the figures of docs/design.md §11; the plain
// enumeration beside them prices every set without a bound.
func BenchmarkSolve18x40x168(b *testing.B) {
	for _, survive := range []Survive{None, Machine, Region} {
		b.Run(string(survive), func(b *testing.B) { benchmarkSolve(b, survive, 18, 40) })
	}
	b.Run("machine-by-enumeration", func(b *testing.B) {
		var times []time.Duration
		for i := 0; b.Loop(); i++ {
			if i >= 5 { // a second or more each
				continue
			}
			p := geoProblem(uint64(i), 18, 40, 168)
			start := time.Now()
			want := enumerated(p)
			times = append(times, time.Since(start))
			if sol, err := Solve(p, Options{}); err != nil || !equal(sol.Objective, want) {
				b.Fatalf("seed %d: %v, %v; enumeration finds %v", i, sol.Objective, err, want)
			}
		}
		report(b, times)
	})
}

func BenchmarkSolve22x100x168(b *testing.B) {
	benchmarkSolve(b, Machine, 22, 100)
}

// benchmarkCounts solves problems of more candidates than Fly has within the
// work that stands for 10 s. Run with -benchtime 10x or more.
func benchmarkCounts(b *testing.B, candidates, cities int) {
	for _, survive := range []Survive{Machine, Region} {
		b.Run(string(survive), func(b *testing.B) {
			var times []time.Duration
			var gaps []float64
			proven := 0
			for i := 0; b.Loop(); i++ {
				p := cityProblem(uint64(i), candidates, cities, survive)
				start := time.Now()
				sol, err := Solve(p, Within(p, 10*time.Second))
				times = append(times, time.Since(start))
				if err != nil || len(sol.Placement) == 0 {
					b.Fatalf("seed %d: %s, %v", i, sol.Status, err)
				}
				gaps = append(gaps, sol.Gap)
				if sol.Status == Optimal {
					proven++
				}
			}
			report(b, times)
			slices.Sort(gaps)
			b.ReportMetric(100*gaps[len(gaps)/2], "median-gap-%")
			b.ReportMetric(100*gaps[len(gaps)-1], "worst-gap-%")
			b.ReportMetric(100*float64(proven)/float64(len(gaps)), "proven-%")
		})
	}
}

func BenchmarkCounts35(b *testing.B) { benchmarkCounts(b, 35, 60) }

func BenchmarkCounts60(b *testing.B) { benchmarkCounts(b, 60, 100) }
