package ghsim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// maxJSONFile is up to which size the Contents API puts a file into its JSON.
const maxJSONFile = 1 << 20

// getContents reads a file, a link or a directory at any ref.
func (s *Server) getContents(w http.ResponseWriter, r *http.Request) {
	ref := r.URL.Query().Get("ref")
	commit, known := s.resolve(ref)
	if !known {
		answerError(w, http.StatusNotFound, "No commit found for the ref "+ref)
		return
	}
	if ref == "" {
		ref = s.cfg.Branch
	}
	path := strings.Trim(r.PathValue("path"), "/")
	at := content{s.at(r), ref}
	entry, found := s.entry(s.git.TreeOf(commit), path)
	switch {
	case !found:
		notFound(w)
	case entry.Mode == gitsim.ModeTree:
		list := []contentJSON{}
		for _, e := range s.git.Entries(entry.SHA) {
			list = append(list, at.json(strings.TrimPrefix(path+"/"+e.Name, "/"), e.File))
		}
		slices.SortFunc(list, func(a, b contentJSON) int { return strings.Compare(a.Name, b.Name) })
		answer(w, http.StatusOK, list)
	case entry.Mode == gitsim.ModeSymlink || entry.Mode == gitsim.ModeSubmodule:
		answer(w, http.StatusOK, at.json(path, entry))
	case strings.Contains(r.Header.Get("Accept"), "raw"):
		data, _ := s.git.Blob(entry.SHA)
		w.Header().Set("Content-Type", "application/vnd.github.raw+json; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(data) // an answer that its reader no longer wants
	default:
		out := at.json(path, entry)
		none, text := "none", ""
		out.Encoding, out.Content = &none, &text
		if data, _ := s.git.Blob(entry.SHA); len(data) <= maxJSONFile {
			none, text = "base64", lines60(base64.StdEncoding.EncodeToString(data))
		}
		answer(w, http.StatusOK, out)
	}
}

// entry returns what a path leads to in a tree; the empty path is the tree.
func (s *Server) entry(tree, path string) (gitsim.File, bool) {
	found := gitsim.File{Mode: gitsim.ModeTree, SHA: tree}
	if path == "" {
		return found, true
	}
	for name := range strings.SplitSeq(path, "/") {
		entries := s.git.Entries(found.SHA)
		i := slices.IndexFunc(entries, func(e gitsim.Entry) bool { return e.Name == name })
		if i < 0 {
			return gitsim.File{}, false
		}
		found = entries[i].File
	}
	return found, true
}

// content writes entries of the Contents API as seen at one ref.
type content struct {
	view
	ref string
}

func (c content) json(path string, f gitsim.File) contentJSON {
	escaped := (&url.URL{Path: path}).EscapedPath()
	self := fmt.Sprintf("%s/contents/%s?ref=%s", c.api(), escaped, url.QueryEscape(c.ref))
	git := c.api() + "/git/blobs/" + f.SHA
	html := fmt.Sprintf("%s/blob/%s/%s", c.html(), c.ref, escaped)
	download := fmt.Sprintf("%s/raw/%s/%s", c.html(), c.ref, escaped)
	out := contentJSON{
		Type: "file", Name: path[strings.LastIndex(path, "/")+1:], Path: path, SHA: f.SHA, Size: c.git.Size(f.SHA),
		URL: self, DownloadURL: &download,
	}
	switch f.Mode {
	case gitsim.ModeTree:
		out.Type, out.Size, out.DownloadURL = "dir", 0, nil
		git = c.api() + "/git/trees/" + f.SHA
		html = fmt.Sprintf("%s/tree/%s/%s", c.html(), c.ref, escaped)
	case gitsim.ModeSymlink:
		target := string(c.git.Raw(f.SHA))
		out.Type, out.Target = "symlink", &target
	case gitsim.ModeSubmodule:
		out.Type, out.Size, out.DownloadURL = "submodule", 0, nil
	}
	out.GitURL, out.HTMLURL, out.Links = git, html, contentLinks{Git: git, HTML: html, Self: self}
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
