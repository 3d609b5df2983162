package ghapi

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/google/go-github/v89/github"
)

// Modes of git's tree entries.
const (
	modeFile      = "100644"
	modeTree      = "040000"
	modeSubmodule = "160000"
)

// entry is what a tree has at a path; the zero entry is nothing.
type entry struct{ mode, sha string }

func (n entry) isFile() bool { return n.mode == modeFile || n.mode == "100755" }

// kind is the type that the API wants beside the mode.
func (n entry) kind() string {
	if n.mode == modeSubmodule {
		return "commit"
	}
	return "blob"
}

// objects reads git objects and remembers them, which is safe: they never change.
type objects struct {
	scope
	trees map[string]map[string]entry // by tree
	blobs map[string][]byte
	roots map[string]string // tree by commit
}

func newObjects(s scope) *objects {
	return &objects{scope: s, trees: map[string]map[string]entry{}, blobs: map[string][]byte{}, roots: map[string]string{}}
}

// root returns the tree of a commit.
func (o *objects) root(ctx context.Context, commit string) (string, *Error) {
	if o.roots[commit] != "" {
		return o.roots[commit], nil
	}
	e := o.p.read(ctx, o.call(http.MethodGet, "/git/commits/%s", commit), func(ctx context.Context) error {
		c, _, err := o.c.gh.Git.GetCommit(ctx, o.owner, o.name, commit)
		if err == nil && c.GetTree().GetSHA() == "" {
			err = errEmpty
		}
		if err == nil {
			o.roots[commit] = c.GetTree().GetSHA()
		}
		return err
	})
	return o.roots[commit], e
}

// tree returns the entries of one directory by name; "" is the empty one.
func (o *objects) tree(ctx context.Context, sha string) (map[string]entry, *Error) {
	if sha == "" || o.trees[sha] != nil {
		return o.trees[sha], nil
	}
	k := o.call(http.MethodGet, "/git/trees/%s", sha)
	e := o.p.read(ctx, k, func(ctx context.Context) error {
		t, _, err := o.c.gh.Git.GetTree(ctx, o.owner, o.name, sha, false)
		if err == nil && t.GetSHA() == "" {
			err = errEmpty
		}
		if err != nil {
			return err
		}
		if t.GetTruncated() {
			return errTooLarge
		}
		entries := map[string]entry{}
		for _, n := range t.Entries {
			entries[n.GetPath()] = entry{n.GetMode(), n.GetSHA()}
		}
		o.trees[sha] = entries
		return nil
	})
	return o.trees[sha], e
}

// at returns what a tree has at a path.
func (o *objects) at(ctx context.Context, root, name string) (entry, *Error) {
	n := entry{modeTree, root}
	for part := range strings.SplitSeq(name, "/") {
		if n.mode != modeTree {
			return entry{}, nil
		}
		entries, e := o.tree(ctx, n.sha)
		if e != nil {
			return entry{}, e
		}
		n = entries[part]
	}
	return n, nil
}

// blob returns the content of a file.
func (o *objects) blob(ctx context.Context, sha string) ([]byte, *Error) {
	if data, ok := o.blobs[sha]; ok {
		return data, nil
	}
	e := o.p.read(ctx, o.call(http.MethodGet, "/git/blobs/%s", sha), func(ctx context.Context) error {
		b, _, err := o.c.gh.Git.GetBlob(ctx, o.owner, o.name, sha)
		if err == nil && (b.GetSHA() == "" || b.GetEncoding() != "base64") {
			err = errEmpty
		}
		if err != nil {
			return err
		}
		data, err := base64.StdEncoding.DecodeString(b.GetContent()) // it skips line ends
		if err == nil {
			o.blobs[sha] = data
		}
		return err
	})
	return o.blobs[sha], e
}

// diff returns what tree b has, by path, where it differs from tree a; the zero
// entry where b has nothing. Only directories that differ are read, so the size of
// the repository doesn't matter.
func (o *objects) diff(ctx context.Context, a, b string) (map[string]entry, *Error) {
	out := map[string]entry{}
	return out, o.diffBelow(ctx, a, b, "", out)
}

func (o *objects) diffBelow(ctx context.Context, a, b, dir string, out map[string]entry) *Error {
	if a == b {
		return nil
	}
	before, e := o.tree(ctx, a)
	if e != nil {
		return e
	}
	after, e := o.tree(ctx, b)
	if e != nil {
		return e
	}
	names := maps.Clone(before)
	if names == nil {
		names = map[string]entry{}
	}
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, y, full := before[name], after[name], path.Join(dir, name)
		if x == y {
			continue
		}
		if x.mode != modeTree && y.mode != modeTree {
			out[full] = y
			continue
		}
		var from, to string // of directories; a file that takes the place of one, or leaves it, is apart
		switch {
		case x.mode == modeTree && y.mode == modeTree:
			from, to = x.sha, y.sha
		case x.mode == modeTree:
			from = x.sha
			if y != (entry{}) {
				out[full] = y
			}
		default:
			to = y.sha
			if x != (entry{}) {
				out[full] = entry{}
			}
		}
		if e := o.diffBelow(ctx, from, to, full, out); e != nil {
			return e
		}
	}
	return nil
}

// change is one path of a tree to make: what it shall have there, or new content.
type change struct {
	entry
	data []byte // of a new file; nil: entry counts
}

// write makes a tree of base and changes, and returns its id. It is there for
// nobody until a branch has it.
func (o *objects) write(ctx context.Context, base string, changes map[string]change) (string, *Error) {
	if len(changes) == 0 {
		return base, nil
	}
	entries := make([]*github.TreeEntry, 0, len(changes))
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		c := changes[name]
		t := &github.TreeEntry{Path: new(name), Mode: new(c.mode), Type: new(c.kind())}
		switch {
		case c.data != nil:
			t.Mode, t.Content = new(modeFile), new(string(c.data))
		case c.sha == "": // gone: the API wants a mode all the same
			t.Mode = new(modeFile)
		default:
			t.SHA = new(c.sha)
		}
		entries = append(entries, t)
	}
	made, _, err := o.c.gh.Git.CreateTree(ctx, o.owner, o.name, base, entries)
	if err == nil && made.GetSHA() == "" {
		err = errEmpty
	}
	return made.GetSHA(), o.c.classify(o.call(http.MethodPost, "/git/trees"), err)
}
