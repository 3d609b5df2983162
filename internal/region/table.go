package region

// builtIn is the table of Fly.io's regions as of August 2026.
//
// Deployable regions: Fly's documentation, reference/regions, August 2026; the
// coordinates are those that the Machines API answers.
// Retired regions: removed from the documentation on 2025-10-16, but for maa
// (June 2023) and vin (2021; its place is that of the data centre with this
// code). Their stand-ins are those of flyctl's launch command, August 2026;
// iad for vin is ours: the two are 40 km apart.
// Edge-only codes accept connections and run no Machines; seen in metrics and
// documents of 2023 and 2024. Fly publishes no coordinates for them: these are
// the city's. Their stand-ins are those of Fly's price calculator (October
// 2024), save that ist, which has waw there, has waw's own stand-in, and that
// lga, which it does not name, has the one of nyc.
var builtIn = []Region{
	{Code: "ams", Name: "Amsterdam, Netherlands", Area: Europe, Lat: 52.374342, Lon: 4.895439},
	{Code: "arn", Name: "Stockholm, Sweden", Area: Europe, Lat: 59.6512, Lon: 17.9178},
	{Code: "bom", Name: "Mumbai, India", Area: APAC, Lat: 19.097403, Lon: 72.874245},
	{Code: "cdg", Name: "Paris, France", Area: Europe, Lat: 48.860875, Lon: 2.353477},
	{Code: "dfw", Name: "Dallas, Texas", Area: NorthAmerica, Lat: 32.778287, Lon: -96.7984},
	{Code: "ewr", Name: "Secaucus, New Jersey", Area: NorthAmerica, Lat: 40.789543, Lon: -74.05653},
	{Code: "fra", Name: "Frankfurt, Germany", Area: Europe, Lat: 50.1167, Lon: 8.6833},
	{Code: "gru", Name: "Sao Paulo, Brazil", Area: SouthAmerica, Lat: -23.549664, Lon: -46.65435},
	{Code: "iad", Name: "Ashburn, Virginia", Area: NorthAmerica, Lat: 39.02214, Lon: -77.462556},
	{Code: "jnb", Name: "Johannesburg, South Africa", Area: Africa, Lat: -26.13629, Lon: 28.20298},
	{Code: "lax", Name: "Los Angeles, California", Area: NorthAmerica, Lat: 33.9416, Lon: -118.4085},
	{Code: "lhr", Name: "London, United Kingdom", Area: Europe, Lat: 51.516434, Lon: -0.125656},
	{Code: "nrt", Name: "Tokyo, Japan", Area: APAC, Lat: 35.62161, Lon: 139.74185},
	{Code: "ord", Name: "Chicago, Illinois", Area: NorthAmerica, Lat: 41.891544, Lon: -87.63039},
	{Code: "sin", Name: "Singapore", Area: APAC, Lat: 1.3, Lon: 103.8},
	{Code: "sjc", Name: "San Jose, California", Area: NorthAmerica, Lat: 37.3516, Lon: -121.89674},
	{Code: "syd", Name: "Sydney, Australia", Area: APAC, Lat: -33.86603, Lon: 151.20693},
	{Code: "yyz", Name: "Toronto, Canada", Area: NorthAmerica, Lat: 43.64463, Lon: -79.38423},

	{Code: "atl", Name: "Atlanta, Georgia", Area: NorthAmerica, Lat: 33.6407, Lon: -84.4277, Status: Retired, Replacement: "dfw"},
	{Code: "bog", Name: "Bogota, Colombia", Area: SouthAmerica, Lat: 4.70159, Lon: -74.1469, Status: Retired, Replacement: "gru"},
	{Code: "bos", Name: "Boston, Massachusetts", Area: NorthAmerica, Lat: 42.366978, Lon: -71.02236, Status: Retired, Replacement: "ewr"},
	{Code: "den", Name: "Denver, Colorado", Area: NorthAmerica, Lat: 39.7392, Lon: -104.9847, Status: Retired, Replacement: "dfw"},
	{Code: "eze", Name: "Ezeiza, Argentina", Area: SouthAmerica, Lat: -34.8222, Lon: -58.5358, Status: Retired, Replacement: "gru"},
	{Code: "gdl", Name: "Guadalajara, Mexico", Area: NorthAmerica, Lat: 20.5217, Lon: -103.3109, Status: Retired, Replacement: "dfw"},
	{Code: "gig", Name: "Rio de Janeiro, Brazil", Area: SouthAmerica, Lat: -22.8099, Lon: -43.2505, Status: Retired, Replacement: "gru"},
	{Code: "hkg", Name: "Hong Kong", Area: APAC, Lat: 22.25097, Lon: 114.203224, Status: Retired, Replacement: "sin"},
	{Code: "maa", Name: "Chennai, India", Area: APAC, Lat: 13.064429, Lon: 80.25307, Status: Retired, Replacement: "bom"},
	{Code: "mad", Name: "Madrid, Spain", Area: Europe, Lat: 40.4381, Lon: -3.82, Status: Retired, Replacement: "cdg"},
	{Code: "mia", Name: "Miami, Florida", Area: NorthAmerica, Lat: 25.7877, Lon: -80.2241, Status: Retired, Replacement: "dfw"},
	{Code: "otp", Name: "Bucharest, Romania", Area: Europe, Lat: 44.4325, Lon: 26.1039, Status: Retired, Replacement: "fra"},
	{Code: "phx", Name: "Phoenix, Arizona", Area: NorthAmerica, Lat: 33.416084, Lon: -112.00948, Status: Retired, Replacement: "lax"},
	{Code: "qro", Name: "Queretaro, Mexico", Area: NorthAmerica, Lat: 20.62, Lon: -100.1863, Status: Retired, Replacement: "dfw"},
	{Code: "scl", Name: "Santiago, Chile", Area: SouthAmerica, Lat: -33.36572, Lon: -70.64292, Status: Retired, Replacement: "gru"},
	{Code: "sea", Name: "Seattle, Washington", Area: NorthAmerica, Lat: 47.6097, Lon: -122.3331, Status: Retired, Replacement: "sjc"},
	{Code: "vin", Name: "Vint Hill, Virginia", Area: NorthAmerica, Lat: 38.75, Lon: -77.67, Status: Retired, Replacement: "iad"},
	{Code: "waw", Name: "Warsaw, Poland", Area: Europe, Lat: 52.1657, Lon: 20.9671, Status: Retired, Replacement: "ams"},
	{Code: "yul", Name: "Montreal, Canada", Area: NorthAmerica, Lat: 45.48647, Lon: -73.75549, Status: Retired, Replacement: "yyz"},

	{Code: "chi", Name: "Chicago, Illinois", Area: NorthAmerica, Lat: 41.8781, Lon: -87.6298, Status: EdgeOnly, Replacement: "ord"},
	{Code: "dxb", Name: "Dubai, United Arab Emirates", Area: APAC, Lat: 25.2048, Lon: 55.2708, Status: EdgeOnly, Replacement: "bom"},
	{Code: "ist", Name: "Istanbul, Turkey", Area: Europe, Lat: 41.0082, Lon: 28.9784, Status: EdgeOnly, Replacement: "ams"},
	{Code: "lga", Name: "New York, New York", Area: NorthAmerica, Lat: 40.7128, Lon: -74.006, Status: EdgeOnly, Replacement: "ewr"},
	{Code: "mel", Name: "Melbourne, Australia", Area: APAC, Lat: -37.8136, Lon: 144.9631, Status: EdgeOnly, Replacement: "syd"},
	{Code: "nyc", Name: "New York, New York", Area: NorthAmerica, Lat: 40.7128, Lon: -74.006, Status: EdgeOnly, Replacement: "ewr"},
}

// alsoKnownAs maps names that people write to the deployable region that they
// most likely mean: the names of cities and countries that no row has, and
// airports of the same city. Only suggestions are made from it.
var alsoKnownAs = map[string]Code{
	"holland": "ams", "nl": "ams",
	"bma": "arn", "se": "arn",
	"bombay": "bom",
	"ory":    "cdg", "fr": "cdg", "par": "cdg",
	"dal": "dfw", "fort worth": "dfw",
	"jfk": "ewr", "new york": "ewr", "new york city": "ewr", "newark": "ewr", "ny": "ewr", "nj": "ewr",
	"de": "fra", "deutschland": "fra", "berlin": "fra", "ber": "fra", "munich": "fra",
	"são paulo": "gru", "br": "gru", "cgh": "gru", "brasil": "gru",
	"dca": "iad", "washington": "iad", "washington dc": "iad", "dulles": "iad", "us-east-1": "iad",
	"za": "jnb", "cape town": "jnb",
	"la":  "lax",
	"uk":  "lhr",
	"gb":  "lhr",
	"lon": "lhr", "lgw": "lhr", "england": "lhr", "great britain": "lhr", "britain": "lhr",
	"hnd": "nrt", "jp": "nrt", "tyo": "nrt",
	"mdw": "ord",
	"sg":  "sin", "sgp": "sin",
	"sfo": "sjc", "san francisco": "sjc", "silicon valley": "sjc", "bay area": "sjc",
	"au":  "syd",
	"yto": "yyz", "ontario": "yyz",
}
