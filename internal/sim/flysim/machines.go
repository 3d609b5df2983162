package flysim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
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
		if s.apps[name].Org == org {
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
	if a == nil {
		writeError(w, http.StatusNotFound, errorText(http.StatusNotFound))
	}
	return a
}

func (a *app) json() map[string]any {
	alive := 0
	for _, m := range a.machines {
		if m.State != "destroyed" {
			alive++
		}
	}
	fields := map[string]any{
		"id": "app_" + a.Name, "name": a.Name, "internal_numeric_id": 1000 + len(a.Name), "status": "deployed",
		"machine_count": alive, "volume_count": len(a.Volumes), "network": "default",
		"organization": map[string]any{"name": a.Org, "slug": a.Org, "internal_numeric_id": 7},
	}
	if a.Role != "" {
		fields["app_role"] = a.Role
	}
	return fields
}

func (s *Server) listMachines(w http.ResponseWriter, r *http.Request) {
	a := s.find(w, r)
	if a == nil {
		return
	}
	query := r.URL.Query()
	states := strings.FieldsFunc(query.Get("state"), func(r rune) bool { return r == ',' })
	deleted := query.Get("include_deleted") == "true"
	var listed []*Machine
	for _, m := range a.machines {
		switch {
		case s.config.Now().Before(m.listedAt):
		case m.State == "destroyed" && !deleted:
		case query.Get("region") != "" && query.Get("region") != m.Region:
		case len(states) > 0 && !slices.Contains(states, m.State):
		default:
			listed = append(listed, m)
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
	fields := maps.Clone(m.Extra)
	if fields == nil {
		fields = map[string]any{}
	}
	maps.Copy(fields, map[string]any{
		"id": m.ID, "name": m.Name, "state": m.State, "region": m.Region, "private_ip": m.privateIP,
		"instance_id": fmt.Sprintf("01KAINSTANCE%014d", m.version), "image_ref": m.Image,
		"created_at": m.CreatedAt.UTC().Format(time.RFC3339), "updated_at": m.Updated.UTC().Format(time.RFC3339),
	})
	if !s.config.OldAPI {
		fields["cordoned"] = m.Cordoned
		fields["version"] = fields["instance_id"]
		if leases && m.Lease != nil && s.config.Now().Before(m.Lease.Expires) {
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
	fields["events"] = []any{map[string]any{
		"id": "01KAEVENT", "type": "start", "status": m.State, "source": "flyd", "timestamp": m.Updated.UnixMilli(),
	}}
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

func (s *Server) findMachine(w http.ResponseWriter, r *http.Request) *Machine {
	a := s.find(w, r)
	if a == nil {
		return nil
	}
	m := a.machine(r.PathValue("id"))
	if m == nil {
		writeError(w, http.StatusNotFound, "machine not found")
	}
	return m
}

func (s *Server) getLease(w http.ResponseWriter, r *http.Request) {
	m := s.findMachine(w, r)
	switch {
	case m == nil:
	case m.Lease == nil || !s.config.Now().Before(m.Lease.Expires):
		writeError(w, http.StatusNotFound, "lease not found")
	default:
		writeJSON(w, map[string]any{"status": "success", "data": map[string]any{
			"owner": m.Lease.Owner, "description": m.Lease.Description, "expires_at": m.Lease.Expires.Unix(),
			"version": fmt.Sprintf("01KAINSTANCE%014d", m.version),
		}})
	}
}

// landIn is the context's key for the region in which WrongRegion lets a
// Machine land.
type landIn struct{}

// createMachine makes a Machine. One that is launched reads as started from
// the next read on: nothing here takes time.
func (s *Server) createMachine(w http.ResponseWriter, r *http.Request) {
	a := s.find(w, r)
	if a == nil {
		return
	}
	var in struct {
		Name                    string         `json:"name"`
		Region                  string         `json:"region"`
		Config                  map[string]any `json:"config"`
		LeaseTTL                int            `json:"lease_ttl"`
		SkipLaunch              bool           `json:"skip_launch"`
		SkipServiceRegistration bool           `json:"skip_service_registration"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeError(w, http.StatusBadRequest, "invalid JSON: "+err.Error())
		return
	}
	if in.Config["image"] == nil {
		writeError(w, http.StatusBadRequest, "config.image is required")
		return
	}
	runs := slices.ContainsFunc(s.config.Regions, func(r Region) bool { return r.Code == in.Region && !r.Deprecated })
	if !runs {
		writeError(w, http.StatusUnprocessableEntity, "invalid region: "+in.Region)
		return
	}
	for _, m := range a.machines {
		if in.Name != "" && m.Name == in.Name && m.State != "destroyed" {
			writeError(w, http.StatusConflict, fmt.Sprintf(
				"already_exists: unique machine name violation, machine ID %s already exists with name %q", m.ID, m.Name))
			return
		}
	}
	if region, ok := r.Context().Value(landIn{}).(string); ok {
		in.Region = region
	}
	now := s.config.Now()
	m := s.add(a, Machine{
		Name: in.Name, Region: in.Region, Config: in.Config, Cordoned: in.SkipServiceRegistration, State: "created", CreatedAt: now,
	}, now.Add(s.config.ListLag))
	if in.LeaseTTL > 0 {
		m.Lease = &Lease{
			Nonce: "nonce-" + m.ID, Owner: "flysim@tokens.fly.io", Description: "created",
			Expires: now.Add(time.Duration(in.LeaseTTL) * time.Second),
		}
	}
	answer := s.json(m, false, false)
	if m.Lease != nil {
		answer["nonce"] = m.Lease.Nonce
	}
	writeJSON(w, answer)
	if !in.SkipLaunch {
		m.State = "started"
	}
}
