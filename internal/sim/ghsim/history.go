package ghsim

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// maxFiles is how many changed files a commit or a comparison shows.
const maxFiles = 300

// fileJSON is a changed file. GitHub's textual patch is left out, as GitHub does
// for files that it finds too big.
type fileJSON struct {
	SHA         string `json:"sha"`
	Filename    string `json:"filename"`
	Previous    string `json:"previous_filename,omitempty"`
	Status      string `json:"status"`
	Additions   int    `json:"additions"`
	Deletions   int    `json:"deletions"`
	Changes     int    `json:"changes"`
	BlobURL     string `json:"blob_url"`
	RawURL      string `json:"raw_url"`
	ContentsURL string `json:"contents_url"`
}

// files lists what differs between two commits ("" is the empty one), seen at the
// later one.
func (v view) files(before, after string) []fileJSON {
	out := []fileJSON{}
	for _, c := range v.git.Diff(v.git.TreeOf(before), v.git.TreeOf(after)) {
		shown := c.After
		status := "modified"
		switch {
		case c.From != "":
			status = "renamed"
		case c.Before == (gitsim.File{}):
			status = "added"
		case c.After == (gitsim.File{}):
			status, shown = "removed", c.Before
		}
		path := (&url.URL{Path: c.Path}).EscapedPath()
		f := fileJSON{
			SHA: shown.SHA, Filename: c.Path, Previous: c.From, Status: status,
			BlobURL: fmt.Sprintf("%s/blob/%s/%s", v.html(), after, path), RawURL: fmt.Sprintf("%s/raw/%s/%s", v.html(), after, path),
			ContentsURL: fmt.Sprintf("%s/contents/%s?ref=%s", v.api(), path, after),
		}
		old, _ := v.git.Blob(c.Before.SHA)
		now, _ := v.git.Blob(c.After.SHA)
		f.Additions, f.Deletions = gitsim.Lines(old, now)
		f.Changes = f.Additions + f.Deletions
		out = append(out, f)
	}
	return out
}

func (s *Server) getBranch(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("branch")
	tip := s.branch(name)
	if tip == "" {
		answerError(w, http.StatusNotFound, "Branch not found")
		return
	}
	v := s.at(r)
	self := v.api() + "/branches/" + url.PathEscape(name)
	answer(w, http.StatusOK, map[string]any{
		"name": name, "commit": v.commit(tip), "protected": false, "protection": map[string]any{"enabled": false},
		"protection_url": self + "/protection", "_links": map[string]string{"self": self, "html": v.html() + "/tree/" + name},
	})
}

func (s *Server) listCommits(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	tip, ok := s.resolve(q.Get("sha"))
	if !ok {
		notFound(w)
		return
	}
	var shas []string
	if path := strings.Trim(q.Get("path"), "/"); path != "" {
		shas = s.git.LogOf(tip, path)
	} else {
		shas = s.git.Log(tip, "")
	}
	since, noSince := time.Parse(time.RFC3339, q.Get("since"))
	until, noUntil := time.Parse(time.RFC3339, q.Get("until"))
	shas = slices.DeleteFunc(shas, func(sha string) bool {
		c, _ := s.git.Commit(sha)
		return (noSince == nil && c.Committer.When.Before(since)) || (noUntil == nil && c.Committer.When.After(until)) ||
			!signed(c.Author, q.Get("author")) || !signed(c.Committer, q.Get("committer"))
	})
	answerPage(w, r, s.at(r).commits(shas))
}

// signed tells whether a login or an address, where one is asked for, is a person's.
func signed(p gitsim.Person, who string) bool {
	return who == "" || p.Email == who || loginOf(p) == who
}

func (s *Server) getCommit(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("ref")
	sha, ok := s.resolve(ref)
	if !ok {
		unprocessable(w, "No commit found for SHA: "+ref)
		return
	}
	v := s.at(r)
	out := v.commit(sha)
	out.Files = v.files(s.git.FirstParent(sha), sha)
	out.Stats = &commitStatsJSON{}
	for _, f := range out.Files {
		out.Stats.Additions += f.Additions
		out.Stats.Deletions += f.Deletions
		out.Stats.Total += f.Changes
	}
	out.Files = out.Files[:min(len(out.Files), maxFiles)]
	answer(w, http.StatusOK, out)
}

// compare tells what head has that base hasn't, from where they parted.
func (s *Server) compare(w http.ResponseWriter, r *http.Request) {
	from, to, ok := strings.Cut(r.PathValue("basehead"), "...")
	base, okBase := s.resolveOwned(from)
	head, okHead := s.resolveOwned(to)
	if !ok || !okBase || !okHead {
		notFound(w)
		return
	}
	meet := s.git.MergeBase(base, head)
	if meet == "" {
		answerError(w, http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", from, to))
		return
	}
	ahead, behind := s.git.Log(head, base), s.git.Log(base, head)
	status := "diverged"
	switch {
	case len(ahead) == 0 && len(behind) == 0:
		status = "identical"
	case len(behind) == 0:
		status = "ahead"
	case len(ahead) == 0:
		status = "behind"
	}
	slices.Reverse(ahead)
	v := s.at(r)
	q := r.URL.Query()
	page, perPage := paging(q)
	if !q.Has("page") && !q.Has("per_page") {
		page, perPage = 1, 250
	} else if link := links(r, page, perPage, len(ahead)); link != "" {
		w.Header().Set("Link", link)
	}
	html := fmt.Sprintf("%s/compare/%s...%s", v.html(), from, to)
	first := min((page-1)*perPage, len(ahead))
	out := map[string]any{
		"url": v.api() + "/compare/" + url.PathEscape(r.PathValue("basehead")), "html_url": html, "permalink_url": fmt.Sprintf("%s/compare/%s...%s", v.html(), base, head),
		"diff_url": html + ".diff", "patch_url": html + ".patch", "base_commit": v.commit(base), "merge_base_commit": v.commit(meet),
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
		"commits": v.commits(ahead[first:min(first+perPage, len(ahead))]),
	}
	if page == 1 { // "the changed files are only shown on the first page"
		files := v.files(meet, head)
		out["files"] = files[:min(len(files), maxFiles)]
	}
	answer(w, http.StatusOK, out)
}

// resolveOwned resolves a name that can have its owner before it: "octo:main", or
// a branch of a fork, "mallory:patch".
func (s *Server) resolveOwned(name string) (string, bool) {
	if owner, branch, ok := strings.Cut(name, ":"); ok {
		return s.git.Ref(s.headRef(owner, branch))
	}
	return s.resolve(name)
}
