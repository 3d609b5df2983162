package flysim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

const routeCurrent = "GET /v1/tokens/current"

// currentToken tells what the token is for, part by part: the organization of the
// apps that it may see, and those of Config.TokenApps. Whether it may write and
// when it expires the API does not tell.
func (s *Server) currentToken(w http.ResponseWriter, r *http.Request) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	org := ""
	for _, name := range slices.Sorted(maps.Keys(s.apps)) {
		if org == "" && s.visible(name) {
			org = s.apps[name].Org
		}
	}
	rows := []any{}
	for range strings.SplitSeq(token, ",") {
		rows = append(rows, map[string]any{
			"token_id": "a1b2c3d4-0000-4000-8000-000000000000", "organization": org, "org_slug": org,
			"apps": append([]string{}, s.config.TokenApps...), "user": "", "restricted_to_machine": s.config.TokenMachine, "source_machine_id": "",
		})
	}
	writeJSON(w, map[string]any{"tokens": rows})
}

// visible tells whether the token may see an app. To it others do not exist.
func (s *Server) visible(app string) bool {
	return len(s.config.TokenApps) == 0 || slices.Contains(s.config.TokenApps, app)
}
