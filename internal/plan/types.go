package plan

import (
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/latency"
	"github.com/fly-placer/fly-placer/internal/placement"
	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// An Outcome is how a run ended for an app, in one word.
type Outcome string

// The outcomes of a plan.
const (
	Planned     Outcome = "planned"      // there is something to change
	NoChanges   Outcome = "no-changes"   // what runs is best
	Held        Outcome = "held"         // nothing may be decided, and why
	Skipped     Outcome = "skipped"      // no secrets here: a fork's pull request
	Infeasible  Outcome = "infeasible"   // no placement meets every limit
	Failed      Outcome = "failed"       // the plan could not be made
	Proposed    Outcome = "proposed"     // a pull request asks for it
	NotApproved Outcome = "not-approved" // nobody, or too few, approved it
	Drifted     Outcome = "drift"        // other Machines run than are decided
)

// A Plan is what should run for one app, why, and what it is worth.
type Plan struct {
	App       string
	Generated time.Time
	// From and To bound the window that was read; To is exclusive.
	From, To time.Time
	Outcome  Outcome
	// Groups are sorted by name.
	Groups []Group
	// Findings that concern the whole app.
	Findings []Finding
	// Digest is that of the decision which the plan proposes; Make leaves it to
	// its caller.
	Digest string
	// Refused is what the decision breaks that is to be judged, and Unjudged
	// what it decides on without breaking anything, of groups that are not
	// planned. What it says of Groups is in their Decided.
	Refused  []Refusal
	Unjudged []string
	// Gone are process groups of the decision in force that the app does not have.
	Gone []string
}

// A Finding is something the reader should know besides the plan itself.
type Finding struct {
	Level Level
	Text  string
	// Hint is the next step; it may be empty.
	Hint string
}

// A Level is how much a finding matters.
type Level string

// The levels, as GitHub's annotations name them.
const (
	Notice  Level = "notice"
	Warning Level = "warning"
	Error   Level = "error"
)

// A Group is the plan of one process group.
type Group struct {
	Name string
	// Status is Planned, NoChanges, Held or Infeasible.
	Status Outcome
	// Guest is the size of Machine the group runs.
	Guest price.Guest
	// Current and Placement count managed Machines by region, now and as
	// planned. A held group's Placement equals its Current.
	Current, Placement map[region.Code]int
	// Changes lead from Current to Placement, regions in order: opened, grown,
	// shrunk, closed, each by code.
	Changes []Change
	// Before and After are the figures of Current and of Placement on the same
	// demand. Where there is none, only their cost is set.
	Before, After Figures
	// Kept is how many live Machines the plan has beyond the optimum, because
	// the peak is close to needing them.
	Kept int
	// Objective, Bound, Gap and Solved tell how good the placement is proven to be.
	Objective, Bound, Gap float64
	Solved                placement.Status
	// Why compares each region of the Placement, and each that closes, with the
	// best placement that decides it otherwise, by code. NotAdded are the three
	// best of the other regions, the best first. Both are figures of the Machines
	// that serve, and empty unless Status is Planned or NoChanges, as are RunnerUp
	// and Frontier.
	Why, NotAdded []Comparison
	// RunnerUp is the best of all other sets of regions; nil if there is none.
	RunnerUp *RunnerUp
	// Frontier is the best placement for each number of regions, from 1 on.
	// min-regions and max-regions are left aside, all other limits hold.
	Frontier []Point
	// Unrestricted is the optimum without the cost guard and max-changes, when
	// one of them binds.
	Unrestricted *Alternative
	// Withheld is what would have been planned if the group were not held;
	// nil when that is not known or the same.
	Withheld *Alternative
	Pins     []fleet.Pin
	Holds    []Hold
	Edges    []Edge // by falling share, ties by code
	// Unmapped are the shares of requests that entered at codes nobody knows.
	Unmapped map[region.Code]float64
	Sizing   Sizing
	// Calibration compares the latency table with the app's own response
	// times. Its Factor is in every round trip of the plan.
	Calibration latency.Calibration
	Findings    []Finding
	// Decided is what somebody decided on the group, judged; nil when there is
	// nothing to judge.
	Decided *Judged
	// Drift are the regions where other Machines run than the decision in force
	// says, by code, and Pending tells that it is not applied yet.
	Drift   []Drift
	Pending bool
	// Conflict names the limits that contradict each other when Infeasible.
	Conflict []placement.Conflict
	// Problem is what was solved, for the Machines that serve; its zero value
	// when nothing was.
	Problem placement.Problem

	idle float64 // USD a month for the Machines that serve nothing
	// live prices any placement, and best is what was found best of the Machines
	// that serve, whether or not the group is held; nil where nothing was.
	live placement.Problem
	best map[string]int
}

// Figures describe a placement on the window's demand.
type Figures struct {
	MeanMS, P50MS, P95MS float64 // network round trip, request-weighted
	Compute, Transfer    float64 // USD a month
	// Running is how many of the Machines that serve run, in the mean: all of
	// them unless fly-proxy stops idle ones. ColdMS is what waiting for those
	// to start adds to MeanMS.
	Running, ColdMS float64
}

// Total is compute plus transfer, in USD a month.
func (f Figures) Total() float64 { return f.Compute + f.Transfer }

// An Alternative is another placement, for comparison.
type Alternative struct {
	Placement map[region.Code]int
	Figures   Figures
	// Limits names the options that keep the plan from it, sorted.
	Limits []string
}

// A Change is one region's step from Current to Placement.
type Change struct {
	Region region.Code
	From   int
	To     int
	// Rent is what the region's Machines cost more than now, in USD a month;
	// less is negative. The changes' rents add up to the difference of the bill
	// for compute, but for what regions whose counts stay run more or less where
	// fly-proxy stops idle Machines.
	Rent float64
	// Share, MS, Compute and Transfer are those of the region's Comparison in
	// Why: what having the region open, or closed, does. They do not add up,
	// since each is compared with another placement.
	Share, MS, Compute, Transfer float64
	// Reason is the sentence for people.
	Reason string
}

// A Comparison tells what one region's decision does, against the best
// placement that decides this one region the other way and keeps to the same
// limits. Where there is no such placement, or none was found, it is against
// the planned placement with nothing else changed, whatever the limits say:
// less the region, or with the Machines that run there now.
type Comparison struct {
	Region region.Code
	// Share of all requests that the region serves where it is open: in the
	// plan, or in the other placement.
	Share float64
	// MS is the difference in mean latency, in milliseconds, Compute and Transfer
	// are those in USD a month. In Why they are the plan's figures less the other
	// placement's, in NotAdded the other's less the plan's: in both what the
	// decision that is told of does. 0 where no region but this one can be open.
	MS, Compute, Transfer float64
	// Open are the regions of the other placement, Objective is its objective.
	// Less the plan's, that is what the plan gains by its decision.
	Open      []region.Code
	Objective float64
	// Status is the other placement's: Infeasible where the limits leave no
	// choice, Unknown where none was found within the solver's work limit.
	Status placement.Status
}

// A RunnerUp is the best placement in another set of regions than the plan's.
type RunnerUp struct {
	Open []region.Code
	// Regret is its Objective less the plan's, in USD a month.
	Objective, Regret float64
	// Status is Optimal if it is proven that no other set is better.
	Status placement.Status
	// Live tells that these are the regions where Machines serve now.
	Live bool
}

// A Point is the best placement in a number of regions.
type Point struct {
	Regions int
	// Open and Placement are nil where Status says that there is none, or that
	// none was found. Placement includes Machines that serve nothing, and stay.
	Open      []region.Code
	Placement map[region.Code]int
	// Objective and Cost are in USD a month, MeanMS is the mean latency with the
	// backend's.
	Objective, MeanMS, Cost float64
	Status                  placement.Status
}

// Delta is the number of Machines created (positive) or destroyed (negative).
func (c Change) Delta() int { return c.To - c.From }

// A Hold is a reason to change nothing, or to remove nothing.
type Hold struct {
	Reason HoldReason
	// Detail is a sentence with the figures, and Hint the next step.
	Detail, Hint string
}

// A HoldReason names a reason to hold.
type HoldReason string

// The reasons.
const (
	TooFewRequests   HoldReason = "too-few-requests"
	NoSeries         HoldReason = "no-series"
	PartialMetrics   HoldReason = "partial-metrics"
	GappyMetrics     HoldReason = "gappy-metrics"
	StaleMetrics     HoldReason = "stale-metrics"
	DeployInProgress HoldReason = "deploy-in-progress"
	UnfinishedApply  HoldReason = "unfinished-apply" // Machines have marks of an apply that did not end
	Singleton        HoldReason = "singleton"
	LiteFS           HoldReason = "litefs"
	Volumes          HoldReason = "volumes"
	FailingChecks    HoldReason = "failing-checks"      // Machines are not healthy now
	NothingServes    HoldReason = "nothing-serves"      // every Machine is stopped, cordoned or out of reach
	Unreadable       HoldReason = "unreadable-machines" // hosts do not tell which group theirs are of
	NoConcurrency    HoldReason = "no-concurrency"      // nothing is removed; growth goes on
	Unsteady         HoldReason = "unsteady"            // better on too few days
)

// An Edge is a region where requests enter, and where they are served from.
type Edge struct {
	Code region.Code
	Name string // "" when unknown
	// Share of the mapped requests; Requests in the window.
	Share, Requests float64
	// StandIn is the deployable region that stands in for a code that is none;
	// the code itself otherwise.
	StandIn region.Code
	// FromBefore and FromAfter are the regions that serve it, at these round trips.
	FromBefore, FromAfter region.Code
	BeforeMS, AfterMS     float64
	Source                latency.Source // where AfterMS comes from
}

// Sizing says how the load was derived from the traffic.
type Sizing struct {
	// Basis is "concurrency", "response time" or "none". With none, a Machine is
	// taken to carry the requests per second that the busiest live one carries.
	Basis string
	// PerRPS is the requests in flight for each request per second, Burst the
	// factor from an hour's mean to its peak.
	PerRPS, Burst        float64
	SoftLimit, HardLimit float64
	// Autostop is true when fly-proxy stops idle Machines of the group. Then
	// they cost by running hours: Problem.Autostop says how. Without demand every
	// Machine is taken to run all month.
	Autostop bool
	// Backend is where the Machines' database is; "" when there is none. What a
	// request waits for BackendTrips round trips to it is in the mean latency.
	Backend      region.Code
	BackendTrips float64
	// PeakInFlight is the largest hour of the whole group.
	PeakInFlight float64
	// RequestsPerMonth scales the window to 30 days.
	RequestsPerMonth float64
	// ValuePerMS is what a millisecond is worth to the group, in USD a month.
	ValuePerMS float64
}
