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
	// Mounts are the volumes that a new Machine would mount, empty.
	Mounts []string
	// Deploy says why a deploy seems to be in progress; "" when none does.
	Deploy string
}

// Fly's own process groups and keys (fly-go, machine_types.go).
const (
	keyPlatform     = "fly_platform_version"
	keyGroup        = "fly_process_group"
	keyOldGroup     = "process_group"
	keyRelease      = "fly_release_version"
	keyCanary       = "fly_canary"
	keyBlueGreen    = "fly_bluegreen_deployment_tag"
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
		return ""
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

// managed tells whether Fly Launch manages the Machine. One whose host does
// not answer has no configuration; it is taken for managed, to be left alone.
func (m Machine) managed() bool {
	if m.Config == nil {
		return true
	}
	return m.Config.Metadata[keyPlatform] == "v2" && !m.system()
}

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
// A Machine whose host does not answer has no readable group: it counts for
// the only group when there is just one, and for none otherwise.
func Groups(a App, now time.Time) []Group {
	byName := map[string][]Machine{}
	var lost []Machine
	for _, m := range a.Machines {
		switch {
		case !m.managed():
		case m.Config == nil:
			lost = append(lost, m)
		default:
			byName[m.processGroup()] = append(byName[m.processGroup()], m)
		}
	}
	names := slices.Sorted(maps.Keys(byName))
	groups := make([]Group, 0, len(names))
	for _, name := range names {
		machines := byName[name]
		if len(names) == 1 {
			machines = append(machines, lost...)
		}
		groups = append(groups, newGroup(a, name, machines, now))
	}
	return groups
}

func newGroup(a App, name string, machines []Machine, now time.Time) Group {
	slices.SortFunc(machines, func(x, y Machine) int {
		return cmp.Or(cmp.Compare(x.Region, y.Region), cmp.Compare(x.ID, y.ID))
	})
	g := Group{Name: name}
	protected := map[string]bool{} // IDs that a standby stands by for
	for _, m := range machines {
		if m.Config == nil {
			continue
		}
		for _, id := range m.Config.Standbys {
			protected[id] = true
		}
		if m.Config.StandbyFor != "" {
			protected[m.Config.StandbyFor] = true
		}
	}
	for _, m := range machines {
		pin, counted := pinOf(a, m, protected, now)
		if pin.Reason != "" {
			g.Pins = append(g.Pins, pin)
		}
		if counted {
			g.Machines = append(g.Machines, m)
		}
	}
	g.describe()
	g.Deploy = deployInProgress(g, now)
	g.pinPlaces()
	return g
}

// describe takes what a new Machine would have from the Machine that would be
// cloned for it: healthy, started, of the newest release, changed last.
func (g *Group) describe() {
	var best *Machine
	for i := range g.Machines {
		m := &g.Machines[i]
		if m.Config == nil {
			continue
		}
		if best == nil || betterSource(*m, *best) {
			best = m
		}
	}
	if best == nil {
		return
	}
	c := best.Config
	g.Guest, g.Mounts, g.Primary = c.Guest, c.Mounts, c.PrimaryRegion
	g.SoftLimit = defaultSoft
	for _, m := range g.Machines {
		if m.Config != nil {
			g.MixedGuests = g.MixedGuests || m.Config.Guest != c.Guest
			g.LiteFS = g.LiteFS || m.Config.LiteFS
		}
	}
	for _, s := range c.Services {
		g.MinRunning = max(g.MinRunning, s.MinMachinesRunning)
		if !s.HTTP || g.HTTP {
			continue
		}
		g.HTTP = true
		g.Autostop = s.Autostop == "stop" || s.Autostop == "suspend"
		if s.SoftLimit > 0 {
			g.SoftLimit = float64(s.SoftLimit)
		}
		g.HardLimit = float64(s.HardLimit)
	}
}

func betterSource(m, than Machine) bool {
	for _, prefer := range []func(Machine) bool{
		func(m Machine) bool { return m.HostStatus == "ok" },
		func(m Machine) bool { return m.metadata(keyCanary) == "" },
		func(m Machine) bool { return m.State == "started" },
		Machine.healthy,
	} {
		if a, b := prefer(m), prefer(than); a != b {
			return a
		}
	}
	if a, b := m.release(), than.release(); a != b {
		return a > b
	}
	if !m.Updated.Equal(than.Updated) {
		return m.Updated.After(than.Updated)
	}
	return m.ID < than.ID
}

func (m Machine) healthy() bool {
	return !slices.ContainsFunc(m.Checks, func(c Check) bool { return c.Status != "passing" })
}

// Current counts the group's Machines by region.
func (g Group) Current() map[region.Code]int {
	n := map[region.Code]int{}
	for _, m := range g.Machines {
		n[m.Region]++
	}
	return n
}

// Floor is the number of Machines that must stay in each region: the pinned
// ones, and in the primary region at least one and min_machines_running, as
// far as they run there now.
func (g Group) Floor() map[region.Code]int {
	counted := map[string]bool{}
	for _, m := range g.Machines {
		counted[m.ID] = true
	}
	floor := map[region.Code]int{}
	for _, p := range g.Pins {
		if p.Machine != "" && counted[p.Machine] {
			floor[p.Region]++
		}
	}
	if here := g.Current()[g.Primary]; here > 0 {
		floor[g.Primary] = max(floor[g.Primary], min(here, max(1, g.MinRunning)))
	}
	return floor
}
