package flysim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// getPlacements simulates placing Machines: in the regions of the expression,
// in their order, as many in each as Config.Capacity leaves. The aliases of
// areas are not known here; "any" stands for every region, and is added to an
// empty expression after the API's own region.
func (s *Server) getPlacements(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Org     string `json:"org_slug"`
		Region  string `json:"region"`
		Count   int    `json:"count"`
		Compute *struct {
			CPUKind  string `json:"cpu_kind"`
			CPUs     int    `json:"cpus"`
			MemoryMB int    `json:"memory_mb"`
		} `json:"compute"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		writeError(w, http.StatusBadRequest, "invalid JSON: "+err.Error())
		return
	}
	known := false
	for _, a := range s.apps {
		known = known || a.Org == in.Org
	}
	guest := in.Compute
	switch {
	case !known:
		writeError(w, http.StatusNotFound, "organization not found")
		return
	case in.Count < 0, guest != nil && (guest.CPUs < 1 || guest.MemoryMB < 256 || guest.CPUKind != "shared" && guest.CPUKind != "performance"):
		writeError(w, http.StatusUnprocessableEntity, "invalid compute or count")
		return
	}
	codes, bad := s.expression(or(in.Region, "iad,any"))
	if bad != "" {
		writeError(w, http.StatusUnprocessableEntity, fmt.Sprintf("invalid region expression: %q", bad))
		return
	}
	rows, left := []any{}, in.Count
	if elsewhere := twistOf(r).Region; elsewhere != "" {
		codes = []string{elsewhere}
	}
	for _, code := range codes {
		room, limited := s.config.Capacity[code]
		switch {
		case in.Count == 0 && !limited:
			room = 100 // a limit of the organization
		case in.Count > 0 && (!limited || room > left):
			room = left
		}
		if room > 0 {
			rows = append(rows, map[string]any{"region": code, "count": room, "concurrency": room})
			left -= room
		}
	}
	writeJSON(w, map[string]any{"regions": rows})
}

// expression returns the regions that an expression names, each once, or the
// part that names none.
func (s *Server) expression(text string) (codes []string, bad string) {
	for part := range strings.SplitSeq(text, ",") {
		found := false
		for _, r := range s.config.Regions {
			if r.Deprecated || part != r.Code && part != "any" {
				continue
			}
			found = true
			if !slices.Contains(codes, r.Code) {
				codes = append(codes, r.Code)
			}
		}
		if !found {
			return nil, part
		}
	}
	return codes, ""
}
