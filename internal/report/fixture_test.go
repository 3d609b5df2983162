package report

import (
	"fmt"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/plan"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

type where = map[region.Code]int

var (
	decided = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	notes   = []Note{
		{Text: "fly-placer 1.0.0"},
		{Text: "Latencies: WonderProxy, city to city, July 2020", URL: "https://wonderproxy.com/blog/a-day-in-the-life-of-the-internet/"},
		{Text: "Prices: Fly.io, August 2026", URL: "https://fly.io/docs/about/pricing/"},
	}
	limits = placement.Limits{MinRegions: 1, MinMachines: 2, MaxMachines: 200, MinMachinesPerRegion: 1, MaxChanges: 6, TargetUtilization: 0.8, Survive: placement.Machine}
)

func run(plans ...plan.Plan) Report {
	return Report{Plans: plans, Notes: notes, RunURL: "https://github.com/acme/shop/actions/runs/42"}
}

func app(name string, outcome plan.Outcome, groups ...plan.Group) plan.Plan {
	return plan.Plan{App: name, Generated: decided.Add(12 * time.Second), From: decided.AddDate(0, 0, -7), To: decided, Outcome: outcome, Groups: groups}
}

// edge is one edge region of a fixture: code, place, share, and who serves it.
func edge(code, name string, share float64, from, to region.Code, ms, msAfter float64) plan.Edge {
	return plan.Edge{
		Code: region.Code(code), Name: name, Share: share, Requests: share * 1_840_000, StandIn: region.Code(code),
		FromBefore: from, FromAfter: to, BeforeMS: ms, AfterMS: msAfter, Source: latency.Measured,
	}
}

// web is a group in which nothing changes.
func web() plan.Group {
	return plan.Group{
		Name: "web", Status: plan.NoChanges, Guest: price.Guest{CPUKind: "shared", CPUs: 1, MemoryMB: 512},
		Current: where{"ams": 2, "iad": 3}, Placement: where{"ams": 2, "iad": 3},
		Before:    plan.Figures{MeanMS: 31.4, P50MS: 17.2, P95MS: 61.3, Compute: 29.9},
		After:     plan.Figures{MeanMS: 31.4, P50MS: 17.2, P95MS: 61.3, Compute: 29.9},
		Objective: 31.14, Bound: 31.14, Solved: placement.Optimal,
		Edges: []plan.Edge{
			edge("iad", "Ashburn, Virginia", 0.46, "iad", "iad", 1, 1),
			edge("lhr", "London, United Kingdom", 0.27, "ams", "ams", 7.1, 7.1),
			edge("ams", "Amsterdam, Netherlands", 0.17, "ams", "ams", 1, 1),
			edge("lax", "Los Angeles, California", 0.07, "iad", "iad", 61.3, 61.3),
			edge("syd", "Sydney, Australia", 0.03, "iad", "iad", 204, 204),
		},
		Calibration: latency.Calibration{Factor: 1.08, OffsetMS: 4, ResidualMS: 3.2, Edges: 5, Share: 0.97, Used: true},
		Sizing: plan.Sizing{
			Basis: "concurrency", PerRPS: 0.34, Burst: 1.62, SoftLimit: 20, HardLimit: 25, PeakInFlight: 41.3,
			RequestsPerMonth: 7_885_714, ValuePerMS: 0.0394,
		},
		Problem: placement.Problem{Version: 1, Candidates: []placement.Candidate{{Region: "ams"}, {Region: "iad"}}, Limits: limits},
	}
}

// moved is a group that opens fra and closes ord.
// stopping is a group whose idle Machines fly-proxy stops; its times are not
// fit to scale the table, and it pays for traffic between regions.
func stopping() plan.Group {
	g := moved()
	g.Sizing.Autostop, g.Sizing.Backend, g.Sizing.BackendTrips = true, "iad", 2.5
	g.Calibration = latency.Calibration{Factor: 1, Edges: 1, Reason: "only one edge region has 1000 requests with a time, and it takes 3"}
	g.Problem.Autostop = &placement.Autostop{StoppedCost: 0.15, Scale: 1.25, ColdStartMS: 1000, RequestsPerHour: 7200}
	g.Before.Running, g.Before.ColdMS, g.Before.Compute, g.Before.Transfer = 1.4, 12.3, 8.75, 1.2
	g.After.Running, g.After.ColdMS, g.After.Compute, g.After.Transfer = 1.9, 0, 11.3, 0.4
	return g
}

func moved() plan.Group {
	g := web()
	g.Status = plan.Planned
	g.Current, g.Placement = where{"iad": 2, "ord": 2}, where{"fra": 2, "iad": 2}
	g.Changes = []plan.Change{
		{Region: "fra", To: 2, Share: 0.48, MS: -74.2, Rent: 12.1, Compute: 12.1, Reason: "Serves 48% of the requests, mean 74 ms closer, for $12.10 a month."},
		{Region: "ord", From: 2, Share: 0.19, MS: 1.1, Rent: -13.4, Compute: -13.4, Reason: "Its 19% of the requests are 6 ms further from iad; saves $13.40 a month."},
	}
	g.Before = plan.Figures{MeanMS: 66.8, P50MS: 88.1, P95MS: 142.4, Compute: 31.2}
	g.After = plan.Figures{MeanMS: 18.9, P50MS: 12.4, P95MS: 61.3, Compute: 29.9}
	g.Objective, g.Bound = 31.89, 31.89
	g.Edges = []plan.Edge{
		edge("lhr", "London, United Kingdom", 0.29, "iad", "fra", 76.4, 12.4),
		edge("iad", "Ashburn, Virginia", 0.28, "iad", "iad", 1, 1),
		edge("ord", "Chicago, Illinois", 0.19, "ord", "iad", 1, 18.9),
		edge("ams", "Amsterdam, Netherlands", 0.12, "iad", "fra", 88.1, 7.6),
		edge("waw", "Warsaw, Poland", 0.07, "iad", "fra", 112, 18.3),
		edge("lax", "Los Angeles, California", 0.05, "ord", "iad", 49.5, 61.3),
	}
	g.Edges[4].StandIn = "ams"
	g.Edges[4].Source = latency.Model
	return g
}

// first opens three regions for an app that runs in one.
func first() plan.Group {
	g := moved()
	g.Current, g.Placement = where{"ord": 6}, where{"fra": 2, "nrt": 1, "ord": 3}
	g.Changes = []plan.Change{
		{Region: "fra", To: 2, Share: 0.41, MS: -38, Rent: 12.1, Compute: 12.1, Reason: "Serves 41% of the requests, mean 93 ms closer, for $12.10 a month."},
		{Region: "nrt", To: 1, Share: 0.11, MS: -14, Rent: 7.4, Compute: 7.4, Reason: "Serves 11% of the requests, mean 127 ms closer, for $7.40 a month."},
		{Region: "ord", From: 6, To: 3, Share: 0.48, Rent: -18.6, Compute: -18.6, Reason: "3 Machines carry what is left at the busiest hour; saves $18.60 a month."},
	}
	return g
}

func grown() plan.Group {
	g := web()
	g.Status, g.Placement = plan.Planned, where{"ams": 2, "iad": 5}
	g.Changes = []plan.Change{{Region: "iad", From: 3, To: 5, Share: 0.56, Rent: 11.2, Compute: 11.2, Reason: "71 requests in flight at the busiest hour need 5 Machines at 80% of the soft limit of 20."}}
	g.After.Compute = 41.1
	g.Sizing.PeakInFlight = 96
	return g
}

func shrunk() plan.Group {
	g := web()
	g.Status, g.Placement = plan.Planned, where{"ams": 1, "iad": 2}
	g.Changes = []plan.Change{
		{Region: "ams", From: 2, To: 1, Share: 0.44, Rent: -6.1, Compute: -6.1, Reason: "One Machine carries the busiest hour; saves $6.10 a month."},
		{Region: "iad", From: 3, To: 2, Share: 0.56, Rent: -5.6, Compute: -5.6, Reason: "2 Machines carry the busiest hour; saves $5.60 a month."},
	}
	g.After.Compute = 18.2
	return g
}

func held(reason plan.HoldReason) plan.Group {
	g := web()
	g.Status, g.Solved, g.Objective, g.Bound, g.Problem.Candidates = plan.Held, "", 0, 0, nil
	h := plan.Hold{Reason: reason}
	switch reason {
	case plan.TooFewRequests:
		h.Detail, h.Hint = "312 of 1000 in 7 days", "wait for more traffic, or set min-requests lower."
		w := moved()
		g.Withheld = &plan.Alternative{Placement: w.Placement, Figures: w.After}
	case plan.NoSeries:
		h.Detail, h.Hint = "Prometheus has no series of this app in 7 days", "check that the metrics token is of the app's organization."
		g.Edges, g.Before, g.After = nil, plan.Figures{Compute: 29.9}, plan.Figures{Compute: 29.9}
		g.Sizing = plan.Sizing{}
	case plan.PartialMetrics:
		h.Detail, h.Hint = "a storage node did not answer, so that figures may be too low", "run it again later."
	case plan.GappyMetrics:
		h.Detail, h.Hint = "21 of 168 hours have no sample in the whole organization", "run it again when the window is whole."
	case plan.StaleMetrics:
		h.Detail, h.Hint = "the newest sample is 3 h 12 min old", "see status.flyio.net."
	case plan.UnfinishedApply:
		h.Detail, h.Hint = "2 Machines of 6 have its marks: 3d8d1000001f35, 3d8d1000003e6a", "run `fly-placer apply` again, which goes on where it stopped"
	case plan.DeployInProgress:
		h.Detail, h.Hint = "2 of 5 Machines run another release", "run it again when the deploy is done."
	case plan.Singleton:
		h.Detail, h.Hint = "that may be on purpose", "set min-machines to let it be placed."
		g.Current, g.Placement = where{"iad": 1}, where{"iad": 1}
	case plan.LiteFS:
		h.Detail, h.Hint = "its Machines mount LiteFS, which has one primary", "set allow-litefs if the app forwards writes."
	case plan.Volumes:
		h.Detail, h.Hint = "every Machine has a volume", "keep state elsewhere, or place it by hand."
	case plan.NothingServes:
		h.Detail, h.Hint = "every Machine is stopped or cordoned", "start one."
		g.Edges, g.Sizing = nil, plan.Sizing{}
	case plan.Unreadable:
		h.Detail, h.Hint = "the hosts of 2 Machines do not tell which group they are of", "run it again later."
	case plan.NoConcurrency:
		h.Detail, h.Hint = "neither fly_app_concurrency nor a response time was recorded; nothing is removed", "check the service's concurrency setting."
		g.Sizing.Basis = "none"
	case plan.Unsteady:
		h.Detail, h.Hint = "opening fra is better on 3 of 7 days only", "wait, or lower change-cost."
	}
	g.Holds = []plan.Hold{h}
	return g
}

var holdReasons = []plan.HoldReason{
	plan.TooFewRequests, plan.NoSeries, plan.PartialMetrics, plan.GappyMetrics, plan.StaleMetrics, plan.DeployInProgress, plan.UnfinishedApply,
	plan.Singleton, plan.LiteFS, plan.Volumes, plan.FailingChecks, plan.NothingServes, plan.Unreadable, plan.NoConcurrency, plan.Unsteady,
}

var pinReasons = []fleet.PinReason{
	fleet.PinVolume, fleet.PinStandby, fleet.PinScheduled, fleet.PinAutoDestroy, fleet.PinHost, fleet.PinCordoned, fleet.PinIdle, fleet.PinLeased,
	fleet.PinGPU, fleet.PinDedicatedHost, fleet.PinEgressIP, fleet.PinEgressRegion, fleet.PinLast, fleet.PinPrimary,
}

func pinned() plan.Group {
	g := moved()
	for i, reason := range pinReasons {
		p := fleet.Pin{Machine: fmt.Sprintf("148e2ddb%06x", i*40503), Region: "iad", Reason: reason, Detail: "as an example of " + string(reason)}
		switch reason {
		case fleet.PinVolume:
			p.Detail = "has the volume vol_4915gg9l0x3pn2k4 attached"
		case fleet.PinEgressRegion, fleet.PinLast, fleet.PinPrimary:
			p.Machine = ""
		}
		g.Pins = append(g.Pins, p)
	}
	return g
}

// world has n edge regions, most of them of the built-in table.
func world(n int) plan.Group {
	g := moved()
	g.Edges = nil
	rows := region.BuiltIn().All()
	left := 1.0
	for i := range n {
		r := rows[i%len(rows)]
		share := left * 0.12
		if i == n-1 {
			share = left
		}
		left -= share
		e := edge(string(r.Code), r.Name, share, "iad", "fra", 40+float64(i*37%160), 20+float64(i*23%90))
		if i%4 == 3 {
			e.Source = latency.Model
		}
		if i%3 == 0 {
			e.FromAfter, e.AfterMS = "iad", e.BeforeMS
		}
		if in, ok := region.BuiltIn().StandIn(r.Code); ok {
			e.StandIn = in
		}
		g.Edges = append(g.Edges, e)
	}
	return g
}

func infeasible() plan.Group {
	g := web()
	g.Status, g.Placement, g.After, g.Solved = plan.Infeasible, nil, plan.Figures{}, placement.Infeasible
	g.Conflict = []placement.Conflict{
		{Limit: "max_monthly_cost", Value: 30.0, Nearest: 41.201},
		{Limit: "max_p95_latency_ms", Value: 40.0, Nearest: 61.3},
		{Limit: "min_regions", Value: 3.0},
		{Limit: "survive", Value: placement.Region, Nearest: placement.Machine},
	}
	return g
}

func guarded() plan.Group {
	g := moved()
	g.Before.Transfer, g.After.Transfer = 0.8, 1.1
	g.Changes[0].Transfer = 0.3
	g.Unrestricted = &plan.Alternative{
		Placement: where{"fra": 2, "iad": 2, "lax": 2, "nrt": 2, "syd": 2},
		Figures:   plan.Figures{MeanMS: 11.2, P50MS: 7.6, P95MS: 18.9, Compute: 71.4, Transfer: 1.2},
		Limits:    []string{"max-changes", "max-cost-increase"},
	}
	return g
}
