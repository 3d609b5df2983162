package flysim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

func (s *Server) listIPs(w http.ResponseWriter, r *http.Request) {
	a := s.find(w, r)
	if a == nil {
		return
	}
	ips := []any{}
	for _, ip := range a.IPs {
		ips = append(ips, map[string]any{
			"ip": ip.Address, "region": ip.Region, "service_name": "", "shared": ip.Shared,
			"created_at": Epoch.Format(time.RFC3339),
		})
	}
	writeJSON(w, map[string]any{"ips": ips})
}

func (s *Server) listVolumes(w http.ResponseWriter, r *http.Request) {
	a := s.find(w, r)
	if a == nil {
		return
	}
	volumes := []any{}
	for _, v := range a.Volumes {
		fields := map[string]any{
			"id": v.ID, "name": v.Name, "state": or(v.State, "created"), "region": v.Region, "size_gb": 1, "zone": "a1b2",
			"encrypted": true, "fstype": "ext4", "host_status": "ok", "snapshot_retention": 5, "auto_backup_enabled": true,
			"created_at": Epoch.Format(time.RFC3339), "attached_machine_id": nil, "attached_alloc_id": nil,
		}
		if v.Machine != "" {
			fields["attached_machine_id"] = v.Machine
		}
		volumes = append(volumes, fields)
	}
	writeJSON(w, volumes)
}

func (s *Server) listRegions(w http.ResponseWriter, _ *http.Request) {
	rows := []any{}
	for _, r := range s.config.Regions {
		rows = append(rows, map[string]any{
			"code": r.Code, "name": r.Name, "geo_region": r.Geo, "latitude": r.Lat, "longitude": r.Lon,
			"deprecated": r.Deprecated, "gateway_available": !r.Deprecated, "requires_paid_plan": false,
		})
	}
	writeJSON(w, map[string]any{"nearest": "iad", "regions": rows})
}

// graphQL answers the two queries for egress addresses, told apart by the
// field that they ask for, and refuses every other.
func (s *Server) graphQL(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Query     string `json:"query"`
		Variables struct {
			AppName string `json:"appName"`
		} `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeError(w, http.StatusBadRequest, "invalid JSON: "+err.Error())
		return
	}
	query := strings.Join(strings.Fields(in.Query), " ")
	a := s.apps[in.Variables.AppName]
	if !s.visible(in.Variables.AppName) {
		a = nil
	}
	ips := "{ nodes { id ip version region updatedAt } }"
	switch {
	case query == "query ($appName: String!) { app(name: $appName) { egressIpAddresses "+ips+" } }" && a != nil:
		nodes := []any{}
		for i, region := range a.EgressRegions {
			nodes = append(nodes, egressIP(region, i))
		}
		writeData(w, map[string]any{"egressIpAddresses": map[string]any{"nodes": nodes}})
	case query == "query ($appName: String!) { app(name: $appName) { machines { nodes { id egressIpAddresses "+ips+" } } } }" && a != nil:
		nodes := []any{}
		for i, m := range a.machines {
			own := []any{}
			if m.Egress {
				own = append(own, egressIP(m.Region, i))
			}
			nodes = append(nodes, map[string]any{"id": m.ID, "egressIpAddresses": map[string]any{"nodes": own}})
		}
		writeData(w, map[string]any{"machines": map[string]any{"nodes": nodes}})
	case a == nil && strings.Contains(query, "app(name: $appName)"):
		writeErrors(w, "Could not find App", "NOT_FOUND")
	default:
		writeErrors(w, "flysim does not know this query", "UNKNOWN_QUERY")
	}
}

func egressIP(region string, n int) map[string]any {
	return map[string]any{
		"id": "eip_" + region, "ip": "203.0.113.7", "version": 4 + n%2*2,
		"region": region, "updatedAt": Epoch.Format(time.RFC3339),
	}
}

func writeData(w http.ResponseWriter, app map[string]any) {
	writeJSON(w, map[string]any{"data": map[string]any{"app": app}})
}

// writeErrors answers as GraphQL does: with 200.
func writeErrors(w http.ResponseWriter, message, code string) {
	writeJSON(w, map[string]any{
		"data":   map[string]any{"app": nil},
		"errors": []any{map[string]any{"message": message, "path": []any{"app"}, "extensions": map[string]any{"code": code}}},
	})
}
