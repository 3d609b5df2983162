package ghsim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

type blobJSON struct {
	SHA      string `json:"sha"`
	NodeID   string `json:"node_id"`
	Size     int    `json:"size"`
	URL      string `json:"url"`
	Content  string `json:"content"`
	Encoding string `json:"encoding"`
}

type treeJSON struct {
	SHA       string          `json:"sha"`
	URL       string          `json:"url"`
	Tree      []treeEntryJSON `json:"tree"`
	Truncated bool            `json:"truncated"`
}

type treeEntryJSON struct {
	Path string `json:"path"`
	Mode string `json:"mode"`
	Type string `json:"type"`
	Size *int   `json:"size,omitempty"`
	SHA  string `json:"sha"`
	URL  string `json:"url"`
}

func (s *Server) createBlob(w http.ResponseWriter, r *http.Request) {
	var in struct{ Content, Encoding string }
	if !decode(w, r, &in) {
		return
	}
	data := []byte(in.Content)
	switch in.Encoding {
	case "", "utf-8":
	case "base64":
		var err error
		data, err = base64.StdEncoding.DecodeString(strings.Map(withoutBreaks, in.Content))
		if err != nil {
			unprocessable(w, "Invalid base64 content")
			return
		}
	default:
		unprocessable(w, "Invalid encoding")
		return
	}
	sha := s.git.PutBlob(data)
	out := map[string]string{"sha": sha, "url": s.at(r).api() + "/git/blobs/" + sha}
	w.Header().Set("Location", out["url"])
	answer(w, http.StatusCreated, out)
}

func withoutBreaks(r rune) rune {
	if r == '\n' || r == '\r' {
		return -1
	}
	return r
}

func (s *Server) getBlob(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("sha")
	data, ok := s.git.Blob(sha)
	if !ok {
		notFound(w)
		return
	}
	answer(w, http.StatusOK, blobJSON{
		SHA: sha, NodeID: nodeID("Blob", userID(sha)), Size: len(data), URL: s.at(r).api() + "/git/blobs/" + sha,
		Content: lines60(base64.StdEncoding.EncodeToString(data)), Encoding: "base64",
	})
}

func (v view) tree(sha string, recursive bool) treeJSON {
	out := treeJSON{SHA: sha, URL: v.api() + "/git/trees/" + sha, Tree: []treeEntryJSON{}}
	var list func(tree, prefix string)
	list = func(tree, prefix string) {
		for _, e := range v.git.Entries(tree) {
			entry := treeEntryJSON{Path: prefix + e.Name, Mode: e.Mode, Type: string(e.Kind()), SHA: e.SHA}
			entry.URL = v.api() + "/git/" + entry.Type + "s/" + e.SHA
			if e.Kind() == gitsim.Blob {
				size := v.git.Size(e.SHA)
				entry.Size = &size
			}
			out.Tree = append(out.Tree, entry)
			if recursive && e.Kind() == gitsim.Tree {
				list(e.SHA, entry.Path+"/")
			}
		}
	}
	list(sha, "")
	return out
}

func (s *Server) getTree(w http.ResponseWriter, r *http.Request) {
	sha := r.PathValue("sha")
	if commit, ok := s.resolve(sha); ok {
		sha = commit
	}
	tree := s.git.TreeOf(sha)
	if tree == "" {
		notFound(w)
		return
	}
	answer(w, http.StatusOK, s.at(r).tree(tree, r.URL.Query().Has("recursive"))) // any value is yes
}

// treeEntryInput is what a request wants at a path; a null hash takes it away.
type treeEntryInput struct {
	Path, Mode, Type string
	SHA              json.RawMessage
	Content          *string
}

func (s *Server) createTree(w http.ResponseWriter, r *http.Request) {
	var in struct {
		BaseTree string `json:"base_tree"`
		Tree     []treeEntryInput
	}
	if !decode(w, r, &in) {
		return
	}
	files := map[string]gitsim.File{}
	if in.BaseTree != "" {
		tree := s.git.TreeOf(in.BaseTree)
		if tree == "" {
			notFound(w)
			return
		}
		files = s.git.Files(tree)
	}
	if len(in.Tree) == 0 {
		unprocessable(w, "Invalid tree info")
		return
	}
	for _, e := range in.Tree {
		if trouble := s.plant(files, e); trouble != "" {
			unprocessable(w, trouble)
			return
		}
	}
	out := s.at(r).tree(s.git.PutTree(files), false)
	w.Header().Set("Location", out.URL)
	answer(w, http.StatusCreated, out)
}

// plant puts an entry among the files; it returns GitHub's words for what is wrong.
func (s *Server) plant(files map[string]gitsim.File, e treeEntryInput) string {
	parts := strings.Split(e.Path, "/")
	if slices.ContainsFunc(parts, func(p string) bool { return p == "" || p == "." || p == ".." || strings.EqualFold(p, ".git") }) {
		return "tree.path contains a malformed path component"
	}
	if string(e.SHA) == "null" && e.Content == nil {
		if !gitsim.Remove(files, e.Path) {
			return "GitRPC::BadObjectState"
		}
		return ""
	}
	f := gitsim.File{Mode: e.Mode}
	if !slices.Contains([]string{gitsim.ModeFile, gitsim.ModeExecutable, gitsim.ModeSymlink, gitsim.ModeTree, gitsim.ModeSubmodule}, e.Mode) {
		return "Must supply a valid tree.mode"
	}
	switch {
	case (e.SHA == nil) == (e.Content == nil):
		return "Must supply either tree.sha or tree.content"
	case e.Content != nil:
		f.SHA = s.git.PutBlob([]byte(*e.Content))
	case json.Unmarshal(e.SHA, &f.SHA) != nil || (f.Kind() != gitsim.Commit && s.git.Kind(f.SHA) != f.Kind()):
		return "tree.sha " + f.SHA + " is not a valid " + string(f.Kind())
	}
	s.git.Set(files, e.Path, f)
	return ""
}

// personInput is an author or committer as a request names one.
type personInput struct {
	Name, Email string
	Date        *time.Time
}

func (s *Server) createCommit(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Message, Tree, Signature string
		Parents                  []string
		Author, Committer        *personInput
	}
	if !decode(w, r, &in) {
		return
	}
	if s.git.Kind(in.Tree) != gitsim.Tree {
		unprocessable(w, "Tree SHA does not exist")
		return
	}
	for _, p := range in.Parents {
		if s.git.Kind(p) != gitsim.Commit {
			unprocessable(w, "Parent SHA does not exist or is not a commit object")
			return
		}
	}
	who := caller(r)
	c := gitsim.CommitData{Tree: in.Tree, Parents: in.Parents, Message: in.Message, Signature: in.Signature, Author: s.person(who.Login)}
	if in.Author != nil {
		c.Author = s.given(*in.Author)
	}
	c.Committer = c.Author
	switch {
	case in.Committer != nil:
		c.Committer = s.given(*in.Committer)
	case in.Author == nil && in.Signature == "" && who.Kind == App:
		// GitHub signs what an App commits in its own name.
		c.Committer, c.Signature = s.webFlow(), signature
	}
	sha := s.git.PutCommit(c)
	out := s.at(r).gitCommit(sha)
	w.Header().Set("Location", out.URL)
	answer(w, http.StatusCreated, out)
}

func (s *Server) given(p personInput) gitsim.Person {
	out := gitsim.Person{Name: p.Name, Email: p.Email}
	if p.Date == nil {
		out.When = s.now()
	} else {
		out.When = *p.Date
	}
	return out
}

func (s *Server) getGitCommit(w http.ResponseWriter, r *http.Request) {
	if sha := r.PathValue("sha"); s.git.Kind(sha) == gitsim.Commit {
		answer(w, http.StatusOK, s.at(r).gitCommit(sha))
		return
	}
	notFound(w)
}
