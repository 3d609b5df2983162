package ghsim

import (
	"fmt"
	"strings"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// signature stands for the one by which GitHub vouches for a commit of its own.
const signature = "-----BEGIN PGP SIGNATURE-----\n\nsimulated\n-----END PGP SIGNATURE-----\n"

// mailDomain is where the addresses are that GitHub gives its users.
const mailDomain = "@users.noreply.github.com"

// person is how a login signs a commit, now.
func (s *Server) person(login string) gitsim.Person {
	return gitsim.Person{Name: login, Email: fmt.Sprintf("%d+%s%s", userID(login), login, mailDomain), When: s.now()}
}

// webFlow is GitHub itself, committing for somebody.
func (s *Server) webFlow() gitsim.Person {
	return gitsim.Person{Name: "GitHub", Email: "noreply@github.com", When: s.now()}
}

// loginOf returns who an address belongs to; empty for an address of nobody here.
func loginOf(p gitsim.Person) string {
	if p.Email == "noreply@github.com" {
		return "web-flow"
	}
	local, ok := strings.CutSuffix(p.Email, mailDomain)
	if !ok {
		return ""
	}
	if _, login, ok := strings.Cut(local, "+"); ok {
		return login
	}
	return local
}

// commitFiles puts files (the zero File takes one away) on a branch as somebody's
// commit, pushes it and returns it. A branch that isn't there starts at the
// default branch's tip.
func (s *Server) commitFiles(login, branch, message string, change map[string]gitsim.File) string {
	c := gitsim.CommitData{Message: message, Author: s.person(login)}
	c.Committer = c.Author
	parent := s.branch(branch)
	if parent == "" {
		parent = s.branch(s.cfg.Branch)
	}
	files := map[string]gitsim.File{}
	if parent != "" {
		c.Parents = []string{parent}
		files = s.git.Files(s.git.TreeOf(parent))
	}
	for path, f := range change {
		if f == (gitsim.File{}) {
			gitsim.Remove(files, path)
		} else {
			s.git.Set(files, path, f)
		}
	}
	c.Tree = s.git.PutTree(files)
	sha := s.git.PutCommit(c)
	_ = s.moveRef(login, heads+branch, sha) // it fails only beside a branch that the name contains
	return sha
}

type gitPersonJSON struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Date  time.Time `json:"date"`
}

type linkJSON struct {
	SHA     string `json:"sha"`
	URL     string `json:"url"`
	HTMLURL string `json:"html_url,omitempty"`
}

type verificationJSON struct {
	Verified   bool    `json:"verified"`
	Reason     string  `json:"reason"`
	Signature  *string `json:"signature"`
	Payload    *string `json:"payload"`
	VerifiedAt *string `json:"verified_at"`
}

// gitCommitJSON is a commit as the Git Data API shows it: people are names.
type gitCommitJSON struct {
	SHA          string           `json:"sha"`
	NodeID       string           `json:"node_id"`
	URL          string           `json:"url"`
	HTMLURL      string           `json:"html_url"`
	Author       gitPersonJSON    `json:"author"`
	Committer    gitPersonJSON    `json:"committer"`
	Tree         linkJSON         `json:"tree"`
	Message      string           `json:"message"`
	Parents      []linkJSON       `json:"parents"`
	Verification verificationJSON `json:"verification"`
}

// commitJSON is a commit as the repository shows it: people are users, where
// their addresses are known.
type commitJSON struct {
	SHA         string           `json:"sha"`
	NodeID      string           `json:"node_id"`
	URL         string           `json:"url"`
	HTMLURL     string           `json:"html_url"`
	CommentsURL string           `json:"comments_url"`
	Commit      commitInnerJSON  `json:"commit"`
	Author      *simpleUser      `json:"author"`
	Committer   *simpleUser      `json:"committer"`
	Parents     []linkJSON       `json:"parents"`
	Stats       *commitStatsJSON `json:"stats,omitempty"`
	Files       []fileJSON       `json:"files,omitempty"`
}

type commitInnerJSON struct {
	URL          string           `json:"url"`
	Author       gitPersonJSON    `json:"author"`
	Committer    gitPersonJSON    `json:"committer"`
	Message      string           `json:"message"`
	Tree         linkJSON         `json:"tree"`
	CommentCount int              `json:"comment_count"`
	Verification verificationJSON `json:"verification"`
}

type commitStatsJSON struct {
	Additions int `json:"additions"`
	Deletions int `json:"deletions"`
	Total     int `json:"total"`
}

func (v view) gitCommit(sha string) gitCommitJSON {
	c, _ := v.git.Commit(sha)
	out := gitCommitJSON{
		SHA: sha, NodeID: nodeID("Commit:"+sha, 0), URL: v.api() + "/git/commits/" + sha, HTMLURL: v.html() + "/commit/" + sha,
		Author: gitPerson(c.Author), Committer: gitPerson(c.Committer), Message: c.Message,
		Tree: linkJSON{SHA: c.Tree, URL: v.api() + "/git/trees/" + c.Tree}, Parents: []linkJSON{}, Verification: verification(c),
	}
	for _, p := range c.Parents {
		out.Parents = append(out.Parents, linkJSON{SHA: p, URL: v.api() + "/git/commits/" + p, HTMLURL: v.html() + "/commit/" + p})
	}
	return out
}

// firstLine is the subject of a message.
func firstLine(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	return line
}

func gitPerson(p gitsim.Person) gitPersonJSON {
	return gitPersonJSON{Name: p.Name, Email: p.Email, Date: p.When.UTC()}
}

func verification(c gitsim.CommitData) verificationJSON {
	if c.Signature == "" {
		return verificationJSON{Reason: "unsigned"}
	}
	payload := c.Payload()
	out := verificationJSON{Reason: "unknown_key", Signature: &c.Signature, Payload: &payload}
	if c.Signature == signature && loginOf(c.Committer) == "web-flow" {
		when := c.Committer.When.UTC().Format(time.RFC3339)
		out.Verified, out.Reason, out.VerifiedAt = true, "valid", &when
	}
	return out
}

func (v view) commit(sha string) commitJSON {
	inner := v.gitCommit(sha)
	c, _ := v.git.Commit(sha)
	self := v.api() + "/commits/" + sha
	out := commitJSON{
		SHA: sha, NodeID: inner.NodeID, URL: self, HTMLURL: inner.HTMLURL, CommentsURL: self + "/comments",
		Author: v.userOf(c.Author), Committer: v.userOf(c.Committer), Parents: inner.Parents,
		Commit: commitInnerJSON{
			URL: inner.URL, Author: inner.Author, Committer: inner.Committer, Message: inner.Message,
			Tree: inner.Tree, Verification: inner.Verification,
		},
	}
	for i, p := range out.Parents {
		out.Parents[i].URL = v.api() + "/commits/" + p.SHA
	}
	return out
}

// userOf returns the account of a commit's author; nil for a stranger's address.
func (v view) userOf(p gitsim.Person) *simpleUser {
	login := loginOf(p)
	if login == "" {
		return nil
	}
	user := v.user(identityOf(login))
	return &user
}

func (v view) commits(shas []string) []commitJSON {
	out := []commitJSON{}
	for _, sha := range shas {
		out = append(out, v.commit(sha))
	}
	return out
}
