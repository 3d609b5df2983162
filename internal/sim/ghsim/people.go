package ghsim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// What people do, in the browser or with git. A login that ends in [bot] is an
// App's.

// Push is what a push changed.
type Push struct {
	Ref           string // refs/heads/main
	Before, After string // forty zeros: the branch was created, or deleted
	Login         string // of who pushed
}

// Commit makes a commit of somebody's on a branch, pushes it, and returns it. A
// file without data (nil) is deleted; a branch that isn't there starts at the
// default branch.
func (s *Server) Commit(login, branch, message string, files map[string][]byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commitFiles(login, branch, message, s.blobs(files))
}

// blobs stores files; those without data become the zero File.
func (s *Server) blobs(files map[string][]byte) map[string]gitsim.File {
	out := map[string]gitsim.File{}
	for path, data := range files {
		out[path] = gitsim.File{}
		if data != nil {
			out[path] = gitsim.File{Mode: gitsim.ModeFile, SHA: s.git.PutBlob(data)}
		}
	}
	return out
}

// Head returns the tip of a branch; empty when there is none.
func (s *Server) Head(branch string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.branch(branch)
}

// File returns a file as it is at a branch, a ref or a commit.
func (s *Server) File(ref, path string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	commit, _ := s.resolve(ref)
	f, ok := s.entry(s.git.TreeOf(commit), path)
	if !ok {
		return nil, false
	}
	data, ok := s.git.Blob(f.SHA)
	return slices.Clone(data), ok
}

// PushBranch makes a branch point to any commit, by force where need be; an empty
// one deletes the branch.
func (s *Server) PushBranch(login, branch, sha string) (Push, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	push := Push{Ref: heads + branch, Before: noCommit, After: noCommit, Login: login}
	if tip := s.branch(branch); tip != "" {
		push.Before = tip
	}
	if sha != "" {
		push.After = sha
	}
	if err := s.moveRef(login, heads+branch, sha); err != nil {
		return Push{}, fmt.Errorf("push %s: %w", branch, err)
	}
	return push, nil
}

// Pull is a pull request as [Server.Pulls] shows it.
type Pull struct {
	Number                   int
	Author, Title, Body      string
	Open, Merged, Draft      bool
	Head, HeadSHA, Base      string // branches by their names
	Labels, Reviewers, Teams []string
}

// Pulls returns all pull requests by number, whatever a lagging list would show.
func (s *Server) Pulls() []Pull {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Pull
	for _, p := range s.pulls {
		out = append(out, Pull{
			Number: p.number, Author: p.author.Login, Title: p.title, Body: p.body, Open: p.open, Merged: p.merged(), Draft: p.draft,
			Head: p.head, HeadSHA: p.headSHA, Base: p.base,
			Labels: slices.Clone(p.labels), Reviewers: slices.Clone(p.reviewers), Teams: slices.Clone(p.teams),
		})
	}
	return out
}

// OpenPull opens a pull request of somebody's from a branch into the default one,
// and returns its number.
func (s *Server) OpenPull(login, branch, title, body string) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.branch(branch) == "" {
		return 0, fmt.Errorf("open a pull request: no branch %s", branch)
	}
	p := s.open(pull{author: identityOf(login), title: title, body: body, owner: s.ownerLogin(), head: branch, base: s.cfg.Branch})
	return p.number, nil
}

// OpenFork opens a pull request from somebody's own fork, whose branch differs
// from the default branch by some files, and returns its number.
func (s *Server) OpenFork(login, branch, title string, files map[string][]byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	parent := s.branch(s.cfg.Branch)
	tree := s.git.Files(s.git.TreeOf(parent))
	for path, f := range s.blobs(files) {
		gitsim.Remove(tree, path)
		if f != (gitsim.File{}) {
			s.git.Set(tree, path, f)
		}
	}
	who := s.person(login)
	sha := s.git.PutCommit(gitsim.CommitData{Tree: s.git.PutTree(tree), Parents: []string{parent}, Author: who, Committer: who, Message: title})
	_ = s.moveRef(login, s.headRef(login, branch), sha) // a fork's names are its own
	return s.open(pull{author: identityOf(login), title: title, owner: login, head: branch, base: s.cfg.Branch}).number
}

// Review gives a review of the head as it is: APPROVED, CHANGES_REQUESTED or
// COMMENTED.
func (s *Server) Review(number int, login, state string) error {
	return s.on(number, "review", func(p *pull) error {
		if !slices.Contains([]string{"APPROVED", "CHANGES_REQUESTED", "COMMENTED"}, state) {
			return fmt.Errorf("no state %q of a review", state)
		}
		if login == p.author.Login && state != "COMMENTED" {
			return fmt.Errorf("%s is the author", login)
		}
		p.reviews = append(p.reviews, review{id: s.nextID, login: login, state: state, commit: p.headSHA, when: s.now()})
		s.nextID++
		p.updated = s.now()
		return nil
	})
}

// Label labels a pull request.
func (s *Server) Label(number int, names ...string) error {
	return s.on(number, "label", func(p *pull) error {
		s.label(p, names)
		return nil
	})
}

// ClosePull closes a pull request without merging it.
func (s *Server) ClosePull(number int, _ string) error {
	return s.on(number, "close", func(p *pull) error {
		if !p.open {
			return errors.New("it is closed already")
		}
		s.closePull(p)
		return nil
	})
}

// ReopenPull opens a closed pull request again, where GitHub would.
func (s *Server) ReopenPull(number int) error {
	return s.on(number, "reopen", func(p *pull) error {
		if p.open {
			return errors.New("it is open")
		}
		if trouble := s.reopenTrouble(p); trouble != "" {
			return errors.New(trouble)
		}
		s.reopen(p)
		return nil
	})
}

// EditComment changes a comment as somebody who may; GitHub keeps who did.
func (s *Server) EditComment(id int64, login, body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.comments {
		if c.id == id && c.goneFrom == 0 {
			s.editComment(c, login, body)
			return nil
		}
	}
	return fmt.Errorf("edit comment %d: there is none", id)
}

// on does something to a pull request, with mu.
func (s *Server) on(number int, verb string, do func(*pull) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pull(number)
	if p == nil {
		return fmt.Errorf("%s pull request %d: there is none", verb, number)
	}
	if err := do(p); err != nil {
		return fmt.Errorf("%s pull request %d: %w", verb, number, err)
	}
	return nil
}
