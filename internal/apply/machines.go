package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fly-placer/fly-placer/internal/fleet"
	"github.com/fly-placer/fly-placer/internal/region"
)

// Machines is what apply asks of Fly.io. Each method sends one request, and
// sends it again only as Failure allows; pacing is the caller's.
type Machines interface {
	// List reads the app's Machines that are not destroyed, with their leases.
	// It may lag behind by seconds.
	List(ctx context.Context, app string) ([]Machine, error)
	// Get reads one Machine. One that is gone is a Failure of the kind Gone.
	Get(ctx context.Context, app, id string) (Machine, error)
	// Do makes a call. Its error is a *Failure.
	Do(ctx context.Context, c Call) (Answer, error)
	// Describe writes the request that Do would send: method, path, and body if
	// it has one. A nonce is left out: it is a secret.
	Describe(c Call) string
}

// A Machine is one Machine with what it takes to copy, lock and watch it.
type Machine struct {
	fleet.Machine
	// Version names the version of its configuration that runs (instance_id).
	Version string
	// Raw is its configuration as the API gave it, fields included that nobody
	// here knows; nil when the host could not tell it.
	Raw json.RawMessage
}

// An Action is what a Call does.
type Action string

// The actions.
const (
	Lease    Action = "lease"    // lock a Machine for TTL
	Renew    Action = "renew"    // lock it for TTL again, with Nonce
	Release  Action = "release"  // unlock it
	Create   Action = "create"   // make a Machine that gets no requests yet, locked for TTL
	Mark     Action = "mark"     // set the metadata Key to Value
	Unmark   Action = "unmark"   // delete the metadata Key
	Uncordon Action = "uncordon" // let fly-proxy send it requests
	Cordon   Action = "cordon"   // stop that
	Stop     Action = "stop"     // let it end what it does, for Timeout at most
	Destroy  Action = "destroy"
	Await    Action = "await" // wait up to Timeout, 60 s at most, for one of States
)

// A Call is one request that changes or watches a Machine.
type Call struct {
	Action Action
	App    string
	// Machine is the ID; "" for Create.
	Machine string
	// Nonce is that of our lease on the Machine; "" when there is none.
	Nonce string
	// TTL is the length of the lease, in whole seconds.
	TTL time.Duration
	// Name, Region and Config are those of a Machine to be created. Config is
	// sent as it is.
	Name   string
	Region region.Code
	Config json.RawMessage
	// Key and Value are of the metadata.
	Key, Value string
	// States are Fly.io's words; Version is what must have reached one of them,
	// which Fly.io requires for "stopped".
	States  []string
	Version string
	// Signal and Timeout are how a Machine is stopped; "" and 0 as it is
	// configured. Timeout is also how long Await waits.
	Signal  string
	Timeout time.Duration
}

// An Answer is what a call brought.
type Answer struct {
	// Nonce and Expires are those of the lease that a Lease, Renew or Create got.
	Nonce   string
	Expires time.Time
	// Machine is the one that a Create made.
	Machine Machine
}

// A Kind says why a call failed, as far as that decides what to do.
type Kind string

// The kinds.
const (
	Leased     Kind = "leased"      // somebody else holds the lease: Holder, Until
	Gone       Kind = "gone"        // no such Machine or app (404)
	NameTaken  Kind = "name taken"  // a Machine of that name exists: Holder is its ID
	Changed    Kind = "changed"     // concurrent update, or another version (409, 412)
	NoRoom     Kind = "no room"     // the region has no room for it; another time, or another region
	HostFull   Kind = "host full"   // this host had none: once more may land on another
	Quota      Kind = "quota"       // the organization's limit
	Denied     Kind = "denied"      // the token may not (401, 403)
	Invalid    Kind = "invalid"     // the request is refused as it is (400, 422)
	Limited    Kind = "limited"     // too many requests (429): After
	NotYet     Kind = "not yet"     // Await ended without any of the states (408)
	Unclear    Kind = "unclear"     // no answer, or none that tells (408, 5xx, reset, cut off)
	Unsent     Kind = "unsent"      // the connection was refused
	WrongPlace Kind = "wrong place" // a Machine was created elsewhere than asked: Answer has it
)

// A Failure is the error of a call.
type Failure struct {
	Kind Kind
	// Effect tells that the call may have had its effect all the same. When it
	// is false it surely had none, and may be sent again.
	Effect bool
	// Holder is who holds the lease, or the Machine that has the name; Until is
	// when the lease ends, and After how long to wait, as far as Fly.io said.
	Holder string
	Until  time.Time
	After  time.Duration
	// Call is what failed, Err the adapter's error with Fly.io's own words.
	Call Call
	Err  error
}

// Error implements error.
func (f *Failure) Error() string {
	what := string(f.Call.Action) + " Machine " + f.Call.Machine
	if f.Call.Action == Create {
		what = fmt.Sprintf("create Machine %s in %s", f.Call.Name, f.Call.Region)
	}
	return fmt.Sprintf("%s: %v", what, f.Err)
}

// Unwrap returns the adapter's error.
func (f *Failure) Unwrap() error { return f.Err }
