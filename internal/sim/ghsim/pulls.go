package ghsim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// pull is a pull request.
type pull struct {
	number      int
	author      Identity
	title, body string
	draft, open bool
	owner, head string // whose branch, and its name
	headRef     string // where the branch lies; a fork's in a place of its own
	base        string // branch
	headSHA     string // follows the branch while it is open
	previous    string // head before the last push to it
	baseSHA     string // tip of base when it was opened, last pushed to, or merged
	testMerge   string // what merging would give; empty where that conflicts
	merge       string // the commit that brought it into base
	merger      string // login
	brought     []string
	labels      []string
	reviewers   []string
	teams       []string
	reviews     []review

	created, updated, closed time.Time
	visibleFrom              int // the first listing that has it; 0: all
	knownFrom                int // the first question for a commit's pull requests that knows its merge
}

type review struct {
	id     int64
	login  string
	state  string
	commit string
	when   time.Time
}

func (p *pull) merged() bool { return p.merge != "" }

// pull returns a pull request; nil when there is none of that number.
func (s *Server) pull(number int) *pull {
	i := slices.IndexFunc(s.pulls, func(p *pull) bool { return p.number == number })
	if i < 0 {
		return nil
	}
	return s.pulls[i]
}

// findPull returns the pull request that the path names; it answers for the
// server when there is none.
func (s *Server) findPull(w http.ResponseWriter, r *http.Request) *pull {
	n, err := strconv.Atoi(r.PathValue("number"))
	p := s.pull(n)
	if err != nil || p == nil {
		notFound(w)
		return nil
	}
	return p
}

// openPulls counts the open ones.
func (s *Server) openPulls() int {
	n := 0
	for _, p := range s.pulls {
		if p.open {
			n++
		}
	}
	return n
}

// addPull opens one of a given number, with a branch of its own.
func (s *Server) addPull(number int) {
	branch := fmt.Sprintf("change-%d", number)
	change := map[string]gitsim.File{branch + ".md": {Mode: gitsim.ModeFile, SHA: s.git.PutBlob([]byte("A change.\n"))}}
	s.commitFiles(s.ownerLogin(), branch, "Change something", change)
	s.open(pull{
		number: number, author: identityOf(s.ownerLogin()), title: fmt.Sprintf("Pull request %d", number),
		owner: s.ownerLogin(), head: branch, base: s.cfg.Branch,
	})
}

// open opens a pull request; number 0 is the next one.
func (s *Server) open(p pull) *pull {
	if p.number == 0 {
		for _, other := range s.pulls {
			p.number = max(p.number, other.number)
		}
		p.number++
	}
	p.open, p.headRef = true, s.headRef(p.owner, p.head)
	p.headSHA, _ = s.git.Ref(p.headRef)
	p.created = s.now()
	p.updated = p.created
	s.pulls = append(s.pulls, &p)
	slices.SortFunc(s.pulls, func(a, b *pull) int { return cmp.Compare(a.number, b.number) })
	s.rebased(&p)
	return &p
}

// headRef says where somebody's branch lies: forks have a place of their own.
func (s *Server) headRef(owner, branch string) string {
	if strings.EqualFold(owner, s.ownerLogin()) {
		return heads + branch
	}
	return "refs/forks/" + strings.ToLower(owner) + "/" + branch
}

// rebased notes what a pull request stands on, and tries its merge.
func (s *Server) rebased(p *pull) {
	p.baseSHA = s.branch(p.base)
	s.tryMerge(p)
}

// tryMerge makes the commit at refs/pull/…/merge, which workflows of the pull
// request run on.
func (s *Server) tryMerge(p *pull) {
	at := fmt.Sprintf("refs/pull/%d/", p.number)
	_ = s.git.SetRef(at+"head", p.headSHA) // both names are free
	s.git.DeleteRef(at + "merge")
	p.testMerge = ""
	tree, err := s.mergedTree(p)
	if err != nil {
		return
	}
	base := s.branch(p.base)
	who := s.webFlow()
	p.testMerge = s.git.PutCommit(gitsim.CommitData{
		Tree: tree, Parents: []string{base, p.headSHA}, Author: who, Committer: who, Signature: signature,
		Message: fmt.Sprintf("Merge %s into %s", p.headSHA, base),
	})
	_ = s.git.SetRef(at+"merge", p.testMerge)
}

// mergedTree is what base holds after a merge.
func (s *Server) mergedTree(p *pull) (string, error) {
	base := s.branch(p.base)
	meet := s.git.MergeBase(base, p.headSHA)
	return s.git.Merge(s.treeOf(meet), s.treeOf(base), s.treeOf(p.headSHA))
}

func (s *Server) treeOf(commit string) string {
	if commit == "" {
		return s.git.PutTree(nil)
	}
	return s.git.TreeOf(commit)
}

// headMoved follows a push to the head of an open pull request.
func (s *Server) headMoved(p *pull, login, sha string) {
	if sha == "" {
		s.closePull(p)
		return
	}
	p.previous, p.headSHA, p.updated = p.headSHA, sha, s.now()
	if s.cfg.Settings.DismissStaleReviews {
		for i := range p.reviews {
			if p.reviews[i].state == "APPROVED" {
				p.reviews[i].state = "DISMISSED"
			}
		}
	}
	if s.git.Contains(s.branch(p.base), sha) {
		s.closePull(p) // it has nothing left to merge
		return
	}
	s.rebased(p)
}

// baseMoved follows a push to the base of an open pull request.
func (s *Server) baseMoved(p *pull, login, before, after string) {
	switch {
	case after == "":
		s.closePull(p)
	case s.git.Contains(after, p.headSHA): // somebody merged it by hand
		s.noteMerge(p, login, before, after)
	default:
		s.tryMerge(p)
	}
}

func (s *Server) closePull(p *pull) {
	p.open, p.closed = false, s.now()
	p.updated = p.closed
}

// noteMerge closes a pull request that a push brought into base.
func (s *Server) noteMerge(p *pull, login, before, after string) {
	p.brought = s.git.Log(p.headSHA, before)
	p.baseSHA, p.merge, p.merger = before, after, login
	p.knownFrom = s.commitPulls + 1 + s.cfg.PullLag
	s.closePull(p)
}

// commitsOf returns the commits of a pull request, the oldest first.
func (s *Server) commitsOf(p *pull) []string {
	out := s.git.Log(p.headSHA, s.baseOf(p))
	slices.Reverse(out)
	return out
}

// baseOf is what a pull request is compared with: the tip of its base, or what
// that was when it was merged.
func (s *Server) baseOf(p *pull) string {
	if p.open {
		return s.branch(p.base)
	}
	return p.baseSHA
}

// filesOf lists the changed files of a pull request.
func (v view) filesOf(p *pull) []fileJSON {
	return v.files(v.git.MergeBase(v.baseOf(p), p.headSHA), p.headSHA)
}

// reopenTrouble says in GitHub's words why a closed pull request stays closed.
func (s *Server) reopenTrouble(p *pull) string {
	tip, exists := s.git.Ref(p.headRef)
	const sorry = "state cannot be changed. "
	switch {
	case p.merged():
		return sorry + "The pull request cannot be reopened."
	case !exists:
		return sorry + fmt.Sprintf("The %s branch has been deleted.", p.head)
	case s.branch(p.base) == "":
		return sorry + fmt.Sprintf("The %s branch has been deleted.", p.base)
	case !s.git.Contains(tip, p.headSHA):
		return sorry + fmt.Sprintf("The %s branch was force-pushed or recreated.", p.head)
	case s.openFor(p.owner, p.head, p.base) != nil:
		return sorry + fmt.Sprintf("There is already an open pull request from %s to %s.", p.head, p.base)
	case s.git.Contains(s.branch(p.base), tip):
		return sorry + fmt.Sprintf("There are no new commits on the %s branch.", p.head)
	}
	return ""
}

func (s *Server) reopen(p *pull) {
	p.open, p.closed, p.updated = true, time.Time{}, s.now()
	p.headSHA, _ = s.git.Ref(p.headRef)
	s.rebased(p)
}

// openFor returns the open pull request of a branch into another; nil when there
// is none.
func (s *Server) openFor(owner, head, base string) *pull {
	for _, p := range s.pulls {
		if p.open && strings.EqualFold(p.owner, owner) && p.head == head && p.base == base {
			return p
		}
	}
	return nil
}

// tooLong answers for the server when a body is longer than GitHub takes.
func tooLong(w http.ResponseWriter, resource, body string) bool {
	if utf8.RuneCountInString(body) <= maxCommentChars {
		return false
	}
	invalid(w, fieldError{
		Resource: resource, Code: "custom", Field: "body",
		Message: fmt.Sprintf("body is too long (maximum is %d characters)", maxCommentChars),
	})
	return true
}
