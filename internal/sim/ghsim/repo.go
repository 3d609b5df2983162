package ghsim

import (
	"crypto/sha1" //nolint:gosec // git names objects by SHA-1
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxJSONFile is up to which size the Contents API puts a file into its JSON.
const maxJSONFile = 1 << 20

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) {
	switch who := caller(r); {
	case who == nil:
		answerError(w, http.StatusUnauthorized, "Requires authentication")
	case who.Kind == App:
		answerError(w, http.StatusForbidden, "Resource not accessible by integration")
	default:
		answer(w, http.StatusOK, publicUserOf(r, *who))
	}
}

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

func (s *Server) getRepo(w http.ResponseWriter, r *http.Request) {
	if s.allowed(w, r, "read") {
		answer(w, http.StatusOK, s.repository(r))
	}
}

func (s *Server) getPull(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r, "read", "pull-requests") {
		return
	}
	if n, ok := s.number(w, r); ok {
		answer(w, http.StatusOK, s.pull(r, n))
	}
}

// getContents knows the branch, full commit hashes and "refs/…" names; every ref
// holds the same files.
func (s *Server) getContents(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r, "read", "contents") {
		return
	}
	if ref := r.URL.Query().Get("ref"); !s.knownRef(ref) {
		answerError(w, http.StatusNotFound, "No commit found for the ref "+ref)
		return
	}
	path := strings.Trim(r.PathValue("path"), "/")
	s.mu.Lock()
	f, found := s.files[path]
	var entries []contentJSON
	if !found {
		entries = s.directoryLocked(r, path)
	}
	s.mu.Unlock()
	raw := strings.Contains(r.Header.Get("Accept"), "raw")
	switch {
	case !found && (len(entries) > 0 || path == ""):
		answer(w, http.StatusOK, append([]contentJSON{}, entries...))
	case !found:
		notFound(w)
	case f.target != "":
		answer(w, http.StatusOK, s.content(r, path, f))
	case raw:
		w.Header().Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(f.data) // an answer that its reader no longer wants
	default:
		out := s.content(r, path, f)
		none, text := "none", ""
		out.Encoding, out.Content = &none, &text
		if len(f.data) <= maxJSONFile {
			none, text = "base64", lines60(base64.StdEncoding.EncodeToString(f.data))
		}
		answer(w, http.StatusOK, out)
	}
}

func (s *Server) knownRef(ref string) bool {
	_, err := hex.DecodeString(ref)
	return ref == "" || ref == s.cfg.Branch || (len(ref) == 40 && err == nil) || strings.HasPrefix(ref, "refs/")
}

// directoryLocked lists what lies directly in a directory. It needs s.mu.
func (s *Server) directoryLocked(r *http.Request, dir string) []contentJSON {
	var names []string
	for path := range s.files {
		rest, below := path, true
		if dir != "" {
			rest, below = strings.CutPrefix(path, dir+"/")
		}
		if first, _, _ := strings.Cut(rest, "/"); below && !slices.Contains(names, first) {
			names = append(names, first)
		}
	}
	slices.Sort(names)
	var out []contentJSON
	for _, name := range names {
		path := strings.TrimPrefix(dir+"/"+name, "/")
		f, isFile := s.files[path]
		entry := s.content(r, path, f)
		if !isFile {
			entry.Type, entry.DownloadURL = "dir", nil
		}
		out = append(out, entry)
	}
	return out
}

func (s *Server) content(r *http.Request, path string, f file) contentJSON {
	escaped := (&url.URL{Path: path}).EscapedPath()
	self := fmt.Sprintf("%s/repos/%s/contents/%s?ref=%s", base(r), s.cfg.Repo, escaped, url.QueryEscape(s.cfg.Branch))
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(f.data), f.data)) //nolint:gosec // git's own
	sha := hex.EncodeToString(sum[:])
	git := fmt.Sprintf("%s/repos/%s/git/blobs/%s", base(r), s.cfg.Repo, sha)
	html := fmt.Sprintf("%s/%s/blob/%s/%s", base(r), s.cfg.Repo, s.cfg.Branch, escaped)
	download := fmt.Sprintf("%s/%s/raw/%s/%s", base(r), s.cfg.Repo, s.cfg.Branch, escaped)
	out := contentJSON{
		Type: "file", Name: path[strings.LastIndex(path, "/")+1:], Path: path, SHA: sha, Size: len(f.data),
		URL: self, GitURL: git, HTMLURL: html, DownloadURL: &download,
		Links: contentLinks{Git: git, HTML: html, Self: self},
	}
	if f.target != "" {
		out.Type, out.Target, out.Size = "symlink", &f.target, len(f.target)
	}
	return out
}

// lines60 breaks base64 after 60 characters, as GitHub does.
func lines60(s string) string {
	var b strings.Builder
	for chunk := range slices.Chunk([]byte(s), 60) {
		b.Write(chunk)
		b.WriteByte('\n')
	}
	return b.String()
}
