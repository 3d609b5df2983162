package ghsim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// graphQL answers the one query that any token may ask: who am I.
func (s *Server) graphQL(w http.ResponseWriter, r *http.Request) {
	if s.cfg.NoGraphQL {
		notFound(w)
		return
	}
	who := caller(r)
	if who == nil {
		answerError(w, http.StatusUnauthorized, "This endpoint requires you to be authenticated.")
		return
	}
	var in struct {
		Query string `json:"query"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		answerError(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	q := strings.TrimPrefix(strings.Join(strings.Fields(in.Query), ""), "query")
	if q != "{viewer{login}}" {
		answer(w, http.StatusOK, map[string]any{"errors": []map[string]string{{"message": "the simulator knows only { viewer { login } }"}}})
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": map[string]any{"viewer": map[string]string{"login": who.Login}}})
}
