package gitsim

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// ErrConflict says that both sides changed the same file, each in its way.
var ErrConflict = errors.New("both sides changed the same file")

// Merge returns the tree that has what both sides changed since a common tree. It
// merges whole files: two sides that change one file differently conflict, even
// where git could merge their lines.
func (s *Store) Merge(base, ours, theirs string) (string, error) {
	was, a, b := s.Files(base), s.Files(ours), s.Files(theirs)
	out := map[string]File{}
	paths := maps.Clone(was)
	maps.Copy(paths, a)
	maps.Copy(paths, b)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		result := a[path]
		switch {
		case a[path] == b[path], b[path] == was[path]:
		case a[path] == was[path]:
			result = b[path]
		default:
			return "", ErrConflict
		}
		if result != (File{}) {
			for dir := path; strings.Contains(dir, "/"); {
				dir = dir[:strings.LastIndex(dir, "/")]
				if out[dir] != (File{}) {
					return "", ErrConflict // a file of one side is a directory of the other
				}
			}
			out[path] = result
		}
	}
	return s.PutTree(out), nil
}

// FirstParent returns the first parent of a commit; empty for a root.
func (s *Store) FirstParent(sha string) string {
	if c := s.commits[sha]; len(c.Parents) > 0 {
		return c.Parents[0]
	}
	return ""
}
