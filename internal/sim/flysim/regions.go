package flysim

// allRegions returns the platform's list as of 2026: the 18 regions that run
// Machines and those that were retired, which the API goes on listing with
// deprecated set.
func allRegions() []Region {
	return []Region{
		{Code: "ams", Name: "Amsterdam, Netherlands", Geo: "europe", Lat: 52.374342, Lon: 4.895439},
		{Code: "arn", Name: "Stockholm, Sweden", Geo: "europe", Lat: 59.6512, Lon: 17.9178},
		{Code: "bom", Name: "Mumbai, India", Geo: "asia_pacific", Lat: 19.097403, Lon: 72.874245},
		{Code: "cdg", Name: "Paris, France", Geo: "europe", Lat: 48.860875, Lon: 2.353477},
		{Code: "dfw", Name: "Dallas, Texas (US)", Geo: "north_america", Lat: 32.778287, Lon: -96.7984},
		{Code: "ewr", Name: "Secaucus, NJ (US)", Geo: "north_america", Lat: 40.789543, Lon: -74.05653},
		{Code: "fra", Name: "Frankfurt, Germany", Geo: "europe", Lat: 50.1167, Lon: 8.6833},
		{Code: "gru", Name: "Sao Paulo, Brazil", Geo: "south_america", Lat: -23.549664, Lon: -46.65435},
		{Code: "iad", Name: "Ashburn, Virginia (US)", Geo: "north_america", Lat: 39.02214, Lon: -77.462556},
		{Code: "jnb", Name: "Johannesburg, South Africa", Geo: "africa", Lat: -26.13629, Lon: 28.20298},
		{Code: "lax", Name: "Los Angeles, California (US)", Geo: "north_america", Lat: 33.9416, Lon: -118.4085},
		{Code: "lhr", Name: "London, United Kingdom", Geo: "europe", Lat: 51.516434, Lon: -0.125656},
		{Code: "nrt", Name: "Tokyo, Japan", Geo: "asia_pacific", Lat: 35.62161, Lon: 139.74185},
		{Code: "ord", Name: "Chicago, Illinois (US)", Geo: "north_america", Lat: 41.891544, Lon: -87.63039},
		{Code: "sin", Name: "Singapore, Singapore", Geo: "asia_pacific", Lat: 1.3, Lon: 103.8},
		{Code: "sjc", Name: "San Jose, California (US)", Geo: "north_america", Lat: 37.3516, Lon: -121.89674},
		{Code: "syd", Name: "Sydney, Australia", Geo: "asia_pacific", Lat: -33.86603, Lon: 151.20693},
		{Code: "yyz", Name: "Toronto, Canada", Geo: "north_america", Lat: 43.64463, Lon: -79.38423},
		{Code: "atl", Name: "Atlanta", Geo: "north_america", Lat: 33.6407, Lon: -84.4277, Deprecated: true},
		{Code: "bog", Name: "Bogota", Geo: "south_america", Lat: 4.70159, Lon: -74.1469, Deprecated: true},
		{Code: "bos", Name: "Boston", Geo: "north_america", Lat: 42.366978, Lon: -71.02236, Deprecated: true},
		{Code: "den", Name: "Denver", Geo: "north_america", Lat: 39.7392, Lon: -104.9847, Deprecated: true},
		{Code: "eze", Name: "Ezeiza (Buenos Aires)", Geo: "south_america", Lat: -34.8222, Lon: -58.5358, Deprecated: true},
		{Code: "gdl", Name: "Guadalajara", Geo: "north_america", Lat: 20.5217, Lon: -103.3109, Deprecated: true},
		{Code: "gig", Name: "Rio de Janeiro", Geo: "south_america", Lat: -22.8099, Lon: -43.2505, Deprecated: true},
		{Code: "hkg", Name: "Hong Kong", Geo: "asia_pacific", Lat: 22.25097, Lon: 114.203224, Deprecated: true},
		{Code: "maa", Name: "Chennai", Geo: "asia_pacific", Lat: 13.064429, Lon: 80.25307, Deprecated: true},
		{Code: "mad", Name: "Madrid", Geo: "europe", Lat: 40.4381, Lon: -3.82, Deprecated: true},
		{Code: "mia", Name: "Miami", Geo: "north_america", Lat: 25.7877, Lon: -80.2241, Deprecated: true},
		{Code: "otp", Name: "Bucharest", Geo: "europe", Lat: 44.4325, Lon: 26.1039, Deprecated: true},
		{Code: "phx", Name: "Phoenix", Geo: "north_america", Lat: 33.416084, Lon: -112.00948, Deprecated: true},
		{Code: "qro", Name: "Queretaro", Geo: "north_america", Lat: 20.62, Lon: -100.1863, Deprecated: true},
		{Code: "scl", Name: "Santiago", Geo: "south_america", Lat: -33.36572, Lon: -70.64292, Deprecated: true},
		{Code: "sea", Name: "Seattle", Geo: "north_america", Lat: 47.6097, Lon: -122.3331, Deprecated: true},
		{Code: "waw", Name: "Warsaw", Geo: "europe", Lat: 52.1657, Lon: 20.9671, Deprecated: true},
		{Code: "yul", Name: "Montreal", Geo: "north_america", Lat: 45.48647, Lon: -73.75549, Deprecated: true},
	}
}
