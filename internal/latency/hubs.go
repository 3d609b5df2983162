package latency

import (
	"math"

	"github.com/fly-placer/fly-placer/internal/region"
)

// A hub is a way-point where long cables land or meet.
type hub struct {
	name     string
	lat, lon float64
	// area groups hubs whose surroundings are connected directly: between two
	// places of one area the great circle is counted, and a place reaches the
	// rest of the world by any hub of its area. A place belongs to the area of
	// the hub that is nearest to it.
	area string
}

var hubs = []hub{
	{"London", 51.51, -0.13, "Europe"},
	{"Lisbon", 38.72, -9.14, "Europe"},
	{"Marseille", 43.30, 5.37, "Europe"},
	{"Frankfurt", 50.11, 8.68, "Europe"},
	{"Stockholm", 59.33, 18.07, "Europe"},
	{"Istanbul", 41.01, 28.98, "Turkey"},
	{"Moscow", 55.75, 37.62, "Russia"},
	{"New York", 40.71, -74.01, "North America"},
	{"Miami", 25.76, -80.19, "North America"},
	{"Dallas", 32.78, -96.80, "North America"},
	{"Los Angeles", 34.05, -118.24, "North America"},
	{"Seattle", 47.61, -122.33, "North America"},
	{"Honolulu", 21.31, -157.86, "Hawaii"},
	{"Mexico City", 19.43, -99.13, "Mexico"},
	{"Panama", 8.98, -79.52, "Central America"},
	{"Bogota", 4.71, -74.07, "Colombia"},
	{"Lima", -12.05, -77.04, "Peru"},
	{"Santiago", -33.45, -70.67, "Chile"},
	{"Buenos Aires", -34.60, -58.38, "La Plata"},
	{"Sao Paulo", -23.55, -46.63, "Brazil"},
	{"Lagos", 6.45, 3.39, "West Africa"},
	{"Cape Town", -33.92, 18.42, "South Africa"},
	{"Johannesburg", -26.20, 28.05, "South Africa"},
	{"Mombasa", -4.04, 39.67, "East Africa"},
	{"Suez", 29.97, 32.55, "Egypt"},
	{"Djibouti", 11.57, 43.15, "Red Sea"},
	{"Tel Aviv", 32.08, 34.78, "Levant"},
	{"Dubai", 25.20, 55.27, "Gulf"},
	{"Mumbai", 19.08, 72.88, "India"},
	{"Chennai", 13.08, 80.27, "India"},
	{"Singapore", 1.35, 103.82, "South-East Asia"},
	{"Hong Kong", 22.32, 114.17, "Hong Kong"},
	{"Tokyo", 35.68, 139.69, "Japan"},
	{"Seoul", 37.57, 126.98, "Korea"},
	{"Sydney", -33.87, 151.21, "Australia"},
	{"Perth", -31.95, 115.86, "Australia"},
	{"Auckland", -36.85, 174.76, "New Zealand"},
}

// links are the pairs of hubs between which cables run without a detour worth
// counting. Hubs of one area need none.
var links = [][2]string{
	{"London", "New York"},
	{"Frankfurt", "Istanbul"},
	{"Frankfurt", "Moscow"},
	{"Stockholm", "Moscow"},
	{"Marseille", "Suez"},
	{"Marseille", "Tel Aviv"},
	{"Lisbon", "Lagos"},
	{"Lisbon", "Cape Town"},
	{"Lagos", "Cape Town"},
	{"Suez", "Djibouti"},
	{"Djibouti", "Mombasa"},
	{"Djibouti", "Mumbai"},
	{"Djibouti", "Dubai"},
	{"Djibouti", "Singapore"},
	{"Dubai", "Mumbai"},
	{"Chennai", "Singapore"},
	{"Singapore", "Hong Kong"},
	{"Singapore", "Tokyo"},
	{"Singapore", "Perth"},
	{"Hong Kong", "Tokyo"},
	{"Hong Kong", "Seoul"},
	{"Seoul", "Tokyo"},
	{"Tokyo", "Seattle"},
	{"Tokyo", "Los Angeles"},
	{"Sydney", "Los Angeles"},
	{"Sydney", "Auckland"},
	{"Auckland", "Los Angeles"},
	{"Honolulu", "Los Angeles"},
	{"Dallas", "Mexico City"},
	{"Miami", "Panama"},
	{"Miami", "Bogota"},
	{"Miami", "Lima"},
	{"Miami", "Santiago"},
	{"Miami", "Sao Paulo"},
	{"New York", "Sao Paulo"},
	{"Santiago", "Buenos Aires"},
	{"Buenos Aires", "Sao Paulo"},
}

// A site is a place as the model sees it.
type site struct {
	place region.Region
	area  string
	// km is the distance to each hub: great circle to those of its own area,
	// through one of these to the others.
	km []float64
}

// A graph is the hubs with the shortest way between every two of them.
type graph struct {
	rows []region.Region // only the coordinates are set
	km   [][]float64
}

func newGraph() *graph {
	g := &graph{rows: make([]region.Region, len(hubs)), km: make([][]float64, len(hubs))}
	index := map[string]int{}
	for i, h := range hubs {
		index[h.name] = i
		g.rows[i] = region.Region{Lat: h.lat, Lon: h.lon}
	}
	for i := range hubs {
		g.km[i] = make([]float64, len(hubs))
		for j := range hubs {
			if hubs[i].area == hubs[j].area {
				g.km[i][j] = region.DistanceKM(g.rows[i], g.rows[j])
			} else {
				g.km[i][j] = math.Inf(1)
			}
		}
	}
	for _, l := range links {
		i, j := index[l[0]], index[l[1]]
		g.km[i][j] = region.DistanceKM(g.rows[i], g.rows[j])
		g.km[j][i] = g.km[i][j]
	}
	for k := range hubs { // Floyd-Warshall
		for i := range hubs {
			for j := range hubs {
				g.km[i][j] = min(g.km[i][j], g.km[i][k]+g.km[k][j])
			}
		}
	}
	return g
}

// site places r among the hubs.
func (g *graph) site(r region.Region) site {
	s := site{place: r, km: make([]float64, len(hubs))}
	direct := make([]float64, len(hubs))
	nearest := 0
	for i := range hubs {
		direct[i] = region.DistanceKM(r, g.rows[i])
		if direct[i] < direct[nearest] {
			nearest = i
		}
	}
	s.area = hubs[nearest].area
	for i := range hubs {
		s.km[i] = math.Inf(1)
		for j := range hubs {
			if hubs[j].area == s.area {
				s.km[i] = min(s.km[i], direct[j]+g.km[j][i])
			}
		}
	}
	return s
}

// length returns the km that count between a and b, and whether they lie in
// one area, so that it is the great circle.
func (g *graph) length(a, b site) (km float64, direct bool) {
	if a.area == b.area {
		return region.DistanceKM(a.place, b.place), true
	}
	km = math.Inf(1)
	for i, h := range hubs {
		if h.area == b.area {
			km = min(km, a.km[i]+region.DistanceKM(g.rows[i], b.place))
		}
	}
	return km, false
}
