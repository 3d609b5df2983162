package ghsim

import (
	"net/http"
	"slices"
	"strings"
)

// level is what somebody may do here.
func (s *Server) level(login string) string {
	switch {
	case strings.EqualFold(login, s.ownerLogin()):
		return "admin"
	case slices.ContainsFunc(s.cfg.Collaborators, func(c string) bool { return strings.EqualFold(c, login) }):
		return "write"
	case s.cfg.Private:
		return "none"
	}
	return "read"
}

// association is somebody's relation to the repository.
func (s *Server) association(login string) string {
	switch s.level(login) {
	case "admin":
		return "OWNER"
	case "write":
		return "COLLABORATOR"
	}
	return "NONE"
}

// getPermission tells what a person may do; of Apps GitHub knows nothing there.
func (s *Server) getPermission(w http.ResponseWriter, r *http.Request) {
	login := r.PathValue("login")
	if strings.HasSuffix(login, "[bot]") {
		notFound(w)
		return
	}
	level := s.level(login)
	answer(w, http.StatusOK, map[string]any{"permission": level, "role_name": level, "user": struct {
		simpleUser
		RoleName string `json:"role_name"`
	}{s.at(r).user(identityOf(login)), level}})
}
