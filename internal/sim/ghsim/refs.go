package ghsim

import (
	"net/http"
	"strings"
)

// noCommit is what a push names that creates or deletes a branch.
const noCommit = "0000000000000000000000000000000000000000"

const heads = "refs/heads/"

type refJSON struct {
	Ref    string        `json:"ref"`
	NodeID string        `json:"node_id"`
	URL    string        `json:"url"`
	Object refObjectJSON `json:"object"`
}

type refObjectJSON struct {
	Type string `json:"type"`
	SHA  string `json:"sha"`
	URL  string `json:"url"`
}

func (v view) ref(name, sha string) refJSON {
	kind := string(v.git.Kind(sha))
	return refJSON{
		Ref: name, NodeID: nodeID("Ref", userID(name)), URL: v.api() + "/git/" + name,
		Object: refObjectJSON{Type: kind, SHA: sha, URL: v.api() + "/git/" + kind + "s/" + sha},
	}
}

// resolve returns the commit that a branch, a ref or a hash names; empty is the
// default branch.
func (s *Server) resolve(ref string) (string, bool) {
	if ref == "" {
		ref = s.cfg.Branch
	}
	if _, ok := s.git.Commit(ref); ok {
		return ref, true
	}
	for _, name := range []string{heads + ref, "refs/tags/" + ref, ref, "refs/" + ref} {
		if sha, ok := s.git.Ref(name); ok {
			return sha, true
		}
	}
	return "", false
}

// branch returns the tip of a branch; empty when there is none.
func (s *Server) branch(name string) string {
	sha, _ := s.git.Ref(heads + name)
	return sha
}

func (s *Server) getRef(w http.ResponseWriter, r *http.Request) {
	name := "refs/" + r.PathValue("ref")
	sha, ok := s.git.Ref(name)
	if !ok {
		notFound(w)
		return
	}
	answer(w, http.StatusOK, s.at(r).ref(name, sha))
}

func (s *Server) createRef(w http.ResponseWriter, r *http.Request) {
	var in struct{ Ref, SHA string }
	if !decode(w, r, &in) {
		return
	}
	_, exists := s.git.Ref(in.Ref)
	_, isCommit := s.git.Commit(in.SHA)
	switch {
	case !strings.HasPrefix(in.Ref, "refs/") || strings.Count(in.Ref, "/") < 2:
		unprocessable(w, "Reference name must start with 'refs/' and have at least two slashes")
	case !validRef(in.Ref):
		unprocessable(w, "Reference name is invalid")
	case strings.HasPrefix(in.Ref, "refs/pull/"):
		unprocessable(w, "Reference update failed")
	case exists:
		unprocessable(w, "Reference already exists")
	case s.git.Kind(in.SHA) == "" || (!isCommit && strings.HasPrefix(in.Ref, heads)):
		unprocessable(w, "Object does not exist")
	case s.moveRef(caller(r).Login, in.Ref, in.SHA) != nil: // refs/heads/a stands in the way of refs/heads/a/b
		unprocessable(w, "Reference update failed")
	default:
		out := s.at(r).ref(in.Ref, in.SHA)
		w.Header().Set("Location", out.URL)
		answer(w, http.StatusCreated, out)
	}
}

func (s *Server) updateRef(w http.ResponseWriter, r *http.Request) {
	var in struct {
		SHA   string
		Force bool
	}
	if !decode(w, r, &in) {
		return
	}
	name := "refs/" + r.PathValue("ref")
	old, exists := s.git.Ref(name)
	_, isCommit := s.git.Commit(in.SHA)
	switch {
	case !exists:
		unprocessable(w, "Reference does not exist")
	case !isCommit:
		unprocessable(w, "Object does not exist")
	case !in.Force && !s.git.Contains(in.SHA, old):
		unprocessable(w, "Update is not a fast forward")
	case s.moveRef(caller(r).Login, name, in.SHA) != nil:
		unprocessable(w, "Reference update failed")
	default:
		answer(w, http.StatusOK, s.at(r).ref(name, in.SHA))
	}
}

func (s *Server) deleteRef(w http.ResponseWriter, r *http.Request) {
	name := "refs/" + r.PathValue("ref")
	switch _, exists := s.git.Ref(name); {
	case !exists:
		unprocessable(w, "Reference does not exist")
	case name == heads+s.cfg.Branch:
		unprocessable(w, "Cannot delete the default branch")
	default:
		_ = s.moveRef(caller(r).Login, name, "") // it cannot fail to go
		w.WriteHeader(http.StatusNoContent)
	}
}

// validRef knows the rules of git check-ref-format that a branch name could break.
func validRef(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") || strings.HasSuffix(part, ".") {
			return false
		}
	}
	return !strings.Contains(name, "..") && !strings.Contains(name, "@{") && !strings.ContainsAny(name, " ~^:?*[\\\x7f\n\t")
}

// moveRef makes a ref point to a commit, or with an empty one deletes it, and
// lets the pull requests of the branch know.
func (s *Server) moveRef(login, name, sha string) error {
	before, _ := s.git.Ref(name)
	if sha == "" {
		s.git.DeleteRef(name)
	} else if err := s.git.SetRef(name, sha); err != nil {
		return err
	}
	for _, p := range s.pulls {
		if p.open && p.headRef == name {
			s.headMoved(p, login, sha)
		}
		if p.open && heads+p.base == name {
			s.baseMoved(p, login, before, sha)
		}
	}
	return nil
}
