package region_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

func TestBuiltInTableIsWhole(t *testing.T) {
	c := region.BuiltIn()
	count := map[region.Status]int{}
	for _, r := range c.All() {
		count[r.Status]++
		if !r.Code.Valid() {
			t.Errorf("%q is not a region code", r.Code)
		}
		if r.Name == "" || (r.Lat == 0 && r.Lon == 0) || math.Abs(r.Lat) > 90 || math.Abs(r.Lon) > 180 {
			t.Errorf("%s: name or coordinates missing: %+v", r.Code, r)
		}
		if _, err := region.ParseArea(string(r.Area)); err != nil {
			t.Errorf("%s: %v", r.Code, err)
		}
		if r.Status == region.Deployable {
			if r.Replacement != "" {
				t.Errorf("%s is deployable and has a replacement", r.Code)
			}
			continue
		}
		if by, ok := c.Lookup(r.Replacement); !ok || by.Status != region.Deployable {
			t.Errorf("%s: replacement %q is not a deployable region", r.Code, r.Replacement)
		}
	}
	for status, want := range map[region.Status]int{region.Deployable: 18, region.Retired: 19, region.EdgeOnly: 6} {
		if count[status] != want {
			t.Errorf("%d %s regions, want %d", count[status], status, want)
		}
	}
}

func TestDeployableIsSortedByCode(t *testing.T) {
	var got []string
	for _, r := range region.BuiltIn().Deployable() {
		got = append(got, string(r.Code))
	}
	const want = "ams arn bom cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("Deployable:\n got %s\nwant %s", s, want)
	}
}

func TestParse(t *testing.T) {
	c := region.BuiltIn()
	for in, want := range map[string]region.Code{"ams": "ams", " IAD\n": "iad", "waw": "waw", "chi": "chi"} {
		if got, err := c.Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"iat":            `unknown region "iat": did you mean iad (Ashburn, Virginia)?`,
		"IDA":            `unknown region "IDA": did you mean iad (Ashburn, Virginia)?`,
		"london":         `unknown region "london": did you mean lhr (London, United Kingdom)?`,
		"Lodnon":         `unknown region "Lodnon": did you mean lhr (London, United Kingdom)?`,
		"united kingdom": `unknown region "united kingdom": did you mean lhr (London, United Kingdom)?`,
		"uk":             `unknown region "uk": did you mean lhr (London, United Kingdom)?`,
		"sfo":            `unknown region "sfo": did you mean sjc (San Jose, California)?`,
		"São Paulo":      `unknown region "São Paulo": did you mean gru (Sao Paulo, Brazil)?`,
		"california":     `unknown region "california": did you mean lax (Los Angeles, California) or sjc (San Jose, California)?`,
		"chicago":        `unknown region "chicago": did you mean ord (Chicago, Illinois)?`,
		"warsaw":         `unknown region "warsaw": did you mean waw (Warsaw, Poland)?`,
		"new york":       `unknown region "new york": did you mean ewr (Secaucus, New Jersey)?`,
		"zzqj":           `unknown region "zzqj"`,
		"x":              `unknown region "x"`,
		" ":              `empty region code`,
	} {
		got, err := c.Parse(in)
		if err == nil || err.Error() != want || got != "" {
			t.Errorf("Parse(%q) = %q, %v\nwant error %s", in, got, err, want)
		}
	}
}

func TestParseListsTheCodesWhenNothingIsSimilar(t *testing.T) {
	_, err := region.BuiltIn().Parse("zzqj")
	if h := hint.Of(err); len(h) != 1 || !strings.HasPrefix(h[0], "use one of ams, arn, ") {
		t.Errorf("hints %q", h)
	}
}

func TestExpandReadsCodesAndAreas(t *testing.T) {
	c := region.BuiltIn()
	got, err := c.Expand([]string{"sa", "africa", " Ams ", "eu", "gru"})
	want := []region.Code{"ams", "arn", "cdg", "fra", "gru", "jnb", "lhr"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Expand = %v, %v; want %v", got, err, want)
	}
	if got, err := c.Expand(nil); len(got) != 0 || err != nil {
		t.Errorf("Expand(nil) = %v, %v", got, err)
	}
}

func TestExpandReportsEveryProblem(t *testing.T) {
	got, err := region.BuiltIn().Expand([]string{"iat", "ams", "paris"})
	const want = "unknown region \"iat\": did you mean iad (Ashburn, Virginia)?\nunknown region \"paris\": did you mean cdg (Paris, France)?"
	if got != nil || err == nil || err.Error() != want {
		t.Errorf("Expand = %v, %v", got, err)
	}
	if _, err := (region.Catalog{}).Expand([]string{"eu"}); err == nil {
		t.Error("an area without regions is accepted")
	}
}

func TestStandIn(t *testing.T) {
	c := region.BuiltIn().With(
		region.Region{Code: "osl", Name: "Oslo, Norway", Lat: 59.9, Lon: 10.7, Status: region.EdgeOnly},
		region.Region{Code: "abc", Status: region.EdgeOnly},
		region.Region{Code: "loo", Status: region.Retired, Replacement: "pqr", Lat: 1, Lon: 104},
		region.Region{Code: "pqr", Status: region.Retired, Replacement: "loo"},
		region.Region{Code: "cdg", Status: region.Retired, Replacement: "lhr"},
	)
	for _, tc := range []struct {
		name     string
		in, want region.Code
	}{
		{"a deployable region stands for itself", "ams", "ams"},
		{"a retired one has flyctl's replacement", "hkg", "sin"},
		{"an edge-only one has its own", "lga", "ewr"},
		{"a retired replacement is followed", "mad", "lhr"},
		{"without a replacement the nearest serves", "osl", "arn"},
		{"replacements in a circle: the nearest serves", "loo", "sin"},
		{"neither replacement nor place", "abc", ""},
		{"unknown", "zzz", ""},
		{"istanbul's was retired with warsaw", "ist", "ams"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := c.StandIn(tc.in)
			if got != tc.want || ok != (tc.want != "") {
				t.Errorf("StandIn(%s) = %q, %v; want %q", tc.in, got, ok, tc.want)
			}
		})
	}
}

func TestWithKeepsWhatARowDoesNotSay(t *testing.T) {
	base := region.BuiltIn()
	c := base.With(
		region.Region{Code: "ams", Status: region.Retired, Replacement: "fra"},
		region.Region{Code: "new", Name: "New Region", Area: region.Africa, Lat: -1, Lon: 36},
		region.Region{Name: "no code"},
	)
	got, _ := c.Lookup("ams")
	want := region.Region{
		Code: "ams", Name: "Amsterdam, Netherlands", Area: region.Europe, Lat: 52.374342, Lon: 4.895439,
		Status: region.Retired, Replacement: "fra",
	}
	if got != want {
		t.Errorf("ams = %+v, want %+v", got, want)
	}
	if _, ok := c.Lookup("new"); !ok || len(c.All()) != len(base.All())+1 {
		t.Error("a region that the table does not know is not added")
	}
	if r, _ := base.Lookup("ams"); r.Status != region.Deployable {
		t.Error("With changed the catalog that it was called on")
	}
}

func TestCatalogIsNotChangedThroughItsSlices(t *testing.T) {
	c := region.BuiltIn()
	c.All()[0].Code = "zzz"
	c.Deployable()[0].Name = "elsewhere"
	if r, ok := c.Lookup("ams"); !ok || r.Name != "Amsterdam, Netherlands" {
		t.Error("a caller's slice reaches into the catalog")
	}
}

func TestZeroCatalogIsEmpty(t *testing.T) {
	var c region.Catalog
	if _, ok := c.Lookup("ams"); ok || len(c.All()) != 0 {
		t.Error("the zero Catalog has regions")
	}
	if _, err := c.Parse("ams"); err == nil {
		t.Error("the zero Catalog knows ams")
	}
}

func TestAreaFromFly(t *testing.T) {
	for wire, want := range map[string]region.Area{
		"africa": region.Africa, "asia_pacific": region.APAC, "europe": region.Europe,
		"north_america": region.NorthAmerica, "south_america": region.SouthAmerica,
	} {
		if got, ok := region.AreaFromFly(wire); !ok || got != want {
			t.Errorf("AreaFromFly(%q) = %q, %v; want %q", wire, got, ok, want)
		}
	}
	if got, ok := region.AreaFromFly("antarctica"); ok {
		t.Errorf("AreaFromFly(antarctica) = %q", got)
	}
	if _, err := region.ParseArea("europe"); err == nil || err.Error() != `unknown area "europe": use one of eu, na, sa, apac, africa` {
		t.Errorf("ParseArea(europe): %v", err)
	}
}

// Distances as flown between the airports' published positions differ by a
// few km from those of the regions; a mistake in the formula or a sign does not.
func TestDistanceKM(t *testing.T) {
	c := region.BuiltIn()
	for _, tc := range []struct {
		a, b region.Code
		km   float64
	}{{"lhr", "ewr", 5560}, {"ams", "fra", 364}, {"syd", "scl", 11340}, {"nrt", "lax", 8815}} {
		a, _ := c.Lookup(tc.a)
		b, _ := c.Lookup(tc.b)
		if got := region.DistanceKM(a, b); math.Abs(got-tc.km) > 25 || math.Abs(got-region.DistanceKM(b, a)) > 1e-9 {
			t.Errorf("%s-%s %.0f km, want about %.0f", tc.a, tc.b, got, tc.km)
		}
	}
	a, _ := c.Lookup("ams")
	if got := region.DistanceKM(a, a); got != 0 {
		t.Errorf("ams-ams %g km", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"ams", "london", "São", "", "\xff\xfe", "us-east-1"} {
		f.Add(s)
	}
	c := region.BuiltIn()
	f.Fuzz(func(t *testing.T, s string) {
		code, err := c.Parse(s)
		if (err == nil) != (code != "") {
			t.Fatalf("Parse(%q) = %q, %v: want a code or an error", s, code, err)
		}
		if _, known := c.Lookup(code); err == nil && !known {
			t.Fatalf("Parse(%q) = %q, which the catalog does not know", s, code)
		}
	})
}
