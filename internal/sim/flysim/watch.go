package flysim

import (
	"slices"
	"time"
)

// An Event is a change of a Machine and how its app looks after it. It is a
// copy, and may be kept.
type Event struct {
	At time.Time
	// App and Machine are whose state changed, by name and ID.
	App, Machine string
	// What is the Machine's new state, or added, changed, healthy, leased,
	// released, cordoned, uncordoned, metadata, version.
	What string
	// Request is the number of the request whose doing it is; 0 = nobody's:
	// time passed, or the test did it.
	Request int
	// Machines are the app's, in the order of creation, destroyed ones
	// included. Their configurations are not to be written to.
	Machines []Machine
}

// Serving counts the Machines of a group that serve, by region.
func (e Event) Serving(group string) map[string]int { return Serving(e.Machines, group) }

// Watch lets f be called after every change of a Machine, by a request or in
// the course of time; a lease that runs out is none. It is called with the server's lock: it must not call the
// server, nor the clock's Advance or Sleep.
func (s *Server) Watch(f func(Event)) {
	defer s.lock()()
	s.watchers = append(s.watchers, f)
}

// changed tells of a change of m. The lock is held.
func (s *Server) changed(m *Machine, what string, at time.Time) {
	if s.config.ListLag > 0 {
		s.remember(m, at)
	}
	if len(s.watchers) > 0 {
		e := Event{At: at, App: m.app.Name, Machine: m.ID, What: what, Request: s.handling, Machines: m.app.snapshot()}
		for _, f := range s.watchers {
			f(e)
		}
	}
	s.answerWaiters(m)
}

// A look is how a Machine looked from a time on.
type look struct {
	from    time.Time
	machine Machine
}

// remember keeps how m looks now for lists that lag, and forgets what they do
// not show any more. What a test makes before the first request was always so.
func (s *Server) remember(m *Machine, at time.Time) {
	if len(s.requests) == 0 {
		at, m.past = time.Time{}, nil
	}
	first := 0
	for i, p := range m.past {
		if !p.from.After(at.Add(-s.config.ListLag)) {
			first = i
		}
	}
	now := *m
	now.past = nil
	m.past = append(slices.Clone(m.past[first:]), look{at, now})
}

// asListed returns how lists show m: as it was, or not at all.
func (s *Server) asListed(m *Machine, now time.Time) (Machine, bool) {
	if s.config.ListLag == 0 {
		return *m, true
	}
	shown := false
	var machine Machine
	for _, p := range m.past {
		if !p.from.After(now.Add(-s.config.ListLag)) {
			shown, machine = true, p.machine
		}
	}
	return machine, shown
}

// Serving counts the Machines of a group that serve, by region.
func (s *Server) Serving(appName, group string) map[string]int {
	return Serving(s.Machines(appName), group)
}

// Serving counts those of the Machines that belong to a group and serve, by
// region. Regions with none are left out.
func Serving(machines []Machine, group string) map[string]int {
	serving := map[string]int{}
	for _, m := range machines {
		if m.Group() == group && m.Serves() {
			serving[m.Region]++
		}
	}
	return serving
}

// Serves tells whether fly-proxy sends the Machine requests, or would start it
// to send it some: it is not cordoned, its host is ok, and it is started with
// every check passing, where it has any, or was stopped by fly-proxy.
func (m Machine) Serves() bool {
	if m.Cordoned || m.HostStatus != "ok" {
		return false
	}
	switch m.State {
	case "started":
		failing := slices.ContainsFunc(m.Checks, func(c Check) bool { return c.Status != "passing" })
		return !failing && len(m.Checks) >= len(checks(m.Config, "", ""))
	case "stopped", "suspended":
		return m.Autostopped
	default:
		return false
	}
}

// Group returns the Machine's process group.
func (m Machine) Group() string {
	metadata, _ := m.Config["metadata"].(map[string]any)
	group, _ := metadata["fly_process_group"].(string)
	return or(group, "app")
}

// Leased tells whether somebody holds a lease on the Machine at a time.
func (m Machine) Leased(at time.Time) bool { return m.Lease != nil && at.Before(m.Lease.Expires) }
