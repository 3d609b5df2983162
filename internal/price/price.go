// Package price says what a Machine costs, and what it sends to other regions:
// Fly.io's published formula with its rates and regional markups, dated, and
// the user's own figures over them.
package price

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/region"
)

// MonthSeconds is the length of the month that every price refers to: 30 days,
// as on Fly.io's price page.
const MonthSeconds = 30 * 24 * 60 * 60

// ErrUnknownRegion is wrapped by the error for a region without a price.
var ErrUnknownRegion = errors.New("no price for region")

// A Guest is the size of a Machine.
type Guest struct {
	// CPUKind is "shared" or "performance".
	CPUKind  string
	CPUs     int
	MemoryMB int
}

// includedMB is the memory that comes with each vCPU of a kind.
var includedMB = map[string]int{"shared": 256, "performance": 2048}

// String returns the name of Fly.io's preset and the memory:
// "shared-cpu-1x 256 MB", "performance-2x 4 GB".
func (g Guest) String() string {
	kind := g.CPUKind
	if kind == "shared" {
		kind = "shared-cpu"
	}
	if g.MemoryMB%1024 == 0 {
		return fmt.Sprintf("%s-%dx %d GB", kind, g.CPUs, g.MemoryMB/1024)
	}
	return fmt.Sprintf("%s-%dx %d MB", kind, g.CPUs, g.MemoryMB)
}

func (g Guest) check() error {
	var problems []error
	if includedMB[g.CPUKind] == 0 {
		problems = append(problems, fmt.Errorf("unknown CPU kind %q: use shared or performance", g.CPUKind))
	}
	if g.CPUs <= 0 {
		problems = append(problems, fmt.Errorf("%d CPUs: a Machine has at least 1", g.CPUs))
	}
	if g.MemoryMB <= 0 {
		problems = append(problems, fmt.Errorf("%d MB of memory: a Machine has more than 0", g.MemoryMB))
	}
	return errors.Join(problems...)
}

// A Table holds the rates that prices are computed from. It does not change;
// the zero value knows no region.
type Table struct {
	// Date is the day of the figures, "2026-09-16"; Source is where they are from.
	Date, Source string

	vcpuSecond  map[string]float64 // USD per vCPU and second in iad, by CPU kind
	ramGBSecond float64            // USD per GB above the included memory and second in iad
	markup      map[region.Code]float64
	transfer    map[region.Area]transfer
}

// BuiltIn returns Fly.io's published rates.
//
// Source: the region price selector of Fly.io's documentation, which gives the
// rates of iad and a factor for each region. Its results equal those of the
// price page as read on 2026-09-16, and its factors those of Fly.io's price
// calculator of October 2024.
func BuiltIn() Table {
	return Table{
		Date:        "2026-09-16",
		Source:      "Fly.io's published rates",
		vcpuSecond:  map[string]float64{"shared": 0.00000075, "performance": 0.00001196},
		ramGBSecond: 0.00000193,
		markup: map[region.Code]float64{
			"ams": 1.038461538,
			"arn": 1.038461538,
			"bom": 1.076923077,
			"cdg": 1.134615385,
			"dfw": 1.25,
			"ewr": 1,
			"fra": 1.153846154,
			"gru": 1.615384615,
			"iad": 1,
			"jnb": 1.302884615,
			"lax": 1.199519231,
			"lhr": 1.134615385,
			"nrt": 1.307692308,
			"ord": 1.25,
			"sin": 1.269230769,
			"sjc": 1.192307692,
			"syd": 1.269230769,
			"yyz": 1.115384615,
		},
		transfer: transferRates(),
	}
}

// Monthly returns the price of a Machine of size g that runs all month in c,
// in USD per 30 days:
//
//	(vCPU rate × CPUs + RAM rate × GB above the included memory) × markup × 2,592,000 s
//
// 256 MB are included with a shared vCPU, 2048 MB with a performance vCPU; the
// markup applies to memory too. The error wraps ErrUnknownRegion when the
// table has no markup for c, and names every figure of an impossible g.
func (t Table) Monthly(g Guest, c region.Code) (usd float64, err error) {
	if err := g.check(); err != nil {
		return 0, fmt.Errorf("price a Machine: %w", err)
	}
	markup, known := t.markup[c]
	if !known {
		return 0, hint.Wrap(fmt.Errorf("price a Machine: %w %q in the table of %s", ErrUnknownRegion, c, t.Date),
			`give its markup over iad in a file for the option prices: {"regions": {%q: 1.25}}`, c)
	}
	extraGB := float64(max(0, g.MemoryMB-g.CPUs*includedMB[g.CPUKind])) / 1024
	perSecond := t.vcpuSecond[g.CPUKind]*float64(g.CPUs) + t.ramGBSecond*extraGB
	return perSecond * markup * MonthSeconds, nil
}

// Regions returns the regions that have a price, sorted.
func (t Table) Regions() []region.Code {
	return slices.Sorted(maps.Keys(t.markup))
}
