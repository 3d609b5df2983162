package flysim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// cut is how a request meets the end of its client.
type cut int

const (
	uncut     cut = iota
	cutBefore     // without effect
	cutAfter      // its answer gets lost
)

// At lets f be called before request n is handled, counted as in Requests. f
// may call the server. It is called once, with every request that comes
// meanwhile let through.
func (s *Server) At(n int, f func(*Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks == nil {
		s.hooks = map[int][]func(*Server){}
	}
	s.hooks[n] = append(s.hooks[n], f)
}

// CutAt cuts the clients off with request n, as if their process was killed:
// the connection is reset before the server acts on it, or after it did when
// done is true; those that wait are reset too, and every later one at once,
// until Heal is called.
func (s *Server) CutAt(n int, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutAt, s.cutHow = n, cutBefore
	if done {
		s.cutHow = cutAfter
	}
}

// Heal takes every fault back, and CutAt. What At said still holds.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.cutAt = nil, 0
	if s.down {
		s.down, s.gone = false, make(chan struct{})
	}
}

// Cut tells whether the clients are cut off.
func (s *Server) Cut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down
}

// hangUp cuts the clients off.
func (s *Server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.down {
		s.down = true
		close(s.gone)
	}
}

// LeaseAll lets somebody lease every Machine of an app that nobody has leased,
// and returns their IDs. The lease ends by itself after ttl, or with EndLease.
func (s *Server) LeaseAll(appName, owner string, ttl time.Duration) []string {
	defer s.lock()()
	var ids []string
	for _, m := range s.living(appName) {
		if !m.Leased(s.clock.Now()) {
			s.lease(m, owner, "", ttl)
			s.changed(m, "leased", s.clock.Now())
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// EndLease takes the lease of a Machine away, whoever holds it.
func (s *Server) EndLease(appName, id string) bool {
	return s.ChangeMachine(appName, id, func(m *Machine) { m.Lease = nil })
}

// Destroy lets somebody destroy a Machine by force, leased or not. It reports
// false when there is no such Machine.
func (s *Server) Destroy(appName, id string) bool {
	defer s.lock()()
	for _, m := range s.living(appName) {
		if m.ID == id {
			s.destroy(m, "user", s.clock.Now())
			return true
		}
	}
	return false
}

// StopByProxy lets fly-proxy stop a Machine, to start it when it is needed. It
// reports false when there is no such Machine that runs.
func (s *Server) StopByProxy(appName, id string) bool {
	return s.ChangeMachine(appName, id, func(m *Machine) {
		if m.State == "started" {
			m.State, m.Autostopped = "stopped", true
		}
	})
}

// SetCapacity says for how many more Machines a region has room from now on.
func (s *Server) SetCapacity(region string, room int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.config.Capacity == nil {
		s.config.Capacity = map[string]int{}
	}
	s.config.Capacity[region] = room
}

// Deploy lets somebody deploy an app, as `fly deploy` does: it leases every
// Machine, gives one after the other a new image, release and version, restarts
// those that run, and gives the leases back at the end, after lasts. It reports
// false, and does nothing, when somebody has leased one of them.
func (s *Server) Deploy(appName string, lasts time.Duration) bool {
	defer s.lock()()
	now := s.clock.Now()
	fleet := s.living(appName)
	if slices.ContainsFunc(fleet, func(m *Machine) bool { return m.Leased(now) }) {
		return false
	}
	s.releases++
	release := s.releases
	for i, m := range fleet {
		s.lease(m, "deployer", "deploy", lasts)
		s.changed(m, "leased", now)
		s.clock.at(now.Add(lasts*time.Duration(i)/time.Duration(len(fleet))), func(at time.Time) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.redeploy(m, release, at)
		})
	}
	return true
}

// redeploy gives a Machine what a deploy gives it.
func (s *Server) redeploy(m *Machine, release int, at time.Time) {
	if m.State == "destroying" || m.State == "destroyed" {
		return
	}
	config := deepCopy(m.Config)
	repository, _ := m.Image["repository"].(string)
	config["image"] = fmt.Sprintf("registry.fly.io/%s:deployment-01KB%022d", or(repository, m.app.Name), release)
	metadata, _ := config["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		config["metadata"] = metadata
	}
	before, _ := metadata["fly_release_version"].(string)
	number, _ := strconv.Atoi(before)
	metadata["fly_release_version"] = strconv.Itoa(number + 1)
	metadata["fly_release_id"] = fmt.Sprintf("foreign%d", release)
	s.update(m, config, m.State == "started" || m.State == "starting", at)
}

// living returns the Machines of an app that are not destroyed.
func (s *Server) living(appName string) []*Machine {
	a := s.apps[appName]
	if a == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.machines), func(m *Machine) bool {
		return m.State == "destroyed" || m.State == "destroying"
	})
}
