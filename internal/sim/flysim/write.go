package flysim

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// launchInput is the body of a create or an update.
type launchInput struct {
	Name                    string         `json:"name"`
	Region                  string         `json:"region"`
	Config                  map[string]any `json:"config"`
	CurrentVersion          string         `json:"current_version"`
	LeaseTTL                int            `json:"lease_ttl"`
	SkipLaunch              bool           `json:"skip_launch"`
	SkipServiceRegistration bool           `json:"skip_service_registration"`
}

// readLaunch reads the body of a create or an update, or answers what is wrong
// with it.
func readLaunch(w http.ResponseWriter, r *http.Request) (in launchInput, ok bool) {
	if !readJSON(w, r, &in) {
		return in, false
	}
	if image, _ := in.Config["image"].(string); image == "" {
		writeError(w, http.StatusBadRequest, "config.image is required")
		return in, false
	}
	return in, true
}

func (s *Server) createMachine(w http.ResponseWriter, r *http.Request) {
	a := s.find(w, r)
	if a == nil {
		return
	}
	in, ok := readLaunch(w, r)
	if !ok || !s.admit(w, a, in) {
		return
	}
	if elsewhere := twistOf(r).Region; elsewhere != "" {
		in.Region = elsewhere
	}
	if room, limited := s.config.Capacity[in.Region]; limited {
		s.config.Capacity[in.Region] = max(room-1, 0)
	}
	now := s.clock.Now()
	image, _ := in.Config["image"].(string)
	m := s.add(a, Machine{
		Name: in.Name, Region: in.Region, Config: in.Config, Cordoned: in.SkipServiceRegistration, State: "creating",
		Image: imageRef(image), CreatedAt: now,
	})
	doom(m, r)
	if in.LeaseTTL > 0 {
		s.lease(m, owner+"@tokens.fly.io", "created", time.Duration(in.LeaseTTL)*time.Second)
	}
	s.create(m, !in.SkipLaunch, now)
	answer := s.json(m, false, false)
	if m.Lease != nil {
		answer["nonce"] = m.Lease.Nonce
	}
	w.WriteHeader(max(twistOf(r).Status, http.StatusOK))
	writeJSON(w, answer)
}

// admit tells whether a Machine can be created, or answers why not.
func (s *Server) admit(w http.ResponseWriter, a *app, in launchInput) bool {
	runs := slices.ContainsFunc(s.config.Regions, func(r Region) bool { return r.Code == in.Region && !r.Deprecated })
	if !runs {
		writeError(w, http.StatusUnprocessableEntity, "invalid region: "+in.Region)
		return false
	}
	for _, m := range a.machines {
		if in.Name != "" && m.Name == in.Name && m.State != "destroyed" {
			writeError(w, http.StatusConflict, fmt.Sprintf(
				"already_exists: unique machine name violation, machine ID %s already exists with name %q", m.ID, m.Name))
			return false
		}
	}
	if s.config.MaxMachines > 0 && s.inOrg(a.Org) >= s.config.MaxMachines {
		writeError(w, http.StatusUnprocessableEntity, limitReached)
		return false
	}
	if room, limited := s.config.Capacity[in.Region]; limited && room < 1 {
		writeStatusError(w, http.StatusUnprocessableEntity, "could not find a candidate host", "insufficient_capacity")
		return false
	}
	return true
}

// inOrg counts an organization's Machines.
func (s *Server) inOrg(org string) int {
	n := 0
	for _, a := range s.apps {
		if a.Org == org {
			n += a.alive()
		}
	}
	return n
}

// updateMachine gives a Machine a new configuration and version, and starts it
// anew unless that is to be skipped. Name and region stay as they are.
func (s *Server) updateMachine(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	in, ok := readLaunch(w, r)
	switch {
	case !ok:
		return
	case in.Region != "" && in.Region != m.Region:
		writeError(w, http.StatusBadRequest, "a machine's region cannot be changed")
		return
	case in.CurrentVersion != "" && in.CurrentVersion != instance(m.version):
		writeError(w, http.StatusConflict, errorText(http.StatusConflict))
		return
	case m.passing() && m.State != "starting":
		writeError(w, http.StatusPreconditionFailed, "failed_precondition: machine is "+m.State)
		return
	}
	doom(m, r)
	m.Cordoned = m.Cordoned || in.SkipServiceRegistration
	s.update(m, in.Config, !in.SkipLaunch, s.clock.Now())
	writeJSON(w, s.json(m, false, false))
}

// update gives m a configuration and a version.
func (s *Server) update(m *Machine, config map[string]any, launch bool, at time.Time) {
	image, _ := config["image"].(string)
	m.Config, m.Image, m.version = config, imageRef(image), s.nextVersion()
	before := m.State
	s.set(m, "updating", "user", at)
	s.later(m, at, func(at time.Time) {
		switch {
		case launch:
			s.start(m, "flyd", at, s.config.BootTime)
		case before == "started" || before == "starting":
			s.set(m, "stopped", "flyd", at)
		default:
			s.set(m, before, "flyd", at)
		}
	})
}

// deleteMachine destroys a Machine; one that runs only by force. fly-go says
// kill for force.
func (s *Server) deleteMachine(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	query := r.URL.Query()
	force := query.Get("force") == "true" || query.Get("kill") == "true"
	switch m.State {
	case "stopped", "suspended", "created", "failed":
		force = true
	case "destroying":
		writeJSON(w, map[string]any{"ok": true})
		return
	}
	if !force {
		writeError(w, http.StatusPreconditionFailed,
			"failed_precondition: unable to destroy machine, not currently stopped or suspended")
		return
	}
	s.destroy(m, "user", s.clock.Now())
	writeJSON(w, map[string]any{"ok": true})
}

// passing tells whether the Machine's state passes by itself.
func (m *Machine) passing() bool {
	switch m.State {
	case "started", "stopped", "suspended", "created", "failed", "destroyed":
		return false
	default:
		return true
	}
}
