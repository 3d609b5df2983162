package ghapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/google/go-github/v89/github"

	"github.com/fly-placer/fly-placer/internal/hint"
)

// MaxCommentChars is GitHub's limit of a comment, marker included.
const MaxCommentChars = 65536

const (
	maxPages  = 100 // of a list; GitHub allows an issue fewer comments
	maxRounds = 6   // of reading the comments and writing one thing
)

// UpsertRequest names the comment and what it shall say.
type UpsertRequest struct {
	Repo   string // owner/name
	Number int    // of the pull request or issue
	Key    string // one comment per key; any text
	Body   string // Markdown; the hidden marker is put before it
}

// Comment is the comment that remained.
type Comment struct {
	ID        int64
	URL       string // for people
	Operation string // "created", "updated" or "unchanged"
	Deleted   int    // duplicates of ours that were removed
}

// UpsertComment makes a pull request carry exactly one comment with this key and
// body. The comment is ours if its first line is the key's marker and its author
// is the token's own identity: a marker that somebody pasted is nobody's. Of
// several the lowest id stays, so that parallel runs agree, and the others are
// deleted. An equal body is not written again.
//
// It works in rounds: read all comments, do the one thing that is missing. So a
// write that failed without telling whether it took effect is never sent blindly
// again, and a race with a parallel run is seen and settled. With a token that may
// only read, the error is [ErrReadOnly].
func (c *Client) UpsertComment(ctx context.Context, r UpsertRequest) (Comment, error) {
	out, err := c.upsertComment(ctx, r)
	if err != nil {
		return out, fmt.Errorf("write comment on %s#%d: %w", r.Repo, r.Number, err)
	}
	return out, nil
}

func (c *Client) upsertComment(ctx context.Context, r UpsertRequest) (Comment, error) {
	owner, name, err := splitRepo(r.Repo)
	if r.Number <= 0 {
		err = errors.Join(err, fmt.Errorf("number %d: want that of a pull request", r.Number))
	}
	if r.Key == "" {
		err = errors.Join(err, hint.Wrap(errors.New("the key of the comment is empty"), "set comment-key"))
	}
	body := marker(r.Key) + "\n" + r.Body
	if n := utf8.RuneCountInString(body); n > MaxCommentChars {
		err = errors.Join(err, fmt.Errorf("%w: %d characters, GitHub takes %d", ErrTooLong, n, MaxCommentChars))
	}
	if err != nil {
		return Comment{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, operationLimit)
	defer cancel()
	u := &upsert{
		c: c, p: c.patience(), owner: owner, name: name, number: r.Number, key: r.Key, body: body,
		gone: map[int64]bool{}, posted: map[int64]*github.IssueComment{},
	}
	for n := 0; ; n++ {
		again, e := u.round(ctx)
		switch {
		case e == nil && !again:
			return u.out, nil
		case e == nil && n+1 >= maxRounds:
			return u.out, hint.Wrap(errors.New("the comments change as fast as they are read"), "see what else writes comments with this key")
		case e != nil && (!u.sent || n+1 >= maxRounds || !u.p.wait(ctx, e, n)):
			return u.out, withHint(e)
		}
	}
}

// upsert is the state of one UpsertComment.
type upsert struct {
	c           *Client
	p           *patience
	owner, name string
	number      int
	key, body   string

	first   []int64                        // ids with the marker at the start, whoever's
	read    bool                           // first is filled
	posted  map[int64]*github.IssueComment // created by this call; a list may lag behind
	gone    map[int64]bool                 // deleted; a list may lag behind
	patched bool                           // an update was sent
	sent    bool                           // this round failed in a write: another round may help
	out     Comment
}

// round reads the comments and writes at most one step towards the goal. It
// returns true while another round is needed.
func (u *upsert) round(ctx context.Context) (again bool, e *Error) {
	u.sent = false
	ours, e := u.ours(ctx)
	if e != nil {
		return false, e
	}
	if len(ours) == 0 {
		u.sent = true
		return true, u.post(ctx)
	}
	keep := ours[0]
	if !sameBody(keep.GetBody(), u.body) {
		u.sent = true
		e := u.patch(ctx, keep.GetID())
		if e.is(ErrNotFound) { // deleted since it was listed
			u.gone[keep.GetID()] = true
			return true, nil
		}
		if e != nil {
			return false, e
		}
	}
	u.out.ID, u.out.URL, u.out.Operation = keep.GetID(), keep.GetHTMLURL(), u.operation(keep.GetID())
	for _, double := range ours[1:] {
		u.sent = true
		e := u.remove(ctx, double.GetID())
		if e != nil && !e.is(ErrNotFound) { // 404: a parallel run was faster
			return false, e
		}
		u.gone[double.GetID()] = true
		if e == nil {
			u.out.Deleted++
		}
	}
	return false, nil
}

func (u *upsert) operation(id int64) string {
	switch {
	case !slices.Contains(u.first, id):
		return "created"
	case u.patched:
		return "updated"
	default:
		return "unchanged"
	}
}

// ours lists every comment with the marker that the token's identity wrote, by id.
func (u *upsert) ours(ctx context.Context) ([]*github.IssueComment, *Error) {
	marked, e := u.marked(ctx)
	if e != nil {
		return nil, e
	}
	if !u.read {
		u.read = true
		for _, m := range marked {
			u.first = append(u.first, m.GetID())
		}
	}
	login := ""
	if len(marked) > 0 { // else nobody needs to know
		if login, e = u.c.whoami(ctx, u.p); e != nil {
			return nil, e
		}
	}
	var ours []*github.IssueComment
	listed := map[int64]bool{}
	for _, m := range marked {
		id := m.GetID()
		if !u.gone[id] && !listed[id] && (u.posted[id] != nil || wroteBy(login, m.GetUser())) {
			ours = append(ours, m)
			listed[id] = true
		}
	}
	for id, m := range u.posted {
		if !listed[id] && !u.gone[id] {
			ours = append(ours, m)
		}
	}
	slices.SortFunc(ours, func(a, b *github.IssueComment) int { return cmp.Compare(a.GetID(), b.GetID()) })
	return ours, nil
}

// marked reads all pages and keeps the comments that begin with the marker.
func (u *upsert) marked(ctx context.Context) ([]*github.IssueComment, *Error) {
	k := call{http.MethodGet, fmt.Sprintf("/repos/%s/%s/issues/%d/comments", u.owner, u.name, u.number)}
	comments, e := list[*github.IssueComment]{
		k: k,
		page: func(ctx context.Context, o github.ListOptions) ([]*github.IssueComment, *github.Response, error) {
			return u.c.gh.Issues.ListComments(ctx, u.owner, u.name, u.number, &github.IssueListCommentsOptions{ListOptions: o})
		},
	}.all(ctx, u.p)
	return slices.DeleteFunc(comments, func(m *github.IssueComment) bool { return !hasMarker(m.GetBody(), u.key) }), e
}

func (u *upsert) post(ctx context.Context) *Error {
	k := call{http.MethodPost, fmt.Sprintf("/repos/%s/%s/issues/%d/comments", u.owner, u.name, u.number)}
	made, _, err := u.c.gh.Issues.CreateComment(ctx, u.owner, u.name, u.number, &github.IssueComment{Body: &u.body})
	if err == nil && made.GetID() == 0 {
		err = errors.New("the answer names no comment")
	}
	if err != nil {
		return u.c.classify(k, err)
	}
	u.posted[made.GetID()] = made
	if login := made.GetUser().GetLogin(); login != "" {
		u.c.learnLogin(login) // the surest way to learn who the token is
	}
	return nil
}

func (u *upsert) patch(ctx context.Context, id int64) *Error {
	u.patched = true
	_, _, err := u.c.gh.Issues.EditComment(ctx, u.owner, u.name, id, &github.IssueComment{Body: &u.body})
	return u.c.classify(call{http.MethodPatch, u.commentPath(id)}, err)
}

func (u *upsert) remove(ctx context.Context, id int64) *Error {
	_, err := u.c.gh.Issues.DeleteComment(ctx, u.owner, u.name, id)
	return u.c.classify(call{http.MethodDelete, u.commentPath(id)}, err)
}

func (u *upsert) commentPath(id int64) string {
	return fmt.Sprintf("/repos/%s/%s/issues/comments/%d", u.owner, u.name, id)
}
