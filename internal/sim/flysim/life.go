package flysim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A machineEvent is an entry of a Machine's log.
type machineEvent struct {
	kind, status, source string
	at                   time.Time
}

// set moves m to a state at a time; source is who wanted it: user, flyd or
// proxy. The lock is held.
func (s *Server) set(m *Machine, state, source string, at time.Time) {
	m.State, m.Updated = state, at
	m.step++
	m.events = append(slices.Clip(m.events), machineEvent{kind: eventKind(state), status: state, source: source, at: at})
	s.changed(m, state, at)
}

// eventKind returns the type of the log's entry for a state.
func eventKind(state string) string {
	switch state {
	case "creating", "created", "launch_failed":
		return "launch"
	case "starting", "started":
		return "start"
	case "suspending", "suspended":
		return "suspend"
	case "destroying", "destroyed":
		return "destroy"
	case "updating":
		return "update"
	case "failed":
		return "exit"
	default:
		return "stop"
	}
}

// later lets f happen to m at a time, unless m gets into another state before.
// The lock is held, now and when f is called.
func (s *Server) later(m *Machine, at time.Time, f func(at time.Time)) {
	step := m.step
	s.clock.at(at, func(at time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if m.step == step {
			f(at)
		}
	})
}

// create lets a Machine that was just made come to be in half of the boot time
// and, unless it is not to be launched, start in the other half. One that
// takes no time is created at once.
func (s *Server) create(m *Machine, launch bool, at time.Time) {
	half := s.config.BootTime / 2
	created := func(at time.Time) {
		s.set(m, "created", "flyd", at)
		if launch {
			s.later(m, at, func(at time.Time) { s.start(m, "flyd", at, s.config.BootTime-half) })
		}
	}
	if half == 0 {
		created(at)
		return
	}
	s.set(m, "creating", "user", at)
	s.later(m, at.Add(half), created)
}

// start boots m. Its fate decides what becomes of it.
func (s *Server) start(m *Machine, source string, at time.Time, boot time.Duration) {
	m.Checks = nil
	m.Autostopped = false
	s.set(m, "starting", source, at)
	s.later(m, at.Add(boot), func(at time.Time) {
		if m.Fate == FailsToLaunch {
			s.set(m, "launch_failed", "flyd", at)
			s.later(m, at.Add(s.config.DestroyTime), func(at time.Time) { s.destroyed(m, at) })
			return
		}
		m.Checks = checks(m.Config, "critical", "connect: connection refused")
		s.set(m, "started", "flyd", at)
		switch m.Fate {
		case CrashLoops:
			// Never without any time: a loop would not end.
			s.later(m, at.Add(max(s.config.BootTime, time.Second)), func(at time.Time) {
				m.Checks = checks(m.Config, "critical", "the machine hasn't started")
				s.set(m, "failed", "flyd", at)
				s.later(m, at.Add(max(s.config.BootTime, time.Second)), func(at time.Time) { s.start(m, "flyd", at, s.config.BootTime) })
			})
		case Thrives:
			if len(m.Checks) > 0 {
				s.later(m, at.Add(s.config.CheckTime), func(at time.Time) {
					m.Checks = checks(m.Config, "passing", "HTTP 200")
					s.changed(m, "healthy", at)
				})
			}
		case StaysSick, FailsToLaunch:
		}
	})
}

// stop takes m through a state that passes to another, and then does what
// comes next.
func (s *Server) stop(m *Machine, through, to string, at time.Time, takes time.Duration, next func(at time.Time)) {
	s.set(m, through, "user", at)
	s.later(m, at.Add(takes), func(at time.Time) {
		m.Checks = checks(m.Config, "warning", "the machine hasn't started")
		if to != "" {
			s.set(m, to, "flyd", at)
		}
		if next != nil {
			next(at)
		}
	})
}

// destroy takes m away, whatever it does.
func (s *Server) destroy(m *Machine, source string, at time.Time) {
	s.set(m, "destroying", source, at)
	s.later(m, at.Add(s.config.DestroyTime), func(at time.Time) { s.destroyed(m, at) })
}

func (s *Server) destroyed(m *Machine, at time.Time) {
	m.Lease = nil
	m.Checks = nil
	if room, limited := s.config.Capacity[m.Region]; limited {
		s.config.Capacity[m.Region] = room + 1
	}
	s.set(m, "destroyed", "flyd", at)
}

// checks returns the results of all checks of a configuration, the same for
// each: those of services under the names that the platform gives them.
func checks(config map[string]any, status, output string) []Check {
	var results []Check
	for i, service := range objects(config["services"]) {
		for _, check := range objects(service["checks"]) {
			name := fmt.Sprintf("servicecheck-%02d-%v-%v", i, check["type"], service["internal_port"])
			results = append(results, Check{Name: name, Status: status, Output: output})
		}
	}
	top, _ := config["checks"].(map[string]any)
	for name := range top {
		results = append(results, Check{Name: name, Status: status, Output: output})
	}
	slices.SortFunc(results, func(a, b Check) int { return cmp.Compare(a.Name, b.Name) })
	return results
}

func objects(value any) []map[string]any {
	list, _ := value.([]any)
	var result []map[string]any
	for _, v := range list {
		if object, ok := v.(map[string]any); ok {
			result = append(result, object)
		}
	}
	return result
}

// autostops tells whether fly-proxy stops or suspends a Machine with this
// configuration.
func autostops(config map[string]any) bool {
	return slices.ContainsFunc(objects(config["services"]), func(service map[string]any) bool {
		setting := service["autostop"]
		return setting == true || setting == "stop" || setting == "suspend"
	})
}

// killTimeout is how long a Machine has to stop when the request does not say.
// Fly.io's default is 5 s.
func killTimeout(config map[string]any) time.Duration {
	stop, _ := config["stop_config"].(map[string]any)
	text, _ := stop["timeout"].(string)
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d
	}
	return 5 * time.Second
}

// instance returns the ID of a version of a Machine.
func instance(version int) string { return fmt.Sprintf("01KAINSTANCE%014d", version) }
