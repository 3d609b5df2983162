package latency

import (
	"math"
	"slices"
	"testing"

	"github.com/fly-placer/fly-placer/internal/region"
)

// errorsOnFly returns the relative errors of an estimate on the pairs of the
// embedded table, one for each pair of cities, sorted.
func errorsOnFly(estimate func(a, b region.Region) float64, statuses ...region.Status) []float64 {
	var errs []float64
	rows := region.BuiltIn()
	for i, a := range surveyCities {
		for _, b := range surveyCities[:i] {
			from, to := mainRegion(rows, a.codes), mainRegion(rows, b.codes)
			ms, ok := surveyRTT(from.Code, to.Code)
			ok = ok && region.DistanceKM(from, to) > sameCityKM
			if ok && slices.Contains(statuses, from.Status) && slices.Contains(statuses, to.Status) {
				errs = append(errs, math.Abs(estimate(from, to)-ms)/ms)
			}
		}
	}
	slices.Sort(errs)
	return errs
}

// mainRegion returns the deployable region of a city, else its first.
func mainRegion(rows region.Catalog, codes []region.Code) region.Region {
	var found []region.Region
	for _, c := range codes {
		r, _ := rows.Lookup(c)
		found = append(found, r)
	}
	return slices.MinFunc(found, func(a, b region.Region) int { return int(a.Status) - int(b.Status) })
}

// The figures of docs/latency.md for the pairs of the table. They move when a
// hub, a link, a coefficient or the table does: then the document is to be
// brought up to date as well.
func TestModelErrorsOnTheMeasuredPairs(t *testing.T) {
	hubs := NewHubModel(fitted)
	// The plain line fitted to the same survey, for comparison.
	plain := func(a, b region.Region) float64 { return 8.006 + 0.016989*region.DistanceKM(a, b) }
	all := []region.Status{region.Deployable, region.Retired, region.EdgeOnly}
	for _, tc := range []struct {
		name        string
		errs        []float64
		pairs       int
		median, p90 float64
	}{
		{"all, through hubs", errorsOnFly(hubs.RTT, all...), 648, 0.093, 0.248},
		{"all, plain", errorsOnFly(plain, all...), 648, 0.135, 0.387},
		{"deployable, through hubs", errorsOnFly(hubs.RTT, region.Deployable), 134, 0.075, 0.214},
		{"deployable, plain", errorsOnFly(plain, region.Deployable), 134, 0.143, 0.424},
	} {
		median, p90 := tc.errs[len(tc.errs)/2], tc.errs[len(tc.errs)*9/10]
		if len(tc.errs) != tc.pairs || math.Abs(median-tc.median) > 0.0005 || math.Abs(p90-tc.p90) > 0.0005 {
			t.Errorf("%s: %d pairs, median %.4f, 90th percentile %.4f; want %d, %.3f, %.3f", tc.name, len(tc.errs), median, p90, tc.pairs, tc.median, tc.p90)
		}
	}
}

func TestEveryLinkNamesItsHubs(t *testing.T) {
	names := map[string]bool{}
	for _, h := range hubs {
		if names[h.name] {
			t.Errorf("hub %s is there twice", h.name)
		}
		names[h.name] = true
	}
	for _, l := range links {
		if !names[l[0]] || !names[l[1]] || l[0] == l[1] {
			t.Errorf("link %v names no hub or one twice", l)
		}
	}
}

func TestEveryHubReachesEveryOther(t *testing.T) {
	g := newGraph()
	for i := range hubs {
		for j := range hubs {
			w := g.ways[i][j]
			if math.IsInf(w.weight(), 0) || math.Abs(w.weight()-g.ways[j][i].weight()) > 1e-6 {
				t.Errorf("%s to %s: %+v, back %+v", hubs[i].name, hubs[j].name, w, g.ways[j][i])
			}
		}
	}
}

func TestWaysFollowTheCables(t *testing.T) {
	g := newGraph()
	at := func(lat, lon float64) site { return g.site(region.Region{Lat: lat, Lon: lon}) }
	for _, tc := range []struct {
		name       string
		a, b       site
		land       bool // a way by land alone
		minKM, max float64
	}{
		{"inside Europe: the great circle", at(48.9, 2.4), at(50.1, 8.7), true, 450, 500},
		{"Frankfurt to Singapore by Suez, not overland (10,260 km)", at(50.1, 8.7), at(1.3, 103.8), false, 11500, 15000},
		{"Johannesburg to London by the west coast (9,070 km)", at(-26.1, 28.2), at(51.5, -0.1), false, 11000, 16000},
		{"Sao Paulo to Lisbon by North America (7,930 km)", at(-23.5, -46.7), at(38.7, -9.1), false, 13000, 17000},
		{"Tokyo to New York by the west coast (10,850 km)", at(35.7, 139.7), at(40.7, -74), false, 10850, 13500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := g.between(tc.a, tc.b)
			if km := w.land + w.trunk; km < tc.minKM || km > tc.max || (w.trunk == 0) != tc.land {
				t.Errorf("%.0f km by land and %.0f km of trunk, want %v-%v km", w.land, w.trunk, tc.minKM, tc.max)
			}
		})
	}
}
