package price_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

func place(t *testing.T, code region.Code) region.Region {
	t.Helper()
	r, ok := region.BuiltIn().Lookup(code)
	if !ok {
		t.Fatalf("no region %s", code)
	}
	return r
}

func TestTransferIsTheHigherRateOfTheTwoRegions(t *testing.T) {
	table := price.BuiltIn()
	for _, tc := range []struct {
		edge, machine region.Code
		private, flat float64
	}{
		{"ams", "ams", 0, 0},
		{"ams", "fra", 0.006, 0.02},
		{"iad", "ams", 0.006, 0.02},
		{"ams", "nrt", 0.015, 0.04},
		{"syd", "sin", 0.015, 0.04},
		{"gru", "iad", 0.015, 0.04},
		{"iad", "gru", 0.015, 0.04},
		{"jnb", "lhr", 0.05, 0.12},
		{"sin", "bom", 0.05, 0.12},
		{"maa", "sin", 0.05, 0.12},
		{"jnb", "bom", 0.05, 0.12},
		{"lga", "ewr", 0, 0}, // stands in for it
		{"lga", "iad", 0.006, 0.02},
		{"dxb", "bom", 0, 0},
		{"dxb", "fra", 0.05, 0.12}, // counted as Mumbai
		{"hkg", "sin", 0, 0},
		{"sin", "hkg", 0.015, 0.04}, // Machines that stayed in a retired region are there
		{"hkg", "hkg", 0, 0},
	} {
		for granular, want := range map[bool]float64{true: tc.private, false: tc.flat} {
			if got, known := table.TransferPerGB(place(t, tc.edge), place(t, tc.machine), granular); got != want || !known {
				t.Errorf("%s to %s, granular %t: $%v, known %t; want $%v", tc.machine, tc.edge, granular, got, known, want)
			}
		}
	}
}

// Every pair of regions has a rate that is one of the six, and which of two
// regions is the edge matters only where one stands in for the other.
func TestTransferHasARateForEveryPair(t *testing.T) {
	table, regions := price.BuiltIn(), region.BuiltIn().All()
	for _, a := range regions {
		for _, b := range regions {
			for granular, rates := range map[bool][]float64{true: {0, 0.006, 0.015, 0.05}, false: {0, 0.02, 0.04, 0.12}} {
				there, known := table.TransferPerGB(a, b, granular)
				back, _ := table.TransferPerGB(b, a, granular)
				if !known || !slices.Contains(rates, there) || there != back && a.Replacement != b.Code && b.Replacement != a.Code {
					t.Errorf("%s, %s: $%v, back $%v, known %t", a.Code, b.Code, there, back, known)
				}
			}
		}
	}
}

func TestTransferOfARegionThatOnlyTheAPIKnows(t *testing.T) {
	table := price.BuiltIn()
	osl := region.Region{Code: "osl", Area: region.Europe}
	if usd, known := table.TransferPerGB(place(t, "arn"), osl, true); usd != 0.006 || !known {
		t.Errorf("$%v, known %t; want its area's $0.006", usd, known)
	}
	moon := region.Region{Code: "lun"}
	for _, granular := range []bool{true, false} {
		want, _ := table.TransferPerGB(place(t, "jnb"), place(t, "bom"), granular)
		if usd, known := table.TransferPerGB(moon, place(t, "arn"), granular); usd != want || known {
			t.Errorf("$%v, known %t; want the dearest rate, $%v", usd, known, want)
		}
	}
}

func TestOwnTransferRatesReplaceBoth(t *testing.T) {
	table, err := price.Parse([]byte(`{"transfer_gb": {"eu": 0.001, "india": 0}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, granular := range []bool{true, false} {
		if usd, _ := table.TransferPerGB(place(t, "ams"), place(t, "fra"), granular); usd != 0.001 {
			t.Errorf("granular %t: $%v in Europe", granular, usd)
		}
		if usd, _ := table.TransferPerGB(place(t, "ams"), place(t, "bom"), granular); usd != 0.001 {
			t.Errorf("granular %t: $%v from India", granular, usd)
		}
	}
	if usd, _ := table.TransferPerGB(place(t, "ams"), place(t, "iad"), true); usd != 0.006 {
		t.Errorf("$%v to North America, whose rate was not given", usd)
	}
	if usd, _ := price.BuiltIn().TransferPerGB(place(t, "ams"), place(t, "fra"), true); usd != 0.006 {
		t.Errorf("$%v: own rates reached the built-in ones", usd)
	}
	_, err = price.Parse([]byte(`{"transfer_gb": {"eu": -1, "mars": 1, "sa": "x", "na": 20}}`))
	for _, want := range []string{"eu: -1 is not", `unknown area "mars"`, `sa: "x" is not`, "na: 20 is not"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %s", err, want)
		}
	}
}
