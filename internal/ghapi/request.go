package ghapi

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// maxTitleChars is GitHub's limit of a title.
const maxTitleChars = 256

// ProposalFile is one file of a proposal.
type ProposalFile struct {
	Path string
	Data []byte // UTF-8; nil: nothing to propose, the file shall be as on the base
	// Keep tells that a version that is there, on the base or on the branch, is as
	// good: it has the same decision. It is kept then, so that approvals survive.
	// nil compares bytes.
	Keep func(there []byte) bool
}

// ProposalRequest is what a pull request shall propose.
type ProposalRequest struct {
	Repo    string // owner/name
	Base    string // branch; empty: the default branch
	Branch  string // that carries the proposal, as "fly-placer/placement"
	Files   []ProposalFile
	Title   string                  // of a new pull request
	Message string                  // of the commit; its last paragraph has a line "Fly-Placer: …", which marks it as ours
	Body    func(old string) string // pure: the body wanted, given the one there is; "" for a new pull request
	Closing string                  // Markdown of the comment when nothing is left to propose
	// Labels are added and never removed. Reviewers, logins or org/team, are asked
	// once, when the pull request is new. Draft, too, is for a new one.
	Labels, Reviewers []string
	Draft             bool
}

// Proposal is the pull request that came of it.
type Proposal struct {
	// Operation tells what was done: "created" a pull request; "updated" the
	// branch of one; "unchanged", the branch was as good, and only the body may be
	// new; "closed", nothing was left to propose; "blocked", the branch is there,
	// but the token may not create a pull request; "none", there was nothing to do,
	// or nothing was done because of Touched.
	Operation  string
	Number     int
	URL        string   // for people
	HeadSHA    string   // of the branch
	CompareURL string   // where a person can open the pull request, filled in; only when blocked
	Blocked    string   // GitHub's words, when blocked
	Touched    []string // commits of others on the branch, oldest first: nothing was written to it
	Warnings   []string // what went wrong without harm to the proposal
}

// validate reports everything wrong with a request, before anything is sent.
func (r ProposalRequest) validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !validBranch(r.Branch) {
		add("branch %q: not a name of a branch", r.Branch)
	}
	if r.Base != "" && !validBranch(r.Base) {
		add("base %q: not a name of a branch", r.Base)
	}
	if strings.TrimSpace(r.Title) == "" || utf8.RuneCountInString(r.Title) > maxTitleChars {
		add("title: want 1 to %d characters", maxTitleChars)
	}
	if !hasTrailer(r.Message) {
		add("commit message: its last paragraph lacks the line %q", trailer+" …")
	}
	if r.Body == nil {
		add("the pull request has no body")
	}
	if len(r.Files) == 0 {
		add("there are no files")
	}
	seen := map[string]bool{}
	for _, f := range r.Files {
		switch {
		case !fs.ValidPath(f.Path) || f.Path == ".":
			add("path %q: want one from the root of the repository, without . and .. in it", f.Path)
		case seen[f.Path]:
			add("path %q is there twice", f.Path)
		case !utf8.Valid(f.Data):
			add("file %s is not UTF-8", f.Path)
		}
		seen[f.Path] = true
	}
	return errors.Join(errs...)
}

// validBranch knows the rules of git for the names of branches.
func validBranch(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return !strings.HasPrefix(name, "-") && !strings.HasSuffix(name, ".") && name != "@" &&
		!strings.Contains(name, "..") && !strings.Contains(name, "@{") &&
		!strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) })
}
