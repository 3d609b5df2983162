package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
)

// observed makes the observations of an app in iad, as the edges of all
// deployable regions would see it: factor on the table, offset ms more, and
// noise of about so many ms.
func observed(rng *rand.Rand, factor, offset, noise float64) []latency.Observation {
	table := latency.BuiltIn()
	home, _ := region.BuiltIn().Lookup("iad")
	var out []latency.Observation
	for _, r := range region.BuiltIn().Deployable() {
		ms, _ := table.RTT(r, home)
		out = append(out, latency.Observation{
			Edge: r.Code, TableMS: ms, ObservedMS: offset + factor*ms + noise*rng.NormFloat64(),
			Requests: math.Round(1000 * math.Exp(3*rng.Float64())),
		})
	}
	return out
}

func TestCalibrateFindsTheFactor(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		factor, offset := 0.6+1.2*rng.Float64(), 10*rng.Float64()
		exact := latency.Calibrate(observed(rng, factor, offset, 0))
		if !exact.Used || exact.Reason != "" || exact.Edges != 18 || math.Abs(exact.Share-1) > 1e-12 ||
			math.Abs(exact.Factor-factor) > 1e-9 || math.Abs(exact.OffsetMS-offset) > 1e-6 || exact.ResidualMS > 1e-6 {
			t.Errorf("seed %d: %+v, want factor %.4f, offset %.2f", seed, exact, factor, offset)
		}
		noisy := latency.Calibrate(observed(rng, factor, offset, 5))
		if !noisy.Used || math.Abs(noisy.Factor-factor) > 0.1 || math.Abs(noisy.OffsetMS-offset) > 10 || noisy.ResidualMS < 1 || noisy.ResidualMS > 8 {
			t.Errorf("seed %d with 5 ms of noise: %+v, want factor %.4f, offset %.2f", seed, noisy, factor, offset)
		}
	}
}

// One edge whose requests go elsewhere, or are answered by fly-proxy itself.
func TestCalibrateIsNotMovedByOneEdge(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		all := observed(rng, 1.3, 4, 2)
		i := rng.IntN(len(all))
		all[i].ObservedMS = []float64{0, 900, -40}[seed%3]
		all[i].Requests = 5000
		if c := latency.Calibrate(all); !c.Used || math.Abs(c.Factor-1.3) > 0.1 {
			t.Errorf("seed %d, %s off: %+v, want factor 1.3", seed, all[i].Edge, c)
		}
	}
}

func TestCalibrateWeighsRequestsAndDistance(t *testing.T) {
	on := func(edge region.Code, tableMS, observedMS, requests float64) latency.Observation {
		return latency.Observation{Edge: edge, TableMS: tableMS, ObservedMS: observedMS, Requests: requests}
	}
	few := []latency.Observation{
		on("aaa", 10, 12, 90000), on("bbb", 60, 72, 80000), on("ccc", 110, 132, 70000), // 1.2
		on("ddd", 20, 90, 1000), on("eee", 50, 20, 1000), on("fff", 80, 30, 1000), on("ggg", 100, 40, 1000),
	}
	if c := latency.Calibrate(few); !c.Used || math.Abs(c.Factor-1.2) > 1e-9 || math.Abs(c.OffsetMS) > 1e-9 {
		t.Errorf("few requests at most edges: %+v, want factor 1.2", c)
	}
	// Among edges that are equally far only noise makes a slope.
	near := []latency.Observation{on("zzz", 0, 0, 5000)}
	for i := range 12 {
		ms := 100 + 0.1*float64(i)
		near = append(near, on(region.Code("aa"+string(rune('a'+i))), ms, 0.8*ms-2*float64(i)+11, 5000))
	}
	if c := latency.Calibrate(near); !c.Used || math.Abs(c.Factor-0.8) > 0.12 {
		t.Errorf("most edges together: %+v, want a factor near 0.8", c)
	}
	two := latency.Calibrate([]latency.Observation{on("aaa", 10, 20, 5000), on("bbb", 10, 40, 5000)})
	if two.OffsetMS != 20 || two.ResidualMS != 10 {
		t.Errorf("two edges of one weight: %+v, want the middle", two)
	}
}

func TestCalibrateRefusesThinTraffic(t *testing.T) {
	of := func(requests float64, tableMS ...float64) []latency.Observation {
		var out []latency.Observation
		for i, ms := range tableMS {
			out = append(out, latency.Observation{Edge: region.Code(string(rune('a'+i)) + "aa"), TableMS: ms, ObservedMS: 3 + 1.5*ms, Requests: requests})
		}
		return out
	}
	steep := of(5000, 1, 50, 100)
	for i := range steep {
		steep[i].ObservedMS = 2.5 * steep[i].TableMS
	}
	broken := append(of(1000, 1, 50), latency.Observation{Edge: "xxx", TableMS: 80, ObservedMS: math.NaN(), Requests: 9000})
	for _, tc := range []struct {
		name   string
		given  []latency.Observation
		edges  int
		reason string
	}{
		{"nothing", nil, 0, "no edge region"},
		{"few requests at each", of(999, 1, 50, 100, 150), 0, "no edge region"},
		{"one edge", of(1e6, 80), 1, "only one edge region"},
		{"two edges", of(1e6, 1, 80), 2, "only 2 edge regions"},
		{"a time that is none", broken, 2, "only 2 edge regions"},
		{"all equally far", of(1e6, 70, 75, 89), 3, "differ by 19 ms"},
		{"not far from it", of(1e6, 70, 75, 89.99), 3, "differ by 19 ms"},
		{"a factor that nobody believes", steep, 3, "by 2.50"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := latency.Calibrate(tc.given)
			if c.Used || c.Factor != 1 || c.Edges != tc.edges || !strings.Contains(c.Reason, tc.reason) {
				t.Errorf("%+v, want %d edges and a reason like %q", c, tc.edges, tc.reason)
			}
		})
	}
	if c := latency.Calibrate(of(1000, 1, 50, 100)); !c.Used || math.Abs(c.Factor-1.5) > 1e-12 {
		t.Errorf("just enough: %+v, want factor 1.5", c)
	}
	thin := append(of(3000, 1, 50, 100), of(500, 20, 30)...)
	if c := latency.Calibrate(thin); !c.Used || c.Edges != 3 || math.Abs(c.Share-0.9) > 1e-12 {
		t.Errorf("%+v, want 3 edges with 90 %% of the requests", c)
	}
}

func TestCalibrateKeepsItsLaws(t *testing.T) {
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(b)) }
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		all := observed(rng, 1.1, 5, 8)
		c := latency.Calibrate(all)
		changed := func(change func(*latency.Observation)) latency.Calibration {
			out := slices.Clone(all)
			for i := range out {
				change(&out[i])
			}
			return latency.Calibrate(out)
		}
		mixed := slices.Clone(all)
		rng.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if diff := cmp.Diff(c, latency.Calibrate(mixed)); diff != "" {
			t.Errorf("seed %d: the order counts:\n%s", seed, diff)
		}
		if d := changed(func(o *latency.Observation) { o.Requests *= 16 }); !near(d.Factor, c.Factor) || !near(d.ResidualMS, c.ResidualMS) {
			t.Errorf("seed %d: %+v with more requests everywhere, was %+v", seed, d, c)
		}
		if d := changed(func(o *latency.Observation) { o.ObservedMS += 12 }); !near(d.Factor, c.Factor) || !near(d.OffsetMS, c.OffsetMS+12) || !near(d.ResidualMS, c.ResidualMS) {
			t.Errorf("seed %d: %+v with 12 ms more everywhere, was %+v", seed, d, c)
		}
		if d := changed(func(o *latency.Observation) { o.TableMS *= 1.25 }); !near(d.Factor, c.Factor/1.25) || !near(d.ResidualMS, c.ResidualMS) {
			t.Errorf("seed %d: %+v on a slower table, was %+v", seed, d, c)
		}
		// Calibrated once, nothing is left to calibrate.
		if d := changed(func(o *latency.Observation) { o.TableMS *= c.Factor }); !near(d.Factor, 1) {
			t.Errorf("seed %d: factor %v on the calibrated table", seed, d.Factor)
		}
	}
}

func TestScaledLeavesWhatIsMeasuredOnFly(t *testing.T) {
	plain := latency.BuiltIn().With(matrix(t, "ams,iad,70\n"))
	oslo := region.Region{Code: "osl", Lat: 59.91, Lon: 10.75}
	regions := append(region.BuiltIn().All(), oslo)
	scaled, twice := plain.Scaled(1.5), plain.Scaled(3).Scaled(0.5)
	seen := map[latency.Source]int{}
	for _, a := range regions {
		for _, b := range regions {
			was, from := plain.RTT(a, b)
			want := was
			if from == latency.Measured || from == latency.Model {
				want = 1.5 * was
			}
			seen[from]++
			got, src := scaled.RTT(a, b)
			again, _ := twice.RTT(a, b)
			if math.Abs(got-want) > 1e-9 || math.Abs(again-want) > 1e-9 || src != from {
				t.Errorf("%s, %s: %v ms (%s), want %v ms (%s)", a.Code, b.Code, got, src, want, from)
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("sources %v, want all four", seen)
	}
	later, _ := latency.BuiltIn().Scaled(2).With(matrix(t, "ams,fra,9\n")).RTT(lookup(t, "ams"), lookup(t, "lhr"))
	if first, _ := latency.BuiltIn().RTT(lookup(t, "ams"), lookup(t, "lhr")); later != 2*first {
		t.Errorf("a matrix on a scaled table: %v ms, want twice %v", later, first)
	}
}
