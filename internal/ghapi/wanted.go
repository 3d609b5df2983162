package ghapi

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"unicode/utf8"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// wanted is what a scene should become.
type wanted struct {
	changes map[string]change // of the base's tree: what the branch shall propose
	differs bool              // there is something to propose
	commit  bool              // the branch needs a commit for it
	body    string            // of the pull request
}

// want decides what the branch shall propose, whether it does so already, and
// what the body of the pull request shall be.
func (u *proposer) want(ctx context.Context, s *scene) (*wanted, error) {
	v, e := u.versions(ctx, s)
	if e != nil {
		return nil, withHint(e)
	}
	w := &wanted{changes: map[string]change{}}
	own := map[string]bool{}
	for _, f := range u.Files {
		own[f.Path] = true
		have, e := v.of(ctx, f.Path)
		if e != nil {
			return nil, withHint(e)
		}
		c, e := u.choose(ctx, f, have)
		if e != nil {
			return nil, withHint(e)
		}
		if c.data != nil && have.base.mode != "" && !have.base.isFile() {
			return nil, fmt.Errorf("%s is not a plain file on %s", f.Path, u.Base)
		}
		if c.data != nil || c.entry != have.base {
			w.changes[f.Path] = c
		}
		w.commit = w.commit || s.alive() && (c.data != nil || !have.mergesTo(c.entry))
	}
	if e := u.keepOthers(ctx, v, own, w.changes); e != nil {
		return nil, withHint(e)
	}
	w.differs = len(w.changes) > 0
	if w.differs && !s.alive() {
		w.commit = true
	}
	if w.differs && s.stale && len(s.ahead) > 0 && !s.behind {
		same, e := u.sameTree(ctx, v, w.changes)
		if e != nil {
			return nil, withHint(e)
		}
		w.commit = !same
	}
	w.body = u.Body(s.open.GetBody())
	return w, checkBody(w.body)
}

// keepOthers adds what the branch proposes for the files of other runs.
func (u *proposer) keepOthers(ctx context.Context, v *versions, own map[string]bool, changes map[string]change) *Error {
	for name, n := range v.proposed {
		if own[name] {
			continue
		}
		base, e := u.at(ctx, v.base, name)
		if e != nil {
			return e
		}
		if n != base {
			changes[name] = change{entry: n}
		}
	}
	return nil
}

// checkBody refuses a body that GitHub would refuse.
func checkBody(body string) error {
	if n := utf8.RuneCountInString(body); n > MaxCommentChars {
		return hint.Wrap(fmt.Errorf("body of the pull request: %w: %d characters, GitHub takes %d", ErrTooLong, n, MaxCommentChars), "propose fewer apps per branch")
	}
	return nil
}

// versions are the trees that matter, and what the branch proposes by them.
type versions struct {
	*objects
	base, head, fork string           // trees; head and fork "" without a branch
	alive            bool             // the branch proposes something
	proposed         map[string]entry // where the branch differs from the fork, if it is alive
}

func (u *proposer) versions(ctx context.Context, s *scene) (v *versions, e *Error) {
	v = &versions{objects: u.objects, alive: s.alive()}
	if v.base, e = u.root(ctx, s.base); e != nil || s.head == "" {
		return v, e
	}
	if v.head, e = u.root(ctx, s.head); e != nil {
		return v, e
	}
	if v.fork, e = u.root(ctx, s.fork); e != nil || !v.alive {
		return v, e
	}
	v.proposed, e = u.diff(ctx, v.fork, v.head)
	return v, e
}

// history is one path as the base, the branch and the commit where they parted
// have it.
type history struct {
	base, head, fork entry
	alive            bool
}

func (v *versions) of(ctx context.Context, name string) (h history, e *Error) {
	h.alive = v.alive
	if h.base, e = v.at(ctx, v.base, name); e != nil || v.head == "" {
		return h, e
	}
	if h.head, e = v.at(ctx, v.head, name); e != nil {
		return h, e
	}
	h.fork, e = v.at(ctx, v.fork, name)
	return h, e
}

// mergesTo tells whether the branch, merged as it is, makes the path what is
// wanted.
func (h history) mergesTo(want entry) bool {
	switch {
	case h.head == h.fork: // the branch says nothing about it
		return want == h.base
	case h.base == h.fork, h.base == h.head:
		return want == h.head
	default: // both changed it: a conflict
		return false
	}
}

// choose returns what the path of a file shall be: what is there, where that is as
// good as the data, or the data.
func (u *proposer) choose(ctx context.Context, f ProposalFile, h history) (change, *Error) {
	if f.Data == nil {
		return change{entry: h.base}, nil
	}
	same := func(there []byte) bool { return bytes.Equal(there, f.Data) }
	good := func(there []byte) bool { return same(there) || f.Keep != nil && f.Keep(there) }
	tests := []struct {
		entry
		good func([]byte) bool
	}{{h.base, good}, {h.head, same}}
	if h.alive {
		tests[1].good = good
	}
	for _, t := range tests {
		if !t.isFile() {
			continue
		}
		data, e := u.blob(ctx, t.sha)
		if e != nil {
			return change{}, e
		}
		if t.good(data) {
			return change{entry: t.entry}, nil
		}
	}
	return change{data: f.Data}, nil
}

// sameTree tells whether a leftover happens to have exactly the tree that is
// wanted.
func (u *proposer) sameTree(ctx context.Context, v *versions, changes map[string]change) (bool, *Error) {
	have, e := u.diff(ctx, v.base, v.head)
	if e != nil {
		return false, e
	}
	return maps.EqualFunc(have, changes, func(n entry, c change) bool { return c.data == nil && c.entry == n }), nil
}
