package gitsim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Person made a commit, or wrote what is in it.
type Person struct {
	Name  string
	Email string
	When  time.Time
}

// CommitData is a commit.
type CommitData struct {
	Tree      string
	Parents   []string
	Author    Person
	Committer Person
	Signature string // in PGP's armour, or whatever stands for it
	Message   string
}

// Payload is the commit as git stores it, without its signature: what is signed.
func (c CommitData) Payload() string { return c.encode("") }

func (c CommitData) encode(signature string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	for _, p := range []struct {
		role string
		Person
	}{{"author", c.Author}, {"committer", c.Committer}} {
		fmt.Fprintf(&b, "%s %s <%s> %d %s\n", p.role, p.Name, p.Email, p.When.Unix(), p.When.Format("-0700"))
	}
	if signature != "" {
		fmt.Fprintf(&b, "gpgsig %s\n", strings.ReplaceAll(strings.TrimSuffix(signature, "\n"), "\n", "\n "))
	}
	return b.String() + "\n" + c.Message
}

// PutCommit stores a commit.
func (s *Store) PutCommit(c CommitData) string {
	c.Parents = slices.Clone(c.Parents)
	c.Author.When, c.Committer.When = c.Author.When.Truncate(time.Second), c.Committer.When.Truncate(time.Second)
	sha := s.put(Commit, []byte(c.encode(c.Signature)))
	s.commits[sha] = c
	return sha
}

// Commit returns a commit.
func (s *Store) Commit(sha string) (CommitData, bool) {
	c, ok := s.commits[sha]
	return c, ok
}

// TreeOf returns the tree of a commit, or the tree itself; empty for anything else.
func (s *Store) TreeOf(sha string) string {
	if s.Kind(sha) == Tree {
		return sha
	}
	return s.commits[sha].Tree
}

// ancestors returns a commit and everything before it.
func (s *Store) ancestors(sha string) map[string]bool {
	out := map[string]bool{}
	for todo := []string{sha}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c, ok := s.commits[next]; ok && !out[next] {
			out[next] = true
			todo = append(todo, c.Parents...)
		}
	}
	return out
}

// Contains tells whether a commit is another one, or lies before it.
func (s *Store) Contains(sha, earlier string) bool { return s.ancestors(sha)[earlier] }

// MergeBase returns the best common ancestor of two commits; empty when their
// histories have nothing in common.
func (s *Store) MergeBase(a, b string) string {
	ours, theirs := s.ancestors(a), s.ancestors(b)
	maps.DeleteFunc(theirs, func(sha string, _ bool) bool { return !ours[sha] })
	common := slices.SortedFunc(maps.Keys(theirs), s.byAge)
	earlier := map[string]bool{} // than another common ancestor
	for _, sha := range common {
		if !earlier[sha] {
			maps.Copy(earlier, s.ancestors(sha))
			delete(earlier, sha)
		}
	}
	for _, sha := range common {
		if !earlier[sha] {
			return sha
		}
	}
	return ""
}

// byAge orders commits by their committer's clock, the newest first, then by name.
func (s *Store) byAge(a, b string) int {
	return cmp.Or(s.commits[b].Committer.When.Compare(s.commits[a].Committer.When), strings.Compare(a, b))
}

// Log returns the commits that lead to one and not to the other (empty: to none),
// the newest first, never a parent before its child.
func (s *Store) Log(sha, without string) []string {
	return s.log(sha, s.ancestors(without), func(string) ([]string, bool) { return nil, false })
}

// LogOf is Log of the commits that changed a path, as git simplifies it: a commit
// with a parent that has the same there is left out, and so are its other parents.
func (s *Store) LogOf(sha, path string) []string {
	return s.log(sha, nil, func(sha string) ([]string, bool) {
		c := s.commits[sha]
		mine := s.at(c.Tree, path)
		for _, p := range c.Parents {
			if s.at(s.commits[p].Tree, path) == mine {
				return []string{p}, true
			}
		}
		return nil, len(c.Parents) == 0 && mine == ""
	})
}

// log walks from a commit. skip says that a commit is left out, and where to go on.
func (s *Store) log(sha string, stop map[string]bool, skip func(string) ([]string, bool)) []string {
	children := map[string]int{} // that are still to come
	parents := map[string][]string{}
	hidden := map[string]bool{}
	for todo := []string{sha}; len(todo) > 0; {
		next := todo[0]
		todo = todo[1:]
		if _, ok := s.commits[next]; !ok || stop[next] || parents[next] != nil {
			continue
		}
		ps, hide := skip(next)
		if ps == nil {
			ps = s.commits[next].Parents
		}
		hidden[next], parents[next] = hide, append([]string{}, ps...)
		for _, p := range ps {
			children[p]++
		}
		todo = append(todo, ps...)
	}
	var out []string
	for ready := []string{sha}; len(ready) > 0; {
		slices.SortFunc(ready, s.byAge)
		next := ready[0]
		ready = ready[1:]
		if parents[next] == nil {
			continue
		}
		if !hidden[next] {
			out = append(out, next)
		}
		for _, p := range parents[next] {
			if children[p]--; children[p] == 0 {
				ready = append(ready, p)
			}
		}
	}
	return out
}

// at names what a path leads to in a tree, a directory by its tree's name.
func (s *Store) at(tree, path string) string {
	sha := tree
	for name := range strings.SplitSeq(path, "/") {
		i := slices.IndexFunc(s.Entries(sha), func(e Entry) bool { return e.Name == name })
		if i < 0 {
			return ""
		}
		sha = s.Entries(sha)[i].SHA
	}
	return sha
}
