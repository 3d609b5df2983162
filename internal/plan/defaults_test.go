package plan_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A sample is an app of docs/defaults.md.
type sample struct {
	name   string
	rps    float64
	guest  price.Guest
	live   counts
	people rates // where requests enter, relative to each other
	make   func(*plan.Input)
}

var (
	worldWide = rates{
		"ams": 24, "arn": 11, "bom": 21, "cdg": 27, "dfw": 15, "ewr": 29, "fra": 46, "gru": 17, "iad": 33, "jnb": 4,
		"lax": 16, "lhr": 33, "nrt": 22, "ord": 16, "sin": 18, "sjc": 15, "syd": 9, "yyz": 9,
	}
	mostlyUS = rates{
		"ams": 2, "bom": 2, "cdg": 2, "dfw": 15, "ewr": 24, "fra": 4, "gru": 2, "iad": 22,
		"lax": 14, "lhr": 5, "nrt": 1, "ord": 14, "sin": 2, "sjc": 10, "syd": 1, "yyz": 5,
	}
	mostlyEurope = rates{"ams": 30, "arn": 10, "cdg": 30, "ewr": 5, "fra": 50, "iad": 5, "lhr": 40}

	tiny   = price.Guest{CPUKind: "shared", CPUs: 1, MemoryMB: 256}
	middle = price.Guest{CPUKind: "shared", CPUs: 2, MemoryMB: 1024}
	large  = price.Guest{CPUKind: "performance", CPUs: 2, MemoryMB: 4096}
)

func samples() []sample {
	three := counts{"iad": 20, "fra": 12, "sin": 8}
	seven := counts{"iad": 10, "ord": 4, "lax": 6, "fra": 8, "lhr": 5, "sin": 4, "nrt": 3}
	return []sample{
		{"tiny, world-wide", 3, tiny, counts{"iad": 2}, worldWide, nil},
		{"tiny, mostly US", 3, tiny, counts{"iad": 2}, mostlyUS, nil},
		{"tiny, mostly US, stops when idle", 3, tiny, counts{"iad": 2}, mostlyUS, autostop},
		{"tiny, world-wide, hardly any requests, stops when idle", 0.01, tiny, counts{"iad": 2}, worldWide, autostop},
		{"middle, world-wide", 100, middle, counts{"iad": 4}, worldWide, nil},
		{"middle, mostly US", 100, middle, counts{"iad": 4}, mostlyUS, nil},
		{"middle, mostly Europe, in the wrong place", 100, middle, counts{"iad": 4}, mostlyEurope, nil},
		{"large in 3 regions, world-wide", 3000, large, three, worldWide, nil},
		{"large in 3 regions, mostly US", 3000, large, three, mostlyUS, nil},
		{"large in 7 regions, world-wide", 3000, large, seven, worldWide, nil},
		{"large in 7 regions, mostly US", 3000, large, seven, mostlyUS, nil},
		{"large, mostly Europe, in the wrong place", 3000, large, counts{"iad": 40}, mostlyEurope, nil},
	}
}

func autostop(in *plan.Input) {
	for i := range in.App.Machines {
		in.App.Machines[i].Config.Services[0].Autostop = "stop"
	}
}

// input is the app running n Machines in each region of live.
func (s sample) input(live counts) plan.Input {
	sum := 0.0
	for _, code := range slices.Sorted(maps.Keys(s.people)) {
		sum += s.people[code]
	}
	in := input(live, nil)
	h := &in.History
	h.EdgeBytes = map[region.Code]float64{}
	total := make([]float64, h.Hours)
	for _, code := range slices.Sorted(maps.Keys(s.people)) {
		r, _ := in.Catalog.Lookup(code)
		hours := make([]float64, h.Hours)
		for i := range hours {
			// Local time by the sun: quiet nights, busy evenings.
			local := float64(h.Start.Add(time.Duration(i)*time.Hour).Hour()) + r.Lon/15
			day := 1 + 0.6*math.Cos((local-19)/24*2*math.Pi) + 0.2*math.Cos((local-11)/12*2*math.Pi)
			hours[i] = s.rps * s.people[code] / sum * day * 3600
			total[i] += hours[i]
			h.EdgeBytes[code] += hours[i] * 10e3
		}
		h.Responses[code] = hours
	}
	h.Served = total
	h.ConcurrencyMean, h.ConcurrencyMax = make([]float64, h.Hours), make([]float64, h.Hours)
	for i, n := range total {
		h.ConcurrencyMean[i] = n / 3600 / 10
		h.ConcurrencyMax[i] = 1.3 * h.ConcurrencyMean[i]
	}
	for i := range in.App.Machines {
		in.App.Machines[i].Config.Guest = s.guest
	}
	if s.make != nil {
		s.make(&in)
	}
	return in
}

// What the defaults decide for apps of every size is a table that people read
// before they trust them. `UPDATE=1 go test ./internal/plan` writes it again.
func TestDefaultsAtEverySize(t *testing.T) {
	const file = "../../docs/defaults.md"
	var b strings.Builder
	b.WriteString("| App | Runs | First plan | Mean | p95 | A month | Comes to rest |\n|---|---|---|---|---|---|---|\n")
	for _, s := range samples() {
		first := make1(t, s.input(s.live))
		last, more := first, 0
		for ; last.Status == plan.Planned; more++ {
			if more > 5 {
				t.Fatalf("%s: no rest after %d plans", s.name, more)
			}
			last = make1(t, s.input(last.Placement))
		}
		if last.Status != plan.NoChanges {
			t.Errorf("%s ends as %s: %+v", s.name, last.Status, last.Findings)
		}
		rest := "at once"
		if more > 1 {
			rest = fmt.Sprintf("%s, %.0f ms, %s", placed(last.Placement), last.After.MeanMS, price.Format(last.After.Total()))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f → %.0f ms | %.0f → %.0f ms | %s → %s | %s |\n", s.name,
			placed(first.Current), placed(first.Placement), first.Before.MeanMS, first.After.MeanMS, first.Before.P95MS, first.After.P95MS,
			price.Format(first.Before.Total()), price.Format(first.After.Total()), rest)
		if first.Status == plan.Planned && first.After.MeanMS > first.Before.MeanMS && first.After.Total() >= first.Before.Total() {
			t.Errorf("%s: slower and no cheaper", s.name)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(data), "| App |")
	_, tail, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("%s has no table", file)
	}
	want := head + b.String() + "\n" + tail
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(data) {
		t.Errorf("%s is not what the defaults decide; UPDATE=1 writes it again:\n%s", file, b.String())
	}
}

// placed writes a placement as "ams 1, iad 2".
func placed(c counts) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(c)) {
		if c[code] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", code, c[code]))
		}
	}
	return strings.Join(parts, ", ")
}
