package flysim

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// An App is one app and what belongs to it.
type App struct {
	Name string
	// Org is the organization's slug; "" = "personal".
	Org string
	// Role is app_role; "" for an ordinary app.
	Role string
	// IPs are the app's addresses; nil = one shared IPv4 and one IPv6.
	IPs     []IP
	Volumes []Volume
	// EgressRegions have an app-scoped static egress address.
	EgressRegions []string
}

// An IP is an address of an app.
type IP struct {
	Address, Region string
	Shared          bool
}

// A Volume is a volume of an app.
type Volume struct {
	ID, Name, Region string
	// State is in Fly.io's words; "" = "created".
	State string
	// Machine is the ID of the Machine that it is attached to; "" = none.
	Machine string
}

// A Machine is one Machine as the API tells it.
type Machine struct {
	// ID and Name are made up when empty.
	ID, Name string
	// State is in Fly.io's words; "" = "started".
	State  string
	Region string
	// HostStatus is ok, unknown or unreachable; "" = "ok". With any but ok
	// the configuration comes as incomplete_config.
	HostStatus string
	Cordoned   bool
	// Config is the configuration's JSON. It is kept as it is, so that
	// fields that nobody here knows survive.
	Config map[string]any
	// Image is image_ref: registry, repository, tag, digest.
	Image              map[string]any
	Checks             []Check
	Lease              *Lease
	CreatedAt, Updated time.Time
	// Egress tells that the Machine has a static egress address of its own.
	Egress bool
	// Extra are more fields of the Machine itself.
	Extra map[string]any
	// Autostopped tells that fly-proxy stopped or suspended the Machine, and
	// starts it for the next request. Machines that are added stopped or
	// suspended, with a service that stops by itself, were.
	Autostopped bool
	// Fate is what becomes of the Machine whenever it is started.
	Fate Fate

	app       *app
	version   int
	privateIP string
	events    []machineEvent // newest last
	step      int            // counts the states, so that what was meant for an earlier one is not done
	past      []look         // what lists may still show, oldest first
}

// A Fate is what becomes of a Machine that is started.
type Fate int

// The fates.
const (
	Thrives       Fate = iota // started, then healthy
	StaysSick                 // started, but its checks never pass
	CrashLoops                // started, failed, starting, without end
	FailsToLaunch             // launch_failed, then destroyed
)

// A Check is the last result of a health check.
type Check struct{ Name, Status, Output string }

// A Lease is a lock on a Machine.
type Lease struct {
	Nonce, Owner, Description string
	Expires                   time.Time
}

// A Region is a row of the platform's list.
type Region struct {
	Code, Name, Geo string
	Lat, Lon        float64
	Deprecated      bool
}

// Server is the simulated Fly.io. Its methods may be called while it serves.
type Server struct {
	config Config
	mux    *http.ServeMux
	clock  *Clock

	mu       sync.Mutex
	apps     map[string]*app
	made     int // Machines made so far, for IDs
	versions int // versions of Machines made so far, likewise
	nonces   int // likewise
	releases int // that somebody deployed
	requests []Request
	faults   []*Fault
	buckets  map[string]*bucket
	waiters  []*waiter
	watchers []func(Event)
	handling int // number of the request whose effects are told; 0 = none
	hooks    map[int][]func(*Server)
	cutAt    int // the request with which clients are cut off; 0 = none
	cutHow   cut
	down     bool          // clients are cut off
	gone     chan struct{} // closed when they are
}

type app struct {
	App
	machines []*Machine // in the order of creation, destroyed ones included
}

// New returns a simulated Fly.io without any apps.
func New(config Config) *Server {
	if config.Now == nil {
		config.Now = func() time.Time { return Epoch }
	}
	if config.Regions == nil {
		config.Regions = allRegions()
	}
	config.Capacity = maps.Clone(config.Capacity)
	clock := config.Clock
	if clock == nil {
		clock = &Clock{follow: config.Now}
	}
	s := &Server{config: config, clock: clock, apps: map[string]*app{}, buckets: map[string]*bucket{}, gone: make(chan struct{})}
	s.mux = s.routes()
	return s
}
