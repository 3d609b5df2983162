// Package flysim is a simulated Fly.io: the part of the Machines API that Fly
// Placer talks to, and the GraphQL queries for egress addresses. It keeps the
// API's limits, refuses what the API refuses, and fails on request.
//
// It has its own idea of the JSON and shares no code with the client, so that
// a mistake of the client is not repeated here. Sources: the Machines API's
// OpenAPI description (May 2026, and the newer one of August 2026 where it
// says so) and fly-go v0.9.3 for what its clients send.
package flysim

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Epoch is what the clock says when Config.Now is nil, and the time at which
// Machines without one were created.
var Epoch = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

// Config says how the simulated Fly.io behaves. The zero value is one without
// failures that accepts any token and keeps no rate limits.
type Config struct {
	// Token is the only token accepted, as `fly tokens` prints it; "" accepts
	// any, but not none.
	Token string
	// Now is the clock. nil: it stands still at Epoch.
	Now func() time.Time
	// Limits keeps Fly.io's documented rate limits by the clock: one request
	// a second per action and app or Machine, bursts of 3; 5 and 10 for
	// reading one Machine. RetryAfter adds that header to the 429.
	Limits, RetryAfter bool
	// Delay is waited before every answer, in real time, to measure round
	// trips.
	Delay time.Duration
	// PageSize is how many Machines one page of a list holds; 0 = all.
	PageSize int
	// ListLag is how long a created Machine stays out of lists.
	ListLag time.Duration
	// OldAPI leaves out what the description of May 2026 does not have:
	// cordoned, leases and versions of Machines.
	OldAPI bool
	// Regions are those that the platform lists; nil = all of Fly.io's as of
	// 2026, retired ones included.
	Regions []Region
	// Capacity is how many Machines placements find room for, by region; one
	// that is not named has room for any number.
	Capacity map[string]int
}

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

	version   int
	listedAt  time.Time // when lists begin to show it
	privateIP string
}

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

	mu       sync.Mutex
	apps     map[string]*app
	made     int // Machines made so far, for IDs
	requests []Request
	faults   []*Fault
	buckets  map[string]*bucket
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
	s := &Server{config: config, apps: map[string]*app{}, buckets: map[string]*bucket{}}
	s.mux = s.routes()
	return s
}

// AddApp adds an app, or replaces one and its Machines.
func (s *Server) AddApp(a App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addApp(a)
}

func (s *Server) addApp(a App) *app {
	if a.Org == "" {
		a.Org = "personal"
	}
	if a.IPs == nil {
		a.IPs = []IP{{Address: "66.241.124.10", Shared: true}, {Address: "2a09:8280:1::50:1a2b:0"}}
	}
	s.apps[a.Name] = &app{App: a}
	return s.apps[a.Name]
}

// AddMachine adds a Machine to an app, which is made when there is none of
// that name, and returns its ID.
func (s *Server) AddMachine(appName string, m Machine) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.apps[appName]
	if !ok {
		a = s.addApp(App{Name: appName})
	}
	return s.add(a, m, time.Time{}).ID
}

// ChangeMachine lets change alter a Machine in place; it reports false when
// there is no such Machine.
func (s *Server) ChangeMachine(appName, id string, change func(*Machine)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.apps[appName]; ok {
		if m := a.machine(id); m != nil {
			change(m)
			return true
		}
	}
	return false
}

// Machines returns the Machines of an app in the order of creation, destroyed
// ones included. Their configurations are the server's own: read only.
func (s *Server) Machines(appName string) []Machine {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.apps[appName]
	if !ok {
		return nil
	}
	machines := make([]Machine, len(a.machines))
	for i, m := range a.machines {
		machines[i] = *m
	}
	return machines
}

// add completes m and appends it to a. The lock is held.
func (s *Server) add(a *app, m Machine, listedAt time.Time) *Machine {
	s.made++
	m.version = s.made
	m.listedAt = listedAt
	m.privateIP = fmt.Sprintf("fdaa:0:1a2b:a7b:10b:%x:%x:2", s.made>>16, s.made&0xffff)
	if m.ID == "" {
		m.ID = fmt.Sprintf("%014x", 0x3d8d1000000000+s.made*0x1f35)
	}
	if m.Name == "" {
		m.Name = fmt.Sprintf("%s-%s-%d", a.Name, m.Region, s.made)
	}
	if m.State == "" {
		m.State = "started"
	}
	if m.HostStatus == "" {
		m.HostStatus = "ok"
	}
	if m.CreatedAt.IsZero() {
		m.CreatedAt = Epoch.Add(-time.Hour)
	}
	if m.Updated.IsZero() {
		m.Updated = m.CreatedAt
	}
	if m.Image == nil {
		m.Image = image(a.Name)
	}
	a.machines = append(a.machines, &m)
	return &m
}

// image returns the reference of an image that a deploy pushed.
func image(appName string) map[string]any {
	return map[string]any{
		"registry": "registry.fly.io", "repository": appName,
		"tag": "deployment-01KA0000000000000000000000", "digest": "sha256:" + strings.Repeat("0123456789abcdef", 4),
		"labels": map[string]any{},
	}
}

func (a *app) machine(id string) *Machine {
	i := slices.IndexFunc(a.machines, func(m *Machine) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return a.machines[i]
}

// appNames returns the names of the apps in order. The lock is held.
func (s *Server) appNames() []string { return slices.Sorted(maps.Keys(s.apps)) }
