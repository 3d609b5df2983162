package flysim

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The handlers run with the lock held.

func (s *Server) listApps(w http.ResponseWriter, r *http.Request) {
	org := r.URL.Query().Get("org_slug")
	if org == "" {
		writeError(w, http.StatusBadRequest, "org_slug is required")
		return
	}
	apps := []any{}
	for _, name := range s.appNames() {
		if s.apps[name].Org == org && s.visible(name) {
			apps = append(apps, s.apps[name].json())
		}
	}
	writeJSON(w, map[string]any{"total_apps": len(apps), "apps": apps})
}

func (s *Server) getApp(w http.ResponseWriter, r *http.Request) {
	if a := s.find(w, r); a != nil {
		writeJSON(w, a.json())
	}
}

// find returns the app that a request names, or answers that there is none.
func (s *Server) find(w http.ResponseWriter, r *http.Request) *app {
	a := s.apps[r.PathValue("app")]
	if a != nil && !s.visible(a.Name) {
		a = nil
	}
	if a == nil {
		writeError(w, http.StatusNotFound, errorText(http.StatusNotFound))
	}
	return a
}

func (a *app) json() map[string]any {
	fields := map[string]any{
		"id": "app_" + a.Name, "name": a.Name, "internal_numeric_id": 1000 + len(a.Name), "status": "deployed",
		"machine_count": a.alive(), "volume_count": len(a.Volumes), "network": "default",
		"organization": map[string]any{"name": a.Org, "slug": a.Org, "internal_numeric_id": 7},
	}
	if a.Role != "" {
		fields["app_role"] = a.Role
	}
	return fields
}

// alive counts the app's Machines.
func (a *app) alive() int {
	n := 0
	for _, m := range a.machines {
		if m.State != "destroyed" {
			n++
		}
	}
	return n
}

func (s *Server) listMachines(w http.ResponseWriter, r *http.Request) {
	a := s.find(w, r)
	if a == nil {
		return
	}
	query := r.URL.Query()
	states := strings.FieldsFunc(query.Get("state"), func(r rune) bool { return r == ',' })
	deleted := query.Get("include_deleted") == "true"
	now := s.clock.Now()
	var listed []*Machine
	for _, live := range a.machines {
		m, shown := s.asListed(live, now)
		switch {
		case !shown:
		case m.State == "destroyed" && !deleted:
		case query.Get("region") != "" && query.Get("region") != m.Region:
		case len(states) > 0 && !slices.Contains(states, m.State):
		case !m.tagged(query):
		default:
			listed = append(listed, &m)
		}
	}
	page, next, err := s.page(listed, query.Get("cursor"), query.Get("limit"))
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if next != "" {
		w.Header().Set("fly-next-cursor", next)
	}
	machines := []any{}
	for _, m := range page {
		machines = append(machines, s.json(m, query.Get("include_leases") == "true", query.Get("summary") == "true"))
	}
	writeJSON(w, machines)
}

// tagged tells whether the Machine has the metadata that a list's query wants:
// metadata.key=value, of the API's description of August 2026.
func (m *Machine) tagged(query url.Values) bool {
	for name, values := range query {
		key, ok := strings.CutPrefix(name, "metadata.")
		if value, there := m.metadata()[key]; ok && (!there || !slices.Contains(values, value)) {
			return false
		}
	}
	return true
}

// page cuts the page that a cursor names out of a list.
func (s *Server) page(listed []*Machine, cursor, limit string) (page []*Machine, next string, err error) {
	size, from := s.config.PageSize, 0
	if limit != "" {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 1 || n > 1000 {
			return nil, "", fmt.Errorf("limit must be between 1 and 1000")
		}
		size = min(n, cmp.Or(size, n))
	}
	if cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "after-"))
		if err != nil || !strings.HasPrefix(cursor, "after-") || n < 0 {
			return nil, "", fmt.Errorf("invalid cursor")
		}
		from = min(n, len(listed))
	}
	if size == 0 || from+size >= len(listed) {
		return listed[from:], "", nil
	}
	return listed[from : from+size], "after-" + strconv.Itoa(from+size), nil
}

// json returns a Machine as the API tells it.
func (s *Server) json(m *Machine, leases, summary bool) map[string]any {
	now := s.clock.Now()
	fields := maps.Clone(m.Extra)
	if fields == nil {
		fields = map[string]any{}
	}
	maps.Copy(fields, map[string]any{
		"id": m.ID, "name": m.Name, "state": m.State, "region": m.Region, "private_ip": m.privateIP,
		"instance_id": instance(m.version), "image_ref": m.Image,
		"created_at": m.CreatedAt.UTC().Format(time.RFC3339), "updated_at": m.Updated.UTC().Format(time.RFC3339),
	})
	if !s.config.OldAPI {
		fields["cordoned"] = m.Cordoned
		fields["version"] = fields["instance_id"]
		if leases && m.Leased(now) {
			fields["lease"] = map[string]any{
				"owner": m.Lease.Owner, "description": m.Lease.Description, "expires_at": m.Lease.Expires.Unix(),
			}
		}
	}
	if summary {
		return fields
	}
	checks := []any{}
	for _, c := range m.Checks {
		checks = append(checks, map[string]any{
			"name": c.Name, "status": c.Status, "output": c.Output, "updated_at": m.Updated.UTC().Format(time.RFC3339),
		})
	}
	fields["checks"] = checks
	fields["events"] = m.eventsJSON(20)
	fields["host_status"] = m.HostStatus
	if m.HostStatus == "ok" {
		fields["config"] = m.Config
	} else {
		fields["config"] = nil
		fields["incomplete_config"] = m.Config
	}
	return fields
}

func (s *Server) getMachine(w http.ResponseWriter, r *http.Request) {
	if m := s.findMachine(w, r); m != nil {
		writeJSON(w, s.json(m, r.URL.Query().Get("include_leases") == "true", false))
	}
}

// findMachine returns the Machine that a request names, or answers that there
// is none. One that was destroyed is there until it is forgotten.
func (s *Server) findMachine(w http.ResponseWriter, r *http.Request) *Machine {
	a := s.find(w, r)
	if a == nil {
		return nil
	}
	m := a.machine(r.PathValue("id"))
	if m != nil && m.State == "destroyed" && s.config.ForgetTime > 0 && !s.clock.Now().Before(m.Updated.Add(s.config.ForgetTime)) {
		m = nil
	}
	if m == nil {
		writeError(w, http.StatusNotFound, "machine not found")
	}
	return m
}

// writable returns the Machine that a request wants to change, or answers why
// it must not: it is gone, or somebody else holds its lease.
func (s *Server) writable(w http.ResponseWriter, r *http.Request) *Machine {
	m := s.findMachine(w, r)
	switch {
	case m == nil:
		return nil
	case m.State == "destroyed":
		writeError(w, http.StatusNotFound, "machine not found")
		return nil
	case !s.mayWrite(w, r, m):
		return nil
	}
	return m
}

func (s *Server) listEvents(w http.ResponseWriter, r *http.Request) {
	limit := 50
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			writeError(w, http.StatusBadRequest, "invalid limit")
			return
		}
		limit = n
	}
	if m := s.findMachine(w, r); m != nil {
		writeJSON(w, m.eventsJSON(limit))
	}
}

// eventsJSON returns the last entries of a Machine's log, the newest first. A
// Machine that was added has the one of its start.
func (m *Machine) eventsJSON(limit int) []any {
	log := m.events
	if len(log) == 0 {
		log = []machineEvent{{kind: "start", status: m.State, source: "flyd", at: m.Updated}}
	}
	list := []any{}
	for i := len(log) - 1; i >= 0 && len(list) < limit; i-- {
		list = append(list, map[string]any{
			"id": fmt.Sprintf("01KAEVENT%s%06d", m.ID, i), "type": log[i].kind, "status": log[i].status,
			"source": log[i].source, "timestamp": log[i].at.UnixMilli(),
		})
	}
	return list
}
