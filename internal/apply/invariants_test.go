package apply_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// A monitor watches what docs/apply.md says holds at every moment:
// 1 (capacity), 2 (a region closes last), 3 (pins) and 6 (a region's own
// traffic). 4 is what the sweeps end with, 5 is watched in the requests.
type monitor struct {
	mu     sync.Mutex
	sc     scenario
	start  map[string]map[string]int // serving by group and region
	old    map[string]flysim.Machine
	pinned map[string]bool
	routes map[string]flysim.Router
	since  map[string]time.Time // when a group began to be overloaded
	// taken counts Machines of a group that others destroyed or stopped.
	taken map[string]int
	// cut: a run was killed; until the next one ends a burst may stand half
	// done.
	cut, on bool
	// deploy: somebody's deploy restarts Machines, which then count as serving.
	deploy bool
	// touched: others added or took Machines.
	touched bool
	// usurped: others broke our leases, so that a burst may fail half way and not
	// be undone.
	usurped bool
	// spoilt is a Machine that served no more by itself, since spoiledAt.
	spoilt    flysim.Machine
	spoiledAt time.Time
	slack     time.Duration // for how long an answer is held back
	faults    []string      // what was injected
	found     []string
	events    int
}

// burst is how long the requests that go out together may take.
const burst = 2 * time.Second

func newMonitor(w *world, sc scenario) *monitor {
	m := &monitor{
		sc: sc, start: map[string]map[string]int{}, old: map[string]flysim.Machine{}, pinned: map[string]bool{},
		routes: map[string]flysim.Router{}, since: map[string]time.Time{}, taken: map[string]int{},
	}
	for name := range sc.before {
		m.start[name] = w.Serving(shop, name)
		var given bool
		if m.routes[name], given = sc.routers[name]; !given {
			m.routes[name] = sc.router(name)
		}
	}
	for _, machine := range w.Machines(shop) {
		m.old[machine.ID] = machine
		if machine.Config["mounts"] != nil || machine.Cordoned || machine.State == "stopped" && !machine.Autostopped {
			m.pinned[machine.ID] = true
		}
	}
	w.Watch(m.event)
	return m
}

func (m *monitor) running(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.on = on
}

func (m *monitor) event(e flysim.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events++
	if e.What == "stopping" && e.Request > 0 && m.old[e.Machine].Serves() && e.At.After(m.spoiledAt) && m.spoiltStill(e) {
		m.violate(e, "2: an old Machine is stopped although %s in %s serves no more", m.spoilt.ID, m.spoilt.Region)
	}
	if e.What == "destroying" && e.Request > 0 && m.pinned[e.Machine] {
		m.violate(e, "3: pinned Machine is destroyed")
	}
	for name := range m.sc.before {
		m.capacity(e, name)
		m.traffic(e, name)
	}
}

// spoiltStill tells whether the Machine that was spoilt is still there, of the
// group in question, and serves no more.
func (m *monitor) spoiltStill(e flysim.Event) bool {
	return slices.ContainsFunc(e.Machines, func(other flysim.Machine) bool {
		return other.ID == m.spoilt.ID && other.Group() == m.old[e.Machine].Group() && !other.Serves() &&
			(other.State == "started" || other.State == "failed") && metadata(other)["fly_placer_retire"] == ""
	})
}

func (m *monitor) violate(e flysim.Event, format string, args ...any) {
	m.found = append(m.found, fmt.Sprintf("%s: %s %s by request %d: ", e.At.Sub(flysim.Epoch), e.Machine, e.What, e.Request)+fmt.Sprintf(format, args...))
}

// after is how many Machines of a group serve in the end, by region.
func (sc scenario) serve(name string) counts {
	if _, ok := sc.after[name]; !ok {
		return sc.served(name)
	}
	n := maps.Clone(sc.after[name])
	for code, idle := range sc.idle[name] {
		n[code] -= idle
	}
	for code, sick := range sc.sick[name] { // it goes first
		n[code] -= max(0, sick-max(0, sc.total(name)[code]-sc.after[name][code]))
	}
	return n
}

// served is how many Machines of a group serve before, by region.
func (sc scenario) served(name string) counts {
	n := maps.Clone(sc.before[name])
	for code, sick := range sc.sick[name] {
		n[code] -= sick
	}
	return n
}

func total[K comparable](n map[K]int) int {
	sum := 0
	for _, v := range n {
		sum += v
	}
	return sum
}

func (m *monitor) serves(machine flysim.Machine) bool {
	switch machine.State {
	case "stopping", "stopped", "destroying", "destroyed":
		return machine.Serves()
	}
	return machine.Serves() || m.deploy && !machine.Cordoned
}

func (m *monitor) serving(e flysim.Event, group string) map[string]int {
	n := map[string]int{}
	for _, machine := range e.Machines {
		if machine.Group() == group && m.serves(machine) {
			n[machine.Region]++
		}
	}
	return n
}

func (m *monitor) capacity(e flysim.Event, name string) {
	serving := m.serving(e, name)
	least := min(total(m.start[name]), total(m.sc.serve(name))) - m.taken[name]
	if got := total(serving); got < least {
		m.violate(e, "1: %d Machines of %s serve, %d must", got, name, least)
	}
	lost := false
	for _, machine := range e.Machines {
		was, there := m.old[machine.ID]
		lost = lost || there && machine.Group() == name && was.Serves() && !m.serves(machine)
	}
	if !lost || m.taken[name] > 0 {
		return
	}
	for code, want := range m.sc.serve(name) {
		if serving[string(code)] < want {
			m.violate(e, "2: an old Machine of %s serves no more, and in %s %d serve instead of %d", name, code, serving[string(code)], want)
		}
	}
}

// traffic watches that no region serves with fewer Machines than its traffic
// needs for longer than a burst of requests takes.
func (m *monitor) traffic(e flysim.Event, name string) {
	over := m.routes[name].Overloaded(m.serving(e, name))
	since, was := m.since[name]
	switch {
	case len(over) == 0 || m.cut || m.usurped || m.taken[name] > 0:
		delete(m.since, name)
	case !was:
		m.since[name] = e.At
	case e.At.Sub(since) > burst+m.slack:
		m.violate(e, "6: %s is overloaded in %v since %s", name, over, since.Sub(flysim.Epoch))
		m.since[name] = e.At.Add(time.Hour)
	}
}

// router sends as much as both placements take: all that the one after serves,
// where it would like to have it.
func (sc scenario) router(name string) flysim.Router {
	after := sc.serve(name)
	codes := map[string]bool{}
	r := flysim.Router{Demand: map[string]float64{}, Closest: map[string][]string{}, PerMachine: 1}
	for code, n := range after {
		codes[string(code)] = true
		r.Demand[string(code)] = float64(n)
	}
	for code := range sc.before[name] {
		codes[string(code)] = true
	}
	for edge := range codes {
		r.Closest[edge] = append(r.Closest[edge], edge)
		for _, other := range slices.Sorted(maps.Keys(codes)) {
			if other != edge {
				r.Closest[edge] = append(r.Closest[edge], other)
			}
		}
	}
	for range 200 {
		if len(r.Overloaded(plain(sc.before[name]))) == 0 && len(r.Overloaded(plain(after))) == 0 {
			break
		}
		for edge := range r.Demand {
			r.Demand[edge] *= 0.95
		}
	}
	return r
}

func plain(n map[region.Code]int) map[string]int {
	out := map[string]int{}
	for code, v := range n {
		out[string(code)] = v
	}
	return out
}

// twice lists writes that were sent again although the one before may have had
// its effect and nobody had looked, but for those that do no harm: a name is
// unique, and to cordon or uncordon twice is the same as once.
func twice(requests []flysim.Request) []string {
	var bad []string
	last := map[string]flysim.Request{} // writes by what they are
	for _, r := range requests {
		id := strings.Join(strings.SplitN(strings.TrimPrefix(r.Path, "/v1/apps/"+shop+"/machines"), "/", 3)[:min(2, strings.Count(r.Path, "/")-3)], "/")
		if r.Method == "GET" {
			if id == "" {
				clear(last)
			}
			for key, w := range last {
				if strings.HasPrefix(w.Path, "/v1/apps/"+shop+"/machines"+id) {
					delete(last, key)
				}
			}
			continue
		}
		if strings.HasSuffix(r.Path, "/cordon") || strings.HasSuffix(r.Path, "/uncordon") || strings.HasSuffix(r.Path, "/lease") {
			continue
		}
		key := r.Method + r.Path + string(r.Body)
		if before, again := last[key]; again && (before.Status == 0 || before.Status >= 500 || before.Status == 408 || before.Status/100 == 2) {
			bad = append(bad, fmt.Sprintf("5: request %d repeats %d, %s %s, answered %d", r.Number, before.Number, r.Method, r.Path, before.Status))
		}
		last[key] = r
	}
	return bad
}
