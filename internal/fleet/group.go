package fleet

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/price"
	"github.com/fly-placer/fly-placer/internal/region"
)

// A Group is one process group: the Machines that are counted, and what is
// known about moving them.
type Group struct {
	Name string
	// Machines are the managed ones, by region, then ID: what fly scale counts.
	// Stopped and cordoned ones are included; standbys, scheduled,
	// auto-destroyed and Fly's own Machines are not.
	Machines []Machine
	// Guest is the size that a new Machine would have; MixedGuests is true
	// when other sizes run too.
	Guest       price.Guest
	MixedGuests bool
	// HTTP is true when fly-proxy serves HTTP for the group, so that its
	// traffic is in the edge metrics.
	HTTP bool
	// SoftLimit and HardLimit are requests in flight per Machine. A soft limit
	// that is not set is Fly's 20; a hard limit that is not set is 0.
	SoftLimit, HardLimit float64
	// Autostop is true when fly-proxy stops or suspends idle Machines.
	Autostop bool
	// Primary is PRIMARY_REGION; "" when not set. MinRunning Machines must
	// stay in it (min_machines_running).
	Primary    region.Code
	MinRunning int
	Pins       []Pin // by region, Machine, reason
	LiteFS     bool
	// Mounts are the volumes that a new Machine would mount, empty: every
	// Machine of the group mounts some.
	Mounts []string
	// Deploy says why a deploy seems to be in progress; "" when none does.
	Deploy string
	// Failing are the IDs of serving Machines with a critical health check:
	// fly-proxy sends them nothing until they recover.
	Failing []string
	// Lost are Machines whose hosts do not even tell their process group: they
	// may belong to this one.
	Lost []Machine
	// Spot is true when a Machine may vanish at any time, Containers when one
	// runs several containers.
	Spot, Containers bool
}

// Fly's own process groups and keys (fly-go, machine_types.go).
const (
	keyPlatform     = "fly_platform_version"
	keyGroup        = "fly_process_group"
	releaseCommand  = "fly_app_release_command"
	keyOldGroup     = "process_group"
	keyRelease      = "fly_release_version"
	keyCanary       = "fly_canary"
	keyBlueGreen    = "fly_bluegreen_deployment_tag"
	tagDoomed       = "safe_to_destroy" // such a tag, when the deployment is over
	keyPostgres     = "fly-managed-postgres"
	defaultGroup    = "app"
	defaultSoft     = 20 // fly-proxy's, when a service sets none
	freshDeploy     = 15 * time.Minute
	postgresRole    = "postgres_cluster"
	postgresImage   = "flyio/postgres"
	privateIPPrefix = "fdaa:" // 6PN and flycast addresses
)

// Postgres tells whether the app is a database cluster, which is never placed.
func (a App) Postgres() bool {
	return a.Role == postgresRole || slices.ContainsFunc(a.Machines, func(m Machine) bool {
		return strings.HasPrefix(strings.TrimPrefix(m.Image, "registry-1.docker.io/"), postgresImage) ||
			m.metadata(keyPostgres) == "true"
	})
}

// Private tells whether the app has addresses, or none at all, but none that
// the public can reach. It is false when the addresses could not be read.
func (a App) Private() bool {
	if _, unread := a.Unread["IP addresses"]; unread {
		return false
	}
	return !slices.ContainsFunc(a.IPs, func(ip string) bool { return !strings.HasPrefix(ip, privateIPPrefix) })
}

func (m Machine) metadata(key string) string {
	if m.Config == nil {
		return m.Incomplete[key]
	}
	return m.Config.Metadata[key]
}

// processGroup follows fly-go: the metadata, then the older key, then "app".
func (m Machine) processGroup() string {
	return cmp.Or(m.metadata(keyGroup), m.metadata(keyOldGroup), defaultGroup)
}

func (m Machine) system() bool {
	g := m.processGroup()
	return strings.HasPrefix(g, "fly_app_") || g == "release_command" || m.metadata(keyOldGroup) == "release_command"
}

// managed tells whether Fly Launch manages the Machine.
func (m Machine) managed() bool { return m.metadata(keyPlatform) == "v2" && !m.system() }

// lost tells whether nobody knows what the Machine is: its host does not answer.
func (m Machine) lost() bool { return m.Config == nil && m.metadata(keyPlatform) == "" }

// serving tells whether fly-proxy sends the Machine requests, or would start
// it to send it some.
func (m Machine) serving() bool {
	if m.Config == nil || m.HostStatus != "ok" || m.Cordoned {
		return false
	}
	switch m.State {
	case "stopped", "suspended", "stopping", "suspending":
		return slices.ContainsFunc(m.Config.Services, func(s Service) bool { return s.HTTP && s.stops() })
	case "failed", "created", "launch_failed":
		return false
	}
	return true
}

func (s Service) stops() bool { return s.Autostop == "stop" || s.Autostop == "suspend" }

func (m Machine) release() int {
	v, err := strconv.Atoi(m.metadata(keyRelease))
	if err != nil {
		return 0
	}
	return v
}

// Groups sorts the app's Machines into process groups, by name. now tells
// whether leases have expired and how old the last updates are.
//
// A Machine whose host tells nothing about it may belong to any group: it is
// listed as Lost in all of them, and counts in none.
func Groups(a App, now time.Time) []Group {
	byName := map[string][]Machine{}
	var lost []Machine
	protected := map[string]bool{} // IDs that a standby stands by for
	for _, m := range a.Machines {
		for _, id := range m.standsByFor() {
			protected[id] = true
		}
		switch {
		case m.lost():
			lost = append(lost, m)
		case m.managed():
			byName[m.processGroup()] = append(byName[m.processGroup()], m)
		}
	}
	deploy := deployOf(a, now)
	var groups []Group
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		g := newGroup(a, name, byName[name], protected, now)
		g.Lost = lost
		g.Deploy = cmp.Or(deploy, g.Deploy) // who, and until when, rather than what
		groups = append(groups, g)
	}
	return groups
}

// standsByFor lists the Machines that m would replace.
func (m Machine) standsByFor() []string {
	if m.Config == nil {
		return nil
	}
	ids := slices.Clone(m.Config.Standbys)
	for id := range strings.SplitSeq(m.Config.StandbyFor, ",") { // flyctl joins them so
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func newGroup(a App, name string, machines []Machine, protected map[string]bool, now time.Time) Group {
	slices.SortFunc(machines, func(x, y Machine) int {
		return cmp.Or(cmp.Compare(x.Region, y.Region), cmp.Compare(x.ID, y.ID))
	})
	g := Group{Name: name}
	for _, m := range machines {
		pin, counted := pinOf(a, m, protected, now)
		if pin.Reason != "" {
			g.Pins = append(g.Pins, pin)
		}
		if counted {
			g.Machines = append(g.Machines, m)
			if m.serving() && m.State == "started" && m.failing() {
				g.Failing = append(g.Failing, m.ID)
			}
		}
	}
	g.describe()
	g.Deploy = deployInProgress(g, now)
	g.pinPlaces()
	return g
}

// describe takes what a new Machine would have from the Machine that would be
// cloned for it.
func (g *Group) describe() {
	best, ok := g.likeliestSource()
	if !ok {
		return
	}
	c := best.Config
	g.Guest, g.Mounts, g.Primary = c.Guest, c.Mounts, c.PrimaryRegion
	g.SoftLimit = defaultSoft
	for _, m := range g.Machines {
		if m.Config != nil {
			g.MixedGuests = g.MixedGuests || m.Config.Guest != c.Guest
			g.LiteFS = g.LiteFS || m.Config.LiteFS
			g.Spot = g.Spot || m.Config.Spot
			g.Containers = g.Containers || m.Config.Containers
		}
	}
	for _, s := range c.Services {
		g.MinRunning = max(g.MinRunning, s.MinMachinesRunning)
		if !s.HTTP || g.HTTP {
			continue
		}
		g.HTTP = true
		g.Autostop = s.stops()
		if s.SoftLimit > 0 {
			g.SoftLimit = float64(s.SoftLimit)
		}
		g.HardLimit = float64(s.HardLimit)
	}
}

func (m Machine) failing() bool {
	return slices.ContainsFunc(m.Checks, func(c Check) bool { return c.Status == "critical" })
}

func (m Machine) healthy() bool {
	return !slices.ContainsFunc(m.Checks, func(c Check) bool { return c.Status != "passing" })
}

// Current counts the group's Machines by region.
func (g Group) Current() map[region.Code]int {
	return g.count(func(Machine) bool { return true })
}

// Serving counts those that serve requests, or would when started by
// fly-proxy. The others (cordoned, failed, stopped by somebody, on a host that
// does not answer) carry no load, and a plan leaves them as they are.
func (g Group) Serving() map[region.Code]int { return g.count(Machine.serving) }

func (g Group) count(which func(Machine) bool) map[region.Code]int {
	n := map[region.Code]int{}
	for _, m := range g.Machines {
		if which(m) {
			n[m.Region]++
		}
	}
	return n
}

// Floor is how many of the serving Machines must stay in each region: the
// pinned ones, and in the primary region at least one and
// min_machines_running, as far as they serve there now.
func (g Group) Floor() map[region.Code]int {
	serving := map[string]bool{}
	for _, m := range g.Machines {
		serving[m.ID] = m.serving()
	}
	floor := map[region.Code]int{}
	for _, p := range g.Pins {
		if serving[p.Machine] {
			floor[p.Region]++
		}
	}
	if here := g.Serving()[g.Primary]; here > 0 {
		floor[g.Primary] = max(floor[g.Primary], min(here, max(1, g.MinRunning)))
	}
	return floor
}
