package ghsim

import (
	"net/http"
	"strings"
)

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) {
	switch who := caller(r); {
	case who == nil:
		answerError(w, http.StatusUnauthorized, "Requires authentication")
	case who.Kind == App:
		answerError(w, http.StatusForbidden, "Resource not accessible by integration")
	default:
		answer(w, http.StatusOK, s.at(r).publicUser(*who))
	}
}

func (s *Server) getRepo(w http.ResponseWriter, r *http.Request) {
	out := s.at(r).repository()
	out["network_count"], out["subscribers_count"] = 0, 0 // which only this endpoint tells
	if who := caller(r); who != nil && who.Kind == User {
		if who.Scopes != nil {
			w.Header().Set("X-Oauth-Scopes", strings.Join(who.Scopes, ", "))
		}
		// What the person may do; the token may do less.
		push := who.may("contents=write")
		out["permissions"] = map[string]bool{"admin": who.may("administration=write"), "maintain": push, "push": push, "triage": push, "pull": true}
	}
	answer(w, http.StatusOK, out)
}

func (s *Server) getWorkflowPermissions(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"default_workflow_permissions": "read", "can_approve_pull_request_reviews": !s.cfg.Settings.NoActionsPulls,
	})
}

// Configure changes the repository's settings.
func (s *Server) Configure(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Settings = settings
}
