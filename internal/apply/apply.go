package apply

import (
	"context"
	"time"

	"github.com/fly-placer/fly-placer/internal/decision"
	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

// Options say how patient and how fast Run is.
type Options struct {
	// Clock is required.
	Clock Clock
	// Rate is how many requests a second go out for each action and identifier
	// (an app or a Machine), in bursts of 3, as Fly.io allows them; reads of one
	// Machine are five times that. 0 is without limit.
	Rate float64
	// Soak is waited after Machines begin or cease to get requests, and is how
	// long a Machine without checks must have run to be taken for healthy.
	Soak time.Duration
	// StartTimeout is how long a new Machine may take to be healthy, LockTimeout
	// how long other people's leases and deploys are waited for.
	StartTimeout, LockTimeout time.Duration
	// Log is told each step as it ends, one at a time; nil = nobody is.
	Log func(Step)
}

// Defaults are those of the options soak, start-timeout, lock-timeout and
// api-rate.
func Defaults(clock Clock) Options {
	return Options{Clock: clock, Rate: 1, Soak: 10 * time.Second, StartTimeout: 5 * time.Minute, LockTimeout: 15 * time.Minute}
}

// A Request is what is to be made real.
type Request struct {
	// Decision was reviewed and verified.
	Decision decision.Decision
	// Previous is the version of the decision that this one replaces; nil when
	// there is none.
	Previous *decision.Decision
	// About is what List does not tell of the app, for pins: VolumeOn,
	// EgressMachines. Its Machines are not looked at.
	About fleet.App
	// Stands is asked, when a group is locked and before anything is written,
	// whether the decision is still to be made real; nil = nobody is.
	Stands func(ctx context.Context) error
	// Room is asked, before anything is created, whether there is room for so
	// many more Machines in each region; nil = nobody is.
	Room func(ctx context.Context, more map[region.Code]int) error
}

// An Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	// Applied: what is decided runs, and nothing of the run is left.
	Applied Outcome = "applied"
	// NoChanges: what is decided ran already. Nothing was written.
	NoChanges Outcome = "no-changes"
	// PreconditionFailed: what runs is not what was assumed, or a pin forbids
	// the decision. What was begun was undone.
	PreconditionFailed Outcome = "precondition-failed"
	// Locked: somebody else works on the Machines. Nothing was begun.
	Locked Outcome = "locked"
	// Failed: nothing was lost. What was begun was undone, or gets no requests
	// and waits for the next run; Err says which.
	Failed Outcome = "failed"
	// Partial: some of the decision runs; another run continues.
	Partial Outcome = "partial"
)

// A Status is how a step ended.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Broken  Status = "failed"
	Skipped Status = "skipped"
	Undone  Status = "undone" // the step takes back an earlier one
)

// A Step is something that was done to one Machine.
type Step struct {
	Time    time.Time
	Group   string
	Region  region.Code
	Machine string // ID; the name while there is none
	Action  Action
	Status  Status
	// Text says more: why it failed, or why it was done.
	Text string
}

// Counts are numbers of Machines by process group and region.
type Counts map[string]map[region.Code]int

// A Result is what Run did, and what runs.
type Result struct {
	Outcome Outcome
	// Steps are in the order of the phases, then in that of the Machines.
	Steps []Step
	// Moved is what differs from what was assumed, with PreconditionFailed.
	Moved []decision.Difference
	// Before and After count the groups' Machines as they were read first and
	// last, stopped and cordoned ones included, but not those that this or
	// another unfinished run made and that never got requests. Groups that could
	// not be read at the end are missing in After.
	Before, After Counts
	// Err says what went wrong, with a hint; nil when nothing did.
	Err error
	// Requests is how many requests were asked for.
	Requests int
}

// Run makes the decision real, one process group after the other. It writes at
// most 4 times for each of: a lease, renewal or release; for a new Machine its
// creation, two marks, uncordon, two marks less, and, if that is undone, cordon,
// stop and destruction; for one that goes a mark, cordon, stop, destruction
// and, if that is undone, uncordon and a mark less. When ctx ends it stops
// between two phases, gives the leases back and says what is left, all within
// graceTime + reopenTime + releaseTime + countTime.
func Run(ctx context.Context, m Machines, r Request, o Options) Result {
	run := newRunner(m, r, o)
	end := run.bound(ctx)
	defer end()
	stop := run.keepLeases(ctx)
	err := run.groups(ctx)
	run.releaseAll(ctx)
	stop()
	run.count(ctx)
	run.conclude(err)
	return run.result
}
