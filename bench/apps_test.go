package bench

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/demo"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A size is a Machine and the requests in flight that it is said to take.
type size struct {
	price.Guest
	soft, hard float64
}

var sizes = []size{
	{price.Guest{CPUKind: "shared", CPUs: 1, MemoryMB: 256}, 20, 25},
	{price.Guest{CPUKind: "performance", CPUs: 2, MemoryMB: 4096}, 100, 125},
}

const (
	hours      = 168
	answerTime = 0.09 // seconds that a Machine takes for an answer
)

// app is a synthetic app on Fly.io: its demand enters at every place that Fly
// has or had an edge, and Machines may run in its regions at its prices, with
// measured round trips. It runs where most of its requests enter. Everything
// else is the program's defaults: USD 0.005 a millisecond and million requests,
// a region that changes must be worth 2 % of the bill, two Machines at least,
// 80 % of the soft limit, survive a Machine.
func app(t *testing.T, seed uint64, s size) placement.Problem {
	t.Helper()
	p := placement.Problem{
		Version: 1, Name: fmt.Sprintf("app %d on %s", seed, s.Guest), SoftLimit: s.soft, HardLimit: s.hard,
		Limits: placement.Limits{MinMachines: 2, TargetUtilization: 0.8, Survive: placement.Machine},
	}
	catalog, table, prices := region.BuiltIn(), latency.BuiltIn(), price.BuiltIn()
	for _, to := range catalog.Deployable() {
		usd, err := prices.Monthly(s.Guest, to.Code)
		if err != nil {
			t.Fatal(err)
		}
		p.Candidates = append(p.Candidates, placement.Candidate{Region: string(to.Code), MachineCost: usd})
	}
	month := 0.0
	for i, rates := range demands(seed, catalog.All()) {
		from := catalog.All()[i]
		e := placement.Edge{Region: string(from.Code)}
		for _, rps := range rates {
			e.Requests += rps * 3600
			e.Demand = append(e.Demand, rps*answerTime)
		}
		month += e.Requests * 30 * 24 / hours
		p.Edges = append(p.Edges, e)
		var row []float64
		for _, to := range catalog.Deployable() {
			ms, _ := table.RTT(from, to)
			row = append(row, ms)
		}
		p.LatencyMS = append(p.LatencyMS, row)
	}
	p.ValuePerMS = 0.005 * month / 1e6
	p.Current, _ = priced(t, p, busiest(p, 1))
	for _, c := range p.Candidates {
		p.ChangeCost += 0.02 * float64(p.Current[c.Region]) * c.MachineCost
	}
	p.MachineChangeCost = p.ChangeCost / 4
	return p
}

// demands are the requests per second of each place in each hour of a week:
//
//	rate = weight · day(local hour) · weekend · exp(noise)
//
// Weights are lognormal (1), times a lognormal (1) of the part of the world,
// as audiences are. The days are fitted to recorded traffic: of a work tool
// (commits on GitHub), which rests at weekends, or of an evening's pastime
// (YouTube). The noise has a deviation of 0.1 and a correlation of 0.75 after two
// hours. The app gets 10 to 2,000 requests per second in the mean.
func demands(seed uint64, places []region.Region) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 6))
	work := r.IntN(2) == 0
	total := 10 * math.Pow(200, r.Float64())
	audience := map[region.Area]float64{}
	for _, a := range []region.Area{region.Europe, region.NorthAmerica, region.SouthAmerica, region.APAC, region.Africa} {
		audience[a] = math.Exp(r.NormFloat64())
	}
	rates, sum := make([][]float64, len(places)), 0.0
	for i, at := range places {
		weight := math.Exp(r.NormFloat64()) * audience[at.Area]
		noise := 0.1 * r.NormFloat64()
		for h := range hours {
			local := float64(h) + at.Lon/15
			rate := weight * day(work, local) * math.Exp(noise)
			if work && h/24 >= 5 {
				rate *= 0.63
			}
			rates[i] = append(rates[i], rate)
			sum += rate
			const kept = 0.866 // a step's part of 0.75 in two
			noise = kept*noise + math.Sqrt(1-kept*kept)*0.1*r.NormFloat64()
		}
	}
	for i := range rates {
		for h := range rates[i] {
			rates[i][h] *= total * hours / sum
		}
	}
	return rates
}

// day is the demand of an hour over that of the mean hour.
func day(work bool, hour float64) float64 {
	wave := func(height, top, perDay float64) float64 {
		return height * math.Cos((hour-top)/24*2*math.Pi*perDay)
	}
	if work {
		return max(0.02, 1+wave(0.69, 14.6, 1)+wave(0.24, 10.8, 2)+wave(0.09, 7, 3))
	}
	return max(0.02, 1+wave(0.40, 18, 1)+wave(0.34, 9.3, 2)+wave(0.06, 6.2, 3))
}

// demoApp is the problem of the demo's app, as plan writes it, but for what the
// strategies know nothing of: the most changes at once, and the primary region,
// which keeps a Machine.
func demoApp(t *testing.T) placement.Problem {
	t.Helper()
	at := time.Date(2026, time.November, 23, 15, 20, 0, 0, time.UTC)
	clock := func() time.Time { return at }
	ctx, stop := context.WithCancel(t.Context())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- demo.Run(ctx, action.Process{Stdout: write, Stderr: io.Discard, Now: clock}, true)
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	text := make([]byte, 4096)
	n, err := read.Read(text) // printed at once
	if err != nil {
		t.Fatal(err)
	}
	environ := regexp.MustCompile(`FLY_[A-Z_]+=\S+`).FindAllString(string(text[:n]), -1)
	api := regexp.MustCompile(`--fly-api-url (\S+)`).FindStringSubmatch(string(text[:n]))
	if len(environ) != 3 || api == nil {
		t.Fatalf("demo --serve says:\n%s", text[:n])
	}
	dir := t.TempDir()
	status := action.Run(ctx, action.Process{
		Args: []string{"plan", "--report-dir", dir, "--fly-api-url", api[1]}, Dir: dir, Environ: environ,
		Stdout: io.Discard, Stderr: os.Stderr, Now: clock,
	})
	data, err := os.ReadFile(filepath.Join(dir, "problem.json"))
	if err != nil {
		t.Fatalf("plan ends with %d: %v", status, err)
	}
	p, err := placement.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	p.Limits.MaxChanges, p.Limits.MaxMonthlyCost = 0, 0
	for j := range p.Candidates {
		p.Candidates[j].MinMachines, p.Candidates[j].Required = 0, false
	}
	return p
}
