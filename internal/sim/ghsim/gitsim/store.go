// Package gitsim is a git repository that fits in a test: objects named by the
// hashes that git itself gives them, branches, histories, differences and merges,
// all in memory. It knows nothing of GitHub and has no clock.
package gitsim

import (
	"crypto/sha1" //nolint:gosec // git names objects by SHA-1
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is the kind of an object, in git's word.
type Kind string

// The kinds of objects.
const (
	Blob   Kind = "blob"
	Tree   Kind = "tree"
	Commit Kind = "commit"
)

// The modes of files, as git writes them.
const (
	ModeFile       = "100644"
	ModeExecutable = "100755"
	ModeSymlink    = "120000"
	ModeTree       = "040000"
	ModeSubmodule  = "160000"
)

// Store holds objects and refs. It is not safe for concurrent use; the zero
// value is no store, see [New].
type Store struct {
	objects map[string]object
	commits map[string]CommitData
	refs    map[string]string
}

type object struct {
	kind Kind
	data []byte
}

// New returns an empty store.
func New() *Store {
	return &Store{objects: map[string]object{}, commits: map[string]CommitData{}, refs: map[string]string{}}
}

// put stores an object under git's name for it.
func (s *Store) put(kind Kind, data []byte) string {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(data)), data...)) //nolint:gosec // git's own
	sha := hex.EncodeToString(sum[:])
	s.objects[sha] = object{kind, data}
	return sha
}

// Kind returns the kind of an object; empty when there is none of that name.
func (s *Store) Kind(sha string) Kind { return s.objects[sha].kind }

// PutBlob stores a file's content.
func (s *Store) PutBlob(data []byte) string { return s.put(Blob, slices.Clone(data)) }

// Blob returns a file's content.
func (s *Store) Blob(sha string) ([]byte, bool) {
	o, ok := s.objects[sha]
	return o.data, ok && o.kind == Blob
}

// Size returns the length of an object's content.
func (s *Store) Size(sha string) int { return len(s.objects[sha].data) }

// Raw returns an object as git stores it, without the header.
func (s *Store) Raw(sha string) []byte { return s.objects[sha].data }

// Refs returns the names of the refs that begin with a prefix, in order.
func (s *Store) Refs(prefix string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.refs)), func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

// Ref returns what a full ref name ("refs/heads/main") points to.
func (s *Store) Ref(name string) (string, bool) {
	sha, ok := s.refs[name]
	return sha, ok
}

// SetRef makes a ref point to an object. Like git, it cannot have both refs/a and
// refs/a/b.
func (s *Store) SetRef(name, sha string) error {
	for other := range s.refs {
		if strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			return fmt.Errorf("set %s: there is %s", name, other)
		}
	}
	if s.Kind(sha) == "" {
		return fmt.Errorf("set %s: no object %s", name, sha)
	}
	s.refs[name] = sha
	return nil
}

// DeleteRef forgets a ref.
func (s *Store) DeleteRef(name string) { delete(s.refs, name) }
