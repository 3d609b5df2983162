// Package fleet describes the Machines that run, what about them must not be
// moved, and what would have to change to reach another placement.
package fleet

import (
	"time"

	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// AppPattern and GroupPattern are regular expressions for the names of apps and
// of process groups.
const (
	AppPattern   = `^[a-z0-9][a-z0-9-]{0,62}$`
	GroupPattern = `^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`
)

// An App is what the Machines API and GraphQL say about one app.
type App struct {
	Name string
	// Org is the slug of the app's organization, as metrics paths use it.
	Org string
	// Role is the app's role in Fly's words; "postgres_cluster" is a database.
	Role     string
	Machines []Machine
	// IPs are the app's addresses. Private (flycast) ones start with "fdaa:".
	IPs []string
	// VolumeOn maps a Machine ID to the ID of the volume attached to it.
	VolumeOn map[string]string
	// EgressRegions are the regions with an app-scoped static egress IP, and
	// EgressMachines the Machines with one of their own, by ID.
	EgressRegions  []region.Code
	EgressMachines map[string]bool
	// Unread names what could not be read, with the reason: "IP addresses",
	// "volumes", "egress IPs". What is named here is not known to be empty.
	Unread map[string]string
}

// A Machine is one Fly Machine, as far as placement needs to know it.
type Machine struct {
	ID     string
	Name   string
	State  string // in Fly's words: created, started, stopped, suspended, failed, or a transient one
	Region region.Code
	// HostStatus is "ok", "unreachable" or "unknown"; with any but "ok" the
	// Config is not to be relied on.
	HostStatus string
	// Cordoned is true when fly-proxy sends it no requests. Older versions of
	// the API do not tell; then it is false.
	Cordoned         bool
	Created, Updated time.Time
	// Image is the reference with tag and digest.
	Image string
	// Lease is somebody's lock on the Machine; nil when there is none.
	Lease  *Lease
	Checks []Check
	// Config is nil when the host could not tell it.
	Config *Config
	// Incomplete is the metadata of incomplete_config, when Config is nil; nil
	// when there is none. It tells the process group and nothing to rely on.
	Incomplete map[string]string
}

// A Lease is a lock on a Machine, held until it expires.
type Lease struct {
	Owner       string
	Description string
	Expires     time.Time
}

// A Check is a health check's last result: passing, warning or critical.
type Check struct {
	Name, Status string
}

// A Config is the part of a Machine's configuration that decides whether it
// may be moved and what it costs. Environment variables other than those named
// here are never kept: they can be secrets.
type Config struct {
	Guest    price.Guest
	Services []Service
	// Metadata are the Machine's own labels: fly_process_group and the like.
	Metadata map[string]string
	// PrimaryRegion is the environment's PRIMARY_REGION, StandbyFor its
	// FLY_STANDBY_FOR.
	PrimaryRegion region.Code
	StandbyFor    string
	// Standbys are the IDs of the Machines that this one stands by for.
	Standbys []string
	// Mounts are the names of the volumes that the configuration mounts.
	Mounts      []string
	Schedule    string
	AutoDestroy bool
	// HostDedicationID, GPU, Spot and Containers mark special Machines.
	HostDedicationID      string
	GPU, Spot, Containers bool
	// LiteFS is true when the files, commands or variables mention LiteFS; a
	// heuristic, as no API tells.
	LiteFS bool
}

// A Service is something that fly-proxy exposes.
type Service struct {
	Protocol     string // tcp or udp
	InternalPort int
	// HTTP is true when a port has the "http" handler, so that fly_edge_http
	// metrics exist.
	HTTP bool
	// Autostop is "off", "stop" or "suspend".
	Autostop           string
	MinMachinesRunning int
	// ConcurrencyType is connections or requests. SoftLimit and HardLimit are
	// 0 when not set; fly-proxy then uses a soft limit of 20 and no hard one.
	ConcurrencyType      string
	SoftLimit, HardLimit int
}

// A Pin is a reason why a Machine stays where it is, or why a region cannot
// be opened or closed.
type Pin struct {
	// Machine is the ID; "" when the pin concerns the region.
	Machine string
	Region  region.Code
	Reason  PinReason
	// Detail is the sentence for people.
	Detail string
}

// A PinReason names why something stays.
type PinReason string

// The reasons.
const (
	PinVolume        PinReason = "volume"
	PinStandby       PinReason = "standby"      // stands by for another, or is stood by for
	PinScheduled     PinReason = "scheduled"    // not counted
	PinAutoDestroy   PinReason = "auto-destroy" // not counted
	PinHost          PinReason = "host"         // its host does not answer
	PinCordoned      PinReason = "cordoned"     // somebody drained it
	PinIdle          PinReason = "not-serving"  // stopped by somebody, or failed
	PinLeased        PinReason = "leased"       // somebody holds its lease
	PinGPU           PinReason = "gpu"
	PinDedicatedHost PinReason = "dedicated-host"
	PinEgressIP      PinReason = "egress-ip"      // a static egress IP of its own
	PinEgressRegion  PinReason = "egress-region"  // the region has no egress IP, others have
	PinLast          PinReason = "last-machine"   // the group's last
	PinPrimary       PinReason = "primary-region" // the last, or min_machines_running, in PRIMARY_REGION
)
