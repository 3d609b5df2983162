package latency_test

import (
	"math"
	"testing"

	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/region"
)

func lookup(t testing.TB, c region.Code) region.Region {
	t.Helper()
	r, ok := region.BuiltIn().Lookup(c)
	if !ok {
		t.Fatalf("no region %s", c)
	}
	return r
}

func matrix(t *testing.T, csv string) latency.Matrix {
	t.Helper()
	m, err := latency.ParseMatrix([]byte(csv))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRTTTakesTheBestSourceThereIs(t *testing.T) {
	table := latency.BuiltIn()
	for _, tc := range []struct {
		name     string
		a, b     region.Code
		src      latency.Source
		min, max float64
	}{
		{"one region", "ams", "ams", latency.Same, 1, 1},
		{"one city, two codes", "ord", "chi", latency.Same, 1, 1},
		{"one metropolis, two of the survey's cities", "lga", "ewr", latency.Same, 1, 1},
		{"40 km apart with one city of the survey", "vin", "iad", latency.Same, 1, 1},
		{"two cities of the survey, an ocean between", "iad", "ams", latency.Measured, 80, 85},
		{"retired and deployable", "waw", "fra", latency.Measured, 15, 35},
		{"edge-only and deployable", "dxb", "fra", latency.Measured, 100, 115},
		{"no server of the survey in Mumbai", "bom", "sin", latency.Model, 50, 80},
		{"Europe to Mumbai by Suez", "bom", "fra", latency.Model, 105, 140},
		{"a routing accident of the survey (158 ms)", "scl", "eze", latency.Model, 15, 40},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, b := lookup(t, tc.a), lookup(t, tc.b)
			ms, src := table.RTT(a, b)
			if src != tc.src || ms < tc.min || ms > tc.max {
				t.Errorf("RTT(%s, %s) = %.1f ms (%s), want %v-%v ms (%s)", tc.a, tc.b, ms, src, tc.min, tc.max, tc.src)
			}
		})
	}
}

func TestBuiltInIsSymmetricAndNotFasterThanLight(t *testing.T) {
	const fibreKMPerMS = 102 // and back
	table, rows := latency.BuiltIn(), region.BuiltIn().All()
	for _, a := range rows {
		for _, b := range rows {
			ms, src := table.RTT(a, b)
			back, backSrc := table.RTT(b, a)
			if ms != back || src != backSrc {
				t.Errorf("%s-%s %v (%s), back %v (%s)", a.Code, b.Code, ms, src, back, backSrc)
			}
			if km := region.DistanceKM(a, b); src != latency.Same && ms < km/fibreKMPerMS || ms < 1 || ms > 500 {
				t.Errorf("%s-%s: %v ms (%s) for %.0f km", a.Code, b.Code, ms, src, km)
			}
		}
	}
}

// Mumbai is the only deployable region without a server of the survey, and two
// pairs are left out as routing accidents.
func TestDeployableRegionsAreMeasured(t *testing.T) {
	table, rows := latency.BuiltIn(), region.BuiltIn().Deployable()
	for i, a := range rows {
		for _, b := range rows[:i] {
			modelled := a.Code == "bom" || b.Code == "bom" || a.Code == "sin" && b.Code == "cdg" || a.Code == "nrt" && b.Code == "arn"
			if _, src := table.RTT(a, b); (src == latency.Model) != modelled || !modelled && src != latency.Measured {
				t.Errorf("%s-%s is from %q", a.Code, b.Code, src)
			}
		}
	}
}

func TestTheUsersMatrixComesFirst(t *testing.T) {
	table := latency.BuiltIn().With(matrix(t, "nrt,ewr,231\nams,iad,83\niad,ams,90\nlga,ewr,2\nams,ams,0.4\nxyz,ams,12"))
	xyz := region.Region{Code: "xyz", Lat: 52, Lon: 5}
	for _, tc := range []struct {
		name string
		a, b region.Region
		ms   float64
		src  latency.Source
	}{
		{"over the survey, in the direction given", lookup(t, "nrt"), lookup(t, "ewr"), 231, latency.FromMatrix},
		{"and in the other one", lookup(t, "ewr"), lookup(t, "nrt"), 231, latency.FromMatrix},
		{"each direction has its own entry", lookup(t, "ams"), lookup(t, "iad"), 83, latency.FromMatrix},
		{"so the table is not symmetric", lookup(t, "iad"), lookup(t, "ams"), 90, latency.FromMatrix},
		{"over the rule of one city", lookup(t, "ewr"), lookup(t, "lga"), 2, latency.FromMatrix},
		{"even within a region", lookup(t, "ams"), lookup(t, "ams"), 0.4, latency.FromMatrix},
		{"for a region that the program doesn't know", lookup(t, "ams"), xyz, 12, latency.FromMatrix},
		{"what it lacks stays as it is", lookup(t, "fra"), lookup(t, "fra"), 1, latency.Same},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if ms, src := table.RTT(tc.a, tc.b); ms != tc.ms || src != tc.src {
				t.Errorf("RTT = %v (%s), want %v (%s)", ms, src, tc.ms, tc.src)
			}
		})
	}
}

func TestWithAddsToAnEarlierMatrixAndLeavesItsTable(t *testing.T) {
	first := latency.BuiltIn().With(matrix(t, "ams,iad,83\nams,fra,9"))
	second := first.With(matrix(t, "ams,iad,70"))
	ams, iad, fra := lookup(t, "ams"), lookup(t, "iad"), lookup(t, "fra")
	for _, tc := range []struct {
		name  string
		table *latency.Table
		b     region.Region
		want  float64
	}{
		{"replaced", second, iad, 70},
		{"kept", second, fra, 9},
		{"the first table is as it was", first, iad, 83},
	} {
		if ms, _ := tc.table.RTT(ams, tc.b); ms != tc.want {
			t.Errorf("%s: %v ms, want %v", tc.name, ms, tc.want)
		}
	}
	if _, src := latency.BuiltIn().RTT(ams, iad); src != latency.Measured {
		t.Errorf("the built-in table has become %q", src)
	}
}

func TestUnknownPlacesAreEstimatedFromTheirCoordinates(t *testing.T) {
	table := latency.BuiltIn()
	oslo := region.Region{Code: "osl", Lat: 59.91, Lon: 10.75}
	suburb := region.Region{Code: "osx", Lat: 59.95, Lon: 11}
	elsewhere := region.Region{Code: "ams", Lat: -36.85, Lon: 174.76} // the code, but not the place
	if ms, src := table.RTT(oslo, lookup(t, "arn")); src != latency.Model || ms < 5 || ms > 25 {
		t.Errorf("Oslo-Stockholm %.1f ms (%s)", ms, src)
	}
	there, _ := table.RTT(oslo, lookup(t, "syd"))
	back, _ := table.RTT(lookup(t, "syd"), oslo)
	if there != back || there < 230 || there > 360 {
		t.Errorf("Oslo-Sydney %v ms, back %v", there, back)
	}
	if ms, src := table.RTT(oslo, suburb); ms != 1 || src != latency.Same {
		t.Errorf("Oslo and a suburb: %v ms (%s)", ms, src)
	}
	if ms, src := table.RTT(elsewhere, lookup(t, "fra")); src != latency.Model || ms < 200 {
		t.Errorf("Auckland under the code ams is %.1f ms (%s) from Frankfurt", ms, src)
	}
	if ms, src := table.RTT(region.Region{}, region.Region{Lat: 10, Lon: 100}); math.IsNaN(ms) || math.IsInf(ms, 0) || src != latency.Model {
		t.Errorf("two regions without a code: %v ms (%s)", ms, src)
	}
}

func BenchmarkRTT(b *testing.B) {
	table := latency.BuiltIn()
	ams, bom := lookup(b, "ams"), lookup(b, "bom")
	oslo := region.Region{Code: "osl", Lat: 59.91, Lon: 10.75}
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			table.RTT(ams, bom)
		}
	})
	b.Run("unknown", func(b *testing.B) {
		for b.Loop() {
			table.RTT(ams, oslo)
		}
	})
}
