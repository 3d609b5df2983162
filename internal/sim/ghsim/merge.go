package ghsim

import (
	"errors"
	"fmt"

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
)

// Merge merges a pull request as somebody does with the button, by the method
// "merge", "squash" or "rebase", and returns the push to its base that comes of it.
func (s *Server) Merge(number int, login, method string) (Push, error) {
	var push Push
	err := s.on(number, "merge", func(p *pull) error {
		switch {
		case !p.open:
			return errors.New("it is closed")
		case p.draft:
			return errors.New("it is a draft")
		}
		before := s.branch(p.base)
		after, err := s.mergeCommit(p, login, method)
		if err != nil {
			return err
		}
		// Noted first: the push below shall not take it for somebody's merge by hand.
		s.noteMerge(p, login, before, after)
		p.brought = append(p.brought, s.git.Log(after, before)...)
		push = Push{Ref: heads + p.base, Before: before, After: after, Login: login}
		if err := s.moveRef(login, heads+p.base, after); err != nil {
			return err
		}
		if s.cfg.Settings.DeleteMerged && p.headRef == heads+p.head {
			return s.moveRef(login, p.headRef, "")
		}
		return nil
	})
	return push, err
}

// mergeCommit makes what a method puts on base, and returns its last commit.
func (s *Server) mergeCommit(p *pull, login, method string) (string, error) {
	base := s.branch(p.base)
	tree, err := s.mergedTree(p)
	if err != nil {
		return "", err
	}
	c := gitsim.CommitData{Tree: tree, Parents: []string{base}, Committer: s.webFlow(), Signature: signature}
	switch method {
	case "merge":
		c.Parents = append(c.Parents, p.headSHA)
		c.Author = s.person(login)
		c.Message = fmt.Sprintf("Merge pull request #%d from %s/%s\n\n%s", p.number, p.owner, p.head, p.title)
	case "squash":
		c.Author = s.person(p.author.Login)
		c.Message = fmt.Sprintf("%s (#%d)\n", p.title, p.number)
	case "rebase":
		return s.replay(p, login, base)
	default:
		return "", fmt.Errorf("no method %q", method)
	}
	return s.git.PutCommit(c), nil
}

// replay makes the commits of a pull request anew on top of base. Those of merges
// are left out, as by git rebase; GitHub signs none.
func (s *Server) replay(p *pull, login, base string) (string, error) {
	tip := base
	for _, sha := range s.commitsOf(p) {
		old, _ := s.git.Commit(sha)
		if len(old.Parents) != 1 {
			continue
		}
		tree, err := s.git.Merge(s.git.TreeOf(old.Parents[0]), s.git.TreeOf(tip), old.Tree)
		if err != nil {
			return "", err
		}
		tip = s.git.PutCommit(gitsim.CommitData{
			Tree: tree, Parents: []string{tip}, Author: old.Author, Committer: s.person(login), Message: old.Message,
		})
	}
	return tip, nil
}

// Revert commits to the default branch what undoes a commit of it, a merge by its
// first parent, and returns the push.
func (s *Server) Revert(sha, login string) (Push, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tip := s.branch(s.cfg.Branch)
	old, ok := s.git.Commit(sha)
	if !ok || !s.git.Contains(tip, sha) {
		return Push{}, fmt.Errorf("revert %s: no commit of %s", sha, s.cfg.Branch)
	}
	tree, err := s.git.Merge(old.Tree, s.git.TreeOf(tip), s.treeOf(s.git.FirstParent(sha)))
	if err != nil {
		return Push{}, fmt.Errorf("revert %s: %w", sha, err)
	}
	who := s.person(login)
	after := s.git.PutCommit(gitsim.CommitData{
		Tree: tree, Parents: []string{tip}, Author: who, Committer: who,
		Message: fmt.Sprintf("Revert %q\n\nThis reverts commit %s.\n", firstLine(old.Message), sha),
	})
	if err := s.moveRef(login, heads+s.cfg.Branch, after); err != nil {
		return Push{}, fmt.Errorf("revert %s: %w", sha, err)
	}
	return Push{Ref: heads + s.cfg.Branch, Before: tip, After: after, Login: login}, nil
}
