package flysim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A waiter is a request of the wait route that is not answered yet.
type waiter struct {
	*parked
	machine *Machine
	version int // that must be current; 0 = any
	states  []string
	answer  *answer
}

// waitMachine answers when the Machine is in one of the states, or with 408
// when the time is over: at most 60 s, by the clock.
func (s *Server) waitMachine(w http.ResponseWriter, r *http.Request) {
	m := s.findMachine(w, r)
	if m == nil {
		return
	}
	query := r.URL.Query()
	states := strings.FieldsFunc(strings.Join(query["state"], ","), func(r rune) bool { return r == ',' })
	if len(states) == 0 {
		states = []string{"started"}
	}
	for _, state := range states {
		if !slices.Contains([]string{"started", "stopped", "suspended", "destroyed", "failed", "settled"}, state) {
			writeError(w, http.StatusBadRequest, "invalid state: "+state)
			return
		}
	}
	seconds := 60
	if text := query.Get("timeout"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 60 {
			writeError(w, http.StatusBadRequest, "invalid timeout: must be between 1 and 60 seconds")
			return
		}
		seconds = n
	}
	version := or(query.Get("version"), query.Get("instance_id"))
	switch {
	case version == "" && slices.Contains(states, "stopped"):
		// The documentation asks for it; the description does not.
		writeError(w, http.StatusBadRequest, "instance_id is required to wait for the stopped state")
		return
	case version != "" && version != instance(m.version):
		writeError(w, http.StatusNotFound, "machine version not found")
		return
	}
	a, ok := w.(*answer)
	if !ok {
		return
	}
	waiter := &waiter{machine: m, states: states, answer: a}
	if version != "" {
		waiter.version = m.version
	}
	if waiter.answered() {
		return
	}
	waiter.parked = s.clock.park(1)
	a.waiter = waiter
	s.waiters = append(s.waiters, waiter)
	s.clock.at(s.clock.Now().Add(time.Duration(seconds)*time.Second), func(time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.timeOut(waiter)
	})
}

// answered answers when the Machine is where the waiter wants it.
func (w *waiter) answered() bool {
	m := w.machine
	reached := slices.Contains(w.states, m.State) || slices.Contains(w.states, "settled") && !m.passing()
	if !reached {
		return false
	}
	writeJSON(w.answer, map[string]any{
		"ok": true, "state": m.State, "version": instance(m.version), "event_id": fmt.Sprintf("01KAEVENT%s%06d", m.ID, len(m.events)-1),
	})
	return true
}

// answerWaiters answers those whose Machine is where they want it, or has
// another version than the one they asked for. The lock is held.
func (s *Server) answerWaiters(m *Machine) {
	s.waiters = slices.DeleteFunc(s.waiters, func(w *waiter) bool {
		if w.machine != m {
			return false
		}
		replaced := w.version != 0 && w.version != m.version
		if replaced {
			writeError(w.answer, http.StatusNotFound, "machine version not found")
		}
		if replaced || w.answered() {
			s.clock.wake(w.parked)
			return true
		}
		return false
	})
}

// timeOut answers a waiter, if nobody has, that the time is over. The lock is
// held.
func (s *Server) timeOut(w *waiter) {
	i := slices.Index(s.waiters, w)
	if i < 0 {
		return
	}
	s.waiters = slices.Delete(s.waiters, i, i+1)
	writeError(w.answer, http.StatusRequestTimeout, fmt.Sprintf(
		"deadline_exceeded: machine failed to reach desired state, %s, currently %s", strings.Join(w.states, ","), w.machine.State))
	s.clock.wake(w.parked)
}

// block waits until a waiter is answered, its client is gone or cut off, or not
// at all when its answer is spoiled anyway.
func (s *Server) block(w *waiter, r *http.Request, spoiled bool) {
	defer s.forget(w)
	if spoiled {
		return
	}
	s.mu.Lock()
	gone := s.gone
	s.mu.Unlock()
	var look <-chan time.Time
	if s.clock.follow != nil {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		look = ticker.C
	}
	for {
		select {
		case <-w.done:
			return
		case <-look:
			s.clock.catchUp()
		case <-r.Context().Done():
			return
		case <-gone:
			return
		}
	}
}

// forget ends a wait, if nobody has.
func (s *Server) forget(w *waiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiters = slices.DeleteFunc(s.waiters, func(other *waiter) bool { return other == w })
	s.clock.wake(w.parked)
}
