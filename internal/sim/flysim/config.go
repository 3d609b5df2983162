// Package flysim is a simulated Fly.io: the part of the Machines API that Fly
// Placer talks to, and the GraphQL queries for egress addresses. It keeps the
// API's limits, refuses what the API refuses, and fails on request.
//
// It has its own idea of the JSON and shares no code with the client, so that
// a mistake of the client is not repeated here. Sources: the Machines API's
// OpenAPI description (May 2026, and the newer one of August 2026 where it
// says so) and fly-go v0.9.3 for what its clients send.
//
// Where Fly.io's ways are not written down, these are assumed, mostly what is
// harder on a client: waiting for the state stopped needs a version; metadata
// of a leased Machine is written with the nonce only, and makes no new version;
// a lease that ran out is neither renewed nor released, but 404; writes with
// its nonce go through (see NoStrayNonce); a stop takes all of its timeout, and
// one of 0 the configuration's; a destroyed Machine can be read but not written;
// destroying one that is being destroyed is fine; an update of a stopped Machine
// starts it unless that is to be skipped.
package flysim

import "time"

// Epoch is where clocks start, and the time before which Machines that were
// added without one were created.
var Epoch = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// Config says how the simulated Fly.io behaves. The zero value is one without
// failures that accepts any token and keeps no rate limits.
type Config struct {
	// Token is the only token accepted, as `fly tokens` prints it; "" accepts
	// any, but not none.
	Token string
	// TokenApps are the only apps that the token may see; nil = all. TokenMachine
	// is told as the only Machine that may use it; "" = any.
	TokenApps    []string
	TokenMachine string
	// Clock is the clock; with it Now does not count.
	Clock *Clock
	// Now is the time where Clock is nil: time.Now, or one that the caller
	// moves. The server looks at it with every request, and every 2 ms while
	// one waits. nil: it stands still at Epoch.
	Now func() time.Time
	// BootTime passes from a create or start to the state started, CheckTime
	// from there until checks pass, DestroyTime from a delete to the state
	// destroyed. How long a stop takes is said by it or by the Machine.
	BootTime, CheckTime, DestroyTime time.Duration
	// ForgetTime is how long a destroyed Machine can still be read by its ID;
	// 0 = for ever.
	ForgetTime time.Duration
	// Limits keeps Fly.io's documented rate limits by the clock: one request
	// a second per action and app or Machine, bursts of 3; 5 and 10 for
	// reading one Machine. RetryAfter adds that header to the 429.
	Limits, RetryAfter bool
	// Delay is waited before every answer, in real time, to measure round
	// trips.
	Delay time.Duration
	// PageSize is how many Machines one page of a list holds; 0 = all.
	PageSize int
	// ListLag is how old lists are: they show the app's Machines as they were
	// that long ago. Reading one Machine shows it as it is.
	ListLag time.Duration
	// OldAPI leaves out what the description of May 2026 does not have:
	// cordoned, leases and versions of Machines.
	OldAPI bool
	// Regions are those that the platform lists; nil = all of Fly.io's as of
	// 2026, retired ones included.
	Regions []Region
	// Capacity is for how many more Machines a region has room; one that is
	// not named has room for any number. Placements and creates go by it: a
	// create takes one place, a Machine that is destroyed leaves one.
	Capacity map[string]int
	// MaxMachines is the limit of each organization; 0 = none.
	MaxMachines int
	// MarksAreVersions gives a Machine a new version with each change of its
	// metadata, without starting it anew. Whether Fly.io does is not known.
	MarksAreVersions bool
	// NoStrayNonce refuses a write with a nonce on a Machine that has no
	// lease, such as one that ran out. Whether Fly.io does is not known.
	NoStrayNonce bool
}
