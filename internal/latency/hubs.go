package latency

import (
	"math"

	"github.com/fly-placer/fly-placer/internal/region"
)

// A hub is a way-point where long cables land or meet.
type hub struct {
	name     string
	lat, lon float64
	// area groups hubs whose surroundings are well connected: between two places
	// of one area the great circle counts, and a place reaches the rest of the
	// world by any hub of its area. A place is in the area of its nearest hub.
	area string
}

var hubs = []hub{
	{"London", 51.51, -0.13, "Europe"},
	{"Lisbon", 38.72, -9.14, "Europe"},
	{"Marseille", 43.30, 5.37, "Europe"},
	{"Frankfurt", 50.11, 8.68, "Europe"},
	{"Amsterdam", 52.37, 4.90, "Europe"},
	{"Stockholm", 59.33, 18.07, "Nordics"},
	{"Copenhagen", 55.68, 12.57, "Nordics"},
	{"Istanbul", 41.01, 28.98, "Turkey"},
	{"Moscow", 55.75, 37.62, "Russia"},
	{"New York", 40.71, -74.01, "North America"},
	{"Miami", 25.76, -80.19, "North America"},
	{"Chicago", 41.88, -87.63, "North America"},
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
	{"Jeddah", 21.49, 39.19, "Saudi Arabia"},
	{"Guatemala City", 14.63, -90.51, "Guatemala"},
	{"Shanghai", 31.23, 121.47, "China"},
}

// links are the pairs of hubs between which long-distance cables run without a
// detour worth counting: Europe to Asia by Suez and never overland, South
// America by Miami and New York, southern Africa by its west coast, the Pacific
// by the west coast of the United States, Tokyo and Sydney.
var links = [][2]string{
	{"New York", "Chicago"},
	{"New York", "Miami"},
	{"New York", "Dallas"},
	{"Chicago", "Seattle"},
	{"Chicago", "Los Angeles"},
	{"Dallas", "Los Angeles"},
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
	{"Jeddah", "Suez"},
	{"Jeddah", "Djibouti"},
	{"Miami", "Guatemala City"},
	{"Tokyo", "Sydney"},
	{"Shanghai", "Los Angeles"},
	{"Shanghai", "Hong Kong"},
	{"Copenhagen", "Frankfurt"},
	{"Copenhagen", "Amsterdam"},
}

// A way is a number of km by land, inside areas, and by trunk, along links.
type way struct{ land, trunk float64 }

// landWeight makes a km by land count as more than one by trunk when the
// shortest way is looked for, near the ratio of their fitted coefficients.
const landWeight = 1.3

func (w way) weight() float64 { return landWeight*w.land + w.trunk }

// join returns the shorter of w and u followed by v.
func (w way) join(u, v way) way {
	via := way{u.land + v.land, u.trunk + v.trunk}
	if via.weight() < w.weight() {
		return via
	}
	return w
}

var nowhere = way{math.Inf(1), math.Inf(1)}

// A site is a place as the model sees it, with its way to each hub.
type site struct {
	place region.Region
	area  string
	ways  []way
}

// A graph is the hubs with the shortest way between every two of them.
type graph struct {
	rows []region.Region // only the coordinates are set
	ways [][]way
}

func newGraph() *graph {
	g := &graph{rows: make([]region.Region, len(hubs)), ways: make([][]way, len(hubs))}
	index := map[string]int{}
	for i, h := range hubs {
		index[h.name] = i
		g.rows[i] = region.Region{Lat: h.lat, Lon: h.lon}
	}
	for i := range hubs {
		g.ways[i] = make([]way, len(hubs))
		for j := range hubs {
			g.ways[i][j] = nowhere
			if hubs[i].area == hubs[j].area {
				g.ways[i][j] = way{land: region.DistanceKM(g.rows[i], g.rows[j])}
			}
		}
	}
	for _, l := range links {
		i, j := index[l[0]], index[l[1]]
		g.ways[i][j] = way{trunk: region.DistanceKM(g.rows[i], g.rows[j])}
		g.ways[j][i] = g.ways[i][j]
	}
	for k := range hubs { // Floyd-Warshall
		for i := range hubs {
			for j := range hubs {
				g.ways[i][j] = g.ways[i][j].join(g.ways[i][k], g.ways[k][j])
			}
		}
	}
	return g
}

// site places r among the hubs.
func (g *graph) site(r region.Region) site {
	s := site{place: r, ways: make([]way, len(hubs))}
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
		s.ways[i] = nowhere
		for j := range hubs {
			if hubs[j].area == s.area {
				s.ways[i] = s.ways[i].join(way{land: direct[j]}, g.ways[j][i])
			}
		}
	}
	return s
}

// between returns the way between two sites: inside one area the great circle,
// else the shortest way through hubs.
func (g *graph) between(a, b site) way {
	if a.area == b.area {
		return way{land: region.DistanceKM(a.place, b.place)}
	}
	w := nowhere
	for i, h := range hubs {
		if h.area == b.area {
			w = w.join(a.ways[i], way{land: region.DistanceKM(g.rows[i], b.place)})
		}
	}
	return w
}
