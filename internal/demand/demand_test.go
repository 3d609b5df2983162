package demand_test

import (
	"math"
	"testing"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/region"
)

func everywhere(region.Code) bool { return true }

func constant(n int, v float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestRateTimesConcurrencyTimesBurst(t *testing.T) {
	h := demand.History{
		Hours:           2,
		Responses:       map[region.Code][]float64{"ams": {3600, 7200}, "iad": {3600, 0}},
		Served:          []float64{7200, 7200}, // 2 requests a second in both hours
		ConcurrencyMean: []float64{1, 3},       // 4 in flight for 4 requests a second
		ConcurrencyMax:  []float64{1.5, 9},
	}
	d := demand.Of(h, 1, everywhere)
	near(t, "PerRPS", d.Load.PerRPS, 1)
	near(t, "Burst", d.Load.Burst, 3)
	near(t, "ams, hour 1", d.Edges[0].InFlight[0], 3)
	near(t, "ams, hour 2", d.Edges[0].InFlight[1], 6)
	near(t, "iad, hour 2", d.Edges[1].InFlight[1], 0)
	near(t, "Mapped", d.Mapped, 14400)
	near(t, "PerMonth", d.PerMonth, 14400*360)
}

func TestHoursWithoutSampleDoNotDiluteTheConcurrency(t *testing.T) {
	nan := math.NaN()
	h := demand.History{
		Hours:           3,
		Responses:       map[region.Code][]float64{"ams": constant(3, 3600)},
		Served:          []float64{3600, nan, 3600},
		ConcurrencyMean: []float64{2, 5, nan},
		ConcurrencyMax:  []float64{2, 5, nan},
	}
	near(t, "PerRPS", demand.Of(h, 1, everywhere).Load.PerRPS, 2)
}

func TestQuietHoursDoNotSetTheBurst(t *testing.T) {
	h := demand.History{
		Hours:           2,
		Responses:       map[region.Code][]float64{"ams": constant(2, 3600)},
		Served:          constant(2, 3600),
		ConcurrencyMean: []float64{10, 0.01},
		ConcurrencyMax:  []float64{20, 1}, // a single request in an empty hour: a ratio of 100
	}
	near(t, "Burst", demand.Of(h, 1, everywhere).Load.Burst, 2)
}

func TestNoMeasuredPeakIsLeftOut(t *testing.T) {
	h := demand.History{
		Hours:           2,
		Responses:       map[region.Code][]float64{"ams": constant(2, 3600)},
		Served:          constant(2, 3600),
		ConcurrencyMean: []float64{100, 9},   // a quiet hour,
		ConcurrencyMax:  []float64{100, 900}, // with the largest peak of all
	}
	near(t, "Burst", demand.Of(h, 1, everywhere).Load.Burst, 9)
}

// Machines serve what enters at unknown codes too, and what comes from inside
// Fly's network: it must not vanish from the load.
func TestTheLoadOfTheWholeAppIsSized(t *testing.T) {
	h := demand.History{
		Hours:           1,
		Responses:       map[region.Code][]float64{"iad": {360000}, "qqq": {3240000}}, // 100 and 900 a second
		Served:          []float64{36000000},                                          // 10,000 a second, most from inside
		ConcurrencyMean: []float64{100},
		ConcurrencyMax:  []float64{100},
	}
	d := demand.Of(h, 1, func(c region.Code) bool { return c == "iad" })
	near(t, "in flight", d.Edges[0].InFlight[0], 100)
	near(t, "PerMonth", d.PerMonth, 360000*720)
}

func TestAStatusFilterKeepsTheLoadByResponseTimeToo(t *testing.T) {
	h := demand.History{
		Hours: 1, Filtered: true, ResponseTime: 0.1,
		Responses: map[region.Code][]float64{"ams": {40 * 3600}},
		Served:    []float64{4000 * 3600},
	}
	near(t, "in flight", demand.Of(h, 1, everywhere).Edges[0].InFlight[0], 400)
	h.Served = nil
	if d := demand.Of(h, 1, everywhere); d.Load.Basis != demand.Unknown {
		t.Errorf("Basis = %q, though nobody knows all of the requests", d.Load.Basis)
	}
}

func TestAStatusFilterKeepsTheLoad(t *testing.T) {
	h := demand.History{
		Hours:           1,
		Filtered:        true,
		Responses:       map[region.Code][]float64{"ams": {1800}}, // half of what was served
		Served:          []float64{3600},
		ConcurrencyMean: []float64{4},
		ConcurrencyMax:  []float64{4},
	}
	near(t, "in flight", demand.Of(h, 1, everywhere).Edges[0].InFlight[0], 4)
}

func TestWithoutConcurrencyTheResponseTimeServes(t *testing.T) {
	h := demand.History{
		Hours: 1, ResponseTime: 0.25,
		Responses: map[region.Code][]float64{"ams": {36000}},
	}
	d := demand.Of(h, 1, everywhere)
	if d.Load.Basis != demand.ResponseTime {
		t.Errorf("Basis = %q", d.Load.Basis)
	}
	near(t, "in flight", d.Edges[0].InFlight[0], 2.5)
}

func TestWithoutEitherNothingIsClaimed(t *testing.T) {
	h := demand.History{Hours: 1, ResponseTime: math.NaN(), Responses: map[region.Code][]float64{"ams": {36000}}}
	d := demand.Of(h, 1, everywhere)
	if d.Load.Basis != demand.Unknown {
		t.Errorf("Load = %+v: want none", d.Load)
	}
	near(t, "requests per second", d.Edges[0].InFlight[0], 10)
}

func TestTwoWeeksFoldToTheLargerOfEachHour(t *testing.T) {
	hourly := constant(336, 3600)
	hourly[5], hourly[168+7] = 7200, 10800
	h := demand.History{
		Hours: 336, ResponseTime: 1,
		Responses: map[region.Code][]float64{"ams": hourly},
	}
	e := demand.Of(h, 1, everywhere).Edges[0]
	if len(e.InFlight) != 168 || len(e.Daily) != 14 {
		t.Fatalf("%d hours, %d days", len(e.InFlight), len(e.Daily))
	}
	near(t, "hour 4", e.InFlight[4], 1)
	near(t, "hour 5, first week", e.InFlight[5], 2)
	near(t, "hour 7, second week", e.InFlight[7], 3)
	near(t, "Requests", e.Requests, 334*3600+7200+10800)
}

func TestAGroupsShareScalesEverything(t *testing.T) {
	h := demand.History{Hours: 1, ResponseTime: 1, Responses: map[region.Code][]float64{"ams": {3600}}}
	d := demand.Of(h, 0.25, everywhere)
	near(t, "Mapped", d.Mapped, 900)
	near(t, "in flight", d.Edges[0].InFlight[0], 0.25)
}

func TestUnknownCodesAreCountedApart(t *testing.T) {
	h := demand.History{
		Hours: 1, ResponseTime: 1,
		Responses: map[region.Code][]float64{"ams": {100}, "xxx": {50}, "fra": {0}},
	}
	d := demand.Of(h, 1, func(c region.Code) bool { return c != "xxx" })
	if len(d.Edges) != 1 || d.Edges[0].Code != "ams" {
		t.Errorf("Edges = %+v: want ams alone; fra had no requests", d.Edges)
	}
	near(t, "Unmapped", d.Unmapped["xxx"], 50)
	near(t, "Mapped", d.Mapped, 100)
}

func TestGapsCountHoursWithoutAnySampleOfTheOrganization(t *testing.T) {
	h := demand.History{Hours: 4, OrgUp: []bool{true, false, true, true}}
	near(t, "Gaps", h.Gaps(), 0.25)
	near(t, "Gaps of nothing", demand.History{}.Gaps(), 1)
}

func TestABusyHourSetsTheBurst(t *testing.T) {
	for name, tt := range map[string]struct{ mean, peak, want float64 }{
		"a tenth of the busiest counts":         {10, 60, 6},
		"a seventh does":                        {15, 60, 4},
		"a little less than a tenth does not":   {9.9, 99, 1},
		"and not though its ratio is enormous":  {0.5, 100, 1},
		"a peak above the busiest hour's does":  {9.9, 120, 1.2},
		"an hour without a sample says nothing": {math.NaN(), math.NaN(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := demand.History{
				Hours:           2,
				Responses:       map[region.Code][]float64{"ams": constant(2, 3600)},
				Served:          constant(2, 3600),
				ConcurrencyMean: []float64{100, tt.mean},
				ConcurrencyMax:  []float64{100, tt.peak},
			}
			near(t, "Burst", demand.Of(h, 1, everywhere).Load.Burst, tt.want)
		})
	}
}
