package plan_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/demand"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// now is a Monday afternoon; the window ends at the whole hour before.
var now = time.Date(2026, 11, 23, 15, 20, 0, 0, time.UTC)

// input is an app "shop" that runs n Machines in each region of live, asked
// for rps requests per second, the same in every hour of a week, in each edge
// region. A request takes 100 ms, so 10 requests per second are one in flight.
func input(live map[region.Code]int, rps map[region.Code]float64) plan.Input {
	const hours = 168
	in := plan.Input{
		App: fleet.App{Name: "shop", Org: "acme", IPs: []string{"66.241.125.1"}},
		Policy: plan.Policy{
			Window: 7 * 24 * time.Hour, ValuePerMS: 0.005,
			ChangeCost: plan.ChangeCost{Share: 0.02}, MaxCostIncrease: 0.25,
			MinRegions: 1, MinMachines: 2, MaxMachines: 200, MinMachinesPerRegion: 1,
			Survive: placement.Machine, TargetUtilization: 0.8, MinRequests: 1000,
		},
		History: demand.History{
			Start: now.Truncate(time.Hour).Add(-hours * time.Hour), Hours: hours,
			Responses: map[region.Code][]float64{},
			OrgUp:     make([]bool, hours), Newest: now.Add(-15 * time.Second), Known: true,
			ResponseTime: math.NaN(),
		},
		Catalog: region.BuiltIn(), Latency: latency.BuiltIn(), Prices: price.BuiltIn(), Now: now,
	}
	h := &in.History
	total := 0.0
	for code, r := range rps {
		total += r
		h.Responses[code] = repeat(hours, r*3600)
	}
	h.Served, h.ConcurrencyMean, h.ConcurrencyMax = repeat(hours, total*3600), repeat(hours, total/10), repeat(hours, total/10)
	for i := range h.OrgUp {
		h.OrgUp[i] = true
	}
	for code, n := range live {
		for i := range n {
			in.App.Machines = append(in.App.Machines, machine(fmt.Sprintf("%s%03d", code, i), code))
		}
	}
	return in
}

func machine(id string, code region.Code) fleet.Machine {
	return fleet.Machine{
		ID: id, Name: "m-" + id, State: "started", Region: code, HostStatus: "ok",
		Updated: now.Add(-48 * time.Hour), Image: "registry.fly.io/shop:v1@sha256:0",
		Config: &fleet.Config{
			Guest: price.Guest{CPUKind: "shared", CPUs: 1, MemoryMB: 256},
			Metadata: map[string]string{
				"fly_platform_version": "v2", "fly_process_group": "web", "fly_release_version": "7",
			},
			Services: []fleet.Service{{Protocol: "tcp", HTTP: true, Autostop: "off", ConcurrencyType: "requests", SoftLimit: 20, HardLimit: 25}},
		},
	}
}

func repeat(n int, v float64) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// make1 plans an app of one process group.
func make1(t *testing.T, in plan.Input) plan.Group {
	t.Helper()
	p, err := plan.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Groups) != 1 {
		t.Fatalf("%d groups, want 1", len(p.Groups))
	}
	return p.Groups[0]
}
