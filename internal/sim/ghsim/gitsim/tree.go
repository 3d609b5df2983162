package gitsim

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// File is what a path of a tree leads to: a blob, or a submodule's commit.
type File struct {
	Mode string
	SHA  string
}

// Entry is one line of a tree object.
type Entry struct {
	File
	Name string
}

// Kind returns the kind of object that the entry names.
func (f File) Kind() Kind {
	switch f.Mode {
	case ModeTree:
		return Tree
	case ModeSubmodule:
		return Commit
	}
	return Blob
}

// Files returns all files below a tree by their paths.
func (s *Store) Files(tree string) map[string]File {
	out := map[string]File{}
	s.walk(tree, "", out)
	return out
}

func (s *Store) walk(tree, prefix string, out map[string]File) {
	for _, e := range s.Entries(tree) {
		if e.Mode == ModeTree {
			s.walk(e.SHA, prefix+e.Name+"/", out)
			continue
		}
		out[prefix+e.Name] = e.File
	}
}

// Entries returns the lines of a tree object in its order; none when there is no
// such tree.
func (s *Store) Entries(tree string) []Entry {
	o := s.objects[tree]
	if o.kind != Tree {
		return nil
	}
	var out []Entry
	for data := o.data; len(data) > 0; {
		head, rest, _ := bytes.Cut(data, []byte{0})
		mode, name, _ := strings.Cut(string(head), " ")
		if len(mode) == 5 {
			mode = "0" + mode
		}
		out = append(out, Entry{File{Mode: mode, SHA: hex.EncodeToString(rest[:20])}, name})
		data = rest[20:]
	}
	return out
}

// PutTree stores the trees of a set of files and returns the topmost one.
func (s *Store) PutTree(files map[string]File) string {
	below := map[string]map[string]File{}
	var entries []Entry
	for path, f := range files {
		dir, rest, deep := strings.Cut(path, "/")
		if !deep {
			entries = append(entries, Entry{f, path})
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]File{}
		}
		below[dir][rest] = f
	}
	for dir, inner := range below {
		entries = append(entries, Entry{File{Mode: ModeTree, SHA: s.PutTree(inner)}, dir})
	}
	// git sorts a directory as if its name ended with a slash.
	key := func(e Entry) string {
		if e.Mode == ModeTree {
			return e.Name + "/"
		}
		return e.Name
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(key(a), key(b)) })
	var data []byte
	for _, e := range entries {
		sha, err := hex.DecodeString(e.SHA)
		if err != nil || len(sha) != 20 {
			sha = make([]byte, 20) // no name of an object; what is stored names none either
		}
		data = append(fmt.Appendf(data, "%s %s\x00", strings.TrimPrefix(e.Mode, "0"), e.Name), sha...)
	}
	return s.put(Tree, data)
}

// Set puts a file, or a whole tree (mode [ModeTree]), at a path, in place of what
// is there.
func (s *Store) Set(files map[string]File, path string, f File) {
	Remove(files, path)
	for dir := path; strings.Contains(dir, "/"); { // a file on the way becomes a directory
		dir = dir[:strings.LastIndex(dir, "/")]
		delete(files, dir)
	}
	if f.Mode != ModeTree {
		files[path] = f
		return
	}
	for below, inner := range s.Files(f.SHA) {
		files[path+"/"+below] = inner
	}
}

// Remove takes away the file at a path, or all below it; it tells whether there
// was anything.
func Remove(files map[string]File, path string) bool {
	before := len(files)
	maps.DeleteFunc(files, func(p string, _ File) bool { return p == path || strings.HasPrefix(p, path+"/") })
	return len(files) != before
}

// Change is how a path differs between two trees.
type Change struct {
	Path   string
	From   string // the earlier path of a file that was moved unchanged
	Before File   // zero: added
	After  File   // zero: removed
}

// Diff returns what differs between two trees, by path. A file that went away and
// came back elsewhere with the same content was moved.
func (s *Store) Diff(before, after string) []Change {
	a, b := s.Files(before), s.Files(after)
	var out []Change
	gone := map[File][]string{}
	for _, path := range slices.Sorted(maps.Keys(a)) {
		if _, still := b[path]; !still {
			gone[a[path]] = append(gone[a[path]], path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(b)) {
		was, there := a[path]
		switch {
		case there && was != b[path]:
			out = append(out, Change{Path: path, Before: was, After: b[path]})
		case !there && len(gone[b[path]]) > 0:
			from := gone[b[path]][0]
			gone[b[path]] = gone[b[path]][1:]
			out = append(out, Change{Path: path, From: from, Before: b[path], After: b[path]})
		case !there:
			out = append(out, Change{Path: path, After: b[path]})
		}
	}
	for f, paths := range gone {
		for _, path := range paths {
			out = append(out, Change{Path: path, Before: f})
		}
	}
	slices.SortFunc(out, func(x, y Change) int { return strings.Compare(x.Path, y.Path) })
	return out
}
