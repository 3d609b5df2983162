package flysim

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// lock takes the lock when what is due has happened, and returns what gives it
// back.
func (s *Server) lock() (unlock func()) {
	s.clock.catchUp()
	s.mu.Lock()
	return s.mu.Unlock
}

// AddApp adds an app, or replaces one and its Machines.
func (s *Server) AddApp(a App) {
	defer s.lock()()
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
	defer s.lock()()
	a, ok := s.apps[appName]
	if !ok {
		a = s.addApp(App{Name: appName})
	}
	now := s.clock.Now()
	added := s.add(a, m)
	s.changed(added, "added", now)
	return added.ID
}

// ChangeMachine lets change alter a Machine; it reports false when there is no
// such Machine. With a new state what was going on with the Machine ends.
func (s *Server) ChangeMachine(appName, id string, change func(*Machine)) bool {
	defer s.lock()()
	if a, ok := s.apps[appName]; ok {
		if m := a.machine(id); m != nil {
			s.change(m, change)
			return true
		}
	}
	return false
}

// change lets f alter a Machine whose configuration snapshots do not share.
// The lock is held.
func (s *Server) change(m *Machine, f func(*Machine)) {
	m.Config = deepCopy(m.Config)
	m.Checks = slices.Clone(m.Checks)
	state := m.State
	f(m)
	if m.State != state {
		m.step++
	}
	s.changed(m, "changed", s.clock.Now())
}

// deepCopy copies an object of JSON.
func deepCopy(object map[string]any) map[string]any {
	copied, _ := deepValue(object).(map[string]any)
	return copied
}

func deepValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if value == nil {
			return value
		}
		copied := make(map[string]any, len(value))
		for k, v := range value {
			copied[k] = deepValue(v)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, v := range value {
			copied[i] = deepValue(v)
		}
		return copied
	default:
		return value
	}
}

// Machines returns the Machines of an app in the order of creation, destroyed
// ones included. They are copies, but not of their configurations, which are not
// to be written to.
func (s *Server) Machines(appName string) []Machine {
	defer s.lock()()
	a, ok := s.apps[appName]
	if !ok {
		return nil
	}
	return a.snapshot()
}

// snapshot returns copies of the app's Machines.
func (a *app) snapshot() []Machine {
	machines := make([]Machine, len(a.machines))
	for i, m := range a.machines {
		machines[i] = *m
		machines[i].past = nil
	}
	return machines
}

// add completes m and appends it to a. The lock is held.
func (s *Server) add(a *app, m Machine) *Machine {
	s.made++
	m.app = a
	m.version = s.nextVersion()
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
		m.Image = imageRef("registry.fly.io/" + a.Name + ":" + firstTag)
	}
	m.Autostopped = m.Autostopped || (m.State == "stopped" || m.State == "suspended") && autostops(m.Config)
	a.machines = append(a.machines, &m)
	return &m
}

// nextVersion returns the number of a Machine's new version. The lock is held.
func (s *Server) nextVersion() int {
	s.versions++
	return s.versions
}

// firstTag is the tag of the image that Machines have when nothing else is
// said.
const firstTag = "deployment-01KA0000000000000000000000"

// imageRef returns what a reference such as registry.fly.io/shop:tag@sha256:…
// points to. One without a digest gets one that follows from its tag.
func imageRef(reference string) map[string]any {
	name, digest, _ := strings.Cut(reference, "@")
	registry, repository, found := strings.Cut(name, "/")
	if !found || !strings.Contains(registry, ".") {
		registry, repository = "docker-hub-mirror.fly.io", name
	}
	repository, tag, _ := strings.Cut(repository, ":")
	switch {
	case digest != "":
	case tag == firstTag:
		digest = "sha256:" + strings.Repeat("0123456789abcdef", 4)
	default:
		digest = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(repository+":"+tag)))
	}
	return map[string]any{
		"registry": registry, "repository": repository, "tag": or(tag, "latest"), "digest": digest, "labels": map[string]any{},
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
