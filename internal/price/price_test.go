package price_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

func guest(kind string, cpus, mb int) price.Guest {
	return price.Guest{CPUKind: kind, CPUs: cpus, MemoryMB: mb}
}

// The figures are those of Fly.io's price page, as read by others in July and
// on 2026-09-16, in USD a month; the page rounds to the cent.
func TestMonthlyEqualsThePricePage(t *testing.T) {
	table := price.BuiltIn()
	for _, tc := range []struct {
		guest  price.Guest
		region region.Code
		usd    float64
	}{
		{guest("shared", 1, 256), "iad", 1.94},
		{guest("shared", 1, 512), "iad", 3.19},
		{guest("shared", 1, 1024), "iad", 5.70},
		{guest("shared", 1, 2048), "iad", 10.70},
		{guest("shared", 1, 256), "ams", 2.02},
		{guest("shared", 1, 512), "ams", 3.32},
		{guest("shared", 1, 1024), "ams", 5.92},
		{guest("shared", 1, 2048), "ams", 11.11},
		{guest("performance", 1, 2048), "iad", 31.00},
		{guest("performance", 1, 4096), "iad", 41.01},
	} {
		got, err := table.Monthly(tc.guest, tc.region)
		if err != nil || math.Abs(got-tc.usd) > 0.0051 {
			t.Errorf("%s in %s: $%.4f, %v; want $%.2f", tc.guest, tc.region, got, err, tc.usd)
		}
	}
}

func TestMemoryBelowTheIncludedIsNotCheaper(t *testing.T) {
	table := price.BuiltIn()
	small, err := table.Monthly(guest("shared", 2, 256), "iad")
	whole, err2 := table.Monthly(guest("shared", 2, 512), "iad")
	if err != nil || err2 != nil || small != whole {
		t.Errorf("256 MB $%v (%v), 512 MB $%v (%v): the 512 MB of two vCPUs are included", small, err, whole, err2)
	}
}

func TestEveryDeployableRegionHasAPrice(t *testing.T) {
	var want []region.Code
	for _, r := range region.BuiltIn().Deployable() {
		want = append(want, r.Code)
	}
	if got := price.BuiltIn().Regions(); !slices.Equal(got, want) {
		t.Errorf("Regions() = %v, want %v", got, want)
	}
}

func TestUnknownRegionSaysHowToPriceIt(t *testing.T) {
	_, err := price.BuiltIn().Monthly(guest("shared", 1, 256), "xyz")
	if !errors.Is(err, price.ErrUnknownRegion) {
		t.Fatalf("error %v is not ErrUnknownRegion", err)
	}
	if got, want := err.Error(), `price a Machine: no price for region "xyz" in the table of 2026-09-16`; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	want := []string{`give its markup over iad in a file for the option prices: {"regions": {"xyz": 1.25}}`}
	if got := hint.Of(err); !slices.Equal(got, want) {
		t.Errorf("hints %q, want %q", got, want)
	}
}

func TestImpossibleGuestIsRefusedWithEveryReason(t *testing.T) {
	_, err := price.BuiltIn().Monthly(guest("quantum", 0, -1), "iad")
	for _, want := range []string{`unknown CPU kind "quantum"`, "0 CPUs", "-1 MB"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not name %s", err, want)
		}
	}
}

func TestGuestReadsLikeFlysPresets(t *testing.T) {
	for want, g := range map[string]price.Guest{
		"shared-cpu-1x 256 MB":  guest("shared", 1, 256),
		"shared-cpu-6x 1536 MB": guest("shared", 6, 1536),
		"shared-cpu-8x 16 GB":   guest("shared", 8, 16384),
		"performance-2x 4 GB":   guest("performance", 2, 4096),
	} {
		if got := g.String(); got != want {
			t.Errorf("String() = %q, want %q", got, want)
		}
	}
}

func TestOwnPricesReplaceOnlyWhatTheyName(t *testing.T) {
	table, err := price.Parse([]byte(`{"date": "2026-11-01", "ram_gb_second": 0.00000386, "regions": {"iad": 0.6, "xyz": 2}}`))
	if err != nil {
		t.Fatal(err)
	}
	if table.Date != "2026-11-01" || !strings.HasPrefix(table.Source, "own prices over ") {
		t.Errorf("Date %q, Source %q", table.Date, table.Source)
	}
	for _, tc := range []struct {
		region region.Code
		usd    float64 // of a shared vCPU with 1 GB more than included
	}{
		{"iad", (0.75 + 3.86) * 2.592 * 0.6},
		{"xyz", (0.75 + 3.86) * 2.592 * 2},
		{"ewr", (0.75 + 3.86) * 2.592},
	} {
		if got, err := table.Monthly(guest("shared", 1, 1280), tc.region); err != nil || math.Abs(got-tc.usd) > 1e-9 {
			t.Errorf("%s: $%v, %v; want $%v", tc.region, got, err, tc.usd)
		}
	}
	if got, _ := price.BuiltIn().Monthly(guest("shared", 1, 256), "iad"); math.Abs(got-1.944) > 1e-9 {
		t.Errorf("own prices changed the built-in table: iad $%v", got)
	}
}

func TestEmptyFileKeepsTheBuiltInPricesAndTheirDate(t *testing.T) {
	table, err := price.Parse([]byte(`{}`))
	if err != nil || table.Date != price.BuiltIn().Date || !slices.Equal(table.Regions(), price.BuiltIn().Regions()) {
		t.Errorf("Parse({}) = %+v, %v", table, err)
	}
}

func TestParseReportsEveryProblem(t *testing.T) {
	_, err := price.Parse([]byte(`{"date": "yesterday", "shared_vcpu_second": 1.94, "ram_gb_second": -1, "performance_vcpu_second": null,
		"ram": 1, "regions": {"IAD": 1, "ams": 0, "fra": "cheap", "fra": 1, "lhr": 1e999}}`))
	const want = `read prices: date: "yesterday" is not a day like "2026-11-01"
shared_vcpu_second: 1.94 a second is 5028480 USD a month: give USD per second
ram_gb_second: -1 is not a number above 0
performance_vcpu_second: null is not a number above 0
unknown key "ram": use date, shared_vcpu_second, performance_vcpu_second, ram_gb_second, regions or transfer_gb
regions: "IAD" is not a region code: use three lower-case letters
regions: ams: 0 is not a factor above 0 and at most 100; 1 is the price in iad
regions: fra: "cheap" is not a factor above 0 and at most 100; 1 is the price in iad
regions: "fra" is given twice
regions: lhr: 1e999 is not a factor above 0 and at most 100; 1 is the price in iad`
	if err == nil || err.Error() != want {
		t.Errorf("error:\n%v\nwant:\n%s", err, want)
	}
}

func TestParseRefusesWhatIsNotOneObject(t *testing.T) {
	for _, in := range []string{"", "[]", "null", `{"date": "2026-11-01"`, `{} {}`, `{"regions": []}`, "region,markup\niad,1\n", `{"regions": {"iad": 1}]`} {
		if table, err := price.Parse([]byte(in)); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", in, table)
		}
	}
}

// Whatever is put in the place of prices, the answer comes soon and is short.
func TestParseRefusesFilesOfAnotherKindSoon(t *testing.T) {
	const size, small = 4 << 20, 256 << 10
	fill := func(size int, s string) string { return strings.Repeat(s, size/len(s)) }
	long := strings.Repeat("x", size/2)
	for name, in := range map[string]string{
		"unknown keys":       "{" + fill(small, "\"ram\": 1,\n") + "\"ram\": 1}",
		"bad regions":        "{\"regions\": {" + fill(size, "\"IAD\": \"one and a half times the price in iad\",\n") + "\"IAD\": 0}}",
		"regions and no end": "{\"regions\": {" + fill(small, "\"iad\": 1,\n"),
		"a long key":         "{\"" + long + "\": 1, \"" + long + "\": 1}",
		"a long date":        "{\"date\": \"" + long + "\"}",
		"a long rate":        "{\"ram_gb_second\": \"" + long + "\"}",
		"a long number":      "{\"ram_gb_second\": 0." + strings.Repeat("1", small/2) + "}",
		"a long factor":      "{\"regions\": {\"iad\": [\"" + long + "\"]}}",
		"a long code":        "{\"regions\": {\"" + long + "\": 1}}",
		"lists in lists":     fill(small, "["),
		"objects in objects": fill(small, "{\"regions\":"),
		"one line":           fill(small, "x"),
	} {
		start := time.Now()
		_, err := price.Parse([]byte(in))
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if err == nil || len(err.Error()) > 40<<10 {
			t.Errorf("%s: want a short error, not %.300v", name, err)
		}
	}
}

func TestParseCountsTheProblemsBeyondAHundred(t *testing.T) {
	_, err := price.Parse([]byte("{\"regions\": {" + strings.Repeat("\"iad\": 0,", 99) + "\"ams\": 0, \"fra\": -1}}"))
	if err == nil {
		t.Fatal("no error")
	}
	// Each of the 99 but the first is a repetition, too.
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || lines[100] != "and 99 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"date": "2026-11-01", "shared_vcpu_second": 0.00000075, "regions": {"iad": 1}}`))
	f.Add([]byte(`{"regions": {"iad": 1, "iad": 2}} x`))
	f.Add([]byte(`{"ram_gb_second": 1e-400}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := price.Parse(data)
		if err != nil {
			if len(table.Regions()) != 0 {
				t.Fatal("a table beside an error")
			}
			return
		}
		for _, c := range table.Regions() {
			usd, err := table.Monthly(guest("performance", 16, 131072), c)
			if err != nil || !(usd > 0) || math.IsInf(usd, 0) {
				t.Fatalf("%s: $%v, %v", c, usd, err)
			}
		}
	})
}
