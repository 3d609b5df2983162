package flysim

import (
	"net/http"
	"slices"
	"time"
)

// act answers a request that takes a Machine from a state to another: do,
// when it is in one of the states from; nothing, when it is in the state
// already, where it is or is about to be; else it refuses.
func (s *Server) act(w http.ResponseWriter, m *Machine, verb string, from, already []string, do func(at time.Time)) {
	before := m.State
	answer := map[string]any{"ok": true}
	if verb == "start" {
		answer = map[string]any{"previous_state": before, "migrated": false, "new_host": ""}
	}
	switch {
	case slices.Contains(already, before):
	case slices.Contains(from, before):
		do(s.clock.Now())
	default:
		writeError(w, http.StatusPreconditionFailed,
			"failed_precondition: unable to "+verb+" machine from current state: '"+before+"'")
		return
	}
	writeJSON(w, answer)
}

func (s *Server) startMachine(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	s.act(w, m, "start", []string{"created", "stopped", "suspended", "failed"}, []string{"starting", "started"}, func(at time.Time) {
		doom(m, r)
		s.start(m, "user", at, s.config.BootTime)
	})
}

// stopMachine stops a Machine within the request's timeout; without one, or
// with 0, within the configuration's kill timeout. It always takes the whole of
// it.
func (s *Server) stopMachine(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	var in struct {
		Signal  string `json:"signal"`
		Timeout string `json:"timeout"`
	}
	if !readOptional(w, r, &in) {
		return
	}
	takes, ok := stopTime(w, m, in.Signal, in.Timeout)
	if !ok {
		return
	}
	s.act(w, m, "stop", []string{"starting", "started"}, []string{"stopping", "stopped"}, func(at time.Time) {
		s.stop(m, "stopping", "stopped", at, takes, nil)
	})
}

// stopTime returns how long a stop takes, or answers what is wrong with the
// request.
func stopTime(w http.ResponseWriter, m *Machine, signal, timeout string) (time.Duration, bool) {
	switch signal {
	case "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGTERM":
	case "SIGKILL":
		return 0, true
	default:
		writeError(w, http.StatusBadRequest, "invalid signal: "+signal)
		return 0, false
	}
	if timeout == "" {
		return killTimeout(m.Config), true
	}
	d, err := time.ParseDuration(timeout)
	switch {
	case err != nil || d < 0:
		writeError(w, http.StatusBadRequest, "invalid timeout: "+timeout)
		return 0, false
	case d == 0:
		return killTimeout(m.Config), true
	default:
		return d, true
	}
}

func (s *Server) suspendMachine(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	s.act(w, m, "suspend", []string{"started"}, []string{"suspending", "suspended"}, func(at time.Time) {
		s.stop(m, "suspending", "suspended", at, s.config.BootTime, nil)
	})
}

func (s *Server) restartMachine(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	query := r.URL.Query()
	takes, ok := stopTime(w, m, query.Get("signal"), query.Get("timeout"))
	if !ok {
		return
	}
	if query.Get("force_stop") == "true" {
		takes = 0
	}
	s.act(w, m, "restart", []string{"started", "starting", "failed"}, []string{"restarting"}, func(at time.Time) {
		s.stop(m, "restarting", "", at, takes, func(at time.Time) { s.start(m, "flyd", at, s.config.BootTime) })
	})
}

func (s *Server) cordonMachine(w http.ResponseWriter, r *http.Request) {
	s.cordon(w, r, true, "cordoned")
}

func (s *Server) uncordonMachine(w http.ResponseWriter, r *http.Request) {
	s.cordon(w, r, false, "uncordoned")
}

// cordon takes a Machine's services away from fly-proxy, or gives them back,
// as often as it is asked to.
func (s *Server) cordon(w http.ResponseWriter, r *http.Request, cordoned bool, what string) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	if m.Cordoned != cordoned {
		m.Cordoned = cordoned
		s.changed(m, what, s.clock.Now())
	}
	writeJSON(w, map[string]any{"ok": true})
}
