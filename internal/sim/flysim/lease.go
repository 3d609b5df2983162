package flysim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// owner is who the API takes a request's sender for.
const owner = "flysim"

const nonceHeader = "fly-machine-lease-nonce"

// mayWrite tells whether a request may change m, or answers that somebody else
// holds the lease.
func (s *Server) mayWrite(w http.ResponseWriter, r *http.Request, m *Machine) bool {
	now, nonce := s.clock.Now(), r.Header.Get(nonceHeader)
	switch {
	case m.Leased(now) && m.Lease.Nonce != nonce || m.Leased(now) && nonce == "":
		writeError(w, http.StatusConflict, leaseHeld(m))
		return false
	case !m.Leased(now) && nonce != "" && s.config.NoStrayNonce:
		writeError(w, http.StatusConflict, "aborted: machine ID "+m.ID+" has no lease with this nonce")
		return false
	}
	return true
}

func leaseHeld(m *Machine) string {
	holder := m.Lease.Owner
	if !strings.Contains(holder, "@") {
		holder += "@tokens.fly.io"
	}
	return fmt.Sprintf("machine ID %s lease currently held by %s, expires at %s",
		m.ID, holder, m.Lease.Expires.UTC().Format(time.RFC3339))
}

func (s *Server) getLease(w http.ResponseWriter, r *http.Request) {
	m := s.findMachine(w, r)
	switch {
	case m == nil:
	case !m.Leased(s.clock.Now()):
		writeError(w, http.StatusNotFound, "lease not found")
	default:
		writeJSON(w, m.leaseJSON(false))
	}
}

// leaseJSON returns the lease as the API tells it. Only its owner gets to know
// the nonce.
func (m *Machine) leaseJSON(nonce bool) map[string]any {
	data := map[string]any{
		"owner": m.Lease.Owner, "description": m.Lease.Description, "expires_at": m.Lease.Expires.Unix(),
		"version": instance(m.version),
	}
	if nonce {
		data["nonce"] = m.Lease.Nonce
	}
	return map[string]any{"status": "success", "data": data}
}

// acquireLease gives a lease, or renews that of the nonce from now on. One that
// ran out cannot be renewed. fly-go gives the TTL in the query, the description
// has it in the body; without one it is two minutes.
func (s *Server) acquireLease(w http.ResponseWriter, r *http.Request) {
	m := s.writable(w, r)
	if m == nil {
		return
	}
	in := struct {
		TTL         int    `json:"ttl"`
		Description string `json:"description"`
	}{TTL: 120}
	if !readOptional(w, r, &in) {
		return
	}
	if text := r.URL.Query().Get("ttl"); text != "" {
		ttl, err := strconv.Atoi(text)
		if err != nil {
			writeError(w, http.StatusBadRequest, "invalid ttl")
			return
		}
		in.TTL = ttl
	}
	now, nonce := s.clock.Now(), r.Header.Get(nonceHeader)
	switch {
	case in.TTL < 1:
		writeError(w, http.StatusBadRequest, "invalid ttl")
		return
	case nonce != "" && !m.Leased(now):
		writeError(w, http.StatusNotFound, "lease not found")
		return
	case nonce != "":
		renewed := *m.Lease
		renewed.Expires = now.Add(time.Duration(in.TTL) * time.Second)
		m.Lease = &renewed
	default:
		s.lease(m, owner+"@tokens.fly.io", in.Description, time.Duration(in.TTL)*time.Second)
	}
	s.changed(m, "leased", now)
	w.WriteHeader(http.StatusCreated)
	writeJSON(w, m.leaseJSON(true))
}

// lease gives a lease on m to somebody.
func (s *Server) lease(m *Machine, owner, description string, ttl time.Duration) {
	s.nonces++
	m.Lease = &Lease{
		Nonce: fmt.Sprintf("%x", 0x9d3c5e7a1b+s.nonces*0x3d09), Owner: owner, Description: description,
		Expires: s.clock.Now().Add(ttl),
	}
}

// releaseLease takes a lease away from its owner.
func (s *Server) releaseLease(w http.ResponseWriter, r *http.Request) {
	m := s.findMachine(w, r)
	switch {
	case m == nil:
	case !m.Leased(s.clock.Now()):
		writeError(w, http.StatusNotFound, "lease not found")
	case s.mayWrite(w, r, m):
		m.Lease = nil
		s.changed(m, "released", s.clock.Now())
		writeJSON(w, map[string]any{"ok": true})
	}
}

// readOptional decodes a body that may be empty, or answers that it is wrong.
func readOptional(w http.ResponseWriter, r *http.Request, in any) bool {
	if r.ContentLength == 0 {
		return true
	}
	return readJSON(w, r, in)
}

// readJSON decodes a body, or answers that it is wrong. Numbers of objects
// keep their digits.
func readJSON(w http.ResponseWriter, r *http.Request, in any) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(in); err != nil {
		writeError(w, http.StatusBadRequest, "invalid JSON: "+err.Error())
		return false
	}
	return true
}
