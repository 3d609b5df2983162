package apply_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const added = "a Machine is added"

// A race is what somebody else does while a decision is applied.
type race struct {
	name string
	do   func(*world, *sync.WaitGroup, scenario)
}

func races() []race {
	pick := func(w *world, which func(flysim.Machine) bool) (flysim.Machine, bool) {
		i := slices.IndexFunc(w.living(), which)
		if i < 0 {
			return flysim.Machine{}, false
		}
		return w.living()[i], true
	}
	old := func(m flysim.Machine) bool { return !strings.HasPrefix(m.Name, "fp-") }
	stays := func(m flysim.Machine) bool { return old(m) && metadata(m)["fly_placer_retire"] == "" }
	spoil := func(w *world, which func(flysim.Machine) bool, how func(*flysim.Machine)) {
		begun := map[string]bool{} // what serves nothing from the start is left as it is
		for _, m := range w.living() {
			if metadata(m)["fly_placer_retire"] != "" || metadata(m)["fly_placer_decision"] != "" {
				begun[m.Group()] = true
			}
		}
		m, ok := pick(w, func(m flysim.Machine) bool {
			return which(m) && begun[m.Group()] && m.State == "started" && (m.Serves() || !old(m))
		})
		if !ok {
			return
		}
		w.watch.spoiled(m, w.now())
		w.ChangeMachine(shop, m.ID, how)
	}
	take := func(which func(flysim.Machine) bool) func(*world, *sync.WaitGroup, scenario) {
		return func(w *world, _ *sync.WaitGroup, _ scenario) {
			if m, ok := pick(w, which); ok {
				w.watch.disturbed(m.Group(), 1)
				w.Destroy(shop, m.ID)
			}
		}
	}
	return []race{
		{"a deploy, where nothing is leased", func(w *world, _ *sync.WaitGroup, _ scenario) {
			w.watch.deploying()
			w.Deploy(shop, 15*time.Second)
		}},
		{"a deploy that breaks the leases", func(w *world, _ *sync.WaitGroup, _ scenario) {
			w.watch.deploying()
			w.watch.usurp()
			for _, m := range w.living() {
				w.EndLease(shop, m.ID)
			}
			w.Deploy(shop, 15*time.Second)
		}},
		{"somebody takes all leases", func(w *world, _ *sync.WaitGroup, _ scenario) {
			w.watch.usurp()
			for _, m := range w.living() {
				w.EndLease(shop, m.ID)
			}
			w.LeaseAll(shop, "ann", 50*time.Second)
		}},
		{"an old Machine is destroyed", take(old)},
		{"a Machine that stays is destroyed", take(stays)},
		{"a new Machine is destroyed", take(func(m flysim.Machine) bool { return !old(m) })},
		{added, func(w *world, _ *sync.WaitGroup, _ scenario) {
			w.watch.disturbed("web", 0)
			w.AddMachine(shop, machine("web", "sin", kind{checks: true}))
		}},
		{"fly-proxy stops a new Machine", func(w *world, _ *sync.WaitGroup, sc scenario) {
			if m, ok := pick(w, func(m flysim.Machine) bool { return !old(m) && !m.Cordoned && sc.kinds[m.Group()].autostop }); ok {
				w.StopByProxy(shop, m.ID)
			}
		}},
		{"a new Machine becomes sick", func(w *world, _ *sync.WaitGroup, _ scenario) {
			spoil(w, func(m flysim.Machine) bool { return !old(m) }, func(m *flysim.Machine) {
				for i := range m.Checks {
					m.Checks[i].Status = "critical"
				}
				if len(m.Checks) == 0 {
					m.State = "failed"
				}
			})
		}},
		{"a new Machine crashes", func(w *world, _ *sync.WaitGroup, _ scenario) {
			spoil(w, func(m flysim.Machine) bool { return !old(m) }, func(m *flysim.Machine) { m.State = "failed" })
		}},
		{"a new Machine's host is lost", func(w *world, _ *sync.WaitGroup, _ scenario) {
			spoil(w, func(m flysim.Machine) bool { return !old(m) }, func(m *flysim.Machine) { m.HostStatus = "unreachable" })
		}},
		{"a Machine that stays crashes", func(w *world, _ *sync.WaitGroup, _ scenario) {
			spoil(w, stays, func(m *flysim.Machine) { m.State = "failed" })
		}},
		{"a second run", func(w *world, group *sync.WaitGroup, sc scenario) {
			client := w.newClient()
			group.Go(func() { apply.Run(w.t.Context(), client, sc.request(), w.options) })
		}},
	}
}

// disturbed notes that somebody else took Machines away.
func (m *monitor) disturbed(group string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken[group] += n
	m.touched = true
}

// spoiled notes that a Machine serves no more. From then on no old one may be
// stopped, unless it is too late.
func (m *monitor) spoiled(machine flysim.Machine, at time.Time) {
	m.disturbed(machine.Group(), 1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spoilt, m.spoiledAt = machine, at
}

// repaired returns the Machine that was spoilt, and forgets it.
func (m *monitor) repaired() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := m.spoilt.ID
	m.spoilt = flysim.Machine{}
	return id
}

// deploying notes that a deploy restarts Machines: from now on they count as
// serving while it does.
func (m *monitor) deploying() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deploy = true
}

func (m *monitor) usurp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usurped = true
}

// quiet makes the app one that a decision can be made on: nothing is leased, all
// Machines run the same release, and what was spoilt serves again.
func (w *world) quiet() {
	w.clock.Advance(time.Minute)
	if id := w.watch.repaired(); id != "" {
		w.ChangeMachine(shop, id, func(m *flysim.Machine) {
			if m.State == "failed" {
				m.State = "started"
			}
			m.HostStatus = "ok"
			for i := range m.Checks {
				m.Checks[i].Status = "passing"
			}
		})
	}
	versions := map[string]bool{}
	for _, m := range w.living() {
		versions[metadata(m)["fly_release_version"]] = true
	}
	if len(versions) > 1 {
		w.Deploy(shop, 10*time.Second)
		w.clock.Advance(time.Minute)
	}
}

// Somebody else works on the app at each request: no capacity is lost by us, the
// result says what runs, and a decision on what runs then can be applied.
func TestSomebodyElseAtEveryRequest(t *testing.T) {
	var trials []trial
	all := slices.DeleteFunc(scenarios(), func(sc scenario) bool {
		return sc.name == "leased" || sc.name == "old API, leased" || sc.config.BootTime > 10*time.Second
	})
	requests := 0
	for i, sc := range all {
		most := 0
		for _, r := range sc.requests(t) {
			if r.Method != http.MethodGet {
				most = r.Number // then it reads what it says
			}
		}
		requests += most
		for k, race := range races() {
			if race.name == added && sc.config.ListLag > 0 {
				continue // the last ones come when nobody can see them yet
			}
			for _, n := range sample(most, 1, i*7+k*3) {
				trials = append(trials, trial{
					fmt.Sprintf("%s, %s at %d", sc.name, race.name, n),
					func(t *testing.T) (apply.Outcome, []string) { return raced(t, sc, race, n) },
				})
			}
		}
	}
	sweep(t, fmt.Sprintf("%d scenarios, %d races at %d requests", len(all), len(races()), requests), trials)
}

// copied tells whether a new Machine of a group can be a copy of one.
func (w *world) copied(group string) bool {
	return slices.ContainsFunc(w.living(), func(m flysim.Machine) bool {
		return m.Group() == group && m.Serves() && m.Config["mounts"] == nil
	})
}

func raced(t *testing.T, sc scenario, race race, n int) (apply.Outcome, []string) {
	w := newWorld(t, sc)
	var group sync.WaitGroup
	w.At(n, func(*flysim.Server) { race.do(w, &group, sc) })
	got := w.apply(sc)
	group.Wait()
	var bad []string
	if race.name != "a second run" && !w.watch.deploy {
		bad = w.honest(sc, got)
	}
	bad = append(bad, w.decidedAgain(sc, got)...)
	return got.Outcome, slices.Concat(bad, w.watch.found)
}

// decidedAgain applies again after somebody else changed the app; where that is
// refused, a new decision is made on what runs.
func (w *world) decidedAgain(sc scenario, got apply.Result) (bad []string) {
	w.quiet()
	again := w.apply(sc)
	if again.Outcome != apply.Applied && again.Outcome != apply.NoChanges {
		// What runs is not what was reviewed: a new decision has to be made.
		w.quiet()
		next := sc
		next.previous = nil
		next.idle = nil
		next.before, next.after = groups{}, groups{}
		for name, after := range sc.after {
			if !w.copied(name) {
				continue // others took the last one that can be copied
			}
			next.before[name], next.after[name] = w.count(name), after
		}
		sc.after = next.after
		if last := w.apply(next); last.Outcome != apply.Applied && last.Outcome != apply.NoChanges {
			bad = append(bad, fmt.Sprintf("%s (%v), again: %s (%v), decided again: %s (%v)", got.Outcome, got.Err, again.Outcome, again.Err, last.Outcome, last.Err))
		}
	}
	w.clock.Advance(time.Minute)
	for name, after := range sc.after {
		if n := w.count(name); !maps.Equal(trim(n), trim(after)) {
			bad = append(bad, fmt.Sprintf("%s (%v), again: %s (%v): %s has %v", got.Outcome, got.Err, again.Outcome, again.Err, name, n))
		}
	}
	return append(bad, w.left()...)
}

// Somebody destroyed a Machine when the new one served already, which is why it
// serves on. What is decided then on what runs is the same as before, and is
// gone on with.
func TestWhatIsDecidedAgainMayBeTheSame(t *testing.T) {
	sc := scenarios()[0] // iad: 2 to 3
	race := races()[slices.IndexFunc(races(), func(r race) bool { return r.name == "an old Machine is destroyed" })]
	partial := 0
	for n := 10; n <= 25; n++ {
		outcome, bad := raced(t, sc, race, n)
		for _, b := range bad {
			t.Errorf("at %d: %s", n, b)
		}
		if outcome == apply.Partial {
			partial++
		}
	}
	if partial == 0 {
		t.Error("it was never in the middle")
	}
}
