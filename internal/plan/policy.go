// Package plan computes the placement plan of an app: from what its team
// wants, what runs now and what the metrics recorded, to what should run, why,
// and what that is worth.
package plan

import (
	"time"

	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A Policy is what a team wants for one app. The option table in package
// config defines what each field means to a user, and its default.
type Policy struct {
	// ProcessGroups to place; empty: every group with a public HTTP service.
	ProcessGroups []string
	// Window is how much history decides, a whole number of hours.
	Window time.Duration
	// Status is a regular expression on the response status; "" counts all.
	Status string
	// ValuePerMS is what one millisecond less network latency is worth, in USD
	// per million requests.
	ValuePerMS float64
	ChangeCost ChangeCost
	// MaxCostIncrease is the cost guard: 0.25 lets a plan cost a quarter more
	// than the live placement.
	MaxCostIncrease float64
	// MaxMonthlyCost in USD; 0: no limit.
	MaxMonthlyCost float64
	// MaxP95Latency is the request-weighted 95th percentile; 0: no limit.
	MaxP95Latency time.Duration
	// MaxRegions 0: no limit.
	MinRegions, MaxRegions int
	// MinMachines holds when MinMachinesSet; the default otherwise.
	MinMachines    int
	MinMachinesSet bool
	MaxMachines    int

	MinMachinesPerRegion int
	MinInRegion          map[region.Code]int
	Survive              placement.Survive
	// TargetUtilization is the share of the soft limit that the busiest hour may use.
	TargetUtilization       float64
	Require, Exclude, Allow []region.Code // sorted
	// ExcludeAreas and AllowAreas are the areas that were named: they also hold
	// for regions that only the Machines API knows. Exclude and Allow have the
	// known regions of these areas, too.
	ExcludeAreas, AllowAreas []region.Area // sorted
	// MaxChanges bounds Machines created plus destroyed; 0: half of the live
	// Machines, at least 6.
	MaxChanges int
	// MinRequests is the fewest responses in the window that a decision rests on.
	MinRequests float64
	AllowLiteFS bool
	// BackendRegion is where the Machines' database is; "" when there is none.
	// A request goes there BackendRoundTrips times.
	BackendRegion     region.Code
	BackendRoundTrips float64
	// ColdStart is how long a stopped Machine takes to start.
	ColdStart time.Duration
	// FlatTransfer tells that the organization pays the public rates for
	// traffic between regions, not the granular private ones.
	FlatTransfer bool
}

// A ChangeCost says what opening or closing a region must be worth a month:
// a share of the live monthly cost, or plain USD. A quarter of it counts for
// each Machine created or destroyed.
type ChangeCost struct {
	Share float64 // of the live monthly cost, 0.02 = 2 %; used when USD is 0
	USD   float64
}
